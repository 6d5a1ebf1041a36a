"""The last page: before and after on held-out slices, and what becomes of the new model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.errors import show_error
from sxtstudio.app.jobs.job import Job, JobKind
from sxtstudio.app.models import default_model
from sxtstudio.app.questions import Answer
from sxtstudio.app.retrain.pictures import SlicePicture
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.app.widgets.notes import note, show_note
from sxtstudio.core.training_events import JudgedOn
from sxtstudio.workflow.retraining.events import TrainingOutcome, outcome_of
from sxtstudio.workflow.retraining.runs import TrainingRun, decide, remove

if TYPE_CHECKING:
    from sxtstudio.segment import ModelCard

_ROWS = (("Precision", "precision"), ("Recall", "recall"), ("F1", "f1"))
_MEANING = (
    "Precision: share of the outlines found that are in your labels. Recall: share of your labels that is "
    "found. F1: both in one number. All within 2 pixels, on what was kept aside while training."
)
_WORSE = "It is not better than the model that it began with, so it is not offered as default"
_UNCLEAR = (
    "Neither model is known to be better: look at the pictures. The old one stays installed either way."
)


class ResultPage(QWidget):
    """Shows one finished training; ``closed`` when the user has decided about its model."""

    closed = Signal()

    def __init__(self, context: Context, dialog: ToolDialog) -> None:
        """Build the page without a result."""
        super().__init__()
        self._context = context
        self._dialog = dialog
        self.run: TrainingRun | None = None
        self.outcome: TrainingOutcome | None = None
        self._shown = 0
        self.title, self.verdict = QLabel(), QLabel()
        self.title.setProperty("role", "title")
        self.verdict.setWordWrap(True)
        self.verdict.setTextFormat(Qt.TextFormat.PlainText)
        self.cells: dict[tuple[str, str], QLabel] = {}
        self.truth, self.before = SlicePicture("Your labels"), SlicePicture("Model before")
        self.after = SlicePicture("New model")
        self.former = dialog.button("Slice before", "mdi6.chevron-left", "The held-out slice before")
        self.next = dialog.button("Next slice", "mdi6.chevron-right", "The next held-out slice")
        self.number, self.done_note = QLabel(), note()
        self.use = dialog.button("Use the new model", "", "Make it the default; the old one stays installed")
        self.use.setProperty("role", "main")
        self.keep = dialog.button(
            "Keep both, use the old one", "mdi6.content-save-outline", "Install it beside the old one"
        )
        self.drop = dialog.button("Throw it away…", "mdi6.delete-outline", "Remove the new model")
        self.back = dialog.button("Go back to the model before", "mdi6.undo", "Use the former default again")
        self._lay_out()
        self.former.clicked.connect(lambda: self._show_slice(self._shown - 1))
        self.next.clicked.connect(lambda: self._show_slice(self._shown + 1))
        self.use.clicked.connect(lambda: self._install(use=True))
        self.keep.clicked.connect(lambda: self._install(use=False))
        self.drop.clicked.connect(self._on_drop_clicked)
        self.back.clicked.connect(self._on_back_clicked)

    def _lay_out(self) -> None:
        scores = QWidget()
        scores.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Maximum)
        table = QGridLayout(scores)
        table.setContentsMargins(0, 0, 0, 0)
        table.setHorizontalSpacing(26)
        table.setVerticalSpacing(5)
        right = Qt.AlignmentFlag.AlignRight
        for column, (key, text) in enumerate((("before", "Before"), ("after", "After")), 1):
            head = QLabel(text)
            head.setProperty("role", "note")
            table.addWidget(head, 0, column, right)
            for row, (_, name) in enumerate(_ROWS, 1):
                self.cells[key, name] = cell = QLabel("–")
                table.addWidget(cell, row, column, right)
        for row, (text, _) in enumerate(_ROWS, 1):
            table.addWidget(QLabel(text), row, 0)
        meaning = note(_MEANING)
        upper = QHBoxLayout()
        upper.setSpacing(30)
        upper.addWidget(scores)
        upper.addWidget(meaning, 1, Qt.AlignmentFlag.AlignTop)
        pictures = QHBoxLayout()
        pictures.setSpacing(10)
        for picture in (self.truth, self.before, self.after):
            pictures.addWidget(picture, 1)
        turn = QHBoxLayout()
        for widget in (self.former, self.number, self.next):
            turn.addWidget(widget)
        turn.addStretch()
        buttons = QHBoxLayout()
        for button in (self.use, self.keep, self.back):
            buttons.addWidget(button)
        buttons.addStretch()
        buttons.addWidget(self.drop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self.title, self.verdict):
            layout.addWidget(part)
        layout.addSpacing(6)
        layout.addLayout(upper)
        layout.addSpacing(6)
        layout.addLayout(pictures, 1)
        layout.addLayout(turn)
        layout.addWidget(self.done_note)
        layout.addLayout(buttons)

    def show_result(self, run: TrainingRun, done: dict[str, Any]) -> None:
        """Show what came out of a training; the files are read in a job."""
        self.run, self.outcome = run, None
        self.title.setText(f"Before and after: “{run.name}”")
        self.before.title = f"Before: {run.start}" if run.start else "Before"
        self.after.title = f"After: {run.name}"
        self.verdict.setText("Reading the results…")
        show_note(self.done_note, "")
        for button in (self.use, self.keep, self.drop, self.former, self.next):
            button.setEnabled(False)
        self.back.hide()
        for button in (self.use, self.keep, self.drop):
            button.show()
        self._context.jobs.start(
            "Reading the results",
            lambda job: outcome_of(run.run, done),
            on_done=self._show_outcome,
            on_error=lambda error: show_error(self._dialog, error, "Retraining"),
            kind=JobKind.ELSEWHERE,
            quiet=True,
        )

    def _show_outcome(self, outcome: TrainingOutcome) -> None:
        self.outcome = outcome
        self.verdict.setText(outcome.verdict)
        for key, scores in (("before", outcome.before), ("after", outcome.after)):
            figures = {} if scores is None else vars(scores)
            for _, name in _ROWS:
                self.cells[key, name].setText(f"{figures[name]:.2f}" if figures else "–")
        offered = outcome.better or outcome.unclear
        self.use.setEnabled(offered)
        self.use.setToolTip("Make it the default; the old one stays installed" if offered else f"{_WORSE}.")
        self.use.setProperty("role", "main" if outcome.better else "")  # else it is left to people
        self.use.style().polish(self.use)
        self.keep.setEnabled(True)
        self.drop.setEnabled(True)
        if outcome.unclear:
            show_note(self.done_note, _UNCLEAR)
        elif not outcome.better:
            text = f"{_WORSE}. You can keep it beside the old one, and choose it in the panel “Segment”."
            show_note(self.done_note, text)
        self._show_slice(0)

    def _show_slice(self, number: int) -> None:
        pictures = () if self.outcome is None else self.outcome.pictures
        self._shown = number = max(0, min(number, len(pictures) - 1))
        self.former.setEnabled(number > 0)
        self.next.setEnabled(number < len(pictures) - 1)
        if not pictures:
            self.number.setText("")
            for view in (self.truth, self.before, self.after):
                view.clear("There is no picture")
            return
        if self.outcome is not None and self.outcome.judged_on is JudgedOn.STRIP:
            self.number.setText("Judged on a strip of it")
        else:
            self.number.setText(f"Held-out slice {number + 1} of {len(pictures)}")
        one = pictures[number]
        self.truth.show_truth(one.image, one.truth)
        self.after.show_found(one.image, one.after)
        if one.before is None:
            self.before.clear("It was trained from nothing")
        else:
            self.before.show_found(one.image, one.before)

    # -- what becomes of it --------------------------------------------------------------------------

    def _install(self, *, use: bool) -> None:
        run, outcome = self.run, self.outcome
        if run is None or outcome is None:
            return
        for button in (self.use, self.keep, self.drop):
            button.setEnabled(False)
        show_note(self.done_note, "Checking and installing the new model…")

        def work(job: Job) -> ModelCard:
            from sxtstudio.segment.installing import install_model
            from sxtstudio.workflow.retraining.models import give_free_name

            give_free_name(outcome.model)
            card = install_model(outcome.model)
            decide(run, "used" if use else "kept")
            return card

        def failed(error: Exception) -> None:
            self._show_outcome(outcome)
            show_error(self._dialog, error, "Retraining")

        self._context.jobs.start(
            "Installing the new model",
            work,
            on_done=lambda card: self._on_installed(card, use),
            on_error=failed,
            kind=JobKind.ELSEWHERE,
        )

    def _on_installed(self, card: ModelCard, use: bool) -> None:
        if use:
            default_model.use_model(self._context, card)
            text = f"{card.name} is used from now on. The old model stays; one click goes back to it."
        else:
            self._context.session.models_changed.emit(card.name)
            text = f"{card.name} is installed beside the others: choose it in the panel “Segment”."
        show_note(self.done_note, text)
        for button in (self.use, self.keep, self.drop):
            button.hide()
        self.back.setVisible(use)
        self.back.setEnabled(use)
        self.closed.emit()

    def _on_drop_clicked(self) -> None:
        if self.run is None:
            return
        answer = questions.ask(
            self._dialog,
            "Throw the new model away?",
            f"The model {self.run.name} and its training are removed for good.",
            (Answer.THROW_AWAY, Answer.CANCEL),
            default=Answer.CANCEL,
        )
        if answer == Answer.THROW_AWAY:
            remove(self.run)
            for button in (self.use, self.keep, self.drop):
                button.setEnabled(False)
            show_note(self.done_note, "It is gone. The model in use is the same as before.")
            self.closed.emit()

    def _on_back_clicked(self) -> None:
        self.back.setEnabled(False)

        def on_back(name: str) -> None:
            show_note(
                self.done_note, f"{name or 'The former model'} is used again; the new one stays installed."
            )

        default_model.go_back(self._context, on_back)
