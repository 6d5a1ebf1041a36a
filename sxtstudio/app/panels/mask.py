"""The cell mask: automatic, by hand, by threshold."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from sxtstudio.app.context import Context


class MaskPanel(QWidget):
    """The cell mask: automatic, by hand, by threshold."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Build the widget."""
        super().__init__(parent)
        self._context = context
