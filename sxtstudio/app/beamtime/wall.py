"""The wall: a card for each tomogram, painted only where it is seen, so that thousands are as few."""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from sxtstudio.app import theme
from sxtstudio.app.beamtime.model import WallModel
from sxtstudio.app.beamtime.thumbnails import Thumbnails
from sxtstudio.core.printable import printable
from sxtstudio.workflow.beamtime.record import PictureKind, TomogramRecord
from sxtstudio.workflow.beamtime.summary import TomogramMark, headline_of, mark_of

Index = QModelIndex | QPersistentModelIndex
PICTURE_PX, _EDGE_PX, _REASON_LINES = 150, 8, 4
# Names of a beamtime begin alike, and one line holds some twenty letters.
_NAME_LINES = 2
# For light and for dark: a text in these is read on a card.
_COLOURS: dict[TomogramMark, tuple[str, str]] = {
    TomogramMark.FAILED: ("#b3261e", "#ff8a80"),
    TomogramMark.BAD: ("#b3261e", "#ff8a80"),
    TomogramMark.LOOK: ("#8a5a00", "#ffc44d"),
    TomogramMark.GOOD: ("#1f7a3a", "#7bd88f"),
    TomogramMark.RUNNING: ("#0b62b8", "#7cb7ff"),
}


def colour_of(mark: TomogramMark, palette: QPalette) -> QColor:
    """Return the colour of a mark as text, in a dark or a light window."""
    known = _COLOURS.get(mark)
    return palette.placeholderText().color() if known is None else QColor(known[theme.is_dark()])


class Card(QStyledItemDelegate):
    """Paints a tomogram: its picture, its mark, its name, and why it asks for a look."""

    def __init__(self, cards: WallModel, thumbnails: Thumbnails, parent: QWidget) -> None:
        """Paint the tomograms of ``cards``, with pictures from ``thumbnails``."""
        super().__init__(parent)
        self._cards = cards
        self._thumbnails = thumbnails
        self.folder = Path()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """All cards are of one size: the view need not ask for each."""
        lines = option.fontMetrics.lineSpacing() * (_NAME_LINES + 1 + _REASON_LINES)
        return QSize(PICTURE_PX + 2 * _EDGE_PX, PICTURE_PX + lines + 3 * _EDGE_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a card."""
        record = self._cards.record(index)
        if record is None:
            return
        rect: QRect = option.rect.adjusted(2, 2, -2, -2)
        palette: QPalette = option.palette
        state: QStyle.StateFlag = option.state
        mark = mark_of(record)
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        painter.save()
        if record.replaced:
            painter.setOpacity(0.55)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line = (
            colour_of(mark, palette)
            if mark in (TomogramMark.FAILED, TomogramMark.BAD, TomogramMark.LOOK)
            else palette.mid().color()
        )
        pen = QPen(palette.highlight().color() if chosen else line, 2 if chosen else 1)
        painter.setPen(pen)
        painter.setBrush(palette.base())
        painter.drawRoundedRect(rect, 6, 6)
        self._paint_picture(painter, record, rect, palette)
        self._paint_text(painter, option, record, mark, rect)
        painter.restore()

    def _paint_picture(
        self, painter: QPainter, record: TomogramRecord, rect: QRect, palette: QPalette
    ) -> None:
        place = QRect(
            rect.left() + (rect.width() - PICTURE_PX) // 2, rect.top() + _EDGE_PX, PICTURE_PX, PICTURE_PX
        )
        name = record.picture(PictureKind.SMALL)
        ratio = painter.device().devicePixelRatio()
        picture = (
            None if name is None else self._thumbnails.get(self.folder / name, round(PICTURE_PX * ratio))
        )
        if picture is None or picture.isNull():
            painter.fillRect(place, palette.alternateBase())
            painter.setPen(palette.placeholderText().color())
            text = "" if picture is None and name is not None else mark_of(record).value
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)
            return
        size = picture.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
        target = QRect(place.topLeft(), size)
        target.moveCenter(place.center())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(target, picture)

    def _paint_text(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        record: TomogramRecord,
        mark: TomogramMark,
        rect: QRect,
    ) -> None:
        palette: QPalette = option.palette
        metrics: QFontMetrics = option.fontMetrics
        font = QFont(option.font)
        left, width = rect.left() + _EDGE_PX, rect.width() - 2 * _EDGE_PX
        top, high = rect.top() + PICTURE_PX + 2 * _EDGE_PX - 3, metrics.lineSpacing()
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(palette.text().color())
        name = name_lines(printable(record.name), painter.fontMetrics(), width)
        painter.drawText(QRect(left, top, width, _NAME_LINES * high), Qt.AlignmentFlag.AlignLeft, name)
        top += high * name.count("\n")
        painter.setPen(colour_of(mark, palette))
        word = "replaced" if record.replaced else mark.value
        painter.drawText(QRect(left, top + high, width, high), Qt.AlignmentFlag.AlignLeft, word)
        font.setBold(False)
        painter.setFont(font)
        painter.setPen(palette.placeholderText().color())
        place = QRect(left, top + 2 * high, width, _REASON_LINES * high)
        text = _in_lines(printable(headline_of(record)), metrics, width)
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft, text)


def name_lines(name: str, metrics: QFontMetrics, width: int) -> str:
    """Return a name in two lines at most, broken anywhere; of a longer one the middle is cut."""
    if metrics.horizontalAdvance(name) <= width:
        return name
    fits = bisect_right(range(1, len(name)), width, key=lambda n: metrics.horizontalAdvance(name[:n]))
    first = max(1, fits)
    return f"{name[:first]}\n{metrics.elidedText(name[first:], Qt.TextElideMode.ElideLeft, width)}"


def _in_lines(text: str, metrics: QFontMetrics, width: int) -> str:
    """Return a text broken into lines that fit, the last of them cut."""
    words, lines = text.split(), [""]
    while words:
        longer = f"{lines[-1]} {words[0]}".strip()
        if lines[-1] and metrics.horizontalAdvance(longer) > width:
            if len(lines) == _REASON_LINES:
                break
            lines.append("")
            continue
        lines[-1] = longer
        words.pop(0)
    lines[-1] = " ".join([lines[-1], *words])
    return "\n".join(metrics.elidedText(line, Qt.TextElideMode.ElideRight, width) for line in lines)


class Wall(QListView):
    """The cards.

    Signals
    -------
    chosen
        Another tomogram, or None.
    opened
        A tomogram was double-clicked, or Enter was pressed on it.
    """

    chosen = Signal(object)
    opened = Signal(object)

    def __init__(self, cards: WallModel, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        """Show the tomograms of ``cards``."""
        super().__init__(parent)
        self._cards = cards
        self.why_empty = ""
        self.setModel(cards)
        self.card = Card(cards, thumbnails, self)
        self.setItemDelegate(self.card)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setLayoutMode(QListView.LayoutMode.SinglePass)
        self.setSelectionMode(QListView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setSpacing(4)
        self.setAccessibleName("Tomograms of the beamtime")
        self.setMinimumWidth(2 * PICTURE_PX)
        thumbnails.arrived.connect(lambda path: self.viewport().update())
        self.activated.connect(self._on_activated)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Say on an empty wall why it is empty."""
        super().paintEvent(event)
        if self._cards.rowCount():
            return
        with QPainter(self.viewport()) as painter:
            painter.setPen(self.palette().placeholderText().color())
            room = self.viewport().rect().adjusted(20, 20, -20, -20)
            painter.drawText(
                room, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, printable(self.why_empty)
            )

    def currentChanged(self, current: Index, previous: Index) -> None:
        """Say which tomogram is chosen."""
        super().currentChanged(current, previous)
        self.chosen.emit(self._cards.record(current))

    def _on_activated(self, index: QModelIndex) -> None:
        record = self._cards.record(index)
        if record is not None:
            self.opened.emit(record)
