"""The tools with a real mouse on the slice views."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QApplication, QWidget

from sxtstudio.core.planes import NORMAL, Plane

LEFT = Qt.MouseButton.LeftButton


class Mouse:
    """A mouse over one of the views."""

    def __init__(self, hand, plane: Plane) -> None:
        self.hand = hand
        self.view = hand.window.context.parts.slices.views[plane]
        self.depth = hand.session.cursor[NORMAL[plane]]
        hand.qtbot.waitUntil(lambda: self.view.shown_depth == self.depth, timeout=10_000)
        # So large that a pixel of the slice is found again from a pixel of the screen.
        hand.window.resize(1500, 950)
        QApplication.processEvents()

    def at(self, row: float, column: float) -> QPoint:
        return self.view.transform().map(QPointF(column, row)).toPoint()

    def press(self, row: float, column: float) -> None:
        self.hand.qtbot.mousePress(self.view, LEFT, pos=self.at(row, column))

    def move(self, row: float, column: float) -> None:
        self.hand.qtbot.mouseMove(self.view, self.at(row, column))
        QApplication.processEvents()

    def release(self, row: float, column: float) -> None:
        self.hand.qtbot.mouseRelease(self.view, LEFT, pos=self.at(row, column))

    def click(self, row: float, column: float) -> None:
        self.press(row, column)
        self.release(row, column)


@pytest.mark.parametrize("plane", ["xy", "xz", "yz"])
def test_brush(hand, plane: Plane) -> None:
    mouse = Mouse(hand, plane)
    hand.take("brush", brush_px=7)
    mouse.press(20, 20)
    mouse.release(40, 50)  # moves there first
    drawn = hand.plane(plane, mouse.depth)
    assert drawn[20, 20] and drawn[40, 50] and drawn[30, 35]
    assert hand.voxels().sum() == drawn.sum()
    rows, columns = np.nonzero(drawn)
    assert abs(rows.mean() - 30) < 1 and abs(columns.mean() - 35) < 1
    assert len(hand.session.history) == 1


def test_polygon_with_double_click_and_keys(hand) -> None:
    mouse = Mouse(hand, "xy")
    hand.take("polygon")
    for corner in ((50, 50), (50, 150), (150, 150), (300, 300)):
        mouse.click(*corner)
    focus: QWidget = QApplication.focusWidget() or hand.window
    hand.qtbot.keyClick(focus, Qt.Key.Key_Backspace)
    mouse.click(150, 50)
    hand.qtbot.mouseDClick(mouse.view, LEFT, pos=mouse.at(150, 50))
    drawn = hand.plane("xy", mouse.depth)
    assert drawn[55:145, 55:145].all() and not drawn[160:].any() and not drawn[:, 160:].any()
    assert not hand.toolbox.unfinished and len(hand.session.history) == 1
    mouse.click(200, 200)
    hand.key(Qt.Key.Key_Escape)
    assert not hand.toolbox.unfinished and len(hand.session.history) == 1


def test_control_click_selects_without_a_tool(hand) -> None:
    mouse = Mouse(hand, "xy")
    hand.draw_box(np.s_[mouse.depth : mouse.depth + 2], np.s_[100:120], np.s_[100:120])
    place = mouse.at(110, 110)
    hand.qtbot.mouseClick(mouse.view, LEFT, Qt.KeyboardModifier.ControlModifier, pos=place)
    assert hand.session.selection is not None and hand.session.selection.voxels == 800
    hand.take("delete")
    hand.qtbot.mouseClick(mouse.view, LEFT, pos=place)
    assert not hand.voxels().any() and hand.session.selection is None
