"""Curves of a training over its steps, drawn as it goes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from sxtstudio.app import theme
from sxtstudio.workflow.retraining.events import Points

_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 30, 26
# More points than pixels are thinned out before they are drawn.
_MOST_POINTS = 600


@dataclass(frozen=True)
class Series:
    """A curve: how it is called, its colour, whether it is dashed."""

    name: str
    colour: str
    dashed: bool = False


class Curves(QWidget):
    """Several curves in one frame, with a title and a legend."""

    def __init__(self, title: str, series: dict[str, Series], *, unit: str = "") -> None:
        """Begin without points; ``unit`` "%" draws shares from 0 to 100."""
        super().__init__()
        self._title = title
        self._series = series
        self._percent = unit == "%"
        self.points: dict[str, Points] = {}
        self._best: float | None = None
        self._step = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(150)
        self.setAccessibleName(title)

    def sizeHint(self) -> QSize:
        """Return a wide size."""
        return QSize(460, 210)

    def show_points(self, curves: dict[str, Points], best: float | None = None, step: float = 0) -> None:
        """Draw those of ``curves`` that belong here, up to ``step``; ``best`` is a step to mark."""
        self._step = step
        self.points = {name: curves.get(name, []) for name in self._series}
        self._best = best
        self.setAccessibleDescription(self.in_words())
        self.update()

    def in_words(self) -> str:
        """Return the latest values, for those who cannot see the curves."""
        described = [
            f"{series.name} {self._text(points[-1][1])}"
            for name, series in self._series.items()
            if (points := self.points.get(name))
        ]
        return ", ".join(described)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint frame, legend, curves."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.palette().base())
        painter.drawRoundedRect(self.rect(), 6, 6)
        area = QRectF(self.rect()).adjusted(_LEFT, _TOP, -_RIGHT, -_BOTTOM)
        self._draw_head(painter)
        steps = [x for points in self.points.values() for x, _ in points]
        values = [y for points in self.points.values() for _, y in points]
        if not values:
            painter.setPen(self.palette().placeholderText().color())
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, "The first points appear soon")
        else:
            last = max(1.0, self._step, *steps)
            top = 1.0 if self._percent else _round_up(max(values))
            self._draw_axes(painter, area, last, top)
            for name, series in self._series.items():
                self._draw_curve(painter, area, series, self.points.get(name, []), (last, top))
        painter.end()

    def _draw_head(self, painter: QPainter) -> None:
        font = painter.font()
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(self.palette().windowText().color())
        painter.drawText(QPointF(12, 20), self._title)
        x = 12 + QFontMetricsF(font).horizontalAdvance(self._title) + 18
        font.setBold(False)
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        for series in self._series.values():
            painter.setPen(self._pen(series))
            painter.drawLine(QPointF(x, 16), QPointF(x + 18, 16))
            painter.setPen(self.palette().windowText().color())
            painter.drawText(QPointF(x + 23, 20), series.name)
            x += 23 + metrics.horizontalAdvance(series.name) + 14

    def _draw_axes(self, painter: QPainter, area: QRectF, last: float, top: float) -> None:
        faint = self.palette().placeholderText().color()
        line = QColor(faint)
        line.setAlpha(60)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for part in (0.0, 0.5, 1.0):
            y = area.bottom() - part * area.height()
            painter.setPen(QPen(line, 1))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(faint)
            painter.drawText(QRectF(0, y - 9, _LEFT - 6, 18), right, self._text(part * top))
        painter.drawText(QRectF(area.left(), area.bottom() + 4, 60, 18), Qt.AlignmentFlag.AlignLeft, "0")
        text = f"step {round(last)}"
        painter.drawText(QRectF(area.right() - 120, area.bottom() + 4, 120, 18), right, text)
        if self._best is not None and 0 < self._best <= last:
            x = area.left() + self._best / last * area.width()
            painter.setPen(QPen(faint, 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            place = QRectF(x - 44, area.top() + 2, 40, 18)
            if place.left() < area.left():
                place.moveLeft(x + 4)
                right = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(place, right, "best")

    def _draw_curve(
        self, painter: QPainter, area: QRectF, series: Series, points: Points, extent: tuple[float, float]
    ) -> None:
        every = -(-len(points) // _MOST_POINTS) if points else 1
        places = [
            QPointF(
                area.left() + x / extent[0] * area.width(),
                area.bottom() - min(1.0, max(0.0, y / extent[1])) * area.height(),
            )
            for number, (x, y) in enumerate(points)
            if number % every == 0 or number == len(points) - 1
        ]
        painter.setPen(self._pen(series))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF(places))
        painter.setBrush(QColor(series.colour))
        painter.setPen(Qt.PenStyle.NoPen)
        # Evaluations are few: their points are what is known, the line between them is not.
        for place in places if len(places) <= 40 else places[-1:]:
            painter.drawEllipse(place, 2.5, 2.5)

    def _pen(self, series: Series) -> QPen:
        pen = QPen(QColor(series.colour), 1.8)
        if series.dashed:
            pen.setDashPattern([4, 2.5])
        return pen

    def _text(self, value: float) -> str:
        return f"{100 * value:.0f} %" if self._percent else f"{value:.2g}"


def _round_up(value: float) -> float:
    """Return the next round number, whose half is round as well."""
    if value <= 0:
        return 1.0
    power: float = 10.0 ** math.floor(math.log10(value))
    return next(
        factor * power
        for factor in (1.0, 1.6, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0)
        if value <= factor * power * 1.0001
    )


LOSS_SERIES = {
    "label_loss": Series("labels", theme.ACCENT),
    "test_label_loss": Series("labels, held out", theme.ACCENT, dashed=True),
    "image_loss": Series("image", "#f0a020"),
    "test_image_loss": Series("image, held out", "#f0a020", dashed=True),
}
METRIC_SERIES = {
    "f1": Series("F1", "#2da44e"),
    "label_share": Series("labels right", theme.ACCENT),
    "image_share": Series("image redrawn", "#f0a020"),
}
