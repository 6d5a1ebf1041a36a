"""A slice with outlines over it, as large as there is room."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from sxtstudio.core.contrast import auto_window

Rgb = tuple[int, int, int]

TRUTH_RGB: Rgb = (255, 176, 0)
FOUND_RGB: Rgb = (64, 200, 255)
_IGNORED = 128


def rgb_image(pixels: NDArray[np.uint8]) -> QImage:
    """Return colours (y, x, 3) as an image of its own."""
    rows, columns = pixels.shape[:2]
    data = np.ascontiguousarray(pixels, np.uint8)
    return QImage(data.data, columns, rows, 3 * columns, QImage.Format.Format_RGB888).copy()


def painted(
    image: NDArray[Any], mask: NDArray[np.bool_] | None, rgb: Rgb, ignored: NDArray[np.bool_] | None = None
) -> NDArray[np.uint8]:
    """Return a slice (y, x) in grey with the pixels of ``mask`` in colour, ignored ones dimmed: (y, x, 3)."""
    values = np.nan_to_num(np.asarray(image, np.float32))
    low, high = auto_window(values)
    grey = np.clip((values - low) / max(float(high - low), 1e-6), 0, 1) * 255
    picture = np.repeat(grey[..., None], 3, axis=2)
    if ignored is not None:
        picture[ignored] *= 0.4
    if mask is not None:
        picture[mask] = 0.25 * picture[mask] + 0.75 * np.asarray(rgb, np.float32)
    pixels: NDArray[np.uint8] = picture.astype(np.uint8)
    return pixels


class SlicePicture(QWidget):
    """One picture with a title above it; keeps its proportions."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        """Begin without a picture."""
        super().__init__(parent)
        self.title = title
        self.empty_text = ""
        self.pixels: NDArray[np.uint8] | None = None
        self._pixmap: QPixmap | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 120)
        self.setAccessibleName(title)

    def sizeHint(self) -> QSize:
        """Return a square."""
        return QSize(300, 320)

    def show_truth(self, image: NDArray[Any], truth: NDArray[np.uint8]) -> None:
        """Show a slice with its labels; pixels that do not count are dimmed."""
        self._show(painted(image, truth > _IGNORED, TRUTH_RGB, truth == _IGNORED))

    def show_found(self, image: NDArray[Any], output: NDArray[Any] | None) -> None:
        """Show a slice with what a network outlines (output above 0)."""
        self._show(None if output is None else painted(image, output > 0, FOUND_RGB))

    def clear(self, text: str = "") -> None:
        """Show no picture, but a sentence."""
        self.empty_text = text
        self._show(None)

    def _show(self, pixels: NDArray[np.uint8] | None) -> None:
        self.pixels = pixels
        self._pixmap = None if pixels is None else QPixmap.fromImage(rgb_image(pixels))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint title and picture."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            head = painter.fontMetrics().height() + 6
            painter.setPen(self.palette().windowText().color())
            title = painter.fontMetrics().elidedText(self.title, Qt.TextElideMode.ElideRight, self.width())
            painter.drawText(QPointF(0, head - 8), title)
            room = QRectF(0, head, self.width(), self.height() - head)
            if self._pixmap is None:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(self.palette().base())
                painter.drawRoundedRect(room, 6, 6)
                painter.setPen(QPen(QColor(self.palette().placeholderText().color())))
                wrap = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
                painter.drawText(room.adjusted(12, 12, -12, -12), wrap, self.empty_text)
            else:
                scale = min(room.width() / self._pixmap.width(), room.height() / self._pixmap.height())
                width, height = self._pixmap.width() * scale, self._pixmap.height() * scale
                place = QRectF(0, head, width, height)
                painter.drawPixmap(place, self._pixmap, QRectF(self._pixmap.rect()))
