"""Dialogs, and those that stay open beside the window: one of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QPushButton

from sxtstudio.app import theme
from sxtstudio.app.widgets.hasty_clicks import ignore_hasty_clicks
from sxtstudio.app.widgets.placement import fit_dialog

if TYPE_CHECKING:  # the context holds the dialogs
    from sxtstudio.app.context import Context


class Dialog(QDialog):
    """A dialog that lies within the screen, whatever its size, and takes no click that was under way."""

    _guarded = False

    def showEvent(self, event: QShowEvent) -> None:
        """Become smaller where the screen is."""
        fit_dialog(self)
        if not self._guarded:  # its buttons are there now
            self._guarded = True
            ignore_hasty_clicks(self)
        super().showEvent(event)


class ToolDialog(Dialog):
    """A dialog that stays open beside the window, and closes with it."""

    TITLE: ClassVar[str] = ""

    def __init__(self, context: Context) -> None:
        """Begin empty; the dialog belongs to the window."""
        super().__init__(context.window)
        self.setWindowTitle(self.TITLE)

    def button(self, text: str, icon: str, tip: str) -> QPushButton:
        """Return a button that Enter does not press by accident."""
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setAutoDefault(False)
        if icon:
            theme.set_icon(button, icon)
        return button

    def shut_down(self) -> None:
        """Close with the window."""
        self.close()


Kind = TypeVar("Kind", bound=ToolDialog)


class Dialogs:
    """The dialogs of a window: one of each class, made when it is first wanted."""

    def __init__(self, context: Context) -> None:
        """Begin without any."""
        self._context = context
        self._made: dict[type[ToolDialog], ToolDialog] = {}

    def bring_up(self, kind: type[Kind]) -> Kind:
        """Show the dialog of a class in front of the others."""
        dialog = self.find(kind)
        if dialog is None:
            dialog = self._made[kind] = kind(self._context)
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()
        return dialog

    def find(self, kind: type[Kind]) -> Kind | None:
        """Return the dialog of a class, or None if it has not been wanted yet."""
        dialog = self._made.get(kind)
        return dialog if isinstance(dialog, kind) else None

    def shut_down(self) -> None:
        """Close all of them for good."""
        for dialog in self._made.values():
            dialog.shut_down()
