"""The fields that make a cell mask from a grey value."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QWidget

from sxtstudio.app.widgets.controls import ComboBox, DoubleSpinBox, Slider
from sxtstudio.app.widgets.notes import form, narrow
from sxtstudio.core.mask_slices import ThresholdMask
from sxtstudio.core.polarity import Polarity

_STEPS = 1000
_SMOOTH_PX = 8


class MaskThreshold(QWidget):
    """Grey value, side, smoothing, small parts, holes."""

    changed = Signal()
    suggestion_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        """Build the fields."""
        super().__init__(parent)
        self.side = ComboBox()
        self.side.addItem("Darker than", False)
        self.side.addItem("Brighter than", True)
        self.side.setToolTip("Whether the cell is darker or brighter than the ice around it")
        self.value = DoubleSpinBox()
        self.value.setRange(-1e12, 1e12)
        self.value.setToolTip("The grey value that parts the cell from the ice, after smoothing")
        self.slider = Slider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, _STEPS)
        self.slider.setToolTip(self.value.toolTip())
        self.suggest = QPushButton("Suggest")
        self.suggest.setToolTip("The value that best parts the visible slice into two classes (Otsu)")
        self.smooth = DoubleSpinBox()
        self.smooth.setRange(0, 100)
        self.smooth.setDecimals(1)
        self.smooth.setSuffix(" px")
        self.smooth.setSpecialValueText("Off")
        self.smooth.setToolTip("Blurs each slice before the threshold, so that grain and organelles vanish")
        self.large_only = QCheckBox("Leave out small parts")
        self.large_only.setToolTip("Parts smaller than a tenth of the largest one in their slice")
        self.fill = QCheckBox("Fill holes")
        self.fill.setToolTip("Vacuoles and nuclei belong to the cell")
        values = QHBoxLayout()
        values.addWidget(narrow(self.value, 70), 1)
        values.addWidget(self.suggest)
        fields = form()
        fields.setContentsMargins(0, 0, 0, 0)
        fields.addRow("Cell is", narrow(self.side))
        fields.addRow("Grey value", values)
        fields.addRow("", self.slider)
        fields.addRow("Smoothing", narrow(self.smooth))
        fields.addRow(self.large_only)
        fields.addRow(self.fill)
        self.setLayout(fields)
        self.value.valueChanged.connect(self._on_value_changed)
        self.slider.valueChanged.connect(self._on_slider_changed)
        self.side.currentIndexChanged.connect(self.changed)
        self.smooth.valueChanged.connect(self.changed)
        self.large_only.toggled.connect(self.changed)
        self.fill.toggled.connect(self.changed)
        self.suggest.clicked.connect(self.suggestion_wanted)
        self._low, self._high = 0.0, 1.0
        self.reset()

    def reset(self) -> None:
        """Begin with another tomogram; its grey value is suggested when it is looked at."""
        self.value.setValue(0)
        self.smooth.setValue(_SMOOTH_PX)
        self.large_only.setChecked(True)
        self.fill.setChecked(True)

    def how(self) -> ThresholdMask:
        """Return what the fields say."""
        return ThresholdMask(
            value=self.value.value(),
            above=bool(self.side.currentData()),
            smooth_px=self.smooth.value(),
            large_only=self.large_only.isChecked(),
            fill=self.fill.isChecked(),
        )

    def set_range(self, low: float, high: float) -> None:
        """Take over the grey values of another tomogram."""
        self._low, self._high = low, max(high, low + 1e-12)
        decimals = 0
        while decimals < 8 and (self._high - self._low) * 10**decimals < 1000:
            decimals += 1
        with QSignalBlocker(self.value):
            self.value.setDecimals(decimals)
            self.value.setSingleStep((self._high - self._low) / 100)
        self._on_value_changed(self.value.value())

    def set_value(self, value: float) -> None:
        """Set the grey value."""
        self.value.setValue(value)

    def set_polarity(self, polarity: Polarity | None) -> None:
        """The cell absorbs more than the ice: darker, or brighter where bright means absorbing."""
        self.side.setCurrentIndex(self.side.findData(polarity is not None and polarity.value == "bright"))

    def _on_value_changed(self, value: float) -> None:
        with QSignalBlocker(self.slider):
            self.slider.setValue(round(_STEPS * (value - self._low) / (self._high - self._low)))
        self.changed.emit()

    def _on_slider_changed(self, step: int) -> None:
        self.value.setValue(self._low + step / _STEPS * (self._high - self._low))
