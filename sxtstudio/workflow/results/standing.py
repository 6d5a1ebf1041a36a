"""Which steps a result rests on: a part of a segmentation that was done in full later is none of them."""

from __future__ import annotations

from collections.abc import Iterable

from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.steps import Step, StepKind, effective
from sxtstudio.workflow.document.label_history import slices_of

#: Steps that make another part of what the labels were then.
_READ_LABELS = (EditKind.FIND_CELL, EditKind.FIND_OBJECTS)


def standing(steps: Iterable[Step], slice_count: int) -> list[Step]:
    """Return the steps that stand, without parts of segmentations of which nothing is left.

    A segmentation replaces the labels of its slices. So what was cancelled and gone on with, or begun anew,
    leaves nothing, unless the labels were changed or used before all of its slices were segmented.

    Parameters
    ----------
    steps
        All that was done; what was undone does not count.
    slice_count
        Of the tomogram.
    """
    stand = effective(steps)
    return [step for i, step in enumerate(stand) if not _is_done_again(step, stand[i + 1 :], slice_count)]


def _is_done_again(step: Step, later: Iterable[Step], slice_count: int) -> bool:
    if not step.partial or step.edit is not EditKind.SEGMENT:
        return False
    wanted = slices_of(step, slice_count)
    left = set(range(slice_count) if wanted is None else wanted)
    for other in later:
        if other.kind not in (StepKind.EDIT, StepKind.OTHER):
            continue
        if other.edit is EditKind.SEGMENT:
            if not other.partial:
                left.difference_update(slices_of(other, slice_count) or ())
            if not left:
                return True
        elif other.target == "labels" or other.edit in _READ_LABELS:
            return False
    return False
