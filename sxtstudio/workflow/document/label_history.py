"""What the steps of a document say of its labels: where they were segmented, and if objects are of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.progress import Progress
from sxtstudio.core.steps import Step, StepKind, effective
from sxtstudio.core.walk import walk
from sxtstudio.core.wording import slices_text

#: In the record of a segmentation that was ended half-way: the slices that it had made until then.
FINISHED_SLICES = "finished_slices"
#: What is said where former versions noted no model of a part, since none had been chosen.
DEFAULT_MODEL = "the default model"
#: What the user is told where ``labels_changed_since_found``.
LABELS_CHANGED = "The labels have changed since the objects were found. Find them again."

#: First slice, and the one after the last.
SliceRun = tuple[int, int]


def labels_changed_since_found(steps: Sequence[Step]) -> bool:
    """Whether the labels are others than those in which the objects of a document were found.

    What was undone does not count, so that *Undo* back to those labels takes the doubt away. Of objects that
    come from a file, or were all drawn, nobody can say so. Objects that were found again and were the same
    are of the labels of that time as well (``StepKind.FOUND_SAME``).

    Parameters
    ----------
    steps
        All that was done to the document.
    """
    last = max((n for n, step in enumerate(steps) if step.edit is EditKind.FIND_OBJECTS), default=None)
    if last is None:
        return False
    if steps[last].kind in (StepKind.EDIT, StepKind.FOUND_SAME) and all(
        step.target != "labels" for step in steps[last:]
    ):
        return False  # right after objects were found, and for long: nobody waits for more
    stand = effective(steps)
    makers = [step for step in stand if step.target == "objects" and _replaces_objects(step)]
    if not makers or makers[-1].edit is not EditKind.FIND_OBJECTS:
        return False
    found = next(n for n, step in enumerate(steps) if step is makers[-1])
    again = [n for n in range(found + 1, len(steps)) if steps[n].kind is StepKind.FOUND_SAME]
    now = label_edits(stand)
    return not any(_alike(now, label_edits(effective(steps[:n]))) for n in (*reversed(again), found))


def label_edits(stand: Sequence[Step]) -> list[Step]:
    """Return what made the labels, of steps that stand (``effective``)."""
    return [step for step in stand if step.target == "labels" and step.kind in _EDITS]


def slices_of(step: Step, slice_count: int) -> range | None:
    """Return the slices that a segmentation was to make; None where the record does not say it."""
    ends = step.parameters.get("slices")
    if ends is None:  # a part notes what was asked for, which is None for all
        return range(slice_count) if step.partial else None
    return _range_of(ends, slice_count)


def finished_slices(step: Step, slice_count: int) -> range | None:
    """Return the slices that a segmentation has made; None where the record does not say it.

    Records of former versions do not say it of what was ended half-way.
    """
    if not step.partial:
        return slices_of(step, slice_count)
    return _range_of(step.parameters.get(FINISHED_SLICES), slice_count)


def together_text(steps: Sequence[Step], slice_count: int) -> str:
    """Say whether several segmentations of some slices each make one of all; "" where that is no question.

    Parameters
    ----------
    steps
        All that was done to the document.
    slice_count
        Of the tomogram.
    """
    made: list[range] = []
    for step in label_edits(effective(steps)):
        if step.edit is None or step.edit is EditKind.OPEN_LABELS:
            return ""
        if step.edit is EditKind.CLEAR:
            made.clear()
        elif step.edit is EditKind.SEGMENT:
            slices = finished_slices(step, slice_count)
            if slices is None:
                return ""
            made.append(slices)
    if len(made) < 2 or any(len(slices) == slice_count for slices in made):
        return ""
    left = sorted(set(range(slice_count)).difference(*made))
    if not left:
        return f"Together the segmentations cover all {slice_count} slices."
    those = "slice" if len(left) == 1 else "slices"
    were = "was" if len(left) == 1 else "were"
    return f"Of {slice_count} slices, {those} {slices_text(left)} {were} not segmented."


def _range_of(ends: Any, slice_count: int) -> range | None:
    if not isinstance(ends, list | tuple) or len(ends) != 2:
        return None
    if not all(end is None or (isinstance(end, int) and not isinstance(end, bool)) for end in ends):
        return None
    return range(slice_count)[slice(*ends)]


def segmented_runs(
    steps: Sequence[Step], labels: NDArray[np.uint8], progress: Progress | None = None
) -> tuple[SliceRun, ...]:
    """Return the runs of slices in which there can be labels; () where that is every slice or not known.

    Where only some slices were segmented these are the others' end, with what was drawn or grew beyond them.
    Labels that were opened from a file, or drawn alone, are taken for labels of the whole volume.

    Parameters
    ----------
    steps
        All that was done to the document.
    labels
        As they are now (z, y, x).
    progress
        Counts slices.
    """
    depth = len(labels)
    known = np.zeros(depth, np.bool_)
    some = False
    for step in label_edits(effective(steps)):
        if step.edit is None or step.edit is EditKind.OPEN_LABELS:
            return ()
        if step.edit is EditKind.CLEAR:
            known[:], some = False, False
        elif step.edit is EditKind.SEGMENT:
            some = True
            run = finished_slices(step, depth)
            if step.partial and not run:
                continue  # its labels say how far it came
            if not run:
                return ()
            known[run.start : run.stop] = True
            if known.all():
                return ()
    if not some:
        return ()
    z, y, x = labels.shape
    for box in walk((z, y, x), labels, progress=progress):
        known[box.slices[0]] |= labels[box.slices].any((1, 2))
    if known.all() or not known.any():
        return ()
    ends = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(np.int8), [0]])))
    return tuple((int(first), int(last)) for first, last in ends.reshape(-1, 2))


_EDITS = (StepKind.EDIT, StepKind.OTHER)


def _replaces_objects(step: Step) -> bool:
    return step.kind in _EDITS and (step.edit is None or step.edit.replaces_objects)


def _alike(one: Sequence[Step], other: Sequence[Step]) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))
