"""The steps of the work as a column of buttons, and the panel of the chosen step beside it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app import theme
from sxtstudio.app.states import Panel
from sxtstudio.app.widgets.scroll import VerticalScroll

WIDTH_PX = 392


class _Column(QWidget):
    """The buttons, one below the other; without their words where the screen is low."""

    _FULL, _ICON_ONLY = QSize(74, 56), QSize(38, 26)
    _MARGIN, _SPACING = 4, 2

    def __init__(self) -> None:
        """Begin without buttons."""
        super().__init__()
        self._buttons: list[QToolButton] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(self._MARGIN, self._MARGIN, self._MARGIN, self._MARGIN)
        self._layout.setSpacing(self._SPACING)
        self._layout.addStretch()
        self._words = True

    def add(self, button: QToolButton) -> None:
        """Add a button below the others."""
        button.setIconSize(QSize(22, 22))
        self._buttons.append(button)
        self._layout.insertWidget(self._layout.count() - 1, button)
        self._apply()

    def minimumSizeHint(self) -> QSize:
        """Return what the icons alone need in height, and the width as it is now."""
        size = self._FULL if self._words else self._ICON_ONLY
        return QSize(size.width() + 2 * self._MARGIN, self._height(self._ICON_ONLY))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the words out, or bring them back."""
        super().resizeEvent(event)
        words = self.height() >= self._height(self._FULL)
        if words != self._words:
            self._words = words
            self._apply()

    def _height(self, size: QSize) -> int:
        return len(self._buttons) * (size.height() + self._SPACING) + 2 * self._MARGIN

    def _apply(self) -> None:
        style = Qt.ToolButtonStyle
        for button in self._buttons:
            button.setFixedSize(self._FULL if self._words else self._ICON_ONLY)
            button.setToolButtonStyle(
                style.ToolButtonTextUnderIcon if self._words else style.ToolButtonIconOnly
            )
        self.updateGeometry()


class SidePanel(QWidget):
    """Shows one panel at a time; each has a title and an icon."""

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without panels."""
        super().__init__(parent)
        self._buttons = QButtonGroup(self)
        self._panels: dict[Panel, QWidget] = {}
        self._stack = QStackedWidget()
        self._column = _Column()
        line = QFrame()
        line.setFixedWidth(1)
        line.setStyleSheet("background: palette(mid);")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._stack, 1)
        layout.addWidget(line)
        layout.addWidget(self._column)
        self._buttons.idClicked.connect(self._stack.setCurrentIndex)

    def add(
        self, panel: Panel, title: str, icon: str, widget: QWidget, footer: QWidget | None = None
    ) -> None:
        """Add a panel below the others; ``footer`` stays at the lower end of it while it scrolls."""
        button = QToolButton()
        button.setText(title)
        theme.set_icon(button, icon)
        button.setCheckable(True)
        button.setAutoRaise(True)
        button.setToolTip(f"Show the panel “{title}”")
        self._column.add(button)
        number = len(self._panels)
        self._panels[panel] = widget
        self._buttons.addButton(button, number)
        self._stack.addWidget(_page(title, widget, footer))
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

    def button(self, panel: Panel) -> QAbstractButton:
        """Return the button that shows a panel."""
        return self._buttons.button(list(self._panels).index(panel))

    def widget(self, panel: Panel) -> QWidget:
        """Return the widget of a panel."""
        return self._panels[panel]


def _page(title: str, panel: QWidget, footer: QWidget | None) -> QWidget:
    """Put a title above the panel, both into a scroll area for small screens, and the footer below that."""
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.setContentsMargins(12, 10, 12, 10)
    heading = QLabel(title)
    heading.setProperty("role", "title")
    layout.addWidget(heading)
    layout.addWidget(panel, 1)
    area = VerticalScroll(page)
    if footer is None:
        return area
    whole = QWidget()
    column = QVBoxLayout(whole)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    column.addWidget(area, 1)
    lower = QVBoxLayout()
    lower.setContentsMargins(12, 6, 12, 8)
    lower.addWidget(footer)
    column.addLayout(lower)
    return whole
