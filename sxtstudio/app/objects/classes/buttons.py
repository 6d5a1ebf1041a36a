"""A small button for each class: what can be answered, with the key of each."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QToolButton, QWidget

from sxtstudio.app.objects.classes.list import KEYS, swatch
from sxtstudio.core.object_classes import ObjectClass

_COLUMNS = 2


class ClassButtons(QWidget):
    """Two columns of buttons, as many as there are classes; a name that needs it has a row of its own.

    Signals
    -------
    pressed(name)
        The user chose a class.
    """

    pressed = Signal(str)

    def __init__(self) -> None:
        """Begin without buttons."""
        super().__init__()
        self.buttons: list[QToolButton] = []
        self._classes: tuple[ObjectClass, ...] = ()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2)
        for column in range(_COLUMNS):
            self._grid.setColumnStretch(column, 1)

    def show_classes(self, classes: tuple[ObjectClass, ...]) -> None:
        """Have a button for each of ``classes``."""
        if classes == self._classes:
            return
        self._classes = classes
        for button in self.buttons:
            button.hide()
            button.deleteLater()
        self.buttons = [self._button(place, one) for place, one in enumerate(classes)]
        self._arrange()

    def _arrange(self) -> None:
        """Have each button where its name is not cut, in the order of the classes."""
        half = (self.width() - (_COLUMNS - 1) * self._grid.spacing()) // _COLUMNS
        row = column = 0
        for button in self.buttons:
            wide = button.sizeHint().width() > half
            if column and wide:
                row, column = row + 1, 0
            self._grid.addWidget(button, row, column, 1, _COLUMNS if wide else 1)
            column = 0 if wide else (column + 1) % _COLUMNS
            row += column == 0

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Arrange the buttons for the new width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._arrange()

    def changeEvent(self, event: QEvent) -> None:
        """Arrange them anew where letters are larger now."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._arrange()

    def _button(self, place: int, one: ObjectClass) -> QToolButton:
        button = QToolButton()
        key = str(place + 1) if place < KEYS else ""
        button.setText(f"{key}  {one.name}" if key else one.name)
        button.setIcon(swatch(one.rgb))
        button.setIconSize(QSize(14, 14))
        button.setToolTip(f"It is “{one.name}”" + (f" ({key})" if key else ""))
        button.setAutoRaise(True)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keys of the card would be theirs
        button.clicked.connect(partial(self._on_clicked, one.name))
        return button

    def _on_clicked(self, name: str) -> None:
        self.pressed.emit(name)
