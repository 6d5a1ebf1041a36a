"""Step 1: whose labels, and which of their slices are complete."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.document.choose_volume import resolve
from sxtstudio.app.document.opening import TOMOGRAMS
from sxtstudio.app.jobs.job import Job, JobKind
from sxtstudio.app.retrain.row import SourceRow
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.app.widgets.notes import note, show_note
from sxtstudio.core.errors import UserError, sentence_of
from sxtstudio.core.paths import resolved
from sxtstudio.core.wording import count
from sxtstudio.io.project import is_project
from sxtstudio.workflow.retraining.labels import (
    Chosen,
    LabelSource,
    LabelSummary,
    Problem,
    held_out_count,
    judge,
    of_document,
    of_pair,
    of_project,
    summary,
)

_WHAT = (
    "The model learns from slices in which you labelled every membrane. A slice is complete when nothing is "
    "missing in it and nothing too much: what is not labelled counts as “no membrane”. Three complete slices "
    "are a good beginning; take them from different places."
)


class LabelsPage(QWidget):
    """A row for each source of labels; ``changed`` whenever what is chosen changed."""

    changed = Signal()

    def __init__(self, context: Context, dialog: ToolDialog) -> None:
        """Begin with the labels of the open document."""
        super().__init__()
        self._context, self._session = context, context.session
        self._dialog = dialog
        self.rows: list[SourceRow] = []
        self._column = QVBoxLayout()
        self._column.setSpacing(8)
        self._column.addStretch()
        inside = QWidget()
        inside.setLayout(self._column)
        self._column.setContentsMargins(0, 0, 6, 0)
        area = QScrollArea(widgetResizable=True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(inside)
        self.add_open = dialog.button(
            "These labels", "mdi6.brush-outline", "Learn from the labels of the open tomogram"
        )
        self.add_project = dialog.button(
            "Add a project…", "mdi6.folder-plus-outline", "Learn from the labels of a saved project, too"
        )
        self.add_pair = dialog.button(
            "Add tomogram and labels…", "mdi6.file-plus-outline", "Two files: a tomogram, then its labels"
        )
        self._looking: list[str] = []  # names of labels that are being looked at
        self.summary, self.problems = QLabel(), note(name="problems")
        self.busy_note = note()
        buttons = QHBoxLayout()
        for button in (self.add_open, self.add_project, self.add_pair):
            buttons.addWidget(button)
        buttons.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(note(_WHAT))
        layout.addLayout(buttons)
        layout.addWidget(self.busy_note)
        layout.addWidget(area, 1)
        layout.addWidget(self.summary)
        layout.addWidget(self.problems)
        self.add_open.clicked.connect(self.take_open)
        self.add_project.clicked.connect(self._on_add_project_clicked)
        self.add_pair.clicked.connect(self._on_add_pair_clicked)
        self._session.document_changed.connect(self._on_session_document_changed)
        self._session.history_changed.connect(self._refresh)
        self._refresh()

    # -- what is chosen ------------------------------------------------------------------------------

    @property
    def chosen(self) -> list[Chosen]:
        """The labels whose slices can be read."""
        return [one for row in self.rows if (one := row.chosen) is not None]

    def found_problems(self) -> list[Problem]:
        """Return what is wrong, the gravest first."""
        wrong = [Problem(f"{row.name}: {row.error}") for row in self.rows if row.error]
        return wrong + judge(self.chosen)

    @property
    def looking(self) -> bool:
        """Whether labels are still being looked at."""
        return bool(self._looking)

    def propose_open(self) -> None:
        """Take the labels of the open document, unless they are on the list or it has none."""
        document = self._session.document
        listed = any(row.summary.source.held is not None for row in self.rows)
        if document is not None and document.labels is not None and not listed and not self.looking:
            self.take_open()

    def take_judged(self, projects: Iterable[Path]) -> None:
        """Take what is judged in the open document, as it is now, and in projects beside it."""
        document = self._session.document
        if document is not None and self._context.parts.evaluation.usable:
            if document.name not in self._looking:
                self.take_open()
        for folder in projects:
            self.add_project_folder(folder)

    # -- adding --------------------------------------------------------------------------------------

    def take_open(self) -> None:
        """Learn from the open document; says so in the summary where that is not possible."""
        document = self._session.document
        if document is None:
            self._fail("", UserError("No tomogram is open. Open the one that you labelled."))
            return
        marks = sorted(self._context.parts.complete.slices)
        judged = self._context.parts.evaluation.usable
        self._add(lambda: of_document(document, marks, judged), document.name, bound=True)

    def add_project_folder(self, folder: Path) -> None:
        """Learn from a saved project; the one that is open is taken as it is now."""
        document = self._session.document
        own = None if document is None else document.project
        if own is not None and resolved(folder) == resolved(own):
            self.take_open()
        else:
            self._add(lambda: of_project(folder), folder.name)

    def add_files(self, tomogram: Path, labels: Path) -> None:
        """Learn from a tomogram and its labels in files."""
        self._add(lambda: of_pair(tomogram, labels), tomogram.name)

    def _on_add_project_clicked(self) -> None:
        folder = questions.open_folder(self._context, "Add a project: choose its folder, name.sxt")
        if folder is None:
            return
        if is_project(folder):
            self.add_project_folder(folder.parent if folder.is_file() else folder)
        else:
            self._fail(folder.name, UserError("It is no project of SXT Studio. Choose another folder."))

    def _on_add_pair_clicked(self) -> None:
        tomogram = questions.open_file(self._context, "Add a tomogram", TOMOGRAMS)
        labels = tomogram and questions.open_file(self._context, f"Labels of {tomogram.name}", TOMOGRAMS)
        if tomogram and labels:
            resolve(self._context, tomogram, partial(self._with_labels, labels), parent=self.window())

    def _with_labels(self, labels: Path, tomogram: Path) -> None:
        resolve(
            self._context,
            labels,
            lambda volume: self.add_files(tomogram, volume),
            parent=self.window(),
            labels=True,
        )

    def _add(self, make: Callable[[], LabelSource], name: str, *, bound: bool = False) -> None:
        # Document and marks belong to this thread: a source of the open document is made here.
        source = None
        if bound:
            try:
                source = make()
            except UserError as error:
                self._fail(name, error)
                return

        def work(job: Job) -> LabelSummary:
            return summary(source or make(), job.progress)

        def failed(error: Exception) -> None:
            self._looked_at(name)
            self._fail(name, error)

        def done(found: LabelSummary) -> None:
            self._looked_at(name)
            self._on_summary(found)

        self._looking.append(name)
        self._show_looking()
        self._context.jobs.start(
            f"Looking at the labels of {name}",
            work,
            on_done=done,
            on_error=failed,
            on_cancel=lambda: self._looked_at(name),
            kind=JobKind.WORK if bound else JobKind.ELSEWHERE,
            quiet=True,
        )

    def _looked_at(self, name: str) -> None:
        self._looking.remove(name)
        self._show_looking()
        self.changed.emit()

    def _show_looking(self) -> None:
        names = ", ".join(self._looking)
        show_note(self.busy_note, f"Looking at the labels of {names}…" if names else "")

    def _fail(self, name: str, error: Exception) -> None:
        known = sentence_of(error)
        if known is None:
            self._context.jobs.failed.emit(error)
        show_note(self.problems, f"⚠ {name}: {known}" if name else f"⚠ {known}")

    def _on_summary(self, found: LabelSummary) -> None:
        if found.source.held is not None and self._session.document is None:
            return
        for row in [row for row in self.rows if row.summary.source.is_same(found.source)]:
            self._remove(row)
        row = SourceRow(self._context, self._dialog, found)
        row.changed.connect(self._refresh)
        row.removed.connect(self._remove)
        self.rows.append(row)
        self._column.insertWidget(self._column.count() - 1, row)
        self._refresh()

    def _remove(self, row: SourceRow) -> None:
        if row in self.rows:
            self.rows.remove(row)
            self._column.removeWidget(row)
            row.hide()
            row.shut_down()
            row.deleteLater()
            self._refresh()

    def _on_session_document_changed(self) -> None:
        """Labels that were open are gone with their document."""
        for row in [row for row in self.rows if row.summary.source.held is not None]:
            self._remove(row)
        self._refresh()
        if self.isVisible():
            # What the project says of its slices is known a moment later.
            QTimer.singleShot(0, self, self.propose_open)

    def _refresh(self) -> None:
        document = self._session.document
        there = document is not None and document.labels is not None
        self.add_open.setEnabled(there)
        if document is not None:
            self.add_open.setText(f"Labels of {_short(document.name)}")
        problems = self.found_problems()
        total = sum(len(one.slices) for one in self.chosen)
        kept = held_out_count(total)
        text = ""
        if kept:
            text = f"{total - kept} to learn from, {kept} kept aside to judge the new model by."
        elif total:
            text = "Four fifths of it to learn from, a fifth kept aside to judge the new model by."
        self.summary.setText(f"{count(total, 'complete slice')}. {text}" if total else "")
        self.summary.setVisible(bool(total))
        show_note(self.problems, "\n".join(f"⚠ {one.text}" for one in problems))
        self.changed.emit()


def _short(name: str) -> str:
    return name if len(name) <= 28 else f"{name[:14]}…{name[-12:]}"
