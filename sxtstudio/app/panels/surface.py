"""The 3D view: what it shows, screenshots, movies."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from sxtstudio.app.context import Context


class SurfacePanel(QWidget):
    """The 3D view: what it shows, screenshots, movies."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Build the widget."""
        super().__init__(parent)
        self._context = context
