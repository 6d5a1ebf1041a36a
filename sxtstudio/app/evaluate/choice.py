"""Which slices are judged: so many at even intervals over a range."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from sxtstudio.app import questions, theme
from sxtstudio.app.context import Context
from sxtstudio.app.evaluate.work import EvaluationWork
from sxtstudio.app.questions import Answer
from sxtstudio.app.widgets.controls import SpinBox
from sxtstudio.app.widgets.notes import narrow, note, show_note
from sxtstudio.core.evaluation.slices import even_range, spread_evenly
from sxtstudio.core.wording import count, slices_text

#: The paper judged 59 slices of 3 tomograms.
USUAL = 20


class SliceChoosing(QWidget):
    """A range, a number, and the slices that follow from them; ``begun`` when they are taken."""

    begun = Signal()

    def __init__(self, work: EvaluationWork, context: Context) -> None:
        """Begin with the whole tomogram."""
        super().__init__()
        self._work, self._context, self._session = work, context, context.session
        self._shown: tuple[int, ...] = ()  # the slices of the evaluation that the fields show
        self.first, self.last, self.number = SpinBox(), SpinBox(), SpinBox()
        for field, name in (
            (self.first, "First slice of the range; slices are counted from 1"),
            (self.last, "Last slice of the range"),
            (self.number, "How many slices, at even intervals"),
        ):
            field.setAccessibleName(name)
            field.setToolTip(name)
        self.number.setRange(1, 1)
        self.slices, self.kept = note(name="slices"), note(name="kept")
        self.begin = QPushButton("Begin")
        row, second = QHBoxLayout(), QHBoxLayout()
        for part in (QLabel("From"), self.first, QLabel("to"), self.last):
            row.addWidget(narrow(part) if isinstance(part, SpinBox) else part, isinstance(part, SpinBox))
        second.addWidget(narrow(self.number), 1)
        second.addWidget(QLabel("slices at even intervals"), 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(row)
        layout.addLayout(second)
        layout.addWidget(self.slices)
        layout.addWidget(self.kept)
        layout.addWidget(self.begin)
        for field in (self.first, self.last, self.number):
            field.valueChanged.connect(self._follow)
        self.begin.clicked.connect(self._on_begin_clicked)
        work.changed.connect(self._on_work_changed)
        session = self._session
        session.document_changed.connect(self._on_session_document_changed)
        for signal in (session.labels_changed, session.history_changed):
            signal.connect(self._follow)
        self._on_session_document_changed()

    @property
    def untouched(self) -> bool:
        """Whether the range is still the whole tomogram."""
        return (self.first.value(), self.last.value()) == (1, self.last.maximum())

    def propose(self, first: int, last: int) -> None:
        """Begin with a range (from 0, both included) if the user has not chosen another one."""
        if self.untouched:
            self.first.setValue(first + 1)
            self.last.setValue(last + 1)

    @property
    def chosen(self) -> tuple[int, ...]:
        """The slices, from 0."""
        return spread_evenly(self.first.value() - 1, self.last.value() - 1, self.number.value())

    def _on_session_document_changed(self) -> None:
        document = self._session.document
        depth = 1 if document is None else document.shape[0]
        for field, value in ((self.first, 1), (self.last, depth), (self.number, min(USUAL, depth))):
            with QSignalBlocker(field):
                field.setRange(1, depth)
                field.setValue(value)
        self._shown = ()
        self._follow()

    def _on_work_changed(self) -> None:
        """Show the choice of a project, or one that came back by *Undo*."""
        slices = self._work.evaluation.slices
        if slices != self._shown:
            self._shown = slices
            if slices and slices != self.chosen:
                first, last = even_range(slices, self.first.maximum()) or (slices[0], slices[-1])
                for field, value in (
                    (self.first, first + 1),
                    (self.last, last + 1),
                    (self.number, len(slices)),
                ):
                    with QSignalBlocker(field):
                        field.setValue(value)
        self._follow()

    def _on_begin_clicked(self) -> None:
        lost = self._lost
        if lost:
            answer = questions.ask(
                self._context.window,
                "Judge other slices?",
                f"{count(len(lost), 'slice')} that you judged would not count any more: "
                f"{slices_text(sorted(lost))}.",
                (Answer.JUDGE_OTHERS, Answer.CANCEL),
                details="What is judged of the other slices stays, and so do all marks.",
                default=Answer.CANCEL,
            )
            if answer != Answer.JUDGE_OTHERS:
                return
        self._work.begin(self.chosen)
        self.begun.emit()

    @property
    def _lost(self) -> frozenset[int]:
        """The judged slices that are not among the chosen ones."""
        return frozenset(self._work.evaluation.judged.keys() - set(self.chosen))

    def _follow(self, *_: object) -> None:
        slices, evaluation = self.chosen, self._work.evaluation
        labelled = self._session.labels_of("labels") is not None
        what = "Slice" if len(slices) == 1 else "Slices"
        show_note(self.slices, f"{what} {slices_text(slices)}." if slices else "The range runs backwards.")
        lost = self._lost
        same = slices == evaluation.slices
        text = ""
        if lost and not same:
            text = f"⚠ {count(len(lost), 'slice')} that you judged would not count any more."
        show_note(self.kept, text)
        self.begin.setText("Begin" if not evaluation.slices else "Judge these instead")
        self.begin.setEnabled(bool(slices) and not same and labelled)
        tip = "Go to the first of these slices" if labelled else "Not now: there are no labels to judge"
        self.begin.setToolTip("These slices are chosen already" if same and labelled else tip)
        role = "" if evaluation.slices else "main"  # what was begun goes on elsewhere
        theme.set_role(self.begin, role)
