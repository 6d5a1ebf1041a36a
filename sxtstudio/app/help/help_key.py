"""Shift+F1 in a dialog, whichever it is: the page of the documentation about it.

In the main window it is the key of an action. Dialogs, and what Qt makes itself, such as questions and those
that ask for files or colours, get it when they get the keyboard for the first time.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut, QWindow
from PySide6.QtWidgets import QApplication, QColorDialog, QDialog, QFileDialog, QMessageBox, QWidget
from shiboken6 import isValid

from sxtstudio.app.context import Context
from sxtstudio.app.help.contents import INDEX
from sxtstudio.app.states import Panel
from sxtstudio.app.widgets.dialogs import Dialog

KEY = "Shift+F1"
_NAME = "help_key"
#: What is asked while a panel is shown belongs to its work.
PANEL_PAGES = {
    Panel.IMAGE: INDEX,
    Panel.SEGMENT: "segment.md",
    Panel.CLEAN: "clean.md",
    Panel.MASK: "mask.md",
    Panel.LABELS: "paint.md",
    Panel.OBJECTS: "objects.md",
    Panel.SURFACE: "pictures.md",
    Panel.EVALUATE: "evaluate.md",
}
COLOUR_PAGES = {Panel.OBJECTS: "objects.md#4-classes", Panel.SURFACE: "pictures.md#the-panel-3d-view"}
FILES_PAGE = "files.md"
_PROBLEMS = (QMessageBox.Icon.Warning, QMessageBox.Icon.Critical)


class HelpKey(QObject):
    """Gives each dialog of a window the key."""

    def __init__(self, context: Context) -> None:
        """Follow the keyboard from window to window, as long as the main window is there."""
        super().__init__(context.window)
        self._context = context
        app = QApplication.instance()
        assert isinstance(app, QGuiApplication)
        app.focusWindowChanged.connect(self._on_app_focus_window_changed)

    def _on_app_focus_window_changed(self, window: QWindow | None) -> None:
        dialog = QApplication.activeWindow()
        if window is None or not isinstance(dialog, QDialog) or not _is_above(self._context.window, dialog):
            return
        if dialog.findChild(QShortcut, _NAME, Qt.FindChildOption.FindDirectChildrenOnly) is None:
            key = QShortcut(QKeySequence(KEY), dialog)
            key.setObjectName(_NAME)
            key.activated.connect(self._on_key_activated)  # which knows no dialog, and keeps none alive
        self._unblock(window)

    def _unblock(self, window: QWindow) -> None:
        """Let the documentation be used beside a dialog that blocks all windows but those above it."""
        from sxtstudio.app.help.reader import Documentation

        documentation = self._context.dialogs.find(Documentation)
        if documentation is None or not isValid(documentation):  # the window has closed
            return
        handle = documentation.windowHandle()
        if handle is not None and handle is not window:
            all_windows = window.modality() is Qt.WindowModality.ApplicationModal
            handle.setTransientParent(window if all_windows else None)  # type: ignore[arg-type]  # nobody

    def _on_key_activated(self) -> None:
        dialog = QApplication.activeWindow()
        if isinstance(dialog, QDialog):
            self.show_page_about(dialog)

    def show_page_about(self, dialog: QDialog) -> None:
        """Show what is to be known about a dialog; about an error, what can be done."""
        from sxtstudio.app.help.reader import Documentation

        documentation = self._context.dialogs.bring_up(Documentation)
        if isinstance(dialog, QMessageBox) and dialog.icon() in _PROBLEMS:
            documentation.explain(dialog.text())
        else:
            documentation.show_page(page_about(dialog, self._context.parts.side.current))
        self._unblock(dialog.windowHandle())


def page_about(dialog: QWidget, panel: Panel) -> str:
    """Return the page about a dialog: its own, that of what it belongs to, or that of the panel."""
    if isinstance(dialog, QFileDialog):
        return FILES_PAGE
    above: QWidget | None = dialog
    while above is not None:
        if isinstance(above, Dialog):
            return above.PAGE
        above = above.parentWidget()
    if isinstance(dialog, QColorDialog) and panel in COLOUR_PAGES:
        return COLOUR_PAGES[panel]
    return PANEL_PAGES[panel]


def _is_above(window: QWidget, dialog: QWidget) -> bool:
    """Whether a dialog belongs to a window; one with nothing above it belongs to whatever is there."""
    top = dialog
    while (above := top.parentWidget()) is not None:
        top = above
    return top is window or top is dialog
