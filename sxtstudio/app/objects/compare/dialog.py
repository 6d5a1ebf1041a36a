"""Tools > Compare: tables of several tomograms in groups, with a plot, a test and a report in words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QHBoxLayout,
    QPlainTextEdit,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job, JobKind
from sxtstudio.app.jobs.latest import Latest
from sxtstudio.app.jobs.strip import ProgressStrip
from sxtstudio.app.objects.compare.groups import GroupTree
from sxtstudio.app.objects.plots.export import write_figures
from sxtstudio.app.objects.plots.figure import FigurePlot
from sxtstudio.app.widgets.controls import ComboBox
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.app.widgets.notes import narrow
from sxtstudio.core.errors import UserError
from sxtstudio.core.figures import Figure
from sxtstudio.core.group_figure import group_figure
from sxtstudio.core.statistics import AnalysisUnit
from sxtstudio.io.project import is_project
from sxtstudio.workflow.jobs.comparing import (
    COUNT,
    CompareChoice,
    Compared,
    GroupFiles,
    Tables,
    column_title,
    compare_tables,
)
from sxtstudio.workflow.jobs.comparison_files import report_text, write_report
from sxtstudio.workflow.jobs.group_file import read_groups, write_groups

_ALL = "All classes"
_GROUPS = "Groups (*.toml)"
_FIRST = ("volume_um3", "volume_voxels", "slice_area_mean_nm2", "slice_area_mean_px2")
BEGIN = (
    "Add the tables of your cells to the groups: a table, or a saved project, per cell. Tables come from "
    "the panel Objects, or from 'sxtstudio measure'."
)


@dataclass(frozen=True)
class _Result:
    """What the tables offer, and the comparison, or why there is none."""

    columns: tuple[str, ...]
    classes: tuple[str, ...]
    compared: Compared | None
    why: str = ""


class CompareDialog(ToolDialog):
    """Compares anew whenever groups or choices change."""

    TITLE = "Compare groups"
    PAGE = "measure.md#5-plots-and-groups-of-cells"

    def __init__(self, context: Context) -> None:
        """Begin with two empty groups."""
        super().__init__(context)
        self._context = context
        self._tables = Tables()
        self.compared: Compared | None = None
        self._reading: Job | None = None
        self._wanted: str | None = None  # the column that a file of groups asks for
        self.tree = GroupTree()
        self.column, self.class_name, self.unit = (narrow(ComboBox(), 120) for _ in range(3))
        self.border = QCheckBox("With objects at the border")
        self.plot = FigurePlot("Plot of the groups")
        self.report = QPlainTextEdit(BEGIN)
        self.strip = ProgressStrip()
        self._latest = Latest(
            context, "Comparing", self._on_compared, on_error=self._on_error, delay_ms=150, parent=self
        )
        self.resize(980, 640)
        self._set_up()
        self._lay_out()
        self._connect()
        self._show_none()

    def shut_down(self) -> None:
        """Compare no more."""
        self._latest.shut_down()
        super().shut_down()

    def refresh(self) -> None:
        """Read what is new, and compare."""
        groups = self.tree.groups
        if not groups:
            self._latest.cancel()
            self._show_none()
            self.report.setPlainText(BEGIN)
            return
        if any(is_project(path) for path in self._tables.unread(groups)):
            self._measure(groups)
            return
        wanted = self._wanted or self.column.currentData()
        class_name = self.class_name.currentData()
        unit, border, tables = AnalysisUnit(self.unit.currentData()), self.border.isChecked(), self._tables

        def work(job: Job) -> _Result:
            return _compare(tables, groups, wanted, class_name, unit, border, job)

        self.report.setPlainText("Reading the tables …")
        self._latest.request(work)

    def _measure(self, groups: tuple[GroupFiles, ...]) -> None:
        """Measure projects in a job with a bar; one at a time."""
        if self._reading is not None:
            return
        tables = self._tables
        self.report.setPlainText("Measuring the objects of the projects …")
        self._reading = job = self._context.jobs.start(
            "Measure projects",
            lambda job: tables.read(groups, job.progress),
            on_done=lambda _: self._on_measured(),
            on_error=self._on_error,
            on_cancel=lambda: self.report.setPlainText("Cancelled: a project is not measured. Remove it."),
            kind=JobKind.ELSEWHERE,
        )
        self.strip.watch(job)
        job.finished.connect(self._on_reading_finished)

    def _on_measured(self) -> None:
        self._reading = None
        self.refresh()

    def _on_reading_finished(self) -> None:
        self._reading = None

    def _set_up(self) -> None:
        self.add_group = self.button("Add group", "mdi6.plus", "Add a condition")
        self.add_tables = self.button(
            "Add tables…", "mdi6.table-plus", "Add tables to the group that is selected: one per cell"
        )
        self.add_project = self.button(
            "Add project…", "mdi6.folder-plus-outline", "Add a saved project: its objects are measured now"
        )
        self.join = self.button(
            "One cell", "mdi6.link-variant", "The selected tables are of one cell: it counts once"
        )
        self.open_groups = self.button(
            "Open groups…", "mdi6.folder-open-outline", "Read groups from a file, as 'sxtstudio compare' does"
        )
        self.save_groups = self.button(
            "Save groups…", "mdi6.content-save-outline", "Write groups and choices, to compare them again"
        )
        self.remove = self.button("Remove", "mdi6.minus", "Take away what is selected (Del)")
        self.copy = self.button("Copy report", "mdi6.content-copy", "Copy the report in words")
        self.save_report = self.button("Save report…", "mdi6.content-save-outline", "As JSON, CSV or text")
        self.save_plot = self.button("Export plot…", "mdi6.export", "As SVG or PNG, dark on white")
        for unit, text in (
            (AnalysisUnit.CELLS, "Cells (their means)"),
            (AnalysisUnit.OBJECTS, "Single objects"),
        ):
            self.unit.addItem(text, unit.value)
        for widget, name, tip in (
            (self.column, "Column", "What is compared"),
            (self.class_name, "Class", "Which objects"),
            (
                self.unit,
                "Unit of analysis",
                "What counts as one observation. Objects of one cell are not independent: take cells",
            ),
            (self.border, "With objects at the border", "They are cut, so their sizes are too small"),
        ):
            widget.setAccessibleName(name)
            widget.setToolTip(tip)
        self.report.setReadOnly(True)
        self.report.setAccessibleName("Report")

    def _lay_out(self) -> None:
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.tree, 1)
        for row in (
            (self.add_tables, self.add_project),
            (self.add_group, self.join, self.remove),
            (self.open_groups, self.save_groups),
        ):
            buttons = QHBoxLayout()
            for button in row:
                buttons.addWidget(button)
            column.addLayout(buttons)
        form = QFormLayout()
        form.addRow("Column", self.column)
        form.addRow("Class", self.class_name)
        form.addRow("Unit of analysis", self.unit)
        form.addRow(self.border)
        column.addLayout(form)
        right = QSplitter(Qt.Orientation.Vertical)
        right.addWidget(self.plot)
        right.addWidget(self.report)
        right.setSizes([380, 200])
        right.setChildrenCollapsible(False)
        both = QSplitter(Qt.Orientation.Horizontal)
        both.addWidget(left)
        both.addWidget(right)
        both.setSizes([320, 660])
        both.setChildrenCollapsible(False)
        below = QHBoxLayout()
        below.addWidget(self.strip, 1)
        below.addStretch()
        for button in (self.copy, self.save_report, self.save_plot):
            below.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addWidget(both, 1)
        layout.addLayout(below)

    def _connect(self) -> None:
        self.tree.changed.connect(self.refresh)
        self.column.currentIndexChanged.connect(self.refresh)
        self.class_name.currentIndexChanged.connect(self.refresh)
        self.unit.currentIndexChanged.connect(self.refresh)
        self.border.toggled.connect(self.refresh)
        self.add_group.clicked.connect(lambda: self.tree.add_group())
        self.add_tables.clicked.connect(self._on_add_tables_clicked)
        self.add_project.clicked.connect(self._on_add_project_clicked)
        self.remove.clicked.connect(self.tree.remove_selected)
        self.join.clicked.connect(self._on_join_clicked)
        self.open_groups.clicked.connect(self._on_open_groups_clicked)
        self.save_groups.clicked.connect(self._on_save_groups_clicked)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.report.toPlainText()))
        self.save_report.clicked.connect(self._on_save_report_clicked)
        self.save_plot.clicked.connect(self._on_save_plot_clicked)

    def _on_compared(self, result: _Result) -> None:
        chosen = None if self._wanted else self.column.currentData()
        self._wanted = None
        _fill(self.column, [(column_title(name), name) for name in result.columns], chosen)
        if chosen is None and result.compared is not None:
            with QSignalBlocker(self.column):
                self.column.setCurrentIndex(self.column.findData(result.compared.column))
        classes: list[tuple[str, str | None]] = [(_ALL, None), *((name, name) for name in result.classes)]
        _fill(self.class_name, classes, self.class_name.currentData())
        self.compared = result.compared
        self._show(None if self.compared is None else self._figure(self.compared))
        self.report.setPlainText(result.why if self.compared is None else report_text(self.compared))

    def _figure(self, compared: Compared) -> Figure:
        return group_figure(compared.comparison, compared.title, per_cell=compared.per_cell)

    def _on_error(self, error: Exception) -> None:
        self._show_none()
        if not isinstance(error, UserError):
            self._context.jobs.failed.emit(error)
        self.report.setPlainText(str(error))

    def _show_none(self) -> None:
        self.compared = None
        self._show(None)

    def _show(self, figure: Figure | None) -> None:
        self.plot.show_figure(figure)
        for button in (self.copy, self.save_report, self.save_plot):
            button.setEnabled(figure is not None)

    def _on_add_tables_clicked(self) -> None:
        kinds = "Tables (*.csv *.xlsx *.parquet);;All files (*)"
        if paths := questions.open_files(self._context, "Add tables", kinds):
            self._take(paths)

    def _on_add_project_clicked(self) -> None:
        folder = questions.open_folder(self._context, "Add a project")
        if folder is not None:
            self._take([folder])

    def _take(self, paths: list[Path]) -> None:
        if not self.tree.add_tables(paths):
            self.report.setPlainText(
                "None is a new table (.csv, .xlsx, .parquet) or project of SXT Studio. Choose others."
            )

    def _on_join_clicked(self) -> None:
        if not self.tree.join_selected():
            self.report.setPlainText("Select the tables of one cell first, with Ctrl or Shift and clicks.")

    def _on_open_groups_clicked(self) -> None:
        path = questions.open_file(self._context, "Open groups", _GROUPS)
        if path is None:
            return
        try:
            given = read_groups(path)
        except UserError as error:
            self.report.setPlainText(str(error))
            return
        choice = given.choice
        self._wanted = choice.column or None
        _fill(self.class_name, [(choice.class_name or _ALL, choice.class_name)], choice.class_name)
        for widget in (self.unit, self.border):
            widget.blockSignals(True)
        self.unit.setCurrentIndex(self.unit.findData(choice.unit.value))
        self.border.setChecked(choice.border)
        for widget in (self.unit, self.border):
            widget.blockSignals(False)
        self.tree.show_groups(given.groups)

    def _on_save_groups_clicked(self) -> None:
        groups, column = self.tree.groups, self.column.currentData()
        path = questions.save_file(self._context, "Save groups", "groups.toml", _GROUPS) if groups else None
        if path is not None:
            unit = AnalysisUnit(self.unit.currentData())
            choice = CompareChoice(column or "", self.class_name.currentData(), unit, self.border.isChecked())
            write_groups(path, groups, choice)
            questions.say_saved(self._context, path)

    def _on_save_report_clicked(self) -> None:
        if self.compared is not None:
            kinds = "Text (*.txt);;CSV (*.csv);;JSON (*.json)"
            path = questions.save_file(self._context, "Save the report", "comparison.txt", kinds)
            if path is not None:
                write_report(path, self.compared)
                questions.say_saved(self._context, path)

    def _on_save_plot_clicked(self) -> None:
        if self.compared is not None:
            kinds = "SVG (*.svg);;PNG (*.png)"
            path = questions.save_file(self._context, "Export the plot", "comparison.svg", kinds)
            if path is not None:
                write_figures([self._figure(self.compared)], path)
                questions.say_saved(self._context, path)


def _compare(
    tables: Tables,
    groups: tuple[GroupFiles, ...],
    wanted: str | None,
    class_name: str | None,
    unit: AnalysisUnit,
    border: bool,
    job: Job,
) -> _Result:
    """Read and compare; a table that cannot be read or compared is said, and the choices stay."""
    tables.read(groups, job.progress)
    columns, classes = (COUNT, *tables.number_columns(groups)), tables.classes(groups)
    usual = next((name for name in _FIRST if name in columns), columns[0])
    names = [name for name in columns if wanted and (name == wanted or name.startswith(f"{wanted}_"))]
    column = names[0] if names else usual
    choice = CompareChoice(column, class_name if class_name in classes else None, unit, border)
    try:
        return _Result(columns, classes, compare_tables(groups, choice, tables))
    except UserError as error:
        return _Result(columns, classes, None, str(error))


def _fill(box: ComboBox, entries: list[tuple[str, str | None]], chosen: str | None) -> None:
    """Offer other entries; what was chosen stays so if it is there."""
    with QSignalBlocker(box):
        box.clear()
        for text, data in entries:
            box.addItem(text, data)
        box.setCurrentIndex(max(0, box.findData(chosen)))
