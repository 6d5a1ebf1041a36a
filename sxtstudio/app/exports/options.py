"""The fields of an export that only some pairs of content and program have."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QFormLayout, QHBoxLayout, QLabel, QSizePolicy, QWidget

from sxtstudio.app.widgets.controls import ComboBox, SpinBox
from sxtstudio.core.geometry import Triple
from sxtstudio.core.handover import MESH_NAMES, Content, Form, MeshOf
from sxtstudio.core.length_unit import LengthUnit
from sxtstudio.workflow.handover.request import MeshOptions
from sxtstudio.workflow.handover.surfaces import PIECE_FACES

_SLICED = (
    Content.LABELS,
    Content.OBJECTS,
    Content.CLASSES,
    Content.MASK,
    Content.IMAGE,
    Content.OUTPUT,
)
_MASKED = (Content.LABELS, Content.OBJECTS, Content.CLASSES)


@dataclass(frozen=True)
class Offered:
    """What the document has, as far as the fields depend on it."""

    shape: Triple = (1, 1, 1)
    mask: bool = False
    labels: bool = False
    objects: bool = False


class ExportOptions(QWidget):
    """Slices, cell mask, and how surfaces are made."""

    def __init__(self, parent: QWidget | None = None) -> None:
        """Build all fields; ``show_for`` shows those of a pair."""
        super().__init__(parent)
        self._offered = Offered()
        self.whole = QCheckBox("All slices")
        self.whole.setChecked(True)
        self.first, self.last = SpinBox(), SpinBox()
        for box, tip in (
            (self.first, "First slice, counted from 1 as beside the slices"),
            (self.last, "Last slice; it is written too"),
        ):
            box.setRange(1, 1)
            box.setToolTip(tip)
            box.setAccessibleName(tip)
            box.setEnabled(False)
            self.whole.toggled.connect(box.setDisabled)
        self.first.valueChanged.connect(self.last.setMinimum)
        self.last.valueChanged.connect(self.first.setMaximum)
        self.slices = QWidget()
        row = QHBoxLayout(self.slices)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (self.whole, QLabel("from"), self.first, QLabel("to"), self.last):
            row.addWidget(widget)
        row.addStretch()
        self.inside = QCheckBox("Only inside the cell mask")
        self.inside.setToolTip("What lies outside of the mask is left out")
        self.of = ComboBox()
        self.of.setToolTip("What is a mesh of its own")
        self.unit = ComboBox()
        self.unit.setToolTip("The unit of lengths in the file")
        for unit in LengthUnit:
            self.unit.addItem(unit.text, unit.value)
        self.min_faces = SpinBox()
        self.min_faces.setRange(0, 10_000_000)
        self.min_faces.setSingleStep(100)
        self.min_faces.setSuffix(" triangles")
        self.min_faces.setToolTip("What has fewer is left out; 0 keeps all")
        self.smooth = SpinBox()
        self.smooth.setRange(0, 200)
        self.smooth.setValue(MeshOptions.smooth)
        self.smooth.setSuffix(" rounds")
        self.smooth.setToolTip("Takes the steps of the voxels away; 0 leaves them")
        self.form = QFormLayout(self)
        self.form.setContentsMargins(0, 0, 0, 0)
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.form.addRow(row_label("Slices"), self.slices)
        self.form.addRow(row_label("Meshes"), self.of)
        self.form.addRow(row_label("Unit"), self.unit)
        self.form.addRow(row_label("Smallest"), self.min_faces)
        self.form.addRow(row_label("Smoothing"), self.smooth)
        self.form.addRow(row_label(""), self.inside)
        self.of.currentIndexChanged.connect(self._on_of_changed)

    def show_document(self, offered: Offered) -> None:
        """Offer what a document has; another number of slices begins with all of them."""
        if offered == self._offered:
            return
        former, self._offered = self._offered, offered
        if offered.shape != former.shape:
            self.whole.setChecked(True)
            depth = offered.shape[0]
            for box, value in ((self.first, 1), (self.last, depth)):
                box.setRange(1, depth)
                box.setValue(value)
        if offered.mask != former.mask:
            self.inside.setChecked(offered.mask)
        chosen = self.of.currentData()
        self.of.clear()
        for of in MeshOf:
            if offered.objects if of.of_objects else offered.labels:
                self.of.addItem(MESH_NAMES[of], of.value)
        usual = MeshOf.OBJECTS if offered.objects else MeshOf.PIECES
        same = offered.objects == former.objects and offered.labels == former.labels
        self.of.setCurrentIndex(max(0, self.of.findData(chosen if same else usual.value)))

    def show_for(self, content: Content, form: Form | None) -> None:
        """Show the fields of a pair; the unit is the usual one of the format."""
        surfaces = content is Content.SURFACES
        for widget in (self.of, self.unit, self.min_faces, self.smooth):
            self.form.setRowVisible(widget, surfaces)
        self.form.setRowVisible(self.slices, content in _SLICED)
        masked = content in _MASKED or (surfaces and not self.mesh_of.of_objects)
        self.form.setRowVisible(self.inside, masked and self._offered.mask)
        if surfaces and form is not None:
            usual = LengthUnit.UM if form is Form.GLB else LengthUnit.NM
            self.unit.setCurrentIndex(self.unit.findData(usual.value))
        self.setVisible(surfaces or content in _SLICED)

    @property
    def mesh_of(self) -> MeshOf:
        """What is a mesh of its own."""
        return MeshOf(self.of.currentData() or MeshOf.PIECES.value)

    @property
    def range(self) -> tuple[int, int | None]:
        """The first slice, and the one after the last, None: to the end."""
        if self.whole.isChecked():
            return 0, None
        return self.first.value() - 1, self.last.value()

    @property
    def inside_mask(self) -> bool:
        """Whether what lies outside of the mask is left out."""
        return self._offered.mask and self.inside.isChecked() and self.form.isRowVisible(self.inside)

    @property
    def mesh(self) -> MeshOptions:
        """How surfaces are made."""
        unit = LengthUnit(self.unit.currentData())
        return MeshOptions(self.mesh_of, self.min_faces.value(), self.smooth.value(), unit)

    def _on_of_changed(self) -> None:
        pieces = self.mesh_of is MeshOf.PIECES
        self.min_faces.setValue(PIECE_FACES if pieces else 0)
        if self.form.isRowVisible(self.of):
            self.form.setRowVisible(self.inside, not self.mesh_of.of_objects and self._offered.mask)


def row_label(text: str, *, top: bool = False) -> QLabel:
    """Return the name of a row, as wide as the widest of the window, so that several forms are one column.

    ``top``: it stands beside the first of several lines.
    """
    label = QLabel(text)
    label.setMinimumWidth(label.fontMetrics().horizontalAdvance("Smoothing") + 8)
    where = Qt.AlignmentFlag.AlignTop if top else Qt.AlignmentFlag.AlignVCenter
    label.setAlignment(Qt.AlignmentFlag.AlignLeft | where)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
    return label
