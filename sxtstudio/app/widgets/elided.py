"""A line of words that gives way: it is cut short in the middle rather than making its window wider."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QWidget

_LEAST_PX = 40


class ElidedLabel(QLabel):
    """Wants as much room as its words need, up to ``most_px``, and takes less where there is less."""

    def __init__(self, most_px: int = 360, parent: QWidget | None = None) -> None:
        """Begin without words."""
        super().__init__(parent)
        self._most_px = most_px
        self.setTextFormat(Qt.TextFormat.PlainText)

    def sizeHint(self) -> QSize:
        """Return the room for all words."""
        hint = super().sizeHint()
        return QSize(min(hint.width(), self._most_px), hint.height())

    def minimumSizeHint(self) -> QSize:
        """Return the room for the beginning and the end."""
        hint = super().minimumSizeHint()
        return QSize(min(hint.width(), _LEAST_PX), hint.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the words, or what fits of them."""
        with QPainter(self) as painter:
            mode = Qt.TextElideMode.ElideMiddle
            text = self.fontMetrics().elidedText(self.text(), mode, self.contentsRect().width())
            self.style().drawItemText(
                painter, self.contentsRect(), int(self.alignment()), self.palette(), self.isEnabled(), text,
                self.foregroundRole(),
            )  # fmt: skip
