"""Delete, keep, cut and merge: tools that change whole objects in 3D."""

from __future__ import annotations

import math

import numpy as np

from sxtstudio.app.context import Context
from sxtstudio.app.labels.tools import object_work
from sxtstudio.app.labels.tools.base import PointerEvent, Sketch
from sxtstudio.app.labels.tools.hover import ObjectHover
from sxtstudio.app.labels.tools.tool import ShowSketch, Tool
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.object_edits import Cut
from sxtstudio.core.planes import NORMAL, plane_of, voxel_at
from sxtstudio.core.selecting import near_label

_SHORTEST_CUT_PX = 2.0


class ObjectTool(Tool):
    """Takes the object under the pointer, or a few pixels beside it, and shows it before the click."""

    def __init__(self, context: Context, show: ShowSketch) -> None:
        """Show nothing yet."""
        super().__init__(context, show)
        self._hover = ObjectHover(context)

    def hover(self, event: PointerEvent) -> None:
        """Highlight what a click would take."""
        if self.target == "labels":
            self._hover.ask(self.voxel_at(event))

    def cancel(self) -> None:
        """Ask no more."""
        self._hover.clear()

    forget = cancel

    def voxel_at(self, event: PointerEvent) -> Triple | None:
        """Return the labelled voxel (z, y, x) that the pointer means, or None."""
        labels = self.session.labels_of(self.target)
        if labels is None:
            return None
        axis = NORMAL[event.plane]
        row, column = math.floor(event.row + 0.5), math.floor(event.column + 0.5)
        near = near_label(plane_of(labels, axis, event.depth), row, column)
        return None if near is None else voxel_at(axis, event.depth, *near)


class DeleteTool(ObjectTool):
    """Deletes the object under a click."""

    name = "delete"
    kind = EditKind.DELETE_OBJECT

    def press(self, event: PointerEvent) -> None:
        """Delete it."""
        self._hover.clear()
        object_work.delete(self.context, self.target, self.voxel_at(event) or event.voxel)


class KeepTool(ObjectTool):
    """Deletes all but the object under a click."""

    name = "keep"
    kind = EditKind.KEEP_OBJECT

    def press(self, event: PointerEvent) -> None:
        """Delete the others."""
        self._hover.clear()
        object_work.keep_only(self.context, self.target, self.voxel_at(event) or event.voxel)


class MergeTool(Tool):
    """Joins the objects under two clicks."""

    name = "merge"
    kind = EditKind.MERGE_OBJECTS
    _first: Triple | None = None

    def press(self, event: PointerEvent) -> None:
        """Remember the first object, join the second with it."""
        labels = self.slice_of(event)
        voxel = event.voxel
        if not _labelled(labels, event.row, event.column):
            raise UserError("There is no label under the pointer. Click on the object itself.")
        if self._first is None:
            self.session.changeable()  # says at once if labels cannot be changed now
            self._first = voxel
            if self.target == "labels":
                object_work.select_object(self.context, voxel, say=False)
            self.session.remark("Now click on the object that it is to be joined with.")
            return
        first, self._first = self._first, None
        object_work.merge(self.context, self.target, first, voxel)

    def cancel(self) -> None:
        """Forget the first object."""
        self._first = None

    forget = cancel

    @property
    def unfinished(self) -> bool:
        """Whether one object has been clicked."""
        return self._first is not None


class CutTool(Tool):
    """Cuts an object along a line."""

    name = "cut"
    kind = EditKind.CUT_OBJECT
    _begin: PointerEvent | None = None

    def press(self, event: PointerEvent) -> None:
        """Begin the line."""
        self.slice_of(event)
        self.session.changeable()  # says at once if labels cannot be changed now
        self._begin = event

    def move(self, event: PointerEvent) -> None:
        """Show the line."""
        begin = self._begin
        if begin is not None and (event.plane, event.depth) == (begin.plane, begin.depth):
            line = np.array([(begin.row, begin.column), (event.row, event.column)])
            self.show(Sketch(begin.plane, begin.depth, (line,)))

    def release(self, event: PointerEvent) -> None:
        """Cut."""
        begin = self._begin
        self.cancel()
        if begin is None or (event.plane, event.depth) != (begin.plane, begin.depth):
            return
        start, end = (begin.row, begin.column), (event.row, event.column)
        if math.dist(start, end) < _SHORTEST_CUT_PX:
            raise UserError("Hold the button and draw a line all the way across the object.")
        line = Cut(NORMAL[begin.plane], start, end, self.session.tool.value.cut_px)
        object_work.cut(self.context, self.target, self._object_on(begin, event), line)

    def _object_on(self, begin: PointerEvent, end: PointerEvent) -> Triple:
        """Return a voxel of the object that the line crosses: the selected one, or the first on its way."""
        labels = self.slice_of(begin)
        count = 2 * math.ceil(math.dist((begin.row, begin.column), (end.row, end.column))) + 1
        selection = self.session.selection if self.target == "labels" else None
        first: Triple | None = None
        for row, column in zip(
            np.linspace(begin.row, end.row, count), np.linspace(begin.column, end.column, count), strict=True
        ):
            if not _labelled(labels, row, column):
                continue
            voxel = voxel_at(
                NORMAL[begin.plane], begin.depth, math.floor(row + 0.5), math.floor(column + 0.5)
            )
            first = first or voxel
            if selection is None:
                break
            inside = [v - a for v, a in zip(voxel, selection.box.start, strict=True)]
            if all(0 <= n < size for n, size in zip(inside, selection.where.shape, strict=True)):
                if selection.where[tuple(inside)]:
                    return voxel
        if first is None:
            raise UserError("The line crosses no label. Draw it across the object that is to be cut.")
        return first

    def cancel(self) -> None:
        """Drop the line."""
        self._begin = None
        self.show(None)

    forget = cancel

    @property
    def unfinished(self) -> bool:
        """Whether a line is being drawn."""
        return self._begin is not None


def _labelled(labels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], row: float, column: float) -> bool:
    y, x = math.floor(row + 0.5), math.floor(column + 0.5)
    return 0 <= y < labels.shape[0] and 0 <= x < labels.shape[1] and bool(labels[y, x])
