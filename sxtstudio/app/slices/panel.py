"""How slices are drawn: contrast, colours, overlays; and what the tomogram's voxels and greys mean."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app.context import Context
from sxtstudio.app.document.first_scan import FirstScan
from sxtstudio.app.slices.colour_maps import COLOUR_MAPS
from sxtstudio.app.slices.histogram import Histogram
from sxtstudio.app.widgets.controls import ComboBox, Slider
from sxtstudio.app.widgets.fields import ColourButton, NumberField, VoxelFields
from sxtstudio.core.polarity import Value, chosen_polarity
from sxtstudio.io.axes import NamedBy, axes_text


class ImagePanel(QWidget):
    """Shows and changes ``session.display``, the voxel size and the polarity."""

    def __init__(self, context: Context, first_scan: FirstScan, parent: QWidget | None = None) -> None:
        """Build the widget."""
        super().__init__(parent)
        self._context = context
        self._session = context.session
        self._display = context.session.display
        self.first_scan = first_scan
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for part in (self._contrast(), self._overlays(), self._voxels(), self._axes(), self._polarity()):
            layout.addWidget(part)
        layout.addStretch()
        self._display.changed.connect(self._show_display)
        self.first_scan.sampled.connect(self._show_histogram)
        self._session.document_changed.connect(self._show_document)
        self._session.facts_changed.connect(self._show_facts)
        self._session.busy_changed.connect(self._show_facts)
        self._show_display()
        self._show_document()

    # -- building --------------------------------------------------------------------------------

    def _contrast(self) -> QWidget:
        box = QWidget()
        layout = QGridLayout(box)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setColumnStretch(1, 1)
        layout.setColumnStretch(3, 1)
        self.histogram = Histogram()
        self.histogram.moved.connect(lambda low, high: self._display.set(low=low, high=high))
        self.low = NumberField("Grey value that is drawn black")
        self.high = NumberField("Grey value that is drawn white")
        self.low.entered.connect(lambda value: self._set_window(low=value))
        self.high.entered.connect(lambda value: self._set_window(high=value))
        self.auto = QPushButton("Auto")
        self.auto.setToolTip("Choose the contrast that suits the whole tomogram")
        self.auto.clicked.connect(lambda: self._auto(this_slice=False))
        self.auto_slice = QPushButton("Auto on this slice")
        self.auto_slice.setToolTip("Choose the contrast that suits the slice that is shown")
        self.auto_slice.clicked.connect(lambda: self._auto(this_slice=True))
        buttons = QHBoxLayout()
        buttons.addWidget(self.auto)
        buttons.addWidget(self.auto_slice, 1)
        self.colour_map = ComboBox()
        self.colour_map.setAccessibleName("Colour map")
        for name, text in COLOUR_MAPS.items():
            self.colour_map.addItem(text, name)
        self.colour_map.activated.connect(
            lambda _: self._display.set(colour_map=self.colour_map.currentData())
        )
        self.inverted = self._box("Negative", "Draw dark as bright and bright as dark", "inverted")
        self.smooth = self._box("Smooth pixels", "Interpolate between pixels when zoomed in", "smooth")
        layout.addWidget(self.histogram, 0, 0, 1, 4)
        layout.addWidget(QLabel("Black"), 1, 0)
        layout.addWidget(self.low, 1, 1)
        layout.addWidget(QLabel("White"), 1, 2)
        layout.addWidget(self.high, 1, 3)
        layout.addLayout(buttons, 2, 0, 1, 4)
        layout.addWidget(QLabel("Colours"), 3, 0)
        layout.addWidget(self.colour_map, 3, 1, 1, 3)
        layout.addWidget(self.inverted, 4, 0, 1, 2)
        layout.addWidget(self.smooth, 4, 2, 1, 2)
        return box

    def _overlays(self) -> QWidget:
        box = QGroupBox("Shown over the image")
        layout = QGridLayout(box)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setColumnStretch(1, 1)
        self.labels = self._box("Labels", "Show the labels", "labels_visible")
        self.label_colour = ColourButton("Colour of the labels")
        self.label_colour.chosen.connect(lambda rgb: self._display.set(label_rgb=rgb))
        self.opacity = Slider(Qt.Orientation.Horizontal)
        self.opacity.setRange(5, 100)
        self.opacity.setToolTip("Opacity of the labels")
        self.opacity.setAccessibleName("Opacity of the labels")
        self.opacity.valueChanged.connect(lambda value: self._display.set(label_opacity=value / 100))
        self.outline = self._box("Cell mask", "Show the outline of the cell mask", "mask_visible")
        self.mask_colour = ColourButton("Colour of the cell mask")
        self.mask_colour.chosen.connect(lambda rgb: self._display.set(mask_rgb=rgb))
        self.left_out = self._box(
            "Not labelled",
            "Hatch the frame of the reconstruction and the surroundings of gold that were not labelled",
            "left_out",
        )
        self.crosshair = self._box("Crosshair", "Show where the three slices cross", "crosshair")
        self.scale_bar = self._box("Scale bar", "Show a scale bar", "scale_bar")
        layout.addWidget(self.labels, 0, 0)
        layout.addWidget(self.opacity, 0, 1)
        layout.addWidget(self.label_colour, 0, 2)
        layout.addWidget(self.outline, 1, 0)
        layout.addWidget(self.mask_colour, 1, 2)
        layout.addWidget(self.left_out, 2, 0)
        layout.addWidget(self.crosshair, 3, 0)
        layout.addWidget(self.scale_bar, 3, 1, 1, 2)
        return box

    def _voxels(self) -> QWidget:
        self.voxel_box = QGroupBox("Voxel size")
        layout = QVBoxLayout(self.voxel_box)
        layout.setContentsMargins(0, 4, 0, 0)
        self.voxel = VoxelFields()
        self.voxel.entered.connect(self._session.set_voxel_nm)
        layout.addWidget(self.voxel)
        return self.voxel_box

    def _axes(self) -> QWidget:
        self.axes_box = QGroupBox("Axes")
        layout = QHBoxLayout(self.axes_box)
        layout.setContentsMargins(0, 4, 0, 0)
        self.axes = QLabel()
        self.axes.setWordWrap(True)
        self.change_axes = QPushButton("Change…")
        self.change_axes.setToolTip("Say which stored axis is x, y and z, or read one backwards")
        self.change_axes.clicked.connect(lambda: self._context.parts.actions.by_name["file.axes"].trigger())
        layout.addWidget(self.axes, 1)
        layout.addWidget(self.change_axes)
        return self.axes_box

    def _polarity(self) -> QWidget:
        self.polarity_box = QGroupBox("Polarity")
        layout = QGridLayout(self.polarity_box)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setColumnStretch(0, 1)
        self.polarity = QLabel()
        self.polarity.setWordWrap(True)
        self.flip = QPushButton("Flip")
        self.flip.setToolTip("Say that it is the other way round")
        self.flip.clicked.connect(self._on_flip)
        self.reason = QLabel()
        self.reason.setProperty("role", "note")
        self.reason.setWordWrap(True)
        layout.addWidget(self.polarity, 0, 0)
        layout.addWidget(self.flip, 0, 1)
        layout.addWidget(self.reason, 1, 0, 1, 2)
        return self.polarity_box

    def _box(self, text: str, tip: str, field: str) -> QCheckBox:
        box = QCheckBox(text)
        box.setToolTip(tip)
        box.toggled.connect(lambda on: self._display.set(**{field: on}))
        return box

    # -- showing ---------------------------------------------------------------------------------

    def _show_display(self) -> None:
        state = self._display.value
        self.histogram.show_window(state.low, state.high)
        self.low.show_value(state.low)
        self.high.show_value(state.high)
        self.colour_map.setCurrentIndex(max(0, self.colour_map.findData(state.colour_map)))
        self.label_colour.show_colour(state.label_rgb)
        self.mask_colour.show_colour(state.mask_rgb)
        for box, on in (
            (self.inverted, state.inverted),
            (self.smooth, state.smooth),
            (self.labels, state.labels_visible),
            (self.outline, state.mask_visible),
            (self.left_out, state.left_out),
            (self.crosshair, state.crosshair),
            (self.scale_bar, state.scale_bar),
        ):
            box.setChecked(on)
        self.opacity.blockSignals(True)  # it knows whole percents only
        self.opacity.setValue(round(100 * state.label_opacity))
        self.opacity.blockSignals(False)

    def _show_histogram(self) -> None:
        if self.first_scan.sample is not None:
            self.histogram.show_counts(*self.first_scan.sample.histogram())

    def _show_document(self) -> None:
        there = self._session.document is not None
        for widget in (self.histogram, self.low, self.high, self.auto, self.auto_slice):
            widget.setEnabled(there)
        self.voxel_box.setVisible(there)
        self.polarity_box.setVisible(there)
        self.axes_box.setVisible(there)
        self._show_facts()

    def _show_facts(self, *_: Any) -> None:
        document = self._session.document
        if document is None:
            return
        self.voxel.show_size(document.voxel_nm)
        axes = document.tomogram.axes
        text = "slices are z, rows y, columns x" if axes.named_by is NamedBy.FORMAT else axes_text(axes)
        self.axes.setText(text[:1].upper() + text[1:])
        if document.polarity is None:
            text, reason = "Not known yet", "It is being found out from the image."
            if not self.first_scan.running:
                reason = "It could not be found out from the image."
        else:
            text, reason = f"Absorbing structures are {document.polarity.value}", document.polarity.reason
        self.polarity.setText(text)
        self.reason.setText(reason[:1].upper() + reason[1:])

    # -- changing --------------------------------------------------------------------------------

    def _set_window(self, **change: float) -> None:
        state = self._display.value
        low, high = change.get("low", state.low), change.get("high", state.high)
        if high <= low:  # the other end gives way
            width = abs(state.high - state.low)
            low, high = (low, low + width) if "low" in change else (high - width, high)
        self._display.set(low=low, high=high)

    def _auto(self, *, this_slice: bool) -> None:
        self._context.parts.slices.auto_contrast(this_slice=this_slice)

    def _on_flip(self) -> None:
        document = self._session.document
        if document is not None:
            other: Value = "bright" if document.polarity is None else document.polarity.other
            self._session.set_polarity(chosen_polarity(other))
