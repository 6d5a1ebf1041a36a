"""Tools > Beamtime: each tomogram that arrives in a folder, on a wall that grows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout

from sxtstudio.app import questions, theme
from sxtstudio.app.beamtime.days import Days
from sxtstudio.app.beamtime.details import Details, files_of
from sxtstudio.app.beamtime.form import BeamtimeForm
from sxtstudio.app.beamtime.headline import Headline
from sxtstudio.app.beamtime.model import WallModel
from sxtstudio.app.beamtime.open_record import open_record
from sxtstudio.app.beamtime.sieve import Sieve
from sxtstudio.app.beamtime.thumbnails import Thumbnails
from sxtstudio.app.beamtime.wall import Wall
from sxtstudio.app.beamtime.work import work
from sxtstudio.app.context import Context
from sxtstudio.app.errors import show_error
from sxtstudio.app.jobs.job import Job, JobKind
from sxtstudio.app.jobs.long_run import check_free, other_work, say_the_end, show_buttons
from sxtstudio.app.notices import NoticeKind
from sxtstudio.app.widgets.controls import TabWidget
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.app.widgets.elided import ElidedLabel
from sxtstudio.app.widgets.outside import open_outside, show_folder
from sxtstudio.app.widgets.scroll import VerticalScroll
from sxtstudio.core.errors import UserError
from sxtstudio.core.printable import printable
from sxtstudio.core.wording import count
from sxtstudio.workflow.beamtime.page import INDEX
from sxtstudio.workflow.beamtime.page_folder import read_page
from sxtstudio.workflow.beamtime.pdf import PDF, write_pdf
from sxtstudio.workflow.beamtime.record import TomogramRecord
from sxtstudio.workflow.beamtime.status import Activity, Status

# The table of days and the numbers of the filters follow at most that often.
_CALM_MS = 400
# What another window does is read again so often.
_LOOK_AGAIN_MS = 10_000


class BeamtimeDialog(ToolDialog):
    """Stays open beside the window; closed, it works on, and the bar of jobs shows it."""

    TITLE = "Beamtime"
    BESIDE = True
    PARTS_SCROLL = True
    PAGE = "beamtime.md"

    def __init__(self, context: Context) -> None:
        """Build the dialog with the wall of the folder that was used last."""
        super().__init__(context)
        self._context = context
        self.job: Job | None = None
        self.status = Status(Activity.STOPPED)
        self._page: Path | None = None
        self.resize(1180, 720)
        self.setSizeGripEnabled(True)
        self.thumbnails = Thumbnails(self)
        self.model = WallModel(self)
        self.wall = Wall(self.model, self.thumbnails)
        self.details = Details(self.thumbnails)
        self.days = Days()
        self.form = BeamtimeForm(context)
        self.sieve = Sieve()
        self._build()
        self._lay_out()
        self._calm = QTimer(self)
        self._calm.setSingleShot(True)
        self._calm.setInterval(_CALM_MS)
        self._calm.timeout.connect(self._show_numbers)
        self.wall.chosen.connect(self._on_wall_chosen)
        self.wall.opened.connect(self._on_wall_opened)
        self.details.open_button.clicked.connect(lambda: self._on_wall_opened(self.details.record))
        self.form.page_changed.connect(self.show_page)
        self.form.watched.textChanged.connect(self._on_watched_changed)
        self.sieve.filtered.connect(self._on_sieve_filtered)
        self.sieve.ordered.connect(self._on_sieve_ordered)
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
        self.start = self.button("Start", "", "Segment each tomogram that arrives")
        self.start.setProperty("role", "main")
        self.stop = self.button("Stop", "mdi6.stop", "Stop; Start goes on where it was")
        self.open_page = self.button("Open page", "mdi6.web", "Show the page in the browser")
        self.save_pdf = self.button("PDF…", "mdi6.file-pdf-box", "Write a summary that can be mailed")
        self.close_button = self.button("Close", "", "Close this window; a running beamtime goes on")
        self.headline = Headline((self.stop, self.start))
        self.said = ElidedLabel(most_px=2000)

    def _lay_out(self) -> None:
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
        layout.addWidget(self.headline)
        layout.addWidget(self.sieve)
        layout.addWidget(self.splitter, 1)
        layout.addLayout(lower)

    # The work

    def begin(self) -> None:
        """Watch the folder, and segment what arrives."""
        if self.job is not None:
            return
        try:
            check_free(self._context, "beamtime")
            request = self.form.request()
        except UserError as error:
            self.tabs.setCurrentIndex(2)
            show_error(self, error, "Beamtime")
            return
        self._use_page(request.beamtime.page)
        other = other_work(self._context)
        self.job = self._context.jobs.start(
            f"Beamtime (folder {request.watched.name})",
            lambda job: work(job, request, other),
            on_report=self._on_report,
            on_error=lambda error: show_error(self, error, "Beamtime"),
            kind=JobKind.BEAMTIME,
        )
        self.job.finished.connect(self._on_finished)
        self.job.progressed.connect(self._show_status)
        self.tabs.setCurrentIndex(0)
        self._show_now(Status(Activity.LOOKING))

    def _on_report(self, what: object) -> None:
        if isinstance(what, Status):
            self._show_now(what)
        elif isinstance(what, TomogramRecord):
            self.take(what)
        elif isinstance(what, list):
            self.show_records(what)

    def show_records(self, records: Sequence[TomogramRecord]) -> None:
        """Show other tomograms on the wall."""
        with self._chosen_kept():
            self.model.show_all(records)
        self._show_numbers()

    def take(self, record: TomogramRecord) -> None:
        """Show what is known of a tomogram now."""
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
        self._show_now(Status(Activity.STOPPED))
        ended = "Beamtime: stopped.", "The beamtime has been stopped."
        say_the_end(self._context, self, NoticeKind.BEAMTIME, *ended)

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

    def _on_page_read(self, folder: Path, doing: Activity, records: list[TomogramRecord]) -> None:
        if self.job is not None or folder != self._page:
            return
        self.show_records(records)
        self._show_now(Status(doing))
        if doing is Activity.ELSEWHERE:
            QTimer.singleShot(_LOOK_AGAIN_MS, self, self._look_again)

    def _look_again(self) -> None:
        """Read anew what another window or command has done meanwhile."""
        if self.isVisible() and self.job is None and self.status.doing is Activity.ELSEWHERE:
            self._page = None
            self.show_page()

    def showEvent(self, event: QShowEvent) -> None:
        """See what others have done while this was closed."""
        super().showEvent(event)
        self._look_again()

    def _use_page(self, folder: Path) -> None:
        self._page = self.wall.card.folder = self.details.folder = folder
        self._refresh()

    def _on_sieve_filtered(self) -> None:
        with self._chosen_kept():
            self.model.set_filter(self.sieve.kind, self.sieve.words)
        self._show_hidden()

    def _on_sieve_ordered(self) -> None:
        with self._chosen_kept():
            self.model.set_order(self.sieve.key)

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
            self.job.segments = status.doing is Activity.WORKING
        self._show_status()
        self._refresh()

    def _show_status(self) -> None:
        status = self._counted()
        stopping = self.job is not None and self.job.progress.cancelled
        text = "Stopping: what is begun goes on at the next start." if stopping else status.text
        if status.doing is Activity.STOPPED and not self.form.watched.text().strip():
            text = "Choose the folder to watch (Settings), then press Start."
        self.headline.show_status(status, text, running=self.job is not None)

    def _counted(self) -> Status:
        """Return the status with the figure of the bar of jobs: one number for one thing."""
        state = None if self.job is None else self.job.state
        if self.status.step != "segmenting" or state is None or not 0 < state.fraction:
            return self.status
        return replace(self.status, fraction=state.fraction)

    def _show_numbers(self) -> None:
        self.sieve.show_numbers(self.model)
        if self.tabs.currentWidget() is self.days:
            self.days.show_records(self.model.records.values())
        self._show_hidden()
        self._refresh()

    def _show_hidden(self) -> None:
        hidden = len(self.model.records) - self.model.rowCount()
        self.sieve.show_hidden(hidden)
        if hidden:
            self.wall.why_empty = f"None of {count(hidden, 'tomogram')} fits the search and the filter."
        else:
            self.wall.why_empty = "Tomograms appear here once they are complete and their turn has come."
        self.wall.viewport().update()

    def _refresh(self) -> None:
        """Show what can be done now."""
        named = bool(self.form.watched.text().strip())
        show_buttons(self.start, self.stop, self.job, possible=named)
        self.start.setToolTip(
            "Segment each tomogram that arrives" if named else "Choose the folder to watch first (Settings)"
        )
        self.form.setEnabled(self.job is None)
        self.open_page.setEnabled(self._page is not None and bool(self.model.records))
        self.save_pdf.setEnabled(bool(self.model.records))

    # What leads elsewhere

    def _on_wall_opened(self, record: TomogramRecord | None) -> None:
        if record is not None:
            open_record(self._context, self, record, self.model.records.get)

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
