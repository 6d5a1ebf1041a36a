"""The threshold of a network for each use of its labels, from what several judges measured.

A judge is a set of slices with outlines. The threshold for a use has the highest mean of the judges' F_β, in
which recall weighs β times as much as precision: β is ½ where few false labels are wanted, 1 for a balance,
2 where everything is to be found. Each judge counts the same, however many slices it has, so that none of
them decides alone.

Source: van Rijsbergen, Information Retrieval (1979), chapter 7: F_β = (1 + β²) P R / (β² P + R).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.evaluation.agreement import near
from sxtstudio.core.uses import Use

Mask = NDArray[np.bool_]
#: Thresholds that are tried, ascending; near ±1 a network's output is mostly rounding.
THRESHOLDS: tuple[float, ...] = tuple(round(0.05 * step, 2) for step in range(-18, 19))
BETA: Mapping[Use, float] = {Use.FEW_FALSE: 0.5, Use.BALANCED: 1.0, Use.EVERYTHING: 2.0}
_TOLERANCE_PX = 2
_DISC = np.hypot(*np.mgrid[-2:3, -2:3]) <= _TOLERANCE_PX


@dataclass(frozen=True)
class Measured:
    """Precision and recall of a judge at a threshold, 0…1."""

    precision: float
    recall: float

    def f(self, beta: float = 1.0) -> float:
        """Return F_β; 0 where nothing is right."""
        below = beta**2 * self.precision + self.recall
        return (1 + beta**2) * self.precision * self.recall / below if below else 0.0


class PrecisionRecallCurve:
    """Precision and recall of a network at all ``THRESHOLDS``, pooled over the slices of a judge."""

    def __init__(self) -> None:
        """Begin without a slice."""
        # Pixels above each threshold: predicted, of them right, and true ones that are found.
        self._counts = np.zeros((3, len(THRESHOLDS)), np.int64)
        self._truth = 0

    def add(self, values: NDArray[np.floating], truth: Mask, doubtful: Mask | None = None) -> None:
        """Count a slice, as ``agreement.compare`` does with a tolerance of 2 pixels.

        Parameters
        ----------
        values
            The network's output (y, x), −1…1; −inf where nothing is predicted.
        truth, doubtful
            Masks (y, x), as for ``agreement.compare``.
        """
        near_truth = near(truth, _TOLERANCE_PX)
        if doubtful is not None:
            values = np.where(near(doubtful, _TOLERANCE_PX) & ~near_truth, -np.inf, values)
        # A true pixel is found where the highest output within the tolerance is above the threshold.
        highest = ndimage.maximum_filter(values, footprint=_DISC, mode="constant", cval=-np.inf)
        for row, some in zip(self._counts, (values, values[near_truth], highest[truth]), strict=True):
            row += _above(some)
        self._truth += int(np.count_nonzero(truth))

    @property
    def true_pixels(self) -> int:
        """How many true pixels were counted."""
        return self._truth

    @property
    def has_truth(self) -> bool:
        """Whether there is a true pixel, without which there is nothing to find."""
        return self._truth > 0

    def at(self, threshold: float) -> Measured:
        """Return what was measured at one of ``THRESHOLDS``."""
        predicted, right, found = (int(n) for n in self._counts[:, THRESHOLDS.index(threshold)])
        return Measured(right / predicted if predicted else 0.0, found / self._truth if self._truth else 0.0)


def thresholds_for(curves: Mapping[str, PrecisionRecallCurve], own: float | None = None) -> dict[Use, float]:
    """Return the threshold for each use.

    Parameters
    ----------
    curves
        Of judges that give precision and recall.
    own
        The threshold that the model has without a use, if it is settled: few false labels are then never
        below it and everything never above it. A use for which no threshold is left is not returned.
    """
    if not curves:
        raise ValueError("without a judge there is no threshold")
    found = {}
    for use, beta in BETA.items():
        means = [float(np.mean([curve.at(t).f(beta) for curve in curves.values()])) for t in THRESHOLDS]
        found[use] = THRESHOLDS[int(np.argmax(means))]
    # By these means alone noise could put a stricter use below a less strict one.
    found[Use.FEW_FALSE] = max(found[Use.FEW_FALSE], found[Use.BALANCED])
    found[Use.EVERYTHING] = min(found[Use.EVERYTHING], found[Use.BALANCED])
    if own is None:
        return found
    strict, loose = [t for t in THRESHOLDS if t >= own], [t for t in THRESHOLDS if t <= own]
    if strict:
        found[Use.FEW_FALSE] = max(found[Use.FEW_FALSE], strict[0])
    else:
        del found[Use.FEW_FALSE]
    if loose:
        found[Use.EVERYTHING] = min(found[Use.EVERYTHING], loose[-1])
    else:
        del found[Use.EVERYTHING]
    return found


def card_entry(
    curves: Mapping[str, PrecisionRecallCurve],
    recall_only: Mapping[str, PrecisionRecallCurve] | None = None,
    own: float | None = None,
) -> dict[str, Any]:
    """Return what a model's card says of its uses: JSON values, with the figures of each judge.

    Parameters
    ----------
    curves
        Of the judges by which the thresholds are chosen.
    recall_only
        Of judges whose truth is a part of it: they give recall alone, and do not choose.
    own
        As for ``thresholds_for``.
    """
    entries = {}
    for use, threshold in thresholds_for(curves, own).items():
        scores = {}
        for judge, curve in curves.items():
            one = curve.at(threshold)
            scores[judge] = {"precision": one.precision, "recall": one.recall, "f1": one.f()}
        for judge, curve in (recall_only or {}).items():
            scores[judge] = {"recall": curve.at(threshold).recall}
        rounded = {
            judge: {name: round(value, 3) for name, value in figures.items()}
            for judge, figures in scores.items()
        }
        entries[use.value] = {"threshold": threshold, "scores": rounded}
    return entries


def _above(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return how many values lie above each threshold."""
    values = np.sort(values, axis=None)
    # As the program compares: with the threshold as a number of the values' kind.
    limits = np.array(THRESHOLDS).astype(values.dtype)
    return values.size - np.searchsorted(values, limits, side="right")
