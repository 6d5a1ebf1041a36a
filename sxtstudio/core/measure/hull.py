"""The convex hull of an object: solidity and Feret diameters.

The hull is that of the voxels' centres. Solidity compares numbers of voxels, those of the object with those
whose centre lies in the hull: 1 for every convex body, however it was digitised. Hulls of voxel corners would
give 0.9 for a ball of 10 voxels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_DIRECTIONS = 200
# All points in one plane have no hull: it gets so much thickness, in voxels.
_THICKNESS = 1e-3
_EPSILON = 1e-7


@dataclass(frozen=True)
class Hull:
    """What the hull of an object gives.

    Attributes
    ----------
    voxels
        Voxels whose centre lies in it.
    feret_max, feret_min, feret_mean
        The greatest, the smallest and the mean distance of two parallel planes that just hold the object.
    """

    voxels: int
    feret_max: float
    feret_min: float
    feret_mean: float


def measure_hull(points: Ints, voxel: tuple[float, float, float]) -> Hull:
    """Return what the hull of ``points`` gives.

    Parameters
    ----------
    points
        Indices (n, 3) along (z, y, x): at least the first and the last voxel of every row of the object.
    voxel
        Edge lengths (z, y, x).
    """
    edges = np.array(voxel)
    try:
        hull = ConvexHull(points)
        corners = hull.points
    except (QhullError, ValueError):
        # In a plane, on a line, or a single voxel.
        ends = np.concatenate([np.eye(3), -np.eye(3)]) * _THICKNESS
        hull = ConvexHull((points[:, None] + ends).reshape(-1, 3))
        corners = hull.points
    triangles = corners[hull.simplices]
    outer = corners[hull.vertices] * edges
    normals = hull.equations[:, :3] / edges
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    # For few directions more than once: coplanar triangles are common.
    normals = np.unique(np.round(normals, 9), axis=0)
    return Hull(
        voxels=_centres_inside(triangles),
        feret_max=_longest(outer, edges),
        feret_min=float(_widths(outer, normals, edges).min()),
        feret_mean=float(_widths(outer, _sphere(), edges).mean()),
    )


def row_ends(mask: NDArray[np.uint8]) -> Ints:
    """Return the first and the last voxels of rows of a mask (z, y, x) that can be corners of its hull."""
    height, width = mask.shape[1:]
    rows = np.flatnonzero(mask.any(axis=2))
    z, y = np.divmod(rows, height)
    filled = mask[z, y]
    first = filled.argmax(axis=1)
    last = width - 1 - filled[:, ::-1].argmax(axis=1)
    left = _corners_only(z, y, first, mask.shape)
    right = _corners_only(z, y, width - 1 - last, mask.shape)
    ends = (np.stack([z[left], y[left], first[left]]), np.stack([z[right], y[right], last[right]]))
    return np.unique(np.concatenate(ends, axis=1).T, axis=0)


def hull_corners(points: Ints) -> Ints:
    """Return the points that are corners of their hull; all of them where they lie in one plane."""
    try:
        return np.asarray(points[ConvexHull(points).vertices])
    except (QhullError, ValueError):
        return points


def _corners_only(z: Ints, y: Ints, inset: Ints, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Leave out what lies between its neighbours: above and below in its slice, or in the slices beside."""
    far = 2 * shape[2]  # where there is no neighbour, nothing lies between
    table = np.full((shape[0] + 2, shape[1] + 2), far, np.int64)
    table[z + 1, y + 1] = inset
    stays = np.ones(len(z), np.bool_)
    for dz, dy in ((0, 1), (1, 0), (1, 1), (1, -1)):
        before, after = table[z + 1 - dz, y + 1 - dy], table[z + 1 + dz, y + 1 + dy]
        stays &= 2 * inset < before + after
    return stays


def _widths(outer: Floats, directions: Floats, edges: Floats) -> Floats:
    """Return the distance of the planes across each direction (n, 3) that hold the faces' middles."""
    # In pieces that stay in the cache of the processor.
    spans = [np.ptp(part @ outer.T, axis=1) for part in np.array_split(directions, 1 + len(directions) // 64)]
    # A voxel reaches beyond its centre by half an edge along the axis that reaches farthest.
    return np.asarray(np.concatenate(spans) + np.max(np.abs(directions) * edges, axis=1))


def _longest(outer: Floats, edges: Floats) -> float:
    """Return the greatest distance between middles of faces of voxels (scikit-image, feret_diameter_max)."""
    squares = np.square(outer).sum(axis=1)
    best = 0.0  # its square
    for begin in range(0, len(outer), 64):
        some = outer[begin : begin + 64]
        centres = squares[begin : begin + 64, None] + squares - 2 * (some @ outer.T)
        # Middles of faces lie by less than an edge farther apart than the centres.
        nearly = np.sqrt(max(float(centres.max()), best)) - edges.max()
        one, other = np.nonzero(centres >= max(nearly, 0.0) ** 2 - _EPSILON)
        apart = np.abs(some[one] - outer[other])
        exact = np.square(apart).sum(axis=1)
        # Half an edge at each end, along the axis that makes the pair longest.
        exact += np.max(2 * apart * edges + np.square(edges), axis=1)
        best = max(best, float(exact.max(initial=0.0)))
    return float(np.sqrt(best))


def _sphere() -> Floats:
    """Directions that cover half a sphere evenly (a Fibonacci lattice): (n, 3)."""
    number = np.arange(_DIRECTIONS)
    height = (number + 0.5) / _DIRECTIONS
    angle = number * np.pi * (3 - np.sqrt(5))
    radius = np.sqrt(1 - height**2)
    return np.stack([height, radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _centres_inside(triangles: Floats) -> int:
    """Count the places with whole coordinates in a convex body, whose triangles are (n, 3 corners, zyx).

    Each plane of constant z cuts the triangles in segments, and each row (z, y) cuts those in its first and
    last x.
    """
    low = np.ceil(triangles[:, :, 0].min(axis=1) - _EPSILON).astype(np.int64)
    high = np.floor(triangles[:, :, 0].max(axis=1) + _EPSILON).astype(np.int64)
    which, z = _ranges(low, high)
    first, second = _cut(triangles[which], z)
    bottom = np.minimum(first[:, 0], second[:, 0])
    top = np.maximum(first[:, 0], second[:, 0])
    segment, y = _ranges(
        np.ceil(bottom - _EPSILON).astype(np.int64), np.floor(top + _EPSILON).astype(np.int64)
    )
    if not len(segment):
        return 0
    a, b, z = first[segment], second[segment], z[segment]
    rise = b[:, 0] - a[:, 0]
    flat = np.abs(rise) < _EPSILON
    along = np.clip((y - a[:, 0]) / np.where(flat, 1, rise), 0, 1)
    x = a[:, 1] + along * (b[:, 1] - a[:, 1])
    least = np.where(flat, np.minimum(a[:, 1], b[:, 1]), x)
    most = np.where(flat, np.maximum(a[:, 1], b[:, 1]), x)
    row = (z - z.min()) * (y.max() - y.min() + 1) + (y - y.min())
    order = np.argsort(row, kind="stable")
    begins = np.flatnonzero(np.diff(row[order], prepend=-1))
    left = np.ceil(np.minimum.reduceat(least[order], begins) - _EPSILON)
    right = np.floor(np.maximum.reduceat(most[order], begins) + _EPSILON)
    return int(np.maximum(right - left + 1, 0).sum())


def _ranges(low: Ints, high: Ints) -> tuple[Ints, Ints]:
    """Return the numbers low…high of each pair, as (which pair, number)."""
    count = np.maximum(high - low + 1, 0)
    which = np.repeat(np.arange(len(low)), count)
    begins = np.cumsum(count) - count
    return which, np.arange(len(which)) - begins[which] + low[which]


def _cut(triangles: Floats, z: Ints) -> tuple[Floats, Floats]:
    """Return both ends (y, x) of the segment in which each triangle meets its plane."""
    n = len(triangles)
    ends = np.empty((n, 3, 2))
    met = np.zeros((n, 3), np.bool_)
    for edge in range(3):
        a, b = triangles[:, edge], triangles[:, (edge + 1) % 3]
        rise = b[:, 0] - a[:, 0]
        level = np.abs(rise) < _EPSILON
        along = (z - a[:, 0]) / np.where(level, 1, rise)
        met[:, edge] = ~level & (along > -_EPSILON) & (along < 1 + _EPSILON)
        # A level edge lies in the plane or the other two edges meet it: both give its ends.
        ends[:, edge] = a[:, 1:] + np.clip(along, 0, 1)[:, None] * (b[:, 1:] - a[:, 1:])
    place = np.where(met[:, :, None], ends, np.nan)
    # Two of the (two or three) points where the edges meet the plane lie farthest apart.
    pairs = [(0, 1), (1, 2), (2, 0)]
    apart = np.stack([np.square(place[:, i] - place[:, j]).sum(axis=1) for i, j in pairs], axis=1)
    best = np.argmax(np.nan_to_num(apart, nan=-1.0), axis=1)
    first = np.array([i for i, _ in pairs])[best]
    second = np.array([j for _, j in pairs])[best]
    every = np.arange(n)
    return ends[every, first], ends[every, second]
