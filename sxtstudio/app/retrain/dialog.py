"""Tools > Retrain with my labels: labels, other tomograms, model, training, before and after."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QCloseEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from sxtstudio.app import questions, theme
from sxtstudio.app.context import Context
from sxtstudio.app.errors import show_error
from sxtstudio.app.help.reader import Documentation
from sxtstudio.app.jobs.job import Job, JobKind
from sxtstudio.app.notices import Notice, NoticeKind
from sxtstudio.app.questions import Answer
from sxtstudio.app.retrain.labels import LabelsPage
from sxtstudio.app.retrain.missing import MissingPage
from sxtstudio.app.retrain.model import ModelPage
from sxtstudio.app.retrain.others import OthersPage
from sxtstudio.app.retrain.result import ResultPage
from sxtstudio.app.retrain.running import RunningPage
from sxtstudio.app.retrain.waiting import WaitingStrip
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.core.errors import UserError
from sxtstudio.core.training_events import EVENTS, read_events
from sxtstudio.workflow.retraining import child
from sxtstudio.workflow.retraining.labels import Problem
from sxtstudio.workflow.retraining.runs import Request, TrainingRun, find_runs, prepare

STEPS = ("1  Labels", "2  Other tomograms", "3  Model", "4  Training", "5  Before and after")
LABELS, OTHERS, MODEL, TRAINING, RESULT, MISSING = range(6)


class RetrainDialog(ToolDialog):
    """Stays open beside the window; closed, a training goes on, and the bar of jobs shows it."""

    TITLE = "Retrain with my labels"
    PAGE = "retrain.md"

    def __init__(self, context: Context) -> None:
        """Build all steps; trainings that wait are looked for in a job."""
        super().__init__(context)
        self._context = context
        self.resize(1000, 760)
        self.labels = LabelsPage(context, self)
        self.others = OthersPage(context, self)
        self.model = ModelPage(context)
        self.running = RunningPage(context, self)
        self.before_after = ResultPage(context, self)
        self.missing = MissingPage(self)
        self.waiting = WaitingStrip(context, self)
        self.pages = QStackedWidget()
        for page in (self.labels, self.others, self.model, self.running, self.before_after, self.missing):
            self.pages.addWidget(page)
        self.steps = [QLabel(text) for text in STEPS]
        self.help = self.button("Help", "mdi6.help-circle-outline", "What makes a good training (F1)")
        self.back = self.button("Back", "mdi6.chevron-left", "The step before")
        self.next = self.button("Next", "", "The next step")
        self.next.setProperty("role", "main")
        self.close_button = self.button("Close", "", "Close this window; a running training goes on")
        self.preparing: Job | None = None
        self._shutting_down = False
        self._lay_out()
        self.labels.changed.connect(self._on_labels_changed)
        for page in (self.others, self.model):
            page.changed.connect(self._refresh)
        self.running.finished.connect(self._show_result)
        self.running.left.connect(self._on_left)
        self.running.broken.connect(
            lambda run: self._say_ended(f"The training of {run.name} ended without a model.")
        )
        self.before_after.closed.connect(self.look_for_runs)
        self.missing.look_again.connect(self._on_look_again)
        self.waiting.chosen.connect(self.take_up)
        self.help.clicked.connect(self.show_help)
        self.back.clicked.connect(self._on_back_clicked)
        self.next.clicked.connect(self._on_next_clicked)
        self.close_button.clicked.connect(self.close)
        QShortcut(QKeySequence(Qt.Key.Key_F1), self, self.show_help)
        context.session.models_changed.connect(self.model.refresh_models)
        self._show_page(LABELS if child.can_train() else MISSING)
        self.look_for_runs()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(22)
        for label in self.steps:
            head.addWidget(label)
        head.addStretch()
        lower = QHBoxLayout()
        lower.addWidget(self.help)
        lower.addStretch()
        for button in (self.back, self.next, self.close_button):
            lower.addWidget(button)
        self._head = QWidget()
        self._head.setLayout(head)
        head.setContentsMargins(0, 0, 0, 6)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.addWidget(self._head)
        layout.addWidget(self.waiting)
        layout.addWidget(self.pages, 1)
        layout.addSpacing(6)
        layout.addLayout(lower)

    # -- the way through the steps -------------------------------------------------------------------

    @property
    def page(self) -> int:
        """The step that is shown, from 0."""
        return self.pages.currentIndex()

    def look_for_runs(self) -> None:
        """Offer trainings that were interrupted, or whose model waits for a decision."""
        self._context.jobs.start(
            "Looking for trainings",
            lambda job: find_runs(),
            on_done=self._show_runs,
            kind=JobKind.ELSEWHERE,
            quiet=True,
        )

    def take_up(self, run: TrainingRun) -> None:
        """Go on with a training, or show what came of it."""
        try:
            if run.state == "finished":
                done = [event for event in read_events(run.run / EVENTS) if event["event"] == "done"]
                self._show_result(run, done[-1])
            else:
                self.running.begin(run)
                self._show_page(TRAINING)
        except UserError as error:
            show_error(self, error, "Retraining")
        self.waiting.offer([])

    def problems(self) -> list[Problem]:
        """Return everything that is wrong, in sentences."""
        found = [*self.labels.found_problems(), *self.model.found_problems()]
        if self.labels.looking:
            found.insert(0, Problem("The labels are still being looked at; wait a moment."))
        return found

    def begin(self) -> None:
        """Write what is to be learned from, and start the training."""
        if self.preparing is not None or any(problem.stops for problem in self.problems()):
            return
        request = Request(
            name=self.model.name.text().strip(),
            start=self.model.start,
            minutes=self.model.minutes.value(),
            labels=tuple(self.labels.chosen),
            unlabelled=self.others.chosen,
        )

        def done(run: TrainingRun) -> None:
            self.running.begin(run)
            self._show_page(TRAINING)

        self.preparing = self._context.jobs.start(
            "Copying the complete slices",
            lambda job: prepare(request, job.progress),
            on_done=done,
            on_error=lambda error: show_error(self, error, "Retraining"),
        )
        self.preparing.finished.connect(self._on_prepared)
        self._refresh()

    def _on_prepared(self) -> None:
        self.preparing = None
        self._refresh()

    def _on_next_clicked(self) -> None:
        if self.page == MODEL:
            self.begin()
        elif self.page == RESULT:
            self._show_page(LABELS)
            self.look_for_runs()
        else:
            self._show_page(self.page + 1)

    def _on_back_clicked(self) -> None:
        self._show_page(self.page - 1)

    def _on_look_again(self) -> None:
        if child.can_train():
            self._show_page(LABELS)
        else:
            self.missing.say_not_there()

    def _on_labels_changed(self) -> None:
        self.others.follow([one for one in self.labels.chosen if one.slices])
        self._refresh()

    def _on_left(self, run: TrainingRun) -> None:
        self._show_page(LABELS)
        self.look_for_runs()

    def _show_result(self, run: TrainingRun, done: dict[str, object]) -> None:
        history = None if self.running.training is None else self.running.training.history
        if history is not None and history.seconds and history.step:
            self.model.remember_speed(run.start, history.seconds / history.step)
        self.before_after.show_result(run, done)
        self._show_page(RESULT)
        self._say_ended(f"The training of {run.name} is done.")

    def _say_ended(self, text: str) -> None:
        """Say it for a while; where nobody has this window before him, until it is looked at."""
        session = self._context.session
        session.message.emit(f"{text[:-1]}: Tools > Retrain shows it.")
        if not self.isActiveWindow():
            look = partial(self._context.dialogs.bring_up, RetrainDialog)
            session.notices.post(Notice(NoticeKind.TRAINING, text, look))

    def _show_runs(self, runs: list[TrainingRun]) -> None:
        shown = (
            self.before_after.run.folder
            if self.page == RESULT and self.before_after.run is not None
            else None
        )
        busy = self.running.busy or self.preparing is not None
        self.waiting.offer([] if busy else [run for run in runs if run.folder != shown])
        self._refresh()

    def _show_page(self, page: int) -> None:
        self.pages.setCurrentIndex(page)
        self._refresh()

    def _refresh(self, *_: object) -> None:
        page = self.page
        for number, label in enumerate(self.steps):
            label.setEnabled(number <= page)
            label.setStyleSheet(f"color: {theme.ACCENT}; font-weight: 600" if number == page else "")
        self._head.setVisible(page != MISSING)
        self.waiting.setVisible(self.waiting.has_runs and page in (LABELS, OTHERS, MODEL))
        self.back.setVisible(page in (OTHERS, MODEL))
        self.next.setVisible(page in (LABELS, OTHERS, MODEL, RESULT))
        self.next.setText({MODEL: "Start training", RESULT: "New training"}.get(page, "Next"))
        role = "" if page == RESULT else "main"
        theme.set_role(self.next, role)
        problems = self.problems() if page == MODEL else []
        beside_field = self.model.found_problems() if self.model.ready else []
        self.model.show_problems([one for one in problems if one not in beside_field])
        stops = next((one.text for one in problems if one.stops), "")
        working = self.running.busy or self.preparing is not None
        self.next.setEnabled(page != MODEL or not (stops or working or not self.model.ready))
        tip = {MODEL: stops or "Copy the complete slices and start", LABELS: "The next step"}
        if page == MODEL and working:
            tip[MODEL] = "A training is running or being prepared"
        self.next.setToolTip(tip.get(page, "Go on to the next step"))

    # -- window --------------------------------------------------------------------------------------

    def show_help(self) -> None:
        """Show the page about retraining."""
        self._context.dialogs.bring_up(Documentation).show_page("retrain.md")

    def showEvent(self, event: QShowEvent) -> None:
        """Begin with the labels of the open document."""
        super().showEvent(event)
        if not event.spontaneous():
            self.labels.propose_open()

    def changeEvent(self, event: QEvent) -> None:
        """Take note that somebody looks."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self._context.session.notices.seen(NoticeKind.TRAINING)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Say that a training goes on; ask only if the user wants otherwise."""
        if self.running.at_work and not self._shutting_down:
            answer = questions.ask(
                self,
                "The training goes on",
                "The training goes on while this window is closed; the bar below the main window shows it.",
                (Answer.CLOSE_AND_GO_ON, Answer.PAUSE_AND_CLOSE, Answer.STAY),
            )
            if answer == Answer.STAY:
                event.ignore()
                return
            if answer == Answer.PAUSE_AND_CLOSE and self.running.training is not None:
                self.running.training.pause()
        super().closeEvent(event)

    def shut_down(self) -> None:
        """Close with the window; a training saves its state."""
        self._shutting_down = True
        self.running.shut_down()
        super().shut_down()
