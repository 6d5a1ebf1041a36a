"""The objects of a slice in their colours, and the outlines of the chosen ones.

Rows of equal numbers (runs) are coloured instead of pixels: there are twenty to fifty times fewer of them,
and numbers may be as large as they like.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter, QPainterPath

from sxtstudio.app.slices.layers import path_of, stroke_twice
from sxtstudio.core.object_colours import Colours
from sxtstudio.core.outline import outlines

Numbers = NDArray[np.uint32]


# More chosen objects in one slice are outlined by pixels rather than by lines.
_MANY = 40
_RIM = 0xFFFFFFFF


def rims(numbers: NDArray[Any]) -> NDArray[np.uint32]:
    """Return a picture (ARGB) in which the pixels of objects at their rims are white, all others clear."""
    padded = np.pad(numbers, 1)
    inner = padded[1:-1, 1:-1]
    rim = np.zeros(numbers.shape, np.bool_)
    for other in (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]):
        rim |= inner != other
    return np.where(rim & (inner > 0), np.uint32(_RIM), np.uint32(0))


class ObjectLayer:
    """Objects of one slice, half transparent; what is computed for drawing is computed when it is drawn."""

    def __init__(self) -> None:
        """Begin without objects."""
        self.numbers: Numbers | None = None
        self._starts: NDArray[np.intp] = np.empty(0, np.intp)
        self._runs: Numbers = np.empty(0, np.uint32)
        self._known = False  # the runs are those of the numbers
        self._picture: QImage | None = None
        self._buffer: NDArray[np.uint32] | None = None
        self._covered: NDArray[np.bool_] | None = None
        self._selected: frozenset[int] = frozenset()
        self._paths: tuple[QPainterPath, ...] | None = None
        self._edges: NDArray[np.uint32] | None = None  # instead of lines, where many are chosen

    def set(self, numbers: Numbers | None) -> None:
        """Show objects by number, uint32 (rows, columns), 0: none; the array is kept."""
        self.numbers = numbers
        self._known = False
        self._picture = self._paths = self._covered = None

    def patch(self, row: int, column: int, part: Numbers) -> None:
        """Replace a rectangle that begins at ``row`` and ``column``."""
        if self.numbers is not None:
            self.numbers[row : row + part.shape[0], column : column + part.shape[1]] = part
            self.set(self.numbers)

    def restyle(self) -> None:
        """Colours, or what is drawn, are others now."""
        self._picture = self._paths = self._covered = None

    def select(self, numbers: frozenset[int]) -> None:
        """Outline these objects."""
        if numbers != self._selected:
            self._selected, self._paths = numbers, None

    def number_at(self, row: float, column: float) -> int:
        """Return the object under a point, or 0."""
        r, c = round(row), round(column)
        if self.numbers is None or not (0 <= r < self.numbers.shape[0] and 0 <= c < self.numbers.shape[1]):
            return 0
        return int(self.numbers[r, c])

    def prepare(
        self,
        colours: Callable[[NDArray[Any]], Colours],
        shown: Callable[[NDArray[Any]], NDArray[np.bool_]],
    ) -> NDArray[np.bool_] | None:
        """Colour what is out of date; return where an object is drawn (rows, columns), None: nowhere.

        ``colours`` and ``shown`` answer for unique numbers (n,). The array is the same until that changes.
        """
        if self.numbers is None:
            return None
        self._find_runs()
        if self._picture is None and len(self._runs):
            rows, columns = self.numbers.shape
            unique, place = np.unique(self._runs, return_inverse=True)
            packed = np.zeros(len(unique), np.uint32)
            drawn = np.flatnonzero(unique)
            drawn = drawn[shown(unique[drawn])]
            rgb = colours(unique[drawn]).astype(np.uint32)
            packed[drawn] = 0xFF000000 | rgb[:, 0] << 16 | rgb[:, 1] << 8 | rgb[:, 2]
            lengths = np.diff(self._starts, append=self.numbers.size)
            self._buffer = np.repeat(packed[place], lengths)
            self._picture = QImage(
                self._buffer.data, columns, rows, columns * 4, QImage.Format.Format_ARGB32_Premultiplied
            )
            self._covered = (self._buffer != 0).reshape(rows, columns) if len(drawn) else None
        return self._covered

    def draw(self, painter: QPainter, opacity: float) -> None:
        """Paint what was prepared, with sharp edges."""
        if self.numbers is None or self._picture is None:
            return
        rows, columns = self.numbers.shape
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.setOpacity(opacity)
        painter.drawImage(QRectF(-0.5, -0.5, columns, rows), self._picture)
        painter.setOpacity(1.0)

    def draw_selected(self, painter: QPainter, shown: Callable[[NDArray[Any]], NDArray[np.bool_]]) -> None:
        """Outline the chosen objects that are drawn, each by itself; of many the pixels at their rims."""
        if self.numbers is None or not self._selected:
            return
        if self._paths is None:
            self._trace(self.numbers, shown)
        if self._edges is not None:
            rows, columns = self.numbers.shape
            kind = QImage.Format.Format_ARGB32_Premultiplied
            picture = QImage(self._edges.data, columns, rows, columns * 4, kind)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            painter.drawImage(QRectF(-0.5, -0.5, columns, rows), picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for path in self._paths or ():
            stroke_twice(painter, path)

    def _trace(self, numbers: Numbers, shown: Callable[[NDArray[Any]], NDArray[np.bool_]]) -> None:
        self._find_runs()
        self._paths, self._edges = (), None
        wanted = np.fromiter(self._selected, np.int64, len(self._selected))
        chosen = np.isin(self._runs, wanted)
        here = np.unique(self._runs[chosen])
        here = here[shown(here)] if len(here) else here
        lengths = np.diff(self._starts, append=numbers.size)
        if len(here) > _MANY:
            mine = np.where(np.isin(self._runs, here), self._runs, 0)
            self._edges = rims(np.repeat(mine, lengths).reshape(numbers.shape))
            return
        rows, firsts = np.divmod(self._starts[chosen], numbers.shape[1])
        lasts, owners = firsts + lengths[chosen], self._runs[chosen]
        paths = []
        for number in here:
            of = owners == number
            top, bottom = int(rows[of].min()), int(rows[of].max()) + 1
            left, right = int(firsts[of].min()), int(lasts[of].max())
            part = numbers[top:bottom, left:right] == number
            paths.append(path_of(outlines(part), (top, left)))
        self._paths = tuple(paths)

    def _find_runs(self) -> None:
        """Find where numbers begin along the rows; a run never goes on in the next row."""
        if self._known or self.numbers is None:
            return
        self._known = True
        flat = self.numbers.reshape(-1)
        begins = np.empty(flat.size, np.bool_)
        np.not_equal(flat[1:], flat[:-1], out=begins[1:])
        begins.reshape(self.numbers.shape)[:, 0] = True
        self._starts = np.flatnonzero(begins)
        self._runs = flat[self._starts]
