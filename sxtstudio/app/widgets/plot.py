"""A plot of pyqtgraph that looks like the rest of the window, for curves, histograms, dots and bars."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QBuffer, QEvent, QIODevice, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPaintDevice, QPainter, QPaintEvent, QPen
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QVBoxLayout, QWidget

from sxtstudio.app import theme
from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError

_ROUND_PX = 6
_PICTURE_PX = 2000  # wide: enough for a column of a journal at 600 dots per inch


class Plot(QWidget):
    """The frame of a plot: without menu and without panning, in the colours and fonts of the window.

    A kind of plot derives from it: ``prepare`` adds what is drawn, ``restyle`` colours it, both with
    pyqtgraph's own items. ``view`` is the ``PlotWidget``; it is made when it is first asked for, because
    loading pyqtgraph takes a quarter of a second, which the start of the program does not need.
    """

    def __init__(self, name: str, parent: QWidget | None = None, *, mouse: bool = False) -> None:
        """Begin empty; ``name`` is read out, ``mouse`` says whether anything in it can be taken hold of."""
        super().__init__(parent)
        self._view: Any = None  # pyqtgraph says nothing about its types
        self._mouse = mouse
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(2, 2, 2, 2)
        self.setAccessibleName(name)

    @property
    def view(self) -> Any:
        """The ``pyqtgraph.PlotWidget``."""
        if self._view is None:
            self._view = self._make()
            self.prepare(self._view)
            self.restyle(self._view)
            self._layout.addWidget(self._view)
        return self._view

    @property
    def drawn(self) -> bool:
        """Whether there is a view already."""
        return self._view is not None

    def prepare(self, view: Any) -> None:
        """Add axes, title and items to the new ``PlotWidget``; called once."""

    def restyle(self, view: Any) -> None:
        """Give axes and title the window's colours and font; called whenever those change."""
        faint = self.palette().placeholderText().color()
        line = QColor(faint)
        line.setAlpha(90)
        for side in ("left", "bottom"):
            axis = view.getAxis(side)
            axis.setPen(line)
            axis.setTextPen(faint)
            axis.setTickFont(self.font())
            axis.label.setFont(self.font())
            axis.label.setDefaultTextColor(faint)
        title = view.plotItem.titleLabel
        text, size = self.palette().windowText().color(), self.font().pointSizeF()
        view.setTitle(title.text or None, color=text, size=f"{size}pt", bold=True, justify="left")

    def changeEvent(self, event: QEvent) -> None:
        """Follow dark and light, and the size of the letters."""
        super().changeEvent(event)
        kind = QEvent.Type
        if self._view is not None and event.type() in (kind.PaletteChange, kind.FontChange):
            self.restyle(self._view)
            self._view.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what lies behind the plot, and a frame while the keyboard moves it."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(theme.ACCENT), 1) if self.hasFocus() else Qt.PenStyle.NoPen)
            painter.setBrush(self.palette().base())
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), _ROUND_PX, _ROUND_PX)

    def write_picture(self, path: Path) -> None:
        """Write the plot as it is shown into a ``.png``, 2000 pixels wide, or an ``.svg``.

        Raises
        ------
        UserError
            For another ending, or if the file cannot be written.
        """
        if path.suffix.lower() not in (".png", ".svg"):
            raise UserError(f"A plot cannot be written as “{path.name}”: end the name in .png or .svg.")
        written = self._as_svg() if path.suffix.lower() == ".svg" else self._as_png()
        with atomic_write(path) as temporary:
            temporary.write_bytes(written)

    # pyqtgraph's own exporter of SVG fails on curves that were thinned out.
    def _as_svg(self) -> bytes:
        data = QBuffer()
        generator = QSvgGenerator()
        generator.setOutputDevice(data)
        generator.setResolution(self.view.logicalDpiX())  # of the axes, which are kept as recordings
        generator.setSize(self.view.size())
        generator.setViewBox(self.view.rect())
        self._render(generator)
        return bytes(data.data().data())

    def _as_png(self) -> bytes:
        scale = _PICTURE_PX / self.view.width()
        image = QImage(self.view.size() * scale, QImage.Format.Format_RGB32)
        image.fill(self.palette().base().color())
        image.setDevicePixelRatio(scale)  # lines and dots that are measured in pixels grow as well
        self._render(image)
        data = QBuffer()
        data.open(QIODevice.OpenModeFlag.WriteOnly)
        image.save(data, "PNG")  # type: ignore[call-overload]  # the stubs want the format as bytes
        return bytes(data.data().data())

    def _render(self, device: QPaintDevice) -> None:
        with QPainter(device) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.fillRect(self.view.rect(), self.palette().base())
            self.view.render(painter, QRectF(self.view.rect()), self.view.rect())

    def _make(self) -> Any:
        import pyqtgraph

        view = pyqtgraph.PlotWidget(self, background=None, enableMenu=False)
        view.setCacheMode(view.CacheModeFlag.CacheNone)  # a cached background shows through a clear one
        view.viewport().setAutoFillBackground(False)
        view.setAntialiasing(True)
        view.setMouseEnabled(x=False, y=False)
        view.hideButtons()
        view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        view.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, not self._mouse)
        for side in ("left", "bottom"):
            axis = view.getAxis(side)
            axis.enableAutoSIPrefix(False)
            axis.setStyle(maxTickLevel=0, tickLength=0)
        return view
