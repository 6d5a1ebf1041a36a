"""What the network's certainty says of bodies that were found: whose outline it was not sure of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.bodies.walls import Numbers
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume
from sxtstudio.core.walk import walk

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


def darkness(
    outlines: NDArray[np.uint8], numbers: Numbers, count: int, image: Volume, progress: Progress | None = None
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
    """
    depth, height, width = outlines.shape
    total, voxels = np.zeros(count + 1), np.zeros(count + 1, np.int64)
    sums = _Levels()
    for box in walk((depth, height, width), outlines, numbers, progress=progress):
        part, of = image.read(box).astype(np.float32), numbers[box.slices].ravel()
        part[~np.isfinite(part)] = 0
        total += np.bincount(of, part.ravel(), count + 1)
        voxels += np.bincount(of, minlength=count + 1)
        sums.add(part, outlines[box.slices] != 0)
    free, lines = sums.means
    if lines == free:
        return np.ones(count + 1)
    result: NDArray[np.float64] = (total / np.maximum(1, voxels) - free) / (lines - free)
    return result


def grey_levels(outlines: NDArray[np.uint8], image: Volume) -> tuple[float, float]:
    """Return the mean grey value of what is no outline, and that of outlines."""
    depth, height, width = outlines.shape
    sums = _Levels()
    for box in walk((depth, height, width), outlines):
        part = image.read(box).astype(np.float32)
        part[~np.isfinite(part)] = 0
        sums.add(part, outlines[box.slices] != 0)
    return sums.means


class _Levels:
    """Sums grey values of what is no outline, and of outlines."""

    def __init__(self) -> None:
        self._grey, self._pixels = np.zeros(2), np.zeros(2, np.int64)

    def add(self, part: NDArray[np.float32], line: NDArray[np.bool_]) -> None:
        for side, where in enumerate((~line, line)):
            self._grey[side] += part[where].sum(dtype=np.float64)
            self._pixels[side] += where.sum()

    @property
    def means(self) -> tuple[float, float]:
        free, lines = (self._grey / np.maximum(1, self._pixels)).tolist()
        return free, lines
