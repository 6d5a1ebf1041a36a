"""The section that says how objects are drawn: in what colours, how strong, or not at all."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRect, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from sxtstudio.app.context import Context
from sxtstudio.app.objects.colouring import ColourBy, ColumnScale, column_colours
from sxtstudio.app.objects.measured import ObjectMeasurements
from sxtstudio.app.objects.style import ObjectStyle
from sxtstudio.app.objects.table.columns import columns_of
from sxtstudio.app.widgets.controls import ComboBox, Slider
from sxtstudio.app.widgets.notes import form, narrow, note, show_note
from sxtstudio.core.wording import count

_STEPS = 9


class ColourBar(QWidget):
    """The colours of a column from end to end, with the values at both ends."""

    def __init__(self) -> None:
        """Begin hidden."""
        super().__init__()
        self._scale: ColumnScale | None = None
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.hide()

    def show_scale(self, scale: ColumnScale | None) -> None:
        """Show another scale; None: hide."""
        self._scale = scale
        self.setVisible(scale is not None)
        if scale is not None:
            self.setToolTip(
                f"From {scale.low:.4g} to {scale.high:.4g}; what lies beyond has the end's colour"
            )
        self.update()

    def sizeHint(self) -> QSize:
        """Return the height of a bar and a line of text."""
        return QSize(120, 12 + self.fontMetrics().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the bar and the numbers below its ends."""
        scale = self._scale
        if scale is None:
            return
        with QPainter(self) as painter:
            bar = QRect(0, 0, self.width(), 10)
            gradient = QLinearGradient(bar.topLeft(), bar.topRight())
            places = np.linspace(0, 1, _STEPS)
            colours = column_colours(scale.low + places * (scale.high - scale.low), scale)
            for place, rgb in zip(places.tolist(), colours.tolist(), strict=True):
                gradient.setColorAt(place, QColor(*rgb))
            painter.fillRect(bar, gradient)
            painter.setPen(self.palette().windowText().color())
            line = QRect(0, 12, self.width(), self.fontMetrics().height())
            painter.drawText(line, Qt.AlignmentFlag.AlignLeft, f"{scale.low:.3g}")
            painter.drawText(line, Qt.AlignmentFlag.AlignRight, f"{scale.high:.3g}")


class ObjectsDisplay(QWidget):
    """Shows and changes ``session.objects``: visible, opacity, colours."""

    def __init__(self, context: Context, measured: ObjectMeasurements, style: ObjectStyle) -> None:
        """Build the section."""
        super().__init__()
        self._state, self._measured, self._style = context.session.objects, measured, style
        self.visible = QCheckBox("Show in the slices")
        self.visible.setToolTip("Draw the objects over the slices")
        self.opacity = Slider(Qt.Orientation.Horizontal)
        self.opacity.setRange(5, 100)
        self.opacity.setToolTip("Opacity of the objects in the slices")
        self.opacity.setAccessibleName("Opacity of the objects")
        self.colours = ComboBox()
        self.colours.setAccessibleName("Colours of the objects")
        self.colours.setToolTip("What the colours of the objects mean, in slices, 3D, table and plots")
        self.bar, self.out_of_date = ColourBar(), note(name="out_of_date")
        drawn = QHBoxLayout()
        drawn.addWidget(self.visible)
        drawn.addWidget(self.opacity, 1)
        rows = form()
        rows.addRow("Colour by", narrow(self.colours, 120))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(drawn)
        layout.addLayout(rows)
        layout.addWidget(self.bar)
        layout.addWidget(self.out_of_date)
        self.visible.toggled.connect(lambda on: self._state.set(visible=on))
        self.opacity.valueChanged.connect(lambda value: self._state.set(opacity=value / 100))
        self.colours.activated.connect(lambda _: self._state.set(colour_by=self.colours.currentData()))
        self._state.changed.connect(self._show)
        style.changed.connect(self._show)
        measured.changed.connect(self._list_columns)
        self._list_columns()

    def _list_columns(self) -> None:
        with QSignalBlocker(self.colours):
            self.colours.clear()
            self.colours.addItem("Number", ColourBy.NUMBER.value)
            self.colours.addItem("Class", ColourBy.CLASS.value)
            for column in columns_of(self._measured.value):
                if column.measured:
                    self.colours.addItem(column.title, column.key)
        self._show()

    def _show(self) -> None:
        state = self._state.value
        with QSignalBlocker(self.visible), QSignalBlocker(self.opacity), QSignalBlocker(self.colours):
            self.visible.setChecked(state.visible)
            self.opacity.setValue(round(100 * state.opacity))
            self.colours.setCurrentIndex(max(0, self.colours.findData(state.colour_by)))
        self.bar.show_scale(self._style.scale)
        show_note(self.out_of_date, self._out_of_date())

    def _out_of_date(self) -> str:
        """Return what of the colours is not of now; only a column that was measured gives them a scale."""
        scale, measured = self._style.scale, self._measured
        if scale is None or measured.value is None:
            return ""
        if scale.key in measured.outdated_columns:
            return "⚠ Out of date, since other objects or their classes have changed: measure again."
        stale = len(measured.stale.intersection(self._style.numbers.tolist()))
        return f"⚠ {count(stale, 'object')} changed since measured, now grey: measure again." if stale else ""
