"""Block means of a tomogram, read few slices at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Triple
from sxtstudio.core.measured import measured_pixels
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume
from sxtstudio.core.walk import walk

# The reduced copy has about this many voxels along y and x: organelles are still seen.
REDUCED_PX = 200
LARGEST_FACTOR = 8


def reduction(volume: Volume) -> Triple:
    """Return how many voxels (z, y, x) become one; blocks are about cubes in nm where that is known."""
    depth, *across = volume.shape
    factor = min(LARGEST_FACTOR, max(2, round(max(across) / REDUCED_PX)))
    along_z = float(factor)
    if volume.voxel_nm is not None:
        along_z *= volume.voxel_nm[1] / volume.voxel_nm[0]
    return (max(1, min(round(along_z), 2 * LARGEST_FACTOR, depth)), factor, factor)


def reduce_volume(
    volume: Volume, progress: Progress
) -> tuple[NDArray[np.float32], NDArray[np.bool_], Triple]:
    """Return the block means (float32), which blocks hold an image, and the factor, all (z, y, x).

    A block without a finite voxel, or of which nothing was measured (``measured``), holds no image. What
    surrounds a reconstruction is the same in neighbouring slices, so of the few that are read together one is
    looked at.
    """
    factor = reduction(volume)
    _, height, width = volume.shape
    rows, columns = np.arange(0, height, factor[1]), np.arange(0, width, factor[2])
    block_px = np.outer(np.diff(rows, append=height), np.diff(columns, append=width)).astype(np.float32)
    means, usable = [], []
    for box in walk(volume.shape, progress=progress, stage="cell mask", slices=factor[0]):
        slab = volume.read(box)
        total, count = np.zeros_like(block_px), np.zeros_like(block_px)
        for plane in slab:
            values = plane.astype(np.float32)
            finite = np.isfinite(values)
            if finite.all():
                count += block_px
            else:
                values[~finite] = 0
                count += _per_block(np.add, finite.astype(np.float32), rows, columns)
            total += _per_block(np.add, values, rows, columns)
        means.append(total / np.maximum(count, 1))
        measured = measured_pixels(slab[-1])
        seen = np.ones(slab.shape[1:], np.float32) if measured is None else measured.astype(np.float32)
        usable.append((count > 0) & (_per_block(np.maximum, seen, rows, columns) > 0))
    return np.stack(means), np.stack(usable), factor


def _per_block(
    operation: np.ufunc, plane: NDArray[np.float32], rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[np.float32]:
    result: NDArray[np.float32] = operation.reduceat(operation.reduceat(plane, rows, axis=0), columns, axis=1)
    return result
