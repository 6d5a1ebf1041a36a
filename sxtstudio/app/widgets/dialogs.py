"""Dialogs that stay open beside the window: one of each kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QDialog, QPushButton

from sxtstudio.app import theme
from sxtstudio.app.context import Context

Kind = TypeVar("Kind", bound=QDialog)


class ToolDialog(QDialog):
    """A dialog whose buttons keep their icons in the colours of the window."""

    def __init__(self, context: Context, title: str) -> None:
        """Begin empty; the dialog belongs to the window."""
        super().__init__(context.window)
        self._icons: dict[QPushButton, str] = {}
        self.setWindowTitle(title)

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


def bring_up(context: Context, name: str, kind: Callable[[Context], Kind]) -> Kind:
    """Show the dialog ``context.parts[name]``, made on its first use."""
    dialog: Kind | None = context.parts.get(name)
    if dialog is None:
        dialog = context.parts[name] = kind(context)
    dialog.show()
    dialog.raise_()
    dialog.activateWindow()
    return dialog
