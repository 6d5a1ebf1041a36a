"""Whether labels of an opened document were made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sxtstudio.app.segment.manual_edits import HandMade
from sxtstudio.app.session import Busy, Session
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.workflow.document.document import Document


@pytest.mark.parametrize(
    ("steps", "by_hand"),
    [
        ([], True),  # labels from elsewhere
        (["Polarity", "Segment", "Clean up", "Export"], False),
        (["Brush", "Segment", "Voxel size"], False),  # the segmentation came after the brush
        (["Segment", "Brush"], True),
        (["Segment", "Cell mask: automatic", "Undo: Clean up"], False),
        (["Segment", "Open labels"], True),
    ],
)
def test_steps_tell(qapp: object, tomogram: Path, tmp_path: Path, steps: list[str], by_hand: bool) -> None:
    session = Session()
    hand_made = HandMade(session)
    document = Document.open(tomogram, tmp_path / "work")
    document.volume("labels")[0] = 255
    document.recount("labels")
    for name in steps:
        document.add_step(name)
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
