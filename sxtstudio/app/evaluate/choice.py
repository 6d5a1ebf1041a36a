"""Which slices are judged: so many at even intervals over a range."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from sxtstudio.app.evaluate.work import EvaluationWork
from sxtstudio.app.session import Session
from sxtstudio.app.widgets.controls import SpinBox
from sxtstudio.app.widgets.notes import narrow, note, show_note
from sxtstudio.core.evaluation.slices import spread_evenly
from sxtstudio.core.wording import count, slices_text

#: The paper judged 59 slices of 3 tomograms.
USUAL = 20


class SliceChoosing(QWidget):
    """A range, a number, and the slices that follow from them; ``begun`` when they are taken."""

    begun = Signal()

    def __init__(self, work: EvaluationWork, session: Session) -> None:
        """Begin with the whole tomogram."""
        super().__init__()
        self._work, self._session = work, session
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
        self.begin.setToolTip("Go to the first of these slices")
        self.begin.setProperty("role", "main")
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
        work.changed.connect(self._follow)
        session.document_changed.connect(self._on_session_document_changed)
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
        self._follow()

    def _on_begin_clicked(self) -> None:
        self._work.begin(self.chosen)
        self.begun.emit()

    def _follow(self) -> None:
        slices, evaluation = self.chosen, self._work.evaluation
        show_note(self.slices, f"Slices {slices_text(slices)}." if slices else "The range runs backwards.")
        lost = evaluation.judged.keys() - set(slices)
        same = slices == evaluation.slices
        text = ""
        if lost and not same:
            text = f"⚠ {count(len(lost), 'slice')} that you judged would not count any more."
        show_note(self.kept, text)
        self.begin.setText("Begin" if not evaluation.slices else "Judge these instead")
        self.begin.setEnabled(bool(slices) and not same)
