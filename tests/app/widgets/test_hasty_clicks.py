"""A click that was under way when a button appeared or moved is not taken for one on it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import delete

from sxtstudio.app.widgets import hasty_clicks
from sxtstudio.app.widgets.hasty_clicks import ignore_hasty_clicks


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(hasty_clicks, "time", clock)
    monkeypatch.setattr(hasty_clicks, "SETTLE_S", 0.5)
    return clock


class Panel(QWidget):
    """A line that comes and goes above a row with a button."""

    def __init__(self) -> None:
        super().__init__()
        self.line, self.row, self.button = QPushButton("line"), QWidget(), QPushButton("Dismiss")
        QHBoxLayout(self.row).addWidget(self.button)
        layout = QVBoxLayout(self)
        layout.addWidget(self.line)
        layout.addWidget(self.row)
        self.pressed: list[bool] = []
        self.button.clicked.connect(lambda: self.pressed.append(True))
        ignore_hasty_clicks(self.row)


@pytest.fixture
def panel(clock: Clock, qtbot: QtBot) -> Panel:
    panel = Panel()
    qtbot.addWidget(panel)
    panel.show()
    qtbot.waitExposed(panel)
    clock.now += 10
    return panel


def click(panel: Panel, qtbot: QtBot) -> bool:
    panel.pressed.clear()
    qtbot.mouseClick(panel.button, Qt.MouseButton.LeftButton)
    return bool(panel.pressed)


def test_a_button_that_has_just_appeared_waits(panel: Panel, clock: Clock, qtbot: QtBot) -> None:
    assert click(panel, qtbot)
    panel.row.hide()
    panel.row.show()
    clock.now += 0.4
    assert not click(panel, qtbot)
    panel.pressed.clear()
    qtbot.mouseDClick(panel.button, Qt.MouseButton.LeftButton)
    assert not panel.pressed
    clock.now += 0.2
    assert click(panel, qtbot)


def test_so_does_one_that_was_moved_with_what_lies_around_it(
    panel: Panel, clock: Clock, qtbot: QtBot
) -> None:
    before = panel.button.mapTo(panel, QPoint())
    panel.line.hide()
    qtbot.waitUntil(lambda: panel.button.mapTo(panel, QPoint()) != before)
    assert not click(panel, qtbot)
    clock.now += 0.6
    assert click(panel, qtbot)


def test_the_keyboard_need_not_wait(panel: Panel, qtbot: QtBot) -> None:
    panel.row.hide()
    panel.row.show()
    panel.button.setFocus()
    qtbot.keyClick(panel.button, Qt.Key.Key_Space)
    assert panel.pressed


def test_a_button_that_is_gone_is_forgotten(panel: Panel, clock: Clock, qtbot: QtBot) -> None:
    other = QPushButton("Other", panel.row)
    panel.row.layout().addWidget(other)
    ignore_hasty_clicks(panel.row)
    other.show()
    delete(other)
    panel.row.hide()
    panel.row.show()
    assert not click(panel, qtbot)
    clock.now += 0.6
    assert click(panel, qtbot)
