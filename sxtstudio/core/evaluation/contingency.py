"""Which objects of two volumes share voxels, and how many: counted slab by slab."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.evaluation.pixels import boxes_of
from sxtstudio.core.geometry import Box
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume
from sxtstudio.core.wording import grouped

Numbers = NDArray[np.int64]
Keys = NDArray[np.uint64]
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
# Pairs of a slab are gathered up to so many before they are summed up; no two cells have more.
_GATHERED, _MOST = 1_000_000, 20_000_000


@dataclass(frozen=True)
class Contingency:
    """The voxels that objects have in common.

    Attributes
    ----------
    predicted, reference
        Numbers of the objects, ascending (n,), (m,).
    predicted_voxels, reference_voxels
        Their voxels (n,), (m,).
    of_predicted, of_reference, common
        For each pair that shares voxels (k,): the indices of both objects, and how many voxels.
    """

    predicted: Numbers
    reference: Numbers
    predicted_voxels: Numbers
    reference_voxels: Numbers
    of_predicted: Numbers
    of_reference: Numbers
    common: Numbers

    @property
    def iou(self) -> NDArray[np.float64]:
        """Intersection over union of each pair (k,) (Jaccard)."""
        union = self.predicted_voxels[self.of_predicted] + self.reference_voxels[self.of_reference]
        shares: NDArray[np.float64] = self.common / (union - self.common)
        return shares


def count_common(
    predicted: Volume,
    reference: Volume,
    *,
    slices: Sequence[int] | None = None,
    mask: Volume | None = None,
    progress: Progress | None = None,
) -> Contingency:
    """Count the voxels that objects of two volumes (z, y, x) share; their values are numbers, 0 is nothing.

    ``slices``, ``mask`` and ``progress`` as of ``score_pixels``. Memory grows with the pairs, not with the
    volumes.

    Raises
    ------
    UserError
        If a value is no number of an object (a fraction, below 0, or 2³² and more), or there are more than
        20 million pairs.
    Cancelled
        If the user stopped it.
    """
    keys, counts = np.empty(0, np.uint64), np.empty(0, np.int64)
    waiting: list[tuple[Keys, Numbers]] = []
    gathered = 0
    for box in boxes_of(predicted.shape, slices, progress, "comparing objects"):
        ours, theirs = _numbers(predicted, box), _numbers(reference, box)
        if mask is not None:
            outside = mask.read(box) == 0
            ours[outside] = 0
            theirs[outside] = 0
        there = (ours != 0) | (theirs != 0)
        found, voxels = np.unique(ours[there] << _HALF | theirs[there], return_counts=True)
        waiting.append((found, voxels.astype(np.int64)))
        gathered += len(found)
        if gathered > _GATHERED:
            keys, counts = _summed([(keys, counts), *waiting])
            waiting, gathered = [], 0
    keys, counts = _summed([(keys, counts), *waiting])
    return _table(keys, counts)


def _numbers(volume: Volume, box: Box) -> Keys:
    part = volume.read(box)
    if part.dtype.kind == "f" and not np.array_equal(part, np.rint(part)):
        raise UserError("A file with fractional values holds no objects: choose labels or objects.")
    if part.size and (part.min() < 0 or part.max() > int(_LOW)):
        raise UserError(f"The numbers of objects must be from 1 to {int(_LOW)}: number the objects anew.")
    return part.astype(np.uint64)


def _summed(parts: list[tuple[Keys, Numbers]]) -> tuple[Keys, Numbers]:
    every = np.concatenate([keys for keys, _ in parts])
    keys, place = np.unique(every, return_inverse=True)
    if len(keys) > _MOST:
        raise UserError(
            f"More than {grouped(_MOST)} pairs of objects share voxels: these are no objects of a cell. "
            "Choose labels or objects."
        )
    counts = np.zeros(len(keys), np.int64)
    np.add.at(counts, place, np.concatenate([voxels for _, voxels in parts]))
    return keys, counts


def _table(keys: Keys, counts: Numbers) -> Contingency:
    ours, theirs = (keys >> _HALF).astype(np.int64), (keys & _LOW).astype(np.int64)
    predicted, predicted_voxels = _sizes(ours, counts)
    reference, reference_voxels = _sizes(theirs, counts)
    both = (ours > 0) & (theirs > 0)
    return Contingency(
        predicted,
        reference,
        predicted_voxels,
        reference_voxels,
        np.searchsorted(predicted, ours[both]),
        np.searchsorted(reference, theirs[both]),
        counts[both],
    )


def _sizes(numbers: Numbers, counts: Numbers) -> tuple[Numbers, Numbers]:
    unique, place = np.unique(numbers[numbers > 0], return_inverse=True)
    voxels = np.zeros(len(unique), np.int64)
    np.add.at(voxels, place, counts[numbers > 0])
    return unique, voxels
