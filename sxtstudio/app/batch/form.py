"""The fields of a batch: one set of parameters for all tomograms."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, cast

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.models.default_model import SETTING
from sxtstudio.app.widgets.controls import ComboBox, DoubleSpinBox, SpinBox
from sxtstudio.core.cleanup import CleanParameters
from sxtstudio.core.errors import UserError
from sxtstudio.segment import ModelCard, SegmentParameters, find_models
from sxtstudio.workflow.jobs.batch import BatchParameters
from sxtstudio.workflow.jobs.batch_files import Existing
from sxtstudio.workflow.jobs.cleaning import CleanUp

# Below the lowest threshold stands "that of the model".
_OWN_THRESHOLD = -1.01
_STORE = "batch"


class BatchForm(QWidget):
    """Fields that are read into BatchParameters before a batch starts, and remembered."""

    changed = Signal()

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Build the fields, as they were last time."""
        super().__init__(parent)
        self._context = context
        self.model = _combo(())
        self.device = _combo((("Automatic", "auto"), ("Processor (CPU)", "cpu"), ("Graphics card", "cuda")))
        self.threshold = DoubleSpinBox(minimum=_OWN_THRESHOLD, maximum=0.99, singleStep=0.05)
        self.threshold.setSpecialValueText("that of the model")
        self.threshold.setToolTip("Higher: fewer, surer membranes. Lower: more, with more mistakes")
        self.polarity = _combo((("found for each", "auto"), ("dark", "dark"), ("bright", "bright")))
        self.smooth_z = _spin(0, 20, " slices")
        self.in_cell = QCheckBox("Only within the cell")
        self.in_cell.setToolTip("A rough mask of the cell is made from each tomogram")
        self.erode = _spin(0, 20, " voxels")
        self.smallest = _spin(0, 10_000_000, " voxels")
        self.crop_z, self.crop_xy = _spin(0, 1000, " slices"), _spin(0, 1000, " px")
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
        self._lay_out()
        self._restore()
        self.place.currentIndexChanged.connect(self._show_folder)
        self.choose.clicked.connect(self._on_choose_clicked)
        self._show_folder()
        self.refresh_models()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(
            _group(
                "Segment",
                ("Model", self.model),
                ("Device", self.device),
                ("Threshold", self.threshold),
                ("Dense parts are", self.polarity),
            )
        )
        layout.addWidget(
            _group(
                "Clean up",
                ("Smooth along z", self.smooth_z),
                ("", self.in_cell),
                ("Erode", self.erode),
                ("Remove below", self.smallest),
                ("Clear top, bottom", self.crop_z),
                ("Clear the frame", self.crop_xy),
            )
        )
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.folder, 1)
        line.addWidget(self.choose)
        self._folder_row = row
        layout.addWidget(
            _group(
                "Results",
                ("Labels go", self.place),
                ("", row),
                ("Format", self.kind),
                ("If they exist", self.existing),
                ("", self.resume),
                ("", self.reports),
                ("", self.sheet),
            )
        )
        layout.addStretch()

    def refresh_models(self) -> None:
        """List the installed models anew."""
        self._context.jobs.start(
            "Looking for models", lambda job: find_models(), on_done=self._show_models, quiet=True
        )

    def parameters(self, sheets_in: Path | None) -> BatchParameters:
        """Return what the fields say; ``sheets_in`` is the folder for sheet and table without another.

        Raises
        ------
        UserError
            If there is no folder where one is needed.
        """
        folder = None
        if self.place.currentData() == "folder":
            if not self.folder.text().strip():
                raise UserError("Choose the folder for the labels first.")
            folder = Path(self.folder.text().strip())
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
            segmentation=SegmentParameters(
                model=self.model.currentData() or None,
                device=self.device.currentData(),
                threshold=None if self.threshold.value() < -1 else self.threshold.value(),
                polarity=cast(Literal["auto", "dark", "bright"], self.polarity.currentData()),
            ),
            clean_up=CleanUp(
                CleanParameters(
                    erode=self.erode.value(),
                    min_size_voxels=self.smallest.value() or None,
                    crop=(self.crop_z.value(), self.crop_xy.value(), self.crop_xy.value()),
                    smooth_z=self.smooth_z.value(),
                ),
                auto_mask=self.in_cell.isChecked(),
            ),
            folder=folder,
            suffix=self.kind.currentData(),
            existing=existing,
            resume=self.resume.isChecked(),
            reports=self.reports.isChecked(),
            contact_sheet=sheet,
            summary=tables,
        )

    def _show_models(self, cards: list[ModelCard]) -> None:
        wanted = self.model.currentData() or self._context.settings.get(SETTING, "")
        self.model.clear()
        for card in cards:
            self.model.addItem(card.name, card.name)
        self.model.setCurrentIndex(max(0, self.model.findData(wanted)))

    def _show_folder(self) -> None:
        self._folder_row.setVisible(self.place.currentData() == "folder")
        self.changed.emit()

    def _on_choose_clicked(self) -> None:
        folder = questions.open_folder(self._context, "Folder for the labels")
        if folder is not None:
            self.folder.setText(str(folder))

    def _fields(self) -> dict[str, ComboBox | SpinBox | DoubleSpinBox | QCheckBox]:
        return {
            "device": self.device,
            "threshold": self.threshold,
            "polarity": self.polarity,
            "smooth_z": self.smooth_z,
            "in_cell": self.in_cell,
            "erode": self.erode,
            "smallest": self.smallest,
            "crop_z": self.crop_z,
            "crop_xy": self.crop_xy,
            "place": self.place,
            "kind": self.kind,
            "existing": self.existing,
            "resume": self.resume,
            "reports": self.reports,
            "sheet": self.sheet,
        }

    def _remember(self) -> None:
        values: dict[str, object] = {"folder": self.folder.text()}
        for name, field in self._fields().items():
            if isinstance(field, ComboBox):
                values[name] = field.currentData()
            else:
                values[name] = field.isChecked() if isinstance(field, QCheckBox) else field.value()
        self._context.settings.set(_STORE, values)

    def _restore(self) -> None:
        usual = {"threshold": _OWN_THRESHOLD, "resume": True, "reports": True, "sheet": True}
        usual["device"] = self._context.settings.get("segment/device", "auto")
        values = usual | self._context.settings.get(_STORE, {})
        self.folder.setText(str(values.get("folder", "")))
        for name, field in self._fields().items():
            value = values.get(name)
            if isinstance(field, ComboBox):
                field.setCurrentIndex(max(0, field.findData(value)))
            elif isinstance(field, QCheckBox):
                field.setChecked(value is True)
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
    combo.setMinimumContentsLength(12)
    combo.setSizeAdjustPolicy(ComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return combo


def _spin(low: int, high: int, unit: str) -> SpinBox:
    spin = SpinBox(minimum=low, maximum=high, suffix=unit)
    spin.setSpecialValueText("off")
    return spin


def _group(title: str, *rows: tuple[str, QWidget]) -> QGroupBox:
    group = QGroupBox(title)
    form = QFormLayout(group)
    form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
    form.setContentsMargins(0, 6, 0, 0)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    for name, field in rows:
        if name:
            form.addRow(name, field)
        else:
            form.addRow(field)
    return group
