"""Under the XY view: which slice is shown, a slider and a field to choose another, and how sure they are."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QFontDatabase, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from sxtstudio.app.context import Context
from sxtstudio.app.slices.trust_strip import TrustStrip, about, legend, tip
from sxtstudio.app.widgets.controls import Slider, SpinBox, WheelSteps
from sxtstudio.core.geometry import Triple
from sxtstudio.core.trust import CertaintyScale
from sxtstudio.core.wording import number_text

_WITH_PLACE_PX = 230


class SliceBar(QWidget):
    """Slider, field "33 / 64" and the depth in nm; slices are counted from 1, as in Fiji.

    Signals
    -------
    entered
        Return was pressed in the field: the keyboard belongs to the slices again.
    """

    entered = Signal()

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Build the widgets."""
        super().__init__(parent)
        self._session = context.session
        self._wheel = WheelSteps()
        self.slider = Slider(Qt.Orientation.Horizontal)
        self.slider.setToolTip("Slice (mouse wheel, PageUp and PageDown)")
        self.slider.setAccessibleName("Slice")
        self.field = SpinBox()
        self.field.setKeyboardTracking(False)
        self.field.setToolTip("Number of the slice")
        self.field.setAccessibleName("Number of the slice")
        self.place = QLabel()
        self.place.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.place.setToolTip("Distance from the first slice")
        self.strip = TrustStrip(self.slider)
        self.strip_name = QLabel("Certainty")
        self.legend = QLabel()
        for label in (self.strip_name, self.legend):
            label.setProperty("role", "note")
        for widget in (self.strip, self.strip_name, self.legend):  # slices and slider must not move for it
            policy = widget.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            widget.setSizePolicy(policy)
        self.legend.setText(legend(CertaintyScale(0.0, 1.0)))
        for control in (self.slider, self.field):  # whether they have the focus or not
            control.installEventFilter(self)
        layout = QGridLayout(self)
        layout.setContentsMargins(8, 3, 8, 3)
        layout.setVerticalSpacing(1)
        layout.setColumnStretch(1, 1)
        layout.addWidget(QLabel("Slice"), 0, 0)
        layout.addWidget(self.slider, 0, 1)
        layout.addWidget(self.field, 0, 2)
        layout.addWidget(self.place, 0, 3)
        layout.addWidget(self.strip_name, 1, 0)
        layout.addWidget(self.strip, 1, 1)
        layout.addWidget(self.legend, 1, 2, 1, 2)
        self.strip.chosen.connect(self._go)
        self.slider.valueChanged.connect(lambda value: self._go(value))
        self.field.valueChanged.connect(lambda value: self._go(value - 1))
        self.field.lineEdit().returnPressed.connect(self.entered)
        context.session.document_changed.connect(self.refresh)
        context.session.facts_changed.connect(self.refresh)
        context.session.cursor_changed.connect(self._on_cursor)
        self.refresh()

    def refresh(self) -> None:
        """Follow the document."""
        document = self._session.document
        depth = 1 if document is None else document.shape[0]
        for widget, first in ((self.slider, 0), (self.field, 1)):
            widget.blockSignals(True)
            widget.setRange(first, first + depth - 1)
            widget.blockSignals(False)
        self.slider.setPageStep(max(1, depth // 20))
        self.field.setSuffix(f" / {depth}")
        self.setEnabled(document is not None)
        figures = () if document is None else document.trust
        self.strip.show_figures(figures if any(f.certainty is not None for f in figures) else ())
        scale = self.strip.scale
        if scale is not None:
            self.legend.setText(legend(scale, figures))
        for label in (self.strip_name, self.legend):
            label.setVisible(scale is not None)
            label.setToolTip("" if scale is None else about(scale))
        self._on_cursor(self._session.cursor)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the slider its room where there is little."""
        super().resizeEvent(event)
        self.place.setVisible(event.size().width() >= _WITH_PLACE_PX)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the wheel from slider and field, which would turn the other way."""
        if isinstance(event, QWheelEvent):
            self.wheelEvent(event)
            return True
        return super().eventFilter(watched, event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Go through the slices, as over the view above."""
        event.accept()
        self._go(self._session.cursor[0] + self._wheel.take(event))

    def _on_cursor(self, cursor: Triple) -> None:
        z = cursor[0]
        for widget, value in ((self.slider, z), (self.field, z + 1)):
            widget.blockSignals(True)
            widget.setValue(value)
            widget.blockSignals(False)
        if self.strip.figures:
            self.strip.setAccessibleDescription(tip(z, self.strip.figures[z]))
        document = self._session.document
        voxel = None if document is None else document.voxel_nm
        if document is None or voxel is None:
            self.place.setText("z unknown")
        else:
            unit = self._session.unit
            width = len(number_text((document.shape[0] - 1) * voxel[0], unit))
            self.place.setText(f"z {number_text(z * voxel[0], unit):>{width}} {unit}")

    def _go(self, z: int) -> None:
        self._session.set_cursor((z, *self._session.cursor[1:]))
