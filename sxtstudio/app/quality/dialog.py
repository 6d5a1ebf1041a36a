"""Tools > Quality of the tomogram: the figures with what they mean, and plots."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QSplitter,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app import questions, theme
from sxtstudio.app.context import Context
from sxtstudio.app.help.reader import Documentation
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.jobs.strip import ProgressStrip
from sxtstudio.app.objects.plots.export import write_figures
from sxtstudio.app.objects.plots.figure import FigurePlot
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.core.figures import Figure as PlotFigure
from sxtstudio.core.quality.plots import quality_plots, why_empty
from sxtstudio.core.quality.record import Quality, QualityFigure, QualityFlag
from sxtstudio.core.wording import count, cut
from sxtstudio.workflow.jobs.document_quality import OpenTomogram, quality_of_open
from sxtstudio.workflow.jobs.quality import write_quality

_HEADINGS = ("Figure", "Value", "What it means")
_MARKS = {
    QualityFlag.GOOD: "mdi6.check",
    QualityFlag.LOOK: "mdi6.alert-outline",
    QualityFlag.BAD: "mdi6.close-octagon-outline",
    QualityFlag.UNKNOWN: "mdi6.help",
}
_WORDS = {
    QualityFlag.GOOD: "good",
    QualityFlag.LOOK: "worth a look",
    QualityFlag.BAD: "bad",
    QualityFlag.UNKNOWN: "not known",
}
_ABOUT = "At most 96 slices are read, which takes some seconds."
_TOMOGRAMS = "Tomograms (*.mrc *.rec *.map *.tif *.tiff *.h5 *.hdf5 *.nxs *.txm);;All files (*)"


class QualityDialog(ToolDialog):
    """Judges the open tomogram in a job, and shows what came out."""

    TITLE = "Quality of the tomogram"
    PAGE = "quality.md"

    def __init__(self, context: Context) -> None:
        """Build the dialog."""
        super().__init__(context)
        self._context, self._session = context, context.session
        self.job: Job | None = None
        self.found: Quality | None = None
        self.half: Path | None = None
        self.rows = QTableWidget(0, len(_HEADINGS))
        self.plots = (FigurePlot("Fourier ring correlation"), FigurePlot("Mean and SD along z"))
        self.reasons = (QLabel(), QLabel())
        self.places = (QStackedWidget(), QStackedWidget())  # a plot, or why there is none
        self.summary = QLabel(_ABOUT)
        self.strip = ProgressStrip()
        self.resize(1120, 700)
        self._set_up()
        self._lay_out()
        self._connect()
        self._on_document_changed()

    def showEvent(self, event: QShowEvent) -> None:
        """Begin by itself: there is nothing to choose first."""
        super().showEvent(event)
        if not event.spontaneous() and self.found is None:
            self.judge()

    def judge(self) -> None:
        """Begin."""
        document = self._session.document
        if document is None or self.job is not None:
            return
        what, half = OpenTomogram.of(document), self.half
        self.job = self._context.jobs.start(
            "Judge the tomogram",
            lambda job: quality_of_open(what, half, job.progress),
            on_done=self._on_done,
        )
        self.strip.watch(self.job)
        self.job.finished.connect(self._on_finished)
        self._enable()

    def show_quality(self, found: Quality) -> None:
        """Show a record."""
        self.found = found
        flagged = len(found.flagged)
        text = "Nothing asks for a look." if not flagged else f"{count(flagged, 'figure')} to look at."
        self.summary.setText(f"{cut(found.tomogram, 50)}: {text}")
        self.rows.setRowCount(len(found.figures))
        for row, figure in enumerate(found.figures):
            self._show_row(row, figure)
        self.rows.resizeRowsToContents()
        for plot, drawn in zip(self.plots, quality_plots(found), strict=True):
            plot.show_figure(drawn)
        self._give_reasons(why_empty(found))
        self._enable()

    def _give_reasons(self, reasons: tuple[str, str]) -> None:
        """Say in place of a plot that is not there why it is not."""
        for place, plot, label, why in zip(self.places, self.plots, self.reasons, reasons, strict=True):
            label.setText(why)
            place.setCurrentWidget(label if plot.figure is None else plot)

    def _show_row(self, row: int, figure: QualityFigure) -> None:
        definition = figure.definition
        tip = " ".join(part for part in (definition.definition, definition.formula) if part)
        for column, text in enumerate((definition.title, figure.text, figure.sentence)):
            item = QTableWidgetItem(text)
            item.setToolTip(tip)
            if figure.flag in (QualityFlag.LOOK, QualityFlag.BAD):
                font = self.rows.font()
                font.setBold(True)
                item.setFont(font)
            if not column:
                item.setIcon(theme.icon(_MARKS[figure.flag]))
                # What a screen reader says in place of the icon.
                said = f"{definition.title}: {_WORDS[figure.flag]}"
                item.setData(Qt.ItemDataRole.AccessibleTextRole, said)
            self.rows.setItem(row, column, item)

    def _set_up(self) -> None:
        self.run = self.button("Look again", "mdi6.refresh", "Judge the open tomogram, as it is now")
        self.choose = self.button(
            "Half reconstruction…",
            "mdi6.circle-half-full",
            "Give the reconstruction of the other half of the projections, for a true resolution",
        )
        self.save = self.button("Save…", "mdi6.content-save-outline", "Write all figures as JSON")
        self.export = self.button("Export plots…", "mdi6.export", "As SVG or PNG, dark on white")
        self.explain = self.button("What do these mean?", "mdi6.help-circle-outline", "Show the help page")
        rows = self.rows
        rows.setAccessibleName("Figures")
        rows.setHorizontalHeaderLabels(list(_HEADINGS))
        rows.verticalHeader().hide()
        rows.setTabKeyNavigation(False)
        rows.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        rows.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        rows.setWordWrap(True)
        rows.setIconSize(QSize(16, 16))
        header = rows.horizontalHeader()
        for column in (0, 1):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        theme.follow(rows, self._restyle)

    def _lay_out(self) -> None:
        upper = QHBoxLayout()
        upper.addWidget(self.summary, 1)
        upper.addWidget(self.choose)
        upper.addWidget(self.run)
        drawn = QWidget()
        column = QVBoxLayout(drawn)
        column.setContentsMargins(0, 0, 0, 0)
        for place, plot, label in zip(self.places, self.plots, self.reasons, strict=True):
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            label.setMargin(24)
            place.addWidget(plot)
            place.addWidget(label)
            column.addWidget(place)
        parts = QSplitter()
        parts.addWidget(self.rows)
        parts.addWidget(drawn)
        parts.setStretchFactor(0, 3)
        parts.setStretchFactor(1, 2)
        parts.setSizes([680, 420])
        parts.setChildrenCollapsible(False)
        below = QHBoxLayout()
        below.addWidget(self.explain)
        below.addStretch()
        below.addWidget(self.save)
        below.addWidget(self.export)
        layout = QVBoxLayout(self)
        layout.addLayout(upper)
        layout.addWidget(self.strip)
        layout.addWidget(parts, 1)
        layout.addLayout(below)

    def _connect(self) -> None:
        self._session.document_changed.connect(self._on_document_changed)
        self.run.clicked.connect(self.judge)
        self.choose.clicked.connect(self._on_choose_clicked)
        self.save.clicked.connect(self._on_save_clicked)
        self.export.clicked.connect(self._on_export_clicked)
        self.explain.clicked.connect(self._on_explain_clicked)
        self.rows.horizontalHeader().sectionResized.connect(lambda *_: self.rows.resizeRowsToContents())

    def _enable(self) -> None:
        there = self._session.document is not None
        self.run.setEnabled(there and self.job is None)
        self.choose.setEnabled(there and self.job is None)
        self.save.setEnabled(self.found is not None)
        self.export.setEnabled(any(plot.figure is not None for plot in self.plots))

    def _restyle(self) -> None:
        if self.found is not None:
            for row, figure in enumerate(self.found.figures):
                self._show_row(row, figure)

    def _on_document_changed(self) -> None:
        self.found = self.half = None
        self.rows.setRowCount(0)
        self.summary.setText(_ABOUT)
        for plot in self.plots:
            plot.show_figure(None)
        self._give_reasons(("", ""))
        self._enable()
        if self.isVisible():
            self.judge()

    def _on_done(self, found: Quality) -> None:
        self.show_quality(found)

    def _on_finished(self) -> None:
        self.job = None
        self._enable()

    def _on_choose_clicked(self) -> None:
        path = questions.open_file(self._context, "The other half reconstruction", _TOMOGRAMS)
        if path is not None:
            self.half = path
            self.judge()

    def _on_save_clicked(self) -> None:
        if self.found is not None:
            name = f"{Path(self.found.tomogram).stem}.quality.json"
            path = questions.save_file(self._context, "Save the figures", name, "JSON (*.json)")
            if path is not None:
                write_quality(path, self.found)
                questions.say_saved(self._context, path)

    def _on_export_clicked(self) -> None:
        drawn: list[PlotFigure] = [plot.figure for plot in self.plots if plot.figure is not None]
        if drawn:
            kinds = "SVG (*.svg);;PNG (*.png)"
            path = questions.save_file(self._context, "Export the plots", "quality.svg", kinds)
            if path is not None:
                write_figures(tuple(drawn), path, columns=2)
                questions.say_saved(self._context, path)

    def _on_explain_clicked(self) -> None:
        self._context.dialogs.bring_up(Documentation).show_page("quality.md")
