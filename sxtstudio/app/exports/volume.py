"""What of the labels goes into a file: options before *Export .TIFF…*."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app.widgets.controls import ComboBox, SpinBox
from sxtstudio.app.widgets.dialogs import Dialog
from sxtstudio.core.wording import voxel_zyx_text
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.exporting import NAMES, VolumeChoice, What
from sxtstudio.workflow.document.network_output import find_output


class VolumeDialog(Dialog):
    """Asks what to write; ``choice`` is the answer."""

    PAGE = "projects.md#export"

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        """Offer what the document has."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Export TIFF")
        self.setMinimumWidth(420)
        self._has_mask = document.mask is not None
        self._has_objects = document.objects is not None
        self.what = ComboBox()
        for name, text in NAMES.items():
            needed: object = {
                "mask": document.mask,
                "objects": document.labels if document.objects is None else document.objects,
                "tomogram": document.tomogram,
                "output": find_output(document.bulk, document.shape),
            }.get(name, document.labels)
            if needed is not None:
                self.what.addItem(text, name)
        self.what.setToolTip("Objects with numbers: every object has a grey value of its own")
        self.whole = QCheckBox("All slices")
        self.whole.setChecked(True)
        self.first, self.last = SpinBox(), SpinBox()
        for box, value, tip in (
            (self.first, 1, "First slice, counted from 1 as beside the slices"),
            (self.last, document.shape[0], "Last slice; it is written too"),
        ):
            box.setRange(1, document.shape[0])
            box.setValue(value)
            box.setToolTip(tip)
            box.setEnabled(False)
            self.whole.toggled.connect(box.setDisabled)
        self.first.valueChanged.connect(self.last.setMinimum)
        self.last.valueChanged.connect(self.first.setMaximum)
        self.inside = QCheckBox("Only inside the cell mask")
        self.inside.setToolTip("Voxels outside the mask are written as background")
        self.note = QLabel()
        self.note.setProperty("role", "note")
        self.note.setWordWrap(True)
        slices = QHBoxLayout()
        for widget in (self.whole, QLabel("from"), self.first, QLabel("to"), self.last):
            slices.addWidget(widget)
        slices.addStretch()
        form = QFormLayout()
        form.addRow("Write", self.what)
        form.addRow("Slices", slices)
        form.addRow("", self.inside)
        voxel = QLabel(voxel_zyx_text(document.voxel_nm))
        voxel.setToolTip("Written into the file, so that other programs measure in nm")
        form.addRow("Voxel size", voxel)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.note)
        layout.addWidget(export_buttons(self))
        if document.voxel_nm is None:
            voxel.setText("unknown – enter it above the slices to have it in the file")
        self.what.currentIndexChanged.connect(self._refresh)
        self._refresh()

    @property
    def choice(self) -> VolumeChoice:
        """What the fields say."""
        whole = self.whole.isChecked()
        return VolumeChoice(
            cast(What, self.what.currentData()),
            0 if whole else self.first.value() - 1,
            None if whole else self.last.value(),
            self.inside.isEnabled() and self.inside.isChecked(),
        )

    def _refresh(self) -> None:
        what = self.what.currentData()
        fits = self._has_mask and what in ("labels", "objects")
        self.inside.setEnabled(fits)
        self.inside.setChecked(fits)
        self.note.setText(
            {
                "labels": "8 bit: 255 where there is a label, 0 elsewhere.",
                "mask": "8 bit: 255 inside the cell, 0 outside.",
                "objects": "16 bit (32 bit above 65,535): 0 is background; "
                + (
                    "each object has its number in the table."
                    if self._has_objects
                    else "the connected pieces of the labels count from 1."
                ),
                "output": "8 bit: 255 where the network is sure of a membrane, 0 where it is sure of none.",
                "tomogram": "The grey values as they are in the tomogram.",
            }.get(what, "")
        )


def export_buttons(dialog: QDialog) -> QDialogButtonBox:
    """Return *Export…* and *Cancel* for a dialog of options."""
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
    go = buttons.addButton("Export…", QDialogButtonBox.ButtonRole.AcceptRole)
    go.setProperty("role", "main")
    go.setDefault(True)
    buttons.accepted.connect(dialog.accept)
    buttons.rejected.connect(dialog.reject)
    return buttons
