"""A colour bar: which colour stands for which value of a column."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from sxtstudio.app.objects.colouring import MAP
from sxtstudio.app.slices.colour_maps import colours_of

_BAR_PX, _GAP_PX, _STOPS = 12, 4, 32


class PlotColourBar(QWidget):
    """Stands upright beside a plot; hidden while no column gives the colours."""

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin hidden."""
        super().__init__(parent)
        self._bar: tuple[float, float, str] | None = None
        self.setAccessibleName("Colour bar")
        self.setMinimumHeight(60)
        self.hide()

    def show_bar(self, bar: tuple[float, float, str] | None) -> None:
        """Show the lowest and the highest value, and a title; or nothing."""
        self._bar = bar
        self.setVisible(bar is not None)
        if bar is not None:
            low, high, title = bar
            words = f"{title}: {low:.3g} to {high:.3g}; values beyond have the colour of that end"
            self.setToolTip(words)
            self.setAccessibleDescription(words)
        self.setFixedWidth(self.sizeHint().width())
        self.update()

    def sizeHint(self) -> QSize:
        """Return room for the numbers and the title."""
        if self._bar is None:
            return QSize(0, 100)
        letters = self.fontMetrics()
        numbers = max(letters.horizontalAdvance(f"{end:.3g}") for end in self._bar[:2])
        return QSize(_BAR_PX + numbers + 3 * _GAP_PX + letters.height(), 160)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw bar, numbers at its ends, and the title along it."""
        if self._bar is not None:
            with QPainter(self) as painter:
                painter.setPen(self.palette().windowText().color())
                paint_bar(painter, QRectF(self.rect()), *self._bar)


def paint_bar(painter: QPainter, area: QRectF, low: float, high: float, title: str) -> None:
    """Draw a colour bar into an area, with the painter's pen and font; a gradient stays one in an SVG."""
    packed = colours_of(MAP)
    if packed is None:
        return
    letters = painter.fontMetrics()
    height = letters.height()
    top, bottom = area.top() + height / 2, area.bottom() - height / 2
    gradient = QLinearGradient(0, bottom, 0, top)
    for share in range(_STOPS + 1):
        gradient.setColorAt(share / _STOPS, QColor(int(packed[share * 255 // _STOPS]) & 0xFFFFFF))
    painter.fillRect(QRectF(area.left(), top, _BAR_PX, bottom - top), gradient)
    beside = area.left() + _BAR_PX + _GAP_PX
    for end, y in ((high, top), (low, bottom)):
        place = QRectF(beside, y - height / 2, area.right() - beside, height)
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, f"{end:.3g}")
    painter.save()
    painter.translate(area.right() - height, area.center().y())
    painter.rotate(-90)
    room = bottom - top - 2 * height
    shown = letters.elidedText(title, Qt.TextElideMode.ElideRight, int(room))
    painter.drawText(QRectF(-room / 2, 0, room, height), Qt.AlignmentFlag.AlignCenter, shown)
    painter.restore()
