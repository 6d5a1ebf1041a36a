"""What an expert marks in a slice, and what follows from it: the protocol of the paper (Figure 2D).

Of all pixels that are labelled or should be, each is a true positive (labelled and not marked), a false
positive (labelled, and there is no membrane), an artefact (labelled, and what is there is one of the
reconstruction: on the volume's borders or outside of the cell), or a false negative (not labelled, and marked
as missing).

Source: Dyhr, Sadeghi et al., PNAS 120 (2023) e2209938120.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.labels import LABEL, NOT_JUDGED
from sxtstudio.core.volume import Volume, VoxelSize

Plane = NDArray[np.uint8]


class Mark(IntEnum):
    """The values of the marks (z, y, x), uint8; they stand in projects and never change."""

    NONE = 0
    FALSE_POSITIVE = 1
    ARTEFACT = 2
    MISSING = 3


MARK_RGB: Mapping[Mark, tuple[int, int, int]] = {
    Mark.FALSE_POSITIVE: (226, 38, 54),
    Mark.ARTEFACT: (176, 72, 255),
    Mark.MISSING: (92, 240, 120),
}
MARK_TITLES: Mapping[Mark, str] = {
    Mark.FALSE_POSITIVE: "False positive",
    Mark.ARTEFACT: "Artefact",
    Mark.MISSING: "Missing",
}
#: Of the four kinds of pixels, in the order of the paper's figure.
KINDS = ("true_positive", "false_negative", "false_positive", "artefact")


@dataclass(frozen=True)
class JudgedPixels:
    """The pixels of a slice, or of several, by what an expert says of them."""

    true_positive: int = 0
    false_negative: int = 0
    false_positive: int = 0
    artefact: int = 0

    def __add__(self, other: JudgedPixels) -> JudgedPixels:
        """Pool two counts."""
        return JudgedPixels(*(a + b for a, b in zip(self.counts, other.counts, strict=True)))

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """The counts in the order of ``KINDS``."""
        return self.true_positive, self.false_negative, self.false_positive, self.artefact

    @property
    def total(self) -> int:
        """All pixels that are labelled or should be."""
        return sum(self.counts)

    @property
    def percent(self) -> tuple[float, float, float, float] | None:
        """The parts in percent, in the order of ``KINDS``; None where there are no pixels."""
        if not self.total:
            return None
        tp, fn, fp, artefact = (100 * n / self.total for n in self.counts)
        return tp, fn, fp, artefact


def judged_pixels(labels: NDArray[Any], marks: Plane | None) -> JudgedPixels:
    """Count the pixels of a slice (y, x); labels that are not 0 count, and no marks are none."""
    labelled = int(np.count_nonzero(labels))
    if marks is None:
        return JudgedPixels(labelled)
    on = np.bincount(marks[labels != 0].ravel(), minlength=len(Mark))
    wrong, artefact = int(on[Mark.FALSE_POSITIVE]), int(on[Mark.ARTEFACT])
    missing = int(np.count_nonzero((marks == Mark.MISSING) & (labels == 0)))
    return JudgedPixels(labelled - wrong - artefact, missing, wrong, artefact)


def fits(mark: Mark, labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where a mark says anything: what is missing lies off the labels, all else on them."""
    where: NDArray[np.bool_] = labels == 0 if mark is Mark.MISSING else labels != 0
    return where


def corrected(labels: NDArray[Any], marks: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return labels (0 and 255) without what is marked as false, and with what is missing.

    Artefacts are not to be judged (128): lines of the reconstruction look like membranes, and to learn that
    they are none would teach to miss membranes.
    """
    labelled = labels != 0
    right = (labelled & (marks != Mark.FALSE_POSITIVE)) | (marks == Mark.MISSING)
    found = np.where(right, np.uint8(LABEL), np.uint8(0))
    found[labelled & (marks == Mark.ARTEFACT)] = NOT_JUDGED
    return found


class CorrectedLabels:
    """Labels with the marks of an expert applied; neither is changed."""

    def __init__(self, labels: Volume, marks: Volume) -> None:
        """Correct ``labels`` by ``marks``, both (z, y, x)."""
        self._labels, self._marks = labels, marks
        self.shape: Triple = labels.shape
        self.dtype: np.dtype[Any] = np.dtype(np.uint8)
        self.voxel_nm: VoxelSize | None = labels.voxel_nm

    def read(self, box: Box) -> NDArray[Any]:
        """Return the voxels of ``box``: 0, 255, or 128 where nothing is to be judged."""
        return corrected(self._labels.read(box), self._marks.read(box))
