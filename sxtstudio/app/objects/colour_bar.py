"""A colour bar: which colour stands for which value of a column."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from sxtstudio.app.objects.colouring import MAP, Scale
from sxtstudio.app.slices.colour_maps import colours_of

_BAR_PX, _GAP_PX = 12, 4


class ColourBar(QWidget):
    """Stands upright beside a plot; hidden while no column gives the colours."""

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin hidden."""
        super().__init__(parent)
        self._scale: Scale | None = None
        self._title = ""
        self.setAccessibleName("Colour bar")
        self.setMinimumHeight(60)
        self.hide()

    def show_scale(self, scale: Scale | None, title: str) -> None:
        """Show the ends of a column, or nothing."""
        self._scale, self._title = scale, title
        self.setVisible(scale is not None)
        if scale is not None:
            words = f"{title}: {scale.low:.3g} to {scale.high:.3g}; values beyond have the colour of that end"
            self.setToolTip(words)
            self.setAccessibleDescription(words)
        self.setFixedWidth(self.sizeHint().width())
        self.update()

    def sizeHint(self) -> QSize:
        """Return room for the numbers and the title."""
        if self._scale is None:
            return QSize(0, 100)
        letters = self.fontMetrics()
        numbers = max(letters.horizontalAdvance(f"{end:.3g}") for end in (self._scale.low, self._scale.high))
        return QSize(_BAR_PX + numbers + 3 * _GAP_PX + letters.height(), 160)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw bar, numbers at its ends, and the title along it."""
        packed = colours_of(MAP)
        if self._scale is None or packed is None:
            return
        painter = QPainter(self)
        height = self.fontMetrics().height()
        top, bottom = height / 2, self.height() - height / 2
        for index, colour in enumerate(packed.tolist()):
            share = (bottom - top) / 256
            painter.fillRect(
                QRectF(0, bottom - (index + 1) * share, _BAR_PX, share + 1), QColor(colour & 0xFFFFFF)
            )
        painter.setPen(self.palette().windowText().color())
        beside = _BAR_PX + _GAP_PX
        for end, y in ((self._scale.high, top), (self._scale.low, bottom)):
            place = QRectF(beside, y - height / 2, self.width() - beside, height)
            painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, f"{end:.3g}")
        painter.translate(self.width() - height, self.height() / 2)
        painter.rotate(-90)
        room = bottom - top - 2 * height
        title = self.fontMetrics().elidedText(self._title, Qt.TextElideMode.ElideRight, int(room))
        painter.drawText(QRectF(-room / 2, 0, room, height), Qt.AlignmentFlag.AlignCenter, title)
        painter.end()
