"""Tools that take the object under a click: pick, delete, keep, merge, fill, grow, split by two clicks."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.app.context import Context
from sxtstudio.app.labels.tools.base import PointerEvent, Sketch
from sxtstudio.app.labels.tools.hover import Area, AreaHover
from sxtstudio.app.labels.tools.numbers import number_at, object_meant
from sxtstudio.app.labels.tools.tool import ShowSketch, Tool, check_within
from sxtstudio.app.objects.tools import work
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.planes import COLUMNS, IN_PLANE, NORMAL, ROWS, plane_of

_MARK = 3.0 * np.array([(-1.0, -1.0), (-1.0, 1.0), (1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)])


class NumberTool(Tool):
    """Takes the object under the pointer, and shows its outline and name before the click."""

    def __init__(self, context: Context, show: ShowSketch) -> None:
        """Show nothing yet."""
        super().__init__(context, show)
        self._hover = AreaHover(context, show)

    def hover(self, event: PointerEvent) -> None:
        """Show what a click would take."""
        number = number_at(self.session, event.voxel)
        objects = self.session.labels_of("objects")
        box = self.document.box_of(number) if number else None
        if objects is None or box is None or self.session.busy:
            self._hover.clear()
            return
        find = partial(self.area, objects, number, box, event)
        self._hover.ask(event, find, work.describe(self.session, number))

    def area(self, objects: NDArray[np.uint32], number: int, box: Box, event: PointerEvent) -> Area:
        """Return corner and pixels of what a click would take; in a thread."""
        return area_of(objects, number, box, event)

    def cancel(self) -> None:
        """Show nothing any more."""
        self._hover.clear()

    forget = cancel

    def number(self, event: PointerEvent) -> int:
        """Return the object under a click; raises UserError if there is none."""
        self._hover.clear()
        return object_meant(self.session, event.voxel)


def area_of(objects: NDArray[np.uint32], number: int, box: Box, event: PointerEvent) -> Area:
    """Return corner and pixels of an object on the slice of an event.

    Raises
    ------
    UserError
        If it is not there.
    """
    axis = NORMAL[event.plane]
    rows, columns = IN_PLANE[axis]
    corner = (box.start[rows], box.start[columns])
    plane = plane_of(objects, axis, event.depth)
    where = plane[corner[0] : box.stop[rows], corner[1] : box.stop[columns]] == number
    if not where.any():
        raise UserError("There is no object under the pointer.")
    return corner, where


class PickTool(NumberTool):
    """Chooses the object under a click."""

    name = "pick"

    def press(self, event: PointerEvent) -> None:
        """Choose it; beside an object nothing is chosen any more."""
        beside = event.ctrl or event.shift
        number = 0 if number_at(self.session, event.voxel) == 0 else self.number(event)
        if not number:
            self._hover.clear()
            if self.document.objects is None:
                object_meant(self.session, event.voxel)  # says what to do
        work.choose(self.session, number, beside=beside)
        if number:
            self.session.remark(work.describe(self.session, number))


class DeleteObjectTool(NumberTool):
    """Deletes the object under a click."""

    name = "delete"
    kind = EditKind.DELETE_OBJECT

    def press(self, event: PointerEvent) -> None:
        """Delete it."""
        work.delete(self.context, (self.number(event),))


class KeepObjectTool(NumberTool):
    """Deletes all but the object under a click."""

    name = "keep"
    kind = EditKind.KEEP_OBJECT

    def press(self, event: PointerEvent) -> None:
        """Delete the others."""
        work.keep_only(self.context, (self.number(event),))


def object_around(plane: NDArray[np.uint32], place: tuple[int, int]) -> int:
    """Return the object that encloses a pixel (row, column) of no object in a slice; 0: none does alone."""
    if plane[place]:
        return 0
    parts, _ = ndimage.label(plane == 0)
    hole = parts == parts[place]
    if hole[[0, -1]].any() or hole[:, [0, -1]].any():
        return 0
    rim = np.unique(plane[ndimage.binary_dilation(hole) & ~hole])
    return int(rim[0]) if len(rim) == 1 else 0


class FillObjectTool(NumberTool):
    """Fills the holes of the object under a click."""

    name = "fill"
    kind = EditKind.FILL_OBJECT

    def area(self, objects: NDArray[np.uint32], number: int, box: Box, event: PointerEvent) -> Area:
        """Return the holes of the slice, where there are any."""
        corner, own = area_of(objects, number, box, event)
        holes = ndimage.binary_fill_holes(own) & ~own
        return corner, holes if holes.any() and not event.shift else own

    def number(self, event: PointerEvent) -> int:
        """Return the object under a click, or the one around it: a hole is where one clicks to fill it.

        Raises
        ------
        UserError
            If there is none; of an outline that is no object yet it says so.
        """
        objects = self.session.labels_of("objects")
        if objects is None or number_at(self.session, event.voxel):
            return super().number(event)
        self._hover.clear()
        check_within(event, self.document.shape)
        axis = NORMAL[event.plane]
        place = (event.voxel[ROWS[event.plane]], event.voxel[COLUMNS[event.plane]])
        around = object_around(plane_of(objects, axis, event.depth), place)
        if around:
            return around
        labels = self.session.labels_of("labels")
        if labels is not None and labels[event.voxel]:
            raise UserError(
                "This outline is no object yet. Find objects anew, or choose no object and draw around it "
                "with the lasso."
            )
        return super().number(event)

    def press(self, event: PointerEvent) -> None:
        """Fill them, in the slices of the view; with Shift in 3D."""
        number = self.number(event)
        work.fill(self.context, (number,), None if event.shift else NORMAL[event.plane])


class GrowTool(NumberTool):
    """Grows the object under a click by some pixels, or shrinks it."""

    name = "grow"
    kind = EditKind.GROW_OBJECT

    def area(self, objects: NDArray[np.uint32], number: int, box: Box, event: PointerEvent) -> Area:
        """Return what the object would be on the slice, as far as the slice shows it."""
        pixels, axis = self.session.tool.value.grow_px, NORMAL[event.plane]
        voxel_nm = self.document.voxel_nm or (1.0, 1.0, 1.0)
        edges = [voxel_nm[own] / min(voxel_nm) for own in IN_PLANE[axis]]
        z, y, x = objects.shape
        box = box.grown((pixels, pixels, pixels), (z, y, x))
        corner, own = area_of(objects, number, box, event)
        if event.shift:
            return corner, ndimage.distance_transform_edt(np.pad(own, 1), edges)[1:-1, 1:-1] > pixels
        rows, columns = (slice(start, start + size) for start, size in zip(corner, own.shape, strict=True))
        free = plane_of(objects, axis, event.depth)[rows, columns] == 0
        return corner, own | (free & (ndimage.distance_transform_edt(~own, edges) <= pixels))

    def press(self, event: PointerEvent) -> None:
        """Grow it; with Shift shrink it."""
        number, pixels = self.number(event), self.session.tool.value.grow_px
        work.grow(self.context, (number,), -pixels if event.shift else pixels)


class _TwoClicks(NumberTool):
    """Takes two clicks; the first one is marked."""

    _first: Triple | None = None
    _number = 0

    def press(self, event: PointerEvent) -> None:
        """Remember the first click, do it at the second."""
        number = self.number(event)
        if self._first is None:
            self._first, self._number = event.voxel, number
            place = np.array((event.voxel[ROWS[event.plane]], event.voxel[COLUMNS[event.plane]]), np.float64)
            self.show(Sketch(event.plane, event.depth, (place + _MARK,)))
            self.begun(number)
            return
        first, former = self._first, self._number
        self.cancel()
        self.act(first, former, event.voxel, number)

    def begun(self, number: int) -> None:
        """Say what to click next."""

    def act(self, first: Triple, former: int, second: Triple, number: int) -> None:
        """Do it."""

    def hover(self, event: PointerEvent) -> None:
        """Show what a click would take, but keep the mark of the first one until the pointer rests."""
        super().hover(event)

    def cancel(self) -> None:
        """Forget the first click."""
        self._first, self._number = None, 0
        super().cancel()
        self.show(None)

    forget = cancel

    @property
    def unfinished(self) -> bool:
        """Whether there was a first click."""
        return self._first is not None


class MergeObjectsTool(_TwoClicks):
    """Makes one object of two."""

    name = "merge"
    kind = EditKind.MERGE_OBJECTS

    def begun(self, number: int) -> None:
        """Show which one it is."""
        work.choose(self.session, number, beside=False)
        self.session.remark(f"Now click on what is to become part of object {number}.")

    def act(self, first: Triple, former: int, second: Triple, number: int) -> None:
        """Merge them."""
        if former == number:
            raise UserError(f"Both clicks were on object {number}. Click on one object, then on another.")
        work.merge(self.context, (former, number))


class PartTool(_TwoClicks):
    """Splits an object between two clicks."""

    name = "part"
    kind = EditKind.SPLIT_OBJECT

    def begun(self, number: int) -> None:
        """Show which one it is."""
        work.choose(self.session, number, beside=False)
        self.session.remark(f"Now click on the part that is to come off object {number}.")

    def act(self, first: Triple, former: int, second: Triple, number: int) -> None:
        """Split it."""
        if former != number:
            raise UserError(f"The clicks were on objects {former} and {number}. Click twice on the same one.")
        work.split_by_points(self.context, number, first, second)
