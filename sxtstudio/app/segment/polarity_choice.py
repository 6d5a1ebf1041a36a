"""Two pictures of one slice, segmented for dark and for bright membranes: the user clicks the right one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QFocusEvent, QImage, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from sxtstudio.app.widgets.hasty_clicks import ignore_hasty_clicks
from sxtstudio.core.contrast import to_grey
from sxtstudio.core.polarity import Polarity
from sxtstudio.core.wording import share

#: Edge of what a picture shows, in pixels of the slice: a few organelles, large enough to see their outlines.
PIECE_PX = 192
_COARSE_PX = 16
_GAP_PX = 4
Labels = NDArray[np.uint8]
Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class PolarityPictures:
    """The same piece of a slice, RGB (y, x, 3), outlined for dark and for bright membranes."""

    dark: Picture
    bright: Picture


def draw_pictures(
    image: NDArray[np.generic],
    dark: Labels,
    bright: Labels,
    window: tuple[float, float],
    colour: tuple[int, int, int],
) -> PolarityPictures:
    """Draw the piece of a slice in which the two outlines differ most.

    Parameters
    ----------
    image, dark, bright
        The slice and its labels for either polarity, all (y, x).
    window
        Grey values that are drawn black and white.
    colour
        Of the labels, RGB.
    """
    piece = _piece((dark > 0) ^ (bright > 0))
    grey = to_grey(image[piece], window)

    def drawn(labels: Labels) -> Picture:
        picture = np.repeat(grey[..., np.newaxis], 3, axis=2)
        outlined = labels[piece] > 0
        picture[outlined] = (0.35 * picture[outlined] + 0.65 * np.array(colour)).astype(np.uint8)
        return picture

    return PolarityPictures(drawn(dark), drawn(bright))


class TwoPolarities(QWidget):
    """Asks which outlines follow the membranes; hidden while there is nothing to ask.

    Signals
    -------
    chosen(str)
        "dark" or "bright" was clicked.
    pointed_at(str)
        The mouse or the keyboard focus is on "dark" or "bright", so that the whole slice can show it.
    """

    chosen = Signal(str)
    pointed_at = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        """Ask nothing yet."""
        super().__init__(parent)
        self.question = QLabel()
        self.question.setWordWrap(True)
        self.question.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.dark, self.bright = _PictureButton("Dark membranes"), _PictureButton("Bright membranes")
        pictures = QHBoxLayout()
        pictures.setSpacing(8)
        for button, value in ((self.dark, "dark"), (self.bright, "bright")):
            pictures.addWidget(button, 1)
            button.clicked.connect(lambda _=False, value=value: self.chosen.emit(value))
            button.pointed_at.connect(lambda value=value: self.pointed_at.emit(value))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.question)
        layout.addLayout(pictures)
        ignore_hasty_clicks(self)
        self.hide()

    def ask(self, judged: Polarity, pictures: PolarityPictures) -> None:
        """Show both pictures, and how sure the program is of which."""
        self.question.setText(
            f"<b>Are membranes dark or bright?</b> The program is only {share(judged.probability)} sure of "
            f"{judged.value}. Click the picture whose outlines follow the membranes."
        )
        self.dark.show_picture(pictures.dark)
        self.bright.show_picture(pictures.bright)
        self.show()

    @property
    def asking(self) -> bool:
        """Whether the user has not answered yet."""
        return not self.isHidden()


class _PictureButton(QAbstractButton):
    """A square picture with a caption; under the mouse or the focus it has a frame."""

    pointed_at = Signal()

    def __init__(self, text: str) -> None:
        super().__init__()
        self.setText(text)
        self.setToolTip(f"{text} are right; point at it to see the whole slice so")
        self.setAccessibleName(text)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._pixmap = QPixmap()

    def show_picture(self, picture: Picture) -> None:
        """Show an RGB picture (y, x, 3)."""
        picture = np.ascontiguousarray(picture)
        height, width = picture.shape[:2]
        image = QImage(picture.data, width, height, 3 * width, QImage.Format.Format_RGB888)
        self._pixmap = QPixmap.fromImage(image)  # which copies it
        self.update()

    def hasHeightForWidth(self) -> bool:
        """As high as wide, and the caption."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height of a square and its caption."""
        return width // 4 * 4 + self._caption_px  # so that one of two is not a pixel higher

    def sizeHint(self) -> QSize:
        """Return half of a panel's width."""
        return QSize(170, self.heightForWidth(170))

    def minimumSizeHint(self) -> QSize:
        """Return a size in which outlines are still seen."""
        return QSize(100, self.heightForWidth(100))

    def enterEvent(self, event: QEnterEvent) -> None:
        """Say that the mouse is here."""
        super().enterEvent(event)
        self.pointed_at.emit()
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Take the frame away."""
        super().leaveEvent(event)
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Say that the focus is here, if the keyboard brought it."""
        super().focusInEvent(event)
        if event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason):
            self.pointed_at.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint picture, frame and caption."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            edge = min(self.width(), self.height() - self._caption_px)
            square = QRect((self.width() - edge) // 2, 0, edge, edge)
            if not self._pixmap.isNull():
                painter.drawPixmap(square, self._pixmap)
            marked = self.underMouse() or self.hasFocus()
            role = self.palette().highlight() if marked else self.palette().mid()
            pen = QPen(role.color(), 3 if marked else 1)
            pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
            inset = pen.width() // 2
            painter.setPen(pen)
            painter.drawRect(square.adjusted(inset, inset, -inset - 1, -inset - 1))
            painter.setPen(self.palette().windowText().color())
            caption = QRect(0, edge + _GAP_PX, self.width(), self.fontMetrics().height())
            painter.drawText(caption, Qt.AlignmentFlag.AlignHCenter, self.text())

    @property
    def _caption_px(self) -> int:
        return _GAP_PX + self.fontMetrics().height()


def _piece(differs: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return the square of at most 192 px that holds most of what differs."""
    edge = min(PIECE_PX, *differs.shape)
    sums = np.pad(differs.astype(np.int64), ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    inside = sums[edge:, edge:] - sums[:-edge, edge:] - sums[edge:, :-edge] + sums[:-edge, :-edge]
    coarse = inside[::_COARSE_PX, ::_COARSE_PX]
    y, x = np.unravel_index(int(coarse.argmax()), coarse.shape)
    top, left = int(y) * _COARSE_PX, int(x) * _COARSE_PX
    # Many squares may hold as much: what differs lies in the middle of the best one.
    there = np.argwhere(differs[top : top + edge, left : left + edge])
    if len(there):
        down, right = there.mean(axis=0).round().astype(int) - edge // 2
        top, left = top + int(down), left + int(right)
    top, left = (min(max(0, n), length - edge) for n, length in zip((top, left), differs.shape, strict=True))
    return slice(top, top + edge), slice(left, left + edge)
