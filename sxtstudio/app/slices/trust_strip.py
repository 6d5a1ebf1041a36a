"""Along the slice slider: how sure the network was of the labels of each slice."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QSlider, QStyle, QStyleOptionSlider, QToolTip, QWidget

from sxtstudio.core.trust import LOW, CertaintyScale, SliceTrust, Trust, scale_of
from sxtstudio.core.wording import share

#: From unsure to sure: vermilion, pale, blue, which the colour-blind tell apart as well (Okabe and Ito).
_COLOURS = ((213, 94, 0), (240, 228, 190), (0, 114, 178))
UNSURE, SURE = (f"#{r:02x}{g:02x}{b:02x}" for r, g, b in (_COLOURS[0], _COLOURS[2]))
_HEIGHT = 8


def colour_of(certainty: float, scale: CertaintyScale) -> QColor:
    """Return the colour of a certainty."""
    place = 2 * scale.place(certainty)
    low, high = _COLOURS[:2] if place < 1 else _COLOURS[1:]
    part = place - (place >= 1)
    return QColor(*(round(a + part * (b - a)) for a, b in zip(low, high, strict=True)))


class TrustStrip(QWidget):
    """A coloured strip as long as the way of a slider's handle; a click chooses the slice.

    Signals
    -------
    chosen(int)
        A slice was clicked.
    """

    chosen = Signal(int)

    def __init__(self, slider: QSlider, parent: QWidget | None = None) -> None:
        """Show nothing yet; ``slider`` lies above, as wide as this."""
        super().__init__(parent)
        self._slider = slider
        self.figures: Trust = ()
        self.scale: CertaintyScale | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("How sure the network was of each slice")

    def show_figures(self, figures: Trust) -> None:
        """Show figures, one for each slice, or hide if there are none."""
        self.figures, self.scale = figures, scale_of(figures)
        self.setVisible(bool(figures))
        self.update()

    def slice_at(self, x: int) -> int:
        """Return the slice whose handle would be at ``x``."""
        left, span = self._way()
        return QStyle.sliderValueFromPosition(0, max(0, len(self.figures) - 1), x - left, span)

    def place_of(self, z: int) -> int:
        """Return the x at which the slider's handle is for slice ``z``."""
        left, span = self._way()
        return left + QStyle.sliderPositionFromValue(0, max(0, len(self.figures) - 1), z, span)

    def sizeHint(self) -> QSize:
        """Return a low strip."""
        return QSize(100, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint a line for every pixel; where it stands for several slices, the least certain one."""
        with QPainter(self) as painter:
            left, span = self._way()
            painter.fillRect(QRect(left, self.height() // 2, span + 1, 1), self.palette().mid().color())
            last = len(self.figures) - 1
            for x in range(span + 1 if self.figures else 0):
                low, high = (round(last * (x + side) / max(1, span)) for side in (-0.5, 0.5))
                part = self.figures[max(0, low) : max(0, low, min(last, high)) + 1]
                known = [figure.certainty for figure in part if figure.certainty is not None]
                if known and self.scale is not None:
                    painter.fillRect(QRect(left + x, 0, 1, self.height()), colour_of(min(known), self.scale))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the slice under the pointer."""
        if event.button() == Qt.MouseButton.LeftButton and self.figures:
            self.chosen.emit(self.slice_at(event.position().toPoint().x()))

    def event(self, event: QEvent) -> bool:
        """Say what is known of the slice under the pointer."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent) and self.figures:
            z = self.slice_at(event.pos().x())
            QToolTip.showText(event.globalPos() + QPoint(0, 8), tip(z, self.figures[z]), self)
            return True
        return super().event(event)

    def _way(self) -> tuple[int, int]:
        """Where the middle of the slider's handle begins, and how far it goes."""
        option = QStyleOptionSlider()
        self._slider.initStyleOption(option)
        handle = self._slider.style().pixelMetric(QStyle.PixelMetric.PM_SliderLength, option, self._slider)
        return handle // 2, max(1, self.width() - handle)


def legend(scale: CertaintyScale, figures: Trust = ()) -> str:
    """Return what the first and the last colour stand for, as rich text; of one slice what it has."""
    known = [figure.certainty for figure in figures if figure.certainty is not None]
    if len(known) == 1:
        return f'<span style="color:{colour_of(known[0], scale).name()}">■</span> {100 * known[0]:.0f} %'
    ends = (
        f'<span style="color:{colour}">■</span> {100 * value:.0f} %'
        for colour, value in ((UNSURE, scale.low), (SURE, scale.high))
    )
    return " &nbsp;".join(ends)


def about(scale: CertaintyScale) -> str:
    """Return what the colours say, and what they do not."""
    low, high = (f"{100 * value:.0f} %" for value in (scale.low, scale.high))
    throughout = f" On the scale for all tomograms it is {scale.words}." if scale.words else ""
    return (
        "How sure the network was of the labels of each slice. The colours show the differences within "
        f"this tomogram, from {low} to {high}.{throughout} 100 % would be sure of every label; in our tests, "
        f"slices below {100 * LOW:.0f} % had hardly a right one. On simulated tomograms that look unlike "
        "those of the training, less sure slices had more wrong labels, and missed more. "
        "Look at the unsure ones first."
    )


def tip(z: int, figure: SliceTrust) -> str:
    """Return what is known of slice ``z``, counted from 0."""
    lines = []
    if figure.certainty is None:
        lines.append(f"Slice {z + 1}: the network has not segmented it, or labelled nothing in it.")
    else:
        lines.append(
            f"Slice {z + 1}: the network is {100 * figure.certainty:.0f} % sure of its labels. "
            "In our tests on simulated tomograms, less sure slices had more wrong labels, and missed more."
        )
    if figure.recognised is not None:
        lines.append(
            f"It redraws {100 * figure.recognised:.0f} % of the pixels within one standard deviation; "
            "this share did not tell how right the labels were."
        )
    if figure.measured is not None and figure.measured < 1:
        lines.append(f"{share(1 - figure.measured)} of it was not measured, and none of this counts it.")
    return "\n".join(lines)
