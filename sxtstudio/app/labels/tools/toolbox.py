"""The mouse tools of a window: pointer events go to the one in the hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QComboBox, QLineEdit, QWidget

from sxtstudio.app.context import Context
from sxtstudio.app.errors import show_error
from sxtstudio.app.evaluate.tool import MarkTool
from sxtstudio.app.labels.tools import object_work
from sxtstudio.app.labels.tools.base import PointerEvent, Sketch
from sxtstudio.app.labels.tools.brush import BrushTool, EraserTool
from sxtstudio.app.labels.tools.click import FillTool, WandTool
from sxtstudio.app.labels.tools.copying import ShapeCopier
from sxtstudio.app.labels.tools.objects import CutTool, DeleteTool, KeepTool, MergeTool
from sxtstudio.app.labels.tools.outline import LassoTool, PolygonTool
from sxtstudio.app.labels.tools.ruler import RulerTool
from sxtstudio.app.labels.tools.tool import Tool
from sxtstudio.app.objects.filopodia.tool import FilopodiumTool
from sxtstudio.app.objects.filopodia.work import FilopodiumWork
from sxtstudio.app.objects.tools.click import (
    DeleteObjectTool,
    FillObjectTool,
    GrowTool,
    KeepObjectTool,
    MergeObjectsTool,
    PartTool,
    PickTool,
)
from sxtstudio.app.objects.tools.split import SplitTool
from sxtstudio.core.errors import UserError
from sxtstudio.core.planes import NORMAL

_KINDS: tuple[type[Tool], ...] = (
    Tool,
    BrushTool,
    EraserTool,
    FillTool,
    WandTool,
    PolygonTool,
    LassoTool,
    DeleteTool,
    KeepTool,
    CutTool,
    MergeTool,
    RulerTool,
    MarkTool,
)
#: What tools of these names do to objects is something else than what they do to labels.
_OF_OBJECTS: tuple[type[Tool], ...] = (
    PickTool,
    FillObjectTool,
    DeleteObjectTool,
    KeepObjectTool,
    MergeObjectsTool,
    SplitTool,
    PartTool,
    GrowTool,
)
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class Toolbox(QObject):
    """Hands pointer events to the tool that ``session.tool`` names.

    What the user can mend is said as ``session.message``; no error leaves the methods for events.
    """

    sketch_changed = Signal()

    def __init__(self, context: Context) -> None:
        """Begin with the tool "look", which changes nothing."""
        super().__init__(context.session)
        self._context = context
        self._session = context.session
        self.sketch: Sketch | None = None
        self.copier = ShapeCopier(self._session)
        self._tools = {kind.name: kind(context, self._show) for kind in _KINDS}
        filopodium = FilopodiumTool(context, self._show)
        self._tools[filopodium.name] = filopodium
        self.filopodia: FilopodiumWork = filopodium.work
        self._object_tools = {kind.name: kind(context, self._show) for kind in _OF_OBJECTS}
        self._state = self._session.tool.value
        self._drawn: dict[int, list[int]] = {0: [], 1: [], 2: []}
        self._listening = False
        self._session.tool.changed.connect(self._on_tool_changed)
        self._session.document_changed.connect(self._on_document_changed)

    @property
    def wants_pointer(self) -> bool:
        """Whether the left button belongs to a tool; else the view pans and moves the crosshair."""
        return self._state.tool != "look"

    @property
    def unfinished(self) -> bool:
        """Whether a stroke, a line or an outline has been begun."""
        return self._tool.unfinished

    def drawn(self, axis: int) -> list[int]:
        """Return the last two slices perpendicular to ``axis`` that were drawn on, the latest last."""
        return self._drawn[axis][-2:]

    def press(self, event: PointerEvent) -> None:
        """Begin: a stroke, a line, a click."""
        if self._guarded(lambda: self._tool.press(event)) and self._tool.draws:
            drawn = self._drawn[NORMAL[event.plane]]
            if event.depth in drawn:
                drawn.remove(event.depth)
            drawn.append(event.depth)
        self._listen()

    def move(self, event: PointerEvent) -> None:
        """The pointer moved with the button held."""
        self._guarded(lambda: self._tool.move(event))

    def hover(self, event: PointerEvent) -> None:
        """The pointer moved without a button."""
        self._guarded(lambda: self._tool.hover(event))

    def leave(self) -> None:
        """The pointer left the slice; what is unfinished stays."""
        if not self._tool.unfinished:
            self._guarded(lambda: self._tool.cancel())

    def release(self, event: PointerEvent) -> None:
        """End."""
        self._guarded(lambda: self._tool.release(event))
        self._listen()

    def finish(self) -> None:
        """Enter was pressed: close the polygon."""
        self._guarded(lambda: self._tool.finish())
        self._listen()

    def step_back(self) -> None:
        """Backspace was pressed: take the last corner of the polygon back."""
        self._guarded(lambda: self._tool.step_back())
        self._listen()

    def cancel(self) -> None:
        """Escape was pressed, or the tool was changed: take back what is unfinished."""
        self._guarded(lambda: self._tool.cancel())
        self._listen()

    def point(self, event: PointerEvent) -> None:
        """Put the crosshair under the pointer."""
        self.copier.pointed()
        self._session.set_cursor(event.voxel)

    def pick(self, event: PointerEvent) -> None:
        """Highlight the object under the pointer, or choose it where the tools are for objects."""
        if self._state.target == "objects":
            self._guarded(lambda: self._object_tools["pick"].press(replace(event, ctrl=False)))
        else:
            self._guarded(lambda: object_work.select_object(self._context, event.voxel))

    def shut_down(self) -> None:
        """Let go of the keyboard."""
        for tool in self._all:
            tool.forget()
        self.filopodia.shut_down()
        self._listen()

    @property
    def _all(self) -> tuple[Tool, ...]:
        return (*self._tools.values(), *self._object_tools.values())

    @property
    def _tool(self) -> Tool:
        name = self._state.tool
        if self._state.target == "objects" and name in self._object_tools:
            return self._object_tools[name]
        return self._tools.get(name, self._tools["look"])

    def _guarded(self, action: Callable[[], Any]) -> bool:
        """Run what a tool does; return whether it did without an error."""
        try:
            action()
        except UserError as error:
            self._session.remark(str(error))
            return False
        except Exception as error:  # whatever it is: take the stroke back, and the window lives on
            tool = self._tool
            try:
                tool.cancel()
            except Exception:
                tool.forget()
            show_error(self._context.window, error)
            return False
        return True

    def _show(self, sketch: Sketch | None) -> None:
        if sketch is not self.sketch:
            self.sketch = sketch
            self.sketch_changed.emit()

    def _on_tool_changed(self) -> None:
        new = self._session.tool.value
        if (new.tool, new.target) != (self._state.tool, self._state.target):
            self.cancel()
        self._state = new

    def _on_document_changed(self) -> None:
        for tool in self._all:  # also a stroke of one that is no longer in the hand
            tool.forget()
        self._show(None)
        for drawn in self._drawn.values():
            drawn.clear()
        self._listen()

    # -- Enter and Backspace, wherever the keyboard's focus is, while an outline is drawn ----------

    def _listen(self) -> None:
        wanted = self._tool.takes_keys and self._tool.unfinished
        if wanted != self._listening:
            self._listening = wanted
            app = QApplication.instance()
            if app is not None:
                (app.installEventFilter if wanted else app.removeEventFilter)(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the keys that belong to an unfinished outline."""
        if event.type() != QEvent.Type.KeyPress or not self._tool.unfinished:
            return False
        if isinstance(event, QKeyEvent) and self._ours(watched):
            if event.key() in _ENTER:
                self.finish()
                return True
            if event.key() == Qt.Key.Key_Backspace:
                self.step_back()
                return True
        return False

    def _ours(self, watched: QObject) -> bool:
        """Whether a key goes to this window, and not into a field."""
        if not isinstance(watched, QWidget) or watched.window() is not self._context.window:
            return False
        return not isinstance(watched, QLineEdit | QAbstractSpinBox | QComboBox)
