"""The fields of a clean-up that suit any tomogram: those of the panel and of a batch."""

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

from sxtstudio.app.widgets.controls import ComboBox, DoubleSpinBox, SpinBox
from sxtstudio.app.widgets.notes import form, narrow, note, show_note
from sxtstudio.core.cleanup import CleanParameters
from sxtstudio.workflow.jobs.cleaning import CleanUp

_UNITS = (("voxels", "voxels"), ("nm³", "nm3"), ("µm³", "um3"))
NM3 = {"nm3": 1.0, "um3": 1e9}
_UM3_DECIMALS = 4


class CleanFields(QWidget):
    """Smoothing, gaps, holes, dilation, mask, erosion, small objects, borders: in the order of the work."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        """Build the fields; nothing is switched on."""
        super().__init__(parent)
        self._build()
        for spin in self._spins:
            spin.valueChanged.connect(self._on_changed)
        self.inside.toggled.connect(self._on_changed)
        self.erode_3d.currentIndexChanged.connect(self._on_changed)
        self.unit.currentIndexChanged.connect(self._on_unit_changed)

    def _build(self) -> None:
        self.smooth = _spin(50, " slices", "Off", "The majority of so many slices above and below decides")
        self.smooth.setPrefix("± ")
        self.close_gaps = _spin(10, " times", "Off", "Closes gaps of up to twice so many voxels")
        self.fill = _spin(
            1_000_000,
            " px",
            "Off",
            "Fills holes within a slice of at most so many pixels; vesicles are holes too",
        )
        self.dilate = _spin(10, " times", "Off", "Adds one voxel at every face, so many times")
        self.inside = QCheckBox("Inside the cell mask only")
        self.mask_note = note(name="mask")
        self.erode = _spin(20, " times", "Off", "Takes one voxel off every face, so many times")
        self.erode_3d = ComboBox()
        self.erode_3d.addItem("3D", True)
        self.erode_3d.addItem("each slice", False)
        self.erode_3d.setEnabled(False)
        self.erode_3d.setToolTip(
            "Close, dilate and erode from above and below too, or within each slice only"
        )
        self.smallest = DoubleSpinBox()
        self.smallest.setRange(0, 1e12)
        self.smallest.setDecimals(0)
        self.smallest.setSpecialValueText("Off")
        self.smallest.setToolTip("Objects that are smaller than this are removed")
        self.unit = ComboBox()
        self.unit.setToolTip("The unit of the smallest size")
        for text, value in _UNITS:
            self.unit.addItem(text, value)
        self.size_note = note(name="size")
        self.crop_z, self.crop_y, self.crop_x = (
            _spin(2000, " px", "0", f"So many voxels at both ends of {axis} are emptied") for axis in "zyx"
        )
        sizes = (self.smooth, self.close_gaps, self.fill, self.dilate, self.erode, self.smallest)
        self._spins = (*sizes, self.crop_z, self.crop_y, self.crop_x)
        self.column = layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        fields = form()
        fields.addRow("Smooth in z", narrow(self.smooth))
        fields.addRow("Close gaps", narrow(self.close_gaps))
        fields.addRow("Fill holes to", narrow(self.fill))
        fields.addRow("Dilation", narrow(self.dilate))
        fields.addRow(self.inside)
        fields.addRow(self.mask_note)
        fields.addRow("Erosion", narrow(self.erode))
        fields.addRow("Work in", self.erode_3d)
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
        self.size_note.keep_room("= 0.0002 µm³")  # it comes while the size is typed

    def steps(self) -> CleanParameters:
        """Return what the fields say, but for the mask."""
        value, unit = self.smallest.value(), self.unit.currentData()
        voxels = round(value) if unit == "voxels" and value else None
        volume_nm3 = value * NM3[unit] if unit != "voxels" and value else None
        return CleanParameters(
            erode=self.erode.value(),
            erode_3d=bool(self.erode_3d.currentData()) if self._faces else True,
            min_size_voxels=voxels,
            min_size_nm3=volume_nm3,
            crop=(self.crop_z.value(), self.crop_y.value(), self.crop_x.value()),
            smooth_z=self.smooth.value(),
            close=self.close_gaps.value(),
            fill_px=self.fill.value(),
            dilate=self.dilate.value(),
        )

    def switch_on(self, wanted: CleanUp) -> None:
        """Set the fields that are off to what a clean-up does; what the user has set stays."""
        if not self._faces:
            self.erode_3d.setCurrentIndex(self.erode_3d.findData(wanted.parameters.erode_3d))
        for spin, value in self._values(wanted.parameters):
            if not spin.value():
                spin.setValue(value)
        if not self.smallest.value():
            unit, size = _size_of(wanted.parameters)
            if size:
                self.unit.setCurrentIndex(self.unit.findData(unit))
                self.smallest.setValue(size)
        if self.inside.isEnabled() and wanted.inside_mask:
            self.inside.setChecked(True)

    def switch_off(self, wanted: CleanUp) -> None:
        """Switch off what is as ``switch_on`` sets it."""
        for spin, value in self._values(wanted.parameters):
            if spin.value() == value:
                spin.setValue(0)
        unit, size = _size_of(wanted.parameters)
        if (self.unit.currentData(), self.smallest.value()) == (unit, size):
            self.smallest.setValue(0)
        if wanted.inside_mask:
            self.inside.setChecked(False)

    def _values(self, wanted: CleanParameters) -> tuple[tuple[SpinBox, int], ...]:
        z, y, x = wanted.crop
        return (
            (self.smooth, wanted.smooth_z),
            (self.close_gaps, wanted.close),
            (self.fill, wanted.fill_px),
            (self.dilate, wanted.dilate),
            (self.erode, wanted.erode),
            (self.crop_z, z),
            (self.crop_y, y),
            (self.crop_x, x),
        )

    @property
    def _faces(self) -> bool:
        """Whether a step works on the faces of voxels, in 3D or within each slice."""
        return bool(self.close_gaps.value() or self.dilate.value() or self.erode.value())

    def reset(self) -> None:
        """Switch everything off."""
        with QSignalBlocker(self):
            for spin in self._spins:
                spin.setValue(0)
            self.inside.setChecked(False)
            self.erode_3d.setCurrentIndex(0)
        self._on_changed()

    def _on_changed(self) -> None:
        self.erode_3d.setEnabled(self._faces)
        show_note(self.size_note, self._size_text())
        self.changed.emit()

    def _on_unit_changed(self) -> None:
        self.smallest.setDecimals(_UM3_DECIMALS if self.unit.currentData() == "um3" else 0)
        self.smallest.setValue(0)
        self._on_changed()

    def _size_text(self) -> str:
        """Say what the smallest size means."""
        known = self.unit.currentData() == "voxels" or not self.smallest.value()
        return "" if known else "Measured with the voxel size of each tomogram."


def _size_of(wanted: CleanParameters) -> tuple[str, float]:
    """Return the unit and the smallest size as the fields show it."""
    if not wanted.min_size_nm3:
        return "voxels", float(wanted.min_size_voxels or 0)
    in_um3 = wanted.min_size_nm3 / NM3["um3"]
    shown = round(in_um3, _UM3_DECIMALS)
    if math.isclose(shown, in_um3):
        return "um3", shown
    return "nm3", float(round(wanted.min_size_nm3))


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
