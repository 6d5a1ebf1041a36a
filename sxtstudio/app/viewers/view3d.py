"""The 3D view; VTK is loaded when it is first shown."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from sxtstudio.app.context import Context


class View3D(QWidget):
    """The 3D view; VTK is loaded when it is first shown."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Build the widget."""
        super().__init__(parent)
        self._context = context
