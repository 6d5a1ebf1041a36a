"""What figures are drawn of: items of pyqtgraph for dots, bars, curves, means and marks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QColor, QFont, QPalette, QPen

from sxtstudio.core.figures import Bars, Curve, Dots, Figure, FigureKind, MeanBar

_DOT_PX, _LARGE_PX = 7, 11
_CAP = 0.4  # of the width of the line at the mean
#: Many dots are drawn from pictures, quickly; few as shapes, which stay shapes in an SVG.
_FEW = 3000


@dataclass(frozen=True)
class PlotStyle:
    """The colours and letters of a plot, and how many pixels a line has that is 1 wide."""

    palette: QPalette
    font: QFont
    line_px: float = 1.0

    def pen(self, colour: QColor, width: float, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
        """Return a pen whose width is that of the screen, whatever the scale of the plot."""
        pen = QPen(colour, width * self.line_px, style)
        pen.setCosmetic(True)
        return pen


def items_of(figure: Figure, look: PlotStyle) -> Iterator[Any]:
    """Yield the items of a figure, from the lowest to the topmost."""
    for bars in figure.bars:
        yield _bars(bars, look, alone=len(figure.bars) == 1 or figure.kind is FigureKind.BARS)
    for dots in figure.dots:
        yield _dots(dots, look)
    for curve in figure.curves:
        yield from _curve(curve, look)
    for mean in figure.means:
        yield _mean(mean, look)
    if figure.mark is not None:
        yield _mark(*figure.mark, look)


def _dots(dots: Dots, look: PlotStyle) -> Any:
    import pyqtgraph

    rim = QColor("black") if dots.large else look.palette.base().color()
    brush = QColor(*dots.rgb) if dots.colours is None else _shared(dots.colours)
    item = pyqtgraph.ScatterPlotItem(
        x=dots.x,
        y=dots.y,
        size=_LARGE_PX if dots.large else _DOT_PX,
        pen=look.pen(rim, 0.6),
        brush=brush,
        useCache=len(dots.x) > _FEW,
    )
    item.setZValue(8 if dots.large else 5)
    return item


def _bars(bars: Bars, look: PlotStyle, *, alone: bool) -> Any:
    import pyqtgraph

    return pyqtgraph.PlotDataItem(
        bars.edges,
        bars.counts,
        stepMode="center",
        fillLevel=0,
        pen=look.pen(QColor(*bars.rgb), 1.2),
        brush=QColor(*bars.rgb, 170 if alone else 110),
    )


def _curve(curve: Curve, look: PlotStyle) -> Iterator[Any]:
    import pyqtgraph

    colour = QColor(*curve.rgb)
    yield pyqtgraph.PlotDataItem(curve.x, curve.y, pen=look.pen(colour, 1.8), antialias=True)
    yield pyqtgraph.ScatterPlotItem(x=curve.x, y=curve.y, size=5, pen=None, brush=colour, useCache=False)


def _mean(bar: MeanBar, look: PlotStyle) -> Any:
    """Return the mean as a line, and one SD to either side with caps."""
    import pyqtgraph

    x, mean, sd = bar.x, bar.spread.mean, bar.spread.sd
    xs, ys = [x - bar.half, x + bar.half], [mean, mean]
    if np.isfinite(sd):
        xs += [x, x]
        ys += [mean - sd, mean + sd]
        for end in (mean - sd, mean + sd):
            xs += [x - _CAP * bar.half, x + _CAP * bar.half]
            ys += [end, end]
    pen = look.pen(look.palette.windowText().color(), 1.6)
    item = pyqtgraph.PlotDataItem(np.array(xs), np.array(ys), connect="pairs", pen=pen)
    item.setZValue(10)
    return item


def _mark(x: float, words: str, look: PlotStyle) -> Any:
    import pyqtgraph

    colour = look.palette.placeholderText().color()
    pen = look.pen(colour, 1, Qt.PenStyle.DotLine)
    line = pyqtgraph.InfiniteLine(x, pen=pen, label=words, labelOpts={"position": 0.95})
    line.label.setColor(colour)
    line.label.setFont(look.font)
    return line


def _shared(colours: NDArray[np.uint8]) -> list[QBrush]:
    """Return a brush for each colour (n, 3), the same one for colours that look alike: quicker by far."""
    rough = (colours.astype(np.int64) >> 4) @ np.array((1 << 8, 1 << 4, 1))
    _, first, place = np.unique(rough, return_index=True, return_inverse=True)
    brushes = [QBrush(QColor(red, green, blue)) for red, green, blue in colours[first].tolist()]
    return [brushes[i] for i in place.tolist()]
