"""What the paragraph tells: that which the labels, objects and classes that are there went through."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from sxtstudio.core.edit_kind import EditKind, Target
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.methods import text_of
from sxtstudio.workflow.results.in_labels import told_steps
from sxtstudio.workflow.results.paragraph import paragraph

DEPTH = 6


def do(edit: EditKind, target: Target = "labels", *, partial: bool = False, **parameters: object) -> Step:
    return Step(StepKind.EDIT, edit, target, partial, parameters)


def segment(first: int = 0, last: int = DEPTH, *, partial: bool = False, **more: object) -> Step:
    return do(EditKind.SEGMENT, partial=partial, model="m", threshold=0.2, slices=[first, last], **more)


def clean(**parameters: object) -> Step:
    return do(EditKind.CLEAN_UP, **parameters)


ERODE, DILATE, AGAIN, BACK = clean(erode=1), clean(dilate=1), clean(threshold=0.5), clean(threshold=0.2)
BRUSH, OPEN, CLEAR = do(EditKind.BRUSH), do(EditKind.OPEN_LABELS), do(EditKind.CLEAR)
OUTSIDE = do(EditKind.REMOVE_OUTSIDE)
FIND = do(EditKind.FIND_OBJECTS, "objects")
WHOLE, PART = segment(), segment(1, 4)


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([WHOLE, ERODE, AGAIN, BACK], "0 3"),
        ([WHOLE, AGAIN, ERODE, OUTSIDE], "0 1 2 3"),
        ([WHOLE, BRUSH, OUTSIDE, AGAIN, BRUSH], "0 3 4"),
        ([BRUSH, ERODE, WHOLE], "2"),
        ([WHOLE, ERODE, PART], "0 1 2"),
        ([WHOLE, OPEN, ERODE], "1 2"),
        ([OPEN, WHOLE, OPEN, AGAIN], "1 3"),
        ([WHOLE, CLEAR, AGAIN], "0 2"),
        # The output is that of slices 2 to 4: labels can be elsewhere where they were drawn, opened or grew.
        ([PART, ERODE, AGAIN, BACK], "0 3"),
        ([PART, BRUSH, AGAIN], "0 1 2"),
        ([OPEN, PART, ERODE, AGAIN], "0 1 2 3"),
        ([PART, DILATE, AGAIN], "0 1 2"),
        ([PART, clean(dilate=1, in_3d=False), AGAIN], "0 2"),
        ([segment(4, 6), ERODE, segment(0, 3), AGAIN], "0 1 2 3"),
        ([PART, clean(smooth_z=1), AGAIN], "0 2"),
        # Smoothed over 5 of the 6 slices, slice 2 is among the voters 1 to 6 of which 2 to 6 have labels.
        ([segment(1, 6), clean(smooth_z=4), AGAIN], "0 1 2"),
        # Nothing is known of its slices, of what is a part, or of whether it was gone on with.
        ([do(EditKind.SEGMENT, model="m"), ERODE, AGAIN], "0 1 2"),
        ([WHOLE, do(EditKind.CLEAN_UP, partial=True, erode=1), ERODE], "0 1 2"),
        ([WHOLE, ERODE, do(EditKind.CLEAN_UP, partial=True, threshold=0.5)], "0 1 2"),
        ([segment(partial=True), BRUSH, WHOLE], "0 1 2"),
        ([segment(output_kept=False), ERODE, AGAIN], "0 1 2"),
        # The output that is kept is that of the segmentation that was undone.
        ([WHOLE, ERODE, PART, Step(StepKind.UNDO, EditKind.SEGMENT), AGAIN], "0 1 4"),
        ([WHOLE, ERODE, AGAIN, Step(StepKind.UNDO, EditKind.CLEAN_UP)], "0 1"),
        # Objects are of the labels from which they were found.
        ([WHOLE, ERODE, FIND, AGAIN], "0 1 2 3"),
        ([WHOLE, ERODE, FIND, AGAIN, FIND], "0 3 4"),
        ([WHOLE, ERODE, FIND, AGAIN, do(EditKind.OPEN_OBJECTS, "objects")], "0 2 3 4"),
    ],
)
def test_what_was_replaced_is_not_told(steps: list[Step], told: str) -> None:
    steps = [replace(step) for step in steps]
    places = [next(n for n, step in enumerate(steps) if step is one.step) for one in told_steps(steps, DEPTH)]
    assert " ".join(map(str, places)) == told


def cleaned(document: Document, *steps: Step) -> str:
    for step in steps:
        document.add_step(replace(step))
    text = paragraph(document.record(), "cell.mrc")
    return text[text.index("voxels of") :].split(". ", 1)[1].rsplit(" The segmentation method", 1)[0]


def test_a_clean_up_with_a_threshold_is_told_as_making_labels_anew(document: Document) -> None:
    same = {"erode": 1, "erode_3d": True, "min_size_voxels": 200}
    text = cleaned(document, WHOLE, clean(**same), clean(threshold=0.5, **same), clean(threshold=0.2, **same))
    assert text == (
        "Membranes were segmented with the model “m” at a threshold of 0.2 on its output, in slices 1 to 6. "
        "The labels were made anew from the network's output at a threshold of 0.2, and then cleaned up: "
        "labels were eroded by 1 voxel; objects of fewer than 200 voxels were removed."
    )
    listed = [line for line in text_of(document.record(), "cell.mrc").splitlines() if "Clean up" in line]
    assert [re.findall(r"threshold: ([\d.]+)", line) for line in listed] == [[], ["0.5"], ["0.2"]]
    assert not any("times" in line for line in listed)


def test_labels_of_some_slices_are_told_to_be_made_anew_there(document: Document) -> None:
    text = cleaned(document, PART, BRUSH, ERODE, clean(threshold=0.5, erode=2))
    assert "changed by hand. The labels were cleaned up: labels were eroded by 1 voxel." in text
    assert text.endswith(
        "The labels were made anew from the network's output at a threshold of 0.5 in slices 2 to 4, and all "
        "labels were then cleaned up: labels were eroded by 2 voxels."
    )


def check(number: int, *, back: bool = False) -> Step:
    more = {"taken_back": True} if back else {}
    return do(EditKind.CHECKED, "objects", object=number, **more)


@pytest.mark.parametrize(
    ("steps", "line"),
    [
        ([check(1), check(2), check(3)], "Check of an object (3 times)"),
        ([check(1), check(2), check(2, back=True), check(2), check(3), check(3, back=True)], "(2 times)"),
        ([check(1), check(2), check(2, back=True)], "Check of an object – object: 1"),
        ([check(1), check(1, back=True)], None),
        ([check(1), check(1, back=True), Step(StepKind.UNDO, EditKind.CHECKED, "objects")], "object: 1"),
        ([do(EditKind.CHECKED, "objects"), do(EditKind.CHECKED, "objects")], "Check of an object (2 times)"),
    ],
    ids=["three", "taken back and answered anew", "one left", "none left", "back undone", "former version"],
)
def test_checks_that_were_taken_back_do_not_count(
    document: Document, steps: list[Step], line: str | None
) -> None:
    said = cleaned(document, *steps)
    lines = [one for one in text_of(document.record(), "cell.mrc").splitlines() if "Check of" in one]
    assert len(lines) == (line is not None) and all(one.endswith(line or "") for one in lines)
    assert said.count("Classes of objects were checked by hand.") == (line is not None)
