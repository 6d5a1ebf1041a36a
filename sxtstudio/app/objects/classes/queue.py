"""The proofreading queue in the panel: one object after another, one key per answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from sxtstudio.app import theme
from sxtstudio.app.context import Context
from sxtstudio.app.objects.classes.buttons import ClassButtons
from sxtstudio.app.objects.classes.classifier_work import ClassifierWork
from sxtstudio.app.objects.classes.list import swatch
from sxtstudio.app.objects.classes.work import ClassWork
from sxtstudio.app.widgets.free_keys import is_free
from sxtstudio.app.widgets.notes import narrow, note, show_note
from sxtstudio.app.widgets.scroll import bring_into_view
from sxtstudio.core.classes.queue import (
    CHECKED_OBJECT,
    TAKEN_BACK,
    Answer,
    ClassIs,
    Question,
    Queue,
    Right,
    Skip,
    Why,
    questions,
    row_after,
)
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.object_table import ObjectRow, ObjectTable
from sxtstudio.core.wording import count, share

_REASONS = 2
_ASKED = {
    Why.DOUBTFUL: (
        "The network was not sure of its outline: is it one whole body? If not, correct its outline or "
        "delete it, then go on with Skip."
    ),
    Why.OPEN: (
        "It is open: its outlines end while it is wide. Is it one body, with nothing of it in the slices "
        "above and below? Otherwise draw what is missing, or delete it, and go on with Skip."
    ),
}
_START, _GO_ON = "Check them one by one", "Go on checking"
_ANYWHERE = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)
# After a click in a view as well; up and down go through the slices and turn the bodies there.
_IN_VIEWS = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Escape)
_KEYS = "Enter: right · 1–9: another class · Space or →: skip · ←: back · Esc: later"


class QueueSection(QWidget):
    """Asks about one object at a time; what is answered is in the table at once, as one step each.

    Signals
    -------
    begun()
        Checking begins, or goes on.
    """

    begun = Signal()

    def __init__(
        self,
        context: Context,
        classes: ClassWork,
        classifier: ClassifierWork,
        show_object: Callable[[int], None],
    ) -> None:
        """Build the section; ``show_object`` goes to an object in all views."""
        super().__init__()
        self._context, self._session = context, context.session
        self._classes, self._classifier, self._show_object = classes, classifier, show_object
        self.queue: Queue | None = None  # while it is being gone through
        self._paused: Queue | None = None  # where it goes on, once another object was chosen
        self._answering = False
        self._left: list[Question] = []
        self._left_of: tuple[ObjectTable | None, Mapping[int, float] | None] = (None, None)
        # Of each object that was answered, its row before and after: going back takes the answer back.
        self._answered: dict[int, tuple[ObjectRow, ObjectRow]] = {}
        self.left = note(name="left")
        self.start = QPushButton(_START)
        self.start.setToolTip("Go to the object that the classifier is least sure of, then to the next")
        theme.set_icon(self.start, "mdi6.playlist-check")
        self.card = QWidget()
        self.title, self.why, self.keys = QLabel(), note(name="why"), note(_KEYS, name="keys")
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.title.setWordWrap(True)
        self.colour = QLabel()
        self.class_buttons = ClassButtons()
        self.right, self.skip = QPushButton("Right"), QPushButton("Skip")
        self.back, self.stop = QPushButton("Back"), QPushButton("Later")
        for button, icon, tip in (
            (self.right, "mdi6.check", "It is right as it is (Enter)"),
            (self.skip, "mdi6.skip-next", "No answer now; it comes again at the end (Space or →)"),
            (self.back, "mdi6.skip-previous", "The one before, to answer it anew (←)"),
            (self.stop, "mdi6.close", "Stop here and go on another time (Esc)"),
        ):
            theme.set_icon(button, icon)
            button.setToolTip(tip)
        self._lay_out()
        key = Qt.Key
        self._does: dict[int, Callable[[], None]] = {
            **dict.fromkeys((key.Key_Return, key.Key_Enter), partial(self.answer, Right())),
            **dict.fromkeys((key.Key_Space, key.Key_Right), partial(self.answer, Skip())),
            key.Key_Left: self.go_back,
            key.Key_Escape: self.end,
        }
        self.start.clicked.connect(self.begin)
        self.right.clicked.connect(partial(self.answer, Right()))
        self.skip.clicked.connect(partial(self.answer, Skip()))
        self.back.clicked.connect(self.go_back)
        self.stop.clicked.connect(self.end)
        self.class_buttons.pressed.connect(self.give)
        self._own = (self.card, self.right, self.skip, self.back, self.stop)
        self._listening = False
        session = self._session
        session.table_changed.connect(self._on_session_table_changed)
        session.objects.changed.connect(self._on_session_objects_changed)
        session.document_changed.connect(self.end)
        session.busy_changed.connect(self._follow)
        classifier.changed.connect(self._follow)
        self._follow()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.colour)
        head.addWidget(self.title, 1)
        first, second = QHBoxLayout(), QHBoxLayout()
        for row, buttons in ((first, (self.right, self.skip)), (second, (self.back, self.stop))):
            for button in buttons:
                row.addWidget(narrow(button, 80), 1)
        inner = QVBoxLayout(self.card)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(6)
        inner.addLayout(head)
        inner.addWidget(self.why)
        inner.addLayout(first)
        inner.addWidget(self.class_buttons)
        inner.addLayout(second)
        inner.addWidget(self.keys)
        self.card.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.left)
        layout.addWidget(self.start)
        layout.addWidget(self.card)

    @property
    def running(self) -> bool:
        """Whether an object is being asked about."""
        return self.queue is not None and self.queue.current is not None

    @property
    def takes_keys(self) -> bool:
        """Whether a key answers here: the question is shown, and no other object is chosen."""
        return self.running and self.card.isVisible()

    def begin(self) -> None:
        """Ask about the object that needs it most; what was answered before is not asked again."""
        table, margins = self._classes.table, self._classifier.margins
        paused, self._paused = self._paused, None
        queue = Queue.begin(table, margins) if paused is None else paused.resumed(table, margins)
        if queue.current is None:
            self._session.remark("There is nothing to check.")
            return
        self._classes.show_classes()
        self.begun.emit()
        self._go(queue)

    def answer(self, answer: Answer) -> None:
        """Answer about the current object; the next one comes by itself."""
        queue = self.queue
        if queue is None or queue.current is None:
            return
        number = queue.current.number
        table = self._classes.table
        row = table.rows.get(number)
        if row is not None and not isinstance(answer, Skip):
            after = row_after(row, answer)
            if not self._set_row(number, after):
                return
            self._answered[number] = (row, after)
        self._go(queue.next_after(answer, self._classes.table, self._classifier.margins))

    def give(self, name: str) -> None:
        """Answer that the current object is of a class."""
        self.answer(ClassIs(name))

    def go_back(self) -> None:
        """Go to the object before; it is as it was before it was answered."""
        if self.queue is None or not self.queue.passed:
            return
        queue = self.queue.back()
        number = 0 if queue.current is None else queue.current.number
        before, after = self._answered.get(number, (None, None))
        # Not where it was changed otherwise since: that is no answer of here.
        if before is not None and self._classes.table.rows.get(number) == after:
            if not self._set_row(number, before, taken_back=True):
                return
        self._answered.pop(number, None)
        self._go(queue)

    def _set_row(self, number: int, row: ObjectRow, *, taken_back: bool = False) -> bool:
        """Change the row of an object by an answer, or back; say so where that is not possible."""
        noted: dict[str, Any] = {CHECKED_OBJECT: number}
        if taken_back:
            noted[TAKEN_BACK] = True
        self._answering = True  # the table changes by this answer, not otherwise
        try:
            self._classes.apply({number: row}, EditKind.CHECKED, **noted)
        except UserError as error:
            self._session.remark(str(error))
            return False
        finally:
            self._answering = False
        return True

    def end(self) -> None:
        """Stop here; the rest is asked another time."""
        self.queue = self._paused = None
        self._answered.clear()
        self._follow()

    def _pause(self) -> None:
        """Another object was chosen: from now on keys are for that one, until checking goes on."""
        self._paused, self.queue = self.queue, None
        self._session.message.emit(
            f"Checking is paused, since you chose another object. “{_GO_ON}” comes back to it."
        )
        self._follow()

    def _listen(self) -> None:
        """Take keys in the whole window while an object is asked about."""
        app = QApplication.instance()
        if self.running != self._listening and app is not None:
            self._listening = self.running
            (app.installEventFilter if self._listening else app.removeEventFilter)(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the keys while an object is asked about, wherever they are for nobody else."""
        if not isinstance(event, QKeyEvent) or not self._ours(watched, event):
            return False
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()  # here the key is no shortcut of the window's
        elif event.type() == QEvent.Type.KeyPress:
            self._does[event.key()]()
        return event.type() != QEvent.Type.KeyRelease

    def _ours(self, watched: QObject, event: QKeyEvent) -> bool:
        """Whether a key answers: on the card and after a click in a view all do, else ``_ANYWHERE``."""
        if event.key() not in self._does:
            return False
        if watched in self._own:
            return True
        toolbox, window = self._context.parts.toolbox, self._context.window
        if not self.takes_keys or toolbox.unfinished:
            return False
        if event.key() == Qt.Key.Key_Escape and toolbox.wants_pointer:
            return False  # it puts the tool away first
        heard = event.key() in _ANYWHERE or (event.key() in _IN_VIEWS and self._is_view(watched))
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        return heard and plain and watched is window.focusWidget() and is_free(watched, event, window)

    def _is_view(self, watched: QObject) -> bool:
        """Whether this is a view of slices, or the one in 3D."""
        parts = self._context.parts
        canvas = parts.view3d.canvas
        return watched in parts.slices.views.values() or (canvas is not None and watched is canvas.widget)

    def _go(self, queue: Queue) -> None:
        """Show where one is now; at the end say so."""
        self.queue = queue
        if queue.current is None:
            self.queue = None
            self._session.message.emit("All objects are checked.")
        else:
            self._show_object(queue.current.number)
        self._follow()
        if self.queue is not None:
            self._take_focus()
            # Once more: the window gives the focus of a button that has gone, such as Start, to the slices.
            QTimer.singleShot(0, self, self._take_focus)
            bring_into_view(self)

    def _take_focus(self) -> None:
        if self.takes_keys:
            self.card.setFocus()

    def _on_session_table_changed(self) -> None:
        """Undo, or another way to give a class, may have answered or taken away what is asked."""
        if self._answering:
            return
        if self.queue is not None:
            now = self.queue.checked(self._classes.table, self._classifier.margins)
            if now != self.queue:
                self._go(now)
        self._follow()

    def _on_session_objects_changed(self) -> None:
        """Who chooses another object has that one in mind, and not the one that is asked about."""
        selected = self._session.objects.value.selected
        if self.queue is not None and self.queue.current is not None and selected:
            if selected != (self.queue.current.number,):
                self._pause()

    def _questions(self) -> list[Question]:
        """Return what is left to be checked; with thousands of objects not more often than they change."""
        now = (self._classes.table, self._classifier.margins)
        if self._left_of[0] is not now[0] or self._left_of[1] is not now[1]:
            self._left_of, self._left = now, questions(*now)
        return self._left

    def _follow(self) -> None:
        left = self._questions()
        running = self.running
        self._listen()
        self.card.setVisible(running)
        self.start.setVisible(not running)
        self.start.setText(_START if self._paused is None else _GO_ON)
        self.start.setEnabled(bool(left) and self._session.busy is None)
        show_note(self.left, _left_text(left, running))
        if self.queue is not None and self.queue.current is not None:
            self._show_question(self.queue.current)
            self.back.setEnabled(bool(self.queue.passed))

    def _show_question(self, question: Question) -> None:
        table = self._classes.table
        row = table.rows.get(question.number)
        if row is None:
            return
        name = row.class_name or "no class"
        sure = "" if row.sure is None else f", {share(row.sure)} sure"
        self.class_buttons.show_classes(table.classes)
        show_note(self.keys, f"Keys for object {question.number}: {_KEYS}")
        self.title.setText(f"Object {question.number}: {name}{sure}")
        known = table.class_named(row.class_name)
        self.colour.setVisible(known is not None)
        if known is not None:
            self.colour.setPixmap(swatch(known.rgb).pixmap(16, 16))
        if question.why is not Why.UNSURE:
            show_note(self.why, _ASKED[question.why])
            return
        reasons = [one for one in self._classifier.reasons_for(question.number) if one.part > 0][:_REASONS]
        said = " and ".join(f"“{one.title}”" for one in reasons)
        show_note(self.why, f"Mostly because of {said}." if said else "")


def _left_text(left: list[Question], running: bool) -> str:
    if not left:
        return "Nothing to check: the classifier has given no class, and no outline is doubtful."
    if running:
        return f"{count(len(left), 'object')} left"
    unsure, doubtful, is_open = (sum(one.why is why for one in left) for why in Why)
    parts, outlines = [], []
    if unsure:
        parts.append(f"{count(unsure, 'object')} with a class of the classifier, the least sure first")
    if doubtful:
        outlines.append(f"{count(doubtful, 'object')} with a doubtful outline")
    if is_open:
        outlines.append(count(is_open, "open one" if doubtful else "open object"))
    if outlines:
        parts.append(" and ".join(outlines))
    return f"To check: {', then '.join(parts)}."
