"""The section of the panel with the tools for objects by hand."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from sxtstudio.app.context import Context
from sxtstudio.app.labels.fields import ToolButtons, ToolSettings
from sxtstudio.app.objects.tools.catalogue import OBJECTS_BY_NAME, TOOLS
from sxtstudio.app.widgets.notes import SteadyNote

_HINT = "Choose a tool. Without one, Ctrl+click chooses the object under the pointer; or press Shift+S."


class ObjectTools(QWidget):
    """Tools, how the one in the hand is used, and its settings."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Build the widget."""
        super().__init__(parent)
        self._tool = context.session.tool
        self.buttons = ToolButtons(context, TOOLS)
        self.hint = SteadyNote([_HINT, *(info.hint for info in TOOLS)])
        self.settings = ToolSettings(context)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        for part in (self.buttons, self.hint, self.settings):
            layout.addWidget(part)
        self._tool.changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        state = self._tool.value
        info = OBJECTS_BY_NAME.get(state.tool)
        self.hint.setText(_HINT if info is None or state.tool == "look" else info.hint)
        self.settings.setVisible(state.tool in ("brush", "eraser", "wand", "grow"))
