"""The lower end of a panel: what its main buttons do is said above them, and they stay where they are."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

MOST_PX = 170
# Of the window's height, for messages that need as much.
_SHARE = 5
_LOWEST_SCREEN_PX = 600  # more than anything below a panel needs; there is no other limit


class _Messages(QScrollArea):
    """As high as its texts, up to a limit; what is longer scrolls."""

    def __init__(self, texts: Sequence[QWidget], most_px: int = MOST_PX) -> None:
        super().__init__()
        self._most_px = most_px
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Maximum)
        self._texts, self._wanted = tuple(texts), 0
        self._content = QWidget()
        self._column = QVBoxLayout(self._content)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        for text in texts:
            self._column.addWidget(text)
        self.setWidget(self._content)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it would show none
        self._content.installEventFilter(self)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the texts."""
        if event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lines break elsewhere in another width, and there is more or less room in another height."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        wanted = 0
        if any(text.isVisibleTo(self._content) for text in self._texts):
            width = max(1, self.viewport().width())
            flows = self._column.hasHeightForWidth()
            wanted = self._column.heightForWidth(width) if flows else self._column.sizeHint().height()
        self._wanted = min(self._most_px, max(0, wanted))
        self.setMaximumHeight(self._wanted)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Return the height of the texts."""
        return QSize(100, self._wanted)

    def minimumSizeHint(self) -> QSize:
        """Give way on low screens only: the fields above can be scrolled better than a text of few lines."""
        least = 2 * self.fontMetrics().lineSpacing()
        if self._most_px == MOST_PX:
            least = max(least, self.window().height() // _SHARE)
        return QSize(40, min(self._wanted, least))


class Footer(QWidget):
    """Stands below a panel and does not scroll with it; grows upwards, so that buttons keep their place.

    What is shown for a while, such as a question with pictures, scrolls where the window is too low for it.
    """

    def __init__(self, messages: Sequence[QWidget], below: Sequence[QWidget | QLayout] = ()) -> None:
        """Put ``messages`` above what has to stay in its place."""
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        self.messages = tuple(messages)
        layout.addWidget(_Messages(messages))
        for part in below:
            if isinstance(part, QLayout):
                layout.addLayout(part)
            elif (inner := part.layout()) is not None and inner.hasHeightForWidth():
                layout.addWidget(_Messages((part,), _LOWEST_SCREEN_PX))
            else:
                layout.addWidget(part)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
