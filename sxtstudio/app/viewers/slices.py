"""The three linked slice views."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from sxtstudio.app.context import Context


class SlicesView(QWidget):
    """The three linked slice views."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Build the widget."""
        super().__init__(parent)
        self._context = context
