"""Keys of other tasks in the panel “Evaluate”: they change nothing there, and say why."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest

from sxtstudio.app.actions import TABLE
from sxtstudio.app.objects.pane import PaneTab
from sxtstudio.app.states import Panel
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_table import ObjectRow

WHY = "objects are changed in the panel “Objects”"


@pytest.fixture
def with_objects(expert):
    """Two objects, both chosen in the panel Objects before."""
    with expert.elsewhere(EditKind.FIND_OBJECTS, "objects") as recorder:
        for number, left in ((7, 100), (9, 200)):
            recorder.paint(Box((15, 100, left), (18, 110, left + 10)), np.ones((3, 10, 10), bool), number)
        recorder.rows = expert.document.object_table.change({7: ObjectRow(), 9: ObjectRow()})
    expert.session.objects.set(selected=(7, 9))
    return expert


@pytest.mark.parametrize("begun", [False, True], ids=["before Begin", "while slices are judged"])
def test_keys_that_change_objects_or_labels_say_why_not(with_objects, begun: bool) -> None:
    expert = with_objects
    if begun:
        expert.begin()
        expert.session.objects.set(selected=(7, 9))
    session, actions = expert.session, expert.window.actions_.by_name
    rows, numbers = session.document.object_table.rows, np.array(session.labels_of("objects"))
    expert.key(Qt.Key.Key_Control)
    tried = []
    for info in TABLE:
        mark = begun and info.shortcut in ("1", "2", "3", "Backspace")
        if "changes" in info.needs and info.shortcut and actions[info.name].isVisible() and not mark:
            expert.said.clear()
            QTest.keySequence(expert.window.context.parts.slices.views["xy"], QKeySequence(info.shortcut))
            missing_first = info.needs[0] in ("selection",)
            assert len(expert.said) == 1 and (missing_first or WHY in expert.said[0]), info.name
            tried.append(info.name)
    assert {"classes.give_4", "objects.delete", "objects.merge", "labels.interpolate"} <= set(tried)
    assert ("classes.give_1" in tried) is not begun
    assert session.document.object_table.rows == rows
    assert (np.array(session.labels_of("objects")) == numbers).all()
    assert session.history.next_undo.kind is EditKind.FIND_OBJECTS


def test_the_same_keys_work_in_the_panel_of_the_objects(with_objects) -> None:
    expert = with_objects
    expert.window.context.parts.side.show_panel(Panel.OBJECTS)
    expert.key(Qt.Key.Key_4)
    assert {row.class_name for row in expert.document.object_table.rows.values()} == {"Filopodium"}
    expert.key(Qt.Key.Key_Delete, Qt.KeyboardModifier.ShiftModifier)
    assert not expert.document.object_table.rows
    expert.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert sorted(expert.document.object_table.rows) == [7, 9]


def test_no_door_but_a_note_or_a_file_leads_to_other_changes(with_objects) -> None:
    """Dialogs that are still open, such as rules and the plane, come in here as well."""
    session, table = with_objects.session, with_objects.document.object_table
    with pytest.raises(UserError, match="Objects are changed in the panel “Objects”"):
        session.record(EditKind.SPLIT_OBJECT, "objects")
    with pytest.raises(UserError, match="Undo takes back judgements"):
        session.change_rows(table.change({7: ObjectRow("Vesicle")}), EditKind.CLASS_BY_RULE)
    session.change_rows(table.change({7: ObjectRow(notes="round")}), EditKind.NOTE)
    assert with_objects.document.object_table.rows[7].notes == "round"
    for target, kind in (("marks", EditKind.MARK_FALSE), ("labels", EditKind.OPEN_LABELS)):
        session.record(kind, target).roll_back()


def test_a_click_gives_no_class_while_slices_are_judged(expert) -> None:
    side = expert.window.context.parts.side
    side.show_panel(Panel.OBJECTS)
    expert.session.objects.set(click_class=True)
    side.show_panel(Panel.EVALUATE)
    assert not expert.session.objects.value.click_class


def test_the_tool_for_filopodia_leads_to_a_panel_in_which_undo_means_it(expert) -> None:
    parts = expert.window.context.parts
    expert.window.actions_.by_name["objects.filopodium"].trigger()
    assert parts.side.current is Panel.OBJECTS and expert.session.tool.value.tool == "filopodium"
    parts.side.show_panel(Panel.EVALUATE)
    page = parts.pane.show_page(PaneTab.FILOPODIA)
    page.click.click()
    assert parts.side.current is Panel.OBJECTS and expert.session.tool.value.tool == "filopodium"
    page.click.click()
    assert expert.session.tool.value.tool == "look"


def test_delete_in_the_table_says_why_not(with_objects) -> None:
    table = with_objects.window.context.parts.pane.show_page(PaneTab.TABLE)
    table.view.choose((7,))
    with_objects.said.clear()
    QTest.keyClick(table.view, Qt.Key.Key_Delete)
    assert WHY in with_objects.said[-1] and 7 in with_objects.document.object_table.rows
