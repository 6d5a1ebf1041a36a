"""The mouse tools of a window: pointer events go to the one in the hand."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from sxtstudio.app.context import Context
from sxtstudio.app.tools.base import PointerEvent, Sketch


class Toolbox(QObject):
    """Hands pointer events to the tool that ``session.tool`` names."""

    sketch_changed = Signal()

    def __init__(self, context: Context) -> None:
        """Begin with the tool "look", which changes nothing."""
        super().__init__(context.session)
        self._context = context
        self.sketch: Sketch | None = None

    @property
    def wants_pointer(self) -> bool:
        """Whether the left button belongs to a tool; else the view pans and moves the crosshair."""
        return self._context.session.tool.value.tool != "look"

    def press(self, event: PointerEvent) -> None:
        """Begin: a stroke, a line, a click."""

    def move(self, event: PointerEvent) -> None:
        """The pointer moved with the button held."""

    def hover(self, event: PointerEvent) -> None:
        """The pointer moved without a button."""

    def release(self, event: PointerEvent) -> None:
        """End."""

    def cancel(self) -> None:
        """Escape was pressed, or the tool was changed: take back what is unfinished."""
