"""What a panel says of its work goes when that is undone, whatever the work changed."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtWidgets import QLabel

from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.session import Session
from sxtstudio.app.widgets.result_note import ResultNote
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_table import ObjectRow


@pytest.fixture
def session(sample: MainWindow) -> Session:
    return sample.session


def paint(session: Session, z: int) -> None:
    box = Box((z, 5, 5), (z + 1, 9, 9))
    with session.edit(EditKind.SEGMENT, "labels") as edit:
        edit.write(box, np.full(box.shape, 255, np.uint8))


def name(session: Session, notes: str) -> None:
    """Change a row, and no voxel."""
    assert session.document is not None
    session.change_rows(session.document.object_table.change({1: ObjectRow(notes=notes)}), EditKind.NOTE)


def test_it_goes_with_its_change_and_not_with_later_ones(session: Session) -> None:
    label = QLabel()
    result = ResultNote(session, label)
    paint(session, 1)
    result.show_result("16 voxels labelled")
    paint(session, 2)
    name(session, "a")
    session.undo()
    session.undo()
    assert label.text() == "16 voxels labelled"
    session.undo()
    assert label.text() == ""


def test_rows_alone_are_a_change_like_others(session: Session) -> None:
    """Edits without voxels have equal patches, namely none: each is one of its own."""
    label = QLabel()
    result = ResultNote(session, label)
    name(session, "a")
    result.show_result("1 object changed")
    name(session, "b")
    session.undo()
    assert label.text() == "1 object changed"
    session.undo()
    assert label.text() == ""


def test_what_changed_nothing_holds_for_what_was_there(session: Session) -> None:
    label = QLabel()
    result = ResultNote(session, label)
    paint(session, 1)
    result.show_result("16 voxels labelled. The labels are the same as before.")
    session.undo()
    assert label.text() == ""


def test_it_goes_although_older_changes_were_forgotten(session: Session) -> None:
    label = QLabel()
    result = ResultNote(session, label)
    paint(session, 1)
    paint(session, 2)
    result.show_result("16 voxels labelled")
    session.history.budget_bytes = 1  # only the latest one is kept from here on
    paint(session, 3)
    assert len(session.history) == 1
    session.undo()
    assert label.text() == "16 voxels labelled"


def test_other_texts_stay_until_another_tomogram(sample: MainWindow) -> None:
    session, label = sample.session, QLabel()
    result = ResultNote(session, label)
    paint(session, 1)
    result.show("Saved")
    session.undo()
    assert label.text() == "Saved"
    assert session.document is not None
    session.document.modified = False
    session.show(None)
    assert label.text() == ""
