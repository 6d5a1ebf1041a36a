"""What the tour shows over the window: a frame around a control, and beside it the words of a step."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from sxtstudio.app import theme
from sxtstudio.app.tour.placing import beside, within
from sxtstudio.app.widgets.hasty_clicks import ignore_hasty_clicks

_WIDTH_PX, _LEAST_PX = 320, 240
_LINE_PX, _AROUND_PX = 3, 2
_BORDER_PX = 2
# A window that is smaller leaves no room for the words beside what they are about.
_SHORT_PX, _NARROW_PX = 420, 640
# The main buttons have the accent: a frame of it around them would not be seen.
_MARK = "#f59e0b"


@dataclass(frozen=True)
class BubbleText:
    """All that a bubble says; ``done`` makes *Next* the button to press."""

    number: int
    count: int
    title: str
    text: str
    done: bool = False
    helps: bool = True
    last: bool = False


class TargetFrame:
    """Four lines around a rectangle of the window; the mouse goes through the middle."""

    def __init__(self, window: QWidget) -> None:
        """Begin hidden."""
        self._lines = [QFrame(window) for _ in range(4)]
        for line in self._lines:
            line.setStyleSheet(f"background: {_MARK};")
            line.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            line.hide()

    def show_around(self, target: QRect | None, room: QRect) -> None:
        """Mark a rectangle, or nothing."""
        if target is None:
            for line in self._lines:
                line.hide()
            return
        outer = target.adjusted(-_AROUND_PX, -_AROUND_PX, _AROUND_PX, _AROUND_PX).intersected(room)
        wide, high = QSize(outer.width(), _LINE_PX), QSize(_LINE_PX, outer.height())
        below = outer.bottomLeft() - QPoint(0, _LINE_PX - 1)
        right = outer.topRight() - QPoint(_LINE_PX - 1, 0)
        places = (
            QRect(outer.topLeft(), wide),
            QRect(below, wide),
            QRect(outer.topLeft(), high),
            QRect(right, high),
        )
        for line, place in zip(self._lines, places, strict=True):
            if line.geometry() != place:
                line.setGeometry(place)
            line.show()
            line.raise_()

    @property
    def rect(self) -> QRect:
        """The rectangle that is marked, with its frame; empty where nothing is."""
        if not self._lines[0].isVisible():
            return QRect()
        return self._lines[0].geometry().united(self._lines[1].geometry())

    def delete(self) -> None:
        """Go for good."""
        for line in self._lines:
            line.deleteLater()


class Bubble(QFrame):
    """The words of a step, with its buttons; on a small window the title alone, at its lower end.

    The mouse drags it elsewhere, until the next step, and it can be folded to its title. On a small window
    it keeps its words back by itself, until they are asked for.

    Signals
    -------
    back(), forward(), helped(), left()
        A button was pressed: the step before, the next one, "Do it for me", and the cross.
    """

    back = Signal()
    forward = Signal()
    helped = Signal()
    left = Signal()

    def __init__(self, window: QWidget) -> None:
        """Build the widgets, hidden, over ``window``."""
        super().__init__(window)
        self.setObjectName("tour")
        self.setAutoFillBackground(True)
        self.setStyleSheet(
            f"#tour {{ background: palette(base); border: {_BORDER_PX}px solid {_MARK}; "
            "border-radius: 6px; }"
        )
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._shown: BubbleText | None = None
        self.folded = False
        self._brief = False  # the window is too small for the words
        self._asked_for_words = False
        self._held: QPoint | None = None  # where the mouse has it
        self._dragged_to: QPoint | None = None
        self._placed_for: tuple[BubbleText | None, QRect | None, QRect] | None = None
        self.count, self.title, self.text = QLabel(), QLabel(), QLabel()
        self.count.setProperty("role", "note")
        self.title.setProperty("role", "title")
        self.text.setWordWrap(True)
        self.fold_button = QToolButton()
        self.fold_button.setAutoRaise(True)
        self.leave_button = QToolButton()
        self.leave_button.setAutoRaise(True)
        theme.set_icon(self.leave_button, "mdi6.close")
        self.leave_button.setToolTip("Leave the tour; Help > Guided tour goes on with it")
        self.leave_button.setAccessibleName("Leave the tour")
        self.back_button, self.help_button, self.next_button = (
            QPushButton("Back"),
            QPushButton("Do it for me"),
            QPushButton("Skip"),
        )
        self.back_button.setToolTip("The step before")
        self.help_button.setToolTip("Let the tour press the buttons of this step")
        head = QHBoxLayout()
        head.addWidget(self.count)
        head.addStretch()
        head.addWidget(self.fold_button)
        head.addWidget(self.leave_button)
        self._row = QWidget()
        self._buttons = QHBoxLayout(self._row)
        self._buttons.setContentsMargins(0, 0, 0, 0)
        self._buttons.setSpacing(6)
        for button in (self.back_button, self.help_button, self.next_button):
            self._buttons.addWidget(button)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(12, 8, 8, 10)
        self._column.setSpacing(6)
        self._column.addLayout(head)
        self._column.addWidget(self.title)
        self._column.addWidget(self.text)
        self._column.addWidget(self._row)
        self.back_button.clicked.connect(self.back)
        self.help_button.clicked.connect(self.helped)
        self.next_button.clicked.connect(self.forward)
        self.leave_button.clicked.connect(self.left)
        self.fold_button.clicked.connect(self._on_fold_clicked)
        self._fold(False)
        ignore_hasty_clicks(self)
        self.hide()

    def say(self, shown: BubbleText) -> None:
        """Show the words of a step, if they are others."""
        if shown == self._shown:
            return
        if self._shown is None or shown.number != self._shown.number:
            self._dragged_to, self._asked_for_words = None, False
        self._shown = shown
        self.count.setText(f"Step {shown.number} of {shown.count}")
        self.title.setText(("✓ " if shown.done else "") + shown.title)
        self.title.setToolTip(shown.text)  # on a small window the title stands alone
        self.text.setText(shown.text)
        self.setAccessibleName(f"Guided tour, step {shown.number}: {shown.title}")
        self.setAccessibleDescription(shown.text)
        self.back_button.setEnabled(shown.number > 1)
        self.help_button.setVisible(not shown.done)
        self.help_button.setEnabled(shown.helps)
        words = "Next" if shown.done else "Skip"
        self.next_button.setText("Finish" if shown.last else words)
        self.next_button.setToolTip("End the tour" if shown.last else "The next step")
        role = "main" if shown.done else ""
        if self.next_button.property("role") != role:
            self.next_button.setProperty("role", role)
            self.next_button.style().polish(self.next_button)

    def stand_beside(self, target: QRect | None, room: QRect) -> None:
        """Take a place within ``room`` that leaves ``target`` free; without one, in the middle.

        Where nothing has changed nothing is done: a button that is moved takes no click for a moment.
        """
        if self._held is not None:
            return
        wanted = (self._shown, target, room)
        if wanted == self._placed_for and self.isVisible():
            return
        self._placed_for = wanted
        small = room.height() < _SHORT_PX or room.width() < _NARROW_PX
        self._brief = small and not self._asked_for_words and not self.folded
        self._name_fold_button()
        self.text.setVisible(not self.folded and not self._brief)
        width = min(_WIDTH_PX, room.width())
        size = QSize(width, self._height(width))
        if target is None:
            corner: QPoint | None = room.center() - QPoint(size.width() // 2, size.height() // 2)
        else:
            corner = beside(target, size, room)
            if corner is None and width > _LEAST_PX:
                size = QSize(_LEAST_PX, self._height(_LEAST_PX))
                corner = beside(target, size, room)
        if corner is None:  # the lower edge of the window is no control of any step
            self.text.hide()
            size = QSize(room.width(), self._height(room.width()))
            corner = room.bottomLeft() - QPoint(0, size.height() - 1)
        if self._dragged_to is not None:
            self.text.setVisible(not self.folded and not self._brief)
            size = QSize(width, self._height(width))
            corner = within(QRect(self._dragged_to, size), room).topLeft()
        place = QRect(corner, size)
        if self.geometry() != place:
            self.setGeometry(place)
        self.show()
        self.raise_()

    def _height(self, width: int) -> int:
        self._column.invalidate()
        high = self._column.totalHeightForWidth(width - 2 * _BORDER_PX)  # lines break within the border
        return max(high, self._column.totalMinimumSize().height()) + 2 * _BORDER_PX

    def _fold(self, folded: bool) -> None:
        """Show the title alone, or all again."""
        self.folded, self._placed_for = folded, None
        self._row.setVisible(not folded)
        self._name_fold_button()

    def _on_fold_clicked(self) -> None:
        self._asked_for_words = self._asked_for_words or self._brief or self.folded
        self._fold(not self.folded and not self._brief)

    def _name_fold_button(self) -> None:
        less = self.folded or self._brief
        name = "Show all of the step" if less else "Show the title alone"
        if self.fold_button.toolTip() == name:
            return
        theme.set_icon(self.fold_button, "mdi6.chevron-down" if less else "mdi6.chevron-up")
        self.fold_button.setToolTip(name)
        self.fold_button.setAccessibleName(name)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of it, beside its buttons."""
        self._held = event.position().toPoint() if event.button() == Qt.MouseButton.LeftButton else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag it within the window."""
        if self._held is not None:
            room = self.window().rect()
            wanted = QRect(self.mapToParent(event.position().toPoint() - self._held), self.size())
            self._dragged_to = within(wanted, room).topLeft()
            self.move(self._dragged_to)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let it lie there."""
        self._held, self._placed_for = None, None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc leaves the tour, Return goes on once a step is done."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self._shown is not None and self._shown.done:  # no step is skipped by accident
                self.forward.emit()
        else:
            super().keyPressEvent(event)
