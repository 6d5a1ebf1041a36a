"""The strip above the slices: what the file holds, and what it does not say."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from sxtstudio.app.context import Context


class FirstLook(QWidget):
    """The strip above the slices: what the file holds, and what it does not say."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Build the widget."""
        super().__init__(parent)
        self._context = context
