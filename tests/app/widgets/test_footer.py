"""Messages come and go; the buttons beside them stay where they are, for somebody may be about to click."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QAbstractButton, QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.session import Selection
from sxtstudio.app.states import Panel
from sxtstudio.app.widgets.footer import MOST_PX, Footer
from sxtstudio.app.widgets.notes import note, show_note
from sxtstudio.core.geometry import Box

LONG = "A message of some length that breaks into several lines in a narrow panel. " * 4


def settle() -> None:
    for _ in range(4):
        QApplication.processEvents()


def places(*parents: QWidget) -> dict[QAbstractButton, QPoint]:
    """Where the visible buttons are on the screen."""
    settle()
    return {
        button: button.mapToGlobal(QPoint(0, 0))
        for parent in parents
        for button in parent.findChildren(QPushButton)
        if button.isVisible() and button.text() not in ("Cancel", "Stopping…")
    }


@pytest.mark.parametrize("which", [Panel.SEGMENT, Panel.CLEAN, Panel.MASK, Panel.SURFACE])
def test_no_button_of_a_panel_moves_when_its_messages_appear(
    sample: MainWindow, which: Panel, qtbot: QtBot
) -> None:
    side = sample.context.parts.side
    side.show_panel(which)
    panel = side.widget(which)
    qtbot.waitUntil(lambda: not sample.jobs.running, timeout=20_000)
    footer: Footer = panel.footer
    messages = footer.messages
    assert messages
    for label in messages:
        show_note(label, "")
    before = places(panel, footer)
    assert before
    for text in ("One line.", LONG, ""):
        for label in messages:
            show_note(label, text)
        assert places(panel, footer) == before, text
        if text:
            assert all(label.isVisible() for label in messages)


def test_progress_of_a_job_moves_no_button(sample: MainWindow, qtbot: QtBot) -> None:
    sample.context.parts.side.show_panel(Panel.SEGMENT)
    panel = sample.context.parts.segment
    qtbot.waitUntil(lambda: not sample.jobs.running, timeout=20_000)
    before = places(panel, panel.footer)
    panel.strip.show()
    assert places(panel, panel.footer) == before, "a second click would land on Cancel"


def test_a_tool_and_a_selection_move_no_button(sample: MainWindow, qtbot: QtBot) -> None:
    session, panel = sample.session, sample.context.parts.labels
    sample.context.parts.side.show_panel(Panel.LABELS)
    session.tool.set(tool="polygon")
    before = places(panel)
    assert panel.delete_button in before
    for tool in ("look", "lasso", "polygon", "delete", "merge"):
        session.tool.set(tool=tool)
        assert places(panel) == before, tool
    box = Box((0, 0, 0), (2, 2, 2))
    for complete in (True, False):
        session.select(Selection((0, 0, 0), box, np.ones((2, 2, 2), bool), 123_456_789, complete))
        assert "123" in panel.selected.text() and places(panel) == before


def test_the_question_about_the_voxel_size_stays_where_it_is(
    window: MainWindow, tmp_path: Path, qtbot: QtBot, open_file
) -> None:
    path = tmp_path / "cell.tif"
    tifffile.imwrite(path, np.random.default_rng(0).normal(size=(6, 64, 80)).astype(np.float32))
    window.resize(720, 600)
    look = open_file(path).context.parts.first_look
    assert look.apply.isVisible()
    before = places(look)
    for facts in ("short", LONG):
        look.line.setText(facts)
        assert places(look) == before


def test_long_messages_scroll_and_short_ones_take_no_room(qtbot: QtBot) -> None:
    text = note()
    button = QPushButton("Go")
    footer = Footer((text,), (button,))
    qtbot.addWidget(footer)
    footer.setFixedWidth(200)
    footer.show()
    settle()
    empty = footer.sizeHint().height()
    show_note(text, "One line.")
    settle()
    one = footer.sizeHint().height()
    show_note(text, LONG * 9)
    settle()
    assert empty < one < footer.sizeHint().height() <= empty + MOST_PX
    assert footer.minimumSizeHint().height() < empty + 60
