"""The table of the objects in the real window: what is chosen, filtered, written and copied."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.objects.pane import PaneTab
from sxtstudio.app.objects.table.columns import Own
from sxtstudio.app.objects.table.page import TablePage
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.core.measure.columns import Column, Measurements, Quantity
from sxtstudio.core.object_colours import number_colours
from sxtstudio.core.object_table import ObjectRow
from tests.app.objects.conftest import BOXES, LARGE


@pytest.fixture
def page(room: MainWindow) -> TablePage:
    """The table, in sight."""
    shown = room.context.parts.pane.show_page(PaneTab.TABLE)
    assert isinstance(shown, TablePage)
    return shown


def measure(room: MainWindow) -> None:
    """Have volumes measured, without a job."""
    measured = room.context.parts.measured
    values = Measurements(np.array(sorted(BOXES)))
    values.add(
        Column("volume", "Volume", Quantity.UM3, "All of it."),
        np.array([np.prod(BOXES[number].shape) * 1e-6 for number in sorted(BOXES)]),
    )
    measured.begin()
    measured.set(values)


def column(page: TablePage, key: str) -> int:
    return [one.key for one in page.model.columns].index(key)


def test_arrow_keys_reach_the_first_object_and_go_on_where_one_was_deleted(
    room: MainWindow, page: TablePage, qtbot: QtBot
) -> None:
    view, objects = page.view, room.session.objects
    page.view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert objects.value.selected == (3,), "the first row, too"
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert objects.value.selected == (5,)
    room.actions_.by_name["objects.delete"].trigger()
    qtbot.waitUntil(lambda: page.model.rowCount() == 2 and not room.jobs.running, timeout=30_000)
    assert objects.value.selected == (), "the next key deletes no other"
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert objects.value.selected == (LARGE,), "it took the place of the one that is gone"
    room.actions_.by_name["objects.delete"].trigger()
    qtbot.waitUntil(lambda: page.model.rowCount() == 1 and not room.jobs.running, timeout=30_000)
    qtbot.keyClick(view, Qt.Key.Key_Up)
    assert objects.value.selected == (3,), "there was none after it"


def test_rows_show_number_class_flags_and_notes(page: TablePage) -> None:
    model = page.model
    cells = [[model.index(row, place).data() for place in range(model.columnCount())] for row in range(3)]
    assert cells == [
        ["3", "Mitochondrion", "", ""],
        ["5", "", "", "beside the nucleus"],
        [str(LARGE), "Vesicle", "border, open", ""],
    ]
    swatch = model.index(2, 0).data(Qt.ItemDataRole.DecorationRole)
    assert (swatch.red(), swatch.green(), swatch.blue()) == tuple(number_colours(np.array([LARGE]))[0])
    tip = model.index(2, column(page, Own.FLAGS)).data(Qt.ItemDataRole.ToolTipRole)
    assert "missing above or below" in tip and "border of the volume" in tip


def test_choosing_rows_chooses_objects_and_back(room: MainWindow, page: TablePage) -> None:
    session, view = room.session, page.view
    view.selectRow(2)
    assert session.objects.value.selected == (LARGE,)
    session.objects.set(selected=(3, 5))
    assert view.selected_numbers == (3, 5)
    view.sortByColumn(column(page, Own.NUMBER), Qt.SortOrder.DescendingOrder)
    assert page.model.numbers() == [LARGE, 5, 3] and set(view.selected_numbers) == {3, 5}
    assert session.objects.value.selected == (3, 5), "sorting chooses nothing"
    view.clearSelection()
    assert session.objects.value.selected == ()


def test_keys_of_the_table_go_before_those_of_the_menus(
    room: MainWindow, page: TablePage, qtbot: QtBot
) -> None:
    session, view = room.session, page.view
    view.setFocus()
    view.selectRow(1)
    mask_shown = session.display.value.mask_visible
    qtbot.keyClick(view, Qt.Key.Key_H)
    assert session.objects.value.hidden == {5} and session.display.value.mask_visible == mask_shown
    qtbot.keyClick(view, Qt.Key.Key_H)
    assert session.objects.value.hidden == frozenset()
    qtbot.keyClick(view, Qt.Key.Key_O)
    assert session.objects.value.only == {5} and page.model.numbers() == [5]
    qtbot.keyClick(view, Qt.Key.Key_A)
    assert session.objects.value.only is None and len(page.model.numbers()) == 3
    qtbot.keyClick(view, Qt.Key.Key_Return)
    z, y, x = session.cursor
    assert 20 <= z < 30 and 200 <= y < 210 and 100 <= x < 120
    qtbot.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    copied = QGuiApplication.clipboard().text().splitlines()
    assert copied[0].startswith("Object\tClass") and copied[1].startswith("5\t") and len(copied) == 2


def test_tab_leaves_the_table_and_arrow_keys_move_in_it(
    room: MainWindow, page: TablePage, qtbot: QtBot
) -> None:
    view = page.view
    room.activateWindow()
    for modifier in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier):
        view.setFocus()
        qtbot.waitUntil(view.hasFocus)
        view.setCurrentIndex(view.model().index(0, 0))
        qtbot.keyClick(view, Qt.Key.Key_Down)
        qtbot.keyClick(view, Qt.Key.Key_Right)
        assert (view.currentIndex().row(), view.currentIndex().column()) == (1, 1) and view.hasFocus()
        qtbot.keyClick(view, Qt.Key.Key_Tab, modifier)
        assert not view.hasFocus()
        assert (view.currentIndex().row(), view.currentIndex().column()) == (1, 1)


def test_double_click_goes_there_and_edits_notes(room: MainWindow, page: TablePage, qtbot: QtBot) -> None:
    view = page.view
    view.doubleClicked.emit(page.model.index(0, 0))
    view.selectRow(0)
    view.doubleClicked.emit(page.model.index(0, 0))
    assert room.session.cursor[0] in range(20, 40)
    notes = page.model.index(0, column(page, Own.NOTES))
    assert page.model.setData(notes, "  two cristae ")
    document = room.session.document
    assert document is not None
    qtbot.waitUntil(lambda: document.object_table.rows[3].notes == "two cristae")
    assert document.object_table.rows[3].class_name == "Mitochondrion"
    room.actions_.by_name["edit.undo"].trigger()
    assert document.object_table.rows[3].notes == "" and page.model.index(0, notes.column()).data() == ""


@pytest.mark.parametrize("end", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_a_note_that_enter_ends_leaves_its_object_chosen(
    room: MainWindow, page: TablePage, qtbot: QtBot, qtlog: Any, end: Qt.Key
) -> None:
    session, view = room.session, page.view
    document, cursor = session.document, session.cursor
    assert document is not None
    room.activateWindow()
    qtbot.waitUntil(room.isActiveWindow)
    for row, number in ((1, 5), (2, LARGE)):
        cell = page.model.index(row, column(page, Own.NOTES))
        view.setFocus()
        qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(cell).center())
        qtbot.keyClick(view, Qt.Key.Key_F2)
        field = view.indexWidget(view.currentIndex())
        assert isinstance(field, QLineEdit)
        field.selectAll()
        qtbot.keyClicks(field, "two parts")
        qtbot.keyClick(field, end)
        qtbot.waitUntil(lambda number=number: document.object_table.rows[number].notes == "two parts")
        assert session.objects.value.selected == (number,) and session.cursor == cursor
        assert view.selected_numbers == (number,)
        assert room.focusWidget() is view
        assert (view.currentIndex().row(), view.currentIndex().column()) == (cell.row(), cell.column())
        qtbot.keyClick(view, Qt.Key.Key_H)
        assert session.objects.value.hidden == {number}, "the next key is about the same object"
        qtbot.keyClick(view, Qt.Key.Key_H)
    assert not [one.message for one in qtlog.records if "editor" in one.message]


def test_a_note_that_is_being_written_survives_a_new_listing(
    room: MainWindow, page: TablePage, qtbot: QtBot, qtlog: Any
) -> None:
    document = room.session.document
    assert document is not None
    page.view.setFocus()
    page.view.setCurrentIndex(page.model.index(1, column(page, Own.NOTES)))
    qtbot.keyClick(page.view, Qt.Key.Key_F2)
    field = page.view.indexWidget(page.view.currentIndex())
    assert isinstance(field, QLineEdit)
    field.setText("half a sen")
    measure(room)
    qtbot.waitUntil(lambda: document.object_table.rows[5].notes == "half a sen")
    assert not [one.message for one in qtlog.records if "editor" in one.message]


def test_filter_says_what_is_listed_and_drawn_until_somebody_else_does(
    room: MainWindow, page: TablePage, qtbot: QtBot
) -> None:
    session, style = room.session, room.context.parts.style
    measure(room)
    page.filter.setText("vesicle")
    qtbot.waitUntil(lambda: session.objects.value.only == {LARGE})
    assert page.model.numbers() == [LARGE]
    assert style.shown(np.array(sorted(BOXES))).tolist() == [False, False, True]
    page.filter.clear()
    qtbot.waitUntil(lambda: session.objects.value.only is None)
    row = page.limits.add()
    row.column.setCurrentIndex(row.column.findData("volume"))
    row.low.setText("0,005")
    qtbot.waitUntil(lambda: session.objects.value.only == {3, LARGE})
    session.objects.set(only=frozenset({5}))
    assert page.limits.rows == [] and page.model.numbers() == [5], "the lasso of a plot takes over"
    session.objects.set(only=None)
    assert len(page.model.numbers()) == 3


def make(room: MainWindow, number: int, there: bool = True) -> None:
    """Draw a new object, or delete one."""
    document = room.session.document
    assert document is not None
    box = Box((0, 0, 0), (2, 2, 2)) if there else BOXES[number]
    recorder = room.session.record(EditKind.NEW_OBJECT if there else EditKind.DELETE_OBJECT, "objects")
    recorder.write(box, np.full(box.shape, number if there else 0, np.uint32))
    change = document.object_table.change({number: ObjectRow() if there else None})
    room.session.commit(recorder, rows=change)


def test_a_new_object_is_shown_although_only_some_are(
    room: MainWindow, page: TablePage, qtbot: QtBot
) -> None:
    session, undo = room.session, room.actions_.by_name["edit.undo"]
    session.objects.set(only=frozenset({5}))
    make(room, 9)
    assert session.objects.value.only == {5, 9} and page.model.numbers() == [5, 9]
    assert room.context.parts.style.shown(np.array([3, 5, 9])).tolist() == [False, True, True]
    undo.trigger()
    assert session.objects.value.only == {5}
    room.actions_.by_name["edit.redo"].trigger()
    assert session.objects.value.only == {5, 9}
    make(room, 5, there=False)
    undo.trigger()
    assert session.objects.value.only == {5, 9}, "it is back where it was seen"
    session.objects.set(only=frozenset({9}))
    undo.trigger()
    assert session.objects.value.only is None, "an empty table tells nobody that there are others"
    session.objects.set(only=frozenset({5}))
    undo.trigger()  # of finding all
    assert session.objects.value.only is None


def test_a_new_object_is_shown_under_a_filter_that_stays(
    room: MainWindow, page: TablePage, qtbot: QtBot
) -> None:
    session = room.session
    page.filter.setText("vesicle")
    qtbot.waitUntil(lambda: session.objects.value.only == {LARGE})
    make(room, 9)
    assert session.objects.value.only == {9, LARGE} and page.filter.text() == "vesicle"
    make(room, LARGE, there=False)
    assert session.objects.value.only == {9} and page.filter.text() == "vesicle"
    page.filter.setText("vesicle border")
    qtbot.waitUntil(lambda: session.objects.value.only == frozenset())


def test_a_filter_without_matches_and_ends_that_are_no_numbers_say_so(
    room: MainWindow, page: TablePage, qtbot: QtBot
) -> None:
    measure(room)
    assert page.view.placeholder == ""
    page.filter.setText("nothing of the kind")
    qtbot.waitUntil(lambda: page.view.placeholder == "No object matches the filter.")
    page.filter.clear()
    qtbot.waitUntil(lambda: page.view.placeholder == "")
    row = page.limits.add()
    usual = row.low.toolTip()
    row.low.setText("abc")
    assert "“abc” is no number" in row.low.toolTip() and row.low.styleSheet() and not row.high.styleSheet()
    row.low.setText("3")
    row.high.setText("1")
    assert "above" in row.high.toolTip() and row.low.styleSheet()
    row.high.setText("4")
    assert row.low.toolTip() == usual and not row.low.styleSheet() and not row.high.styleSheet()


def test_hiding_and_showing_say_what_they_did(room: MainWindow, page: TablePage, qtbot: QtBot) -> None:
    said: list[str] = []
    room.session.message.connect(said.append)
    room.session.objects.set(selected=(5,))
    for name, words in (
        ("hide", "Hidden: 1 object. Show all brings it back."),
        ("hide", "Shown again: 1 object."),
        ("only", "Shown alone: 1 object. Show all brings the others back."),
        ("show_all", "All objects are shown."),
    ):
        room.actions_.by_name[f"objects.{name}"].trigger()
        assert said[-1] == words
    page.copy()
    assert said[-1] == "Copied 1 row; paste it into a spreadsheet."


def test_measured_columns_come_and_changed_objects_are_marked(
    room: MainWindow, page: TablePage, qtbot: QtBot
) -> None:
    assert "not measured yet" in page.summary.text()
    measure(room)
    assert [one.key for one in page.model.columns] == ["number", "class", "flags", "volume", "notes"]
    assert page.model.index(0, 3).data() == f"{np.prod(BOXES[3].shape) * 1e-6:.4g}"
    assert "n = 2" in page.summary.text() and "1 at the border left out" in page.summary.text()
    page.border.setChecked(False)
    assert "n = 3" in page.summary.text()
    with room.session.edit(EditKind.ERASE_OBJECT, "objects") as recorder:
        recorder.write(Box((21, 201, 101), (22, 202, 102)), np.zeros((1, 1, 1), np.uint32))
    measured = room.context.parts.measured
    assert measured.stale == {5} and "1 changed since" in page.summary.text()
    tip = page.model.index(1, 3).data(Qt.ItemDataRole.ToolTipRole)
    assert tip.startswith("May have changed") and not page.model.index(0, 3).data(Qt.ItemDataRole.ToolTipRole)
    room.session.set_voxel_nm((20.0, 20.0, 20.0))
    assert measured.stale == set(BOXES)


def test_columns_are_chosen_and_remembered(room: MainWindow, page: TablePage) -> None:
    measure(room)
    page.choice.show_columns(page.all_columns, [one.key for one in page.model.columns])
    texts = [page.choice.list.item(row).text() for row in range(page.choice.list.count())]
    flags = page.choice.list.item(texts.index("Flags"))
    flags.setCheckState(Qt.CheckState.Unchecked)
    assert [one.key for one in page.model.columns] == ["number", "class", "volume", "notes"]
    assert room.settings.get("objects/columns", []) == ["number", "class", "notes", "volume"]
    page.choice.search.setText("volume")
    assert [page.choice.list.item(row).isHidden() for row in range(len(texts))].count(False) == 1
    page.choice.usual.click()
    assert [one.key for one in page.model.columns] == ["number", "class", "flags", "volume", "notes"]


def test_the_arrow_says_by_what_the_rows_are_sorted(room: MainWindow, page: TablePage) -> None:
    measure(room)
    header = page.view.horizontalHeader()
    page.view.sortByColumn(column(page, "volume"), Qt.SortOrder.DescendingOrder)
    assert page.model.sorted_by == "volume" and header.sortIndicatorSection() == column(page, "volume")
    room.context.parts.measured.set(None)
    assert page.model.sorted_by == "number" and page.model.numbers() == sorted(BOXES)
    assert header.sortIndicatorSection() == column(page, "number")
    assert header.sortIndicatorOrder() == Qt.SortOrder.AscendingOrder


def test_colours_by_class_do_not_go_on_to_a_tomogram_without_classes(room: MainWindow) -> None:
    session, document = room.session, room.session.document
    session.objects.set(colour_by="class")
    session.document_changed.emit()
    assert document is not None and session.objects.value.colour_by == "class", "two have a class"
    rows = {number: replace(row, class_name="") for number, row in document.object_table.rows.items()}
    session.change_rows(document.object_table.change(rows), EditKind.CLASS)
    assert session.objects.value.colour_by == "class"
    session.document_changed.emit()
    assert session.objects.value.colour_by == "number"


def test_another_tomogram_has_no_rows(room: MainWindow, page: TablePage, qtbot: QtBot) -> None:
    page.filter.setText("vesicle")
    qtbot.waitUntil(lambda: room.session.objects.value.only is not None)
    assert room.session.document is not None
    room.session.document.modified = False
    room.actions_.by_name["file.close"].trigger()
    qtbot.waitUntil(lambda: room.session.document is None)
    assert page.model.rowCount() == 0 and page.filter.text() == ""
    assert room.session.objects.value.only is None and not page.measure_button.isEnabled()
