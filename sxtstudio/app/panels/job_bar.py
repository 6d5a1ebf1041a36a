"""Running jobs with progress, remaining time and Cancel."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from sxtstudio.app.context import Context


class JobBar(QWidget):
    """Running jobs with progress, remaining time and Cancel."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Build the widget."""
        super().__init__(parent)
        self._context = context
