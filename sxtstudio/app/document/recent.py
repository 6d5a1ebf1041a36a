"""The submenu of files that were open before."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from sxtstudio.app.context import Context
from sxtstudio.app.document.opening import open_path
from sxtstudio.app.document.recent_files import RecentFiles

MENU = "File/Open recent"


class RecentMenu(QObject):
    """Fills the submenu anew each time that it opens; files that are gone are greyed."""

    def __init__(self, context: Context, files: RecentFiles, menu: QMenu) -> None:
        """Take over the menu that the table of actions has made."""
        super().__init__(context.window)
        self._context, self._files = context, files
        self._made: list[QAction] = []
        self.menu = menu
        self.menu.aboutToShow.connect(self.rebuild)
        self.menu.aboutToShow.connect(files.look)
        files.changed.connect(self.rebuild)
        self.rebuild()

    def rebuild(self) -> None:
        """Show what is recent now, above *Clear list*."""
        for action in self._made:
            self.menu.removeAction(action)
            action.deleteLater()
        self._made.clear()
        below = self.menu.actions()[0] if self.menu.actions() else None
        recent = self._files.files
        for file in recent:
            action = QAction(f"{file.name} – {_short(file.place)}".replace("&", "&&"), self.menu)
            action.setEnabled(file.there)
            action.setToolTip(file.path if file.there else f"{file.path} is not there any more")
            action.triggered.connect(partial(self._open, file.path))
            self._add(action, below)
        line = QAction(self.menu)
        line.setSeparator(True)
        self._add(line, below)
        self.menu.setToolTipsVisible(True)
        self._context.session.offers.set(recent=bool(recent))

    def clear(self) -> None:
        """Forget the recent files; they stay as they are."""
        self._files.clear()
        self.rebuild()

    def _add(self, action: QAction, below: QAction | None) -> None:
        if below is None:
            self.menu.addAction(action)
        else:
            self.menu.insertAction(below, action)
        self._made.append(action)

    def _open(self, name: str, _: bool = False) -> None:
        open_path(self._context, name)


def _short(folder: str) -> str:
    return folder if len(folder) <= 48 else f"…{folder[-47:]}"
