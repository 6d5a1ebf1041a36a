"""Fields and sliders that the wheel changes only while they have the keyboard's focus.

Numbers are shown and taken as the rest of the program writes them, whatever the system's language: thousands
are set apart by thin spaces, decimals by a point. Any number can be typed: Qt's own fields pass over the keys
that lead out of their range, so that 1.5 became 0.5, -5 became 5, and 1e3 became 13. What does not fit is
brought to the nearest number that does when the typing ends, where everybody sees it. What is being typed is
left as it is by those who set the value that it already has: 0.2 became 0.00 after its first key.

Panels are scrolled with the wheel: a control that happens to pass under the pointer keeps its value, and the
wheel goes on to what lies around it. Everybody in the window uses these instead of Qt's own.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QLocale, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent, QValidator, QWheelEvent
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QSlider, QSpinBox, QTabBar, QTabWidget, QWidget
from superqt import QDoubleRangeSlider

from sxtstudio.core.wording import grouped

_BEGUN = re.compile(r"[-+]?\d*([.,]\d*)*([eE][-+]?\d*)?")  # a number, or the beginning of one
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(,\d{3})+")
_LEAST_LETTERS = 12  # of the words of a choice
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

    def setValue(self, value: int) -> None:
        """Set the value; what is being typed stays as it is where it already says so."""
        if value != self.value() or not _being_typed(self):
            super().setValue(value)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show what was typed as all numbers are shown, once the typing ends."""
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            super().setValue(self.value())

    def textFromValue(self, value: int) -> str:
        """Return "1 000 000", with thin spaces."""
        return grouped(value)

    def valueFromText(self, text: str) -> int:
        """Return the number that a text says, with whatever stands before and after it."""
        return super().valueFromText(_plain(self, text, 0))

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Say whether a text is a number, or may become one."""
        state, *_ = super().validate(_plain(self, text, 0), position)
        return _softened(self, state, text), text, position

    def fixup(self, text: str) -> str:
        """Return the nearest number that fits, or the text if it is no number."""
        number = _number(self, text, 0)
        if number is None:
            return text
        nearest = math.floor(min(max(number, self.minimum()), self.maximum()) + 0.5)
        return f"{self.prefix()}{self.textFromValue(nearest)}{self.suffix()}"


class DoubleSpinBox(_WheelNeedsFocus, QDoubleSpinBox):
    """A field for numbers."""

    def __init__(self, *args: Any, **properties: Any) -> None:
        """Take what Qt's own takes."""
        super().__init__(*args, **properties)
        self.setLocale(_plain_numbers())

    def setValue(self, value: float) -> None:
        """Set the value; what is being typed stays as it is where it already says so."""
        if round(value, self.decimals()) != self.value() or not _being_typed(self):
            super().setValue(value)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show what was typed as all numbers are shown, once the typing ends."""
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            super().setValue(self.value())

    def textFromValue(self, value: float) -> str:
        """Return "12 345.67", with thin spaces."""
        return grouped(value, self.decimals())

    def valueFromText(self, text: str) -> float:
        """Return the number that a text says, with whatever stands before and after it."""
        return super().valueFromText(_plain(self, text, self.decimals()))

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Say whether a text is a number, or may become one."""
        state, *_ = super().validate(_plain(self, text, self.decimals()), position)
        return _softened(self, state, text), text, position

    def fixup(self, text: str) -> str:
        """Return the nearest number that fits, or the text if it is no number."""
        number = _number(self, text, self.decimals())
        if number is None:
            return text
        nearest = min(max(number, self.minimum()), self.maximum())
        return f"{self.prefix()}{self.textFromValue(nearest)}{self.suffix()}"


def _being_typed(box: QSpinBox | QDoubleSpinBox) -> bool:
    """Whether somebody is typing in a field, and not done yet."""
    return box.hasFocus() and box.lineEdit().isModified()


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


def _softened(box: QSpinBox | QDoubleSpinBox, state: QValidator.State, text: str) -> QValidator.State:
    """Let any number be typed, also one that does not fit or does not fit yet."""
    if state is not QValidator.State.Invalid:
        return state
    typed = _typed(box, text)
    return QValidator.State.Intermediate if _BEGUN.fullmatch(typed) else state


def _number(box: QSpinBox | QDoubleSpinBox, text: str, decimals: int) -> float | None:
    """Return the number that a text says, whether it fits or not."""
    typed = _typed(box, text)
    if not decimals and _THOUSANDS.fullmatch(typed):
        typed = typed.replace(",", "")
    try:
        number = float(typed.replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _typed(box: QSpinBox | QDoubleSpinBox, text: str) -> str:
    """Return what is in a field without what stands before and after the number, and without spaces."""
    return "".join(text.removeprefix(box.prefix()).removesuffix(box.suffix()).split())


_MOVING = (
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
    Qt.Key.Key_PageUp,
    Qt.Key.Key_PageDown,
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
)
_UNMODIFIED = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)


def let_shrink(box: QComboBox) -> None:
    """Have a choice cut its words in a narrow panel, rather than widening the column of all panels."""
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(_LEAST_LETTERS)


class Slider(_WheelNeedsFocus, QSlider):
    """A slider; the keys that move it do so while it has the focus, whatever they mean in the menus."""

    def event(self, event: QEvent) -> bool:
        """Take the keys that move it before the menus do."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if event.key() in _MOVING and event.modifiers() in _UNMODIFIED:
                event.accept()
                return True
        return super().event(event)


class RangeSlider(_WheelNeedsFocus, QDoubleRangeSlider):  # type: ignore[misc]  # superqt's is Any
    """A slider with a handle at either end of a range."""


class ComboBox(_WheelNeedsFocus, QComboBox):
    """A list to choose from; the wheel never changes the choice, for it keeps the focus after a click."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to what lies around."""
        event.ignore()


class TabBar(QTabBar):
    """The tabs of a ``TabWidget``; the wheel never changes between them."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to what lies around."""
        event.ignore()


class TabWidget(QTabWidget):
    """Pages with tabs."""

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin without pages."""
        super().__init__(parent)
        self.setTabBar(TabBar())


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
