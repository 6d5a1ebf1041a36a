"""Splitting an object along a line that is drawn across it."""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from sxtstudio.app.labels.tools.base import PointerEvent, Sketch
from sxtstudio.app.labels.tools.numbers import NO_OBJECTS, chosen_number, number_at
from sxtstudio.app.objects.tools import work
from sxtstudio.app.objects.tools.click import NumberTool, area_of
from sxtstudio.core.brushes import Point
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.object_split import Line
from sxtstudio.core.outline import outlines
from sxtstudio.core.planes import NORMAL, voxel_at

_SHORTEST_PX = 2.0
# A bent line needs no more corners than this.
_STEP_PX = 3.0


class SplitTool(NumberTool):
    """Draws a straight line, or with Shift a bent one, and splits the object that it crosses."""

    name = "cut"
    kind = EditKind.SPLIT_OBJECT
    _begin: PointerEvent | None = None
    _outlined: tuple[int, tuple[NDArray[np.float64], ...]] = (0, ())

    def press(self, event: PointerEvent) -> None:
        """Begin the line."""
        self._hover.clear()
        if self.document.objects is None:
            raise UserError(NO_OBJECTS)
        self.session.changeable()  # says at once if objects cannot be changed now
        self._begin = event
        self._points: list[Point] = [(event.row, event.column)]
        self._outlined = (0, ())

    def move(self, event: PointerEvent) -> None:
        """Show the line."""
        begin = self._begin
        if begin is None or (event.plane, event.depth) != (begin.plane, begin.depth):
            return
        here = (event.row, event.column)
        if event.shift and math.dist(here, self._points[-1]) >= _STEP_PX:
            self._points.append(here)
        line = [*self._points, here]
        number = self._crossed(begin, line)
        text = work.describe(self.session, number) if number else ""
        lines = (*self._outline(begin, number), np.array(line))
        self.show(Sketch(begin.plane, begin.depth, lines, text=text))

    def release(self, event: PointerEvent) -> None:
        """Split."""
        begin = self._begin
        self.cancel()
        if begin is None or (event.plane, event.depth) != (begin.plane, begin.depth):
            return
        here = (event.row, event.column)
        points = [*self._points, here]
        if len(points) > 2 and math.dist(points[-2], here) < _SHORTEST_PX:
            points.pop()  # its end goes on in the direction of the last piece
        if max(math.dist(points[0], point) for point in points) < _SHORTEST_PX:
            raise UserError("Hold the button and draw a line all the way across the object.")
        number = self._crossed(begin, points)
        if not number:
            raise UserError("The line crosses no object. Draw it across the object that is to be split.")
        work.split_by_line(self.context, number, Line(NORMAL[begin.plane], tuple(points)))

    def _outline(self, begin: PointerEvent, number: int) -> tuple[NDArray[np.float64], ...]:
        """Return the outline of an object on the slice that is drawn on."""
        if number != self._outlined[0]:
            objects, box = self.session.labels_of("objects"), self.document.box_of(number)
            lines: tuple[NDArray[np.float64], ...] = ()
            if objects is not None and box is not None:
                corner, where = area_of(objects, number, box, begin)
                lines = tuple(line + np.array(corner) for line in outlines(where))
            self._outlined = (number, lines)
        return self._outlined[1]

    def _crossed(self, begin: PointerEvent, points: list[Point]) -> int:
        """Return the chosen object if the line crosses it, else the first one on its way, or 0."""
        first, wanted = 0, chosen_number(self.session)
        for one, other in itertools.pairwise(points):
            steps = 2 * math.ceil(math.dist(one, other)) + 1
            for row, column in zip(
                np.linspace(one[0], other[0], steps), np.linspace(one[1], other[1], steps), strict=True
            ):
                voxel = voxel_at(
                    NORMAL[begin.plane], begin.depth, math.floor(row + 0.5), math.floor(column + 0.5)
                )
                number = number_at(self.session, voxel)
                if number and number == wanted:
                    return number
                first = first or number
        return first

    def cancel(self) -> None:
        """Drop the line."""
        self._begin = None
        super().cancel()
        self.show(None)

    forget = cancel

    @property
    def unfinished(self) -> bool:
        """Whether a line is being drawn."""
        return self._begin is not None
