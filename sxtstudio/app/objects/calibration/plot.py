"""The line from grey values to LAC, with the materials that it goes through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtGui import QColor
from PySide6.QtWidgets import QSizePolicy, QWidget

from sxtstudio.app import theme
from sxtstudio.app.widgets.plot import Plot
from sxtstudio.core.measure.calibration import LacCalibration, Material

_POINT_PX, _LINE_PX = 9, 2


class CalibrationPlot(Plot):
    """Grey values to the right, LAC upwards."""

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin empty."""
        super().__init__("Line from grey value to LAC", parent)
        self._line: tuple[list[float], list[float]] = ([], [])
        self._points: list[tuple[float, float]] = []
        self._names: list[str] = []
        self._texts: list[Any] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 140)

    def prepare(self, view: Any) -> None:
        """Add line and points."""
        import pyqtgraph

        self._curve = pyqtgraph.PlotCurveItem()
        self._dots = pyqtgraph.ScatterPlotItem(size=_POINT_PX)
        self._zero = pyqtgraph.InfiniteLine(pos=0, angle=0)
        for item in (self._zero, self._curve, self._dots):
            view.addItem(item, ignoreBounds=item is self._zero)
        view.setLabel("bottom", "Grey value")
        view.setLabel("left", "LAC (1/µm)")

    def restyle(self, view: Any) -> None:
        """Take the colours of the window."""
        import pyqtgraph

        super().restyle(view)
        faint = QColor(self.palette().placeholderText().color())
        faint.setAlpha(90)
        self._zero.setPen(pyqtgraph.mkPen(faint, width=1))
        self._curve.setPen(pyqtgraph.mkPen(theme.ACCENT, width=_LINE_PX))
        self._dots.setBrush(pyqtgraph.mkBrush(theme.ACCENT))
        self._dots.setPen(pyqtgraph.mkPen(self.palette().base().color(), width=1))
        for text in self._texts:
            text.setColor(self.palette().windowText().color())

    def show_line(
        self, found: LacCalibration | None, materials: Sequence[Material], greys: tuple[float, float]
    ) -> None:
        """Show a line over a range of grey values and over its materials; None: the materials alone."""
        self._points = [(material.grey, material.lac) for material in materials]
        self._names = [material.name for material in materials]
        self._line = ([], [])
        if found is not None:
            places = sorted((*greys, *(material.grey for material in materials)))
            ends = [places[0], places[-1]]
            self._line = (ends, [found.slope * grey + found.offset for grey in ends])
        if self.isVisible() or self.drawn:
            self._draw()
        self.setAccessibleDescription("" if found is None else found.line)

    def showEvent(self, event: Any) -> None:
        """Draw once it is seen."""
        super().showEvent(event)
        self._draw()

    def _draw(self) -> None:
        import pyqtgraph

        view = self.view
        self._curve.setData(*self._line)
        self._dots.setData([x for x, _ in self._points], [y for _, y in self._points])
        for text in self._texts:
            view.removeItem(text)
        self._texts = []
        for name, (x, y) in zip(self._names, self._points, strict=True):
            text = pyqtgraph.TextItem(name, color=self.palette().windowText().color(), anchor=(0.5, 1.3))
            text.setFont(self.font())
            text.setPos(x, y)
            view.addItem(text, ignoreBounds=True)
            self._texts.append(text)
        view.getViewBox().autoRange(padding=0.15)
