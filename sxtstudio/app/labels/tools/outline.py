"""Polygon and lasso: areas within an outline."""

from __future__ import annotations

import math

import numpy as np

from sxtstudio.app.labels.tools.base import PointerEvent, Sketch
from sxtstudio.app.labels.tools.tool import Tool
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.planes import NORMAL, plane_shape
from sxtstudio.core.selecting import polygon_area
from sxtstudio.core.wording import slice_number

Point = tuple[float, float]

# A click this near to the first corner closes the polygon.
_CLOSE_PX = 2.0
_SQUARE = np.array([(-1.0, -1.0), (-1.0, 1.0), (1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)])
# A lasso needs no more corners than this.
_STEP_PX = 0.7


class OutlineTool(Tool):
    """Collects the corners of an outline on one slice, and fills it."""

    draws = True

    _first: PointerEvent | None = None  # where it began, and whether Shift was held

    def _begin(self, event: PointerEvent) -> None:
        self._points: list[Point] = [(event.row, event.column)]
        self._first = event

    def _draw(self, *more: Point) -> None:
        if self._first is None:
            self.show(None)
            return
        lines = [np.array([*self._points, *more], np.float64)]
        if self.takes_keys and len(self._points) > 2:
            # A click into this little square closes the outline.
            lines.append(np.array(self._points[0]) + _CLOSE_PX * _SQUARE)
        self.show(Sketch(self._first.plane, self._first.depth, tuple(lines)))

    def _fill(self) -> None:
        """Fill the outline; with fewer than three corners there is nothing to fill."""
        first = self._first
        self.cancel()
        if first is None or len(self._points) < 3:
            return
        shape = plane_shape(self.document.shape, NORMAL[first.plane])
        found = polygon_area(np.array(self._points), shape)
        if found is not None:
            self.write_area(first, found, erase=first.shift, corners=len(self._points))

    def cancel(self) -> None:
        """Drop the outline."""
        self._first = None
        self.show(None)

    forget = cancel

    @property
    def unfinished(self) -> bool:
        """Whether an outline is being drawn."""
        return self._first is not None


class PolygonTool(OutlineTool):
    """Click by click; Enter, a double click or a click on the first corner closes it."""

    name = "polygon"
    kind = EditKind.POLYGON
    takes_keys = True

    def press(self, event: PointerEvent) -> None:
        """Set a corner, or close the polygon."""
        if self._first is None:
            if event.double:  # the second half of the double click that closed the last polygon
                return
            self.session.changeable()  # says at once if labels cannot be changed now
            self._begin(event)
        elif (event.plane, event.depth) != (self._first.plane, self._first.depth):
            place = f"slice {slice_number(self._first.depth)} of the {self._first.plane.upper()} view"
            raise UserError(
                f"The polygon was begun on {place}. "
                "Go back there to finish it, or press Enter to close it or Esc to drop it."
            )
        elif event.double or (len(self._points) > 2 and _near(self._points[0], (event.row, event.column))):
            self.finish()
            return
        else:
            self._points.append((event.row, event.column))
        self._draw()

    def move(self, event: PointerEvent) -> None:
        """Show where the next edge would run."""
        self.hover(event)

    def hover(self, event: PointerEvent) -> None:
        """Show where the next edge would run."""
        first = self._first
        if first is not None and (event.plane, event.depth) == (first.plane, first.depth):
            self._draw((event.row, event.column))

    def finish(self) -> None:
        """Close the polygon."""
        if self._first is not None and len(self._points) < 3:
            raise UserError("A polygon needs at least three corners. Click once more, or press Esc.")
        self._fill()

    def step_back(self) -> None:
        """Take the last corner back."""
        if self._first is not None:
            self._points.pop()
            if self._points:
                self._draw()
            else:
                self.cancel()


def _near(one: Point, other: Point) -> bool:
    return max(abs(one[0] - other[0]), abs(one[1] - other[1])) <= _CLOSE_PX


class LassoTool(OutlineTool):
    """An outline drawn with the button held."""

    name = "lasso"
    kind = EditKind.LASSO

    def press(self, event: PointerEvent) -> None:
        """Begin."""
        self.session.changeable()
        self._begin(event)

    def move(self, event: PointerEvent) -> None:
        """Go on."""
        first = self._first
        if first is None or (event.plane, event.depth) != (first.plane, first.depth):
            return
        here = (event.row, event.column)
        if math.dist(here, self._points[-1]) >= _STEP_PX:
            self._points.append(here)
            self._draw()

    def release(self, event: PointerEvent) -> None:
        """Close it."""
        self.move(event)
        self._fill()
