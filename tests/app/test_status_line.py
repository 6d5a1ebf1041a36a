"""Messages in the status bar: a report stays its time, a remark on a click goes when the user goes on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from sxtstudio.app.labels.tools.base import PointerEvent
from sxtstudio.app.main_window import MainWindow
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box

REMARK = "There is no label under the pointer. Click on the object itself."


def shown(window: MainWindow) -> str:
    return window.statusBar().currentMessage()


def click_beside_labels(window: MainWindow) -> None:
    """Ask for an object to be deleted where there is none."""
    window.session.tool.set(tool="delete", target="labels")
    toolbox = window.context.parts.toolbox
    for act in (toolbox.press, toolbox.release):
        act(PointerEvent("xy", 3.0, 3.0, 0, "left"))


@pytest.fixture
def remarked(sample: MainWindow, sample_is_looked_at_once: None, qtbot: QtBot) -> MainWindow:
    """A window whose status bar says that there is no label where somebody has clicked."""
    qtbot.waitUntil(lambda: not sample.jobs.running and sample.session.busy is None, timeout=10_000)
    with sample.session.edit(EditKind.BRUSH) as recorder:
        recorder.write(Box((0, 20, 20), (1, 30, 30)), np.full((1, 10, 10), 255, np.uint8))
    click_beside_labels(sample)
    qtbot.wait(20)
    assert shown(sample) == REMARK
    return sample


def mouse(window: MainWindow, qtbot: QtBot) -> None:
    view = window.context.parts.slices.views["xy"]
    qtbot.mousePress(view, Qt.MouseButton.MiddleButton)
    qtbot.mouseRelease(view, Qt.MouseButton.MiddleButton)  # else it is pressed for all tests that follow


def wheel(window: MainWindow, qtbot: QtBot) -> None:
    view = window.context.parts.slices.views["xy"]
    place, none = QPointF(view.rect().center()), Qt.MouseButton.NoButton
    turned = QWheelEvent(
        place,
        QPointF(view.mapToGlobal(place.toPoint())),
        QPoint(),
        QPoint(0, 120),
        none,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, turned)


def key(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.keyPress(window, Qt.Key.Key_Down)


def dialog(window: MainWindow, qtbot: QtBot) -> None:
    """Another window of the program."""
    button = QPushButton("Press")
    qtbot.addWidget(button)
    button.show()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def tool(window: MainWindow, qtbot: QtBot) -> None:
    window.session.tool.set(tool="look")


def cursor(window: MainWindow, qtbot: QtBot) -> None:
    z, y, x = window.session.cursor
    window.session.set_cursor((z + 1, y, x))


@pytest.mark.parametrize("go_on", [mouse, wheel, key, dialog, tool, cursor])
def test_a_remark_goes_when_the_user_goes_on_and_a_report_stays(
    remarked: MainWindow, qtbot: QtBot, go_on: Callable[[MainWindow, QtBot], None]
) -> None:
    go_on(remarked, qtbot)
    assert shown(remarked) == ""
    remarked.session.message.emit("Saved a.mod.")
    qtbot.wait(20)
    go_on(remarked, qtbot)
    assert shown(remarked) == "Saved a.mod."


def test_the_pointer_and_a_held_shift_key_leave_it(remarked: MainWindow, qtbot: QtBot) -> None:
    """Somebody reads it, or is about to click with Shift."""
    view = remarked.context.parts.slices.views["xy"]
    qtbot.mouseMove(view, view.rect().center())
    qtbot.keyPress(remarked, Qt.Key.Key_Shift)
    qtbot.keyRelease(remarked, Qt.Key.Key_Shift)
    QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
    assert shown(remarked) == REMARK


def test_the_same_click_does_not_take_its_own_remark_away(remarked: MainWindow, qtbot: QtBot) -> None:
    """What belongs to the click comes before the program waits for the next event."""
    click_beside_labels(remarked)
    mouse(remarked, qtbot)
    assert shown(remarked) == REMARK
    qtbot.wait(20)
    mouse(remarked, qtbot)
    assert shown(remarked) == ""


def test_a_report_after_a_remark_stays(remarked: MainWindow, qtbot: QtBot) -> None:
    remarked.session.message.emit("Cleaned up. 3 pieces are gone.")
    qtbot.wait(20)
    mouse(remarked, qtbot)
    assert shown(remarked) == "Cleaned up. 3 pieces are gone."
