"""Implicit shapes of cell parts: each gives a function that is negative inside, in a box of voxels.

The values need not be distances; ``signed_distance`` turns them into distances near the surface.
Coordinates and lengths are voxels, axes (z, y, x).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import CubicSpline
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from sxtstudio.core.geometry import Box, Triple

Array = NDArray[np.float32]
Vector = NDArray[np.float64]


def grid(box: Box) -> Array:
    """Return the voxel coordinates of ``box``, shape (3, z, y, x)."""
    return np.stack(np.mgrid[box.slices]).astype(np.float32)


def smooth_noise(rng: np.random.Generator, shape: Triple, wavelength: float) -> Array:
    """Return smooth random values of mean 0 and SD 1 that vary over about ``wavelength`` voxels."""
    step = max(1.0, wavelength / 4)
    coarse_shape = [int(np.ceil(n / step)) + 4 for n in shape]
    coarse = ndimage.gaussian_filter(rng.normal(size=coarse_shape).astype(np.float32), 1.2)
    offset = rng.uniform(0.5, 1.5, size=3)
    matrix = np.full(3, 1 / step)
    fine: Array = ndimage.affine_transform(
        coarse, matrix, offset=offset, output_shape=shape, order=1, output=np.float32, mode="nearest"
    )
    return (fine - fine.mean()) / max(float(fine.std()), 1e-6)


def bumpy_ellipsoid(
    rng: np.random.Generator, box: Box, centre: Vector, radii: Vector, turn: Rotation, bumps: float
) -> Array:
    """Return an implicit ellipsoid whose radius varies by the share ``bumps``."""
    local = (grid(box).reshape(3, -1).T - centre) @ turn.as_matrix()
    q = np.sqrt(((local / radii) ** 2).sum(axis=1)).reshape(box.shape).astype(np.float32)
    if bumps > 0:
        q += bumps * smooth_noise(rng, box.shape, float(radii.mean()) * 1.5)
    return (q - 1) * float(radii.min())


def random_curve(
    rng: np.random.Generator, start: Vector, direction: Vector, length: float, bend: float
) -> Vector:
    """Return points about half a voxel apart along a smooth random curve, shape (n, 3)."""
    knots = max(4, int(length / 25))
    heading = direction / np.linalg.norm(direction)
    points = [start]
    for _ in range(knots - 1):
        heading = heading + rng.normal(scale=bend, size=3) * np.array([0.5, 1.0, 1.0])
        heading /= np.linalg.norm(heading)
        points.append(points[-1] + heading * length / (knots - 1))
    curve = CubicSpline(np.arange(knots), np.array(points))
    return curve(np.linspace(0, knots - 1, max(8, int(2 * length))))


def tube(rng: np.random.Generator, box: Box, curve: Vector, radius: float, swelling: float) -> Array:
    """Return the distance to a tube along ``curve`` whose radius varies by the share ``swelling``."""
    radii = radius * (
        1 + swelling * np.clip(ndimage.gaussian_filter1d(rng.normal(size=len(curve)), 20) * 6, -1, 1)
    )
    distance, nearest = cKDTree(curve).query(grid(box).reshape(3, -1).T, distance_upper_bound=4 * radius + 12)
    missed = nearest == len(curve)
    nearest[missed] = 0
    distance = np.where(missed, 4 * radius + 12, distance - radii[nearest])
    return distance.reshape(box.shape).astype(np.float32)


def sheet(
    rng: np.random.Generator, box: Box, centre: Vector, normal: Vector, extent: float, half: float
) -> Array:
    """Return the distance to a wavy, finite sheet of half thickness ``half``."""
    local = grid(box) - centre.reshape(3, 1, 1, 1).astype(np.float32)
    height = np.tensordot(normal.astype(np.float32), local, axes=1)
    radial = np.sqrt(np.maximum((local**2).sum(axis=0) - height**2, 0))
    height += extent * 0.12 * smooth_noise(rng, box.shape, extent)
    edge = radial - extent * (1 + 0.2 * smooth_noise(rng, box.shape, extent / 2))
    return np.maximum(np.abs(height) - half, edge).astype(np.float32)


def signed_distance(implicit: Array) -> tuple[Array, Array]:
    """Return the distance to the surface, and how upright the surface stands in the slice.

    The distance is first order, f / |∇f|, good near the surface. The second array is the length of
    the unit normal's part in the slice: 1 for a surface at right angles to it, 0 for a parallel one.
    """
    dz, dy, dx = np.gradient(implicit)
    in_slice = dy**2 + dx**2
    length = np.sqrt(in_slice + dz**2)
    np.maximum(length, 1e-3, out=length)
    return implicit / length, np.sqrt(in_slice) / length
