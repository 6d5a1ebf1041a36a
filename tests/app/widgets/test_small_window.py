"""A window of 683 x 384, as a laptop of 1366 x 768 has it at a scale of 2: nothing is out of reach."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtWidgets import QAbstractButton, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.objects.pane import PaneTab
from sxtstudio.app.settings import Settings
from sxtstudio.app.states import Panel
from sxtstudio.app.widgets import placement
from sxtstudio.core.geometry import Box

SMALL = QSize(683, 384)
# What the desktop's bar and the frame of the window leave of it.
LEAST = QSize(675, 328)


@pytest.fixture
def small(sample: MainWindow, qtbot: QtBot) -> MainWindow:
    """The sample with all rooms of the window open."""
    sample.session.layout.set(view3d=True, objects_pane=True)
    qtbot.waitUntil(lambda: not sample.jobs.running, timeout=30_000)
    sample.resize(SMALL)
    qtbot.waitUntil(lambda: sample.size() == SMALL, timeout=5_000)
    return sample


def test_the_window_can_be_small_whatever_is_open(small: MainWindow, qtbot: QtBot) -> None:
    parts = small.context.parts
    for page in PaneTab:
        parts.pane.show_page(page)
        for panel in Panel:
            parts.side.show_panel(panel)
            qtbot.wait(1)
            least = small.minimumSizeHint()
            assert least.height() <= LEAST.height(), (page, panel)
            assert least.width() <= SMALL.width(), (page, panel)
    small.session.layout.set(panel=False)
    qtbot.wait(1)
    assert small.minimumSizeHint().width() <= LEAST.width() // 2 + 40


def test_the_panel_leaves_more_than_half_of_the_width_to_the_views(
    sample: MainWindow, settings: Settings, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the first start, and where the columns were kept by a wide window."""
    qtbot.waitUntil(lambda: not sample.jobs.running, timeout=30_000)
    monkeypatch.setattr(placement, "room", lambda window: QRect(QPoint(), SMALL))
    for name in ("first", "kept"):
        if name == "kept":
            settings.set_bytes("window/columns", sample._outer.saveState())
        window = MainWindow(settings)
        window.show()
        qtbot.waitExposed(window)
        qtbot.wait(50)
        assert window.width() <= SMALL.width()
        for panel in Panel:
            window.context.parts.side.show_panel(panel)
            qtbot.wait(1)
            assert window.context.parts.side.width() < window.width() / 2, (name, panel)
        window.close()
        window.deleteLater()


def test_the_pane_leaves_half_of_the_height_and_what_was_gone_to(sample: MainWindow, qtbot: QtBot) -> None:
    view = sample.context.parts.slices.views["xy"]
    qtbot.waitUntil(lambda: not sample.jobs.running, timeout=30_000)
    sample.resize(SMALL)
    qtbot.wait(50)
    box = Box((20, 100, 150), (40, 220, 270))
    sample.context.parts.slices.frame(box)
    sample.session.layout.set(objects_pane=True)
    qtbot.wait(100)
    pane, views = sample.context.parts.pane, sample.context.parts.slices
    assert abs(pane.height() - views.height()) <= 1
    corners = QRectF(box.start[2], box.start[1], box.shape[2], box.shape[1])
    assert QRectF(view.rect()).contains(view.transform().mapRect(corners))
    sample.session.layout.set(objects_pane=False)
    qtbot.wait(100)
    assert view.height() > 80


def test_every_button_of_the_pane_can_be_scrolled_to(small: MainWindow, qtbot: QtBot) -> None:
    pane = small.context.parts.pane
    for page in PaneTab:
        content = pane.show_page(page)
        qtbot.wait(20)
        for button in content.findChildren(QAbstractButton):
            if button.isVisibleTo(content):
                for area in areas_around(button):
                    area.ensureWidgetVisible(button, 0, 0)
                    qtbot.wait(1)
                for area in areas_around(button):
                    seen = QRect(button.mapTo(area.viewport(), QPoint()), button.size())
                    assert area.viewport().rect().adjusted(-1, -1, 1, 1).contains(seen), button.text()


def test_a_click_on_its_button_folds_the_panel_and_brings_it_back(
    small: MainWindow, qtbot: QtBot, settings: Settings
) -> None:
    small.resize(1200, 800)
    parts, layout = small.context.parts, small.session.layout
    parts.side.show_panel(Panel.CLEAN)
    qtbot.wait(1)
    width, views = parts.side.width(), parts.slices.parentWidget()
    assert views is not None
    before = views.width()
    button = parts.side.button(Panel.CLEAN)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: views.width() > before + 200, timeout=5_000)
    assert not layout.value.panel and not parts.clean.isVisible() and button.isVisible()
    assert not small.actions_.by_name["view.panel"].isChecked()
    qtbot.mouseClick(parts.side.button(Panel.MASK), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: abs(parts.side.width() - width) <= 2, timeout=5_000)
    assert layout.value.panel and parts.mask.isVisible()
    small.actions_.by_name["view.panel"].trigger()
    assert not parts.mask.isVisible()
    parts.side.show_panel(Panel.CLEAN)  # whoever wants a panel seen
    assert parts.clean.isVisible()


def areas_around(widget: QWidget) -> list[QScrollArea]:
    """The areas that a widget scrolls in, the innermost first."""
    found, parent = [], widget.parentWidget()
    while parent is not None:
        if isinstance(parent, QScrollArea):
            found.append(parent)
        parent = parent.parentWidget()
    return found
