"""Closed shapes as implicit functions: negative inside, positive outside, zero on the membrane.

All functions work on a box of the phantom and return float32 arrays of the box's shape; lengths are
voxels, axes (z, y, x).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation

from sxtstudio.core.geometry import Box, Triple

Array = NDArray[np.float32]
Vector = NDArray[np.float64]

#: Within this many voxels of a surface its distance and its lean are known; beyond, values are only rough.
NEAR_PX = 8.0


def axes(box: Box, centre: Vector | None = None) -> list[Array]:
    """Return the coordinates z, y and x of ``box`` as arrays that broadcast, counted from ``centre``."""
    origin = np.zeros(3) if centre is None else centre
    return [
        (grid - middle).astype(np.float32) for grid, middle in zip(np.ogrid[box.slices], origin, strict=True)
    ]


def smooth_noise(rng: np.random.Generator, shape: Triple, wavelength: float) -> Array:
    """Return smooth random values of mean 0 and SD 1 that vary over about ``wavelength`` voxels."""
    step = max(1.0, wavelength / 4)
    coarse_shape = [int(np.ceil(n / step)) + 4 for n in shape]
    coarse = rng.standard_normal(coarse_shape, np.float32)
    fine: Array = ndimage.gaussian_filter(coarse, 1.2)
    # Linear interpolation is separable: one small matrix for each axis.
    for axis, (n, offset) in enumerate(zip(shape, rng.uniform(0.5, 1.5, size=3), strict=True)):
        weights = _interpolation(n, coarse_shape[axis], 1 / step, offset)
        fine = np.moveaxis(np.tensordot(weights, fine, axes=(1, axis)), 0, axis)
    fine = np.ascontiguousarray(fine)
    fine -= fine.mean()
    fine /= np.float32(max(float(fine.std()), 1e-6))
    return fine


def _interpolation(n: int, coarse: int, scale: float, offset: float) -> Array:
    """Return the matrix (n, coarse) that reads ``coarse`` values at offset + scale · (0…n−1)."""
    at = np.clip(offset + scale * np.arange(n), 0, coarse - 1.001)
    left = at.astype(int)
    weights = np.zeros((n, coarse), np.float32)
    weights[np.arange(n), left] = 1 - (at - left)
    weights[np.arange(n), left + 1] += at - left
    return weights


def bumpy_ellipsoid(
    rng: np.random.Generator, box: Box, centre: Vector, radii: Vector, turn: Rotation, bumps: float
) -> Array:
    """Return an implicit ellipsoid whose radius varies by the share ``bumps``."""
    z, y, x = axes(box, centre)
    q: Array = np.zeros(box.shape, np.float32)
    for column, radius in zip(turn.as_matrix().T.astype(np.float32), radii, strict=True):
        along = z * column[0] + y * column[1] + x * column[2]
        along /= np.float32(radius)
        along *= along
        q += along
    np.sqrt(q, out=q)
    if bumps > 0:
        q += np.float32(bumps) * smooth_noise(rng, box.shape, float(radii.mean()) * 1.5)
    return (q - 1) * np.float32(radii.min())


def random_curve(
    rng: np.random.Generator,
    start: Vector,
    direction: Vector,
    length: float,
    bend: float,
    knot_px: float = 25.0,
) -> Vector:
    """Return points about half a voxel apart along a smooth random curve, shape (n, 3).

    Every ``knot_px`` voxels the heading changes by about ``bend`` (radians), less along z.
    """
    knots = max(4, int(length / knot_px))
    heading = direction / np.linalg.norm(direction)
    points = [start]
    for _ in range(knots - 1):
        heading = heading + rng.normal(scale=bend, size=3) * np.array([0.5, 1.0, 1.0])
        heading /= np.linalg.norm(heading)
        points.append(points[-1] + heading * length / (knots - 1))
    curve = CubicSpline(np.arange(knots), np.array(points))
    return np.asarray(curve(np.linspace(0, knots - 1, max(8, int(2 * length)))))


def tube(
    rng: np.random.Generator, box: Box, curve: Vector, radius: float, swelling: float, reach: float = NEAR_PX
) -> Array:
    """Return the distance to a tube along ``curve`` whose radius varies by the share ``swelling``.

    The tube is a chain of round cones; farther than ``reach`` outside it the value is just ``reach``.
    """
    waves = ndimage.gaussian_filter1d(rng.normal(size=len(curve)), max(4.0, 2 * radius)) if swelling else None
    radii = np.full(len(curve), radius)
    if waves is not None:
        radii *= 1 + swelling * np.clip(waves / max(waves.std(), 1e-9) * 0.6, -1, 1)
    distance = np.full(box.shape, reach, np.float32)
    stride = max(4, int(radius))  # points lie about half a voxel apart
    marks = [*range(0, len(curve) - 1, stride), len(curve) - 1]
    low_corner, size = np.array(box.start), np.array(box.shape)
    for a, b in pairwise(marks):
        ends = np.stack([curve[a], curve[b]]) - low_corner
        thickest = max(radii[a], radii[b]) + reach
        low = np.maximum(np.floor(ends.min(0) - thickest), 0).astype(int)
        high = np.minimum(np.ceil(ends.max(0) + thickest) + 1, size).astype(int)
        if (high <= low).any():
            continue
        window = tuple(slice(p, q) for p, q in zip(low, high, strict=True))
        z, y, x = ((g - c).astype(np.float32) for g, c in zip(np.ogrid[window], ends[0], strict=True))
        dz, dy, dx = (ends[1] - ends[0]).astype(np.float32)
        along = np.clip((z * dz + y * dy + x * dx) / max(dz * dz + dy * dy + dx * dx, 1e-6), 0, 1)
        gap = np.sqrt((z - along * dz) ** 2 + (y - along * dy) ** 2 + (x - along * dx) ** 2)
        gap -= np.float32(radii[a]) + along * np.float32(radii[b] - radii[a])
        np.minimum(distance[window], gap, out=distance[window])
    return distance


def stack_of_sheets(
    rng: np.random.Generator,
    box: Box,
    centre: Vector,
    normal: Vector,
    extent: float,
    half: float,
    spacing: float = 0.0,
    count: int = 1,
    bowl: float = 0.0,
    waviness: float = 0.12,
) -> list[Array]:
    """Return the distances to ``count`` wavy, finite sheets of half thickness ``half``, one above another.

    ``bowl`` is how far their rims bend along the normal, as a share of ``extent``.
    """
    z, y, x = axes(box, centre)
    nz, ny, nx = (normal / np.linalg.norm(normal)).astype(np.float32)
    height = z * nz + y * ny + x * nx
    radial = np.sqrt(np.maximum(z * z + y * y + x * x - height * height, 0))
    height += np.float32(extent * waviness) * smooth_noise(rng, box.shape, extent)
    if bowl:
        height -= np.float32(bowl / extent) * radial * radial
    edge = radial - np.float32(extent) * (1 + np.float32(0.2) * smooth_noise(rng, box.shape, extent / 2))
    sheets = []
    for k in range(count):
        shift = np.float32((k - (count - 1) / 2) * spacing)
        shrink = np.float32(extent * rng.uniform(0, 0.3)) if count > 1 else np.float32(0)
        sheets.append(np.maximum(np.abs(height - shift) - np.float32(half), edge + shrink))
    return sheets


def signed_distance(implicit: Array) -> tuple[Array, Array]:
    """Return the distance to the surface, and how upright the surface stands in the slice.

    The distance is first order, f / |∇f|, near the surface (``NEAR_PX``) and the implicit function itself
    beyond. The second array is the length of the unit normal's part in the slice: 1 for a surface at
    right angles to it, 0 for a parallel one; it is 1 far from the surface.
    """
    distance, upright = implicit.copy(), np.ones(implicit.shape, np.float32)
    near = np.flatnonzero(np.abs(implicit) < NEAR_PX)
    flat = np.ascontiguousarray(implicit).ravel()
    squares = []
    positions = np.unravel_index(near, implicit.shape)
    step = 1
    for axis in (2, 1, 0):
        size = implicit.shape[axis]
        before = near - np.where(positions[axis] > 0, step, 0)
        after = near + np.where(positions[axis] < size - 1, step, 0)
        slope = (flat[after] - flat[before]) / np.maximum((after - before) / step, 1).astype(np.float32)
        squares.append(slope * slope)
        step *= size
    in_slice = squares[0] + squares[1]
    length = np.maximum(np.sqrt(in_slice + squares[2]), 1e-3)
    distance.reshape(-1)[near] = flat[near] / length
    upright.reshape(-1)[near] = np.sqrt(in_slice) / length
    return distance, upright
