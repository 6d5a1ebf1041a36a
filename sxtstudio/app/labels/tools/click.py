"""Fill and magic wand: areas found from one click."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from sxtstudio.app.labels.tools.base import PointerEvent
from sxtstudio.app.labels.tools.tool import Tool, within
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.planes import IN_PLANE, NORMAL, plane_of
from sxtstudio.core.selecting import WAND_MARGIN_PX, fill_area, part_at, wand_area
from sxtstudio.io import FileVolume


class FillTool(Tool):
    """Fills a hole or an outline; with Shift it erases the shape under the click."""

    name = "fill"
    kind = EditKind.FILL
    draws = True

    def press(self, event: PointerEvent) -> None:
        """Fill."""
        labels = self.slice_of(event)
        if not within(event, self.document.shape):
            return
        row, column = pixel_of(event)
        if not event.shift:
            self.write_area(event, fill_area(labels, row, column), erase=False)
        elif labels[row, column]:
            self.write_area(event, part_at(labels, row, column), erase=True)
        else:
            raise UserError("There is no label under the pointer. Click on the shape that is to be erased.")


class WandTool(Tool):
    """Adds what has similar grey values around the click; with Shift it takes that away."""

    name = "wand"
    kind = EditKind.WAND
    draws = True

    def press(self, event: PointerEvent) -> None:
        """Read the surroundings of the click in a job, and add what was found."""
        if not within(event, self.document.shape):
            return
        self.session.record(self.kind, self.target)  # says at once if labels cannot be changed now
        state, display = self.session.tool.value, self.session.display.value
        tolerance = state.tolerance / 100 * abs(display.high - display.low)
        document = self.document
        work = partial(_similar, document.tomogram, event, tolerance, state.wand_reach_px)
        parameters = {"tolerance_percent": state.tolerance, "reach_px": state.wand_reach_px}

        def done(found: tuple[tuple[int, int], NDArray[np.bool_]]) -> None:
            if self.session.document is document and self.target == state.target:
                try:
                    self.write_area(event, found, erase=event.shift, voxel=event.voxel, **parameters)
                except UserError as error:  # another job has begun to change labels
                    self.session.message.emit(str(error))

        self.context.jobs.start("Magic wand", lambda job: work(), on_done=done, quiet=True)


def _similar(
    tomogram: FileVolume, event: PointerEvent, tolerance: float, reach_px: int
) -> tuple[tuple[int, int], NDArray[np.bool_]]:
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
