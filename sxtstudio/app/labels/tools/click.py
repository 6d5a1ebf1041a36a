"""Fill and magic wand: areas found from one click."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sxtstudio.app.context import Context
from sxtstudio.app.labels.tools.base import PointerEvent
from sxtstudio.app.labels.tools.hover import Area, AreaHover
from sxtstudio.app.labels.tools.tool import ShowSketch, Tool, check_within, within
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.planes import IN_PLANE, NORMAL, plane_of
from sxtstudio.core.selecting import WAND_MARGIN_PX, fill_area, part_at, wand_area
from sxtstudio.io import FileVolume


class AreaTool(Tool):
    """Takes an area of one slice by a click, and shows it before that."""

    draws = True

    def __init__(self, context: Context, show: ShowSketch) -> None:
        """Show nothing yet."""
        super().__init__(context, show)
        self._hover = AreaHover(context, show)

    def cancel(self) -> None:
        """Show nothing any more."""
        self._hover.clear()

    forget = cancel


class FillTool(AreaTool):
    """Fills a hole or an outline; with Shift it erases the shape under the click."""

    name = "fill"
    kind = EditKind.FILL

    def hover(self, event: PointerEvent) -> None:
        """Show what a click would fill, or with Shift erase."""
        labels = self.session.labels_of(self.target)
        if labels is None or not within(event, self.document.shape) or self.session.busy:
            self._hover.clear()
            return
        plane = plane_of(labels, NORMAL[event.plane], event.depth)
        self._hover.ask(event, partial(_area_at, plane, *pixel_of(event), erase=event.shift))

    def press(self, event: PointerEvent) -> None:
        """Fill."""
        self._hover.clear()
        labels = self.slice_of(event)
        check_within(event, self.document.shape)
        found = _area_at(labels, *pixel_of(event), erase=event.shift)
        self.write_area(event, found, erase=event.shift)


def _area_at(labels: NDArray[np.uint8], row: int, column: int, *, erase: bool) -> Area:
    """Return corner and pixels of what a click fills, or erases."""
    if not erase:
        return fill_area(labels, row, column)
    if not labels[row, column]:
        raise UserError("There is no label under the pointer. Click on the shape that is to be erased.")
    return part_at(labels, row, column)


class WandTool(AreaTool):
    """Adds what has similar grey values around the click; with Shift it takes that away."""

    name = "wand"
    kind = EditKind.WAND

    def hover(self, event: PointerEvent) -> None:
        """Show what a click would add, or with Shift take away."""
        if not within(event, self.document.shape) or self.session.busy:
            self._hover.clear()
            return
        self._hover.ask(event, self._search(event))

    def press(self, event: PointerEvent) -> None:
        """Read the surroundings of the click in a job, and add what was found."""
        self._hover.clear()
        check_within(event, self.document.shape)
        self.session.changeable()  # says at once if labels cannot be changed now
        state, document, work = self.session.tool.value, self.document, self._search(event)
        parameters = {"tolerance_percent": state.tolerance, "reach_px": state.wand_reach_px}

        def done(found: Area) -> None:
            if self.session.document is document and self.target == state.target:
                try:
                    self.write_area(event, found, erase=event.shift, voxel=event.voxel, **parameters)
                except UserError as error:  # another job has begun to change labels
                    self.session.remark(str(error))

        self.context.jobs.start("Magic wand", lambda job: work(), on_done=done, quiet=True)

    def _search(self, event: PointerEvent) -> Callable[[], Area]:
        """Return the search for what is similar to the grey value at an event, as the tool is set now."""
        state, display = self.session.tool.value, self.session.display.value
        tolerance = state.tolerance / 100 * abs(display.high - display.low)
        return partial(_similar, self.document.tomogram, event, tolerance, state.wand_reach_px)


def _similar(tomogram: FileVolume, event: PointerEvent, tolerance: float, reach_px: int) -> Area:
    """Return corner and pixels of what is similar to the grey value at the event."""
    axis = NORMAL[event.plane]
    margin = [reach_px + WAND_MARGIN_PX] * 3
    margin[axis] = 0
    z, y, x = event.voxel
    box = Box((z, y, x), (z + 1, y + 1, x + 1)).grown((margin[0], margin[1], margin[2]), tomogram.shape)
    image = plane_of(tomogram.read(box), axis, 0)
    row, column = pixel_of(event)
    top, left = (box.start[own] for own in IN_PLANE[axis])
    corner, area = wand_area(image, row - top, column - left, tolerance, reach_px)
    return (corner[0] + top, corner[1] + left), area


def pixel_of(event: PointerEvent) -> tuple[int, int]:
    """Return row and column of the pixel under the pointer."""
    voxel: Triple = event.voxel
    row, column = IN_PLANE[NORMAL[event.plane]]
    return voxel[row], voxel[column]
