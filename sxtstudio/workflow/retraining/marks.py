"""Which slices of a project were worked on by hand, and which the user called complete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.steps import Step, effective

# A slice that was touched once was corrected, or tried on; nobody draws all membranes in one go.
_LEAST_STROKES = 2


@dataclass(frozen=True)
class HandWork:
    """What the steps of a document say of where its labels come from; slices count from 0.

    Attributes
    ----------
    touched
        XY slices that something was drawn on and that were not segmented after it.
    drawn
        Those of them whose labels are by hand alone: neither from a network nor from a file, and drawn in
        more than one go.
    segmented
        Some labels are a network's.
    """

    touched: tuple[int, ...] = ()
    drawn: tuple[int, ...] = ()
    segmented: bool = False


def hand_work(steps: Sequence[Step]) -> HandWork:
    """Return which XY slices were worked on by hand, and which are so altogether.

    Parameters
    ----------
    steps
        What was done, in order; what was undone does not count.
    """
    strokes: dict[int, list[int]] = {}
    others: list[tuple[int, Step]] = []
    for number, step in enumerate(effective(steps)):
        z = step.parameters.get("slice")
        if step.target == "labels" and step.edit in _REPLACING:
            others.append((number, step))
        elif step.draws and step.parameters.get("plane") == "xy" and _is_slice(z):
            strokes.setdefault(z, []).append(number)
    touched, drawn = [], []
    for z, numbers in sorted(strokes.items()):
        own, first, last_segmented = True, -1, -1
        for number, step in others:
            if not _concerns(step, z):
                continue
            if step.edit in _CLEARING:
                own, first = True, number
            else:
                own = False
            if step.edit in _CLEARING or (step.edit is EditKind.SEGMENT and not step.partial):
                last_segmented = number
        if numbers[-1] > last_segmented:
            touched.append(z)
            if own and sum(number > first for number in numbers) >= _LEAST_STROKES:
                drawn.append(z)
    segmented = any(step.edit is EditKind.SEGMENT for _, step in others)
    return HandWork(tuple(touched), tuple(drawn), segmented)


_CLEARING = (EditKind.CLEAR, EditKind.CLEAR_SLICE)
_REPLACING = (EditKind.SEGMENT, EditKind.OPEN_LABELS, *_CLEARING)


def _concerns(step: Step, z: int) -> bool:
    """Whether a step cleared or replaced slice ``z``; of a segmentation the last number is not included."""
    if step.edit is EditKind.CLEAR_SLICE:
        return step.parameters.get("axis") == "z" and step.parameters.get("slice") == z
    ends = step.parameters.get("slices")
    if step.edit is EditKind.SEGMENT and isinstance(ends, list | tuple):
        if len(ends) == 2 and all(_is_slice(end) for end in ends):
            return bool(ends[0] <= z < ends[1])
    return True


def marked_slices(view: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the slices (from 0) that the state of the views of a project calls complete."""
    state = view.get("complete", {})
    found = state.get("slices", []) if isinstance(state, dict) else []
    if not isinstance(found, list):
        return ()
    return tuple(sorted({z for z in found if _is_slice(z)}))


def _is_slice(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
