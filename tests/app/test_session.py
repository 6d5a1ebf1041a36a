"""The signal hub: what is open, what changed, what can be undone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from sxtstudio.app.labels import travel
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.session import Busy, Selection
from sxtstudio.app.slice_preview import Preview
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.measure.calibration import GreyUnit, of_unit
from sxtstudio.core.object_table import ObjectRow
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.workflow.document import document as document_module
from sxtstudio.workflow.document.project import adopt, save, snapshot
from sxtstudio.workflow.document.recovered import recover

PLACE = Box((3, 10, 20), (5, 14, 26))


def fill(window: MainWindow, kind: EditKind = EditKind.BRUSH, target: str = "labels") -> None:
    with window.session.edit(kind, target, size_px=4) as edit:
        edit.write(PLACE, np.full(PLACE.shape, 255, np.uint8))


def test_an_edit_is_announced_recorded_and_undone(sample: MainWindow, qtbot: QtBot) -> None:
    session = sample.session
    with qtbot.waitSignal(session.labels_changed) as told:
        fill(sample)
    assert told.args == [PLACE]
    document = session.document
    assert document is not None and document.labels is not None
    assert np.count_nonzero(document.labels) == 2 * 4 * 6
    assert document.modified and document.steps[-1].name == "Brush"
    assert document.steps[-1].parameters == {"size_px": 4}
    assert sample.actions_.by_name["edit.undo"].text() == "Undo: Brush"
    sample.actions_.by_name["edit.undo"].trigger()
    empty = document.array("labels")
    assert document.labels is None and empty is not None and not empty.any()
    assert not sample.actions_.by_name["edit.undo"].isEnabled()
    sample.actions_.by_name["edit.redo"].trigger()
    assert np.count_nonzero(document.labels) == 2 * 4 * 6


def test_mask_and_labels_are_told_apart(sample: MainWindow, qtbot: QtBot) -> None:
    session = sample.session
    with qtbot.assertNotEmitted(session.labels_changed), qtbot.waitSignal(session.mask_changed):
        fill(sample, EditKind.POLYGON, "mask")
    assert session.document is not None and session.document.labels is None


def test_an_error_within_an_edit_leaves_nothing(sample: MainWindow) -> None:
    session = sample.session
    with pytest.raises(RuntimeError), session.edit(EditKind.BRUSH) as edit:
        edit.write(PLACE, np.full(PLACE.shape, 255, np.uint8))
        raise RuntimeError
    assert session.document is not None and session.document.labels is None
    left = session.document.array("labels")
    assert left is not None and not left.any()
    assert len(session.history) == 0


def test_while_a_job_changes_labels_nobody_else_does(sample: MainWindow) -> None:
    fill(sample)
    sample.session.set_busy(Busy("Segment", EditKind.SEGMENT))
    with pytest.raises(UserError, match="Segment"):
        sample.session.record(EditKind.BRUSH)
    assert not sample.actions_.by_name["edit.undo"].isEnabled()
    sample.session.undo()
    assert len(sample.session.history) == 1
    sample.session.set_busy(None)
    assert sample.actions_.by_name["edit.undo"].isEnabled()


def test_nothing_open_is_a_sentence(window: MainWindow) -> None:
    with pytest.raises(UserError, match="Open"):
        window.session.record(EditKind.BRUSH)
    window.session.undo()
    window.session.set_cursor((1, 2, 3))
    assert window.session.cursor == (0, 0, 0)


def test_a_calibration_is_noted_and_follows_the_voxel_size(sample: MainWindow, qtbot: QtBot) -> None:
    session = sample.session
    assert session.document is not None
    session.set_voxel_nm((8.0, 8.0, 8.0))
    line = of_unit(GreyUnit.PER_VOXEL, session.document.voxel_nm)
    with qtbot.waitSignal(session.facts_changed):
        session.set_lac(line)
    assert session.document.lac == line and session.document.modified
    assert session.document.steps[-1].name == "LAC calibration"
    session.set_voxel_nm((10.0, 10.0, 10.0))
    assert session.document.lac == of_unit(GreyUnit.PER_VOXEL, (10.0, 10.0, 10.0))
    session.set_voxel_nm((20.0, 10.0, 10.0))
    assert session.document.lac is None
    with qtbot.assertNotEmitted(session.facts_changed):
        session.set_lac(None)


def test_cursor_stays_in_the_volume(sample: MainWindow, qtbot: QtBot) -> None:
    with qtbot.waitSignal(sample.session.cursor_changed) as told:
        sample.session.set_cursor((-5, 1000, 7))
    assert told.args == [(0, 383, 7)]
    with qtbot.assertNotEmitted(sample.session.cursor_changed):
        sample.session.set_cursor((0, 383, 7))


def test_another_document_forgets_preview_selection_and_history(sample: MainWindow) -> None:
    session = sample.session
    fill(sample)
    session.set_preview(Preview(3, np.zeros((384, 384), np.uint8), "Preview"))
    session.select(Selection((3, 10, 20), PLACE, np.ones(PLACE.shape, bool), 48))
    former = session.document
    assert former is not None
    former.modified = False
    session.show(None)
    assert session.preview is None and session.selection is None
    assert len(session.history) == 0 and session.cursor == (0, 0, 0)


def test_large_edits_travel_in_a_job(
    sample: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(travel, "LARGE_BYTES", 10)
    qtbot.waitUntil(lambda: not sample.jobs.running, timeout=20_000)
    fill(sample)
    session, undo = sample.session, sample.actions_.by_name["edit.undo"]
    labels = session.labels_of("labels")
    assert labels is not None
    with qtbot.waitSignal(session.labels_changed, timeout=5000) as told:
        undo.trigger()
        assert session.busy == Busy("Undo: Brush", EditKind.BRUSH) and not undo.isEnabled()
        undo.trigger()
    assert told.args == [PLACE] and not labels.any() and session.busy is None
    assert session.history.next_undo is None
    with qtbot.waitSignal(session.labels_changed, timeout=5000):
        sample.actions_.by_name["edit.redo"].trigger()
    assert np.count_nonzero(labels) == 2 * 4 * 6


def test_back_at_the_saved_state_there_is_nothing_to_be_saved(sample: MainWindow, tmp_path: Path) -> None:
    session, document = sample.session, sample.session.document
    assert document is not None and not document.modified
    fill(sample)
    assert document.modified and sample.isWindowModified()
    session.undo()
    assert not document.modified and not sample.isWindowModified(), "as it was opened"
    session.redo()
    assert document.modified
    saved = save(snapshot(document), tmp_path / "cell.sxt")
    adopt(document, saved)
    session.saved(saved.folder)
    assert not document.modified
    session.undo()
    assert document.modified, "the project holds the stroke"
    session.redo()
    assert not document.modified
    fill(sample, target="mask")
    session.set_voxel_nm((11.0, 11.0, 11.0))
    session.undo()
    assert document.modified, "the voxel size stays"


def stroke(window: MainWindow, row: int) -> None:
    box = Box((0, row, 0), (1, row + 1, 30))
    with window.session.edit(EditKind.BRUSH) as edit:
        edit.write(box, np.full(box.shape, 255, np.uint8))


def test_what_the_history_has_forgotten_is_still_to_be_saved(sample: MainWindow) -> None:
    session, document = sample.session, sample.session.document
    assert document is not None
    session.history.budget_bytes = 1  # only the latest can be taken back
    stroke(sample, 1)
    stroke(sample, 2)
    session.undo()
    assert session.history.next_undo is None and document.labels is not None
    assert document.modified, "the first stroke is there, and nothing can take it back"


def test_another_stroke_in_place_of_the_saved_one_is_to_be_saved(
    sample: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, document = sample.session, sample.session.document
    assert document is not None
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    monkeypatch.setattr(document_module, "datetime", SimpleNamespace(now=lambda zone: noon))
    stroke(sample, 1)
    adopt(document, save(snapshot(document), tmp_path / "cell.sxt"))
    session.undo()
    stroke(sample, 1)  # alike, and in the same second
    stroke(sample, 2)
    session.undo()
    assert document.modified
    document.note(Step(StepKind.EXPORT))
    adopt(document, save(snapshot(document), tmp_path / "cell.sxt"))
    document.note(Step(StepKind.EXPORT))
    stroke(sample, 3)
    session.undo()
    assert not document.modified, "an export changes nothing that is saved"


def test_what_was_recovered_is_to_be_saved_whatever_is_undone(sample: MainWindow) -> None:
    session, document = sample.session, sample.session.document
    assert document is not None
    stroke(sample, 1)
    document.let_go()
    recovered = recover(document.folder)
    session.show(recovered)
    stroke(sample, 2)
    session.undo()
    assert recovered.modified
    recovered.discard()


def test_objects_and_their_table_are_one_history_with_the_labels(sample: MainWindow, qtbot: QtBot) -> None:
    session, document = sample.session, sample.session.document
    assert document is not None
    with (
        qtbot.assertNotEmitted(session.labels_changed),
        qtbot.waitSignals([session.objects_changed, session.table_changed]),
    ):
        recorder = session.record(EditKind.NEW_OBJECT, "objects")
        recorder.write(PLACE, np.full(PLACE.shape, 7, np.uint32))
        session.commit(recorder, rows=document.object_table.change({7: ObjectRow()}))
    assert document.objects is not None and document.box_of(7) == PLACE
    fill(sample)
    with qtbot.assertNotEmitted(session.objects_changed), qtbot.waitSignal(session.table_changed):
        session.change_rows(document.object_table.change({7: ObjectRow("Gold")}), EditKind.CLASS, name="Gold")
    assert document.steps[-1].name == "Class of objects" and document.steps[-1].parameters == {"name": "Gold"}
    assert session.change_rows(document.object_table.change({7: ObjectRow("Gold")}), EditKind.CLASS) is None
    session.objects.set(selected=(7,), hidden=frozenset({7}), only=frozenset({7}))
    undo = sample.actions_.by_name["edit.undo"]
    undo.trigger()
    assert document.object_table.rows == {7: ObjectRow()} and session.objects.value.selected == (7,)
    undo.trigger()
    assert document.labels is None and document.objects is not None
    with qtbot.waitSignals([session.objects_changed, session.table_changed]):
        undo.trigger()
    assert document.objects is None and document.object_table.rows == {}
    now = session.objects.value
    assert (now.selected, now.hidden, now.only) == ((), frozenset(), None), "an object that is gone"
    for _ in range(3):
        sample.actions_.by_name["edit.redo"].trigger()
    assert document.object_table.rows == {7: ObjectRow("Gold")} and document.labels is not None


def test_the_table_waits_for_a_job_that_changes_objects(sample: MainWindow) -> None:
    document = sample.session.document
    assert document is not None
    sample.session.set_busy(Busy("Find objects", EditKind.FIND_OBJECTS))
    with pytest.raises(UserError, match="Find objects"):
        sample.session.change_rows(document.object_table.change({7: ObjectRow()}), EditKind.CLASS)
    sample.session.set_busy(None)
    assert document.object_table.rows == {}
