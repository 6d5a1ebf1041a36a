"""Objects by hand: one becomes two, along a drawn line, a plane, or between two points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sxtstudio.core.brushes import Point
from sxtstudio.core.distance import distances
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.object_hand import MOST_VOXELS, Hand, Mask
from sxtstudio.core.object_table import ObjectFlag, ObjectRow
from sxtstudio.core.objects import CONNECTIVITY
from sxtstudio.core.planes import IN_PLANE, from_planes
from sxtstudio.core.volume import VoxelSize

# The line is drawn by hand: so far beside it an object may still be crossed by it.
_REACH_PX = 1.5
_FINE_VOXELS = 4_000_000
_ONE_PIECE = "The object is still in one piece. Draw the line all the way across it."


@dataclass(frozen=True)
class Line:
    """A line in a slice perpendicular to ``axis``: corners (row, column); whole numbers are pixel centres."""

    axis: int
    points: tuple[Point, ...]

    def beyond(self, box: Box) -> Mask:
        """Return which pixels (rows, columns) of a box lie to one side of the line, drawn on for ever."""
        rows, columns = (np.arange(box.start[own], box.stop[own], dtype=float) for own in IN_PLANE[self.axis])
        points = np.array(self.points, np.float64)
        middle = np.array((rows.mean(), columns.mean()))
        far = 4 * (np.abs(points - middle).max() + len(rows) + len(columns))
        points = np.array([_onward(points[1], points[0], far), *points, _onward(points[-2], points[-1], far)])
        # The side is a polygon: the line, and a wide arc from its end back to its beginning.
        ends = points[[-1, 0]] - middle
        last, first = np.arctan2(ends[:, 0], ends[:, 1])
        turns = np.linspace(last, first + (2 * np.pi if first <= last else 0), 60)
        arc = middle + 3 * far * np.stack([np.sin(turns), np.cos(turns)], axis=1)
        return _inside(rows, columns, np.concatenate([points, arc]))

    def near(self, box: Box) -> Mask:
        """Return which pixels (rows, columns) of a box lie at the line as it was drawn."""
        rows, columns = (np.arange(box.start[own], box.stop[own], dtype=float) for own in IN_PLANE[self.axis])
        squared = np.full((len(rows), len(columns)), np.inf)
        for (y0, x0), (y1, x1) in zip(self.points, self.points[1:], strict=False):
            dy, dx = y1 - y0, x1 - x0
            length = max(dy * dy + dx * dx, 1e-12)
            along = ((rows[:, None] - y0) * dy + (columns[None] - x0) * dx) / length
            along = np.clip(along, 0, 1)
            off = (rows[:, None] - y0 - along * dy) ** 2 + (columns[None] - x0 - along * dx) ** 2
            squared = np.minimum(squared, off)
        return squared <= _REACH_PX**2


def split_by_line(hand: Hand, number: int, line: Line) -> int:
    """Split an object by the surface through a line along the normal of its slice.

    What the surface does not part stays whole: of an object that the line, drawn on, meets once more
    elsewhere, only the piece that was drawn across comes off. A piece that hangs on to neither part goes to
    the nearer one. The larger part keeps the number.

    Returns
    -------
    int
        The number of the new object.

    Raises
    ------
    UserError
        If it is not there, or still in one piece.
    """
    box = hand.box_of(number)
    if int(np.prod(box.shape)) > MOST_VOXELS:
        return _halve(hand, number, lambda part: from_planes(line.beyond(part)[None], line.axis))
    box, own = hand.where(number)
    beyond = np.broadcast_to(from_planes(line.beyond(box)[None], line.axis), own.shape)
    near = np.broadcast_to(from_planes(line.near(box)[None], line.axis), own.shape)
    return _divide(hand, number, box, own, beyond, near)


def split_by_plane(hand: Hand, number: int, point: Sequence[float], normal: Sequence[float]) -> int:
    """Split an object by a plane; return the number of the new object.

    Parameters
    ----------
    point, normal
        Of the plane (z, y, x), in voxels; whole numbers are centres of voxels.

    Raises
    ------
    UserError
        If it is not there, or lies on one side of the plane.
    """
    return _halve(hand, number, lambda part: beyond_plane(part, point, normal))


def beyond_plane(part: Box, point: Sequence[float], normal: Sequence[float]) -> Mask:
    """Return which voxels of a box (z, y, x) lie beyond the plane of a point and a normal, in voxels."""
    z, y, x = ((np.arange(part.start[i], part.stop[i]) - point[i]) * normal[i] for i in range(3))
    side: Mask = z[:, None, None] + y[None, :, None] + x[None, None] > 0
    return side


def split_by_points(
    hand: Hand, number: int, first: Triple, second: Triple, voxel_nm: VoxelSize | None = None
) -> int:
    """Split an object where it is thinnest between two of its voxels (watershed on the distance map).

    Parameters
    ----------
    first, second
        Voxels (z, y, x) of the object, one in each part.
    voxel_nm
        Edge lengths (z, y, x), for the distances.

    Returns
    -------
    int
        The number of the new object: the smaller part.

    Raises
    ------
    UserError
        If the points are not two voxels of it, or it is too large.
    """
    from skimage.segmentation import watershed  # takes long to load

    box, own = hand.where(number, advice="Split it by a line.")
    points = []
    for voxel in (first, second):
        z, y, x = (v - a for v, a in zip(voxel, box.start, strict=True))
        inside = all(0 <= n < size for n, size in zip((z, y, x), own.shape, strict=True))
        if not inside or not own[z, y, x]:
            raise UserError(f"Both points must lie on object {number}. Click on one part, then on the other.")
        points.append((z, y, x))
    if points[0] == points[1]:
        raise UserError("Both clicks were on the same voxel. Click on one part, then on the other.")
    depth = distances(own, voxel_nm or (1.0, 1.0, 1.0), border=True)
    # A click near the rim would be flooded from the other part: each goes down to the middle of its own.
    ways = [_way_in(depth, point) for point in points]
    if ways[0][-1] == ways[1][-1]:
        parts = _nearest(own, points, voxel_nm)
    else:
        # The border of large parts is found at half the resolution: eight times quicker, a pixel coarser.
        step = 2 if own.size > _FINE_VOXELS else 1
        depth, mask = _coarse(depth, step), _coarse(own, step)
        seeds = np.zeros(mask.shape, np.int32)
        for mark, way in enumerate(ways, 1):
            seeds[tuple(np.array(way).T // step)] = mark
        parts = watershed(-depth, seeds, mask=mask)
        for axis in range(3):
            parts = parts.repeat(step, axis)
        parts = np.where(own, parts[tuple(slice(size) for size in own.shape)], 0)
    return _give(hand, number, box, own, _with_rest(own, parts == 1, parts == 2))


def _coarse(values: NDArray[Any], step: int) -> NDArray[Any]:
    """Return the largest value of each block of ``step`` voxels to a side; itself for 1."""
    if step == 1:
        return values
    padded = np.pad(values, [(0, -size % step) for size in values.shape])
    z, y, x = (size // step for size in padded.shape)
    largest: NDArray[Any] = padded.reshape(z, step, y, step, x, step).max(axis=(1, 3, 5))
    return largest


def _way_in(depth: NDArray[np.float32], start: Triple) -> list[Triple]:
    """Return the voxels from ``start`` to where an object is thickest nearby, always the steepest way."""
    way = [start]
    while True:
        z, y, x = way[-1]
        corner = (max(z - 1, 0), max(y - 1, 0), max(x - 1, 0))
        around = depth[corner[0] : z + 2, corner[1] : y + 2, corner[2] : x + 2]
        best = np.unravel_index(int(np.argmax(around)), around.shape)
        if around[best] <= depth[z, y, x]:
            return way
        dz, dy, dx = (int(n) for n in best)
        way.append((corner[0] + dz, corner[1] + dy, corner[2] + dx))


def _nearest(own: Mask, points: list[Triple], voxel_nm: VoxelSize | None) -> NDArray[np.uint8]:
    """Return 1 or 2 for the voxels of an object that are nearer to one point or the other, 0 elsewhere."""
    edges = np.array(voxel_nm or (1.0, 1.0, 1.0))
    places = np.argwhere(own)
    one, other = ((((places - point) * edges) ** 2).sum(axis=1) for point in points)
    parts = np.zeros(own.shape, np.uint8)
    parts[own] = np.where(one <= other, 1, 2)
    return parts


def _halve(hand: Hand, number: int, beyond: Callable[[Box], Mask]) -> int:
    """Split an object into what lies beyond and what does not, slab by slab; nothing else is asked."""
    counts = [0, 0]
    for box in hand.slabs(number):
        own = hand.objects[box.slices] == number
        there = int(np.count_nonzero(own & beyond(box)))
        counts[0] += int(np.count_nonzero(own)) - there
        counts[1] += there
    if not all(counts):
        raise UserError(_ONE_PIECE)
    new, takes_beyond = hand.table.next_number, counts[1] <= counts[0]
    for box in hand.slabs(number):
        side = beyond(box) if takes_beyond else ~beyond(box)
        hand.recorder.paint(box, (hand.objects[box.slices] == number) & side, new)
    hand.change_rows(_rows_of_parts(hand, number, new))
    return new


def _divide(hand: Hand, number: int, box: Box, own: Mask, beyond: Mask, near: Mask) -> int:
    """Split at the places of the surface that the line was drawn across, and nowhere else."""
    sides = np.where(own, np.where(beyond, np.uint8(2), np.uint8(1)), np.uint8(0))
    pieces, count = cc3d.connected_components(
        sides, connectivity=CONNECTIVITY, out_dtype=np.uint32, return_N=True
    )
    touching, cut = _contacts(pieces, sides, near)
    if not len(cut):
        raise UserError(_ONE_PIECE)
    here = set(map(tuple, cut.tolist()))
    joined = [pair for pair in touching.tolist() if tuple(pair) not in here]
    links = np.array(joined, np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(links), bool), (links[:, 0], links[:, 1])), shape=(count + 1, count + 1))
    group = connected_components(graph, directed=False)[1]
    ones, others = (set(group[[pair[i] for pair in cut]].tolist()) for i in (0, 1))
    # What hangs together elsewhere stays together, with the other side of the line.
    low, high = np.isin(group, list(ones - others)), np.isin(group, list(others))
    low[0] = high[0] = False
    return _give(hand, number, box, own, _with_rest(own, low[pieces], high[pieces]))


def _contacts(
    pieces: NDArray[np.uint32], sides: NDArray[np.uint8], near: Mask
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs (piece on one side, piece on the other) that touch, and those that touch at the line."""
    touching: list[NDArray[np.int64]] = []
    cut: list[NDArray[np.int64]] = []
    for dz in (-1, 0, 1):
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                if (dz, dy, dx) <= (0, 0, 0):
                    continue  # each pair of neighbours once
                here, there = zip(*(_shifted(step) for step in (dz, dy, dx)), strict=True)
                met = (sides[here] ^ sides[there]) == 3  # of the sides 1 and 2
                if not met.any():
                    continue
                pairs = np.stack([pieces[here][met], pieces[there][met]], axis=1).astype(np.int64)
                swapped = sides[here][met] == 2
                pairs[swapped] = pairs[swapped, ::-1]
                touching.append(pairs)
                cut.append(pairs[(near[here] | near[there])[met]])
    return _unique(touching), _unique(cut)


def _shifted(step: int) -> tuple[slice, slice]:
    if step == 0:
        return slice(None), slice(None)
    return (slice(None, -1), slice(1, None)) if step > 0 else (slice(1, None), slice(None, -1))


def _unique(pairs: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    if not pairs:
        return np.empty((0, 2), np.int64)
    return np.unique(np.concatenate(pairs), axis=0)


def _with_rest(own: Mask, one: Mask, other: Mask) -> Mask:
    """Return ``other`` and those voxels of ``own`` in neither that hang on to pieces nearer to it."""
    rest = own & ~one & ~other
    if not rest.any():
        return other
    pieces, count = cc3d.connected_components(
        rest, connectivity=CONNECTIVITY, out_dtype=np.uint32, return_N=True
    )
    places = range(1, count + 1)
    to_one, to_other = (
        np.asarray(ndimage.minimum(distances(~part), pieces, places)) for part in (one, other)
    )
    goes = np.concatenate([[False], to_other < to_one])
    taken: Mask = other | goes[pieces]
    return taken


def _give(hand: Hand, number: int, box: Box, own: Mask, part: Mask) -> int:
    """Give ``part`` of an object, or the rest of it if that is smaller, a new number."""
    voxels, whole = int(np.count_nonzero(part)), int(np.count_nonzero(own))
    if not 0 < voxels < whole:
        raise UserError(_ONE_PIECE)
    new = hand.table.next_number
    hand.recorder.paint(box, part if 2 * voxels <= whole else own & ~part, new)
    hand.change_rows(_rows_of_parts(hand, number, new))
    return new


def _rows_of_parts(hand: Hand, number: int, new: int) -> dict[int, ObjectRow | None]:
    """Return the rows of both parts: all is as of the whole, but one may lie at no face of the volume now."""
    row = hand.table.rows[number]
    at_face = {part: _at_face(hand, number, part) for part in (number, new)}
    if ObjectFlag.BORDER not in row.flags or not any(at_face.values()):
        return {new: row}  # or it lies at the edge of what was measured, which both may do
    inner = replace(row, flags=row.flags - {ObjectFlag.BORDER})
    return {part: row if at else inner for part, at in at_face.items()}


def _at_face(hand: Hand, whole: int, number: int) -> bool:
    """Whether an object that has come off ``whole``, or is the rest of it, touches a face of the volume."""
    box = hand.box_of(whole)
    for axis in range(3):
        length = hand.shape[axis]
        faces = {0, length - 1} if length > 1 else set()  # a single slice has none
        for face in faces.intersection((box.start[axis], box.stop[axis] - 1)):
            place = list(box.slices)
            place[axis] = slice(face, face + 1)
            if (hand.objects[tuple(place)] == number).any():
                return True
    return False


def _onward(before: NDArray[np.float64], end: NDArray[np.float64], far: float) -> NDArray[np.float64]:
    """Return a point far beyond ``end``, in the direction from ``before``."""
    way = end - before
    return end + way * (far / max(float(np.hypot(*way)), 1e-9))


def _inside(rows: NDArray[np.float64], columns: NDArray[np.float64], corners: NDArray[np.float64]) -> Mask:
    """Return which pixels lie within a polygon (n, 2) of (row, column), by the even-odd rule."""
    inside = np.zeros((len(rows), len(columns)), np.bool_)
    for (y0, x0), (y1, x1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        crossed = (rows >= min(y0, y1)) & (rows < max(y0, y1))
        if crossed.any():
            at = x0 + (rows[crossed] - y0) * (x1 - x0) / (y1 - y0)
            inside[crossed] ^= columns[None] < at[:, None]
    return inside
