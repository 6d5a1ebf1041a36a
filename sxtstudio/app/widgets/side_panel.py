"""The steps of the work as a column of buttons, and the panel of the chosen step beside it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
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
_ANY_WIDTH_PX = 16_777_215  # QWIDGETSIZE_MAX


class _Column(QWidget):
    """The buttons, one below the other; without their words where the screen is low, or narrow."""

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
        self._high = self._words = True

    def add(self, button: QToolButton) -> None:
        """Add a button below the others."""
        button.setIconSize(QSize(22, 22))
        self._buttons.append(button)
        self._layout.insertWidget(self._layout.count() - 1, button, 0, Qt.AlignmentFlag.AlignHCenter)
        self._apply()

    def sizeHint(self) -> QSize:
        """Return the room for the words, where it is high enough for them."""
        return self._size(self._FULL if self._high else self._ICON_ONLY)

    def minimumSizeHint(self) -> QSize:
        """Return what the icons alone need, whether there are words now or not: the window may be small."""
        return self._size(self._ICON_ONLY)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the words out, or bring them back."""
        super().resizeEvent(event)
        full = self._size(self._FULL)
        high = self.height() >= full.height()
        words = high and self.width() >= full.width()
        if (high, words) != (self._high, self._words):
            self._high, self._words = high, words
            self._apply()

    def _size(self, button: QSize) -> QSize:
        height = len(self._buttons) * (button.height() + self._SPACING) + 2 * self._MARGIN
        return QSize(button.width() + 2 * self._MARGIN, height)

    def _apply(self) -> None:
        style = Qt.ToolButtonStyle
        for button in self._buttons:
            button.setFixedSize(self._FULL if self._words else self._ICON_ONLY)
            button.setToolButtonStyle(
                style.ToolButtonTextUnderIcon if self._words else style.ToolButtonIconOnly
            )
        self.updateGeometry()


class SidePanel(QWidget):
    """Shows one panel at a time, each with a title and an icon; a click on its button folds it away.

    Signals
    -------
    fold_wanted(bool)
        The panel is to be folded away, so that the buttons alone are left, or shown again.
    """

    fold_wanted = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without panels."""
        super().__init__(parent)
        self._buttons = QButtonGroup(self)
        self._panels: dict[Panel, QWidget] = {}
        self._stack = QStackedWidget()
        self._column = _Column()
        self._folded = False
        line = QFrame()
        line.setFixedWidth(1)
        line.setStyleSheet("background: palette(mid);")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._stack, 1)
        layout.addWidget(line)
        layout.addWidget(self._column)
        self._buttons.idClicked.connect(self._on_buttons_idClicked)

    def add(
        self, panel: Panel, title: str, icon: str, widget: QWidget, footer: QWidget | None = None
    ) -> None:
        """Add a panel below the others; ``footer`` stays at the lower end of it while it scrolls."""
        button = QToolButton()
        button.setText(title)
        theme.set_icon(button, icon)
        button.setCheckable(True)
        button.setAutoRaise(True)
        button.setToolTip(f"Show the panel “{title}”; again: fold it away (Ctrl+5)")
        self._column.add(button)
        number = len(self._panels)
        self._panels[panel] = widget
        self._buttons.addButton(button, number)
        self._stack.addWidget(_page(title, widget, footer))
        if number == 0:
            button.setChecked(True)

    def show_panel(self, panel: Panel) -> None:
        """Bring a panel to the front, also where it was folded away."""
        number = list(self._panels).index(panel)
        self._stack.setCurrentIndex(number)
        self._buttons.button(number).setChecked(True)
        if self._folded:
            self.fold_wanted.emit(False)

    def fold(self, folded: bool) -> None:
        """Leave the buttons alone, or show the panel again."""
        self._folded = folded
        self._stack.setVisible(not folded)
        self._bound()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Folded, stay as narrow as the buttons, which have words or none."""
        super().resizeEvent(event)
        self._bound()

    def _bound(self) -> None:
        self.setMaximumWidth(self._column.sizeHint().width() + 1 if self._folded else _ANY_WIDTH_PX)

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

    def _on_buttons_idClicked(self, number: int) -> None:
        if self._folded or number != self._stack.currentIndex():
            self.show_panel(list(self._panels)[number])
        else:
            self.fold_wanted.emit(True)


def _page(title: str, panel: QWidget, footer: QWidget | None) -> QWidget:
    """Put a title above the panel, both into a scroll area for small screens, and the footer below that."""
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.setContentsMargins(10, 10, 8, 10)
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
    lower.setContentsMargins(10, 6, 10, 8)
    lower.addWidget(footer)
    column.addLayout(lower)
    return whole
