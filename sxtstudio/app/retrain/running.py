"""The page that is watched: curves, a slice that improves, remaining time, and the buttons to steer."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from sxtstudio.app import questions, theme
from sxtstudio.app.context import Context
from sxtstudio.app.questions import Answer
from sxtstudio.app.retrain.curves import LOSS_SERIES, METRIC_SERIES, Curves
from sxtstudio.app.retrain.pictures import SlicePicture
from sxtstudio.app.retrain.process import TrainingProcess
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.app.widgets.notes import note, show_note
from sxtstudio.core import wording
from sxtstudio.core.errors import UserError
from sxtstudio.core.training_events import JudgedOn
from sxtstudio.workflow.retraining.events import PREVIEW, History, read_arrays
from sxtstudio.workflow.retraining.runs import TrainingRun, remove

_DEVICES = {"cpu": "the processor (CPU)", "cuda": "the graphics card"}
_BAR = 1000
_SETTLE_MS = 50  # curves of many points are not drawn with every one
_CRASHED = (
    "The training ended without a word: it was stopped from outside, or the memory did not suffice. What it "
    "had saved is there, so it can go on."
)


class RunningPage(QWidget):
    """Follows one ``TrainingProcess``.

    Signals
    -------
    finished(TrainingRun, dict)
        The training is done; with its last event.
    left(TrainingRun)
        It was cancelled, and the user decided what becomes of it.
    broken(TrainingRun)
        It ended without a model; the page says why.
    """

    finished = Signal(object, object)
    left = Signal(object)
    broken = Signal(object)

    def __init__(self, context: Context, dialog: ToolDialog) -> None:
        """Build the page; nothing runs yet."""
        super().__init__()
        self._context = context
        self._dialog = dialog
        self.training: TrainingProcess | None = None
        self.run: TrainingRun | None = None
        self._throw_away = self._cancelling = self._finishing = False
        self._settle = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._settle.timeout.connect(self._show_curves)
        self.title = QLabel()
        self.title.setProperty("role", "title")
        self.status = QLabel()
        self.status.setTextFormat(Qt.TextFormat.PlainText)
        self.bar = QProgressBar(textVisible=False)
        self.bar.setFixedHeight(8)
        self.bar.setAccessibleName("Progress of the training")
        self.facts, self.problem = note(), QLabel()
        self.problem.setWordWrap(True)
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.problem.hide()
        self.losses = Curves("Loss", LOSS_SERIES)
        self.losses.setToolTip("How wrong the network is; both should fall. Dashed: on held-out slices")
        self.metrics = Curves("Held-out slices", METRIC_SERIES, unit="%")
        self.metrics.setToolTip(
            "F1: agreement of the outlines with the labels, within 2 pixels. Labels right: share of the "
            "pixels. Image redrawn: share of the pixels that the image head gets within one deviation"
        )
        self.found = SlicePicture("The network outlines now")
        self.truth = SlicePicture("Your labels")
        for picture in (self.found, self.truth):
            picture.clear("A held-out slice appears after the first evaluation")
        self.pause = dialog.button("Pause", "mdi6.pause", "Let it rest, and go on later")
        self.stop = dialog.button(
            "Stop and keep the best so far", "mdi6.flag-checkered", "Finish now with the best weights"
        )
        self.cancel = dialog.button("Cancel…", "mdi6.close-circle-outline", "End the training")
        self.again = dialog.button("Go on", "mdi6.play", "Go on where it was interrupted")
        self.again.setProperty("role", "main")
        self._lay_out()
        self.pause.clicked.connect(self._on_pause_clicked)
        self.stop.clicked.connect(self._on_stop_clicked)
        self.cancel.clicked.connect(self._on_cancel_clicked)
        self.again.clicked.connect(self._on_again_clicked)
        self._refresh()

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setSpacing(10)
        grid.addWidget(self.losses, 0, 0)
        grid.addWidget(self.metrics, 1, 0)
        grid.addWidget(self.found, 0, 1)
        grid.addWidget(self.truth, 1, 1)
        grid.setColumnStretch(0, 3)
        grid.setColumnStretch(1, 2)
        row = QHBoxLayout()
        for button in (self.pause, self.again, self.stop):
            row.addWidget(button)
        row.addStretch()
        row.addWidget(self.cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.title, self.status, self.bar, self.facts, self.problem):
            layout.addWidget(widget)
        layout.addLayout(grid, 1)
        layout.addLayout(row)

    @property
    def busy(self) -> bool:
        """Whether a training runs or is paused."""
        return self.training is not None and self.training.running

    @property
    def at_work(self) -> bool:
        """Whether a training has not said its last word yet."""
        return self.training is not None and self.training.at_work

    def begin(self, run: TrainingRun) -> None:
        """Start a training, or go on with it.

        Raises
        ------
        UserError
            If another window works on it, or one runs here already.
        """
        if self.busy:
            raise UserError("A training is running. Wait for it, or cancel it first.")
        self._throw_away = self._cancelling = self._finishing = False
        self.run = run
        former, self.training = self.training, TrainingProcess(self._context, run, self)
        if former is not None:
            former.deleteLater()
        self.training.event_read.connect(self._on_event)
        self.training.ended.connect(self._on_ended)
        show_note(self.problem, "")
        self.title.setText(f"Training “{run.name}”")
        self.training.start()
        self._refresh()

    def shut_down(self) -> None:
        """The window closes: the training saves its state."""
        self._settle.stop()
        if self.training is not None:
            self.training.shut_down()

    # -- events --------------------------------------------------------------------------------------

    def _on_event(self, event: dict[str, Any]) -> None:
        if event["event"] == "preview":
            self._show_preview()
        self._show_state()
        if not self._settle.isActive():
            self._settle.start()

    def _show_preview(self) -> None:
        if self.run is None:
            return
        arrays = read_arrays(self.run.run / PREVIEW)
        image, truth, output = (arrays.get(name) for name in ("image", "truth", "label"))
        if image is not None and output is not None and image.shape == output.shape:
            self.found.show_found(image, output)
            if truth is not None and truth.shape == image.shape:
                self.truth.show_truth(image, truth)

    def _on_ended(self, reason: str) -> None:
        training, run = self.training, self.run
        if training is None or run is None:
            return
        self._refresh()
        if reason == "done":
            self.finished.emit(run, training.history.done)
        elif reason == "cancelled":
            if self._throw_away:
                remove(run)
            self.left.emit(run)
        elif reason == "failed":
            show_note(self.problem, f"⚠ {training.history.error or 'The training could not go on.'}")
        else:
            last = training.words.strip().splitlines()[-1:] or [""]
            show_note(self.problem, f"⚠ {_CRASHED}\n{last[0]}".strip())
        self._refresh()
        if self.problem.isVisibleTo(self):
            self.broken.emit(run)

    # -- buttons -------------------------------------------------------------------------------------

    def _on_pause_clicked(self) -> None:
        if self.training is not None:
            (self.training.go_on if self.training.history.paused else self.training.pause)()
            self.pause.setEnabled(False)  # until it answers

    def _on_stop_clicked(self) -> None:
        if self.training is not None:
            self.training.stop()
            self._finishing = True
            self.stop.setEnabled(False)
            self.stop.setText("Finishing…")

    def _on_again_clicked(self) -> None:
        if self.run is not None:
            self.begin(self.run)

    def _on_cancel_clicked(self) -> None:
        answer = questions.ask(
            self._dialog,
            "Cancel the training?",
            "What was learned so far can be kept, to go on another time.",
            (Answer.KEEP_FOR_LATER, Answer.THROW_IT_AWAY, Answer.KEEP_TRAINING),
            "The model in use stays as it is in any case.",
        )
        if answer == Answer.KEEP_TRAINING or self.run is None:
            return
        self._throw_away = answer == Answer.THROW_IT_AWAY
        if self.busy and self.training is not None:
            self.training.cancel()
            self._cancelling = True
            self._refresh()
        else:
            if self._throw_away:
                remove(self.run)
            self.left.emit(self.run)

    def _refresh(self) -> None:
        self._settle.stop()
        self._show_curves()
        self._show_state()

    @property
    def _history(self) -> History:
        return History() if self.training is None else self.training.history

    def _show_curves(self) -> None:
        history = self._history
        self.losses.show_points(history.curves, history.best_step, history.step)
        self.metrics.show_points(history.curves, history.best_step, history.step)

    def _show_state(self) -> None:
        history, busy = self._history, self.busy
        cancelling = busy and self._cancelling
        self.status.setText("Saving what was learned…" if cancelling else status_text(history, busy))
        # Until the first step it moves to and fro: how long is not known.
        self.bar.setRange(0, _BAR if history.fraction or not busy else 0)
        self.bar.setValue(round(_BAR * history.fraction))
        show_note(self.facts, facts_text(history))
        self.pause.setVisible(busy)
        self.pause.setEnabled(busy and (history.step > 0 or history.paused))
        self.pause.setText("Go on" if history.paused else "Pause")
        theme.set_icon(self.pause, "mdi6.play" if history.paused else "mdi6.pause")
        self.stop.setVisible(busy)
        if not busy or history.step == 0:
            self._finishing = False
            self.stop.setText("Stop and keep the best so far")
            self.stop.setEnabled(busy and history.step > 0)
        elif not self._finishing:
            self.stop.setEnabled(True)
        self.again.setVisible(not busy and self.run is not None)
        self.cancel.setEnabled(not cancelling)
        if cancelling:
            self.pause.setEnabled(False)
            self.stop.setEnabled(False)


def status_text(history: History, busy: bool) -> str:
    """Return step, remaining time, or why it stands still."""
    where = f"Step {history.step}" + (f" of about {history.of}" if history.of else "")
    if not busy:
        return f"{where}: not running" if history.step else "Not running"
    if history.paused:
        return f"{where}: paused"
    if not history.device:
        return "Starting: PyTorch and the data are loaded…"
    if history.remaining_s is None:
        return f"{where} · judging the model as it is now…" if not history.step else where
    left = (
        "almost done"
        if history.remaining_s < 3
        else f"about {wording.rough_duration(history.remaining_s)} left"
    )
    return f"{where} · {left}"


def facts_text(history: History) -> str:
    """Return device, slices, and what the training has to say."""
    facts = []
    if history.device:
        kind = history.device.partition(":")[0]
        facts.append(f"Runs on {_DEVICES.get(kind, history.device)}.")
    if history.slices is not None:
        labelled, held_out, unlabelled = history.slices
        more = f", and {wording.count(unlabelled, 'slice')} without labels" if unlabelled else ""
        if history.judged_on is JudgedOn.STRIP:
            facts.append(
                f"Learns from four fifths of one slice{more}; the other fifth is kept aside to judge."
            )
        else:
            learned = wording.count(labelled, "slice")
            facts.append(f"Learns from {learned}{more}; {held_out} kept aside to judge.")
    facts += dict.fromkeys(history.notes)  # a training that goes on says it again
    return " ".join(facts)
