"""How often grey values occur (logarithmic), with two handles for what is drawn black and white."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from sxtstudio.app import theme
from sxtstudio.app.widgets.plot import Plot

_NEAR_PX = 12
_HANDLE_PX = 6  # from its middle
_EDGE_SHARE = 0.03  # of the width, as room for the handles at both ends


class Histogram(Plot):
    """Bars and two handles; ``moved(low, high)`` while one of them, or the range between, is dragged."""

    moved = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without values."""
        super().__init__("Histogram with black and white point", parent, mouse=True)
        self.heights: NDArray[np.float64] = np.zeros(1)
        self.range = (0.0, 1.0)
        self.low, self.high = 0.0, 1.0
        # Where pyqtgraph has the handles; those of a window beyond the range stay at its ends.
        self._handles = (0.0, 1.0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
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
        self.heights = logs / logs.max() if logs.size and logs.max() > 0 else np.zeros(1)
        self.range = value_range
        self.view.setXRange(*value_range, padding=_EDGE_SHARE)
        self._bars.setData(np.linspace(*value_range, len(self.heights) + 1), self.heights)
        self._show_handles()

    def show_window(self, low: float, high: float) -> None:
        """Move the handles."""
        self.low, self.high = low, high
        if self.drawn:
            self._show_handles()

    def x_of(self, value: float) -> float:
        """Return where a grey value lies in the widget."""
        at = self.view.plotItem.vb.mapViewToScene(QPointF(value, 0))
        return float(self.view.viewportTransform().map(at).x() + self.view.x())

    def value_at(self, x: float) -> float:
        """Return the grey value at a place in the widget."""
        back, _ = self.view.viewportTransform().inverted()
        at = back.map(QPointF(x - self.view.x(), 0))
        return float(self.view.plotItem.vb.mapSceneToView(at).x())

    def prepare(self, view: Any) -> None:
        """Add the bars and, above them, the window between the handles."""
        import pyqtgraph

        view.hideAxis("left")
        view.hideAxis("bottom")
        view.setYRange(0, 1.1, padding=0)
        view.scene().setMoveDistance(2)
        self._bars = pyqtgraph.PlotCurveItem([0.0, 1.0], [0.0], stepMode="center", fillLevel=0, pen=None)
        self._window = pyqtgraph.LinearRegionItem(swapMode="block")
        for line in self._window.lines:
            line.addMarker("o", 0.5, _HANDLE_PX)
            line.setCursor(Qt.CursorShape.SizeHorCursor)
        view.addItem(self._bars)
        view.addItem(self._window, ignoreBounds=True)
        self._window.sigRegionChanged.connect(self._on_window_changed)
        self._window.sigRegionChangeFinished.connect(self._on_window_changed)
        view.viewport().installEventFilter(self)

    def restyle(self, view: Any) -> None:
        """Colour bars and handles."""
        super().restyle(view)
        self._bars.setBrush(self.palette().placeholderText())
        inside = QColor(theme.ACCENT)
        inside.setAlpha(70)
        self._window.setBrush(inside)
        inside.setAlpha(110)
        self._window.setHoverBrush(inside)
        for line in self._window.lines:
            line.setPen(self.palette().text().color(), width=1.5)
            line.setHoverPen(QColor(theme.ACCENT), width=2)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Bring the nearer handle to a press beside the window, where it can be dragged on."""
        if event.type() == QEvent.Type.MouseButtonPress and isinstance(event, QMouseEvent):
            x = event.position().x() + self.view.x()
            low, high = (self.x_of(value) for value in self._handles)
            if event.button() == Qt.MouseButton.LeftButton:
                if x < low - _NEAR_PX:
                    self._move_low(self.value_at(x))
                elif x > high + _NEAR_PX:
                    self._move_high(self.value_at(x))
        return super().eventFilter(watched, event)

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

    @property
    def _least(self) -> float:
        """How near the handles may come to each other."""
        return (self.range[1] - self.range[0]) / 500

    def _move_low(self, value: float) -> None:
        self.moved.emit(min(value, self.high - self._least), self.high)

    def _move_high(self, value: float) -> None:
        self.moved.emit(self.low, max(value, self.low + self._least))

    def _show_handles(self) -> None:
        """Move the handles, the window's own ends or those of the range."""
        shown = tuple(min(max(value, self.range[0]), self.range[1]) for value in (self.low, self.high))
        with QSignalBlocker(self._window):
            self._window.setRegion(shown)
        if not (self._window.moving or any(line.moving for line in self._window.lines)):
            self._handles = (shown[0], shown[1])

    def _on_window_changed(self) -> None:
        """Say what a drag has moved: one handle, or both and the range between them."""
        former, self._handles = self._handles, self._window.getRegion()
        by_low, by_high = (now - then for now, then in zip(self._handles, former, strict=True))
        if by_low and by_high:
            self.moved.emit(self.low + by_low, self.high + by_low)
        elif by_low:
            self._move_low(self._handles[0])
        elif by_high:
            self._move_high(self._handles[1])
