"""The fields for finding objects."""

from __future__ import annotations

import math

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from sxtstudio.app.widgets.controls import ComboBox, DoubleSpinBox, Slider, SpinBox
from sxtstudio.app.widgets.notes import form, narrow, note, show_note
from sxtstudio.core.bodies.method import Method
from sxtstudio.core.volume import VoxelSize
from sxtstudio.core.wording import grouped, length_text, significant
from sxtstudio.workflow.jobs.document_objects import FindObjects

_USUAL = FindObjects()
_METHODS = (
    (
        Method.BODIES,
        "What outlines enclose",
        "In every slice the regions that outlines enclose, linked over the slices; each with its membrane",
    ),
    (
        Method.COMPONENTS,
        "Labels that hang together",
        "Label voxels that touch each other are one object; nothing is filled",
    ),
)
_FEW_NM3 = 1e6  # below a thousandth of a µm³
_SPLIT_TIP = (
    "Bodies that touch without an outline between them are divided where their neck is narrower than this "
    "share of the narrower one. Off: only outlines divide. 50 % also finds large organelles whose outline "
    "has wide gaps, but may cut long ones."
)


class FindForm(QWidget):
    """What is an object, which gaps are closed, what is divided, what is too small."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        """Build the fields, as is usual."""
        super().__init__(parent)
        self._voxel_nm: VoxelSize | None = None
        self.method = ComboBox()
        for method, text, tip in _METHODS:
            self.method.addItem(text, method)
            self.method.setItemData(self.method.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.method.setToolTip("What counts as an object")
        self.gap = DoubleSpinBox()
        self.gap.setRange(0.0, 100_000.0)
        self.gap.setSpecialValueText("Off")
        self.gap.setKeyboardTracking(False)
        self.gap.setToolTip("Gaps in outlines up to this width are closed, along the outline")
        self.split = Slider(Qt.Orientation.Horizontal)
        self.split.setRange(0, 100)
        self.split.setToolTip(_SPLIT_TIP)
        self.split.setAccessibleName("Split touching bodies")
        self.share = QLabel()
        self.share.setMinimumWidth(self.fontMetrics().horizontalAdvance("100 %"))
        self.share.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.smallest = SpinBox()
        self.smallest.setRange(1, 1_000_000_000)
        self.smallest.setSuffix(" voxels")
        self.smallest.setKeyboardTracking(False)
        self.smallest.setToolTip("Smaller objects are left out")
        self.size_note = note(name="size")
        self.inside = QCheckBox("Inside the cell mask only")
        self.inside.setToolTip("What lies outside of the cell mask is nothing")
        self.image = QCheckBox("Use the grey values")
        self.image.setToolTip(
            "Find droplets on walls by how dark they are, and tell them from thick outlines"
        )
        self._rows = form()
        splitting = QHBoxLayout()
        splitting.addWidget(self.split, 1)
        splitting.addWidget(self.share)
        self._rows.addRow("Objects are", narrow(self.method, 120))
        self._rows.addRow("Close gaps to", narrow(self.gap))
        self._rows.addRow("Split touching", splitting)
        self._rows.addRow("Smallest", narrow(self.smallest))
        self._rows.addRow(self.size_note)
        self._rows.addRow(self.image)
        self._rows.addRow(self.inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._rows)
        self.size_note.keep_room("= 200 000 nm³, a ball 150 nm wide")
        self.show_voxel_size(None)
        self.reset()
        self.method.currentIndexChanged.connect(self._on_changed)
        self.gap.valueChanged.connect(self._on_changed)
        self.split.valueChanged.connect(self._on_changed)
        self.smallest.valueChanged.connect(self._on_changed)
        self.inside.toggled.connect(self._on_changed)
        self.image.toggled.connect(self._on_changed)

    def reset(self) -> None:
        """Go back to what is usual."""
        self.method.setCurrentIndex(0)
        self._show_gap(_USUAL.gap_px)
        self.split.setValue(round(100 * _USUAL.split))
        self.smallest.setValue(_USUAL.min_voxels)
        self.inside.setChecked(False)
        self.image.setChecked(_USUAL.image)
        self._on_changed()

    def show_voxel_size(self, voxel_nm: VoxelSize | None) -> None:
        """Show widths in nm where the voxel size is known, else in px; what is meant stays as wide in px."""
        gap_px = self.gap_px
        self._voxel_nm = voxel_nm
        self.gap.setSuffix(" px" if voxel_nm is None else " nm")
        self.gap.setDecimals(1 if voxel_nm is None else 0)
        self.gap.setSingleStep(1.0 if voxel_nm is None else 10.0)
        self._show_gap(gap_px)
        self._show_notes()

    def show_mask(self, exists: bool) -> None:
        """Offer the cell mask where there is one."""
        self.inside.setEnabled(exists)
        self.inside.setToolTip(
            "What lies outside of the cell mask is nothing"
            if exists
            else "There is no cell mask yet; make one in “Cell mask”"
        )
        if not exists:
            with QSignalBlocker(
                self.inside
            ):  # nobody has changed a field; who shows a preview asks for another
                self.inside.setChecked(False)

    @property
    def gap_px(self) -> float:
        """The widest gap that is closed, in pixels of a slice."""
        return self.gap.value() / self._px_nm

    @property
    def wanted(self) -> FindObjects:
        """What the fields say."""
        return FindObjects(
            method=self._method,
            gap_px=self.gap_px,
            split=self.split.value() / 100,
            min_voxels=self.smallest.value(),
            inside_mask=self.inside.isChecked(),
            image=self.image.isChecked(),
        )

    @property
    def _method(self) -> Method:
        return Method(self.method.currentData())  # Qt makes a plain text of it

    @property
    def _px_nm(self) -> float:
        return 1.0 if self._voxel_nm is None else (self._voxel_nm[1] + self._voxel_nm[2]) / 2

    def _show_gap(self, gap_px: float) -> None:
        with QSignalBlocker(self.gap):
            self.gap.setValue(gap_px * self._px_nm)

    def _show_notes(self) -> None:
        value = self.split.value()
        self.share.setText(f"{value} %" if value else "Off")
        text = ""
        if self._voxel_nm is not None:
            volume_nm3 = self.smallest.value() * math.prod(self._voxel_nm)
            wide = 2 * (3 * volume_nm3 / (4 * math.pi)) ** (1 / 3)
            size = f"{significant(volume_nm3 / 1e9, 2)} µm³"
            if volume_nm3 < _FEW_NM3:
                size = f"{grouped(round(volume_nm3))} nm³"
            text = f"= {size}, a ball {length_text(round(wide))} wide"
        show_note(self.size_note, text)

    def _on_changed(self) -> None:
        bodies = self._method is Method.BODIES
        for row in (1, 2):
            self._rows.setRowVisible(row, bodies)
        self.image.setVisible(bodies)
        self._show_notes()
        self.changed.emit()
