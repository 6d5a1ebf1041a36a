"""Curves of a training over its steps, drawn as it goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy

from sxtstudio.app import theme
from sxtstudio.app.widgets.plot import Plot
from sxtstudio.workflow.retraining.events import Points

# Evaluations are few: their points are what is known, the line between them is not.
_FEW_POINTS = 40


@dataclass(frozen=True)
class Series:
    """A curve: how it is called, its colour, whether it is dashed."""

    name: str
    colour: str
    dashed: bool = False

    @property
    def pen(self) -> QPen:
        """How its line is drawn."""
        pen = QPen(QColor(self.colour), 1.8)
        pen.setCosmetic(True)
        if self.dashed:
            pen.setDashPattern([4, 2.5])
        return pen


class Curves(Plot):
    """Several curves in one frame, with a title and a legend."""

    def __init__(self, title: str, series: dict[str, Series], *, unit: str = "") -> None:
        """Begin without points; ``unit`` "%" draws shares from 0 to 100."""
        super().__init__(title)
        self._title = title
        self._series = series
        self._percent = unit == "%"
        self.points: dict[str, Points] = {}
        self._lines: dict[str, Any] = {}
        self._dots: dict[str, Any] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(150)

    def sizeHint(self) -> QSize:
        """Return a wide size."""
        return QSize(460, 210)

    def show_points(self, curves: dict[str, Points], best: float | None = None, step: float = 0) -> None:
        """Draw those of ``curves`` that belong here, up to ``step``; ``best`` is a step to mark."""
        self.points = {name: curves.get(name, []) for name in self._series}
        self.setAccessibleDescription(self.in_words())
        view = self.view
        for name, points in self.points.items():
            x, y = np.array(points, np.float64).reshape(-1, 2).T
            self._lines[name].setData(x, y)
            marked = slice(None) if len(points) <= _FEW_POINTS else slice(-1, None)
            self._dots[name].setData(x[marked], y[marked])
        known = [point for points in self.points.values() for point in points]
        last = max([5.0, step, *(x for x, _ in known)])
        top = 1.0 if self._percent else max((y for _, y in known), default=1.0)
        view.setXRange(0, last, padding=0.02)
        view.setYRange(0, top or 1.0, padding=0.07)  # room for the letters of both ends
        for side in ("left", "bottom"):
            view.showAxis(side, bool(known))
        self._none.setVisible(not known)
        self._none.setPos(last / 2, (top or 1.0) / 2)
        self._best.setVisible(bool(known) and best is not None and 0 < best <= last)
        self._best.setValue(best or 0)

    def in_words(self) -> str:
        """Return the latest values, for those who cannot see the curves."""
        described = [
            f"{series.name} {self._text(points[-1][1])}"
            for name, series in self._series.items()
            if (points := self.points.get(name))
        ]
        return ", ".join(described)

    def prepare(self, view: Any) -> None:
        """Add axes, the legend beside the title, a line and its points for each curve."""
        import pyqtgraph

        view.setTitle(self._title)
        view.setLabel("bottom", "Step")
        view.showGrid(y=True, alpha=0.3)
        if self._percent:
            view.getAxis("left").setTicks([[(part, self._text(part)) for part in (0, 0.25, 0.5, 0.75, 1)]])
        self._legend = pyqtgraph.LegendItem(colCount=len(self._series), horSpacing=8, frame=False)
        self._legend.setParentItem(view.plotItem)
        for name, series in self._series.items():
            self._lines[name] = line = pyqtgraph.PlotDataItem(pen=series.pen, antialias=True)
            # More points than pixels are thinned out before they are drawn.
            line.setDownsampling(auto=True, method="peak")
            self._dots[name] = pyqtgraph.ScatterPlotItem(
                size=5,
                pen=None,
                brush=QColor(series.colour),
                useCache=False,  # else they are pictures in an SVG
            )
            self._legend.addItem(line, series.name)
            view.addItem(line)
            view.addItem(self._dots[name])
        self._best = pyqtgraph.InfiniteLine(label="best", labelOpts={"position": 0.93})
        self._none = pyqtgraph.TextItem("The first points appear soon", anchor=(0.5, 0.5))
        for item in (self._best, self._none):
            view.addItem(item, ignoreBounds=True)

    def restyle(self, view: Any) -> None:
        """Colour what is not coloured like a curve."""
        super().restyle(view)
        text, faint = self.palette().windowText().color(), self.palette().placeholderText().color()
        for _, label in self._legend.items:
            label.setText(label.text, color=text, size=f"{self.font().pointSizeF()}pt")
        self._legend.updateSize()
        self._best.setPen(faint, style=Qt.PenStyle.DotLine)
        for item in (self._best.label, self._none):
            item.setColor(faint)
            item.setFont(self.font())
        view.getAxis("left").setWidth(self.fontMetrics().horizontalAdvance("100 %") + 12)
        view.getAxis("bottom").setHeight(2 * self.fontMetrics().height() + 6)
        self._fit_legend(view)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Bring the legend into more rows where the plot is narrow."""
        super().resizeEvent(event)
        if self.drawn:
            self._fit_legend(self.view)

    def _fit_legend(self, view: Any) -> None:
        font = self.font()
        font.setBold(True)
        taken = QFontMetrics(font).horizontalAdvance(self._title) + view.getAxis("left").maximumWidth()
        count = len(self._series)
        for columns in (count, -(-count // 2), 1):
            self._legend.setColumnCount(columns)
            if taken + self._legend.width() + 16 <= self.width():
                break
        self._legend.anchor(itemPos=(1, 0), parentPos=(1, 0), offset=(-4, -7))
        view.plotItem.layout.setRowFixedHeight(0, max(30, self._legend.height() - 14))

    def _text(self, value: float) -> str:
        return f"{100 * value:.0f} %" if self._percent else f"{value:.2g}"


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
