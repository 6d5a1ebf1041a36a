"""Dialogs that stay open beside the window: one of each kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtWidgets import QDialog

from sxtstudio.app.context import Context

Kind = TypeVar("Kind", bound=QDialog)


def bring_up(context: Context, name: str, kind: Callable[[Context], Kind]) -> Kind:
    """Show the dialog ``context.parts[name]``, made on its first use."""
    dialog: Kind | None = context.parts.get(name)
    if dialog is None:
        dialog = context.parts[name] = kind(context)
    dialog.show()
    dialog.raise_()
    dialog.activateWindow()
    return dialog
