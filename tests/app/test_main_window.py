"""The window as a whole."""

from __future__ import annotations

from PySide6.QtGui import QKeySequence
from pytestqt.qtbot import QtBot

from sxtstudio.app.actions import MENUS, TABLE
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.settings import Settings
from sxtstudio.app.states import Panel


def test_every_action_has_words_and_a_menu(window: MainWindow) -> None:
    names = [info.name for info in TABLE]
    assert len(set(names)) == len(names)
    keys = [info.shortcut for info in TABLE if info.shortcut]
    assert len(set(keys)) == len(keys)
    for info in TABLE:
        assert info.text and info.tip and info.menu.split("/")[0] in MENUS
        tip = window.actions_.by_name[info.name].toolTip()
        assert tip
        if info.shortcut and not info.why_disabled:
            key = QKeySequence(info.shortcut).toString(QKeySequence.SequenceFormat.NativeText)
            assert f" ({key})" in tip


def test_sample_opens_in_the_middle(sample: MainWindow) -> None:
    assert sample.session.document is not None
    assert sample.session.document.shape == (64, 384, 384)
    assert sample.session.cursor == (32, 192, 192)
    assert "sample.tif" in sample.windowTitle()


def test_layout_comes_back(settings: Settings, qtbot: QtBot) -> None:
    for expected in ([700, 600], [700, 600]):
        window = MainWindow(settings)
        window.resize(1301, 900)
        window.show()
        qtbot.waitExposed(window)
        side = window.context.parts.side
        if settings.get("window/panel", "") == "":
            side.show_panel(Panel.MASK)
            window._outer.setSizes(expected)
        widths = window._outer.sizes()
        assert abs(widths[1] - expected[1]) < 40 and side.current == Panel.MASK
        window.close()
        window.deleteLater()
    settings.set("window/panel", "nonsense")
    window = MainWindow(settings)
    assert window.context.parts.side.current == Panel.IMAGE
    window.close()
    window.deleteLater()


def test_ticks_and_views_follow_the_layout_whoever_changes_it(window: MainWindow) -> None:
    layout, actions, parts = window.session.layout, window.actions_.by_name, window.context.parts
    slices, view3d, side = parts.slices, parts.view3d, parts.side
    assert not actions["surface.show"].isChecked() and not actions["view.full_screen"].isChecked()
    view3d.show()
    assert layout.value.view3d and actions["surface.show"].isChecked() and side.current == Panel.SURFACE
    side.show_panel(Panel.MASK)
    actions["view.3d"].trigger()
    assert slices.isHidden() and not view3d.isHidden() and side.current == Panel.MASK
    actions["surface.show"].trigger()  # nothing would be left to see
    assert not slices.isHidden() and view3d.isHidden() and not actions["surface.show"].isChecked()
    layout.set(sides=False)
    assert not slices.planes.sides_shown and not actions["view.sides"].isChecked()
    slices.show_sides(True)
    assert layout.value.sides and actions["view.sides"].isChecked()
    window.showFullScreen()
    assert layout.value.full_screen and actions["view.full_screen"].isChecked()
    actions["view.full_screen"].trigger()
    assert not window.isFullScreen() and not layout.value.full_screen


def test_every_menu_opens_with_alt_and_a_letter_of_its_own(window: MainWindow) -> None:
    titles = [action.text() for action in window.menuBar().actions()]
    letters = [title[title.index("&") + 1].casefold() for title in titles]
    assert len(letters) >= 8 and len(set(letters)) == len(letters)
