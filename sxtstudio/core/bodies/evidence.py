"""What the network's certainty says of bodies that were found: whose outline it was not sure of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.bodies.walls import Numbers
from sxtstudio.core.geometry import Box
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume
from sxtstudio.core.walk import walk

#: Mean grey value of what is no outline, and that of outlines.
GreyLevels = tuple[float, float]

#: An outline of which the network is less sure than that, on average, is doubtful.
LEAST_SURE = 0.75


def find_doubtful(
    outlines: NDArray[np.uint8],
    bodies: Numbers,
    count: int,
    probability: Volume,
    progress: Progress | None = None,
) -> NDArray[np.bool_]:
    """Return which of the numbers 0…count have an outline that the network was not sure of.

    Parameters
    ----------
    outlines
        Labels (z, y, x), uint8.
    bodies
        Number at each voxel (z, y, x), uint32, with membranes.
    probability
        Of membrane, at each voxel: 0…255 in whole numbers, or 0…1.
    """
    depth, height, width = outlines.shape
    scale = 255.0 if np.dtype(probability.dtype).kind in "ui" else 1.0
    total, voxels = np.zeros(count + 1), np.zeros(count + 1, np.int64)
    for box in walk((depth, height, width), outlines, bodies, progress=progress):
        wall = (outlines[box.slices] != 0) & (bodies[box.slices] > 0)
        of = bodies[box.slices][wall]
        total += np.bincount(of, probability.read(box)[wall].astype(np.float64), count + 1)
        voxels += np.bincount(of, minlength=count + 1)
    result: NDArray[np.bool_] = (voxels > 0) & (total < LEAST_SURE * scale * voxels)
    return result


def output_at(probability: Volume, z: int) -> NDArray[np.float32]:
    """Return the network's output in a slice (y, x), 0…1."""
    _, height, width = probability.shape
    part = probability.read(Box((z, 0, 0), (z + 1, height, width)))[0]
    scale = np.float32(1 / 255 if np.dtype(probability.dtype).kind in "ui" else 1)
    result: NDArray[np.float32] = np.nan_to_num(part.astype(np.float32) * scale)
    return result


def darkness(
    outlines: NDArray[np.uint8],
    numbers: Numbers,
    count: int,
    image: Volume,
    progress: Progress | None = None,
    *,
    levels: GreyLevels | None = None,
) -> NDArray[np.float64]:
    """Return how each of the numbers 0…count differs from what is no outline, by how outlines differ from it.

    1 is as dark as an outline (or as bright, where membranes are bright); a lipid droplet is darker.

    Parameters
    ----------
    outlines
        Labels (z, y, x), uint8.
    numbers
        Number at each voxel (z, y, x), uint32.
    image
        The tomogram, any unit and polarity.
    levels
        As of ``grey_levels``, where they are known.
    """
    depth, height, width = outlines.shape
    total, voxels = np.zeros(count + 1), np.zeros(count + 1, np.int64)
    free, lines = levels or grey_levels(outlines, image)
    for box in walk((depth, height, width), outlines, numbers, progress=progress):
        part, of = image.read(box).astype(np.float32), numbers[box.slices].ravel()
        part[~np.isfinite(part)] = 0
        total += np.bincount(of, part.ravel(), count + 1)
        voxels += np.bincount(of, minlength=count + 1)
    if lines == free:
        return np.ones(count + 1)
    result: NDArray[np.float64] = (total / np.maximum(1, voxels) - free) / (lines - free)
    return result


def grey_levels(outlines: NDArray[np.uint8], image: Volume) -> GreyLevels:
    """Return the mean grey value of what is no outline, and that of outlines."""
    depth, height, width = outlines.shape
    grey, pixels = np.zeros(2), np.zeros(2, np.int64)
    for box in walk((depth, height, width), outlines):
        part, line = image.read(box).astype(np.float32), outlines[box.slices] != 0
        part[~np.isfinite(part)] = 0
        for side, where in enumerate((~line, line)):
            grey[side] += part[where].sum(dtype=np.float64)
            pixels[side] += where.sum()
    free, lines = (grey / np.maximum(1, pixels)).tolist()
    return free, lines
