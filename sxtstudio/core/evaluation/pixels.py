"""Labels of a volume against a reference, slice by slice: precision, recall, F1 and Dice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from operator import add

import numpy as np

from sxtstudio.core.evaluation.agreement import Agreement, compare
from sxtstudio.core.evaluation.tolerance import Tolerance
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.progress import Progress
from sxtstudio.core.statistics import Spread
from sxtstudio.core.volume import Volume, VoxelSize
from sxtstudio.core.walk import slab_slices

#: Scores of a slice, by the names that reports give them.
SCORES = ("precision", "recall", "f1", "dice")


@dataclass(frozen=True)
class SliceScore:
    """A slice (from 0) and its counts."""

    z: int
    agreement: Agreement

    @property
    def scores(self) -> dict[str, float | None]:
        """The scores of the slice; None where it has no pixels of which they could be a share."""
        return scores_of(self.agreement)


@dataclass(frozen=True)
class PixelScores:
    """The slices that were judged, in ascending order."""

    slices: tuple[SliceScore, ...]

    @property
    def total(self) -> Agreement:
        """All slices together, each pixel with the same weight."""
        return reduce(add, (one.agreement for one in self.slices), Agreement())

    def spread(self, score: str) -> Spread:
        """Return mean and SD of a score over the slices that have it, each slice with the same weight."""
        values = [value for one in self.slices if (value := one.scores[score]) is not None]
        return Spread.of(np.array(values, np.float64))


def scores_of(agreement: Agreement) -> dict[str, float | None]:
    """Return precision, recall, F1 and Dice; None where there is nothing of which they could be a share."""
    both = agreement.predicted + agreement.truth
    return {
        "precision": agreement.precision if agreement.predicted else None,
        "recall": agreement.recall if agreement.truth else None,
        "f1": agreement.f1 if both else None,
        "dice": agreement.dice if both else None,
    }


def score_pixels(
    predicted: Volume,
    reference: Volume,
    *,
    slices: Sequence[int] | None = None,
    tolerance: Tolerance | None = None,
    voxel_nm: VoxelSize | None = None,
    mask: Volume | None = None,
    progress: Progress | None = None,
) -> PixelScores:
    """Score labels against a reference; a few slices are read at a time.

    Parameters
    ----------
    predicted, reference
        Volumes (z, y, x) of one shape; every voxel that is not 0 is labelled.
    slices
        Slices to judge, ascending, from 0; None: all.
    tolerance
        How far a pixel may lie from one of the other volume within the slice; None: not at all.
    voxel_nm
        (z, y, x), for a tolerance in nm.
    mask
        Only pixels that are not 0 in it count.
    progress
        Counts a step per slice.

    Raises
    ------
    UserError
        If the tolerance is in nm and the voxel size is not known.
    Cancelled
        If the user stopped it.
    """
    tolerance = tolerance or Tolerance()
    pixel = tolerance.pixel(voxel_nm)
    found = []
    for box in boxes_of(predicted.shape, slices, progress, "comparing slices"):
        inside = None if mask is None else mask.read(box) != 0
        ours, theirs = predicted.read(box) != 0, reference.read(box) != 0
        for i in range(box.shape[0]):
            counted = None if inside is None else inside[i]
            counts = compare(ours[i], theirs[i], tolerance.value, pixel=pixel, counted=counted)
            found.append(SliceScore(box.start[0] + i, counts))
    return PixelScores(tuple(found))


def boxes_of(
    shape: Triple, slices: Sequence[int] | None, progress: Progress | None, stage: str
) -> Iterator[Box]:
    """Yield slabs that hold all of these slices (ascending, from 0; None: all) and no others.

    ``progress`` counts a step per slice once the caller comes back for the next box.
    """
    progress = progress or Progress()
    wanted = list(range(shape[0])) if slices is None else list(slices)
    progress.begin(len(wanted), stage)
    most = slab_slices(shape)
    first = 0
    for i, (z, following) in enumerate(pairwise([*wanted, -1])):
        if following != z + 1 or i + 1 - first == most:
            yield Box.slab(wanted[first], z + 1, shape)
            progress.step(i + 1 - first)
            first = i + 1
