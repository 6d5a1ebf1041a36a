"""Planes that an object may be split by: where they lie at first, and what they would divide."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box
from sxtstudio.core.object_split import beyond_plane
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import VoxelSize
from sxtstudio.core.walk import slab_slices

Vector = tuple[float, float, float]

# So many voxels of a box say well enough where an object lies and how it is directed.
_SEEN_VOXELS = 2_000_000
_SLAB_VOXELS = 1_000_000


def middle_and_axis(
    objects: NDArray[np.uint32], box: Box, number: int, voxel_nm: VoxelSize | None
) -> tuple[Vector, Vector]:
    """Return the middle of an object and the direction in which it is longest.

    Parameters
    ----------
    objects
        Objects by number (z, y, x).
    box
        That of the object; of a large one every second, third … voxel is looked at.
    voxel_nm
        Edge lengths (z, y, x); None: cubes.

    Returns
    -------
    middle, axis
        The centroid (z, y, x) in voxels, and a vector of length 1 in space: the first principal axis.
    """
    every = max(1, math.ceil((math.prod(box.shape) / _SEEN_VOXELS) ** (1 / 3)))
    part = objects[tuple(slice(first, last, every) for first, last in zip(box.start, box.stop, strict=True))]
    places = np.argwhere(np.asarray(part) == number) * float(every) + np.array(box.start, np.float64)
    if not len(places):
        z, y, x = ((first + last - 1) / 2 for first, last in zip(box.start, box.stop, strict=True))
        return (z, y, x), (1.0, 0.0, 0.0)
    middle = places.mean(axis=0)
    away = (places - middle) * np.array(voxel_nm or (1.0, 1.0, 1.0))
    _, directions = np.linalg.eigh(away.T @ away)
    return _vector(middle), _vector(directions[:, -1])


def turned(normal: Vector, tilt: float, turn: float) -> Vector:
    """Return a direction tilted and turned by degrees about two directions at right angles to it."""
    along = np.array(normal) / np.linalg.norm(normal)
    first = np.cross(along, np.eye(3)[int(np.abs(along).argmin())])
    first /= np.linalg.norm(first)
    second = np.cross(along, first)
    a, b = np.radians(tilt), np.radians(turn)
    return _vector(np.cos(a) * np.cos(b) * along + np.sin(a) * np.cos(b) * first + np.sin(b) * second)


def in_voxels(normal: Vector, voxel_nm: VoxelSize | None) -> Vector:
    """Return the normal of a plane in voxels, as ``split_by_plane`` takes it, for a direction in space."""
    return _vector(np.array(normal) * np.array(voxel_nm or (1.0, 1.0, 1.0)))


def shares(
    objects: NDArray[np.uint32],
    box: Box,
    number: int,
    point: Sequence[float],
    normal: Sequence[float],
    progress: Progress | None = None,
) -> tuple[int, int]:
    """Return how many voxels of an object lie before a plane and beyond it.

    ``point`` and ``normal`` (z, y, x) are in voxels. Slab by slab; a cancel takes effect between them.
    """
    before = beyond = 0
    depth = slab_slices(box.shape, _SLAB_VOXELS)
    for first in range(box.start[0], box.stop[0], depth):
        part = Box((first, *box.start[1:]), (min(first + depth, box.stop[0]), *box.stop[1:]))
        own = objects[part.slices] == number
        there = int(np.count_nonzero(own & beyond_plane(part, point, normal)))
        beyond += there
        before += int(np.count_nonzero(own)) - there
        if progress is not None:
            progress.check()
    return before, beyond


def _vector(values: NDArray[np.float64]) -> Vector:
    z, y, x = values.tolist()
    return (z, y, x)
