"""The steps of the work as a column of buttons, and the panel of the chosen step beside it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app import theme
from sxtstudio.app.states import Panel

WIDTH_PX = 392


class _Scroll(QScrollArea):
    """Scrolls up and down only: it is never narrower than what it holds."""

    def minimumSizeHint(self) -> QSize:
        """Return the width of the content with room for the scroll bar."""
        hint = super().minimumSizeHint()
        content = self.widget()
        if content is not None:
            bar = self.verticalScrollBar().sizeHint().width()
            hint.setWidth(content.minimumSizeHint().width() + bar)
        return hint


class SidePanel(QWidget):
    """Shows one panel at a time; each has a title and an icon."""

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without panels."""
        super().__init__(parent)
        self._buttons = QButtonGroup(self)
        self._panels: dict[Panel, QWidget] = {}
        self._stack = QStackedWidget()
        self._column = QVBoxLayout()
        self._column.setContentsMargins(4, 6, 4, 6)
        self._column.setSpacing(2)
        self._column.addStretch()
        line = QFrame()
        line.setFixedWidth(1)
        line.setStyleSheet("background: palette(mid);")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._stack, 1)
        layout.addWidget(line)
        layout.addLayout(self._column)
        self._buttons.idClicked.connect(self._stack.setCurrentIndex)

    def add(self, panel: Panel, title: str, icon: str, widget: QWidget) -> None:
        """Add a panel below the others."""
        button = QToolButton()
        button.setText(title)
        theme.set_icon(button, icon)
        button.setIconSize(QSize(22, 22))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setCheckable(True)
        button.setAutoRaise(True)
        button.setFixedSize(74, 56)
        button.setToolTip(f"Show the panel “{title}”")
        self._column.insertWidget(self._column.count() - 1, button)
        number = len(self._panels)
        self._panels[panel] = widget
        self._buttons.addButton(button, number)
        self._stack.addWidget(_page(title, widget))
        if number == 0:
            button.setChecked(True)

    def show_panel(self, panel: Panel) -> None:
        """Bring a panel to the front."""
        number = list(self._panels).index(panel)
        self._stack.setCurrentIndex(number)
        self._buttons.button(number).setChecked(True)

    @property
    def current(self) -> Panel:
        """The panel that is shown."""
        return list(self._panels)[self._stack.currentIndex()]

    def widget(self, panel: Panel) -> QWidget:
        """Return the widget of a panel."""
        return self._panels[panel]


def _page(title: str, panel: QWidget) -> QWidget:
    """Put a title above the panel, and both into a scroll area for small screens."""
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.setContentsMargins(12, 10, 12, 10)
    heading = QLabel(title)
    heading.setProperty("role", "title")
    layout.addWidget(heading)
    layout.addWidget(panel, 1)
    area = _Scroll()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(page)
    return area
