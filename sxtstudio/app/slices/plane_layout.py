"""XY large, XZ below it, YZ at its right: sizes that suit the shape of the volume, movable by the user."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QLabel, QSplitter, QVBoxLayout, QWidget

from sxtstudio.app.slices.camera import Camera
from sxtstudio.app.slices.plane_view import PlaneView
from sxtstudio.app.slices.readout import GAP
from sxtstudio.app.slices.slice_bar import SliceBar

# Least and most share of the width or height that a side view gets.
_SHARES = (0.16, 0.4)
_HANDLE = 5
_WHAT_CHARACTERS = 56  # a value, whether it is labelled, and an object with its class
_LOW_PX = 150  # in less height XZ would be a line, and XY is worth more


class PlaneLayout(QWidget):
    """Arranges the three views; the two upper and the two lower columns keep the same widths."""

    def __init__(self, xy: PlaneView, xz: PlaneView, yz: PlaneView, bar: SliceBar) -> None:
        """Put the views together."""
        super().__init__()
        self._xz = xz
        self.corner = Corner()
        self.line = ReadoutLine()
        self._top = _splitter(Qt.Orientation.Horizontal, xy, yz)
        self._bottom = _splitter(Qt.Orientation.Horizontal, xz, self.corner)
        self._rows = _splitter(Qt.Orientation.Vertical, self._top, self._bottom)
        self._top.splitterMoved.connect(lambda: self._bottom.setSizes(self._top.sizes()))
        self._bottom.splitterMoved.connect(lambda: self._top.setSizes(self._bottom.sizes()))
        self._yz = yz
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._rows, 1)
        layout.addWidget(bar)
        layout.addWidget(self.line)

    def show_sides(self, shown: bool) -> None:
        """Show all three planes, or XY alone."""
        self._yz.setVisible(shown)
        self._show_bottom()

    def _show_bottom(self) -> None:
        self._bottom.setVisible(self.sides_shown and self.height() >= _LOW_PX)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the XZ view out where there is no height for it."""
        super().resizeEvent(event)
        self._show_bottom()

    @property
    def sides_shown(self) -> bool:
        """Whether all three planes are shown."""
        return not self._yz.isHidden()

    def suit(self, camera: Camera) -> None:
        """Share the room so that all three planes fill their views at the same zoom."""
        width, height = self._rows.width() - _HANDLE, self._rows.height() - _HANDLE
        z, y, x = (camera.length(axis) for axis in range(3))
        for splitter, room, across in ((self._top, width, x), (self._rows, height, y)):
            # The zoom at which everything fits decides how deep the side views look.
            zoom = min(width / (x + z), height / (y + z))
            side = max(min(z * zoom * 1.06 / room, _SHARES[1]), _SHARES[0])
            side = min(side, 1 - across * zoom / room * 0.98) if side > _SHARES[0] else side
            side = max(side, _SHARES[0])
            sizes = [round(room * (1 - side)), round(room * side)]
            splitter.setSizes(sizes)
        self._bottom.setSizes(self._top.sizes())


class ReadoutLine(QLabel):
    """Where the pointer is and what is there: in one line, or in two where there is no room for one.

    How many does not depend on what is there: the views would jump with the pointer.
    """

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__(" ")
        self._parts = ("", "")
        self._room = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.setContentsMargins(8, 1, 8, 3)
        self.setMinimumWidth(1)

    def make_room(self, where: str) -> None:
        """Show nothing; places will be as long as this one."""
        self._room = where
        self.show_parts("", "")

    def show_parts(self, where: str, what: str) -> None:
        """Show a place and what is there; what is too long ends with dots."""
        self._parts, self._room = (where, what), where or self._room
        metrics, width = QFontMetrics(self.font()), self.contentsRect().width()
        longest = self._room + GAP + _WHAT_CHARACTERS * "0"
        if metrics.horizontalAdvance(longest) > width:
            rows = [where, what]
        else:
            rows = [GAP.join(part for part in (where, what) if part)]
        shown = (metrics.elidedText(row, Qt.TextElideMode.ElideRight, width) for row in rows)
        self.setText("\n".join(row or " " for row in shown))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Choose again."""
        super().resizeEvent(event)
        self.show_parts(*self._parts)


class Corner(QLabel):
    """Where the crosshair is, as far as there is room for it."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self._texts: tuple[str, ...] = ()
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setMinimumSize(1, 1)
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.setProperty("role", "note")
        self.setToolTip("Where the crosshair is")

    def show_texts(self, texts: tuple[str, ...]) -> None:
        """Show the longest of these that fits."""
        self._texts = texts
        metrics = QFontMetrics(self.font())
        fitting = (
            text
            for text in texts
            if metrics.size(0, text).width() < self.width() - 4
            and metrics.size(0, text).height() < self.height()
        )
        self.setText(next(fitting, ""))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Choose again."""
        super().resizeEvent(event)
        self.show_texts(self._texts)


def _splitter(way: Qt.Orientation, first: QWidget, second: QWidget) -> QSplitter:
    splitter = QSplitter(way)
    splitter.addWidget(first)
    splitter.addWidget(second)
    splitter.setChildrenCollapsible(False)
    splitter.setHandleWidth(_HANDLE)
    splitter.setStretchFactor(0, 4)
    splitter.setStretchFactor(1, 1)
    return splitter
