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
_AT_ONCE = 250_000  # pairs of a plane and a row


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
    planes, low, high = _planes(hull)
    outer = corners[hull.vertices] * edges
    normals = planes[:, :3] / edges
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return Hull(
        voxels=_centres_inside(planes, low, high, outer / edges),
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
    right &= ~left | (first < last)  # a row of one voxel has one end
    return np.concatenate(
        [
            np.stack([z[left], y[left], first[left]], axis=1),
            np.stack([z[right], y[right], last[right]], axis=1),
        ]
    )


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
    many = max(64, _AT_ONCE // len(outer))
    for begin in range(0, len(outer), many):
        some = outer[begin : begin + many]
        centres = (-2 * some) @ outer.T
        centres += squares[begin : begin + many, None]
        centres += squares
        # Middles of faces lie by less than an edge farther apart than the centres.
        nearly = np.sqrt(max(float(centres.max()), best)) - edges.max()
        far = np.flatnonzero(centres >= max(nearly, 0.0) ** 2 - _EPSILON)  # much quicker than in 2D
        one, other = np.divmod(far, len(outer))
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


def _planes(hull: ConvexHull) -> tuple[Floats, Floats, Floats]:
    """Return the planes (n, 4) of a hull, each once, and the first and the last z (n,) of their faces.

    A plane is its normal, outwards, and what is to be added to make the product 0 on it. Qhull gives one per
    triangle, and triangles in one plane are common.
    """
    rounded = np.round(hull.equations[:, :3], 9)
    order = np.lexsort(rounded.T)
    begins = np.flatnonzero(np.diff(rounded[order], axis=0, prepend=2).any(axis=1))
    z = hull.points[:, 0][hull.simplices[order]]
    low = np.minimum.reduceat(z.min(axis=1), begins)
    return hull.equations[order[begins]], low, np.maximum.reduceat(z.max(axis=1), begins)


def _centres_inside(planes: Floats, low: Floats, high: Floats, outer: Floats) -> int:
    """Count the places with whole coordinates in a convex body.

    ``planes``, ``low`` and ``high`` are those of ``_planes``; ``outer`` (n, 3) its corners. A slice of the
    body is bounded by the faces that reach into it alone.
    """
    first = np.ceil(outer.min(axis=0) - _EPSILON).astype(np.int64)
    last = np.floor(outer.max(axis=0) + _EPSILON).astype(np.int64)
    y = np.arange(first[1], last[1] + 1)
    depth = max(1, _AT_ONCE // (len(planes) * max(1, len(y))))
    count = 0
    for begin in range(int(first[0]), int(last[0]) + 1, depth):
        z = np.arange(begin, min(begin + depth, int(last[0]) + 1))
        rows = np.stack([np.repeat(z, len(y)), np.tile(y, len(z)), np.ones(len(y) * len(z), np.int64)])
        count += _centres_in_rows(
            planes[(low <= z[-1] + _EPSILON) & (high >= z[0] - _EPSILON)], rows.astype(float)
        )
    return count


def _centres_in_rows(planes: Floats, rows: Floats) -> int:
    """Count the whole x inside of all planes (n, 4) in rows, which are their z, their y and ones (3, m)."""
    slope = planes[:, 2]
    along, ahead, behind = np.abs(slope) < _EPSILON, slope >= _EPSILON, slope <= -_EPSILON
    there = (planes[along][:, [0, 1, 3]] @ rows <= _EPSILON).all(axis=0)
    # The x at which each row meets each of the other planes.
    meets = (np.array([0, 0, _EPSILON]) - planes[:, [0, 1, 3]]) / np.where(along, 1, slope)[:, None]
    right = np.floor((meets[ahead] @ rows).min(axis=0))
    left = np.ceil((meets[behind] @ rows).max(axis=0))
    return int(np.maximum(right - left + 1, 0)[there].sum())
