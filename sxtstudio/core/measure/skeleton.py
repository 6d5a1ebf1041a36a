"""The centre line of an object: its length along the skeleton, and how wide the object is along it.

Thinning an object to its skeleton leaves spurs, loses the tips and, with symmetric objects, now and then
everything. So the one path that matters is searched itself (as TEASAR does, Sato et al. 2000): from tip to
tip, the two voxels farthest apart within the object, along the way that keeps farthest from its surface.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import KDTree

from sxtstudio.core.distance import distances
from sxtstudio.core.measure.columns import Column, Quantity
from sxtstudio.core.measure.configurations import euler_table, plane_codes
from sxtstudio.core.measure.subject import ColumnGroup, Subject
from sxtstudio.core.measure.widths import beyond_tip, positions, radii_around, radii_at, widths_of
from sxtstudio.core.progress import Progress

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_NODES = 2500  # of a larger object blocks of voxels are joined until there are about as many
_FEW_NODES = 600  # are enough of a thick object, as long as there are
_ACROSS = 4  # blocks from its surface to its middle
_MOST_VOXELS = 30_000_000  # of a box; in a larger one blocks of voxels are joined before anything else
_SPECK = 216  # voxels of the box, rim included
_CENTRED = 3  # power with which a way is dearer the nearer it comes to the surface
_SMOOTH = 1.5  # steps of the path, along which its corners are rounded
_ROUND = 0.2  # of a voxel: so far beyond the outermost voxel's centre a round tip ends; a flat one, 0.5
_TIP_STEPS = 6  # of the path give the direction of its end
_STEPS = np.array([step for step in product((-1, 0, 1), repeat=3) if step != (0, 0, 0)])


@dataclass(frozen=True)
class CentreLine:
    """The centre line of an object.

    Attributes
    ----------
    points
        Along it, (n, 3) in voxels (z, y, x) of the mask, from one tip to the other.
    position
        How far along it each point is, (n,), in the unit of the voxel size; the first is 0.
    width
        The diameter of the largest ball in the object around each point, (n,); 0 at both tips. The points
        next to them lie no nearer to a tip than to the surface on their sides.
    length
        Of the whole line.
    closed
        It is a ring: its last point lies beside its first.
    """

    points: Floats
    position: Floats
    width: Floats
    length: float
    closed: bool = False

    @property
    def between_tips(self) -> Mask:
        """All points (n,) but the two tips."""
        found = np.ones(self.width.shape, bool)
        if not self.closed:
            found[[0, -1]] = False
        return found


def centre_line(mask: Mask, voxel: tuple[float, float, float]) -> CentreLine:
    """Find the centre line of an object.

    Parameters
    ----------
    mask
        The object (z, y, x), bool, with at least one voxel; where it touches a face of the array it is taken
        to go on there. Of several parts the largest counts; what it encloses counts as its own.
    voxel
        Edge lengths of a voxel (z, y, x).

    Returns
    -------
    CentreLine
        Lengths in the unit of ``voxel``.

    Notes
    -----
    Tips are those of Sato et al. (2000), Pacific Graphics, 281-289: the voxels with the longest way between
    them inside the object. Ways lead over the 26 neighbours and cost length / distance³ from the surface.
    """
    if mask.size > _MOST_VOXELS:
        joined = math.ceil((mask.size / _MOST_VOXELS) ** (1 / 3))
        blocks = _largest_of_blocks(mask, (joined, joined, joined))
        line = centre_line(blocks, (voxel[0] * joined, voxel[1] * joined, voxel[2] * joined))
        return replace(line, points=(line.points + 0.5) * joined - 0.5)
    mask = _without_cavities(mask)
    distance = distances(mask, voxel)
    distance[~np.isfinite(distance)] = max(n * edge for n, edge in zip(mask.shape, voxel, strict=True)) / 2
    graph = _Graph.of(mask, distance, voxel)
    first = graph.farthest(graph.outermost())
    last = graph.farthest(first)
    path = graph.path(first, last)
    ring = _ring(graph, path)
    if ring is not None:
        points = _smoothed(graph.places[ring], closed=True)
        width = widths_of(radii_at(points, distance, voxel, graph.factor, closed=True), voxel)
        return _line(points, width, graph.edges, closed=True)
    points = _resampled(_smoothed(graph.places[path], closed=False), graph)
    radius = radii_around(points, distance, graph.factor)
    inner = _inner(positions(points * graph.edges), radius)
    straight = points[0] - points[-1]
    ends = [
        _tip(line, straight * side, float(around), mask, graph)
        for line, side, around in (
            (points[inner], 1, radius[inner][0]),
            (points[inner][::-1], -1, radius[inner][-1]),
        )
    ]
    # What tapers has its smallest balls in the tips: the line is looked at from one end to the other.
    before = _resampled(np.stack([ends[0], points[inner[0]]]), graph)[:-1]
    after = _resampled(np.stack([points[inner[-1]], ends[1]]), graph)[1:]
    points = np.concatenate([before, points[inner], after])
    way = points * graph.edges
    radius = radii_at(points, distance, voxel, graph.factor)
    position, slack = positions(way), 0.5 * min(voxel)
    begin = beyond_tip(way, radius, slack)
    end = len(points) - beyond_tip(way[::-1], radius[::-1], slack)
    if begin >= end:
        begin = int(np.argmax(np.minimum(position, position[-1] - position)))
        end = begin + 1
    points = np.concatenate([ends[:1], points[begin:end], ends[1:]])
    width = widths_of(radius[begin:end], voxel)
    return _line(points, np.concatenate([[0.0], width, [0.0]]), graph.edges, closed=False)


@dataclass(frozen=True)
class _Graph:
    """Voxels of an object, or blocks of ``factor`` voxels, and the ways between neighbours.

    ``places`` (n, 3) are their centres in voxels, ``edges`` those of a voxel, ``steps`` those of a block,
    ``solid`` where there is a node, in blocks with one more on each side, ``depth`` (n,) the distance from
    the surface, ``ways`` the lengths between neighbours, ``centred`` what they cost.
    """

    places: Floats
    blocks: NDArray[np.int64]
    solid: Mask
    factor: tuple[int, int, int]
    edges: Floats
    depth: Floats
    ways: csr_array
    centred: csr_array

    @classmethod
    def of(cls, mask: Mask, distance: NDArray[np.float32], voxel: tuple[float, float, float]) -> _Graph:
        """Make the graph of the largest part of an object."""
        volume = int(np.count_nonzero(mask)) * math.prod(voxel)
        thick = min(float(distance.max()) / _ACROSS, (volume / _FEW_NODES) ** (1 / 3))
        edge = max(min(voxel), (volume / _NODES) ** (1 / 3), thick)
        factor = tuple(max(1, round(edge / own)) for own in voxel)
        reduced = _largest_of_blocks(distance, factor)  # a block with any voxel counts: nothing thin is lost
        solid = np.pad(_largest_part(reduced > 0), 1)
        inside = np.flatnonzero(solid)
        blocks = np.stack(np.unravel_index(inside, solid.shape), axis=1) - 1
        depth = reduced[tuple(blocks.T)].astype(np.float64)
        own = np.arange(len(inside), dtype=np.int32)
        index = np.full(solid.size, -1, np.int32)
        index[inside] = own
        # Row by row the neighbours of each node, in the order of _STEPS: both ways of a pair are there. Where
        # there is no neighbour a way leads back, which no search takes, and all rows are of one length.
        neighbours = index[inside[:, None] + _STEPS @ (np.array(solid.strides) // solid.itemsize)]
        np.copyto(neighbours, own[:, None], where=neighbours < 0)
        rows = np.arange(0, neighbours.size + 1, len(_STEPS), dtype=np.int32)
        steps = np.array(voxel) * factor
        length = np.broadcast_to(np.linalg.norm(_STEPS * steps, axis=1), neighbours.shape)
        cost = 0.5 * (depth / depth.max()) ** -_CENTRED
        size, ends = (len(inside), len(inside)), neighbours.reshape(-1)
        return cls(
            (blocks + 0.5) * factor - 0.5,
            blocks,
            solid,
            (factor[0], factor[1], factor[2]),
            np.array(voxel),
            depth,
            csr_array((length.reshape(-1), ends, rows), size),
            csr_array(((length * (cost[:, None] + cost[neighbours])).reshape(-1), ends, rows), size),
        )

    @property
    def steps(self) -> Floats:
        """Edges of a block."""
        return self.edges * self.factor

    def has_tunnel(self) -> bool:
        """Whether the object has a hole that one can look through."""
        codes = plane_codes(self.solid.view(np.uint8)[None])[0]
        return bool(euler_table()[codes[:-1] + 16 * codes[1:]].sum() < 0.5)

    def outermost(self) -> int:
        """Return the node farthest from the middle of all: the way to look for the tips begins there."""
        places = self.places * self.edges
        return int(np.argmax(np.square(places - places.mean(axis=0)).sum(axis=1)))

    def farthest(self, node: int) -> int:
        """Return the node with the longest way from another one, inside the object."""
        way = dijkstra(self.ways, indices=node)
        # Ways over voxels are longer than they should be, by direction: as they would be in free space.
        steps = np.abs(self.blocks - self.blocks[node])
        free = _free_ways(steps, self.steps)
        straight = np.sqrt(np.square(steps) @ np.square(self.steps))
        ratio = np.divide(straight, free, out=np.ones_like(straight), where=free > 0)
        return int(np.argmax(way * ratio))

    def path(self, first: int, last: int, without: Mask | None = None) -> NDArray[np.int64]:
        """Return the nodes of the way from one to another that keeps in the middle of the object.

        Nothing where there is no way over nodes that are not in ``without`` (n,).
        """
        ways, kept = self.centred, np.arange(len(self.places))
        if without is not None:
            if without[first] or without[last]:
                return kept[:0]
            kept = np.flatnonzero(~without)
            ways = ways[kept][:, kept]
            first, last = int(np.searchsorted(kept, first)), int(np.searchsorted(kept, last))
        _, before = dijkstra(ways, indices=first, return_predecessors=True)
        path = [last]
        while path[-1] != first and before[path[-1]] >= 0:
            path.append(int(before[path[-1]]))
        return kept[path[::-1]] if path[-1] == first else kept[:0]


def _free_ways(steps: NDArray[np.int64], edges: Floats) -> Floats:
    """Return the lengths of ways over 26 neighbours, in free space, by blocks along each axis (n, 3).

    As many steps as can be lead along all axes, then along two, then along one; ``edges`` are of a block.
    """
    # The axis goes along in the last bits: sorting three columns by hand is much quicker than along rows.
    one, other, third = (4 * steps + np.arange(3)).T
    one, other = np.minimum(one, other), np.maximum(one, other)
    least, third = np.minimum(one, third), np.maximum(one, third)
    middle, most = np.minimum(other, third), np.maximum(other, third)
    squares = edges**2
    single, double = np.sqrt(squares), np.sqrt(squares.sum() - squares)
    a, b, c = least >> 2, middle >> 2, most >> 2
    ways = a * math.sqrt(squares.sum()) + (b - a) * double[least & 3] + (c - b) * single[most & 3]
    return np.asarray(ways)


def _ring(graph: _Graph, path: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Return the nodes round an object that is a ring, half of which is ``path``; None where it is none."""
    if len(path) < 2 * _TIP_STEPS or not graph.has_tunnel():
        return None
    line = graph.places[path] * graph.edges
    position, depth = positions(line), graph.depth[path]
    ends = 1.5 * depth[[0, -1]] + depth.max()
    inner = (position > ends[0]) & (position[-1] - position > ends[1])
    apart, nearest = KDTree(line).query(graph.places * graph.edges)
    other = graph.path(int(path[0]), int(path[-1]), without=inner[nearest] & (apart <= 2 * depth[nearest]))
    if not inner.any() or not other.size:
        return None
    # The tips lie at its outer side: once more, from half of the one way to half of the other.
    begin, end = int(path[len(path) // 2]), int(other[len(other) // 2])
    halves = []
    for tip in (path[0], path[-1]):
        there = np.linalg.norm((graph.places - graph.places[tip]) * graph.edges, axis=1)
        halves.append(graph.path(begin, end, without=there <= 2.5 * depth.max()))
    if not all(half.size for half in halves) or set(halves[0][1:-1]) & set(halves[1]):
        return None  # the ways meet: it is a plate, which they only pass a hole of
    return np.concatenate([halves[0], halves[1][-2:0:-1]])


def _inner(position: Floats, radius: Floats) -> NDArray[np.int64]:
    """Return the points of a line (n,) that lie no nearer to its ends than to the surface; one at least."""
    to_end = np.minimum(position, position[-1] - position)
    inner = np.flatnonzero(to_end >= radius)
    if not inner.size:
        inner = np.array([np.argmax(to_end)])
    return np.arange(inner[0], inner[-1] + 1)


def _tip(line: Floats, straight: Floats, radius: float, mask: Mask, graph: _Graph) -> Floats:
    """Return where the object ends, straight on beyond the first point of a line.

    ``radius`` is the object's at this point. Where the line is too short to have a direction, it is that of
    ``straight``.
    """
    start = line[0] * graph.edges
    far = np.flatnonzero(np.linalg.norm(line * graph.edges - start, axis=1) >= 2 * radius)
    along = start - line[far[0]] * graph.edges if far.size else straight * graph.edges
    if not along.any():
        along = graph.edges * (graph.edges == graph.edges.max())
    along = along / np.linalg.norm(along)
    reach = 2.5 * radius / graph.edges + 1
    beside = 1.2 * radius + float(graph.edges.max())
    # What is ahead and beside lies in a part of the box only.
    back = beside * np.sqrt(np.maximum(1 - along**2, 0)) / graph.edges
    below = np.where(along >= 0, np.minimum(back, reach), reach)
    above = np.where(along <= 0, np.minimum(back, reach), reach)
    low = np.maximum(0, np.floor(line[0] - below)).astype(int)
    high = np.ceil(line[0] + above).astype(int) + 1
    near = mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    places = [(np.arange(n) + a) * edge for n, a, edge in zip(near.shape, low, graph.edges, strict=True)]
    z, y, x = np.ix_(*(place - at for place, at in zip(places, start, strict=True)))
    ahead = z * along[0] + y * along[1] + x * along[2]
    there = near & (z**2 + y**2 + x**2 - ahead**2 <= beside**2)
    beyond = float(ahead[there].max(initial=0.0)) + _ROUND * float(np.linalg.norm(along * graph.edges))
    return np.asarray((start + beyond * along) / graph.edges)


def _resampled(points: Floats, graph: _Graph) -> Floats:
    """Return points on the same line about half a block apart: widths are to be those all along it."""
    position = positions(points * graph.edges)
    step = max(float(graph.edges.min()), float(graph.steps.min()) / 2)
    every = np.linspace(0, position[-1], math.ceil(position[-1] / step) + 1)
    return np.stack([np.interp(every, position, axis) for axis in points.T], axis=1)


def _line(points: Floats, width: Floats, edges: Floats, *, closed: bool) -> CentreLine:
    position = positions(points * edges)
    length = float(position[-1])
    if closed:
        length += float(np.linalg.norm((points[0] - points[-1]) * edges))
    return CentreLine(points, position, width, length, closed)


def _smoothed(points: Floats, *, closed: bool) -> Floats:
    """Round the corners of a path; its ends stay where they are."""
    if closed:
        return np.asarray(ndimage.gaussian_filter1d(points, _SMOOTH, axis=0, mode="wrap"))
    n = min(len(points) - 1, math.ceil(4 * _SMOOTH))
    if n < 1:
        return points
    before, after = 2 * points[0] - points[n:0:-1], 2 * points[-1] - points[-2 : -n - 2 : -1]
    wide = ndimage.gaussian_filter1d(np.concatenate([before, points, after]), _SMOOTH, axis=0)
    return np.asarray(wide[n:-n])


def _without_cavities(mask: Mask) -> Mask:
    """Return an object with what it encloses."""
    outside, count = cc3d.connected_components(~mask, connectivity=6, return_N=True)
    if count < 2:
        return mask
    open_parts = np.zeros(count + 1, bool)
    for axis in range(3):
        for face in (0, -1):
            open_parts[np.unique(outside.take(face, axis=axis))] = True
    open_parts[0] = False
    return np.asarray(~open_parts[outside])


def _largest_part(mask: Mask) -> Mask:
    """Return the part with the most voxels (26 neighbours); the first of several."""
    parts, count = cc3d.connected_components(mask, connectivity=26, return_N=True)
    if count < 2:
        return mask
    return np.asarray(parts == 1 + np.argmax(np.bincount(parts.reshape(-1))[1:]))


def _largest_of_blocks(values: NDArray[Any], factor: tuple[int, ...]) -> NDArray[Any]:
    """Return the largest value of each block of voxels."""
    if max(factor) == 1:
        return values
    padding = [(0, -n % f) for n, f in zip(values.shape, factor, strict=True)]
    found = np.pad(values, padding)
    for axis, step in enumerate(factor):
        lines = np.moveaxis(found, axis, 0)
        # Slice by slice, which is several times quicker than the largest along short axes.
        largest = lines[::step].copy()
        for first in range(1, step):
            np.maximum(largest, lines[first::step], out=largest)
        found = np.moveaxis(largest, 0, axis)
    return np.ascontiguousarray(found)


_SOURCE = "after Sato et al. 2000 (TEASAR), as in kimimaro"
COLUMNS: tuple[Column, ...] = (
    Column(
        "skeleton_length",
        "Length along skeleton",
        Quantity.NM,
        "Length of the centre line of the object, from tip to tip along its longest way; of a ring, once "
        "round it. Of a branched object it is the longest of its ways; of several parts, the largest counts.",
        "sum of the distances between neighbouring points of the centre line, smoothed",
        _SOURCE,
    ),
    Column(
        "width_mean",
        "Width, mean",
        Quantity.NM,
        "Mean width along the centre line: the diameter of the largest ball that fits into the object around "
        "each of its points. Both ends, up to the balls that fill the tips, are left out.",
        "2 × mean(distance from the surface) + 0.4 × shortest edge of a voxel, which is lost where no voxel "
        "lies right in the middle",
    ),
    Column("width_sd", "Width, SD", Quantity.NM, "Standard deviation of the width along the centre line."),
    Column("width_min", "Width, smallest", Quantity.NM, "Smallest width along the centre line."),
    Column("width_max", "Width, largest", Quantity.NM, "Largest width along the centre line."),
    Column(
        "straightness",
        "Straightness",
        Quantity.NUMBER,
        "Distance between the ends of the centre line over its length: 1 is straight, a ring has 0.",
        "|last - first| / skeleton_length",
    ),
)


def _row(line: CentreLine, edges: Floats) -> tuple[float, ...]:
    width = line.width[line.between_tips]
    apart = 0.0 if line.closed else float(np.linalg.norm((line.points[-1] - line.points[0]) * edges))
    return (
        line.length,
        float(width.mean()),
        float(width.std()),
        float(width.min()),
        float(width.max()),
        apart / line.length,
    )


def _measure(subject: Subject, progress: Progress) -> dict[str, NDArray[np.generic]]:
    edges = np.array(subject.voxel)
    values = np.full((len(COLUMNS), len(subject.inventory.numbers)), np.nan)
    known: dict[tuple[tuple[int, ...], bytes], tuple[float, ...]] = {}
    for crop in subject.crops(1, progress):
        mask = crop.mask
        # Specks are often of the same shape, and there can be a hundred thousand of them.
        key = (mask.shape, mask.tobytes()) if mask.size <= _SPECK else None
        row = None if key is None else known.get(key)
        if row is None:
            row = _row(centre_line(mask, subject.voxel), edges)
            if key is not None:
                known[key] = row
        values[:, crop.row] = row
    return {column.key: own for column, own in zip(COLUMNS, values, strict=True)}


SKELETON = ColumnGroup(COLUMNS, _measure, share=3.0)
