"""How well outlines agree: precision, recall and F1 with a tolerance of a few pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Agreement:
    """Counts of pixels, pooled over slices."""

    predicted: int = 0
    predicted_right: int = 0  # within the tolerance of a true pixel
    truth: int = 0
    truth_found: int = 0  # within the tolerance of a predicted pixel

    def __add__(self, other: Agreement) -> Agreement:
        """Pool two counts."""
        return Agreement(
            self.predicted + other.predicted,
            self.predicted_right + other.predicted_right,
            self.truth + other.truth,
            self.truth_found + other.truth_found,
        )

    @property
    def precision(self) -> float:
        """Share of the predicted pixels that are right; 0 where nothing was predicted."""
        return self.predicted_right / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Share of the true pixels that were found; 0 where there are none."""
        return self.truth_found / self.truth if self.truth else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def compare(predicted: Mask, truth: Mask, tolerance_px: float = 2, doubtful: Mask | None = None) -> Agreement:
    """Compare one slice (y, x); a pixel counts as right within ``tolerance_px`` of the other mask.

    What is predicted where it is ``doubtful`` whether a human sees a membrane counts only near the truth.
    The tolerance holds for doubtful pixels as well: beside a line that does not count, a prediction is no
    more wrong than it would be beside one that does.
    """
    near_truth = _near(truth, tolerance_px)
    if doubtful is not None:
        predicted = predicted & (~_near(doubtful, tolerance_px) | near_truth)
    return Agreement(
        int(predicted.sum()),
        int((predicted & near_truth).sum()),
        int(truth.sum()),
        int((truth & _near(predicted, tolerance_px)).sum()),
    )


def _near(mask: Mask, tolerance_px: float) -> Mask:
    if not mask.any():
        return np.zeros_like(mask)
    near: Mask = ndimage.distance_transform_edt(~mask) <= tolerance_px
    return near
