"""The window as a whole."""

from __future__ import annotations

from sxtstudio.app.actions import MENUS, TABLE
from sxtstudio.app.main_window import MainWindow


def test_every_action_has_words_and_a_menu(window: MainWindow) -> None:
    names = [info.name for info in TABLE]
    assert len(set(names)) == len(names)
    keys = [info.shortcut for info in TABLE if info.shortcut]
    assert len(set(keys)) == len(keys)
    for info in TABLE:
        assert info.text and info.tip and info.menu.split("/")[0] in MENUS
        assert window.actions_.by_name[info.name].toolTip()


def test_sample_opens_in_the_middle(sample: MainWindow) -> None:
    assert sample.session.document is not None
    assert sample.session.document.shape == (64, 384, 384)
    assert sample.session.cursor == (32, 192, 192)
    assert "sample.tif" in sample.windowTitle()
