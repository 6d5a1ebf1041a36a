"""Tools > Beamtime: each tomogram that arrives in a folder, on a wall that grows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QPalette, QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QSplitter,
    QToolButton,
    QVBoxLayout,
)

from sxtstudio.app import questions, theme
from sxtstudio.app.beamtime.days import Days
from sxtstudio.app.beamtime.details import CHECKED, Details, files_of
from sxtstudio.app.beamtime.form import BeamtimeForm, BeamtimeRequest
from sxtstudio.app.beamtime.model import Order, Show, SortKey, WallModel, title_of
from sxtstudio.app.beamtime.thumbnails import Thumbnails
from sxtstudio.app.beamtime.wall import Wall, colour_of
from sxtstudio.app.context import Context
from sxtstudio.app.document.open_result import open_result
from sxtstudio.app.errors import show_error
from sxtstudio.app.jobs.job import Job, JobKind
from sxtstudio.app.notices import Notice, NoticeKind
from sxtstudio.app.questions import Answer
from sxtstudio.app.widgets.controls import ComboBox, TabWidget
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.app.widgets.elided import ElidedLabel
from sxtstudio.app.widgets.outside import open_outside, show_folder
from sxtstudio.app.widgets.scroll import VerticalScroll
from sxtstudio.cluster.door import runner_for
from sxtstudio.core.errors import UserError
from sxtstudio.core.printable import printable
from sxtstudio.core.quality.dictionary import FigureName
from sxtstudio.core.wording import count
from sxtstudio.workflow.beamtime.follow import BeamtimeFollower, check_page, objects_path, read_page
from sxtstudio.workflow.beamtime.page import INDEX
from sxtstudio.workflow.beamtime.pdf import PDF, write_pdf
from sxtstudio.workflow.beamtime.record import TomogramRecord, current_id
from sxtstudio.workflow.beamtime.status import Doing, Status
from sxtstudio.workflow.beamtime.summary import Mark
from sxtstudio.workflow.jobs.batch import Free
from sxtstudio.workflow.jobs.batch_settings import check_batch
from sxtstudio.workflow.jobs.watch import FolderWatch
from sxtstudio.workflow.jobs.watching import run_watch

# The table of days and the numbers of the filters follow at most that often.
_CALM_MS = 400
# What another window does is read again so often.
_LOOK_AGAIN_MS = 10_000
_TIPS = {
    Show.ALL: "All tomograms",
    Show.LOOK: "Those that failed, are bad, or are worth a look",
    Show.FAILED: "Those that could not be segmented",
    Show.WORK: "Those that are segmented now, or wait for it",
    Show.GOOD: "Those of which nothing bad is known",
}
_DOTS = {Doing.LOOKING: Mark.GOOD, Doing.WORKING: Mark.RUNNING, Doing.BLOCKED: Mark.BAD}


class BeamtimeDialog(ToolDialog):
    """Stays open beside the window; closed, it works on, and the bar of jobs shows it."""

    TITLE = "Beamtime"
    BESIDE = True
    PAGE = "beamtime.md"

    def __init__(self, context: Context) -> None:
        """Build the dialog with the wall of the folder that was used last."""
        super().__init__(context)
        self._context = context
        self.job: Job | None = None
        self.status = Status(Doing.STOPPED)
        self._page: Path | None = None
        self.resize(1180, 720)
        self.setSizeGripEnabled(True)
        self.thumbnails = Thumbnails(self)
        self.model = WallModel(self)
        self.wall = Wall(self.model, self.thumbnails)
        self.details = Details(self.thumbnails)
        self.days = Days()
        self.form = BeamtimeForm(context)
        self._build()
        self._lay_out()
        self._calm = QTimer(self)
        self._calm.setSingleShot(True)
        self._calm.setInterval(_CALM_MS)
        self._calm.timeout.connect(self._show_numbers)
        self.wall.chosen.connect(self._on_wall_chosen)
        self.wall.opened.connect(self._open)
        self.details.open_button.clicked.connect(lambda: self._open(self.details.record))
        self.form.page_changed.connect(self.show_page)
        self.form.watched.textChanged.connect(self._on_watched_changed)
        self.shown.idClicked.connect(lambda number: self._filter())
        self.search.textChanged.connect(self._filter)
        self.order.currentIndexChanged.connect(self._on_order_changed)
        self.tabs.currentChanged.connect(lambda number: self._show_numbers())
        self.start.clicked.connect(self.begin)
        self.stop.clicked.connect(self._on_stop_clicked)
        self.open_page.clicked.connect(self._on_open_page_clicked)
        self.save_pdf.clicked.connect(self._on_save_pdf_clicked)
        self.close_button.clicked.connect(self.close)
        theme.follow(self, self._show_status)
        self._show_numbers()
        self._refresh()
        if not self.form.watched.text().strip():
            self.tabs.setCurrentIndex(2)
        self._show_status()
        self.show_page()

    def _on_watched_changed(self) -> None:
        self._show_status()
        self._refresh()

    def _build(self) -> None:
        self.dot, self.headline, self.trouble = QLabel("●"), QLabel(), QLabel()
        self.headline.setProperty("role", "title")
        self.headline.setTextFormat(Qt.TextFormat.PlainText)
        self.trouble.setTextFormat(Qt.TextFormat.PlainText)
        for label in (self.headline, self.trouble):
            label.setWordWrap(True)
        self.trouble.setAccessibleName("What work waits for")
        self.trouble.setMargin(6)
        self.trouble.setAutoFillBackground(True)
        self.shown = QButtonGroup(self)
        for number, show in enumerate(Show):
            button = QToolButton()
            button.setCheckable(True)
            button.setChecked(show is Show.ALL)
            button.setToolTip(_TIPS[show])
            button.setStyleSheet(CHECKED)
            self.shown.addButton(button, number)
        self.order = ComboBox()
        self.order.setAccessibleName("What comes first")
        self.order.setToolTip("What comes first on the wall")
        keys: tuple[SortKey, ...] = (*Order, *FigureName)
        for key in keys:
            self.order.addItem(title_of(key))
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search names and remarks")
        self.search.setClearButtonEnabled(True)
        self.start = self.button("Start", "", "Segment each tomogram that arrives")
        self.start.setProperty("role", "main")
        self.stop = self.button("Stop", "mdi6.stop", "Stop; Start goes on where it was")
        self.open_page = self.button("Open page", "mdi6.web", "Show the page in the browser")
        self.save_pdf = self.button("PDF…", "mdi6.file-pdf-box", "Write a summary that can be mailed")
        self.close_button = self.button("Close", "", "Close this window; a running beamtime goes on")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.bar.setAccessibleName("How much of the tomograms in work is done")
        room = self.bar.sizePolicy()
        room.setRetainSizeWhenHidden(True)  # the wall stays where it is
        self.bar.setSizePolicy(room)
        self.said = ElidedLabel(most_px=2000)

    def _lay_out(self) -> None:
        upper = QHBoxLayout()
        upper.addWidget(self.dot, 0, Qt.AlignmentFlag.AlignTop)
        upper.addWidget(self.headline, 1)
        upper.addWidget(self.stop)
        upper.addWidget(self.start)
        tools = QHBoxLayout()
        for button in self.shown.buttons():
            tools.addWidget(button)
        tools.addWidget(self.search, 1)
        tools.addWidget(self.order)
        self.tabs = TabWidget()
        self.tabs.addTab(VerticalScroll(self.details), "Details")  # on small screens the buttons must be seen
        self.tabs.addTab(self.days, "Days")
        self.tabs.addTab(VerticalScroll(self.form), "Settings")
        self.tabs.setMinimumWidth(320)
        self.splitter = QSplitter()
        self.splitter.addWidget(self.wall)
        self.splitter.addWidget(self.tabs)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setSizes([800, 380])
        lower = QHBoxLayout()
        for button in (self.open_page, self.save_pdf):
            lower.addWidget(button)
        lower.addWidget(self.said, 1)
        lower.addWidget(self.close_button)
        layout = QVBoxLayout(self)
        layout.addLayout(upper)
        layout.addWidget(self.trouble)
        layout.addWidget(self.bar)
        layout.addLayout(tools)
        layout.addWidget(self.splitter, 1)
        layout.addLayout(lower)

    # The work

    def begin(self) -> None:
        """Watch the folder, and segment what arrives."""
        if self.job is not None:
            return
        try:
            other = self._context.session.busy
            if other is not None:
                raise UserError(
                    f"“{other.name}” is running. Wait for it, or cancel it, then start the beamtime."
                )
            if any(job.kind is JobKind.BATCH for job in self._context.jobs.running):
                raise UserError("A batch is running. Wait for it, or stop it (Tools > Batch), then start.")
            request = self.form.request()
        except UserError as error:
            self.tabs.setCurrentIndex(2)
            show_error(self, error, "Beamtime")
            return
        self._use_page(request.beamtime.page)
        self.job = self._context.jobs.start(
            f"Beamtime {request.watched.name}",
            lambda job: work(job, request, self._free),
            on_report=self._on_report,
            on_error=lambda error: show_error(self, error, "Beamtime"),
            kind=JobKind.BATCH,
        )
        self.job.finished.connect(self._on_finished)
        self.job.progressed.connect(self._show_status)
        self.tabs.setCurrentIndex(0)
        self._show_now(Status(Doing.LOOKING))

    def _free(self) -> bool:
        """Whether nothing else computes; asked by the thread of the beamtime."""
        return self._context.session.busy is None

    def _on_report(self, what: object) -> None:
        if isinstance(what, Status):
            self._show_now(what)
        elif isinstance(what, TomogramRecord):
            self._take(what)
        elif isinstance(what, list):
            with self._chosen_kept():
                self.model.show_all(what)
            self._show_numbers()

    def _take(self, record: TomogramRecord) -> None:
        if self._page is not None:
            for file in files_of(self._page, record):
                self.thumbnails.forget(file)
        self.model.take(record)
        chosen = self.details.record
        if chosen is not None and chosen.id == record.id:
            self.details.show_record(record)
        self._calm.start()

    def _on_stop_clicked(self) -> None:
        if self.job is not None:
            self.job.cancel()
        self._refresh()

    def _on_finished(self) -> None:
        self.job = None
        self._show_now(Status(Doing.STOPPED))
        session = self._context.session
        session.message.emit("Beamtime: stopped.")
        if not self.isActiveWindow():
            look = partial(self._context.dialogs.bring_up, BeamtimeDialog)
            session.notices.post(Notice(NoticeKind.BEAMTIME, "The beamtime has been stopped.", look))

    # What is shown

    def show_page(self) -> None:
        """Show the tomograms of the folder that is named, as far as there are such."""
        folder = self.form.page_folder
        if self.job is not None or folder is None or folder == self._page:
            return
        self._use_page(folder)
        self._context.jobs.start(
            "Reading the beamtime",
            lambda job: read_page(folder),
            on_done=lambda found: self._on_page_read(folder, *found),
            kind=JobKind.ELSEWHERE,
            quiet=True,
        )

    def _on_page_read(self, folder: Path, doing: Doing, records: list[TomogramRecord]) -> None:
        if self.job is not None or folder != self._page:
            return
        self._on_report(records)
        self._show_now(Status(doing))
        if doing is Doing.ELSEWHERE:
            QTimer.singleShot(_LOOK_AGAIN_MS, self, self._look_again)

    def _look_again(self) -> None:
        """Read anew what another window or command has done meanwhile."""
        if self.isVisible() and self.job is None and self.status.doing is Doing.ELSEWHERE:
            self._page = None
            self.show_page()

    def showEvent(self, event: QShowEvent) -> None:
        """See what others have done while this was closed."""
        super().showEvent(event)
        self._look_again()

    def _use_page(self, folder: Path) -> None:
        self._page = self.wall.card.folder = self.details.folder = folder
        self._refresh()

    def _filter(self) -> None:
        with self._chosen_kept():
            self.model.set_filter(tuple(Show)[self.shown.checkedId()], self.search.text())
        self._show_hidden()

    def _on_order_changed(self) -> None:
        keys: tuple[SortKey, ...] = (*Order, *FigureName)
        with self._chosen_kept():
            self.model.set_order(keys[self.order.currentIndex()])

    @contextmanager
    def _chosen_kept(self) -> Iterator[None]:
        """Choose the same tomogram again when the wall was arranged anew."""
        chosen = self.details.record
        yield
        row = None if chosen is None else self.model.row_of(chosen.id)
        if row is not None:
            self.wall.setCurrentIndex(self.model.index(row))
            self.wall.scrollTo(self.wall.currentIndex())
        else:
            self.details.show_record(None)  # nothing of one that cannot be seen

    def _on_wall_chosen(self, record: TomogramRecord | None) -> None:
        self.details.show_record(record)
        if record is not None and self.tabs.currentIndex() == 2 and self.job is not None:
            self.tabs.setCurrentIndex(0)

    def _show_now(self, status: Status) -> None:
        self.status = status
        if self.job is not None:
            self.job.segments = status.doing is Doing.WORKING
        self._show_status()
        self._refresh()

    def _show_status(self) -> None:
        status = self._counted()
        doing = status.doing
        stopping = self.job is not None and self.job.progress.cancelled
        text = "Stopping: what is begun goes on at the next start." if stopping else status.text
        if doing is Doing.STOPPED and not self.form.watched.text().strip():
            text = "Choose the folder to watch (Settings), then press Start."
        self.bar.setVisible(self.job is not None and doing is Doing.WORKING)
        self.bar.setRange(0, 1000 if status.fraction > 0 else 0)
        self.bar.setValue(round(1000 * status.fraction))
        self.headline.setText(text)
        self.trouble.setText(self.status.trouble)
        self.trouble.setVisible(bool(self.status.trouble))
        palette = self.palette()
        self.dot.setStyleSheet(
            f"color: {colour_of(_DOTS.get(doing, Mark.SKIPPED), palette).name()}; font-size: 18px"
        )
        pale = QPalette(palette)
        pale.setColor(QPalette.ColorRole.Window, QColor("#3a2f14" if theme.is_dark() else "#fff3d6"))
        self.trouble.setPalette(pale)

    def _counted(self) -> Status:
        """Return the status with the figure of the bar of jobs: one number for one thing."""
        state = None if self.job is None else self.job.state
        if self.status.step != "segmenting" or state is None or not 0 < state.fraction:
            return self.status
        return replace(self.status, fraction=state.fraction)

    def _show_numbers(self) -> None:
        for number, show in enumerate(Show):
            self.shown.button(number).setText(f"{show.value} {self.model.count(show)}")
        if self.tabs.currentWidget() is self.days:
            self.days.show_records(self.model.records.values())
        self._show_hidden()
        self._refresh()

    def _show_hidden(self) -> None:
        hidden = len(self.model.records) - self.model.rowCount()
        self.search.setToolTip(f"{count(hidden, 'tomogram')} hidden" if hidden else "All are shown")
        if hidden:
            self.wall.why_empty = f"None of {count(hidden, 'tomogram')} fits the search and the filter."
        else:
            self.wall.why_empty = "Tomograms appear here once they are complete and their turn has come."
        self.wall.viewport().update()

    def _refresh(self) -> None:
        """Show what can be done now."""
        running = self.job is not None
        stopping = self.job is not None and self.job.progress.cancelled
        named = bool(self.form.watched.text().strip())
        self.start.setEnabled(not running and named)
        self.start.setToolTip(
            "Segment each tomogram that arrives" if named else "Choose the folder to watch first (Settings)"
        )
        self.stop.setEnabled(running and not stopping)
        self.stop.setText("Stopping…" if stopping else "Stop")
        self.form.setEnabled(not running)
        self.open_page.setEnabled(self._page is not None and bool(self.model.records))
        self.save_pdf.setEnabled(bool(self.model.records))

    # What leads elsewhere

    def _open(self, record: TomogramRecord | None) -> None:
        """Open a tomogram with what was made of it, unless another file has its name now."""
        if record is None:
            return
        path = Path(record.path)
        self._context.jobs.start(
            f"Looking at {path.name}",
            lambda job: current_id(path),
            on_done=lambda there: self._open_as(record, there),
            kind=JobKind.OPENING,
        )

    def _open_as(self, record: TomogramRecord, there: str | None) -> None:
        if there is not None and there != record.id:
            name = printable(record.name)
            answer = questions.ask(
                self,
                "Another file",
                f"Another file is called {name} now: what this card shows was made of a former one.",
                (Answer.OPEN_OTHER, Answer.CANCEL),
                "The former one may have been moved, or reconstructed anew.",
                default=Answer.CANCEL,
            )
            if answer != Answer.OPEN_OTHER:
                return
            known = self.model.records.get(there)
            if known is None:  # it is not segmented yet
                open_result(self._context, Path(record.path), None)
                return
            record = known
        labels = None if record.labels is None else Path(record.labels)
        objects = None if labels is None or not record.objects else objects_path(labels)
        open_result(self._context, Path(record.path), labels, objects)

    def _on_open_page_clicked(self) -> None:
        if self._page is not None and not open_outside(self._page / INDEX):
            show_folder(self, self._page)

    def _on_save_pdf_clicked(self) -> None:
        page = self._page
        if page is None:
            return
        path = questions.save_file(self._context, "Summary of the beamtime", PDF, "PDF (*.pdf)")
        if path is None:
            return
        title = self.form.title.text().strip() or self.TITLE
        records = sorted(self.model.records.values(), key=lambda record: (record.arrived, record.id))
        self._context.jobs.start(
            "Writing the summary",
            lambda job: write_pdf(page, title, records, path),
            on_done=self._on_pdf_written,
            on_error=lambda error: show_error(self, error, "Beamtime"),
            kind=JobKind.ELSEWHERE,
        )

    def _on_pdf_written(self, file: Path) -> None:
        self.said.setText(f"Written: {printable(str(file))}")
        self._context.session.message.emit(f"Written: {file}")

    def shut_down(self) -> None:
        """Let go of the pictures."""
        self.thumbnails.shut_down()
        super().shut_down()


def work(job: Job, request: BeamtimeRequest, free: Free) -> None:
    """Run a beamtime in the thread of its job; what it has to say goes through ``job.report``."""
    check_page(request.beamtime.page, request.watched)
    runner = None if request.profile is None else runner_for(request.profile)
    check_batch(request.batch, here=runner is None)  # before the page is made
    watch = FolderWatch(request.watched, include_present=request.present)
    follower = BeamtimeFollower(request.beamtime, job.report, job.report)
    job.report(list(follower.records))
    run_watch(
        request.watched,
        request.batch,
        progress=job.progress,
        watch=watch,
        free=free,
        follower=follower,
        runner=runner,
    )
