"""Small fields that several panels use: a number as one writes it, a colour, a voxel size."""

from __future__ import annotations

import math
from functools import partial

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QColorDialog,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)

from sxtstudio.app.widgets.controls import DoubleSpinBox
from sxtstudio.core.volume import VoxelSize

Rgb = tuple[int, int, int]

_LEAST_PX = 64  # of a voxel size in a narrow panel


class NumberField(QLineEdit):
    """A grey value of any size; what is no number is put back to what it was."""

    entered = Signal(float)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        """Name the field for those who cannot see it."""
        super().__init__(parent)
        self._value = 0.0
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.setMinimumWidth(60)
        self.editingFinished.connect(self._on_finished)

    def show_value(self, value: float) -> None:
        """Show a number with five digits."""
        self._value = value
        if not self.hasFocus() or not self.isModified():
            self.setText(f"{value:.5g}")

    def _on_finished(self) -> None:
        if not self.isModified():
            return
        try:
            value = float(self.text().replace(",", "."))
        except ValueError:
            value = math.nan
        self.setModified(False)
        self.setText(f"{self._value:.5g}")
        if math.isfinite(value):
            self.entered.emit(value)


class ColourButton(QPushButton):
    """Shows a colour and lets the user choose another."""

    chosen = Signal(object)  # Rgb

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        """Begin with black."""
        super().__init__("Colour…", parent)
        self._rgb: Rgb = (0, 0, 0)
        self._name = name
        self.setToolTip(name)
        self.setAccessibleName(name)
        self.setIconSize(QSize(18, 14))
        self.dialog: QColorDialog | None = None
        self.clicked.connect(self._ask)

    def show_colour(self, rgb: Rgb) -> None:
        """Show another colour."""
        self._rgb = rgb
        picture = QPixmap(36, 28)
        picture.fill(Qt.GlobalColor.transparent)
        with QPainter(picture) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setBrush(QColor(*rgb))
            painter.drawRoundedRect(1, 1, 34, 26, 5, 5)
        self.setIcon(QIcon(picture))

    def _ask(self) -> None:
        self.dialog = dialog = QColorDialog(QColor(*self._rgb), self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(self._name)
        dialog.colorSelected.connect(lambda c: self.chosen.emit((c.red(), c.green(), c.blue())))
        dialog.open()


class VoxelFields(QWidget):
    """Edge lengths of a voxel in nm, x before y before z as people say it; 0 means unknown."""

    entered = Signal(object)  # VoxelSize or None

    def __init__(self, parent: QWidget | None = None) -> None:
        """Build three fields and the box that ties them together."""
        super().__init__(parent)
        self.same = QCheckBox("The same along x, y and z")
        self.same.setChecked(True)
        self.fields: dict[str, DoubleSpinBox] = {}
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(6)
        for column, name in enumerate("xyz"):
            field = DoubleSpinBox()
            field.setRange(0.0, 100_000.0)
            field.setDecimals(3)
            field.setSpecialValueText("unknown")
            field.setMinimumWidth(_LEAST_PX)
            field.setKeyboardTracking(False)
            field.setButtonSymbols(DoubleSpinBox.ButtonSymbols.NoButtons)
            field.setAccessibleName(f"Voxel size along {name} in nm")
            field.setToolTip(f"Voxel size along {name} in nm")
            field.valueChanged.connect(partial(self._on_value, name))
            self.fields[name] = field
            layout.addWidget(QLabel(f"{name} (nm)"), 0, column)
            layout.addWidget(field, 1, column)
        layout.addWidget(self.same, 2, 0, 1, 3)
        self.same.toggled.connect(self._on_same)

    def show_size(self, voxel_nm: VoxelSize | None) -> None:
        """Show a voxel size (z, y, x)."""
        z, y, x = voxel_nm or (0.0, 0.0, 0.0)
        alike = math.isclose(x, y, rel_tol=1e-6) and math.isclose(y, z, rel_tol=1e-6)
        if not alike or (voxel_nm is not None and not self.same.isChecked()):
            self._quietly(self.same, alike and self.same.isChecked())
        for name, value in (("x", x), ("y", y), ("z", z)):
            self._quietly(self.fields[name], value)
        self._enable()

    @property
    def voxel_nm(self) -> VoxelSize | None:
        """What the fields say, (z, y, x); None while one of them is unknown."""
        x, y, z = (self.fields[name].value() for name in "xyz")
        return (z, y, x) if min(x, y, z) > 0 else None

    def _on_value(self, name: str, value: float) -> None:
        if self.same.isChecked():
            for field in self.fields.values():
                self._quietly(field, value)
        self._emit_changed()

    def _on_same(self, same: bool) -> None:
        self._enable()
        if same:
            self._on_value("x", self.fields["x"].value())

    def _emit_changed(self) -> None:
        values = [field.value() for field in self.fields.values()]
        if self.voxel_nm is not None or not any(values):
            self.entered.emit(self.voxel_nm)

    def _enable(self) -> None:
        for name in "yz":
            self.fields[name].setEnabled(not self.same.isChecked())

    @staticmethod
    def _quietly(widget: DoubleSpinBox | QCheckBox, value: float | bool) -> None:
        widget.blockSignals(True)
        if isinstance(widget, QCheckBox):
            widget.setChecked(bool(value))
        else:
            widget.setValue(float(value))
        widget.blockSignals(False)
