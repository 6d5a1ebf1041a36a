"""Mouse and keys of the 3D view: turn, move, zoom, click; the same over whatever draws it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from sxtstudio.app.view3d.camera import Camera3D

# A pointer that moves less between press and release has clicked.
_CLICK_PX = 4
_KEYS = {
    Qt.Key.Key_Left: (-0.06, 0.0),
    Qt.Key.Key_Right: (0.06, 0.0),
    Qt.Key.Key_Up: (0.0, -0.06),
    Qt.Key.Key_Down: (0.0, 0.06),
}


class Navigation(QObject):
    """Takes the mouse and the keys before the widget does, and moves the camera.

    Left drag turns, middle or Shift+left drag moves, right drag and wheel zoom; the arrow keys turn, + and -
    zoom; a click is passed on.

    Signals
    -------
    moved()
        The camera has moved.
    clicked(float, float)
        Pixels of the widget, from its top left.
    """

    moved = Signal()
    clicked = Signal(float, float)

    def __init__(self, widget: QWidget, camera: Camera3D, parent: QObject) -> None:
        """Listen to ``widget``."""
        super().__init__(parent)
        self._widget = widget
        self._camera = camera
        self._pressed: QPointF | None = None
        self._last = QPointF()
        self._button = Qt.MouseButton.NoButton
        self._has_moved = False
        widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        widget.installEventFilter(self)

    def release(self) -> None:
        """Listen no more."""
        self._widget.removeEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take what is the camera's; the rest goes on to the widget."""
        kind = event.type()
        if isinstance(event, QWheelEvent):
            self._zoom(float(np.exp(event.angleDelta().y() / 800.0)))
        elif isinstance(event, QKeyEvent):
            return self._on_key(event)
        elif isinstance(event, QMouseEvent) and kind in (
            QEvent.Type.MouseButtonPress,
            QEvent.Type.MouseButtonDblClick,
        ):
            self._pressed = self._last = event.position()
            self._button = event.button()
            self._has_moved = False
            if self._widget.focusPolicy() & Qt.FocusPolicy.ClickFocus:
                self._widget.setFocus(Qt.FocusReason.MouseFocusReason)
        elif isinstance(event, QMouseEvent) and kind == QEvent.Type.MouseMove:
            self._on_dragged(event)
        elif isinstance(event, QMouseEvent) and kind == QEvent.Type.MouseButtonRelease:
            self._on_released(event)
        else:
            return False
        event.accept()
        return True

    def _on_dragged(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            return
        place = event.position()
        if not self._has_moved and (place - self._pressed).manhattanLength() < _CLICK_PX:
            return
        self._has_moved = True
        step = (place - self._last) / max(1, self._widget.height())
        self._last = place
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        left = self._button == Qt.MouseButton.LeftButton
        if self._button == Qt.MouseButton.MiddleButton or (left and shift):
            self._camera.shift(step.x(), step.y())
        elif left:
            self._camera.turn(step.x(), step.y())
        else:
            self._camera.zoom(float(np.exp(-2.5 * step.y())))
        self.moved.emit()

    def _on_released(self, event: QMouseEvent) -> None:
        clicked = self._pressed is not None and not self._has_moved
        self._pressed = None
        if clicked and event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit(event.position().x(), event.position().y())

    def _on_key(self, event: QKeyEvent) -> bool:
        """Turn or zoom; other keys are nobody's here, and go on to the window."""
        step = _KEYS.get(Qt.Key(event.key()))
        ours = step is not None or event.text() in ("+", "-")
        if event.type() == QEvent.Type.ShortcutOverride:
            # Keep the keys from the shortcuts of the slices while the 3D view has the focus.
            event.setAccepted(ours)
            return ours
        if event.type() == QEvent.Type.KeyPress and step is not None:
            self._camera.turn(*step)
            self.moved.emit()
        elif event.type() == QEvent.Type.KeyPress and ours:
            self._zoom(1.15 if event.text() == "+" else 1 / 1.15)
        event.setAccepted(ours)
        return True

    def _zoom(self, factor: float) -> None:
        self._camera.zoom(factor)
        self.moved.emit()
