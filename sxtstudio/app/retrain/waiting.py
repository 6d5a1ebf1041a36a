"""A strip that offers trainings which were interrupted, or whose model waits for a decision."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.questions import Answer
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.workflow.retraining.runs import TrainingRun, remove

_WORDS = {
    "interrupted": ("was interrupted", "Go on"),
    "failed": ("stopped with an error", "Try again"),
    "finished": ("is done, and its model waits for your decision", "Show the result"),
}


class WaitingStrip(QFrame):
    """Shows the latest of them; ``chosen(TrainingRun)`` when the user takes it up."""

    chosen = Signal(object)

    def __init__(self, context: Context, dialog: ToolDialog) -> None:
        """Begin hidden."""
        super().__init__()
        self._context = context
        self._dialog = dialog
        self.runs: list[TrainingRun] = []
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.take = dialog.button("Go on", "mdi6.play", "Take this training up again")
        self.discard = dialog.button("Discard…", "mdi6.delete-outline", "Remove it for good")
        layout = QHBoxLayout(self)
        layout.addWidget(self.words, 1)
        layout.addWidget(self.take)
        layout.addWidget(self.discard)
        self.take.clicked.connect(lambda: self.chosen.emit(self.runs[0]))
        self.discard.clicked.connect(self._on_discard_clicked)
        self.hide()

    @property
    def has_runs(self) -> bool:
        """Whether there is anything to offer."""
        return bool(self.runs)

    def offer(self, runs: Sequence[TrainingRun]) -> None:
        """Offer these, the latest first."""
        self.runs = list(runs)
        self.setVisible(self.has_runs)
        if self.runs:
            state, button = _WORDS.get(self.runs[0].state, _WORDS["interrupted"])
            self.words.setText(f"{_name(self.runs[0])} {state}.{_more(len(self.runs) - 1)}")
            self.take.setText(button)

    def _on_discard_clicked(self) -> None:
        run = self.runs[0]
        answer = questions.ask(
            self._dialog,
            "Discard the training?",
            f"{_name(run)} and what it learned are removed for good.",
            (Answer.DISCARD, Answer.CANCEL),
            default=Answer.CANCEL,
        )
        if answer == Answer.DISCARD:
            remove(run)
            self.offer(self.runs[1:])


def _name(run: TrainingRun) -> str:
    when = ""
    with suppress(ValueError):
        when = f" of {datetime.fromisoformat(run.begun):%Y-%m-%d %H:%M}"
    return f"The training “{run.name}”{when}"


def _more(count: int) -> str:
    return f" {count} more wait{'s' if count == 1 else ''} after it." if count else ""
