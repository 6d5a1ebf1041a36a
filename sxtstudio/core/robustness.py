"""How much a result hangs on a choice: objects and their volume against threshold, erosion, smallest size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.cleanup_steps import erode
from sxtstudio.core.labels import LABEL, threshold_byte
from sxtstudio.core.objects import object_sizes
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume
from sxtstudio.core.walk import walk

#: From lenient to strict; the network's output lies in -1…1.
THRESHOLDS = (-0.8, -0.6, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6, 0.8)
EROSIONS = (0, 1, 2)
MIN_SIZES = (0, 100, 500, 2000)


@dataclass(frozen=True)
class ParameterGrid:
    """What is tried: all combinations.

    Attributes
    ----------
    thresholds
        Of the network's output, -1…1.
    erosions
        Iterations, in 3D.
    min_sizes
        Voxels; they cost nothing.
    """

    thresholds: tuple[float, ...] = THRESHOLDS
    erosions: tuple[int, ...] = EROSIONS
    min_sizes: tuple[int, ...] = MIN_SIZES


@dataclass(frozen=True)
class RobustnessTrial:
    """What a threshold and an erosion gave: voxels of each object (n,), ascending."""

    threshold: float
    erosions: int
    sizes: NDArray[np.int64]

    def above(self, min_size: int) -> tuple[int, int]:
        """Return how many objects have at least so many voxels, and their voxels together."""
        first = int(np.searchsorted(self.sizes, min_size))
        return len(self.sizes) - first, int(self.sizes[first:].sum())


@dataclass(frozen=True)
class Robustness:
    """All trials, thresholds ascending within each erosion."""

    choices: ParameterGrid
    trials: tuple[RobustnessTrial, ...]

    def curve(self, erosions: int, min_size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return objects (n,) and voxels (n,) for each threshold."""
        pairs = [trial.above(min_size) for trial in self.trials if trial.erosions == erosions]
        counts, voxels = zip(*pairs, strict=True)
        return np.array(counts, np.int64), np.array(voxels, np.int64)


def try_choices(
    output: Volume,
    scratch: NDArray[np.uint8],
    choices: ParameterGrid,
    progress: Progress | None = None,
) -> Robustness:
    """Try all combinations; nothing is held in memory but a few slices.

    Parameters
    ----------
    output
        The network's output (z, y, x), uint8: 255 · (output + 1)/2.
    scratch
        uint8 array or map of the same shape; it is written over.
    progress
        Counts a step per slice and pass.

    Raises
    ------
    Cancelled
        If the job was cancelled through ``progress``.
    """
    progress = progress or Progress()
    order = sorted(choices.erosions)
    share = 1 / len(choices.thresholds)
    trials: list[RobustnessTrial] = []
    for number, threshold in enumerate(sorted(choices.thresholds)):
        what = f"threshold {number + 1} of {len(choices.thresholds)}"
        counter = progress.part(share, what)
        trials += _at(output, scratch, threshold, order, counter)
    trials.sort(key=lambda trial: (trial.erosions, trial.threshold))
    return Robustness(choices, tuple(trials))


def _at(
    output: Volume,
    scratch: NDArray[np.uint8],
    threshold: float,
    erosions: Sequence[int],
    progress: Progress,
) -> Iterator[RobustnessTrial]:
    share = 1 / (2 * len(erosions) + 1)
    depth, height, width = scratch.shape
    limit = threshold_byte(threshold)
    for box in walk((depth, height, width), scratch, progress=progress.part(share)):
        np.multiply(output.read(box) > limit, np.uint8(LABEL), out=scratch[box.slices])
    done = 0
    for count in erosions:
        eroding = progress.part(share)
        if count > done:
            erode(scratch, count - done, True, eroding)
            done = count
        yield RobustnessTrial(threshold, count, object_sizes(scratch, progress=progress.part(share)))
