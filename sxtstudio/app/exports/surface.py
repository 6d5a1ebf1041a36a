"""Options before *Export surface…*."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QFormLayout, QLabel, QVBoxLayout, QWidget

from sxtstudio.app.exports.volume import export_buttons
from sxtstudio.app.widgets.controls import SpinBox
from sxtstudio.app.widgets.dialogs import Dialog
from sxtstudio.core.wording import voxel_zyx_text
from sxtstudio.surface import SurfaceParameters
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.exporting import SurfaceChoice

_MIN_FACES = 1000


class SurfaceDialog(Dialog):
    """Asks how the surface is made; ``choice`` is the answer."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        """Offer what the document has."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Export surface")
        self.setMinimumWidth(400)
        self.objects = QCheckBox("Tell objects apart, each in its own colour")
        self.objects.setChecked(True)
        self.min_faces = SpinBox()
        self.min_faces.setRange(0, 10_000_000)
        self.min_faces.setSingleStep(100)
        self.min_faces.setValue(_MIN_FACES)
        self.min_faces.setSuffix(" triangles")
        self.min_faces.setToolTip("Smaller objects are left out; 0 keeps all")
        self.smooth = SpinBox()
        self.smooth.setRange(0, 200)
        self.smooth.setValue(SurfaceParameters().smooth)
        self.smooth.setSuffix(" rounds")
        self.smooth.setToolTip("Takes the steps of the voxels away; 0 leaves them")
        self.inside = QCheckBox("Only inside the cell mask")
        self.inside.setEnabled(document.mask is not None)
        self.inside.setChecked(document.mask is not None)
        voxel = QLabel(
            "unknown – lengths will be in voxels"
            if document.voxel_nm is None
            else voxel_zyx_text(document.voxel_nm)
        )
        note = QLabel(
            "PLY and OBJ keep the colours of the objects, STL has none. "
            "Lengths are in nm; x, y and z are the axes of the tomogram."
        )
        note.setProperty("role", "note")
        note.setWordWrap(True)
        form = QFormLayout()
        form.addRow("", self.objects)
        form.addRow("Smallest object", self.min_faces)
        form.addRow("Smoothing", self.smooth)
        form.addRow("", self.inside)
        form.addRow("Voxel size", voxel)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(note)
        layout.addWidget(export_buttons(self))

    @property
    def choice(self) -> SurfaceChoice:
        """What the fields say."""
        parameters = SurfaceParameters(
            objects=self.objects.isChecked(),
            min_faces=self.min_faces.value(),
            smooth=self.smooth.value(),
        )
        return SurfaceChoice(parameters, self.inside.isChecked())
