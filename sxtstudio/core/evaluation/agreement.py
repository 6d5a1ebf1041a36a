"""How well labels of a slice agree with a reference: pixels right, wrong and missed, within a tolerance.

A predicted pixel is right if a pixel of the reference lies within the tolerance, and a pixel of the reference
is found if a predicted one does, as usual for boundaries. Without a tolerance both are the pixels in common.

Sources: Csurka, Larlus, Perronnin, BMVC 2013, "What is a good evaluation measure for semantic segmentation?"
(precision, recall and F1 of boundaries within a distance); Dice, Ecology 26 (1945) 297.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import edt
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
#: Distances are sums of squares in 32 bits: what differs by less is the same.
_ROUNDING = 1e-5


@dataclass(frozen=True)
class Agreement:
    """Counts of pixels, of a slice or pooled over slices.

    Attributes
    ----------
    predicted, truth
        Pixels that are labelled, and pixels of the reference.
    predicted_right
        Predicted pixels within the tolerance of a true one: true positives.
    truth_found
        True pixels within the tolerance of a predicted one.
    common
        Pixels that are both, without a tolerance.
    """

    predicted: int = 0
    predicted_right: int = 0
    truth: int = 0
    truth_found: int = 0
    common: int = 0

    def __add__(self, other: Agreement) -> Agreement:
        """Pool two counts."""
        return Agreement(
            self.predicted + other.predicted,
            self.predicted_right + other.predicted_right,
            self.truth + other.truth,
            self.truth_found + other.truth_found,
            self.common + other.common,
        )

    @property
    def false_positive(self) -> int:
        """Predicted pixels that are wrong."""
        return self.predicted - self.predicted_right

    @property
    def false_negative(self) -> int:
        """True pixels that were not found."""
        return self.truth - self.truth_found

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

    @property
    def dice(self) -> float:
        """Twice the pixels in common over the pixels of both, without a tolerance; 0 where there are none."""
        total = self.predicted + self.truth
        return 2 * self.common / total if total else 0.0


def compare(
    predicted: Mask,
    truth: Mask,
    tolerance: float = 2,
    doubtful: Mask | None = None,
    *,
    pixel: tuple[float, float] = (1.0, 1.0),
    counted: Mask | None = None,
) -> Agreement:
    """Compare one slice; a pixel counts as right within ``tolerance`` of the other mask.

    Parameters
    ----------
    predicted, truth
        Masks (y, x).
    tolerance
        Distance between the centres of pixels, in the unit of ``pixel``.
    doubtful
        Where it is doubtful whether a human sees a membrane (y, x): what is predicted there counts only near
        the truth. The tolerance holds for doubtful pixels as well: beside a line that does not count, a
        prediction is no more wrong than it would be beside one that does.
    pixel
        Height and width of a pixel.
    counted
        Only these pixels count (y, x); what lies beyond still makes its neighbours right.
    """
    near_truth = near(truth, tolerance, pixel)
    if doubtful is not None:
        predicted = predicted & counts_as_predicted(near_truth, doubtful, tolerance, pixel)
    near_predicted = near(predicted, tolerance, pixel)
    if counted is not None:
        predicted, truth = predicted & counted, truth & counted
    return Agreement(
        int(np.count_nonzero(predicted)),
        int(np.count_nonzero(predicted & near_truth)),
        int(np.count_nonzero(truth)),
        int(np.count_nonzero(truth & near_predicted)),
        int(np.count_nonzero(predicted & truth)),
    )


def counts_as_predicted(
    near_truth: Mask, doubtful: Mask, tolerance: float, pixel: tuple[float, float] = (1.0, 1.0)
) -> Mask:
    """Return where (y, x) a prediction counts: near the truth, and farther than ``tolerance`` from doubt."""
    return ~near(doubtful, tolerance, pixel) | near_truth


def near(mask: Mask, distance: float, pixel: tuple[float, float] = (1.0, 1.0)) -> Mask:
    """Return which pixels (y, x) lie within ``distance`` of a pixel of ``mask``, in the unit of ``pixel``."""
    if distance < min(pixel) * (1 - _ROUNDING) or not mask.any():
        return mask
    away = edt.edt(np.ascontiguousarray(~mask), anisotropy=pixel, black_border=False, parallel=1)
    found: Mask = away <= math.nextafter(distance * (1 + _ROUNDING), math.inf)
    return found
