"""What lies on top of each other in a slice view: the image, labels, outlines.

Pictures are QImages over numpy buffers, drawn by Qt's raster painter: 1 to 4 ms for 1324 × 1284 pixels, and a
change of a few pixels costs only those.
Coordinates are pixels of the slice with centres at whole numbers, x along columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QPolygonF

from sxtstudio.core.contrast import Window, to_grey
from sxtstudio.core.evaluation.marks import MARK_RGB
from sxtstudio.core.outline import outlines

Rgb = tuple[int, int, int]


class ImageLayer:
    """The tomogram's slice through a contrast window and a colour map."""

    def __init__(self) -> None:
        """Begin without an image."""
        self.image: NDArray[Any] | None = None
        self.bins = (1, 1)
        self._window: Window = (0.0, 1.0)
        self._colours: NDArray[np.uint32] | None = None
        self._grey: NDArray[np.uint8] | None = None
        self._buffer: NDArray[Any] | None = None
        self._picture: QImage | None = None

    def set(self, image: NDArray[Any] | None, bins: tuple[int, int] = (1, 1)) -> None:
        """Show another slice (rows, columns), each of whose values stands for ``bins`` pixels."""
        self.image, self.bins = image, bins
        self._grey = self._picture = None

    def apply_style(self, window: Window, colours: NDArray[np.uint32] | None) -> None:
        """Set what is black and white, and the 256 colours (0xffrrggbb) of a map, None for grey."""
        if window != self._window:
            self._window = window
            self._grey = self._picture = None
        if colours is not self._colours:
            self._colours = colours
            self._picture = None

    def draw(self, painter: QPainter, smooth: bool) -> None:
        """Paint the image; what is out of date is computed only now."""
        if self.image is None:
            return
        picture = self._picture or self._make()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        rows, columns = self.image.shape
        area = QRectF(-0.5, -0.5, columns * self.bins[1], rows * self.bins[0])
        painter.drawImage(area, picture, QRectF(0, 0, columns, rows))

    def value_at(self, row: float, column: float) -> float | None:
        """Return the grey value of the pixel under a point, or None outside."""
        if self.image is None:
            return None
        r, c = int((row + 0.5) // self.bins[0]), int((column + 0.5) // self.bins[1])
        if 0 <= r < self.image.shape[0] and 0 <= c < self.image.shape[1]:
            return float(self.image[r, c])
        return None

    def _make(self) -> QImage:
        assert self.image is not None
        if self._grey is None:
            self._grey = to_grey(self.image, self._window)
        rows, columns = self._grey.shape
        if self._colours is None:
            self._buffer = self._grey
            kind, stride = QImage.Format.Format_Grayscale8, columns
        else:
            self._buffer = np.take(self._colours, self._grey)
            kind, stride = QImage.Format.Format_RGB32, columns * 4
        self._picture = QImage(self._buffer.data, columns, rows, stride, kind)
        return self._picture


#: Red, violet and green that also differ in brightness, for those who see them alike.
MARK_COLOURS: Mapping[int, QColor] = {int(mark): QColor(*rgb, 225) for mark, rgb in MARK_RGB.items()}


#: Of what was not labelled, and of its stripes: neither the colour of labels nor of a preview.
LEFT_OUT_COLOURS: Mapping[int, QColor] = {1: QColor(0, 200, 190, 40), 2: QColor(0, 200, 190, 150)}


class LabelLayer:
    """Labels of a slice in one half-transparent colour, in shades of it, or in a colour for each value."""

    def __init__(self) -> None:
        """Begin without labels."""
        self.labels: NDArray[np.uint8] | None = None
        self._origin = (0, 0)
        self._empty = True
        self._colours = _one_colour(QColor(255, 176, 0, 128))
        self._picture: QImage | None = None
        self._without: NDArray[np.bool_] | None = None
        self._uncovered: NDArray[np.uint8] | None = None

    def set(self, labels: NDArray[np.uint8] | None, origin: tuple[int, int] = (0, 0)) -> None:
        """Show labels (rows, columns) whose first pixel lies at ``origin``; the array is kept."""
        self.labels = labels
        self._origin = origin
        self._picture = self._uncovered = None
        self._empty = labels is None or not labels.any()

    def patch(self, row: int, column: int, part: NDArray[np.uint8]) -> None:
        """Replace a rectangle that begins at ``row`` and ``column``."""
        if self.labels is not None:
            self.labels[row : row + part.shape[0], column : column + part.shape[1]] = part
            if self._empty and part.any():
                self._empty = False
            if self._uncovered is not None:  # else the picture shares the memory of the labels
                self._uncovered = self._picture = None

    def paint_with(self, rgb: Rgb, opacity: float) -> None:
        """Choose colour and opacity (0…1) of all that is not 0."""
        self._paint(_one_colour(QColor(*rgb, round(255 * opacity))))

    def shade_with(self, rgb: Rgb, opacity: float) -> None:
        """Draw 1…255 from clear to the whole opacity (0…1)."""
        self._paint([QColor(*rgb, round(opacity * step)).rgba() for step in range(256)])

    def colour_with(self, colours: Mapping[int, QColor]) -> None:
        """Draw each of these values in a colour of its own, and no others."""
        clear = QColor(0, 0, 0, 0)
        self._paint([colours.get(value, clear).rgba() for value in range(256)])

    def _paint(self, colours: list[int]) -> None:
        self._colours = colours
        if self._picture is not None:
            self._picture.setColorTable(colours)

    def draw(self, painter: QPainter, without: NDArray[np.bool_] | None = None) -> None:
        """Paint the labels, with sharp edges; not where ``without`` (rows, columns) is True."""
        if self.labels is None or self._empty:
            return
        rows, columns = self.labels.shape
        if without is not self._without:
            self._without, self._picture, self._uncovered = without, None, None
        if self._picture is None:
            shown = self.labels
            if without is not None and without.shape == shown.shape:
                shown = self._uncovered = np.where(without, np.uint8(0), shown)
            self._picture = QImage(shown.data, columns, rows, columns, QImage.Format.Format_Indexed8)
            self._picture.setColorTable(self._colours)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        row, column = self._origin
        painter.drawImage(QRectF(column - 0.5, row - 0.5, columns, rows), self._picture)


def _one_colour(colour: QColor) -> list[int]:
    return [0] + [colour.rgba()] * 255


class OutlineLayer:
    """The edge of a mask as a line of constant width."""

    def __init__(self, dashed: bool) -> None:
        """Begin without a mask."""
        self.mask: NDArray[np.uint8] | None = None
        self._origin = (0, 0)
        self._dashed = dashed
        self._path: QPainterPath | None = None

    def set(self, mask: NDArray[Any] | None, origin: tuple[int, int] = (0, 0)) -> None:
        """Outline what is not 0 in ``mask`` (rows, columns)."""
        self.mask = mask
        self._origin = origin
        self._path = None

    def patch(self, row: int, column: int, part: NDArray[np.uint8]) -> None:
        """Replace a rectangle that begins at ``row`` and ``column``."""
        if self.mask is not None:
            self.mask[row : row + part.shape[0], column : column + part.shape[1]] = part
            self._path = None

    def draw(self, painter: QPainter, rgb: Rgb, width: float = 2.0) -> None:
        """Paint the line; it is traced only now."""
        if self.mask is None:
            return
        if self._path is None:
            self._path = path_of(outlines(self.mask), self._origin)
        if not self._path.isEmpty():
            pen = QPen(QColor(*rgb), width)
            pen.setCosmetic(True)
            if self._dashed:
                pen.setDashPattern([4, 3])
            stroke(painter, pen)
            painter.drawPath(self._path)


def stroke(painter: QPainter, pen: QPen) -> None:
    """Draw the next shapes as lines only; a brush that was left by what was drawn before would fill them."""
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def stroke_twice(painter: QPainter, path: QPainterPath) -> None:
    """Draw lines white on dark, so that they are seen on any colour; their width is that of the screen."""
    for colour, width in ((QColor(0, 0, 0, 170), 3.5), (QColor(255, 255, 255), 1.5)):
        pen = QPen(colour, width)
        pen.setCosmetic(True)
        stroke(painter, pen)
        painter.drawPath(path)


def path_of(
    lines: Sequence[NDArray[np.float64]], origin: tuple[int, int] = (0, 0), closed: bool = False
) -> QPainterPath:
    """Return lines (n, 2) of (row, column) as a path in pixels."""
    path = QPainterPath()
    for line in lines:
        points = [QPointF(float(c) + origin[1], float(r) + origin[0]) for r, c in line]
        path.addPolygon(QPolygonF(points))
        if closed:
            path.closeSubpath()
    return path
