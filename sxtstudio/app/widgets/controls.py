"""Fields and sliders that the wheel changes only while they have the keyboard's focus.

Numbers are shown and taken as the rest of the program writes them, whatever the system's language: thousands
are set apart by thin spaces, decimals by a point.

Panels are scrolled with the wheel: a control that happens to pass under the pointer keeps its value, and the
wheel goes on to what lies around it. Everybody in the window uses these instead of Qt's own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QLocale, Qt
from PySide6.QtGui import QValidator, QWheelEvent
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QSlider, QSpinBox, QWidget
from superqt import QDoubleRangeSlider

from sxtstudio.core.wording import grouped

_THOUSANDS = re.compile(r"[-+]?\d{1,3}(,\d{3})+")
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

    def __init__(self, *args: Any, **properties: Any) -> None:
        """Take what Qt's own takes."""
        super().__init__(*args, **properties)
        self.setLocale(_plain_numbers())

    def textFromValue(self, value: int) -> str:
        """Return "1 000 000", with thin spaces."""
        return grouped(value)

    def valueFromText(self, text: str) -> int:
        """Return the number that a text says, with whatever stands before and after it."""
        return super().valueFromText(_plain(self, text, 0))

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Say whether a text is a number, or may become one."""
        state, *_ = super().validate(_plain(self, text, 0), position)
        return state, text, position


class DoubleSpinBox(_WheelNeedsFocus, QDoubleSpinBox):
    """A field for numbers."""

    def __init__(self, *args: Any, **properties: Any) -> None:
        """Take what Qt's own takes."""
        super().__init__(*args, **properties)
        self.setLocale(_plain_numbers())

    def textFromValue(self, value: float) -> str:
        """Return "12 345.67", with thin spaces."""
        return grouped(value, self.decimals())

    def valueFromText(self, text: str) -> float:
        """Return the number that a text says, with whatever stands before and after it."""
        return super().valueFromText(_plain(self, text, self.decimals()))

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Say whether a text is a number, or may become one."""
        state, *_ = super().validate(_plain(self, text, self.decimals()), position)
        return state, text, position


def _plain_numbers() -> QLocale:
    """Return how a plain number is written, whatever the system's language."""
    plain = QLocale.c()
    plain.setNumberOptions(QLocale.NumberOption.OmitGroupSeparator)
    return plain


def _plain(box: QSpinBox | QDoubleSpinBox, text: str, decimals: int) -> str:
    """Return what is in a field without the spaces in its number; a decimal comma may be typed."""
    if text == box.specialValueText():
        return text
    before, after = box.prefix(), box.suffix()
    number = "".join(text.removeprefix(before).removesuffix(after).split())
    if not decimals and _THOUSANDS.fullmatch(number):  # as other programs copy it
        number = number.replace(",", "")
    # Qt would pass over a comma that belongs to no whole number: 1,5 became 15.
    return before + number.replace(",", "." if decimals else "?") + after


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
