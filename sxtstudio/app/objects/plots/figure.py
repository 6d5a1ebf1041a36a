"""A figure drawn by pyqtgraph: dots with mean and SD, histograms, scatter plots; points can be picked."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum, auto
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainterPath
from PySide6.QtWidgets import QGraphicsPathItem, QSizePolicy, QWidget

from sxtstudio.app import theme
from sxtstudio.app.objects.plots.items import PlotStyle, items_of
from sxtstudio.app.widgets.plot import Plot
from sxtstudio.core.figures import Figure, FigureKind, inside_polygon

#: So many px from a dot still pick it.
_REACH_PX = 7
_DRAG_PX = 4
_CHOSEN_PX = 9
#: Of a colour in the legend, with what is free around it and the name.
_SAMPLE_PX = 50
#: Free at both ends of the title of an axis, in whose middle it stands.
_AROUND_PX = 12
#: Most of a plot that its legend takes, and how long its names may still be, px, where that is too little.
_LEGEND_SHARE = 0.35
_SHORTER_PX = (160, 110, 75, 50)
#: Free below its last row, which it need not be.
_BELOW_PX = 12
#: Of the shortest name, a letter and dots.
_LEAST_PX = 12


class Grip(Enum):
    """What the mouse does in a plot."""

    PICK = auto()  # a click chooses a dot; dragging draws a lasso
    RANGE = auto()  # dragging marks a range along x, or y in a dot plot


class FigurePlot(Plot):
    """Shows a ``Figure``.

    Signals
    -------
    picked(int, bool)
        The number of a dot that was clicked, and whether it is added to the others; 0 for none.
    caught(object)
        The numbers (frozenset) in a lasso.
    limited(float, float)
        A range of values that was dragged.
    """

    picked = Signal(int, bool)
    caught = Signal(object)
    limited = Signal(float, float)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        """Begin empty."""
        super().__init__(name, parent, mouse=True)
        self.figure: Figure | None = None
        self.grip = Grip.PICK
        self.line_px = 1.0  # of a line that is 1 wide: more in a picture for print
        self._small = False
        self._items: list[Any] = []
        self._cut: list[str] = []  # what is written shorter than it is
        self._chosen: frozenset[int] = frozenset()
        self._numbers = np.empty(0, np.int64)
        self._places = np.empty((0, 2))
        self._drag: list[QPointF] = []
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self.write_words)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 60)

    def sizeHint(self) -> QSize:
        """Return a size for a column of a journal."""
        return QSize(420, 320)

    @property
    def look(self) -> PlotStyle:
        """The colours, letters and lines of the plot."""
        return PlotStyle(self.palette(), self.font(), self.line_px)

    def show_figure(self, figure: Figure | None) -> None:
        """Draw a figure in place of the former one."""
        self.figure = figure
        self._draw()

    def be_small(self, small: bool) -> None:
        """Leave the titles of the axes out, where there is no room for them beside the numbers."""
        if small != self._small:
            self._small = small
            self._draw()

    def show_chosen(self, numbers: Collection[int]) -> None:
        """Mark the dots of chosen objects."""
        self._chosen = frozenset(numbers)
        if self.drawn:
            self._mark_chosen()

    # -- drawing ---------------------------------------------------------------------------------

    def prepare(self, view: Any) -> None:
        """Add what lies over every figure: the marks of the chosen, and the lasso."""
        import pyqtgraph

        self._marks = pyqtgraph.ScatterPlotItem(size=_CHOSEN_PX, brush=None, useCache=False)
        self._lasso = QGraphicsPathItem()
        self._lasso.setZValue(20)
        self._lasso.hide()
        view.addItem(self._marks, ignoreBounds=True)
        self._marks.setZValue(15)
        self._legend = pyqtgraph.LegendItem(horSpacing=8, verSpacing=-4, frame=False)
        self._legend.setParentItem(view.plotItem)
        view.plotItem.vb.addItem(self._lasso, ignoreBounds=True)
        view.viewport().installEventFilter(self)
        # Not at once: what is written while pyqtgraph lays the plot out is laid out only the next time.
        view.plotItem.vb.sigResized.connect(self._soon.start)

    def restyle(self, view: Any) -> None:
        """Letters and lines as in a printed figure: dark on the ground, none of them faint."""
        super().restyle(view)
        text = self.palette().windowText().color()
        for side in ("left", "bottom"):
            axis = view.getAxis(side)
            axis.setPen(self.look.pen(text, 1))
            axis.setStyle(tickLength=-4)
            axis.setTextPen(text)
            axis.label.setDefaultTextColor(text)
        self._draw()

    def _draw(self) -> None:
        if self.figure is None and not self.drawn:
            return
        view = self.view
        for item in self._items:
            view.removeItem(item)
        self._items.clear()
        self._legend.clear()
        figure = self.figure
        shown = figure is not None and not figure.empty
        for side in ("left", "bottom"):
            view.showAxis(side, shown)
        self._numbers, self._places = np.empty(0, np.int64), np.empty((0, 2))
        if figure is not None and shown:
            self._draw_figure(view, figure)
        self._mark_chosen()
        self.setAccessibleDescription("" if figure is None else _in_words(figure))

    def _draw_figure(self, view: Any, figure: Figure) -> None:
        bottom = view.getAxis("bottom")
        lines = (2 if figure.ticks else 1) + (1 if figure.x_title and not self._small else 0)
        bottom.setHeight(lines * self.fontMetrics().height() + 10)
        for item in items_of(figure, self.look):
            view.addItem(item)
            self._items.append(item)
        self._write_words(view, figure)
        drawn = [dots for dots in figure.dots if len(dots.numbers)]
        if drawn:
            self._numbers = np.concatenate([dots.numbers for dots in drawn])
            self._places = np.concatenate([np.stack([dots.x, dots.y], axis=1) for dots in drawn])
        if figure.ticks:
            view.setXRange(0.4, len(figure.ticks) + 0.6, padding=0)
            view.enableAutoRange(y=True)
        else:
            view.enableAutoRange(x=True, y=True)
        counts = bool(figure.bars or figure.curves) and all((c.y >= 0).all() for c in figure.curves)
        view.plotItem.vb.setLimits(yMin=0 if counts else None)

    def write_words(self) -> None:
        """Write titles, names and legend in what room there is now; it follows by itself, but not at once."""
        if self.figure is not None and not self.figure.empty:
            self._write_words(self.view, self.figure)

    def _write_words(self, view: Any, figure: Figure) -> None:
        """Write all that depends on the room; what is cut short there is said where the pointer rests."""
        self._cut.clear()
        text = self.palette().windowText().color()
        title = self._elided(figure.title, self.width() - 20)
        view.setTitle(title or None, color=text, size=f"{self.font().pointSizeF()}pt")
        self._set_y_title(view, figure)
        self._set_x_title(view, figure)
        self._set_ticks(view, figure)
        self._draw_legend(view, figure, text)
        if self._small:
            self._cut += [one for one in (figure.y_title, figure.x_title) if one]
        self.setToolTip("\n".join(dict.fromkeys(self._cut)))

    def _set_y_title(self, view: Any, figure: Figure) -> None:
        """Write the title along the axis at the left, its unit on a second line where the axis is short."""
        middle = view.getAxis("left").sceneBoundingRect().center().y()
        room = int(2 * min(middle, view.height() - middle)) - _AROUND_PX
        name, unit = _name_and_unit(figure.y_title)
        if unit and self.fontMetrics().horizontalAdvance(figure.y_title) > room:
            title = f"{self._elided(name, room)}<br>{unit}"
        else:
            title = self._elided(figure.y_title, room)
        self._write_title(view.getAxis("left"), title)

    def _set_x_title(self, view: Any, figure: Figure) -> None:
        """Write the title along the lower axis."""
        name, unit = _name_and_unit(figure.x_title)
        middle = view.getAxis("bottom").sceneBoundingRect().center().x()
        room = int(2 * min(middle, view.width() - middle)) - _AROUND_PX
        if unit and self.fontMetrics().horizontalAdvance(figure.x_title) > room:
            beside = self.fontMetrics().horizontalAdvance(f" {unit}")
            title = f"{self._elided(name, room - beside)} {unit}"
        else:
            title = self._elided(figure.x_title, room)
        self._write_title(view.getAxis("bottom"), title)

    def _write_title(self, axis: Any, title: str) -> None:
        axis.setLabel(None if self._small else title or None)
        axis.resizeEvent()  # else another title begins where the former one did, and ends beyond the plot

    def _set_ticks(self, view: Any, figure: Figure) -> None:
        """Name the categories; names that are too long for their room are cut short."""
        if not figure.ticks:
            view.getAxis("bottom").setTicks(None)
            return
        room = (self.width() - 70) // len(figure.ticks) - 4
        ticks = [
            (place, "\n".join(self._elided(line, room) for line in text.split("\n")))
            for place, text in figure.ticks
        ]
        view.getAxis("bottom").setTicks([ticks])

    def _draw_legend(self, view: Any, figure: Figure, text: QColor) -> None:
        """Name the colours above the plot, in as many rows as its width asks for, but most of it stays free.

        Before there are more rows, the names become shorter.
        """
        import pyqtgraph

        style = {"color": text, "size": f"{self.font().pointSizeF()}pt"}
        for room in (self.width(), *_SHORTER_PX):
            self._legend.clear()
            for name, rgb in figure.legend:
                sample = pyqtgraph.ScatterPlotItem(size=8, brush=QColor(*rgb), pen=None, useCache=False)
                short = self._elided(name, min(room, self.width() - 20 - _SAMPLE_PX))
                self._legend.addItem(sample, short)
            for _, label in self._legend.items:
                label.setText(label.text, **style)
            for columns in range(len(figure.legend), 0, -1):
                self._legend.setColumnCount(columns)
                self._legend.updateSize()
                if self._legend.width() < self.width() - 20:
                    break
            if self._legend.height() < _LEGEND_SHARE * self.height():
                break
        above = (self.fontMetrics().height() + 6 if figure.title else 0) + 4
        height = self._legend.height() - _BELOW_PX if figure.legend else 0
        self._legend.anchor(itemPos=(1, 0), parentPos=(1, 0), offset=(-4, above - 8))
        view.plotItem.layout.setRowFixedHeight(0, above + height)

    def _elided(self, text: str, room: int) -> str:
        """Return a text as it fits into ``room`` px, and remember one that does not."""
        short = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, max(room, _LEAST_PX))
        if short != text:
            self._cut.append(text)
        return short

    def _mark_chosen(self) -> None:
        ring = self.look.pen(self.palette().windowText().color(), 2)
        where = np.isin(self._numbers, list(self._chosen)) & (self._numbers > 0)
        self._marks.setData(x=self._places[where, 0], y=self._places[where, 1], pen=ring)

    # -- the mouse -------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the left button in the plot: a click, a lasso or a range."""
        if not isinstance(event, QMouseEvent):
            return super().eventFilter(watched, event)
        kind = event.type()
        if kind == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton:
            self._drag = [event.position()]
            return True
        if kind == QEvent.Type.MouseMove and self._drag:
            self._drag.append(event.position())
            self._show_drag()
            return True
        if kind == QEvent.Type.MouseButtonRelease and self._drag:
            path, self._drag = [*self._drag, event.position()], []
            self._lasso.hide()
            self._take(path, added=bool(event.modifiers() & _ADDING))
            return True
        return super().eventFilter(watched, event)

    def _take(self, path: list[QPointF], *, added: bool) -> None:
        """Act on what was clicked or drawn, in px of the view."""
        far = max((point - path[0]).manhattanLength() for point in path)
        if far < _DRAG_PX:
            self.picked.emit(self._number_at(path[0]), added)
        elif self.figure is None or self.figure.empty:
            self.caught.emit(frozenset())
        elif self.grip is Grip.RANGE or not len(self._numbers):
            self._take_range(path)
        else:
            corners = [(point.x(), point.y()) for point in map(self._value_at, path)]
            inside = inside_polygon(self._places[:, 0], self._places[:, 1], corners)
            self.caught.emit(frozenset(self._numbers[inside & (self._numbers > 0)].tolist()))

    def _take_range(self, path: list[QPointF]) -> None:
        first, last = self._value_at(path[0]), self._value_at(path[-1])
        along_y = self.figure is not None and self.figure.kind is FigureKind.DOTS
        ends = sorted((first.y(), last.y()) if along_y else (first.x(), last.x()))
        self.limited.emit(ends[0], ends[1])

    def _value_at(self, place: QPointF) -> QPointF:
        value: QPointF = self.view.plotItem.vb.mapSceneToView(self.view.mapToScene(place.toPoint()))
        return value

    def _number_at(self, place: QPointF) -> int:
        """Return the number of the nearest dot within reach, 0 where there is none."""
        if not len(self._numbers):
            return 0
        here, beside = self._value_at(place), self._value_at(place + QPointF(1, 1))
        px = np.array([abs(beside.x() - here.x()) or 1.0, abs(beside.y() - here.y()) or 1.0])
        away = np.hypot(*((self._places - (here.x(), here.y())) / px).T)
        nearest = int(away.argmin())
        return int(self._numbers[nearest]) if away[nearest] <= _REACH_PX else 0

    def _show_drag(self) -> None:
        path = QPainterPath()
        if self.grip is Grip.PICK and len(self._numbers):
            path.addPolygon([self._value_at(point) for point in self._drag])
            path.closeSubpath()
        else:
            (x_low, x_high), (y_low, y_high) = self.view.viewRange()
            first, last = self._value_at(self._drag[0]), self._value_at(self._drag[-1])
            if self.figure is not None and self.figure.kind is FigureKind.DOTS:
                first.setX(x_low)
                last.setX(x_high)
            else:
                first.setY(y_low)
                last.setY(y_high)
            path.addRect(QRectF(first, last).normalized())
        self._lasso.setPath(path)
        self._lasso.setPen(self.look.pen(QColor(theme.ACCENT), 1.5))
        fill = QColor(theme.ACCENT)
        fill.setAlpha(40)
        self._lasso.setBrush(fill)
        self._lasso.show()


_ADDING = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


def print_font(points: float = 9) -> QFont:
    """Return the font of exported figures: journals ask for a sans serif one."""
    font = QFont()
    font.setFamilies(["Arial", "Helvetica", "Liberation Sans", "DejaVu Sans"])
    font.setPointSizeF(points)
    return font


def _name_and_unit(title: str) -> tuple[str, str]:
    """Return ("Volume", "(µm³)") for "Volume (µm³)"; () that belong to the name stay with it."""
    name, bracket, unit = title.rpartition(" (")
    return (name, f"({unit}") if bracket and title.endswith(")") else (title, "")


def _in_words(figure: Figure) -> str:
    """Return what a figure shows, for those who cannot see it."""
    said = [f"{figure.y_title} {figure.x_title}".strip()]
    if figure.kind is FigureKind.BARS:
        pairs = zip(figure.bars, figure.means, strict=True)
        said += [f"{bar.name}: mean {mean.spread.mean:.4g}, SD {mean.spread.sd:.4g}" for bar, mean in pairs]
        return "; ".join(said)
    for (_, name), mean in zip(figure.ticks, figure.means, strict=False):
        words = name.replace("\n", ", ")
        said.append(f"{words}: mean {mean.spread.mean:.4g}, SD {mean.spread.sd:.4g}")
    said += [f"{bars.name}: {int(bars.counts.sum())} objects" for bars in figure.bars]
    return "; ".join(said)
