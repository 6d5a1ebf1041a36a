"""The inside of a filopodium, open as its outline may be, and the voxels that it and its membrane fill.

::

       cell, wide            base                        a gap       tip
    ━━━━━━━━━━━━━━━━━━━━━━━┓                        a disk does not fit
                           ┗━━━━━━━━━━━━━━━━━━━━━━  ━━━━━━━━━━━┓
       a disk fits here      the inside: too narrow for it      ┃
                           ┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
    ━━━━━━━━━━━━━━━━━━━━━━━┛

Inside is what a disk wider than the filopodium cannot reach, slice by slice (tops and bottoms are missing in
±60° data). So the base is closed where the cell begins, and a gap along the outline; nothing is dilated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cc3d
import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.bodies.regions import wall_half_px
from sxtstudio.core.filopodia.pieces import THICKER_PX, Follower
from sxtstudio.core.filopodia.walking import near_to
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import VoxelSize

Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]

#: The inside is looked for so far from a click on the outline, px more than the outline is wide.
_NEAR_PX = 2
#: How wide outlines are is measured so far around a click, px.
_OUTLINES_PX = 120
#: A lumen has walls in this share of the directions.
_ENCLOSED = 0.9
#: The disk is so many times as wide as the filopodium: that varies along it.
_DISK = 2.0
#: Its usual width is measured as far from its middle as so many times half its width there.
_AROUND = 6.0


class OneObject:
    """An object of a volume of numbers (z, y, x), read as labels are: filled, so that it has no lumen."""

    def __init__(self, objects: NDArray[Any], number: int) -> None:
        """Read ``objects`` where they have this number."""
        self._objects, self._number = objects, number
        z, y, x = objects.shape
        self.shape: Triple = (z, y, x)

    def __getitem__(self, part: tuple[slice | int, ...]) -> Any:
        """Return a window, or a voxel: 1 where the object is."""
        return (self._objects[part] == self._number).astype(np.uint8)


@dataclass(frozen=True)
class Solid:
    """What fills a window: a filopodium and maybe what it hangs on.

    Attributes
    ----------
    box
        The window.
    where
        Voxels in it (bool): the inside with the membrane around it, or label voxels that hang together.
    inside
        Those without a membrane; None for a filopodium that has no lumen.
    start
        A voxel (z, y, x) of it in the window, near the click.
    half_width, half_inside
        From its middle to its surface at the click, and to its membrane (0 without a lumen), in the unit of
        the spacing.
    """

    box: Box
    where: Mask
    inside: Mask | None
    start: Triple
    half_width: float
    half_inside: float


@dataclass(frozen=True)
class Lumen:
    """A voxel (z, y, x) in the middle of the inside, half the width of that there, and half of the wall's."""

    middle: Triple | None
    half_width: float
    half_wall_px: float


def lumen_near(labels: Labels, seed: Triple, spacing: VoxelSize, widest: float) -> Lumen:
    """Find the inside of the filopodium at a click on or in it; its ``middle`` is None where it has none."""
    pixel = min(spacing[1:])
    reach = int(np.ceil(widest / pixel)) + 8
    box = Box(seed, _plus_one(seed)).grown((_slices(reach / 2, spacing), reach, reach), _shape(labels))
    outline = labels[box.slices] != 0
    half_wall = _half_wall_px(labels, seed, spacing)
    z, y, x = (s - a for s, a in zip(seed, box.start, strict=True))
    depth = np.stack([edt.edt(~plane, anisotropy=spacing[1:], black_border=False) for plane in outline])
    if not outline.any():
        return Lumen(None, widest, half_wall)
    on_outline = bool(outline[z, y, x])
    stroke = Lumen(None, 0.0, half_wall)
    if on_outline:
        top_y, top_x, half = _thickest(outline, (z, y, x), spacing)
        stroke = Lumen(None, half, half_wall)
        inner = half - half_wall * pixel
        if half >= (half_wall + THICKER_PX) * pixel and inner <= widest / 2:
            stroke = Lumen((seed[0], top_y + box.start[1], top_x + box.start[2]), inner, half_wall)
            reach_z = _slices(2 * half_wall + _NEAR_PX, spacing)
            if not _is_roof(outline, depth, (z, y, x), reach_z, inner, pixel):
                return stroke
    starts = _around(outline, (z, y, x), 2 * half_wall + _NEAR_PX, spacing) if on_outline else [(z, y, x)]
    found: list[tuple[float, float, Triple]] = []
    for start in starts:
        top_y, top_x = _uphill(depth[start[0]], start[1], start[2])
        half = float(depth[start[0], top_y, top_x])
        if half <= widest / 2:
            open_ = 1 - _enclosed(outline[start[0]], top_y, top_x, 4 * half / pixel + 4)
            # Of places that are as enclosed as each other, the middle: above and below it is narrower.
            found.append((round(open_, 1), -half, (start[0], top_y, top_x)))
    if not found:
        return stroke
    _, narrowest, top = min(found)
    half = -narrowest
    middle = (top[0] + box.start[0], top[1] + box.start[1], top[2] + box.start[2])
    return Lumen(middle, max(half, _usual_half(labels, middle, half, spacing, widest)), half_wall)


def _is_roof(
    outline: Mask, depth: NDArray[np.float32], place: Triple, reach_z: int, least: float, pixel: float
) -> bool:
    """Whether above or below a label voxel is a lumen about as wide as the label: it only covers that."""
    z, y, x = place
    for ahead in (1, -1):
        for near in range(z + ahead, z + ahead * reach_z, ahead):
            if not 0 <= near < len(outline):
                break
            if depth[near, y, x] and outline[near].any():
                top_y, top_x = _uphill(depth[near], y, x)
                wide = float(depth[near, top_y, top_x])
                if (
                    wide >= least
                    and _enclosed(outline[near], top_y, top_x, 4 * wide / pixel + 4) >= _ENCLOSED
                ):
                    return True
    return False


def _half_wall_px(labels: Labels, seed: Triple, spacing: VoxelSize) -> float:
    """Return half the usual width of the outlines around, those of one filopodium being few among them."""
    around = (_slices(_OUTLINES_PX / 4, spacing), _OUTLINES_PX, _OUTLINES_PX)
    box = Box(seed, _plus_one(seed)).grown(around, _shape(labels))
    every = max(1, box.shape[0] // 8)
    return wall_half_px(labels[box.slices][::every] != 0)


def _usual_half(labels: Labels, middle: Triple, half: float, spacing: VoxelSize, widest: float) -> float:
    """Return half the usual width of the inside around a place: at a tip it is narrower than elsewhere."""
    around = [int(np.ceil((_AROUND * half + 8 * min(spacing[1:])) / edge)) for edge in spacing]
    box = Box(middle, _plus_one(middle)).grown((around[0], around[1], around[2]), _shape(labels))
    outline = labels[box.slices] != 0
    depth = np.stack([edt.edt(~plane, anisotropy=spacing[1:], black_border=False) for plane in outline])
    narrow = ~outline & (depth <= widest / 2)
    numbers = cc3d.connected_components(narrow, connectivity=6)
    own = numbers[_within(box, middle)]
    ridge = (numbers == own) & (depth == ndimage.maximum_filter(depth, (1, 3, 3)))
    return float(np.median(depth[ridge])) if own and ridge.any() else half


def filled_near(labels: OneObject, seed: Triple, spacing: VoxelSize, widest: float) -> Lumen:
    """Return how wide an object is at a click on it."""
    reach = int(np.ceil(widest / min(spacing[1:]))) + 2
    box = Box(seed, _plus_one(seed)).grown((0, reach, reach), labels.shape)
    outline = labels[box.slices] != 0
    place = _within(box, seed)
    return Lumen(None, _thickest(outline, place, spacing)[2] if outline[place] else 0.0, 0.0)


def solid_in(
    labels: Labels | OneObject, box: Box, seed: Triple, lumen: Lumen, spacing: VoxelSize, progress: Progress
) -> Solid | None:
    """Return what fills a window around a click, or None where there is neither inside nor label."""
    outline = labels[box.slices] != 0
    start = _within(box, seed if lumen.middle is None else lumen.middle)
    if lumen.middle is None:
        if not outline[start]:
            return None
        numbers = cc3d.connected_components(outline, connectivity=26)
        return Solid(box, numbers == numbers[start], None, start, lumen.half_width, 0.0)
    assert not isinstance(labels, OneObject), "what is filled has no lumen"
    pixel = min(spacing[1:])
    radius = max(_DISK * lumen.half_width, lumen.half_width + 2 * pixel)
    if not outline[start]:
        inside = _too_narrow(labels, box, radius, spacing, progress)
        numbers = cc3d.connected_components(inside, connectivity=6)
        if not numbers[start]:
            return None
        inside = numbers == numbers[start]
        reach = (2 * lumen.half_wall_px + 1.5) * pixel
        near = near_to(inside, reach, spacing)
        half_width = lumen.half_width + 2 * lumen.half_wall_px * pixel
        return Solid(box, inside | (outline & near), inside, start, half_width, lumen.half_width)
    pad = int(np.ceil(radius / pixel)) + 1
    wide = box.grown((0, pad, pad), _shape(labels))
    missing = [
        (pad - (box.start[axis] - wide.start[axis]), pad - (wide.stop[axis] - box.stop[axis]))
        for axis in (1, 2)
    ]
    half_wall = lumen.half_wall_px
    follower = Follower(labels[wide.slices] != 0, missing, pad, radius, half_wall, spacing, progress)
    found = follower.follow(start, over_strokes=True)
    if found is None:
        return None
    spaces, strokes = found
    wall = half_wall * pixel
    middle = _middle_of(strokes, wall, spacing)
    filled = None
    if np.count_nonzero(spaces) > np.count_nonzero(middle):
        # It has a lumen: a stroke is its roof, or where it touches a neighbour, and leads elsewhere.
        alone = follower.follow(start, over_strokes=False)
        if alone is not None:
            filled = _with_walls(outline, alone[0], alone[0], start, (2 * wall + 1.5 * pixel), spacing)
    if filled is None:
        filled = _with_walls(
            outline, spaces, spaces | middle, start, (2 * wall + 1.5 * pixel), spacing, strokes
        )
    if filled is None:
        return None
    where, inside = filled
    half_width = lumen.half_width + 2 * wall
    return Solid(box, where, inside, start, half_width, lumen.half_width)


def _with_walls(
    outline: Mask,
    spaces: Mask,
    inside: Mask,
    start: Triple,
    reach: float,
    spacing: VoxelSize,
    strokes: Mask | None = None,
) -> tuple[Mask, Mask] | None:
    """Return what hangs together with a voxel, and the inside of that; None if there is no inside."""
    where = spaces | (outline & (edt.edt(~spaces, anisotropy=spacing, black_border=False) <= reach))
    if strokes is not None and strokes.any():
        near = edt.edt(~strokes, anisotropy=spacing, black_border=False) <= 1.5 * min(spacing[1:])
        where |= strokes | (outline & near)
    if not where[start]:
        return None
    numbers = cc3d.connected_components(where, connectivity=26)
    where = numbers == numbers[start]
    inside = inside & where
    return (where, inside) if inside.any() else None


def _too_narrow(labels: Labels, box: Box, disk: float, spacing: VoxelSize, progress: Progress) -> Mask:
    """Return what is free of labels in a window and where a disk of this radius does not fit, per slice."""
    pad = int(np.ceil(disk / min(spacing[1:]))) + 1
    wide = box.grown((0, pad, pad), _shape(labels))
    missing = [
        (pad - (box.start[axis] - wide.start[axis]), pad - (wide.stop[axis] - box.stop[axis]))
        for axis in (1, 2)
    ]
    result = np.zeros(box.shape, np.bool_)
    for z, plane in enumerate(labels[wide.slices]):
        progress.check()
        # Beyond a border of the volume it goes on as it came: a tube cut across or along is no wide space.
        free = np.pad(plane == 0, missing, mode="symmetric")
        if free.all():
            continue
        centres = edt.edt(free, anisotropy=spacing[1:], black_border=False) >= disk
        reached = edt.edt(~centres, anisotropy=spacing[1:], black_border=False) < disk
        result[z] = (free & ~reached)[pad : pad + box.shape[1], pad : pad + box.shape[2]]
    return result


def _middle_of(strokes: Mask, wall: float, spacing: VoxelSize) -> Mask:
    """Return what of strokes without a lumen lies deeper in the slices than a wall is thick."""
    middle = np.zeros_like(strokes)
    for z in np.flatnonzero(strokes.any(axis=(1, 2))):
        middle[z] = edt.edt(strokes[z], anisotropy=spacing[1:], black_border=False) > wall
    return middle


def _around(outline: Mask, place: Triple, reach_px: float, spacing: VoxelSize) -> list[Triple]:
    """Return free voxels near one of an outline."""
    reach, slices = int(np.ceil(reach_px)), _slices(reach_px, spacing)
    low = [max(0, at - n) for at, n in zip(place, (slices, reach, reach), strict=True)]
    part = tuple(slice(a, at + n + 1) for a, at, n in zip(low, place, (slices, reach, reach), strict=True))
    return [(z + low[0], y + low[1], x + low[2]) for z, y, x in np.argwhere(~outline[part])[::2].tolist()]


def _slices(px: float, spacing: VoxelSize) -> int:
    """Return how many slices are as thick as so many px are wide."""
    return int(np.ceil(px * min(spacing[1:]) / spacing[0]))


def _uphill(depth: NDArray[np.float32], y: int, x: int) -> tuple[int, int]:
    """Return where the distance from the outlines is largest, going up from a pixel."""
    while True:
        top, left = max(0, y - 1), max(0, x - 1)
        part = depth[top : y + 2, left : x + 2]
        best = int(part.argmax())
        up, along = divmod(best, part.shape[1])
        if part[up, along] <= depth[y, x]:
            return y, x
        y, x = top + up, left + along


def _enclosed(outline: Mask, y: int, x: int, reach_px: float) -> float:
    """Return the share of directions in which a label lies within reach."""
    angles = np.arange(24) * 2 * np.pi / 24
    steps = np.arange(1, reach_px)
    ys = np.rint(y + np.sin(angles)[:, None] * steps).astype(int)
    xs = np.rint(x + np.cos(angles)[:, None] * steps).astype(int)
    there = (ys >= 0) & (ys < outline.shape[0]) & (xs >= 0) & (xs < outline.shape[1])
    hit = outline[np.where(there, ys, 0), np.where(there, xs, 0)] & there
    return float(hit.any(axis=1).mean())


def _thickest(outline: Mask, place: Triple, spacing: VoxelSize) -> tuple[int, int, float]:
    """Return the middle (y, x) of the label at a voxel, and half its thickness there; 0: there is none."""
    z, y, x = place
    depth = edt.edt(outline[z], anisotropy=spacing[1:], black_border=False)
    y, x = _uphill(depth, y, x)
    return y, x, float(depth[y, x])


def _within(box: Box, place: Triple) -> Triple:
    return (place[0] - box.start[0], place[1] - box.start[1], place[2] - box.start[2])


def _plus_one(place: Triple) -> Triple:
    return (place[0] + 1, place[1] + 1, place[2] + 1)


def _shape(array: NDArray[np.generic]) -> Triple:
    depth, height, width = array.shape
    return (depth, height, width)
