"""Fields and sliders that the wheel changes only while they have the keyboard's focus.

Panels are scrolled with the wheel: a control that happens to pass under the pointer keeps its value, and the
wheel goes on to what lies around it. Everybody in the window uses these instead of Qt's own.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QSlider, QSpinBox
from superqt import QDoubleRangeSlider

NOTCH = 120  # what Qt calls one step of a wheel


class SpinBox(QSpinBox):
    """A field for whole numbers."""

    def __init__(self, *args: Any, **properties: Any) -> None:
        """Take what Qt's own takes; the wheel does not bring the focus."""
        super().__init__(*args, **properties)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Change the number while it has the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class DoubleSpinBox(QDoubleSpinBox):
    """A field for numbers."""

    def __init__(self, *args: Any, **properties: Any) -> None:
        """Take what Qt's own takes; the wheel does not bring the focus."""
        super().__init__(*args, **properties)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Change the number while it has the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class Slider(QSlider):
    """A slider."""

    def __init__(self, *args: Any, **properties: Any) -> None:
        """Take what Qt's own takes; the wheel does not bring the focus."""
        super().__init__(*args, **properties)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Move the handle while it has the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class RangeSlider(QDoubleRangeSlider):  # type: ignore[misc]  # superqt's is Any
    """A slider with a handle at either end of a range."""

    def __init__(self, *args: Any, **properties: Any) -> None:
        """Take what superqt's own takes; the wheel does not bring the focus."""
        super().__init__(*args, **properties)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Move the nearer handle while it has the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class ComboBox(QComboBox):
    """A list to choose from; the wheel never changes the choice, for it keeps the focus after a click."""

    def __init__(self, *args: Any, **properties: Any) -> None:
        """Take what Qt's own takes; the wheel does not bring the focus."""
        super().__init__(*args, **properties)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to what lies around."""
        event.ignore()


class WheelSteps:
    """Counts whole steps of a wheel; what a fine wheel or a touchpad turns adds up."""

    def __init__(self) -> None:
        """Begin at rest."""
        self._turned = 0

    def take(self, event: QWheelEvent) -> int:
        """Return the steps that are complete with this event, towards the user above 0."""
        self._turned -= event.angleDelta().y() or event.angleDelta().x()
        steps = int(self._turned / NOTCH)
        self._turned -= steps * NOTCH
        return steps
