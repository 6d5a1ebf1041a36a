"""Whether labels of an opened document were made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sxtstudio.app.segment.manual_edits import HandMade
from sxtstudio.app.session import Busy, Session
from sxtstudio.core.edit_kind import EditKind, Target
from sxtstudio.core.edits import Recorder
from sxtstudio.core.geometry import Box
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.workflow.document.document import Document


def done(edit: EditKind, kind: StepKind = StepKind.EDIT, target: Target = "labels", **more: bool) -> Step:
    return Step(kind, edit, target, **more)


SEGMENT, BRUSH, CLEAN_UP = done(EditKind.SEGMENT), done(EditKind.BRUSH), done(EditKind.CLEAN_UP)
VOXEL_SIZE, POLARITY, EXPORT = (
    Step(kind) for kind in (StepKind.VOXEL_SIZE, StepKind.POLARITY, StepKind.EXPORT)
)


@pytest.mark.parametrize(
    ("steps", "by_hand"),
    [
        ([], True),  # labels from elsewhere
        ([POLARITY, SEGMENT, CLEAN_UP, EXPORT], False),
        ([BRUSH, SEGMENT, VOXEL_SIZE], False),  # the segmentation came after the brush
        ([SEGMENT, BRUSH], True),
        ([BRUSH, done(EditKind.SEGMENT, partial=True)], True),
        ([BRUSH, SEGMENT, done(EditKind.SEGMENT, StepKind.UNDO)], True),
        ([SEGMENT, BRUSH, done(EditKind.BRUSH, StepKind.UNDO)], False),
        ([SEGMENT, done(EditKind.FIND_CELL, target="mask"), done(EditKind.BRUSH, target="mask")], False),
        ([SEGMENT, done(EditKind.OPEN_LABELS)], True),
        ([SEGMENT, Step(StepKind.OTHER, unknown="Something new")], True),
    ],
)
def test_steps_tell(qapp: object, tomogram: Path, tmp_path: Path, steps: list[Step], by_hand: bool) -> None:
    session = Session()
    hand_made = HandMade(session)
    document = Document.open(tomogram, tmp_path / "work")
    document.volume("labels")[0] = 255
    document.recount("labels")
    for step in steps:
        document.add_step(step)
    document.discard()
    session.show(document)
    assert hand_made.within(0, 1) == by_hand
    session.show(None)
    assert not hand_made.within(0, 6)


def test_changes_are_known_by_slice_and_forgotten_once_replaced(
    qapp: object, tomogram: Path, tmp_path: Path
) -> None:
    session = Session()
    hand_made = HandMade(session)
    document = Document.open(tomogram, tmp_path / "work")
    session.show(document)
    box = Box((2, 0, 0), (4, 3, 3))
    with session.edit(EditKind.BRUSH) as edit:
        edit.write(box, np.full(box.shape, 255, np.uint8))
    assert hand_made.within(3, 6) and not hand_made.within(0, 2) and not hand_made.within(4, 6)
    hand_made.forget(3, 6)  # a part of it is still there
    assert hand_made.within(0, 3)
    hand_made.forget(0, 6)
    assert not hand_made.within(0, 6)
    session.set_busy(Busy("Segment", EditKind.SEGMENT))
    session.touched("labels", box)
    session.set_busy(None)
    assert not hand_made.within(0, 6)
    document.discard()
    session.show(None)


def test_undone_and_made_again(qapp: object, tomogram: Path, tmp_path: Path) -> None:
    """A stroke after an undo counts; what a segmentation replaced counts again once that is undone."""
    session = Session()
    hand_made = HandMade(session)
    document = Document.open(tomogram, tmp_path / "work")
    session.show(document)

    def change(kind: EditKind, z: int) -> None:
        box = Box((z, 0, 0), (z + 1, 3, 3))
        session.set_busy(None if kind.by_hand else Busy("job", kind))
        recorder = Recorder(kind, document.volume("labels"))
        session.touched("labels", recorder.write(box, document.volume("labels")[box.slices] ^ 255))
        session.commit(recorder, announce=False)
        session.set_busy(None)

    change(EditKind.BRUSH, 1)
    session.undo()
    change(EditKind.BRUSH, 2)
    assert hand_made.within(2, 3)
    change(EditKind.SEGMENT, 2)
    hand_made.forget(0, 6)
    session.undo()
    assert hand_made.within(2, 3) and not hand_made.within(3, 6)
    session.redo()
    hand_made.forget(0, 6)
    assert not hand_made.within(0, 6)
    change(EditKind.SEGMENT, 4)
    session.undo()
    hand_made.forget(0, 6)
    session.redo()  # a segmentation made again is no work by hand
    assert not hand_made.within(4, 5)
    document.discard()
    session.show(None)
