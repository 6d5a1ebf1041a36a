"""What of a document is in its project, and whether anything else is to be saved."""

from __future__ import annotations

import operator
from collections.abc import Sequence

from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.measure.kept import KeptMeasurements
from sxtstudio.core.steps import Step, StepKind, effective


class SavedState:
    """The steps and measurements that are saved; undo may bring a document back to them."""

    def __init__(self) -> None:
        """Begin with nothing done, of which nothing is to be saved."""
        self._steps: tuple[Step, ...] | None = ()
        self._measurements: KeptMeasurements | None = None

    def take(self, steps: Sequence[Step], measurements: KeptMeasurements | None) -> None:
        """Note that these are saved."""
        self._steps, self._measurements = _standing(steps), measurements

    def forget(self) -> None:
        """Note that it is not known what is saved."""
        self._steps = None

    def is_now(self, steps: Sequence[Step], measurements: KeptMeasurements | None) -> bool:
        """Whether what there is now is what is saved; that nothing is measured any more need not be."""
        saved, now = self._steps, _standing(steps)
        same = saved is not None and len(saved) == len(now) and all(map(operator.is_, saved, now))
        return same and self._has(measurements)

    def lacks_only_segmentation(self, steps: Sequence[Step], measurements: KeptMeasurements | None) -> bool:
        """Whether all that is not saved comes from segmentations that were ended half-way.

        The polarity is asked for when they begin. Where it is not known what is saved, nothing is.
        """
        saved, now = self._steps or (), _standing(steps)
        kept = len(saved) <= len(now) and all(map(operator.is_, saved, now))
        return kept and self._has(measurements) and all(map(_of_half_a_segmentation, now[len(saved) :]))

    def _has(self, measurements: KeptMeasurements | None) -> bool:
        return measurements is None or (
            self._measurements is not None and measurements.value is self._measurements.value
        )


def _of_half_a_segmentation(step: Step) -> bool:
    if step.kind is StepKind.EDIT:
        return step.edit is EditKind.SEGMENT and step.partial
    return step.kind is StepKind.POLARITY


def _standing(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return what stands of the steps and is in the project; exports are not."""
    return tuple(step for step in effective(steps) if step.kind is not StepKind.EXPORT)
