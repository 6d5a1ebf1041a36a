"""Which words the rooms of the window show, so that a picture of it can be told to be older than the window.

``make screenshots`` notes them beside the pictures; ``tests/app/help/test_pictures.py`` compares. Words are
those of buttons, boxes to tick, tabs and headings of a window in which nothing is open; what depends on the
work, such as numbers, is none of them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from PySide6.QtWidgets import QAbstractButton, QGroupBox, QStackedWidget, QTabBar, QWidget

from sxtstudio.app.batch.dialog import BatchDialog
from sxtstudio.app.beamtime.dialog import BeamtimeDialog
from sxtstudio.app.document.start_page import StartPage
from sxtstudio.app.exports.dialog import ExportDialog
from sxtstudio.app.help.contents import HELP
from sxtstudio.app.help.reader import Documentation
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.models.dialog import ModelsDialog
from sxtstudio.app.retrain.dialog import RetrainDialog
from sxtstudio.app.states import Panel
from sxtstudio.app.widgets.dialogs import ToolDialog

PICTURES = HELP / "pictures"
WIDEST_PX = 1200
LARGEST_BYTES = 200_000
NOTED = Path(__file__).resolve().parent / "pictures.json"
#: What each picture shows, besides slices and 3D.
ROOMS: dict[str, tuple[str, ...]] = {
    "start": ("menus", "start"),
    "open": ("menus", "image"),
    "look": ("image",),
    "try": ("segment",),
    "segment": ("segment",),
    "mask": ("mask",),
    "clean": ("clean",),
    "paint": ("labels",),
    "objects": ("objects", "pane"),
    "plots": ("objects", "pane"),
    "evaluate": ("evaluate",),
    "bodies": ("surface",),
    "surface": ("surface",),
    "batch": ("batch",),
    "beamtime": ("beamtime",),
    "models": ("models",),
    "export": ("export",),
    "documentation": ("documentation",),
    "retrain": ("retrain",),
}


def words_of(window: MainWindow) -> dict[str, list[str]]:
    """Return the words of each room of a window in which nothing is open."""
    parts = window.context.parts
    rooms: dict[str, QWidget] = {panel.value: _page(parts.side.widget(panel)) for panel in Panel}
    rooms["pane"] = parts.pane
    rooms["start"] = window.findChildren(StartPage)[0]
    dialogs: tuple[tuple[str, type[ToolDialog]], ...] = (
        ("batch", BatchDialog),
        ("beamtime", BeamtimeDialog),
        ("models", ModelsDialog),
        ("documentation", Documentation),
        ("export", ExportDialog),
        ("retrain", RetrainDialog),  # with all its steps, and the one for want of PyTorch
    )
    for name, kind in dialogs:
        rooms[name] = dialog = window.context.dialogs.bring_up(kind)
        dialog.hide()
    found = {name: _words(room) for name, room in rooms.items()}
    menus = [menu for menu in window.menuBar().actions() if menu.menu() is not None]
    found["menus"] = sorted(menu.text().replace("&", "") for menu in menus)
    return found


def note(window: MainWindow) -> None:
    """Write down what the pictures show that are about to be made."""
    NOTED.write_text(json.dumps(words_of(window), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def noted() -> dict[str, list[str]]:
    """Return what the pictures that are there show."""
    read: dict[str, list[str]] = json.loads(NOTED.read_text(encoding="utf-8"))
    return read


def _page(panel: QWidget) -> QWidget:
    """Return the page of the side column that a panel is on, with the buttons that stay below it."""
    page = panel
    while (above := page.parentWidget()) is not None and not isinstance(above, QStackedWidget):
        page = above
    return page


def _words(room: QWidget) -> list[str]:
    texts: list[str] = []
    for widget in room.findChildren(QWidget):
        if isinstance(widget, QAbstractButton):
            texts.append(widget.text())
        elif isinstance(widget, QGroupBox):
            texts.append(widget.title())
        elif isinstance(widget, QTabBar):
            texts += [widget.tabText(number) for number in range(widget.count())]
    return sorted({text.replace("&", "") for text in texts if re.fullmatch(r"[^\d]*[A-Za-z]{2}[^\d]*", text)})
