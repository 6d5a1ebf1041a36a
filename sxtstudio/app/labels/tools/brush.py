"""Brush and eraser."""

from __future__ import annotations

from typing import Any

from sxtstudio.app.labels.tools.base import PointerEvent
from sxtstudio.app.labels.tools.grey_limit import GreyLimit, LimitedPieces, Piece
from sxtstudio.app.labels.tools.ink import Ink, ink_of
from sxtstudio.app.labels.tools.tool import Tool, where_of
from sxtstudio.app.session import Busy
from sxtstudio.core.brushes import Brush, Point, pieces, stroke
from sxtstudio.core.edit_kind import EditKind, edit_title
from sxtstudio.core.errors import UserError
from sxtstudio.core.planes import NORMAL, Plane


class BrushTool(Tool):
    """Paints as long as the button is held; one stroke is one step for *Undo*.

    With a range of grey values a stroke may end a little later than the button is let go: what has to be read
    is not waited for. Until then the labels belong to it.
    """

    name = "brush"
    kind = EditKind.BRUSH
    draws = True
    erases = False

    _ink: Ink | None = None
    _limited: LimitedPieces | None = None
    _released = False
    _busy = False

    def press(self, event: PointerEvent) -> None:
        """Begin a stroke with a dab."""
        self.cancel()
        document, state = self.document, self.session.tool.value
        erases = self.erases or event.shift
        # Refused while another stroke is read.
        ink = ink_of(self.session, self.kind, state.target, erases=erases, voxel=event.voxel)
        self._brush = Brush(state.brush_px, state.ball, document.voxel_nm)
        self._shape = document.shape
        self._target = state.target
        self._place: tuple[Plane, int] = (event.plane, event.depth)
        self._last: Point = (event.row, event.column)
        self._parameters: dict[str, Any] = {
            **where_of(event),
            "diameter_px": state.brush_px,
            "ball": state.ball,
        }
        self._limited, self._released = None, False
        if state.grey_range is not None:
            greys = GreyLimit(document.tomogram, *state.grey_range)
            self._limited = LimitedPieces(self.context, greys, self._paint, self._fail, self._on_drained)
            self._parameters["grey_range"] = list(state.grey_range)
        self._ink = ink
        self.move(event)

    def move(self, event: PointerEvent) -> None:
        """Paint the way since the last event."""
        if self._ink is None or self._released:
            return
        here = (event.row, event.column)
        place = (event.plane, event.depth)
        if place != self._place:  # another slice came under the pointer
            self._place, self._last = place, here
        for start, end in pieces(self._last, here, self._brush.diameter_px):
            found = stroke(self._brush, NORMAL[event.plane], event.depth, start, end, self._shape)
            if found is not None:
                (self._paint if self._limited is None else self._limited.add)(found)
        self._last = here

    def release(self, event: PointerEvent) -> None:
        """Paint the last bit and end the stroke."""
        self.move(event)
        if self._ink is None or self._released:
            return
        self._released = True
        if self._limited is not None and self._limited.waiting:
            self._busy = True
            self.session.set_busy(Busy(edit_title(self.kind, self._target), self.kind))
        else:
            self._commit()

    def cancel(self) -> None:
        """Take the stroke back; one whose button was let go is completed instead."""
        if not self._released:
            self._take_back()

    def forget(self) -> None:
        """Drop the stroke."""
        self._end()

    @property
    def unfinished(self) -> bool:
        """Whether a stroke is being painted."""
        return self._ink is not None and not self._released

    def _paint(self, piece: Piece) -> None:
        if self._ink is not None:
            self.session.touched(self._target, self._ink.paint(*piece))

    def _on_drained(self) -> None:
        if self._released:
            self._commit()

    def _commit(self) -> None:
        ink = self._end()
        if ink is not None:
            ink.commit(self._parameters, announce=False)

    def _take_back(self) -> None:
        ink = self._end()
        if ink is not None:
            self.session.touched(self._target, ink.roll_back())

    def _fail(self, error: Exception) -> None:
        self._take_back()
        if isinstance(error, UserError):
            self.session.remark(str(error))
        else:
            self.context.jobs.failed.emit(error)

    def _end(self) -> Ink | None:
        """Let go of the stroke, and of the labels."""
        ink, self._ink = self._ink, None
        if self._limited is not None:
            self._limited.stop()
        self._limited, self._released = None, False
        if self._busy:
            self._busy = False
            self.session.set_busy(None)
        return ink


class EraserTool(BrushTool):
    """A brush that erases."""

    name = "eraser"
    kind = EditKind.ERASER
    erases = True
