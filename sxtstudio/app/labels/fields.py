"""Parts of the panel of labels: tool buttons and the settings of the tools."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app import theme
from sxtstudio.app.context import Context
from sxtstudio.app.labels.tools.catalogue import ToolInfo
from sxtstudio.app.widgets.controls import ComboBox, DoubleSpinBox, Slider, SpinBox
from sxtstudio.app.widgets.pressed import PRESSED
from sxtstudio.core.lengths import Unit
from sxtstudio.core.volume import VoxelSize
from sxtstudio.core.wording import number_text

LARGEST_BRUSH_PX = 100


class ToolButtons(QWidget):
    """Mouse tools as a grid of buttons; the one in the hand is pressed, a click on it puts it away."""

    def __init__(self, context: Context, tools: Sequence[ToolInfo], parent: QWidget | None = None) -> None:
        """Build two columns of buttons."""
        super().__init__(parent)
        self._tool = context.session.tool
        self.buttons: dict[str, QToolButton] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        for number, info in enumerate(tools):
            button = QToolButton()
            button.setText(f"{info.short or info.title}  {info.shortcut}")
            button.setToolTip(info.hint)
            button.setCheckable(True)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setIconSize(QSize(18, 18))
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.setMinimumHeight(32)
            button.clicked.connect(partial(self._on_clicked, info.name))
            grid.addWidget(button, number // 2, number % 2)
            self.buttons[info.name] = button
            theme.set_icon(button, info.icon)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        self.setStyleSheet(PRESSED)
        self._tool.changed.connect(self._follow)
        self._follow()

    def _on_clicked(self, name: str) -> None:
        self._tool.set(tool="look" if self._tool.value.tool == name else name)
        self._follow()

    def _follow(self) -> None:
        for name, button in self.buttons.items():
            button.setChecked(self._tool.value.tool == name)


class ToolSettings(QWidget):
    """The settings of the tool in the hand."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Build fields for all tools; those of the others are hidden."""
        super().__init__(parent)
        self._session = context.session
        self._tool = context.session.tool
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._brush, self._wand, self._cut, self._grow = QWidget(), QWidget(), QWidget(), QWidget()
        for box, build in (
            (self._brush, self._build_brush),
            (self._wand, self._build_wand),
            (self._cut, self._build_cut),
            (self._grow, self._build_grow),
        ):
            build(_form(box))
            layout.addWidget(box)
        # As high as the largest of them, so that what lies below does not jump with the tool.
        self.setMinimumHeight(max(box.sizeHint().height() for box in (self._brush, self._wand, self._cut)))
        layout.addStretch()
        self._tool.changed.connect(self.follow)
        context.session.facts_changed.connect(self.follow)
        context.session.document_changed.connect(self._on_document_changed)
        self.follow()

    def _build_brush(self, form: QFormLayout) -> None:
        self.diameter = _spin(1, LARGEST_BRUSH_PX, " px", "Diameter of the brush in pixels; keys [ and ]")
        self.slider = Slider(Qt.Orientation.Horizontal)
        # Small sizes are the useful ones: the slider moves through square roots.
        self.slider.setRange(10, 10 * round(LARGEST_BRUSH_PX**0.5))
        self.slider.setToolTip(self.diameter.toolTip())
        self.size_nm = QLabel()
        self.size_nm.setProperty("role", "note")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.diameter)
        row.addWidget(self.size_nm, 1)
        self.shape = ComboBox()
        self.shape.addItem("Disc (this slice)", False)
        self.shape.addItem("Ball (slices around, too)", True)
        self.shape.setToolTip("Whether the brush also reaches into the slices above and below")
        self._shape_label = QLabel("Shape")
        form.addRow("Size", row)
        form.addRow("", self.slider)
        form.addRow(self._shape_label, self.shape)
        self.limited = QCheckBox("Only grey values")
        self.limited.setToolTip("Brush and eraser change only pixels whose grey value lies in this range")
        self.low, self.high = _grey_field("The lowest grey value"), _grey_field("The highest grey value")
        greys = QHBoxLayout()
        greys.setSpacing(6)
        greys.addWidget(self.low, 1)
        self._to = QLabel("to")
        greys.addWidget(self._to)
        greys.addWidget(self.high, 1)
        form.addRow(self.limited)
        form.addRow("", greys)
        self._greys = (self.limited, self.low, self.high)
        self.limited.toggled.connect(self._on_limited_toggled)
        for field in (self.low, self.high):
            field.valueChanged.connect(self._on_grey_changed)
        self.diameter.valueChanged.connect(lambda value: self._tool.set(brush_px=value))
        self.slider.valueChanged.connect(lambda value: self._tool.set(brush_px=round((value / 10) ** 2)))
        self.shape.activated.connect(lambda _: self._tool.set(ball=bool(self.shape.currentData())))

    def _on_limited_toggled(self, on: bool) -> None:
        """Begin with the half of the contrast in which what absorbs lies."""
        display, document = self._session.display.value, self._session.document
        middle = (display.low + display.high) / 2
        bright = (
            document is not None and document.polarity is not None and document.polarity.value == "bright"
        )
        proposed = (middle, display.high) if bright else (display.low, middle)
        self._tool.set(grey_range=proposed if on else None)

    def _on_grey_changed(self) -> None:
        self._tool.set(grey_range=(self.low.value(), self.high.value()))

    def _on_document_changed(self) -> None:
        self._tool.set(grey_range=None)  # grey values of another tomogram mean something else
        self.follow()

    def _build_wand(self, form: QFormLayout) -> None:
        self.tolerance = DoubleSpinBox()
        self.tolerance.setRange(0.5, 100)
        self.tolerance.setDecimals(1)
        self.tolerance.setSuffix(" %")
        self.tolerance.setKeyboardTracking(False)
        self.tolerance.setToolTip(
            "How much grey values may differ from the one under the click, in percent of the contrast range"
        )
        self.reach = _spin(5, 1000, " px", "How far from the click the magic wand reaches")
        form.addRow("Tolerance", self.tolerance)
        form.addRow("Reach", self.reach)
        self.tolerance.valueChanged.connect(lambda value: self._tool.set(tolerance=value))
        self.reach.valueChanged.connect(lambda value: self._tool.set(wand_reach_px=value))

    def _build_cut(self, form: QFormLayout) -> None:
        self.cut = _spin(2, 50, " px", "Width of the cut: what lies on it is erased")
        form.addRow("Width", self.cut)
        self.cut.valueChanged.connect(lambda value: self._tool.set(cut_px=value))

    def _build_grow(self, form: QFormLayout) -> None:
        self.grow = _spin(1, 50, " px", "How far an object grows or shrinks with each click")
        form.addRow("By", self.grow)
        self.grow.valueChanged.connect(lambda value: self._tool.set(grow_px=value))

    def follow(self) -> None:
        """Show what is set now."""
        state = self._tool.value
        blocked = [
            QSignalBlocker(field)
            for field in (
                self.diameter,
                self.slider,
                self.shape,
                self.tolerance,
                self.reach,
                self.cut,
                self.grow,
                *self._greys,
            )
        ]
        self.limited.setChecked(state.grey_range is not None)
        low, high = state.grey_range or (0.0, 0.0)
        self.low.setValue(low)
        self.high.setValue(high)
        for field in (self.low, self.high):
            field.setEnabled(state.grey_range is not None)
        self.diameter.setValue(state.brush_px)
        if round((self.slider.value() / 10) ** 2) != state.brush_px:
            self.slider.setValue(round(10 * state.brush_px**0.5))
        self.shape.setCurrentIndex(int(state.ball))
        self.tolerance.setValue(state.tolerance)
        self.reach.setValue(state.wand_reach_px)
        self.cut.setValue(state.cut_px)
        self.grow.setValue(state.grow_px)
        del blocked
        voxel = None if self._session.document is None else self._session.document.voxel_nm
        self.size_nm.setText(_as_length(state.brush_px, voxel, self._session.unit))
        objects = state.target == "objects"  # their merging and cutting draws nothing
        self._brush.setVisible(
            state.tool in ("look", "brush", "eraser") or (state.tool == "merge" and not objects)
        )
        for widget in (self._shape_label, self.shape, *self._greys, self._to):
            widget.setVisible(state.tool != "merge")
        self._wand.setVisible(state.tool == "wand")
        self._cut.setVisible(state.tool == "cut" and not objects)
        self._grow.setVisible(state.tool == "grow")


def _form(box: QWidget) -> QFormLayout:
    form = QFormLayout(box)
    form.setContentsMargins(0, 0, 0, 0)
    form.setHorizontalSpacing(10)
    form.setVerticalSpacing(6)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return form


def _grey_field(tip: str) -> DoubleSpinBox:
    field = DoubleSpinBox()
    field.setRange(-1e9, 1e9)
    field.setDecimals(4)
    field.setStepType(DoubleSpinBox.StepType.AdaptiveDecimalStepType)
    field.setKeyboardTracking(False)
    field.setToolTip(tip)
    field.setMinimumWidth(60)
    return field


def _spin(low: int, high: int, suffix: str, tip: str) -> SpinBox:
    spin = SpinBox()
    spin.setRange(low, high)
    spin.setSuffix(suffix)
    spin.setToolTip(tip)
    spin.setKeyboardTracking(False)
    return spin


def _as_length(size_px: int, voxel: VoxelSize | None, unit: Unit) -> str:
    """Return the size of the brush in the XY view."""
    return "" if voxel is None else f"= {number_text(size_px * voxel[2], unit)} {unit}"
