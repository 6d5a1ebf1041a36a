"""Tools > Batch: a list of tomograms, or a folder to watch, segmented with one set of parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app import questions
from sxtstudio.app.batch.form import BatchForm
from sxtstudio.app.batch.sheet import SheetDialog
from sxtstudio.app.batch.table import BatchTable
from sxtstudio.app.context import Context
from sxtstudio.app.document.choose_volume import WhichVolumeDialog, several_in_all
from sxtstudio.app.document.open_result import open_result
from sxtstudio.app.errors import show_error
from sxtstudio.app.jobs.job import Job, JobKind, Work
from sxtstudio.app.jobs.long_run import check_free, other_work, say_the_end, show_buttons
from sxtstudio.app.jobs.strip import ProgressStrip
from sxtstudio.app.notices import NoticeKind
from sxtstudio.app.questions import Answer
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.app.widgets.outside import show_folder
from sxtstudio.app.widgets.scroll import VerticalScroll
from sxtstudio.cluster.door import runner_for
from sxtstudio.cluster.profile import Profile
from sxtstudio.core.errors import UserError
from sxtstudio.io.opening import SUFFIXES, may_hold_several, name_patterns
from sxtstudio.io.several import SeveralVolumes
from sxtstudio.io.volume_name import VolumeName
from sxtstudio.workflow.jobs.batch import BatchParameters, JobRunner, OnRow, run_batch
from sxtstudio.workflow.jobs.batch_files import BatchRow
from sxtstudio.workflow.jobs.contact_sheet import sheet_paths
from sxtstudio.workflow.jobs.watch import FolderWatch, tomograms_in
from sxtstudio.workflow.jobs.watching import run_watch

_FILES = f"Tomograms ({name_patterns(SUFFIXES)});;All files (*)"


def choose_files(context: Context) -> list[Path]:
    """Let the user choose several tomograms."""
    return questions.open_files(context, "Add tomograms", _FILES)


class BatchDialog(ToolDialog):
    """Stays open beside the window; closed, it works on, and the bar of jobs shows it."""

    TITLE = "Batch"
    BESIDE = True
    PAGE = "batch.md"

    def __init__(self, context: Context) -> None:
        """Build the dialog with an empty list."""
        super().__init__(context)
        self._context = context
        self.job: Job | None = None
        self._sheet: Path | None = None
        self._results: Path | None = None
        self._note = ""
        self.resize(1120, 720)
        self.list_mode = QRadioButton("These tomograms")
        self.watch_mode = QRadioButton("Each new tomogram in a folder")
        self.list_mode.setChecked(True)
        self.table = BatchTable()
        self.form = BatchForm(context)
        self.add_files = self.button("Add files…", "mdi6.file-plus-outline", "Add tomograms to the list")
        self.add_folder = self.button(
            "Add folder…", "mdi6.folder-plus-outline", "Add all tomograms of a folder"
        )
        self.remove = self.button("Remove", "mdi6.minus", "Take the selected ones off the list")
        self.folder = QLineEdit()
        self.folder.setPlaceholderText("Folder in which reconstructions arrive")
        self.choose = self.button("Choose…", "mdi6.folder-eye-outline", "Choose the folder to watch")
        self.present = QCheckBox("Also those that are there already")
        self.present.setChecked(True)
        self.start = self.button("Start", "", "Segment one tomogram after another")
        self.start.setProperty("role", "main")
        self.stop = self.button("Stop", "mdi6.stop", "Stop; what is finished is kept, and Start goes on")
        self.show_sheet = self.button(
            "Contact sheet", "mdi6.view-grid-outline", "Show the picture of all results"
        )
        self.show_folder = self.button(
            "Results", "mdi6.folder-open-outline", "Open the folder of the results"
        )
        self.close_button = self.button("Close", "", "Close this window; a running batch goes on")
        self.strip = ProgressStrip(cancel=False)
        self.status = QLabel()
        self.status.setProperty("role", "note")
        self.status.setWordWrap(True)
        self._lay_out()
        self.table.dropped.connect(self.add)
        self.table.setToolTip("Double-click opens a tomogram in the window")
        self.table.cellDoubleClicked.connect(self._on_row_double_clicked)
        self.add_files.clicked.connect(lambda: self.add(choose_files(self._context)))
        self.add_folder.clicked.connect(self._on_add_folder_clicked)
        self.remove.clicked.connect(self.table.remove_selected)
        self.remove.clicked.connect(self._refresh)
        self.choose.clicked.connect(self._on_choose_clicked)
        self.watch_mode.toggled.connect(self._refresh)
        self.start.clicked.connect(self.begin)
        self.stop.clicked.connect(self._on_stop_clicked)
        self.show_sheet.clicked.connect(self._on_show_sheet_clicked)
        self.show_folder.clicked.connect(self._on_show_folder_clicked)
        self.close_button.clicked.connect(self.close)
        context.session.models_changed.connect(self.form.refresh_models)
        self._refresh()

    def _lay_out(self) -> None:
        modes = QVBoxLayout()  # side by side they are too wide for a small screen
        modes.addWidget(self.list_mode)
        modes.addWidget(self.watch_mode)
        self._list_row, self._watch_row = QWidget(), QWidget()
        for place, widgets in (
            (self._list_row, (self.add_files, self.add_folder, self.remove)),
            (self._watch_row, (self.folder, self.choose)),
        ):
            row = QHBoxLayout(place)
            row.setContentsMargins(0, 0, 0, 0)
            for widget in widgets:
                row.addWidget(widget)
            if place is self._list_row:
                row.addStretch()
        left = QVBoxLayout()
        left.addLayout(modes)
        left.addWidget(self._list_row)
        left.addWidget(self._watch_row)
        left.addWidget(self.present)
        left.addWidget(self.table, 1)
        left.addWidget(self.status)
        left.addWidget(self.strip)
        area = VerticalScroll(self.form)
        area.setMaximumWidth(350)
        upper = QHBoxLayout()
        upper.setSpacing(16)
        upper.addLayout(left, 2)
        upper.addWidget(area, 1)
        lower = QHBoxLayout()
        for button in (self.show_sheet, self.show_folder):
            lower.addWidget(button)
        lower.addStretch()
        for button in (self.stop, self.start, self.close_button):
            lower.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addLayout(upper, 1)
        layout.addLayout(lower)

    def add(self, paths: Sequence[Path]) -> None:
        """Add tomograms to the list; folders of tomograms give theirs."""
        found: list[Path] = []
        for path in paths:
            inside = tomograms_in(path) if path.is_dir() else []
            found += inside or [path]
        self.table.add(found)
        self._refresh()
        many = [path for path in found if may_hold_several(path)]
        if many:
            self._context.jobs.start(
                "Looking at the tomograms",
                lambda job: several_in_all(job, many),
                on_done=self._choose_volumes,
                kind=JobKind.ELSEWHERE,
                quiet=True,
            )

    def _choose_volumes(self, several: dict[Path, SeveralVolumes]) -> None:
        """Ask which volumes of a file are meant; where others hold the same, these are taken there too."""
        left = {path: one for path, one in several.items() if path in self._waiting()}
        if not left or self.table.fixed:
            return
        path, first = next(iter(left.items()))
        dialog = WhichVolumeDialog(first, self, many=True)

        def chosen() -> None:
            names = [choice.inside for choice in dialog.chosen]
            for other, one in left.items():
                same = [choice for choice in one.choices if choice.inside in names]
                if len(same) == len(names):
                    self.table.replace(other, [one.name_of(choice) for choice in same])
            self._refresh()
            self._choose_volumes(left)

        dialog.accepted.connect(chosen)
        dialog.rejected.connect(lambda: self._choose_volumes({k: v for k, v in left.items() if k != path}))
        dialog.open()

    def _waiting(self) -> set[Path]:
        return {row.tomogram for row in self.table.rows if row.state == "waiting"}

    def begin(self) -> None:
        """Start, or go on with what is not done yet."""
        if self.job is not None:
            return
        try:
            check_free(self._context, "batch")
            if self.watch_mode.isChecked():
                self._begin_watch()
            else:
                self._begin_list()
        except UserError as error:
            show_error(self, error, "Batch")
        self._refresh()

    def _begin_list(self) -> None:
        rows = list(self.table.rows)
        if not rows:
            raise UserError("The list is empty. Add tomograms first, or drop them on the list.")
        if all(row.state in ("done", "skipped") for row in rows):
            text = "All tomograms of the list are done. Segment them again?"
            if (
                questions.ask(self, "Batch", text, (Answer.SEGMENT_AGAIN, Answer.CANCEL))
                != Answer.SEGMENT_AGAIN
            ):
                return
            rows = [BatchRow(_as_given(row.tomogram)) for row in rows]
        goes_on = self._sheet is not None and any(row.state == "done" for row in rows)
        parameters, profile = self.form.parameters(rows[0].tomogram.parent), self.form.where.profile()
        if goes_on and self._sheet is not None and parameters.contact_sheet is not None:
            parameters = _same_sheet(parameters, self._sheet)
        for number, row in enumerate(rows):
            self.table.show_row(number, row)
        # The order of axes may have been named since for those that are not done.
        done = ("done", "skipped")
        tomograms = [row.tomogram if row.state in done else _as_given(row.tomogram) for row in rows]

        other = other_work(self._context)

        def work(job: Job) -> object:
            return run_batch(
                tomograms,
                parameters,
                lambda *row: job.report(row),
                job.progress,
                earlier=rows,
                other_work=other,
                runner=_runner_for(profile),
            )

        self._run("Batch", work, parameters, tomograms[0].parent)

    def _begin_watch(self) -> None:
        if not self.folder.text().strip():
            raise UserError("Choose the folder to watch first.")
        folder = Path(self.folder.text().strip())
        watch = FolderWatch(folder, include_present=self.present.isChecked())
        parameters, profile = self.form.parameters(folder), self.form.where.profile()
        self.table.clear_rows()
        other = other_work(self._context)

        def work(job: Job) -> None:
            run_watch(
                folder,
                parameters,
                _row_listener(job),
                job.progress,
                watch=watch,
                on_note=job.report,
                other_work=other,
                runner=_runner_for(profile),
            )

        self._run(f"Watching {folder.name}", work, parameters, folder)

    def _run(self, name: str, work: Work, parameters: BatchParameters, beside: Path) -> None:
        self._sheet = parameters.contact_sheet
        self._results = parameters.folder or beside
        self.job = self._context.jobs.start(
            name,
            work,
            on_report=self._on_job_report,
            on_error=lambda error: show_error(self, error, "Batch"),
            kind=JobKind.BATCH,
        )
        self._note = ""
        self.job.finished.connect(self._on_finished)
        self.strip.watch(self.job)

    def _on_job_report(self, found: tuple[int, BatchRow] | str) -> None:
        """Take a row, or what concerns all of them, such as what work waits for."""
        if isinstance(found, str):
            self._note = f"{found[:1].upper()}{found[1:]}"
            self._refresh()
        else:
            self._on_row(*found)

    def _on_row(self, number: int, row: BatchRow) -> None:
        self.table.show_row(number, row)
        if self.job is not None:
            self.job.segments = row.state == "running" and not row.worker
        self._refresh()

    def _on_row_double_clicked(self, number: int) -> None:
        row = self.table.rows[number]
        finished = row.state in ("done", "skipped")
        open_result(self._context, row.tomogram, row.output if finished else None)

    def _on_stop_clicked(self) -> None:
        if self.job is not None:
            self.job.cancel()
        self._refresh()

    def _on_finished(self) -> None:
        self.job = None
        self._note = ""
        self._refresh()
        ended = f"Batch: {self.status.text()}", f"The batch has ended: {self.status.text()}."
        say_the_end(self._context, self, NoticeKind.BATCH, *ended)

    def changeEvent(self, event: QEvent) -> None:
        """Take note that somebody looks."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self._context.session.notices.seen(NoticeKind.BATCH)

    def _on_show_sheet_clicked(self) -> None:
        if self._sheet is not None:
            sheets = [path for path in sheet_paths(self._sheet, len(self.table.rows)) if path.exists()]
            self._context.dialogs.bring_up(SheetDialog).show_sheets(sheets)

    def _on_show_folder_clicked(self) -> None:
        if self._results is not None:
            show_folder(self, self._results)

    def _on_add_folder_clicked(self) -> None:
        folder = questions.open_folder(self._context, "Add the tomograms of a folder")
        if folder is not None:
            self.add([folder])

    def _on_choose_clicked(self) -> None:
        folder = questions.open_folder(self._context, "Folder to watch")
        if folder is not None:
            self.folder.setText(str(folder))

    def _refresh(self) -> None:
        """Show what can be done now."""
        running, watching = self.job is not None, self.watch_mode.isChecked()
        self._list_row.setVisible(not watching)
        for widget in (self._watch_row, self.present):
            widget.setVisible(watching)
        for widget in (
            self.list_mode, self.watch_mode, self._list_row, self._watch_row, self.present, self.form
        ):  # fmt: skip
            widget.setEnabled(not running)
        self.table.fixed = running or watching
        states = [row.state for row in self.table.rows]
        self.start.setText("Watch" if watching else _word_for_start(states))
        show_buttons(self.start, self.stop, self.job)
        self.show_sheet.setEnabled(self._sheet is not None and self._sheet.exists())
        self.show_folder.setEnabled(self._results is not None)
        self.status.setText("\n".join(filter(None, (_summary(states, running, watching), self._note))))


def _as_given(tomogram: Path) -> Path:
    """Return the name of a tomogram without the order of axes that a batch gave it."""
    return Path(str(replace(VolumeName.of(tomogram), axes=None)))


def _runner_for(profile: Profile | None) -> JobRunner | None:
    """Return what runs the jobs; called in the batch's own thread, as it loads dask."""
    return None if profile is None else runner_for(profile)


def _row_listener(job: Job) -> OnRow:
    return lambda number, row: job.report((number, row))


def _word_for_start(states: Sequence[str]) -> str:
    left = {state for state in states if state not in ("done", "skipped")}
    if left == {"failed"}:
        return "Try again"
    return "Go on" if left and ("stopped" in left or "done" in states) else "Start"


def _summary(states: Sequence[str], running: bool, watching: bool) -> str:
    if not states:
        if watching:
            return "Looking for finished tomograms…" if running else "Each new tomogram gets a row."
        return "Add tomograms, or drop files and folders on the list."
    words = [f"{states.count('done')} of {len(states)} segmented"]
    for state, text in (("failed", "failed"), ("skipped", "left out"), ("stopped", "stopped")):
        if state in states:
            words.append(f"{states.count(state)} {text}")
    if running and watching and "running" not in states and "waiting" not in states:
        words.append("looking for more")
    return ", ".join(words)


def _same_sheet(parameters: BatchParameters, sheet: Path) -> BatchParameters:
    """Go on with the sheet and the tables that were begun."""
    mark = sheet.stem.removeprefix("contact-sheet")
    tables = tuple(sheet.with_name(f"batch{mark}{path.suffix}") for path in parameters.summary)
    return replace(parameters, contact_sheet=sheet, summary=tables)
