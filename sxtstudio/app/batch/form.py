"""The fields of a batch: one set of parameters for all tomograms."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QGroupBox,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app import questions
from sxtstudio.app.batch.where import WhereFields
from sxtstudio.app.clean.fields import CleanFields
from sxtstudio.app.context import Context
from sxtstudio.app.segment.fields import SegmentFields
from sxtstudio.app.widgets.controls import ComboBox, DoubleSpinBox, SpinBox
from sxtstudio.app.widgets.notes import form, narrow, show_note
from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.errors import UserError
from sxtstudio.core.volume import VoxelSize
from sxtstudio.workflow.jobs.batch import BatchParameters
from sxtstudio.workflow.jobs.batch_files import Existing
from sxtstudio.workflow.jobs.choices import find_choices
from sxtstudio.workflow.jobs.cleaning import CleanUp

_STORE = "batch"


class BatchForm(QWidget):
    """Fields that are read into BatchParameters before a batch starts, and remembered.

    Those of the segmentation and of the clean-up are those of their panels.
    """

    changed = Signal()

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Build the fields, as they were last time."""
        super().__init__(parent)
        self._context = context
        self.segment = SegmentFields(context)
        self.clean = CleanFields()
        self.where = WhereFields(context)
        show_note(self.clean.mask_note, "A rough mask of the cell is made from each tomogram.")
        self.axes = QLineEdit()
        self.axes.setPlaceholderText("As in each file")
        self.axes.setToolTip(
            "How the files store their axes, the slowest first, where they do not say or are wrong: zyx, "
            "xyz; a minus behind a letter reads that axis backwards: z-yx"
        )
        self.voxel = DoubleSpinBox(maximum=100_000, decimals=3, suffix=" nm")
        self.voxel.setSpecialValueText("As in each file")
        self.voxel.setToolTip("The edge of a voxel, where the files do not say or are wrong")
        self.force = QCheckBox("Tilt series, too")
        self.force.setToolTip("Segment what looks like a tilt series (projections), too")
        self.place = _combo((("beside each tomogram", "beside"), ("in one folder", "folder")))
        self.folder = QLineEdit()
        self.folder.setPlaceholderText("Choose a folder")
        self.choose = QPushButton("Choose…")
        self.choose.setToolTip("Choose the folder for the labels")
        self.kind = _combo((("TIFF (ImageJ, MIB)", ".tif"), ("MRC (IMOD)", ".mrc")))
        self.existing = _combo(
            (
                ("give another name", "rename"),
                ("leave the tomogram out", "skip"),
                ("replace them", "replace"),
            )
        )
        self.resume = QCheckBox("Go on where a run was interrupted")
        self.reports = QCheckBox("Report of each (JSON)")
        self.sheet = QCheckBox("Contact sheet and table of all")
        for box in (self.resume, self.reports, self.sheet):
            box.setChecked(True)
        self._lay_out()
        self._restore(context.settings.get(_STORE, {}))
        self.place.currentIndexChanged.connect(self._show_folder)
        self.choose.clicked.connect(self._on_choose_clicked)
        self._show_folder()
        self.refresh_models()

    def _lay_out(self) -> None:
        self._folder_row = QWidget()
        line = QHBoxLayout(self._folder_row)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.folder, 1)
        line.addWidget(self.choose)
        tomograms, results = form(), form()
        tomograms.addRow("Axes", self.axes)
        tomograms.addRow("Voxel size", narrow(self.voxel, 120))
        tomograms.addRow(self.force)
        results.addRow("Labels go", self.place)
        results.addRow(self._folder_row)
        results.addRow("Format", self.kind)
        results.addRow("If they exist", self.existing)
        for box in (self.resume, self.reports, self.sheet):
            results.addRow(box)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 8, 0)
        layout.setSpacing(16)
        for title, content in (
            ("Segment", self.segment),
            ("Clean up", self.clean),
            ("Tomograms", tomograms),
            ("Results", results),
            ("Machines", self.where),
        ):
            group = QGroupBox(title)
            inside = QVBoxLayout(group)
            inside.setContentsMargins(0, 6, 0, 0)
            if isinstance(content, QWidget):
                inside.addWidget(content)
            else:
                inside.addLayout(content)
            layout.addWidget(group)
        layout.addStretch()

    def refresh_models(self) -> None:
        """List the installed models and the devices anew."""
        files = self.segment.extra_files
        self._context.jobs.start(
            "Looking for models",
            lambda job: find_choices(files),
            on_done=self.segment.show_choices,
            quiet=True,
        )

    def parameters(self, sheets_in: Path | None) -> BatchParameters:
        """Return what the fields say; ``sheets_in`` is the folder for sheet and table without another.

        Raises
        ------
        UserError
            If there is no folder where one is needed, or the axes make no sense.
        """
        folder = None
        if self.place.currentData() == "folder":
            if not self.folder.text().strip():
                raise UserError("Choose the folder for the labels first.")
            folder = Path(self.folder.text().strip())
        axes = AxisOrder.from_text(self.axes.text()) if self.axes.text().strip() else None
        existing = cast(Existing, self.existing.currentData())
        sheets = folder or sheets_in
        sheet: Path | None = None
        tables: tuple[Path, ...] = ()
        if self.sheet.isChecked() and sheets is not None:
            mark = _free_mark(sheets) if existing == "rename" else ""
            sheet = sheets / f"contact-sheet{mark}.png"
            tables = (sheets / f"batch{mark}.csv", sheets / f"batch{mark}.json")
        self._remember()
        return BatchParameters(
            segmentation=self.segment.parameters(),
            clean_up=CleanUp(self.clean.steps(), auto_mask=self.clean.inside.isChecked()),
            voxel_nm=self._voxel_nm(),
            force=self.force.isChecked(),
            axes=axes,
            folder=folder,
            suffix=self.kind.currentData(),
            existing=existing,
            resume=self.resume.isChecked(),
            reports=self.reports.isChecked(),
            contact_sheet=sheet,
            summary=tables,
        )

    def _voxel_nm(self) -> VoxelSize | None:
        edge = self.voxel.value()
        return (edge, edge, edge) if edge else None

    def _show_folder(self) -> None:
        self._folder_row.setVisible(self.place.currentData() == "folder")
        self.changed.emit()

    def _on_choose_clicked(self) -> None:
        folder = questions.save_into_folder(self._context, "Folder for the labels", self.folder.text())
        if folder is not None:
            self.folder.setText(str(folder))

    def _fields(self) -> dict[str, ComboBox | SpinBox | DoubleSpinBox | QCheckBox | QLineEdit]:
        """Return what is remembered; the unit of a size comes before the size, which it sets to nothing."""
        segment, clean = self.segment, self.clean
        return {
            "polarity": segment.polarity,
            "tile": segment.tile,
            "trust": segment.trust,
            "neighbours": segment.neighbours,
            "leave_out": segment.leave_out,
            "noisy": segment.noisy,
            "smooth_z": clean.smooth,
            "in_cell": clean.inside,
            "close": clean.close_gaps,
            "fill_px": clean.fill,
            "dilate": clean.dilate,
            "erode": clean.erode,
            "erode_3d": clean.erode_3d,
            "unit": clean.unit,
            "smallest": clean.smallest,
            "crop_z": clean.crop_z,
            "crop_y": clean.crop_y,
            "crop_x": clean.crop_x,
            "axes": self.axes,
            "voxel": self.voxel,
            "force": self.force,
            "place": self.place,
            "folder": self.folder,
            "kind": self.kind,
            "existing": self.existing,
            "resume": self.resume,
            "reports": self.reports,
            "sheet": self.sheet,
            "workers": self.where.workers,
            "divide": self.where.divide,
        }

    def _remember(self) -> None:
        """Keep all but model and aim, which are those of the panel “Segment” at the next start."""
        values: dict[str, object] = {
            "threshold": self.segment.threshold.choice,
            "device": self.segment.device.currentData(),
            "where": self.where.choice,
        }
        for name, field in self._fields().items():
            if isinstance(field, ComboBox):
                values[name] = field.currentData()
            elif isinstance(field, QLineEdit):
                values[name] = field.text()
            else:
                values[name] = field.isChecked() if isinstance(field, QCheckBox) else field.value()
        self._context.settings.set(_STORE, values)

    def _restore(self, values: dict[str, Any]) -> None:
        """Show what was remembered, by an earlier version too; what is missing or damaged stays as it is."""
        values = dict(values)
        for name in ("crop_y", "crop_x"):  # they were one field
            values.setdefault(name, values.get("crop_xy"))
        self.segment.set_use(self._context.settings.get("segment/use", ""))
        match values.get("threshold"):
            case int() | float() as threshold if -1 <= threshold < 1:  # the model's own was less than -1
                self.segment.threshold.set_choice(float(threshold))
        match values.get("device"):
            case "cuda":
                self.segment.use_device("cuda:0")
            case str(device):
                self.segment.use_device(device)
        match values.get("where"):
            case str(choice):
                self.where.choose(choice)
        for name, field in self._fields().items():
            value = values.get(name)
            if isinstance(field, ComboBox):
                place = field.findData(value)
                field.setCurrentIndex(place if place >= 0 else field.currentIndex())
            elif isinstance(field, QLineEdit):
                field.setText(value if isinstance(value, str) else "")
            elif isinstance(field, QCheckBox):
                field.setChecked(value if isinstance(value, bool) else field.isChecked())
            elif isinstance(value, int | float) and isinstance(field, DoubleSpinBox):
                field.setValue(value)
            elif isinstance(value, int) and isinstance(field, SpinBox):
                field.setValue(value)


def _free_mark(folder: Path) -> str:
    """Return "", "-2" … so that neither a sheet nor a table is overwritten."""
    number = 1
    while True:
        mark = "" if number == 1 else f"-{number}"
        names = (f"contact-sheet{mark}.png", f"batch{mark}.csv", f"batch{mark}.json")
        if not any((folder / name).exists() for name in names):
            return mark
        number += 1


def _combo(entries: tuple[tuple[str, str], ...]) -> ComboBox:
    combo = ComboBox()
    for text, value in entries:
        combo.addItem(text, value)
    return narrow(combo, 120)
