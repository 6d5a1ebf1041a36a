"""The fields of the panel for the clean-up."""

from __future__ import annotations

import math

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app.context import Context
from sxtstudio.app.widgets.controls import ComboBox, DoubleSpinBox, SpinBox
from sxtstudio.app.widgets.notes import ThresholdField, form, narrow, note, show_note
from sxtstudio.core.cleanup import CleanParameters
from sxtstudio.core.wording import grouped, slice_number
from sxtstudio.workflow.document.network_output import KeptOutput
from sxtstudio.workflow.jobs.cleaning import CleanUp

_UNITS = (("voxels", "voxels"), ("nm³", "nm3"), ("µm³", "um3"))
_NM3 = {"nm3": 1.0, "um3": 1e9}


class CleanForm(QWidget):
    """Threshold, smoothing along z, cell mask, erosion, small objects, borders: in the order of the work."""

    changed = Signal()

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Build the fields; nothing is switched on."""
        super().__init__(parent)
        self._context = context
        self._output: KeptOutput | None = None
        self._build()
        for spin in (self.smooth, self.erode, self.crop_z, self.crop_y, self.crop_x, self.smallest):
            spin.valueChanged.connect(self._on_changed)
        for box in (self.use_threshold, self.inside):
            box.toggled.connect(self._on_changed)
        self.erode_3d.currentIndexChanged.connect(self._on_changed)
        self.threshold.changed.connect(self._on_changed)
        self.unit.currentIndexChanged.connect(self._on_unit_changed)
        self._on_changed()

    def _build(self) -> None:
        self.use_threshold = QCheckBox("Change the threshold")
        self.use_threshold.setEnabled(False)
        self.use_threshold.setToolTip("Make the labels anew from the network's output")
        self.threshold = ThresholdField()
        self.threshold_note = note(name="threshold")
        self.smooth = _spin(50, " slices", "Off", "The majority of so many slices above and below decides")
        self.smooth.setPrefix("± ")
        self.inside = QCheckBox("Inside the cell mask only")
        self.mask_note = note(name="mask")
        self.erode = _spin(20, " times", "Off", "Takes one voxel off every face, so many times")
        self.erode_3d = ComboBox()
        self.erode_3d.addItem("in 3D", True)
        self.erode_3d.addItem("in each slice", False)
        self.erode_3d.setToolTip("Erode from above and below too, or within each slice only")
        self.smallest = DoubleSpinBox()
        self.smallest.setRange(0, 1e12)
        self.smallest.setDecimals(0)
        self.smallest.setSpecialValueText("Off")
        self.smallest.setToolTip("Objects that are smaller than this are removed")
        self.smallest.setGroupSeparatorShown(True)
        self.unit = ComboBox()
        self.unit.setToolTip("The unit of the smallest size")
        for text, value in _UNITS:
            self.unit.addItem(text, value)
        self.size_note = note(name="size")
        self.crop_z, self.crop_y, self.crop_x = (
            _spin(2000, " px", "0", f"So many voxels at both ends of {axis} are emptied") for axis in "zyx"
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.use_threshold)
        layout.addWidget(self.threshold)
        layout.addWidget(self.threshold_note)
        fields = form()
        fields.addRow("Smooth in z", narrow(self.smooth))
        fields.addRow(self.inside)
        fields.addRow(self.mask_note)
        fields.addRow("Erosion", _row(self.erode, self.erode_3d))
        fields.addRow("Smaller than", _row(self.smallest, self.unit))
        fields.addRow(self.size_note)
        layout.addLayout(fields)
        borders = QGroupBox("Crop the borders")
        row = QHBoxLayout(borders)
        row.setContentsMargins(0, 0, 0, 0)
        for name, spin in (("z", self.crop_z), ("y", self.crop_y), ("x", self.crop_x)):
            label = QLabel(name)
            label.setBuddy(spin)
            row.addWidget(label)
            row.addWidget(narrow(spin, 50), 1)
        layout.addWidget(borders)

    def clean_up(self) -> CleanUp:
        """Return what the fields say."""
        value, unit = self.smallest.value(), self.unit.currentData()
        voxels = round(value) if unit == "voxels" and value else None
        volume_nm3 = value * _NM3[unit] if unit != "voxels" and value else None
        steps = CleanParameters(
            erode=self.erode.value(),
            erode_3d=bool(self.erode_3d.currentData()) if self.erode.value() else True,
            min_size_voxels=voxels,
            min_size_nm3=volume_nm3,
            crop=(self.crop_z.value(), self.crop_y.value(), self.crop_x.value()),
            smooth_z=self.smooth.value(),
        )
        threshold = (
            self.threshold.value if self._output is not None and self.use_threshold.isChecked() else None
        )
        return CleanUp(steps, inside_mask=self.inside.isChecked(), threshold=threshold)

    def reset(self) -> None:
        """Switch everything off."""
        with QSignalBlocker(self):
            for spin in (self.smooth, self.erode, self.crop_z, self.crop_y, self.crop_x, self.smallest):
                spin.setValue(0)
            for box in (self.use_threshold, self.inside):
                box.setChecked(False)
            self.threshold.set_choice(None)
            self.erode_3d.setCurrentIndex(0)
        self._on_changed()

    def show_output(self, output: KeptOutput | None) -> None:
        """Offer the threshold where the network's output was kept."""
        if output == self._output:
            return
        self._output = output
        with QSignalBlocker(self):
            if output is None:
                self.use_threshold.setChecked(False)
            else:
                self.threshold.set_default(output.threshold)
        self.use_threshold.setEnabled(output is not None)
        self._on_changed()

    def show_mask(self, exists: bool) -> None:
        """Offer the cell mask where there is one."""
        self.inside.setEnabled(exists)
        if not exists:
            self.inside.setChecked(False)
        show_note(self.mask_note, "" if exists else "There is no cell mask yet; make one in “Cell mask”.")

    def _on_changed(self) -> None:
        self.erode_3d.setEnabled(self.erode.value() > 0)
        on = self._output is not None and self.use_threshold.isChecked()
        self.threshold.setVisible(on)
        if self._output is None:
            text = (
                "The threshold cannot be changed here: there is no output of the network. "
                "Segment with “Keep the network's output”."
            )
        elif on:
            text = (
                f"Labels of slices {slice_number(self._output.first)} to {self._output.last} are made anew "
                "from the network's output; changes by hand there are lost. Undo brings them back."
            )
        else:
            text = f"Segmented with {self._output.model}, threshold {self._output.threshold:.2f}."
        show_note(self.threshold_note, text)
        show_note(self.size_note, self._size_text())
        self.changed.emit()

    def _on_unit_changed(self) -> None:
        self.smallest.setDecimals(4 if self.unit.currentData() == "um3" else 0)
        self.smallest.setValue(0)
        self._on_changed()

    def _size_text(self) -> str:
        """Say the size in the other unit, where the voxel size is known."""
        document, value, unit = self._context.session.document, self.smallest.value(), self.unit.currentData()
        if document is None or not value:
            return ""
        if document.voxel_nm is None:
            return "" if unit == "voxels" else "⚠ The voxel size is unknown; give the size in voxels."
        voxel_nm3 = math.prod(document.voxel_nm)
        if unit == "voxels":
            return f"= {value * voxel_nm3 / 1e9:.3g} µm³"
        return f"= {grouped(round(value * _NM3[unit] / voxel_nm3))} voxels"


def _spin(most: int, suffix: str, off: str, tip: str) -> SpinBox:
    spin = SpinBox()
    spin.setRange(0, most)
    spin.setSuffix(suffix)
    spin.setSpecialValueText(off)
    spin.setToolTip(tip)
    return spin


def _row(wide: QWidget, beside: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.addWidget(narrow(wide, 70), 1)
    row.addWidget(beside)
    return row
