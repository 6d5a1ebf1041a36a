"""Keys that mean something wherever the focus is in a window, but in fields and on what they would press."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QTextEdit,
    QWidget,
)

_FIELDS = (QLineEdit, QAbstractSpinBox, QComboBox, QTextEdit)
_PRESSING = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)


def is_free(watched: QObject, event: QKeyEvent, window: QWidget) -> bool:
    """Whether a key goes to a widget of ``window``, and neither into a field nor to what it would press."""
    if not isinstance(watched, QWidget) or watched.window() is not window:
        return False
    # A field leaves Enter to those around it when it is done with it: that is no other key.
    focus = window.focusWidget()
    if isinstance(watched, _FIELDS) or (isinstance(focus, _FIELDS) and watched.isAncestorOf(focus)):
        return False
    pressed = isinstance(watched, QAbstractButton | QAbstractItemView) and event.key() in _PRESSING
    return not pressed
