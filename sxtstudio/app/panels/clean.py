"""Clean up labels, with a live preview on the visible slice."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from sxtstudio.app.context import Context


class CleanPanel(QWidget):
    """Clean up labels, with a live preview on the visible slice."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Build the widget."""
        super().__init__(parent)
        self._context = context
