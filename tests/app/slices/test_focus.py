"""The keyboard belongs to the slices again when what had it is done with."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QWidget
from pytestqt.qtbot import QtBot

from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.states import Panel


@pytest.fixture
def active(sample: MainWindow, qtbot: QtBot) -> MainWindow:
    sample.activateWindow()
    qtbot.waitUntil(sample.isActiveWindow, timeout=5_000)
    return sample


def has_focus(widget: QWidget) -> bool:
    return QApplication.focusWidget() is widget


def test_return_in_the_number_of_the_slice_goes_back_to_the_slices(active: MainWindow, qtbot: QtBot) -> None:
    slices = active.context.parts.slices
    slices.bar.field.setFocus()
    slices.bar.field.selectAll()
    qtbot.keyClicks(slices.bar.field, "12")
    qtbot.keyClick(slices.bar.field, Qt.Key.Key_Return)
    assert active.session.cursor[0] == 11 and has_focus(slices.views["xy"])


@pytest.mark.parametrize("gone", ["hidden", "disabled", "hidden with what lies around it"])
def test_a_control_that_goes_gives_the_focus_to_the_slices(
    active: MainWindow, qtbot: QtBot, gone: str
) -> None:
    panel, view = active.context.parts.segment, active.context.parts.slices.views["xy"]
    active.context.parts.side.show_panel(Panel.SEGMENT)
    panel.offers.show()
    qtbot.waitUntil(panel.offers.resume_button.isVisible)
    panel.offers.resume_button.setFocus()
    qtbot.waitUntil(lambda: has_focus(panel.offers.resume_button))
    if gone == "disabled":
        panel.offers.resume_button.setEnabled(False)
    else:
        (panel.offers.resume_button if gone == "hidden" else panel.offers).hide()
    qtbot.waitUntil(lambda: has_focus(view))


def test_no_tab_stop_hides_its_focus(window: MainWindow, qtbot: QtBot) -> None:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=5_000)
    stops: list[QWidget | None] = []
    for _ in range(12):
        window.focusNextChild()
        stops.append(QApplication.focusWidget())
    assert len(set(stops)) == 12
    assert not [stop for stop in stops if isinstance(stop, QAbstractScrollArea)]


def test_the_focus_that_the_user_moves_stays_where_it_is(active: MainWindow, qtbot: QtBot) -> None:
    panel = active.context.parts.segment
    active.context.parts.side.show_panel(Panel.SEGMENT)
    panel.form.threshold.spin.setFocus()
    panel.form.tile.setFocus()
    qtbot.wait(20)
    assert has_focus(panel.form.tile)
