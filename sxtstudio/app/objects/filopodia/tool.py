"""The mouse tool for filopodia: a click proposes one, dragging the line of the cut moves it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sxtstudio.app.context import Context
from sxtstudio.app.labels.tools.base import PointerEvent, Sketch
from sxtstudio.app.labels.tools.tool import ShowSketch, Tool, check_within
from sxtstudio.app.objects.filopodia.work import FilopodiumWork
from sxtstudio.core.planes import COLUMNS, NORMAL, ROWS, Plane

#: The line of the cut is taken hold of within so many px of the slice.
_GRIP_PX = 6.0
#: Half the size of the cross at a point that was clicked, px of the slice.
_CROSS_PX = 1.5


class FilopodiumTool(Tool):
    """Enter takes what is proposed, Esc drops it."""

    name = "filopodium"
    takes_keys = True

    def __init__(self, context: Context, show: ShowSketch) -> None:
        """Begin without a proposal."""
        super().__init__(context, show)
        self.work = FilopodiumWork(context)
        self.work.changed.connect(self._draw)
        context.session.cursor_changed.connect(self._draw)
        self._held = self._shown = False
        self._plane: Plane = "xy"

    def press(self, event: PointerEvent) -> None:
        """Take hold of the cut, or look for a filopodium under the pointer."""
        if event.double:
            return
        held = not event.shift and self._near_cut(event)
        if not held:
            check_within(event, self.document.shape)
        self._plane = event.plane
        self._held = held
        if not held:
            self.work.find(event.voxel, more=event.shift)

    def move(self, event: PointerEvent) -> None:
        """Move the cut to where the pointer is."""
        candidate = self.work.candidate
        if self._held and candidate is not None:
            axis = candidate.axis
            here = np.array(event.voxel) * np.array(candidate.spacing)
            _, direction = axis.at(candidate.limits[1])
            beyond = float((here - axis.points[-1]) @ direction)
            nearest = int(np.linalg.norm(axis.points - here, axis=1).argmin())
            place = float(axis.along[nearest])
            if nearest == len(axis.points) - 1 and beyond > 0:
                place += beyond
            self.work.move_to(place)

    def release(self, event: PointerEvent) -> None:
        """Leave the cut where it is."""
        self._held = False

    def finish(self) -> None:
        """Take the proposal as an object."""
        self.work.take()

    def cancel(self) -> None:
        """Drop the proposal."""
        self._held = False
        self.work.drop()
        self._draw()

    forget = cancel

    @property
    def unfinished(self) -> bool:
        """Whether there is a proposal, or one is still to come."""
        return self.work.found is not None or self.work.searching

    def _line(self, plane: Plane) -> NDArray[np.float64] | None:
        """Return the cut as a line (2, 2) of (row, column) in a view."""
        found, candidate = self.work.found, self.work.candidate
        if found is None or candidate is None:
            return None
        rows, columns = ROWS[plane], COLUMNS[plane]
        point, direction = candidate.axis.at(found.cut)
        spacing = np.array(candidate.spacing)
        across = np.zeros(3)
        across[rows], across[columns] = -direction[columns], direction[rows]
        length = float(np.linalg.norm(across))
        if length < 0.2:  # it runs along the view: its cut lies in the slice
            return None
        ends = [point + side * 1.8 * candidate.half_width * across / length for side in (-1, 1)]
        voxels = [end / spacing for end in ends]
        return np.array([[voxel[rows], voxel[columns]] for voxel in voxels])

    def _near_cut(self, event: PointerEvent) -> bool:
        line = self._line(event.plane)
        if line is None:
            return False
        here = np.array((event.row, event.column))
        along = line[1] - line[0]
        share = float(np.clip((here - line[0]) @ along / (along @ along), 0, 1))
        return float(np.linalg.norm(line[0] + share * along - here)) <= _GRIP_PX

    def _points(self) -> list[NDArray[np.float64]]:
        """Return crosses (2, 2) at the points that were clicked in the slice that is shown."""
        rows, columns, normal = ROWS[self._plane], COLUMNS[self._plane], NORMAL[self._plane]
        lines = []
        for place in self.work.seeds:
            if place[normal] == self.session.cursor[normal]:
                middle = np.array((place[rows], place[columns]), np.float64)
                lines += [middle + _CROSS_PX * np.array([[a, b], [-a, -b]]) for a, b in ((1, 1), (1, -1))]
        return lines

    def _draw(self, *_: object) -> None:
        line, points = self._line(self._plane), self._points()
        if line is None and not points:
            if self._shown:  # else the lines are another tool's
                self._shown = False
                self.show(None)
            return
        self._shown = True
        depth = self.session.cursor[NORMAL[self._plane]]
        # The text stands beside the last line.
        lines = points if line is None else [*points, line]
        self.show(Sketch(self._plane, depth, tuple(lines), text="" if line is None else "cut"))
