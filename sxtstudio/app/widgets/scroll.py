"""A scroll area for columns of fields."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

_SETTLED_MS = (30, 150)  # notes take the height of their lines a little later


class VerticalScroll(QScrollArea):
    """Scrolls up and down only: it is never narrower than its content, and squashes nothing in it."""

    def __init__(self, content: QWidget, parent: QWidget | None = None) -> None:
        """Show ``content``, as wide as there is room."""
        super().__init__(parent)
        self._content = content
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(content)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it would show none; it follows that of its fields
        content.installEventFilter(self)

    def minimumSizeHint(self) -> QSize:
        """Return the width of the content with room for the scroll bar, and three lines of height."""
        hint = super().minimumSizeHint()
        bar = self.verticalScrollBar().sizeHint().width()
        hint.setHeight(min(hint.height(), 3 * self.fontMetrics().lineSpacing()))
        hint.setWidth(self._content.minimumSizeHint().width() + bar)
        return hint

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow what comes and goes in the content."""
        if watched is self._content and event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lines break elsewhere in another width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Give the content the height that it needs in its width.

        Left to itself Qt gives it what it would need in another width: where a text above then takes more
        lines, the fields below it have none left.
        """
        layout = self._content.layout()
        if layout is not None:
            flows = layout.hasHeightForWidth()
            width = self.viewport().width()
            self._content.setMinimumHeight(layout.minimumHeightForWidth(width) if flows else 0)


def bring_into_view(widget: QWidget) -> None:
    """Scroll so that a widget of a panel is seen, once what lies around it has laid itself out."""
    area = widget.parentWidget()
    while area is not None and not isinstance(area, VerticalScroll):
        area = area.parentWidget()
    if isinstance(area, VerticalScroll):
        found = area
        for later_ms in _SETTLED_MS:
            QTimer.singleShot(later_ms, widget, lambda: found.ensureWidgetVisible(widget, 0, 8))
