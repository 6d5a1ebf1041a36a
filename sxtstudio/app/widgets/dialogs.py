"""Dialogs that stay open beside the window: one of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QDialog, QPushButton

from sxtstudio.app import theme

if TYPE_CHECKING:  # the context holds the dialogs
    from sxtstudio.app.context import Context


class ToolDialog(QDialog):
    """A dialog whose buttons keep their icons in the colours of the window."""

    TITLE: ClassVar[str] = ""

    def __init__(self, context: Context) -> None:
        """Begin empty; the dialog belongs to the window."""
        super().__init__(context.window)
        self._icons: dict[QPushButton, str] = {}
        self.setWindowTitle(self.TITLE)

    def button(self, text: str, icon: str, tip: str) -> QPushButton:
        """Return a button that Enter does not press by accident."""
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setAutoDefault(False)
        if icon:
            self._icons[button] = icon
            button.setIcon(theme.icon(icon))
        return button

    def set_icon(self, button: QPushButton, icon: str) -> None:
        """Give a button of this dialog another icon."""
        if self._icons.get(button) != icon:
            self._icons[button] = icon
            button.setIcon(theme.icon(icon))

    def restyle(self) -> None:
        """Draw the icons anew after a change between dark and light."""
        for button, icon in self._icons.items():
            button.setIcon(theme.icon(icon))

    def changeEvent(self, event: QEvent) -> None:
        """Follow a change between dark and light."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_icons"):
            self.restyle()

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
