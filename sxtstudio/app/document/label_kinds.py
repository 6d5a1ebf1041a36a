"""What several kinds of label in a file are: labels, all or of one value, materials, or numbered objects."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialogButtonBox, QHBoxLayout, QLabel, QRadioButton, QVBoxLayout, QWidget

from sxtstudio.app.widgets.controls import ComboBox
from sxtstudio.app.widgets.dialogs import Dialog
from sxtstudio.core.label_values import LabelValues
from sxtstudio.core.wording import count
from sxtstudio.workflow.document.object_input import ReadAs

# More than these are numbers of objects; a list of thousands helps nobody, its largest ones do.
_LISTED = 500


class LabelKindsDialog(Dialog):
    """Asks what the values are: ``read_as`` for objects, else labels of ``value``, None for all of them."""

    PAGE = "files.md#where-labels-lie"

    def __init__(
        self, values: LabelValues, names: Mapping[int, str] | None = None, parent: QWidget | None = None
    ) -> None:
        """Offer what the file may hold: numbers of objects where there are many, else labels."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Open labels")
        self.setMinimumWidth(440)
        text = QLabel(
            f"{values.name} holds {count(len(values.voxels), 'kind')} of labels, such as materials or "
            "numbered objects. What do you want to open?"
        )
        text.setWordWrap(True)
        self.all = QRadioButton("&Labels: all of them, as one kind")
        self.one = QRadioButton("Labels: &only those with the value")
        self.numbers = QRadioButton("Objects: each value is the &number of one")
        self.materials = QRadioButton("Objects: each value is a &class, each connected piece an object")
        self.materials.setToolTip(
            "Materials of MIB or Amira; their names come along where the file says them"
        )
        self.numbers.setToolTip("Instances, as StarDist, Cellpose or a watershed write them")
        (self.numbers if values.many else self.all).setChecked(True)
        self.materials.setVisible(not values.many)
        self.which = ComboBox()
        by_size = sorted(values.voxels.items(), key=lambda item: -item[1])[:_LISTED]
        for value, voxels in sorted(by_size):
            name = (names or {}).get(value, "")
            self.which.addItem(f"{value}  {name + ' ' if name else ''}({count(voxels, 'voxel')})", value)
        self.which.setEnabled(False)
        self.one.toggled.connect(self.which.setEnabled)
        row = QHBoxLayout()
        row.addWidget(self.one)
        row.addWidget(self.which, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        go = buttons.addButton("Open", QDialogButtonBox.ButtonRole.AcceptRole)
        go.setProperty("role", "main")
        go.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(text)
        layout.addWidget(self.all)
        layout.addLayout(row)
        layout.addWidget(self.numbers)
        layout.addWidget(self.materials)
        layout.addWidget(buttons)

    @property
    def value(self) -> int | None:
        """The value whose voxels are wanted, or None for all that are not 0."""
        return int(self.which.currentData()) if self.one.isChecked() else None

    @property
    def read_as(self) -> ReadAs | None:
        """What objects the values are, or None for labels."""
        if self.numbers.isChecked():
            return ReadAs.NUMBERS
        return ReadAs.MATERIALS if self.materials.isChecked() else None
