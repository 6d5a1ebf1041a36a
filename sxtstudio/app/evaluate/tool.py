"""The mouse tool that gives marks: a click takes a piece of the labels, a drag paints."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.app.context import Context
from sxtstudio.app.labels.tools.base import PointerEvent
from sxtstudio.app.labels.tools.click import pixel_of
from sxtstudio.app.labels.tools.hover import Area, AreaHover
from sxtstudio.app.labels.tools.tool import ShowSketch, Tool, check_within, where_of, within
from sxtstudio.core.brushes import Brush, Point, pieces, stroke
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.evaluation.marks import Mark, fits
from sxtstudio.core.geometry import Box
from sxtstudio.core.planes import NORMAL
from sxtstudio.core.selecting import part_at

_KINDS = {
    Mark.NONE: EditKind.UNMARK,
    Mark.FALSE_POSITIVE: EditKind.MARK_FALSE,
    Mark.ARTEFACT: EditKind.MARK_ARTEFACT,
    Mark.MISSING: EditKind.MARK_MISSING,
}
# A hand that shakes less than this, in pixels of the slice, has clicked.
_SHAKE_PX = 1.5


class MarkTool(Tool):
    """Marks false positives, artefacts and what is missing in the XY slices that are judged."""

    name = "mark"

    def __init__(self, context: Context, show: ShowSketch) -> None:
        """Show nothing yet."""
        super().__init__(context, show)
        self._hover = AreaHover(context, show)
        self._start: PointerEvent | None = None
        self._recorder: Recorder | None = None
        self._mark = Mark.NONE
        self._last: Point = (0.0, 0.0)

    def hover(self, event: PointerEvent) -> None:
        """Show what a click would mark."""
        usable = event.plane == "xy" and within(event, self.document.shape) and not self.session.busy
        mark = self._mark_of(event)
        if not usable or mark in (Mark.NONE, Mark.MISSING) or not self._hits(event):
            self._hover.clear()
            return
        self._hover.ask(event, lambda: self._piece(event))

    def press(self, event: PointerEvent) -> None:
        """Begin a click or a stroke; what is missing is painted at once."""
        self.cancel()
        if event.plane != "xy":
            raise UserError("Slices are judged in the XY view. Mark there.")
        check_within(event, self.document.shape)
        self.context.parts.evaluation.check_slice(event.depth)
        self.session.changeable()
        self._start, self._last = event, (event.row, event.column)
        self._mark = self._mark_of(event)
        if self._mark is Mark.MISSING:
            self._paint_to(event)

    def move(self, event: PointerEvent) -> None:
        """Paint the way since the last event."""
        if self._start is None or event.depth != self._start.depth:
            return
        far = math.hypot(event.row - self._start.row, event.column - self._start.column)
        if self._recorder is not None or far > _SHAKE_PX:
            self._paint_to(event)

    def release(self, event: PointerEvent) -> None:
        """End the stroke, or take the piece that was clicked on."""
        self.move(event)
        start, self._start = self._start, None
        recorder, self._recorder = self._recorder, None
        if start is None:
            return
        if recorder is None:
            self._take_piece(start)
        else:
            size = self.session.marks.value.brush_px
            parameters: dict[str, Any] = {**where_of(start), "diameter_px": size}
            self.session.commit(recorder, announce=False, **parameters)

    def cancel(self) -> None:
        """Take the stroke back."""
        self._hover.clear()
        recorder, self._recorder, self._start = self._recorder, None, None
        if recorder is not None:
            box = recorder.box
            recorder.roll_back()
            self.session.touched("marks", box)

    def forget(self) -> None:
        """Drop the stroke."""
        self._hover.clear()
        self._start = self._recorder = None

    @property
    def unfinished(self) -> bool:
        """Whether a stroke is being painted."""
        return self._recorder is not None

    def _mark_of(self, event: PointerEvent) -> Mark:
        return Mark.NONE if event.shift else self.session.marks.value.mark

    def _paint_to(self, event: PointerEvent) -> None:
        document = self.document
        if self._recorder is None:
            self._hover.clear()
            self._recorder = self.session.record(_KINDS[self._mark], "marks", **where_of(event))
        brush = Brush(self.session.marks.value.brush_px, False, document.voxel_nm)
        here = (event.row, event.column)
        for begin, end in pieces(self._last, here, brush.diameter_px):
            found = stroke(brush, NORMAL["xy"], event.depth, begin, end, document.shape)
            if found is not None:
                self._write(self._recorder, *found, self._mark)
        self._last = here

    def _write(
        self, recorder: Recorder, box: Box, where: NDArray[np.bool_], mark: Mark | None = None
    ) -> None:
        """Give the voxels ``where`` of ``box`` the mark, as far as it says anything there."""
        mark = self._mark if mark is None else mark
        if mark is not Mark.NONE:
            labels = self.session.labels_of("labels")
            there = np.zeros(box.shape, np.uint8) if labels is None else labels[box.slices]
            where = where & fits(mark, there)
        self.session.touched("marks", recorder.paint(box, where, mark))

    def _piece(self, event: PointerEvent) -> Area:
        """Return corner and pixels of the piece of labels under the pointer, of one object if it is shown.

        Within the outline of an object that is shown, all its labels in the slice are meant.
        """
        labels, number = self.session.labels_of("labels"), self._object_at(event)
        if labels is None or not self._hits(event):
            raise UserError("There is no label here. Click on a label, or press 3 and paint what is missing.")
        plane = labels[event.depth]
        objects = self.session.labels_of("objects")
        if objects is not None and number:
            plane = np.where(objects[event.depth] == number, plane, 0)
        if labels[event.voxel]:
            return part_at(plane, *pixel_of(event))
        rows, columns = (np.flatnonzero(plane.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            raise UserError(
                f"Object {number} has no labels in this slice. Click on a label, or press 3 and paint what "
                "is missing."
            )
        top, left = int(rows[0]), int(columns[0])
        return (top, left), plane[top : rows[-1] + 1, left : columns[-1] + 1] != 0

    def _object_at(self, event: PointerEvent) -> int:
        """Return the number of the object under the pointer, if objects are shown; 0: none."""
        objects = self.session.labels_of("objects")
        shown = objects is not None and self.session.objects.value.visible
        return int(objects[event.voxel]) if objects is not None and shown else 0

    def _hits(self, event: PointerEvent) -> bool:
        """Whether there is a label under the pointer, or an object that is shown."""
        labels = self.session.labels_of("labels")
        return labels is not None and bool(labels[event.voxel] or self._object_at(event))

    def _take_piece(self, event: PointerEvent) -> None:
        marks, mark = self.session.labels_of("marks"), self._mark
        if mark is Mark.NONE:
            if marks is None or not marks[event.voxel]:
                raise UserError("There is no mark here to take away.")
            (top, left), area = part_at(marks[event.depth] == marks[event.voxel], *pixel_of(event))
        else:
            (top, left), area = self._piece(event)
        box = Box((event.depth, top, left), (event.depth + 1, top + area.shape[0], left + area.shape[1]))
        if mark is not Mark.NONE and marks is not None and (marks[box.slices][0][area] == mark).all():
            mark = Mark.NONE  # a second click takes the mark away
        recorder = self.session.record(_KINDS[mark], "marks", **where_of(event))
        try:
            self._write(recorder, box, area[None], mark)
        except BaseException:
            recorder.roll_back()
            raise
        parameters: dict[str, Any] = dict(where_of(event))
        self.session.commit(recorder, announce=False, **parameters)
