"""What a click would take, shown while the pointer rests: an area of the slice, or a whole object."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.latest import Latest
from sxtstudio.app.labels.tools import object_work
from sxtstudio.app.labels.tools.base import PointerEvent, Sketch
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.outline import outlines

Area = tuple[tuple[int, int], NDArray[np.bool_]]

# The pointer rests: shorter would search under every pixel that it passes.
REST_MS = 150


class AreaHover(QObject):
    """Draws the outline of the area that a click would fill or erase."""

    def __init__(self, context: Context, show: Callable[[Sketch | None], None]) -> None:
        """Show nothing yet."""
        super().__init__(context.session)
        self._show = show
        self._event: PointerEvent | None = None
        self._text = ""
        self._latest = Latest(
            context, "Looking under the pointer", self._on_found, on_error=self._on_error, delay_ms=REST_MS
        )
        context.session.labels_changed.connect(self.clear)
        context.session.mask_changed.connect(self.clear)
        context.session.objects_changed.connect(self.clear)
        context.session.marks_changed.connect(self.clear)

    def ask(self, event: PointerEvent, find: Callable[[], Area], text: str = "") -> None:
        """Show the area that ``find`` returns, once the pointer rests; it is called in a thread.

        ``text`` stands beside it.
        """
        self._show(None)
        self._event, self._text = event, text
        self._latest.request(lambda job: find())

    def clear(self, *_: object) -> None:
        """Show nothing any more."""
        if self._event is not None:  # else the lines are another tool's
            self._event = None
            self._latest.cancel()
            self._show(None)

    def _on_found(self, area: Area) -> None:
        if self._event is not None:
            (top, left), where = area
            corner = np.array((top, left))
            lines = tuple(line + corner for line in outlines(where))
            plane, depth = self._event.plane, self._event.depth
            self._show(Sketch(plane, depth, lines, closed=True, text=self._text) if lines else None)

    def _on_error(self, error: Exception) -> None:
        if not isinstance(error, UserError):  # there is nothing to be filled here
            raise error


class ObjectHover(QObject):
    """Highlights the object that a click would take, in all views, and says how much of the labels it is."""

    def __init__(self, context: Context) -> None:
        """Highlight nothing yet."""
        super().__init__(context.session)
        self._context = context
        self._seed: Triple | None = None
        self._timer = QTimer(self, singleShot=True, interval=REST_MS)
        self._timer.timeout.connect(self._pick)

    def ask(self, seed: Triple | None) -> None:
        """Highlight the object at a voxel (z, y, x) once the pointer rests; None: nothing is there."""
        selection = self._context.session.selection
        if seed is not None and selection is not None and _holds(selection.box.start, selection.where, seed):
            self._timer.stop()
            return
        self._seed = seed
        self._timer.start()

    def clear(self) -> None:
        """Ask no more; what is highlighted stays."""
        self._timer.stop()

    def _pick(self) -> None:
        if self._seed is not None and not self._context.session.busy:
            object_work.select_object(self._context, self._seed)
        elif self._context.session.selection is not None:
            self._context.session.select(None)


def _holds(start: Triple, where: NDArray[np.bool_], voxel: Triple) -> bool:
    inside = tuple(v - a for v, a in zip(voxel, start, strict=True))
    return all(0 <= n < size for n, size in zip(inside, where.shape, strict=True)) and bool(where[inside])
