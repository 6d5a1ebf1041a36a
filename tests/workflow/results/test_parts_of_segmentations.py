"""Which slices the texts say of segmentations that were ended half-way, or that were of some slices each."""

from __future__ import annotations

import pytest

from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.label_history import finished_slices, together_text
from sxtstudio.workflow.document.methods import text_of
from sxtstudio.workflow.results.paragraph import paragraph

DEPTH = 6
CLEAR, OPEN = (Step(StepKind.EDIT, kind) for kind in (EditKind.CLEAR, EditKind.OPEN_LABELS))
BRUSH = Step(StepKind.EDIT, EditKind.BRUSH)


def segment(
    slices: tuple[int, int] | None, finished: tuple[int, int] | None = None, *, partial: bool = False
) -> Step:
    said = {} if finished is None else {"finished_slices": finished}
    values = {"model": "m", "slices": slices, **said}
    return Step(StepKind.EDIT, EditKind.SEGMENT, partial=partial or finished is not None, parameters=values)


@pytest.mark.parametrize(
    ("step", "line", "sentence"),
    [
        (
            segment((0, 6), (0, 2)),
            "slices: 1 to 2, then ended; 1 to 6 were asked for",
            "Slices 1 to 2 were segmented with the model “m”: it was ended before the others of slices 1 to",
        ),
        (
            segment(None, (0, 1)),
            "slices: 1 to 1, then ended; 1 to 6 were asked for",
            "Slice 1 was segmented with the model “m”: it was ended before the others of slices 1 to 6.",
        ),
        (
            segment((2, 6), partial=True),  # of a former version
            "slices: a part of 3 to 6, as it was ended half-way",
            "A part of slices 3 to 6 was segmented with the model “m”: it was ended before the last slice.",
        ),
        (segment((1, 4)), "slices: 2 to 4", "with the model “m”, in slices 2 to 4."),
    ],
    ids=["some", "all were asked for", "not known how far", "whole"],
)
def test_it_says_which_slices_were_segmented(
    document: Document, step: Step, line: str, sentence: str
) -> None:
    document.steps[:] = [step, BRUSH]
    listed = text_of(document.record(), "cell.mrc")
    assert f"; {line}\n" in listed and "finished" not in listed
    assert sentence in paragraph(document.record(), "cell.mrc")


def test_the_texts_say_the_use_what_was_left_out_and_that_tiles_were_automatic(document: Document) -> None:
    said = {"model": "m", "slices": [0, 6], "threshold": 0.6, "use": "few false labels", "tile_px": None}
    document.steps[:] = [Step(StepKind.EDIT, EditKind.SEGMENT, parameters=said)]
    text = paragraph(document.record(), "cell.mrc")
    assert "at a threshold of 0.6 on its output, chosen for the use “few false labels”, in slices" in text
    more = {**said, "neighbours": 1, "noisy": True}
    document.steps[:] = [Step(StepKind.EDIT, EditKind.SEGMENT, parameters=more)]
    assert (
        "the model “m”, which saw the slices in four fifths of their size, at a threshold of 0.6 "
        "on its output (the mean of the outputs for each slice and its two neighbours), "
        "chosen for the use “few false labels”, in slices 1 to 6."
    ) in paragraph(document.record(), "cell.mrc")
    assert "left out" not in text
    listed = text_of(document.record(), "cell.mrc")
    assert "tile (pixels): automatic" in listed and "none" not in listed
    found = "at least 3 gold beads"
    for more, words in (({}, ", where there were any."), ({"left_out": found}, f" ({found}).")):
        values = {**said, "leave_out": True, **more}
        document.steps[:] = [Step(StepKind.EDIT, EditKind.SEGMENT, parameters=values)]
        text = paragraph(document.record(), "cell.mrc")
        assert f" Frames of the reconstruction and gold beads were left out{words}" in text


def test_a_part_says_as_much_as_a_whole(document: Document) -> None:
    said = {
        "model": "m",
        "model_sha256": "ab" * 32,
        "threshold": 0.6,
        "use": "few false labels",
        "polarity": "bright",
        "slices": [0, 6],
        "neighbours": 1,
        "leave_out": True,
        "finished_slices": [0, 2],
    }
    document.steps[:] = [Step(StepKind.EDIT, EditKind.SEGMENT, partial=True, parameters=said)]
    assert (
        "Slices 1 to 2 were segmented with the model “m” (SHA-256 abababababab…) at a threshold of 0.6 on "
        "its output (the mean of the outputs for each slice and its two neighbours), chosen for the use “few "
        "false labels”: it was ended before the others of slices 1 to 6. Frames of the reconstruction and "
        "gold beads were left out, where there were any."
    ) in paragraph(document.record(), "cell.mrc")


def test_a_part_of_a_former_version_without_a_model_was_made_by_the_default_one(document: Document) -> None:
    said = {"model": None, "slices": None, "finished_slices": [0, 2]}
    document.steps[:] = [Step(StepKind.EDIT, EditKind.SEGMENT, partial=True, parameters=said)]
    assert "; model: the default model" in f"; {text_of(document.record(), 'cell.mrc').split(' – ')[1]}"
    text = paragraph(document.record(), "cell.mrc")
    assert "Slices 1 to 2 were segmented with the default model: it was ended" in text


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([segment((0, 6))], ""),
        ([segment((0, 6), (0, 2))], ""),  # its own line says it
        ([segment((0, 3)), segment((3, 6))], "Together the segmentations cover all 6 slices."),
        ([segment((0, 6), (0, 3)), BRUSH, segment((2, 6))], "Together the segmentations cover all 6 slices."),
        ([segment((0, 6), (0, 3)), segment((0, 6))], ""),
        ([segment((0, 2)), segment((3, 5))], "Of 6 slices, slices 3, 6 were not segmented."),
        ([segment((0, 2)), segment((3, 6))], "Of 6 slices, slice 3 was not segmented."),
        ([segment((0, 2)), segment((2, 6), partial=True)], ""),  # nobody knows
        ([segment((0, 3)), CLEAR, segment((3, 6))], ""),
        ([segment((0, 3)), segment((3, 6)), OPEN], ""),
        ([segment((0, 3)), segment((3, 6)), Step(StepKind.UNDO, EditKind.SEGMENT)], ""),
    ],
)
def test_it_says_whether_several_segmentations_make_a_whole(
    document: Document, steps: list[Step], said: str
) -> None:
    document.steps[:] = steps
    assert together_text(steps, DEPTH) == said
    for text in (text_of(document.record(), "cell.mrc"), paragraph(document.record(), "cell.mrc")):
        assert (said in text) and (bool(said) or not {"Together", "not segmented"} & set(text.split(". ")))


@pytest.mark.parametrize("said", [None, [3], ["a", 2], 7, [True, False]])
def test_damaged_records_say_nothing(said: object) -> None:
    step = Step(StepKind.EDIT, EditKind.SEGMENT, partial=True, parameters={"finished_slices": said})
    assert finished_slices(step, DEPTH) is None
