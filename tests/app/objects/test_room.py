"""The room of the objects in the real window: found, shown, chosen and asked about before they go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from sxtstudio.app import questions
from sxtstudio.app.exports.receipt import ReceiptDialog
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.objects.work import seat_of
from sxtstudio.app.slice_preview import PreviewStyle
from sxtstudio.app.states import Panel
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.core.measure.columns import Column, Measurements, Quantity
from sxtstudio.core.measure.kept import KeptMeasurements
from sxtstudio.core.object_table import Decided, ObjectFlag, ObjectRow
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.workflow.document.project import adopt, save, snapshot
from tests.app.objects.conftest import BOXES, LARGE, ROWS, quiet

SLAB = Box((20, 60, 60), (36, 200, 200))


def rings() -> np.ndarray:
    """The outlines of an upright cylinder, in the box SLAB."""
    y, x = np.mgrid[: SLAB.shape[1], : SLAB.shape[2]]
    ring = np.abs(np.hypot(y - 60, x - 60) - 30) <= 2
    return np.repeat(np.where(ring, 255, 0).astype(np.uint8)[None], SLAB.shape[0], axis=0)


@pytest.fixture
def outlined(
    open_file: Callable[[Path], MainWindow], sample_values: np.ndarray, tmp_path: Path
) -> MainWindow:
    """The window with labels, and the panel of the objects in front.

    A quarter of the sample: objects are found in all of a tomogram, and beside the labels nothing is.
    """
    part = sample_values[:48, :224, :224].astype(np.uint8)
    metadata = {"axes": "ZYX", "unit": "nm", "spacing": 10.0}
    tifffile.imwrite(tmp_path / "part.tif", part, imagej=True, resolution=(0.1, 0.1), metadata=metadata)
    window = open_file(tmp_path / "part.tif")
    assert window.session.document is not None and window.session.document.voxel_nm == (10.0, 10.0, 10.0)
    with window.session.edit(EditKind.BRUSH) as edit:
        edit.write(SLAB, rings())
    window.session.set_cursor((28, 120, 120))
    window.context.parts.side.show_panel(Panel.OBJECTS)
    return window


def find(window: MainWindow, qtbot: QtBot) -> None:
    window.actions_.by_name["objects.find"].trigger()
    qtbot.waitUntil(lambda: window.session.busy is None, timeout=60_000)


def test_preview_follows_fields_and_slice_and_goes_with_the_panel(outlined: MainWindow, qtbot: QtBot) -> None:
    session, finding = outlined.session, outlined.context.parts.objects.finding
    qtbot.waitUntil(lambda: session.preview is not None, timeout=20_000)
    assert session.preview is not None and session.preview.style is PreviewStyle.OBJECTS
    assert session.preview.z == 28 and session.preview.labels[120, 120]
    assert "1 region" in finding.note.text()
    session.set_cursor((5, 120, 120))
    qtbot.waitUntil(lambda: session.preview is not None and session.preview.z == 5, timeout=20_000)
    assert not session.preview.labels.any()
    finding.live.setChecked(False)
    assert session.preview is None
    finding.live.setChecked(True)
    qtbot.waitUntil(lambda: session.preview is not None, timeout=20_000)
    outlined.context.parts.side.show_panel(Panel.IMAGE)
    assert session.preview is None


def test_a_preview_that_is_off_comes_with_the_first_field_that_moves(
    outlined: MainWindow, qtbot: QtBot
) -> None:
    session, finding = outlined.session, outlined.context.parts.objects.finding
    find(outlined, qtbot)
    assert not finding.live.isChecked() and session.preview is None
    session.set_cursor((28, 120, 120))
    assert session.preview is None and not finding.live.isChecked()
    split, z = finding.form.split, session.cursor[0]
    outlined.activateWindow()
    qtbot.waitUntil(outlined.isActiveWindow)
    split.setFocus()
    qtbot.keyClick(split, Qt.Key.Key_PageUp)
    assert split.value() == split.pageStep() and finding.live.isChecked()
    qtbot.waitUntil(lambda: session.preview is not None, timeout=20_000)
    qtbot.keyClick(split, Qt.Key.Key_PageDown)
    assert split.value() == 0
    qtbot.keyClick(split, Qt.Key.Key_PageUp)
    qtbot.keyClick(split, Qt.Key.Key_Home)
    assert split.value() == 0 and session.cursor[0] == z, "the slice stays"


def test_a_project_with_objects_shows_them_and_no_preview(outlined: MainWindow, qtbot: QtBot) -> None:
    session, finding = outlined.session, outlined.context.parts.objects.finding
    assert session.document is not None
    find(outlined, qtbot)
    finding.live.setChecked(True)
    session.document_changed.emit()
    assert not finding.live.isChecked() and session.preview is None


def test_the_smallest_volume_is_written_as_people_read_it(outlined: MainWindow) -> None:
    form = outlined.context.parts.objects.finding.form
    for voxels, text in (
        (30, "= 30\u202f000 nm³, "),
        (12_000, "= 0.012 µm³, "),
        (10**9, "= 1\u202f000 µm³, "),
    ):
        form.smallest.setValue(voxels)
        assert form.size_note.text().startswith(text)


def test_objects_are_found_shown_and_taken_back(outlined: MainWindow, qtbot: QtBot) -> None:
    document = outlined.session.document
    assert document is not None
    find(outlined, qtbot)
    objects = document.objects
    assert objects is not None and objects[28, 120, 120]
    panel = outlined.context.parts.objects
    assert "Found 1 object." in panel.result.text() and not panel.finding.live.isChecked()
    assert (
        document.steps[-1].edit is EditKind.FIND_OBJECTS
        and document.steps[-1].parameters["method"] == "bodies"
    )
    layer = outlined.context.parts.slices.views["xy"].objects
    qtbot.waitUntil(lambda: layer.number_at(120, 120) == objects[28, 120, 120])
    outlined.actions_.by_name["edit.undo"].trigger()
    assert document.objects is None and panel.result.text() == ""
    qtbot.waitUntil(lambda: layer.number_at(120, 120) == 0)
    assert not outlined.actions_.by_name["objects.measure"].isEnabled()


def test_labels_that_changed_since_are_said_until_they_are_back_or_searched_again(
    outlined: MainWindow, qtbot: QtBot, tmp_path: Path, open_file: Callable[[Path], MainWindow]
) -> None:
    document, panel = outlined.session.document, outlined.context.parts.objects
    assert document is not None
    warning, small = panel.labels_changed, Box((30, 210, 210), (31, 212, 212))
    find(outlined, qtbot)
    assert warning.text() == ""
    with outlined.session.edit(EditKind.BRUSH) as edit:
        edit.write(small, np.full(small.shape, 255, np.uint8))
    said = "The labels have changed since the objects were found. Find them again."
    assert said in warning.text() and warning.isVisible()
    outlined.actions_.by_name["edit.undo"].trigger()
    assert warning.text() == ""
    outlined.actions_.by_name["edit.redo"].trigger()
    assert said in warning.text()
    find(outlined, qtbot)
    assert document.steps[-1].kind is StepKind.FOUND_SAME, "what was painted is too small: no edit"
    assert warning.text() == "" and document.modified
    saved = save(snapshot(document), tmp_path / "cell.sxt")
    adopt(document, saved)
    assert open_file(tmp_path / "cell.sxt").session.document is not document
    assert warning.text() == "", "nor when the project is opened again"


def test_a_part_that_is_opened_is_seen_on_a_low_screen(outlined: MainWindow, qtbot: QtBot) -> None:
    """What was found is said in one line then, and in full in its tooltip."""
    document, panel = outlined.session.document, outlined.context.parts.objects
    assert document is not None
    outlined.resize(1366, 700)
    document.add_step(Step(StepKind.EDIT, EditKind.SEGMENT, parameters={"slices": [20, 36]}))
    find(outlined, qtbot)
    whole = panel.result.text()
    assert "1 touches the border" in whole
    check = panel.sections[-1]
    queue = panel.classing.queue
    assert check.content is queue and queue.start.visibleRegion().isEmpty()
    check.heading.click()
    qtbot.waitUntil(lambda: queue.start.visibleRegion().boundingRect() == queue.start.rect(), timeout=3000)
    assert panel.result.text() == "Found 1 object. …" and panel.result.toolTip() == whole
    find(outlined, qtbot)
    assert panel.result.text() == whole and panel.result.toolTip() == ""
    (number,) = document.object_table.rows
    rows = {number: ObjectRow("Vesicle", Decided.CLASSIFIER, 0.5)}
    outlined.session.change_rows(document.object_table.change(rows), EditKind.CLASSIFY)
    queue.start.click()
    assert panel.result.text() == "Found 1 object. …"
    qtbot.waitUntil(lambda: queue.stop.visibleRegion().boundingRect() == queue.stop.rect(), timeout=3000)


def test_the_ends_of_the_segmented_slices_are_a_border(outlined: MainWindow, qtbot: QtBot) -> None:
    document = outlined.session.document
    assert document is not None
    document.add_step(Step(StepKind.EDIT, EditKind.SEGMENT, parameters={"slices": [20, 36]}))
    find(outlined, qtbot)
    assert document.steps[-1].parameters["within_slices"] == [[20, 36]]
    assert document.steps[-1].parameters["network_output"] is False
    assert "1 touches the border" in outlined.context.parts.objects.result.text()
    (row,) = document.object_table.rows.values()
    assert ObjectFlag.BORDER in row.flags
    assert document.objects is not None
    assert not document.objects[:20].any() and not document.objects[36:].any()


def test_work_by_hand_is_asked_about(
    outlined: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = outlined.session.document
    assert document is not None
    asked: list[str] = []

    def ask(parent: Any, title: str, text: str, buttons: Any, *rest: Any) -> str:
        asked.append(text)
        return str(buttons[-1])

    monkeypatch.setattr(questions, "ask", ask)
    find(outlined, qtbot)
    find(outlined, qtbot)
    assert asked == [], "found objects can be had again by a click"
    (number,) = document.object_table.rows
    outlined.session.objects.set(selected=(number,))
    notes = outlined.context.parts.objects.chosen.notes
    notes.setText("the only one")
    notes.setModified(True)
    notes.editingFinished.emit()
    assert document.object_table.rows[number].notes == "the only one"
    find(outlined, qtbot)
    assert len(asked) == 1 and "by hand" in asked[0]
    assert document.object_table.rows[number].notes == "the only one", "the harmless answer"
    outlined.actions_.by_name["edit.undo"].trigger()
    with outlined.session.edit(EditKind.ERASE_OBJECT, "objects") as edit:
        edit.write(Box((28, 118, 118), (29, 122, 122)), np.zeros((1, 4, 4), np.uint32))
    find(outlined, qtbot)
    assert len(asked) == 2
    outlined.actions_.by_name["edit.undo"].trigger()
    find(outlined, qtbot)
    assert len(asked) == 2, "what was taken back is no work"


def test_the_form_means_the_same_in_nm_and_px(outlined: MainWindow) -> None:
    form = outlined.context.parts.objects.finding.form
    assert form.gap.suffix() == " nm" and form.gap.value() == 60 and form.wanted.gap_px == pytest.approx(6)
    outlined.session.set_voxel_nm((20.0, 20.0, 20.0))
    assert form.gap.value() == 120 and form.wanted.gap_px == pytest.approx(6)
    outlined.session.set_voxel_nm(None)
    assert form.gap.suffix() == " px" and form.gap.value() == 6
    form.split.setValue(40)
    assert form.wanted.split == pytest.approx(0.4) and form.share.text() == "40 %"
    form.method.setCurrentIndex(1)
    assert form.gap.isHidden() and form.split.isHidden()
    assert not form.inside.isEnabled()


def test_the_chosen_object_is_described(room: MainWindow, qtbot: QtBot) -> None:
    chosen, session = room.context.parts.objects.chosen, room.session
    assert chosen.name.text() == "None" and not chosen.buttons["objects.go_to"].isEnabled()
    session.objects.set(selected=(LARGE,))
    assert chosen.name.text() == f"Object {LARGE} · Vesicle"
    assert (
        "missing above or below" in chosen.flags.text() and chosen.figure_note.text() == "Not measured yet."
    )
    chosen.buttons["objects.hide"].click()
    assert session.objects.value.hidden == {LARGE} and "hidden" in chosen.name.text()
    assert chosen.buttons["objects.hide"].text() == "Show"
    room.actions_.by_name["objects.go_to"].trigger()
    assert session.objects.value.hidden == frozenset(), "what one goes to is to be seen"
    z, y, x = session.cursor
    assert all(a <= c < b for a, c, b in zip(BOXES[LARGE].start, (z, y, x), BOXES[LARGE].stop, strict=True))
    session.objects.set(selected=(3, 5))
    assert chosen.name.text() == "Object 5 · no class (and 1 other)"
    chosen.buttons["objects.only"].click()
    assert session.objects.value.only == {3, 5}
    chosen.buttons["objects.show_all"].click()
    assert session.objects.value.only is None


def test_a_seat_lies_in_its_object() -> None:
    numbers = np.zeros((9, 20, 20), np.uint32)
    numbers[2:7, 4:16, 4:16] = 5
    numbers[3:6, 6:14, 6:14] = 0  # hollow: its middle is not in it
    seat = seat_of(numbers, 5, Box((0, 0, 0), (9, 20, 20)))
    assert seat is not None and numbers[seat] == 5 and seat[0] == 4
    assert seat_of(numbers, 6, Box((0, 0, 0), (9, 20, 20))) is None
    numbers[4] = 0
    seat = seat_of(numbers, 5, Box((2, 4, 4), (7, 16, 16)))
    assert seat is not None and numbers[seat] == 5 and seat[0] in (3, 5)


def test_the_readout_names_the_object(room: MainWindow, qtbot: QtBot) -> None:
    quiet(room, qtbot)
    room.session.set_cursor((30, 120, 125))
    slices = room.context.parts.slices
    view = slices.views["xy"]
    qtbot.waitUntil(lambda: view.objects.number_at(120, 125) == 3)
    place = view.transform().map(QPointF(125, 120))
    none = Qt.MouseButton.NoButton
    view.mouse.move(QMouseEvent(QMouseEvent.Type.MouseMove, place, place, none, none, Qt.KeyboardModifier(0)))
    assert "object 3, Mitochondrion" in slices.planes.line.text()


@pytest.mark.parametrize("width", [480, 1100])
def test_in_a_narrow_pane_the_readout_still_names_the_object(
    room: MainWindow, qtbot: QtBot, width: int
) -> None:
    """As at 1366 px with 3D beside the slices; the views keep their height whatever the pointer is over."""
    quiet(room, qtbot)
    with room.session.edit(EditKind.BRUSH) as edit:
        edit.write(BOXES[3], np.full(BOXES[3].shape, 255, np.uint8))
    slices = room.context.parts.slices
    room.resize(1500, 900)
    slices.setFixedWidth(width)
    room.session.set_cursor((30, 120, 125))
    view, line = slices.views["xy"], slices.planes.line
    qtbot.waitUntil(lambda: line.width() == width and view.objects.number_at(120, 125) == 3)
    heights = set()
    none = Qt.MouseButton.NoButton
    for row, column in ((20, 20), (120, 125), (-30, 20)):
        place = view.transform().map(QPointF(column, row))
        move = QMouseEvent(QMouseEvent.Type.MouseMove, place, place, none, none, Qt.KeyboardModifier(0))
        view.mouse.move(move)
        QApplication.processEvents()
        heights.add((line.sizeHint().height(), view.height()))
        if row == 120:
            text = line.text()
            assert line.fontMetrics().size(0, text).width() <= line.contentsRect().width()
            assert "x 125" in text and "labelled" in text and "object 3, Mitochondrion" in text
            assert ("\n" in text) == (width == 480)
    assert len(heights) == 1 and line.text().strip() == ""


def test_measuring_is_a_job_and_what_changes_meanwhile_is_out_of_date(room: MainWindow, qtbot: QtBot) -> None:
    measured = room.context.parts.measured
    room.actions_.by_name["objects.measure"].trigger()
    with room.session.edit(EditKind.ERASE_OBJECT, "objects") as edit:
        edit.write(Box((21, 101, 101), (22, 102, 102)), np.zeros((1, 1, 1), np.uint32))
    qtbot.waitUntil(lambda: measured.value is not None, timeout=120_000)
    assert measured.value is not None and measured.value.numbers.tolist() == sorted(BOXES)
    assert measured.stale == {3}
    volume = dict(zip(sorted(BOXES), measured.value.values["volume"].tolist(), strict=True))
    assert volume[5] == pytest.approx(np.prod(BOXES[5].shape) * 1e-6)
    assert room.session.layout.value.objects_pane


def test_the_table_goes_out_with_its_dictionary(
    room: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(questions, "save_file", lambda *args: tmp_path / "cell.csv")
    room.actions_.by_name["objects.export_table"].trigger()
    qtbot.waitUntil(lambda: (tmp_path / "cell.csv").is_file(), timeout=30_000)
    quiet(room, qtbot)
    lines = (tmp_path / "cell.csv").read_text("utf-8-sig").splitlines()
    assert len(lines) == 1 + len(BOXES) and "beside the nucleus" in lines[2]
    assert lines[3].startswith(f"{LARGE},Vesicle")
    assert (tmp_path / "cell.dictionary.csv").is_file()


def test_the_table_goes_out_whole_and_what_is_out_of_date_is_said_in_full(
    room: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    warned = tuple(f"Measure again for column {number}, {'x' * 60}." for number in range(9))
    monkeypatch.setattr(questions, "save_file", lambda *args: tmp_path / "cell.csv")
    monkeypatch.setattr(KeptMeasurements, "warnings", lambda *args: warned)
    document = room.session.document
    values = Measurements(np.array(sorted(BOXES)))
    kept = KeptMeasurements(values, voxel_nm=document.voxel_nm)
    document.measurements.keep(kept)
    room.session.objects.set(only=frozenset({LARGE}))
    room.actions_.by_name["objects.export_table"].trigger()
    qtbot.waitUntil(lambda: bool(room.findChildren(ReceiptDialog)), timeout=30_000)
    assert len((tmp_path / "cell.csv").read_text("utf-8-sig").splitlines()) == 1 + len(BOXES)
    words = "all 3 objects, also 2 that are not listed now"
    assert room.statusBar().currentMessage() == (
        f"Saved {tmp_path / 'cell.csv'}. It has {words}, and a dictionary of its columns."
    )
    (receipt,) = room.findChildren(ReceiptDialog)
    assert words in receipt.text and all(text in receipt.text for text in warned)
    receipt.show()
    assert receipt.width() <= 1366 and receipt.height() <= 768
    receipt.close()


def test_colours_by_a_column_have_a_bar(room: MainWindow) -> None:
    display, state = room.context.parts.objects.display, room.session.objects
    values = Measurements(np.array(sorted(BOXES)))
    values.add(Column("volume", "Volume", Quantity.UM3, "All of it."), np.array([1.0, 2.0, 3.0]))
    room.context.parts.measured.set(values)
    assert display.bar.isHidden()
    display.colours.setCurrentIndex(display.colours.findData("volume"))
    display.colours.activated.emit(display.colours.currentIndex())
    assert state.value.colour_by == "volume" and not display.bar.isHidden()
    assert display.bar.toolTip().startswith("From 1.02 to 2.98")
    style = room.context.parts.style
    colours = style.colours(np.array(sorted(BOXES)))
    assert len({tuple(rgb) for rgb in colours.tolist()}) == 3
    state.set(colour_by="class")
    assert display.bar.isHidden() and display.colours.currentData() == "class"
    display.visible.click()
    assert not state.value.visible
    room.actions_.by_name["view.objects"].trigger()
    assert state.value.visible and display.visible.isChecked()


def test_what_is_drawn_to_a_face_is_an_object_at_the_border_at_once(room: MainWindow) -> None:
    session, document = room.session, room.session.document
    assert document is not None and ObjectFlag.BORDER not in document.object_table.rows[3].flags
    box = Box((0, 110, 110), (20, 112, 112))
    with session.edit(EditKind.REDRAW_OBJECT, "objects") as edit:
        edit.write(box, np.full(box.shape, 3, np.uint32))
    assert document.object_table.rows[3] == replace(ROWS[3], flags=frozenset({ObjectFlag.BORDER}))
    session.undo()
    assert document.object_table.rows[3] == ROWS[3]
