"""Brush and eraser."""

from __future__ import annotations

from typing import Any

from sxtstudio.app.labels.tools.base import PointerEvent
from sxtstudio.app.labels.tools.grey_limit import GreyLimit
from sxtstudio.app.labels.tools.tool import Tool, where_of
from sxtstudio.core.brushes import Brush, Point, pieces, stroke
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Recorder
from sxtstudio.core.labels import LABEL
from sxtstudio.core.planes import NORMAL, Plane


class BrushTool(Tool):
    """Paints as long as the button is held; one stroke is one step for *Undo*."""

    name = "brush"
    kind = EditKind.BRUSH
    draws = True
    erases = False

    _recorder: Recorder | None = None

    def press(self, event: PointerEvent) -> None:
        """Begin a stroke with a dab."""
        self.cancel()
        document, state = self.document, self.session.tool.value
        self._brush = Brush(state.brush_px, state.ball, document.voxel_nm)
        self._value = 0 if self.erases or event.shift else LABEL
        self._target = state.target
        self._place: tuple[Plane, int] = (event.plane, event.depth)
        self._last: Point = (event.row, event.column)
        self._parameters: dict[str, Any] = {
            **where_of(event),
            "diameter_px": state.brush_px,
            "ball": state.ball,
        }
        self._greys = None if state.grey_range is None else GreyLimit(document.tomogram, *state.grey_range)
        if state.grey_range is not None:
            self._parameters["grey_range"] = list(state.grey_range)
        self._recorder = self.session.record(self.kind, state.target)
        self.move(event)

    def move(self, event: PointerEvent) -> None:
        """Paint the way since the last event."""
        if self._recorder is None:
            return
        here = (event.row, event.column)
        place = (event.plane, event.depth)
        if place != self._place:  # another slice came under the pointer
            self._place, self._last = place, here
        for start, end in pieces(self._last, here, self._brush.diameter_px):
            found = stroke(
                self._brush, NORMAL[event.plane], event.depth, start, end, self._recorder.labels.shape
            )
            if found is not None and self._greys is not None:
                found = self._greys.within(*found)
            if found is not None:
                self.session.touched(self._target, self._recorder.paint(*found, self._value))
        self._last = here

    def release(self, event: PointerEvent) -> None:
        """Paint the last bit and end the stroke."""
        self.move(event)
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            self.session.commit(recorder, announce=False, **self._parameters)

    def cancel(self) -> None:
        """Take the stroke back."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            box = recorder.box
            recorder.roll_back()
            self.session.touched(self._target, box)

    def forget(self) -> None:
        """Drop the stroke."""
        self._recorder = None

    @property
    def unfinished(self) -> bool:
        """Whether a stroke is being painted."""
        return self._recorder is not None


class EraserTool(BrushTool):
    """A brush that erases."""

    name = "eraser"
    kind = EditKind.ERASER
    erases = True
