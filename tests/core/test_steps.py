"""What stands of a history after undoing and making again."""

from __future__ import annotations

import pytest

from sxtstudio.core.edit_kind import EditKind, Target
from sxtstudio.core.steps import Step, StepKind, effective, undone


def step(edit: EditKind, kind: StepKind = StepKind.EDIT, target: Target = "labels", **more: bool) -> Step:
    return Step(kind, edit, target, **more)


def undo(edit: EditKind, target: Target = "labels", **more: bool) -> Step:
    return step(edit, StepKind.UNDO, target, **more)


def redo(edit: EditKind) -> Step:
    return step(edit, StepKind.REDO)


A, B = EditKind.BRUSH, EditKind.FILL


@pytest.mark.parametrize(
    ("steps", "standing"),
    [
        ([], []),
        ([step(A), step(B)], [step(A), step(B)]),
        ([step(A), step(B), undo(B)], [step(A)]),
        ([step(A), step(A), undo(A)], [step(A)]),
        ([step(A), step(B), undo(B), undo(A), redo(A)], [step(A)]),
        ([step(A), step(B), undo(B), undo(A), redo(A), redo(B)], [step(A), step(B)]),
        ([step(A), step(A, target="mask"), undo(A, "mask")], [step(A)]),
        ([step(A, target="mask"), step(A), undo(A, "mask")], [step(A)]),
        ([step(A, partial=True), step(A), undo(A, partial=True)], [step(A)]),
        ([undo(A), redo(B), step(B)], [step(B)]),  # of a history whose beginning is lost
        ([Step(StepKind.EXPORT), step(A), undo(A)], [Step(StepKind.EXPORT)]),
    ],
)
def test_what_stands(steps: list[Step], standing: list[Step]) -> None:
    assert effective(steps) == standing


def test_what_would_be_made_again() -> None:
    first, second = step(A), step(A, StepKind.EDIT)
    assert undone([step(B), first, second, undo(A), undo(A)]) == [first, second]
    assert undone([step(A), step(B), undo(B), undo(A), redo(A)]) == [step(B)]
    assert undone([step(A), undo(A), step(B), step(B), undo(B)])[0] == step(B)


def test_marks_and_all_other_work_are_taken_back_each_in_its_own_order() -> None:
    mark, other = (Step(StepKind.EDIT, kind, "marks") for kind in (EditKind.MARK_FALSE, EditKind.UNMARK))
    un, re = (Step(kind, EditKind.MARK_FALSE, "marks") for kind in (StepKind.UNDO, StepKind.REDO))
    first, second = step(A), step(B)
    between = [first, mark, second, undo(B), un, redo(B)]
    assert effective(between) == [first, second] and undone(between) == [mark]
    assert effective([*between, re]) == [first, mark, second], "each is again where it was"
    assert effective([*between, other, undo(A), redo(B)]) == [second, other], "B is not the next"


def test_names_say_what_was_done_to_what() -> None:
    assert step(A, target="mask", partial=True).name == "Brush (cell mask) (part)"
    assert undo(EditKind.CLEAN_UP).name == "Undo: Clean up"
    assert Step(StepKind.REDO, unknown="Dilate").name == "Redo: Dilate"
    assert Step(StepKind.COMPLETE).name == "Mark slices as complete"
