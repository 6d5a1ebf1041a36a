"""What was found in the judged slices: table, Figure 2D with the paper's own figures, several tomograms."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QModelIndex, QSize, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.document.opening import open_path
from sxtstudio.app.evaluate.work import EvaluationWork
from sxtstudio.app.jobs.job import JobKind
from sxtstudio.app.objects.plots.export import write_figures
from sxtstudio.app.objects.plots.figure import FigurePlot
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.app.widgets.notes import note, show_note
from sxtstudio.core.errors import UserError, sentence_of
from sxtstudio.core.evaluation.figure import evaluation_figure
from sxtstudio.core.evaluation.judgement import (
    PAPER,
    PAPER_SLICES,
    EvaluationSummary,
    JudgedTomogram,
    summarise,
)
from sxtstudio.core.evaluation.marks import KINDS, JudgedPixels
from sxtstudio.core.figures import Figure
from sxtstudio.core.paths import resolved
from sxtstudio.core.statistics import Spread
from sxtstudio.core.wording import count, grouped, slice_number
from sxtstudio.io.project import is_project, project_folder
from sxtstudio.workflow.document.evaluation import judged_project
from sxtstudio.workflow.jobs.judged_files import write_judged

_HEADINGS = ("", "True positive", "False negative", "False positive", "Artefact", "Pixels")
_PROJECTS = "evaluation/projects"  # in the settings: those that count beside the open one
_PLOT_PX = QSize(520, 360)
_NOTHING = "No slice is judged yet. Choose slices in the panel “Evaluate”, and judge some."
_TEACH = "Learn from the judged slices of all these tomograms, as the marks correct them"
_NO_TEACHING = "no slice is judged whose labels are as they were then."
_OUTDATED = "the figures are of the labels that were judged."
_WHAT = (
    "Percent of all pixels that are labelled or should be: mean ± SD over the judged slices, each with the "
    "same weight, as in Figure 2D of the paper."
)


class ResultsDialog(ToolDialog):
    """The open tomogram and other projects together; it follows what is judged."""

    TITLE = "Evaluation"
    PAGE = "evaluate.md#2-results"

    def __init__(self, context: Context) -> None:
        """Build the page."""
        super().__init__(context)
        self._context, self._session = context, context.session
        self.work: EvaluationWork = context.parts.evaluation
        self.others: dict[Path, JudgedTomogram] = {}
        self.projects: list[Path] = _stored(context)
        self.summary: EvaluationSummary = summarise(())
        self._wrong = False  # whether projects could not be read
        self._teaching: list[Path] = []  # those beside the open one that a model can learn from
        self.tomograms = QTableWidget(0, 2)
        self.tomograms.setTabKeyNavigation(False)
        self.rows = QTableWidget(0, len(_HEADINGS))
        self.rows.setTabKeyNavigation(False)
        self.plot = FigurePlot("Figure 2D: what an expert says of the labels")
        self.paper = QCheckBox("With the paper's own figures")
        self.problem, self.what = note(name="problem"), QLabel(_WHAT)
        self._set_up()
        self._lay_out()
        self._connect()
        self.resize(1080, 660)
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """Read the other projects: slices may have been judged in them since."""
        super().showEvent(event)
        if not event.spontaneous():
            self._read()

    def _on_session_document_changed(self) -> None:
        if self.isVisible():  # the one that was open may count as another one now, as it was saved
            self._read()

    # -- what counts ---------------------------------------------------------------------------------

    def add_project(self, folder: Path) -> None:
        """Count the judged slices of a saved project, too."""
        folder = project_folder(folder)
        if folder not in self.projects:
            self.projects.append(folder)
            self._store()
        self._read()
        document = self._session.document
        if document is not None and _same(folder, document.project):
            show_note(self.problem, f"{folder.name} is open: what is judged in it counts already.")

    def remove_project(self) -> None:
        """Count the chosen project no more; it stays as it is."""
        folder = self._chosen()
        if folder is not None:
            self.projects.remove(folder)
            self.others.pop(folder, None)
            self._store()
            self.refresh()

    def open_project(self) -> None:
        """Open the chosen project, to judge slices in it."""
        folder = self._chosen()
        if folder is not None:
            document = self._session.document
            if document is not None and document.project is not None:
                self.add_project(document.project)  # so that it counts when it is closed
            open_path(self._context, folder)

    def refresh(self) -> None:
        """Show the figures as they are now."""
        open_one = self.work.tomogram
        document = self._session.document
        own = None if document is None else document.project
        tomograms = [] if open_one is None else [open_one]
        beside = [p for p in self.projects if p in self.others and not _same(p, own)]
        self._teaching = [p for p in beside if self.others[p].usable]
        tomograms += [self.others[p] for p in beside]
        self.summary = summarise(tomograms)
        self._show_tomograms()
        self._show_rows()
        there = bool(self.summary.slices)
        changed = sum(len(one.outdated) for one in self.summary.tomograms)
        since = f" ⚠ {count(changed, 'slice')} with labels that changed since: {_OUTDATED}" if changed else ""
        self.what.setText((_WHAT + since) if there else _NOTHING)
        self.plot.show_figure(self._figure() if there else None)
        for button in (self.save, self.export):
            button.setEnabled(there)
        teaches = bool(self.work.usable or self._teaching)
        self.teach.setEnabled(teaches)
        self.teach.setToolTip(_TEACH if teaches else f"{_TEACH}\nNot now: {_NO_TEACHING}")

    def _figure(self) -> Figure:
        return evaluation_figure(self.summary, paper=self.paper.isChecked())

    def _read(self) -> None:
        """Read what was judged in the other projects, in a job."""
        wanted = list(self.projects)

        def work(_: object) -> tuple[dict[Path, JudgedTomogram], list[str]]:
            found: dict[Path, JudgedTomogram] = {}
            wrong = []
            for folder in wanted:
                try:
                    found[folder] = judged_project(folder)
                except (UserError, OSError) as error:
                    wrong.append(sentence_of(error) or str(error))
            return found, wrong

        def done(result: tuple[dict[Path, JudgedTomogram], list[str]]) -> None:
            self.others, wrong = result
            if wrong or self._wrong:  # what was said of a folder that was added stays
                show_note(self.problem, "\n".join(f"⚠ {text}" for text in wrong))
            self._wrong = bool(wrong)
            self.refresh()

        if not self._wrong:  # what was said of a folder that was added is over
            show_note(self.problem, "")
        self.refresh()
        if wanted:
            self._context.jobs.start(
                "Reading judged slices", work, on_done=done, kind=JobKind.ELSEWHERE, quiet=True
            )

    # -- showing -------------------------------------------------------------------------------------

    def _show_tomograms(self) -> None:
        """List the tomograms: the open one, and the projects beside it."""
        chosen = self._chosen()
        document, evaluation = self._session.document, self.work.evaluation
        own = None if document is None else document.project
        beside = [folder for folder in self.projects if not _same(folder, own)]
        entries: list[tuple[str, str, Path | None]] = []
        if document is not None:
            state = f"{len(evaluation.judged)} of {len(evaluation.slices)} judged"
            entries.append((f"{document.name} (open)", state if evaluation.slices else "none chosen", None))
        for folder in beside:
            found = self.others.get(folder)
            state = "…"
            if found is not None:
                state = f"{len(found.evaluation.judged)} of {len(found.evaluation.slices)} judged"
            entries.append((folder.name, state, folder))
        self.tomograms.setRowCount(len(entries))
        for row, (name, state, path) in enumerate(entries):
            first = QTableWidgetItem(name)
            first.setData(Qt.ItemDataRole.UserRole, path)
            first.setToolTip(name if path is None else str(path))
            self.tomograms.setItem(row, 0, first)
            self.tomograms.setItem(row, 1, QTableWidgetItem(state))
            if path is not None and path == chosen:
                self.tomograms.selectRow(row)
        self._follow_chosen()

    def _show_rows(self) -> None:
        """Fill the table: mean ± SD, all pixels, the paper's, then slice by slice."""
        summary = self.summary
        lines: list[tuple[str, ...]] = []
        if summary.slices:
            tomograms = count(len(summary.tomograms), "tomogram")
            lines.append((f"{count(summary.slices, 'slice')}, mean ± SD", *_spreads(summary.over_slices), ""))
            if len(summary.tomograms) > 1:
                lines.append((f"{tomograms}, mean ± SD", *_spreads(summary.over_tomograms), ""))
            lines.append(("All pixels together", *_shares(summary.pixels), grouped(summary.pixels.total)))
        published = (f"{mean:.1f} ± {sd:.1f}" for mean, sd in (PAPER[kind] for kind in KINDS))
        lines.append((f"Paper, {PAPER_SLICES} slices", *published, ""))
        self._heads = len(lines)
        for tomogram in summary.tomograms:
            for z, one in sorted(tomogram.evaluation.judged.items()):
                name = f"{tomogram.name}, slice {slice_number(z)}"
                name += " ⚠" if z in tomogram.outdated else ""
                lines.append((name, *_shares(one.pixels), grouped(one.pixels.total)))
        self.rows.setRowCount(len(lines))
        bold = self.font()
        bold.setBold(True)
        for row, cells in enumerate(lines):
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                if column:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                if row < self._heads:
                    item.setFont(bold)
                self.rows.setItem(row, column, item)

    def _chosen(self) -> Path | None:
        """Return the project that is chosen in the list; None where it is the open one, or none is."""
        rows = self.tomograms.selectionModel().selectedRows() if self.tomograms.rowCount() else []
        item = self.tomograms.item(rows[0].row(), 0) if rows else None
        path = None if item is None else item.data(Qt.ItemDataRole.UserRole)
        return path if isinstance(path, Path) else None

    def _follow_chosen(self) -> None:
        there = self._chosen() is not None
        self.remove.setEnabled(there)
        self.open_it.setEnabled(there)

    def _store(self) -> None:
        self._context.settings.set(_PROJECTS, [str(path) for path in self.projects])

    # -- buttons -------------------------------------------------------------------------------------

    def _on_add_clicked(self) -> None:
        folder = questions.open_folder(self._context, "Add a project: choose its folder, name.sxt")
        if folder is None:
            return
        if is_project(folder):
            self.add_project(folder)
        else:
            show_note(self.problem, f"⚠ {folder.name} is no project of SXT Studio. Choose another folder.")

    def _on_save_clicked(self) -> None:
        path = questions.save_file(self._context, "Save the evaluation", "evaluation.csv", "CSV (*.csv)")
        if path is not None:
            write_judged(path, self.summary)
            questions.say_saved(self._context, path)

    def _on_export_clicked(self) -> None:
        kinds = "SVG (*.svg);;PNG (*.png)"
        path = questions.save_file(self._context, "Export the figure", "evaluation.svg", kinds)
        if path is not None:
            write_figures([self._figure()], path, columns=1, panel=_PLOT_PX)
            questions.say_saved(self._context, path)

    def _on_teach_clicked(self) -> None:
        """Learn from the judged slices of all that are listed, as they are corrected by the marks."""
        from sxtstudio.app.retrain.dialog import RetrainDialog

        self._context.dialogs.bring_up(RetrainDialog).labels.take_judged(self._teaching)

    # -- making --------------------------------------------------------------------------------------

    def _set_up(self) -> None:
        self.add = self.button("Add a project…", "mdi6.folder-plus-outline", "Count its judged slices, too")
        self.remove = self.button("Remove", "mdi6.close", "Count it no more; the project stays as it is")
        self.open_it = self.button("Open it", "mdi6.folder-open", "Open the project, to judge slices in it")
        self.save = self.button(
            "Save as CSV…", "mdi6.content-save-outline", "A row per slice, and the paper's"
        )
        self.export = self.button("Export figure…", "mdi6.export", "Figure 2D as SVG or PNG")
        self.teach = self.button(
            "Retrain with them…",
            "mdi6.school-outline",
            _TEACH,
        )
        self.paper.setChecked(True)
        for table, name, headings in (
            (self.tomograms, "Tomograms", ("Tomogram", "Slices")),
            (self.rows, "Judged slices", _HEADINGS),
        ):
            table.setHorizontalHeaderLabels(list(headings))
            table.setAccessibleName(name)
            table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
            table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
            table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
            table.verticalHeader().hide()
            table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 9)
            table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.tomograms.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tomograms.setMaximumHeight(116)
        self.what.setWordWrap(True)

    def _lay_out(self) -> None:
        beside = QVBoxLayout()
        for button in (self.add, self.open_it, self.remove):
            beside.addWidget(button)
        beside.addStretch()
        top = QHBoxLayout()
        top.addWidget(self.tomograms, 1)
        top.addLayout(beside)
        left, right = QWidget(), QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.what)
        column.addWidget(self.rows, 1)
        second = QVBoxLayout(right)
        second.setContentsMargins(0, 0, 0, 0)
        second.addWidget(self.plot, 1)
        second.addWidget(self.paper)
        both = QSplitter(Qt.Orientation.Horizontal)
        both.addWidget(left)
        both.addWidget(right)
        both.setSizes([600, 460])
        both.setChildrenCollapsible(False)
        below = QHBoxLayout()
        below.addWidget(self.teach)
        below.addStretch()
        below.addWidget(self.save)
        below.addWidget(self.export)
        layout = QVBoxLayout(self)
        layout.addLayout(top)
        layout.addWidget(self.problem)
        layout.addWidget(both, 1)
        layout.addLayout(below)

    def _connect(self) -> None:
        self.work.changed.connect(self.refresh)
        self._session.history_changed.connect(self._show_tomograms)  # saved under another name
        self._session.document_changed.connect(self._on_session_document_changed)
        self.paper.toggled.connect(self.refresh)
        self.tomograms.itemSelectionChanged.connect(self._follow_chosen)
        self.tomograms.doubleClicked.connect(lambda _: self.open_project())
        self.rows.doubleClicked.connect(self._on_rows_double_clicked)
        self.add.clicked.connect(self._on_add_clicked)
        self.remove.clicked.connect(self.remove_project)
        self.open_it.clicked.connect(self.open_project)
        self.save.clicked.connect(self._on_save_clicked)
        self.export.clicked.connect(self._on_export_clicked)
        self.teach.clicked.connect(self._on_teach_clicked)

    def _on_rows_double_clicked(self, index: QModelIndex) -> None:
        """Show the slice of a row, if it is of the open tomogram."""
        own = self.work.tomogram
        place = index.row() - self._heads
        if own is not None and 0 <= place < len(own.evaluation.judged):
            self.work.go(sorted(own.evaluation.judged)[place])


def _stored(context: Context) -> list[Path]:
    found = context.settings.get(_PROJECTS, [])
    return [Path(path) for path in found if isinstance(path, str) and path and "\0" not in path]


def _same(folder: Path, other: Path | None) -> bool:
    return other is not None and resolved(folder) == resolved(other)


def _spreads(spreads: Mapping[str, Spread]) -> tuple[str, ...]:
    def text(one: Spread) -> str:
        if not one.n:
            return ""
        return f"{one.mean:.1f} ± {one.sd:.1f}" if math.isfinite(one.sd) else f"{one.mean:.1f}"

    return tuple(text(spreads[kind]) for kind in KINDS)


def _shares(pixels: JudgedPixels) -> tuple[str, ...]:
    percent = pixels.percent
    return ("",) * len(KINDS) if percent is None else tuple(f"{share:.1f}" for share in percent)
