"""What steps say of the labels: which slices were segmented, and whether objects are of the labels of now."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sxtstudio.core.edit_kind import EditKind, Target
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.io.steps import step_of, step_to_json
from sxtstudio.workflow.document.label_history import labels_changed_since_found, segmented_runs

DEPTH = 20


def edit(kind: EditKind, target: Target = "labels", *, partial: bool = False, **parameters: object) -> Step:
    return Step(StepKind.EDIT, kind, target, partial, parameters)


def back(step: Step, kind: StepKind = StepKind.UNDO) -> Step:
    return Step(kind, step.edit, step.target, step.partial)


SEGMENT, CLEAN, PAINT = edit(EditKind.SEGMENT), edit(EditKind.CLEAN_UP), edit(EditKind.BRUSH)
FIND, OPEN = edit(EditKind.FIND_OBJECTS, "objects"), edit(EditKind.OPEN_OBJECTS, "objects")
CLASS, MASK = edit(EditKind.CLASS, "objects"), edit(EditKind.THRESHOLD, "mask")


def found_again() -> Step:
    return edit(EditKind.FIND_OBJECTS, "objects")


@pytest.mark.parametrize(
    ("steps", "changed"),
    [
        pytest.param([SEGMENT], False, id="no objects"),
        pytest.param([SEGMENT, FIND], False, id="just found"),
        pytest.param([SEGMENT, FIND, CLASS, MASK], False, id="others changed"),
        pytest.param([SEGMENT, FIND, CLEAN], True, id="cleaned up"),
        pytest.param([SEGMENT, FIND, CLASS, PAINT], True, id="painted"),
        pytest.param([SEGMENT, FIND, CLEAN, back(CLEAN)], False, id="undone"),
        pytest.param([SEGMENT, FIND, CLEAN, back(CLEAN), back(CLEAN, StepKind.REDO)], True, id="redone"),
        pytest.param([SEGMENT, FIND, CLEAN, found_again()], False, id="found again"),
        pytest.param([SEGMENT, FIND, CLEAN, found_again(), back(FIND)], True, id="finding undone"),
        pytest.param([SEGMENT, CLEAN, FIND, back(FIND), back(CLEAN)], False, id="nothing found any more"),
        pytest.param([SEGMENT, FIND, OPEN, CLEAN], False, id="objects of a file"),
    ],
)
def test_objects_are_of_the_labels_of_now_or_not(steps: list[Step], changed: bool) -> None:
    assert labels_changed_since_found(steps) is changed


def test_objects_that_were_found_to_be_the_same_are_of_the_labels_of_then() -> None:
    again = Step(StepKind.FOUND_SAME, EditKind.FIND_OBJECTS, "objects")
    steps = [SEGMENT, FIND, CLEAN, again]
    assert not labels_changed_since_found(steps)
    assert not labels_changed_since_found([*steps, CLASS, back(CLEAN)]), (
        "those in which they were found first"
    )
    assert labels_changed_since_found([*steps, PAINT])
    assert not labels_changed_since_found([*steps, PAINT, back(PAINT)])
    assert labels_changed_since_found([*steps, PAINT, again, PAINT])
    read = [step_of(json.loads(json.dumps(step_to_json(step)))) for step in steps]
    assert not labels_changed_since_found(read), "and so they are when the project is opened again"


@pytest.mark.parametrize(
    ("steps", "labelled", "runs"),
    [
        pytest.param([], (5, 9), (), id="no steps"),
        pytest.param([PAINT], (5, 9), (), id="drawn"),
        pytest.param([edit(EditKind.SEGMENT, slices=[0, DEPTH])], (5, 9), (), id="all"),
        pytest.param([edit(EditKind.SEGMENT, slices=[4, 12])], (5, 9), ((4, 12),), id="a range"),
        pytest.param([edit(EditKind.SEGMENT, slices=[4, 8])], (5, 9), ((4, 9),), id="and drawn beyond"),
        pytest.param([edit(EditKind.SEGMENT)], (5, 9), (), id="not known which"),
        pytest.param(
            [edit(EditKind.SEGMENT, slices=[0, DEPTH], partial=True)], (5, 9), ((5, 9),), id="ended half-way"
        ),
        pytest.param(
            [edit(EditKind.SEGMENT, slices=[0, DEPTH], finished_slices=[0, 10], partial=True)],
            (5, 9),
            ((0, 10),),
            id="ended half-way, known where",
        ),
        pytest.param(
            [edit(EditKind.SEGMENT, slices=[4, 9]), edit(EditKind.SEGMENT, slices=[12, 15])],
            (5, 9),
            ((4, 9), (12, 15)),
            id="two ranges",
        ),
        pytest.param(
            [edit(EditKind.SEGMENT, slices=[0, 9]), edit(EditKind.SEGMENT, slices=[9, DEPTH])],
            (5, 9),
            (),
            id="two that are all",
        ),
        pytest.param(
            [edit(EditKind.SEGMENT, slices=[4, 12]), edit(EditKind.CLEAR), PAINT], (5, 9), (), id="cleared"
        ),
        pytest.param(
            [edit(EditKind.SEGMENT, slices=[4, 12]), edit(EditKind.OPEN_LABELS)], (5, 9), (), id="of a file"
        ),
        pytest.param([SEGMENT, back(SEGMENT)], (5, 9), (), id="undone"),
    ],
)
def test_which_slices_were_segmented(
    steps: list[Step], labelled: tuple[int, int], runs: tuple[tuple[int, int], ...]
) -> None:
    labels = np.zeros((DEPTH, 4, 4), np.uint8)
    labels[slice(*labelled), 1, 2] = 255
    assert segmented_runs(steps, labels) == runs
