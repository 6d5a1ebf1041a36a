"""Where some objects are not shown, panel and pane say so in every tab, with the way back."""

from __future__ import annotations

import re

import pytest
from PySide6.QtWidgets import QApplication, QLabel

from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.objects.pane import PaneTab
from sxtstudio.app.states import Panel


def lines(window: MainWindow) -> list[QLabel]:
    return [window.context.parts.pane.shown, window.context.parts.objects.shown]


def texts(window: MainWindow) -> list[str]:
    QApplication.processEvents()
    return [re.sub("<.*?>", "", line.text()) for line in lines(window) if line.isVisible()]


@pytest.fixture
def seen(room: MainWindow) -> MainWindow:
    room.context.parts.side.show_panel(Panel.OBJECTS)
    room.session.layout.set(objects_pane=True)
    return room


@pytest.mark.parametrize("tab", PaneTab)
def test_it_is_said_in_every_tab_and_the_link_shows_all(seen: MainWindow, tab: PaneTab) -> None:
    seen.context.parts.pane.show_page(tab)
    assert texts(seen) == []
    for line in lines(seen):
        seen.session.objects.set(only=frozenset({3, 5}), hidden=frozenset({5}))
        assert texts(seen) == ["1 of 3 objects shown · Show all"] * 2
        line.linkActivated.emit(re.search('href="(.*?)"', line.text())[1])
        assert texts(seen) == []
        assert seen.session.objects.value.only is None and not seen.session.objects.value.hidden


def test_it_counts_objects_that_are_there(seen: MainWindow) -> None:
    seen.session.objects.set(hidden=frozenset({5, 4711}))
    assert texts(seen) == ["2 of 3 objects shown · Show all"] * 2
    while seen.session.history.undo_name is not None:
        seen.session.undo()
    assert texts(seen) == []
