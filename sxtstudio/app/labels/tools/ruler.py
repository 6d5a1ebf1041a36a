"""The ruler: how far two points of a slice are apart; it changes nothing."""

from __future__ import annotations

import math

import numpy as np

from sxtstudio.app.labels.tools.base import PointerEvent, Sketch
from sxtstudio.app.labels.tools.tool import Tool
from sxtstudio.core.lengths import Unit
from sxtstudio.core.planes import COLUMNS, ROWS, Plane
from sxtstudio.core.volume import VoxelSize
from sxtstudio.core.wording import number_text

Point = tuple[float, float]


class RulerTool(Tool):
    """Drag from one point to the other; the line stays until the next one, or until Esc."""

    name = "ruler"

    _first: PointerEvent | None = None
    _held = False

    def press(self, event: PointerEvent) -> None:
        """Begin at this point."""
        self.cancel()
        self._first, self._held = event, True

    def move(self, event: PointerEvent) -> None:
        """Draw the line to the pointer, and how long it is."""
        first = self._first
        if first is None or not self._held or (event.plane, event.depth) != (first.plane, first.depth):
            return
        ends = ((first.row, first.column), (event.row, event.column))
        text = distance_text(*ends, event.plane, self.document.voxel_nm, self.session.unit)
        self.show(Sketch(first.plane, first.depth, (np.array(ends, np.float64),), text=text))

    def release(self, event: PointerEvent) -> None:
        """Leave the line there; a click without a way takes the former one away."""
        first = self._first
        if first is None:
            return
        if math.dist((first.row, first.column), (event.row, event.column)) < 0.5:
            self.cancel()
            return
        self.move(event)
        self._held = False

    def cancel(self) -> None:
        """Take the line away."""
        self._first, self._held = None, False
        self.show(None)

    forget = cancel

    @property
    def unfinished(self) -> bool:
        """Whether there is a line, which Esc takes away before it puts the ruler away."""
        return self._first is not None


def distance_text(start: Point, end: Point, plane: Plane, voxel_nm: VoxelSize | None, unit: Unit) -> str:
    """Return how far two points (row, column) of a slice are apart, or in pixels without a voxel size.

    In a side view rows and columns may have different lengths: each counts with its own edge of a voxel.
    """
    rows, columns = end[0] - start[0], end[1] - start[1]
    if voxel_nm is None:
        return f"{math.hypot(rows, columns):.1f} px"
    length_nm = math.hypot(rows * voxel_nm[ROWS[plane]], columns * voxel_nm[COLUMNS[plane]])
    return f"{number_text(length_nm, unit)} {unit}"
