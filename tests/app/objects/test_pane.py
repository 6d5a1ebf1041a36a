"""The pane below the views, and the sections of the panel, in the real window."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QTableView, QWidget
from pytestqt.qtbot import QtBot

from sxtstudio.app.actions.objects import show_plots
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.objects.pane import ObjectsPane, PaneTab
from sxtstudio.app.settings import Settings
from sxtstudio.app.widgets.section import Section


def test_pane_is_hidden_first_and_keeps_its_height(
    window: MainWindow, settings: Settings, qtbot: QtBot
) -> None:
    pane = window.context.parts.pane
    assert pane.isHidden()
    window.actions_.by_name["view.objects_pane"].trigger()
    assert pane.isVisible() and window.session.layout.value.objects_pane
    total = sum(window._rows.sizes())
    window._rows.setSizes([total - 333, 333])
    high = pane.height()
    assert abs(high - 333) < 10
    for _ in range(2):
        window.actions_.by_name["view.objects_pane"].trigger()
    assert pane.height() == high, "it comes back as high as it was"
    window.actions_.by_name["view.objects_pane"].trigger()
    window.close()
    again = MainWindow(settings)
    qtbot.addWidget(again)
    again.show()
    qtbot.waitExposed(again)
    assert again.context.parts.pane.isHidden()
    again.session.layout.set(objects_pane=True)
    qtbot.waitUntil(lambda: abs(again.context.parts.pane.height() - high) < 10)
    again.close()


def test_tabs_are_made_when_first_seen(window: MainWindow, qtbot: QtBot) -> None:
    made: list[PaneTab] = []

    def maker(page: PaneTab) -> QWidget:
        made.append(page)
        return QLabel(page.value)

    pane = ObjectsPane(window.context)
    qtbot.addWidget(pane)
    for page in PaneTab:
        pane.add_page(page, page.value.title(), "A tab", lambda page=page: maker(page))
    assert made == []
    pane.show()
    assert made == [PaneTab.TABLE]
    shown = pane.show_page(PaneTab.FILOPODIA)
    assert isinstance(shown, QLabel) and shown.isVisible() and pane.current is PaneTab.FILOPODIA
    pane.show_page(PaneTab.TABLE)
    assert made == [PaneTab.TABLE, PaneTab.FILOPODIA]


def test_sections_open_and_close(window: MainWindow, qtbot: QtBot) -> None:
    panel = window.context.parts.objects
    content = QLabel("what is in it")
    section = panel.add_section("Classes", content, opened=False)
    assert isinstance(section, Section) and content.isHidden() and not section.opened
    section.heading.click()
    assert not content.isHidden() and section.opened


def test_from_the_keyboard_the_table_is_reached_at_once(window: MainWindow, qtbot: QtBot) -> None:
    pane = window.context.parts.pane
    window.actions_.by_name["view.objects_pane"].trigger()
    table = pane.widget(PaneTab.TABLE)
    qtbot.waitUntil(lambda: window.focusWidget() is table.focusProxy())
    assert isinstance(table.focusProxy(), QTableView)
    show_plots(window.context)
    assert window.focusWidget() is pane.widget(PaneTab.PLOTS).focusProxy()
