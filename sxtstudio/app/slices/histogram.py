"""How often grey values occur (logarithmic), with two handles for what is drawn black and white."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from sxtstudio.app import theme

_NEAR_PX = 12
_EDGE = 7  # room for the handles at both ends


class Histogram(QWidget):
    """Bars and two handles; ``moved(low, high)`` while one of them, or the range between, is dragged."""

    moved = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without values."""
        super().__init__(parent)
        self._heights: NDArray[np.float64] = np.zeros(1)
        self._range = (0.0, 1.0)
        self.low, self.high = 0.0, 1.0
        self._held = ""
        self._grip = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Histogram with black and white point")
        self.setToolTip(
            "Grey values of the tomogram. Drag the handles: left is drawn black, right white. "
            "Drag between them to change the brightness."
        )

    def sizeHint(self) -> QSize:
        """Return a low, wide size."""
        return QSize(280, 110)

    def show_counts(self, counts: NDArray[np.int64], value_range: tuple[float, float]) -> None:
        """Draw other counts over ``value_range``."""
        logs = np.log1p(counts.astype(np.float64))
        self._heights = logs / logs.max() if logs.size and logs.max() > 0 else np.zeros(1)
        self._range = value_range
        self.update()

    def show_window(self, low: float, high: float) -> None:
        """Move the handles."""
        self.low, self.high = low, high
        self.update()

    def x_of(self, value: float) -> float:
        """Return where a grey value lies in the widget."""
        low, high = self._range
        return _EDGE + (value - low) / (high - low) * (self.width() - 2 * _EDGE)

    def value_at(self, x: float) -> float:
        """Return the grey value at a place in the widget."""
        low, high = self._range
        return low + (x - _EDGE) / max(1, self.width() - 2 * _EDGE) * (high - low)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint bars, the range, handles."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = self.palette()
        height = self.height()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(palette.base())
        painter.drawRoundedRect(self.rect(), 4, 4)
        edges = np.linspace(_EDGE, self.width() - _EDGE, len(self._heights) + 1)
        points = [QPointF(_EDGE, height)]
        for left, right, share in zip(edges[:-1], edges[1:], self._heights, strict=True):
            top = height - float(share) * (height - 12)
            points += [QPointF(float(left), top), QPointF(float(right), top)]
        points.append(QPointF(self.width() - _EDGE, height))
        painter.setBrush(palette.placeholderText())
        painter.drawPolygon(QPolygonF(points))
        inside = QColor(theme.ACCENT)
        low, high = (min(max(self.x_of(v), 2.0), self.width() - 2.0) for v in (self.low, self.high))
        painter.setClipRect(QRectF(low, 0, max(1.0, high - low), height))
        painter.setBrush(inside)
        painter.drawPolygon(QPolygonF(points))
        painter.setClipping(False)
        for x in (low, high):
            painter.setPen(QPen(palette.text().color(), 1.5))
            painter.drawLine(QPointF(x, 0), QPointF(x, height))
            painter.setBrush(palette.text())
            painter.drawRoundedRect(QRectF(x - 4, height / 2 - 10, 8, 20), 3, 3)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(inside, 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the nearest handle, or the range between them."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        x = event.position().x()
        low, high = self.x_of(self.low), self.x_of(self.high)
        self._grip = self.value_at(x)
        if low + _NEAR_PX < x < high - _NEAR_PX:
            self._held = "both"
        else:
            self._held = "low" if abs(x - low) <= abs(x - high) else "high"
            self._drag(x)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag it."""
        x = event.position().x()
        if self._held:
            self._drag(x)
        near = min(abs(x - self.x_of(self.low)), abs(x - self.x_of(self.high))) <= _NEAR_PX
        self.setCursor(Qt.CursorShape.SizeHorCursor if near or self._held else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self._held = ""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right change the brightness, up and down the contrast."""
        step = (self.high - self.low) / 20
        shift, widen = {
            Qt.Key.Key_Left: (-step, 0.0),
            Qt.Key.Key_Right: (step, 0.0),
            Qt.Key.Key_Up: (0.0, -step / 2),
            Qt.Key.Key_Down: (0.0, step / 2),
        }.get(Qt.Key(event.key()), (0.0, 0.0))
        if shift or widen:
            self.moved.emit(self.low + shift - widen, self.high + shift + widen)
        else:
            super().keyPressEvent(event)

    def _drag(self, x: float) -> None:
        value = self.value_at(x)
        least = (self._range[1] - self._range[0]) / 500
        low, high = self.low, self.high
        if self._held == "both":
            low, high = low + value - self._grip, high + value - self._grip
            self._grip = value
        elif self._held == "low":
            low = min(value, high - least)
        else:
            high = max(value, low + least)
        self.moved.emit(low, high)
