"""What follows from how often each 2×2×2 (2×2) arrangement of voxels occurs: area, perimeter, Euler number.

An arrangement has a number: the sum of 2^k over its voxels of the object, k = 4 dz + 2 dy + dx.
"""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import SphericalVoronoi

from sxtstudio.core.measure.bricks import Brick

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
VoxelEdges = tuple[float, float, float]

_ROWS = 10_000  # that are weighted at once
# The voxels of each arrangement: (256, z, y, x) and (16, y, x).
_VOXELS = (np.arange(256)[:, None] >> np.arange(8) & 1).reshape(256, 2, 2, 2).astype(bool)
_PIXELS = (np.arange(16)[:, None] >> np.arange(4) & 1).reshape(16, 2, 2).astype(bool)


def plane_codes(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the number (0…15) of each 2×2 arrangement in the slices of ``mask`` (n, z, y, x)."""
    pairs = mask[..., :-1] + 2 * mask[..., 1:]
    return np.asarray(pairs[..., :-1, :] + 4 * pairs[..., 1:, :])


def count_planes(brick: Brick) -> Counts:
    """Return how often each 2×2 arrangement occurs in each slice of a brick: (n, z, 16)."""
    codes = plane_codes(_with_next(brick)[:, :-1])
    n, z = codes.shape[:2]
    places = (np.arange(n * z) * 16).reshape(n, z, 1, 1) + codes
    return np.bincount(places.reshape(-1), minlength=n * z * 16).reshape(n, z, 16)


def count_cells(brick: Brick) -> Counts:
    """Return how often each 2×2×2 arrangement occurs in each mask of a brick: (n, 256)."""
    planes = plane_codes(_with_next(brick))
    codes = planes[:, :-1] + 16 * planes[:, 1:]
    n = len(codes)
    places = (np.arange(n) * 256).reshape(n, 1, 1, 1) + codes
    return np.bincount(places.reshape(-1), minlength=n * 256).reshape(n, 256)


def weighted(counts: Counts, table: Floats) -> Floats:
    """Return the sum of each row of ``counts`` (…, k) weighted by ``table`` (k,).

    The sum of a row does not depend on the others, as it does to the last bit in a product of matrices: an
    object is measured alike whichever others are measured with it.
    """
    rows = counts.reshape(-1, counts.shape[-1])
    parts = [(rows[first : first + _ROWS] * table).sum(axis=1) for first in range(0, len(rows), _ROWS)]
    return np.concatenate([np.empty(0), *parts]).reshape(counts.shape[:-1])


def _with_next(brick: Brick) -> NDArray[np.uint8]:
    """The owned voxels and the next ones along each axis: an arrangement belongs to its first voxel."""
    _, *axes = brick.owned
    return brick.mask[(slice(None), *(slice(axis.start, axis.stop + 1) for axis in axes))]


@cache
def euler_table() -> Floats:
    """Return what each 2×2×2 arrangement adds to the Euler number (256,), 26-connected objects.

    The voxels are solid cubes: corners minus edges plus faces minus cubes. The arrangement lies around a
    corner, which has 6 edges that end in two corners each, 12 faces of four corners, 8 cubes of eight.
    """
    found = _VOXELS.any(axis=(1, 2, 3)).astype(float)
    for axis, side in product((1, 2, 3), (0, 1)):
        found -= _VOXELS.take(side, axis).any(axis=(1, 2)) / 2
    for axis in (1, 2, 3):
        found += _VOXELS.any(axis=axis).sum(axis=(1, 2)) / 4
    return np.asarray(found - _VOXELS.sum(axis=(1, 2, 3)) / 8)


@cache
def area_table(voxel: VoxelEdges) -> Floats:
    """Return what each 2×2×2 arrangement adds to the surface area (256,), by Crofton's formula.

    Lines in 13 directions cut the surface; each direction counts with its share of the sphere, also where
    voxels are not cubes (Ohser & Schladitz, 3D Images of Materials Structures, 2009, section 5.3).
    """
    offsets = [o for o in product((-1, 0, 1), repeat=3) if o > (0, 0, 0)]
    steps = np.array(offsets) * voxel
    length = np.linalg.norm(steps, axis=1)
    directions = steps / length[:, None]
    sphere = SphericalVoronoi(np.concatenate([directions, -directions]))
    shares = 2 * sphere.calculate_areas()[: len(offsets)] / (4 * np.pi)
    found = np.zeros(256)
    for offset, step, share in zip(offsets, length, shares, strict=True):
        # A pair of voxels lies in several arrangements: 4 along an axis, 2 across a face.
        shared = 2 ** offset.count(0)
        found += 2 * share * np.prod(voxel) / step * _cuts(_VOXELS, offset) / shared
    return found


@cache
def perimeter_table(pixel: tuple[float, float]) -> Floats:
    """Return what each 2×2 arrangement adds to the perimeter (16,), by Crofton's formula in 4 directions."""
    offsets = [(0, 1), (1, -1), (1, 0), (1, 1)]
    steps = np.array(offsets) * pixel
    length = np.linalg.norm(steps, axis=1)
    angle = np.arctan2(steps[:, 0], steps[:, 1]) % np.pi
    order = np.argsort(angle)
    turned = angle[order]
    gaps = np.diff(turned, append=turned[0] + np.pi)
    shares = np.empty(4)
    shares[order] = (gaps + np.roll(gaps, 1)) / 2 / np.pi
    found = np.zeros(16)
    for offset, step, share in zip(offsets, length, shares, strict=True):
        found += np.pi / 2 * share * np.prod(pixel) / step * _cuts(_PIXELS, offset) / 2 ** offset.count(0)
    return found


def _cuts(arrangements: NDArray[np.bool_], offset: tuple[int, ...]) -> NDArray[np.int64]:
    """How many pairs of voxels of each arrangement, so far apart, are of which one is inside."""
    first, second = [], []
    for step in offset:
        first.append(slice(0, 2 - step) if step >= 0 else slice(1, 2))
        second.append(slice(step, 2) if step >= 0 else slice(0, 1))
    differ = arrangements[(slice(None), *first)] != arrangements[(slice(None), *second)]
    return np.asarray(differ.reshape(len(arrangements), -1).sum(axis=1))
