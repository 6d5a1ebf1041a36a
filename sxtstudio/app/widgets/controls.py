"""Fields and sliders that the wheel changes only while they have the keyboard's focus.

Panels are scrolled with the wheel: a control that happens to pass under the pointer keeps its value, and the
wheel goes on to what lies around it. Everybody in the window uses these instead of Qt's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QSlider, QSpinBox, QWidget
from superqt import QDoubleRangeSlider

NOTCH = 120  # what Qt calls one step of a wheel


if TYPE_CHECKING:
    _Control = QWidget
else:
    _Control = object  # Qt lets a class have one of its own kinds as a base only


class _WheelNeedsFocus(_Control):
    """The wheel changes a control that has the focus, and scrolls what lies around any other."""

    def __init__(self, *args: Any, **properties: Any) -> None:
        """Take what the control's own kind takes; the wheel does not bring the focus."""
        super().__init__(*args, **properties)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Change the value while it has the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class SpinBox(_WheelNeedsFocus, QSpinBox):
    """A field for whole numbers."""


class DoubleSpinBox(_WheelNeedsFocus, QDoubleSpinBox):
    """A field for numbers."""


class Slider(_WheelNeedsFocus, QSlider):
    """A slider."""


class RangeSlider(_WheelNeedsFocus, QDoubleRangeSlider):  # type: ignore[misc]  # superqt's is Any
    """A slider with a handle at either end of a range."""


class ComboBox(_WheelNeedsFocus, QComboBox):
    """A list to choose from; the wheel never changes the choice, for it keeps the focus after a click."""

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
