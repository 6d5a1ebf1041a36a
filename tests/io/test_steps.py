"""Steps of the history on disk: with their kinds, and as they were before they had any."""

from __future__ import annotations

import json

import pytest

from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.records import RecordError
from sxtstudio.core.steps import Step, StepKind, effective
from sxtstudio.io.steps import step_of, step_to_json

EDIT, UNDO = StepKind.EDIT, StepKind.UNDO


def every_step() -> list[Step]:
    plain = [kind for kind in StepKind if kind not in (EDIT, UNDO, StepKind.REDO, StepKind.OTHER)]
    found = [Step(kind, parameters={"a": [1, None]}, when="now") for kind in plain]
    for edit in EditKind:
        for kind in (EDIT, UNDO, StepKind.REDO):
            for target in ("labels", "mask"):
                found += [Step(kind, edit, target, partial) for partial in (False, True)]
    return [*found, Step(StepKind.OTHER, unknown="Dilate"), Step(UNDO, unknown="Dilate")]


def test_every_step_comes_back_from_disk() -> None:
    steps = every_step()
    assert [step_of(json.loads(json.dumps(step_to_json(step)))) for step in steps] == steps


def test_another_title_changes_nothing_that_has_a_kind() -> None:
    content = {**step_to_json(Step(EDIT, EditKind.SEGMENT)), "name": "Paint by hand"}
    assert step_of(content) == Step(EDIT, EditKind.SEGMENT)


# The records of version 0.1 had titles only; these are all that it wrote.
@pytest.mark.parametrize(
    ("title", "step"),
    [
        ("Brush", Step(EDIT, EditKind.BRUSH)),
        ("Eraser (cell mask)", Step(EDIT, EditKind.ERASER, "mask")),
        ("Magic wand", Step(EDIT, EditKind.WAND)),
        ("Polygon (cell mask)", Step(EDIT, EditKind.POLYGON, "mask")),
        ("Keep only this object", Step(EDIT, EditKind.KEEP_OBJECT)),
        ("Cut", Step(EDIT, EditKind.CUT_OBJECT)),
        ("Merge (cell mask)", Step(EDIT, EditKind.MERGE_OBJECTS, "mask")),
        ("Interpolate", Step(EDIT, EditKind.INTERPOLATE)),
        ("Interpolate (cell mask)", Step(EDIT, EditKind.INTERPOLATE, "mask")),
        ("Interpolate the mask", Step(EDIT, EditKind.INTERPOLATE, "mask")),
        ("Clear labels", Step(EDIT, EditKind.CLEAR)),
        ("Clear all (cell mask)", Step(EDIT, EditKind.CLEAR, "mask")),
        ("Clear the mask", Step(EDIT, EditKind.CLEAR, "mask")),
        ("Open labels", Step(EDIT, EditKind.OPEN_LABELS)),
        ("Segment", Step(EDIT, EditKind.SEGMENT)),
        ("Segment (part)", Step(EDIT, EditKind.SEGMENT, partial=True)),
        ("Undo: Segment (part)", Step(UNDO, EditKind.SEGMENT, partial=True)),
        ("Redo: Clean up", Step(StepKind.REDO, EditKind.CLEAN_UP)),
        ("Undo: Cell mask: automatic", Step(UNDO, EditKind.FIND_CELL, "mask")),
        ("Cell mask: threshold", Step(EDIT, EditKind.THRESHOLD, "mask")),
        ("Fill holes in the mask", Step(EDIT, EditKind.FILL_HOLES, "mask")),
        ("Remove labels outside the mask", Step(EDIT, EditKind.REMOVE_OUTSIDE)),
        ("Voxel size", Step(StepKind.VOXEL_SIZE)),
        ("Polarity", Step(StepKind.POLARITY)),
        ("Export", Step(StepKind.EXPORT)),
        ("Mark slices as complete", Step(StepKind.COMPLETE)),
        ("Something", Step(StepKind.OTHER, unknown="Something")),
        ("Some mask", Step(StepKind.OTHER, target="mask", unknown="Some mask")),
    ],
)
def test_steps_of_the_time_before_kinds(title: str, step: Step) -> None:
    assert step_of({"name": title}) == step


@pytest.mark.parametrize(
    ("content", "name", "draws"),
    [
        ({"kind": "edit", "edit": "dilate", "target": "labels"}, "Dilate", True),
        ({"kind": "edit", "edit": "dilate", "target": "mask"}, "Dilate", False),
        ({"kind": "measure", "edit": "brush"}, "Dilate", True),
        ({"kind": 3, "edit": ["brush"]}, "Dilate", True),
        ({"kind": "edit", "edit": "brush", "target": {}, "partial": "yes"}, "Brush", True),
    ],
)
def test_what_a_newer_version_wrote_keeps_its_name(content: dict, name: str, draws: bool) -> None:
    step = step_of({"name": "Dilate", **content})
    assert (step.name, step.draws) == (name, draws)


def test_a_newer_edit_that_was_undone_is_undone() -> None:
    made = {"name": "Dilate", "kind": "edit", "edit": "dilate", "target": "labels"}
    steps = [step_of(made), step_of({**made, "name": "Undo: Dilate", "kind": "undo"})]
    assert effective(steps) == []


@pytest.mark.parametrize(
    "content", [3, {}, {"name": 3}, {"name": "a", "parameters": []}, {"name": "a", "when": 1}]
)
def test_what_is_no_step_is_refused(content: object) -> None:
    with pytest.raises(RecordError, match=r"A step .* damaged: .*it must be"):
        step_of(content)
