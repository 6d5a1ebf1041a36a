"""Tools > Threshold robustness: objects and volume against threshold, erosion and smallest size."""

from __future__ import annotations

from PySide6.QtWidgets import QFormLayout, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.jobs.strip import ProgressStrip
from sxtstudio.app.objects.plots.export import write_figures
from sxtstudio.app.objects.plots.figure import FigurePlot
from sxtstudio.app.widgets.controls import DoubleSpinBox, SpinBox
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.app.widgets.notes import SliceRange
from sxtstudio.core.errors import UserError
from sxtstudio.core.figures import Figure
from sxtstudio.core.robustness import MIN_SIZES, ParameterGrid, Robustness
from sxtstudio.core.robustness_figure import robustness_figures
from sxtstudio.core.volume import VoxelSize
from sxtstudio.workflow.document.network_output import KeptOutput, find_output, standing_threshold
from sxtstudio.workflow.jobs.robustness import robustness_of_output, write_table

NO_OUTPUT = (
    "There is no output of the network to try thresholds on. Segment the tomogram with “Keep the network's "
    "output” ticked (panel Segment)."
)
_ABOUT = (
    "A count that stays the same over a range of thresholds does not hang on the one that was chosen. "
    "Objects are label voxels that hang together."
)
_MOST = 41  # thresholds; each takes a pass per erosion


class RobustnessDialog(ToolDialog):
    """Tries all combinations in a job, and draws what came out."""

    TITLE = "Threshold robustness"
    PAGE = "measure.md#how-exact-is-it"

    def __init__(self, context: Context) -> None:
        """Build the dialog."""
        super().__init__(context)
        self._context, self._session = context, context.session
        self.job: Job | None = None
        self.found: Robustness | None = None
        self._voxel_nm: VoxelSize | None = None
        self._mark: float | None = None
        self.low, self.high, self.step = DoubleSpinBox(), DoubleSpinBox(), DoubleSpinBox()
        self.erosions = SpinBox()
        self.sizes = QLineEdit(", ".join(str(size) for size in MIN_SIZES))
        self.slices = SliceRange()
        self.strip = ProgressStrip()
        self.about = QLabel(_ABOUT)
        self.plots = [FigurePlot("Objects or volume against the threshold") for _ in range(4)]
        self.resize(980, 620)
        self._set_up()
        self._lay_out()
        self._connect()
        self._on_document_changed()

    def try_all(self) -> None:
        """Begin."""
        document, kept = self._session.document, self._kept()
        if document is None or kept is None or self.job is not None:
            return
        try:
            choices = self.choices
        except UserError as error:
            self.about.setText(str(error))
            return
        slices, folder = self.slices.slices, document.bulk
        self._voxel_nm, self._mark = document.voxel_nm, standing_threshold(kept, document.steps)
        self.job = self._context.jobs.start(
            "Try thresholds",
            lambda job: robustness_of_output(kept, folder, choices, slices, job.progress),
            on_done=self._on_done,
        )
        self.strip.watch(self.job)
        self.job.finished.connect(self._on_finished)
        self._enable()

    @property
    def choices(self) -> ParameterGrid:
        """What is tried.

        Raises
        ------
        UserError
            If the fields say nothing that can be tried.
        """
        low, high = sorted((self.low.value(), self.high.value()))
        count = int((high - low) / self.step.value() + 1e-6) + 1
        if count > _MOST:
            raise UserError(
                f"These are {count} thresholds, and at most {_MOST} are tried: choose a larger step."
            )
        thresholds = tuple(round(low + index * self.step.value(), 4) for index in range(count))
        try:
            sizes = tuple(sorted({int(word) for word in self.sizes.text().replace(",", " ").split()}))
        except ValueError:
            sizes = ()
        if not sizes or sizes[0] < 0:
            raise UserError("The smallest sizes must be whole numbers of voxels, such as 0, 100, 500.")
        return ParameterGrid(thresholds, tuple(range(self.erosions.value() + 1)), sizes)

    def _set_up(self) -> None:
        self.run = self.button("Try", "mdi6.play", "Try all combinations; it takes a pass per combination")
        self.save = self.button("Save table…", "mdi6.content-save-outline", "A row per combination, as CSV")
        self.export = self.button("Export plots…", "mdi6.export", "As SVG or PNG, dark on white")
        for field, value, name, tip in (
            (self.low, -0.8, "Lowest threshold", "The most lenient threshold; the output lies in -1 to 1"),
            (self.high, 0.8, "Highest threshold", "The strictest threshold"),
            (self.step, 0.2, "Step", "From one threshold to the next"),
        ):
            field.setDecimals(2)
            field.setSingleStep(0.05)
            field.setRange(0.02 if field is self.step else -1.0, 1.0)
            field.setValue(value)
            field.setAccessibleName(name)
            field.setToolTip(tip)
        self.erosions.setRange(0, 5)
        self.erosions.setValue(2)
        self.erosions.setToolTip("Up to so many erosions, in 3D")
        self.sizes.setToolTip("Smallest objects in voxels, apart by commas")
        self.sizes.setAccessibleName("Smallest objects")
        self.about.setWordWrap(True)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.addRow("Thresholds from", self.low)
        form.addRow("to", self.high)
        form.addRow("in steps of", self.step)
        form.addRow("Erosions up to", self.erosions)
        form.addRow("Smallest objects", self.sizes)
        form.addRow("Slices", self.slices)
        left = QWidget()
        left.setFixedWidth(270)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(form)
        column.addWidget(self.run)
        column.addWidget(self.strip)
        column.addWidget(self.about)
        column.addStretch()
        grid = QGridLayout()
        for index, plot in enumerate(self.plots):
            grid.addWidget(plot, index // 2, index % 2)
        upper = QHBoxLayout()
        upper.addWidget(left)
        upper.addLayout(grid, 1)
        below = QHBoxLayout()
        below.addStretch()
        below.addWidget(self.save)
        below.addWidget(self.export)
        layout = QVBoxLayout(self)
        layout.addLayout(upper, 1)
        layout.addLayout(below)

    def _connect(self) -> None:
        session = self._session
        session.document_changed.connect(self._on_document_changed)
        session.history_changed.connect(self._enable)
        session.cursor_changed.connect(lambda cursor: self.slices.set_visible_slice(cursor[0]))
        self.run.clicked.connect(self.try_all)
        self.save.clicked.connect(self._on_save_clicked)
        self.export.clicked.connect(self._on_export_clicked)

    def _kept(self) -> KeptOutput | None:
        document = self._session.document
        return None if document is None else find_output(document.bulk, document.shape)

    def _enable(self) -> None:
        there = self._kept() is not None
        self.run.setEnabled(there and self.job is None)
        self.save.setEnabled(self.found is not None)
        self.export.setEnabled(self.found is not None)
        self.about.setText(_ABOUT if there else NO_OUTPUT)

    def _on_document_changed(self) -> None:
        document = self._session.document
        self.found = None
        for plot in self.plots:
            plot.show_figure(None)
        self.slices.set_depth(1 if document is None else document.shape[0])
        self._enable()

    def _on_done(self, found: Robustness) -> None:
        self.found = found
        for plot, figure in zip(self.plots, self._figures(found), strict=True):
            plot.show_figure(figure)

    def _figures(self, found: Robustness) -> tuple[Figure, ...]:
        return robustness_figures(found, self._voxel_nm, self._mark)

    def _on_finished(self) -> None:
        self.job = None
        self._enable()

    def _on_save_clicked(self) -> None:
        if self.found is not None:
            path = questions.save_file(self._context, "Save the table", "robustness.csv", "CSV (*.csv)")
            if path is not None:
                write_table(path, self.found, self._voxel_nm)
                questions.say_saved(self._context, path)

    def _on_export_clicked(self) -> None:
        if self.found is not None:
            kinds = "SVG (*.svg);;PNG (*.png)"
            path = questions.save_file(self._context, "Export the plots", "robustness.svg", kinds)
            if path is not None:
                write_figures(self._figures(self.found), path, columns=2)
                questions.say_saved(self._context, path)
