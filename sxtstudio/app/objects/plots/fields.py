"""The fields beside the plot: kind, columns, colours, limits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app import theme
from sxtstudio.app.objects.colouring import ColourBy
from sxtstudio.app.objects.plots.data import PlotChoice
from sxtstudio.app.objects.plots.figure import Grip
from sxtstudio.app.objects.table.columns import TableColumn
from sxtstudio.app.objects.table.limits import number_of
from sxtstudio.app.widgets.controls import ComboBox
from sxtstudio.app.widgets.notes import narrow
from sxtstudio.core.figures import FigureKind

_KINDS = (
    (FigureKind.DOTS, "Dot plot", "Every object a dot, with mean and SD"),
    (FigureKind.HISTOGRAM, "Histogram", "How many objects have which value"),
    (FigureKind.SCATTER, "Scatter plot", "One column against another"),
)


class PlotFields(QWidget):
    """Says what is wanted; the page does it.

    Signals
    -------
    changed(object)
        Another ``PlotChoice``.
    colours_changed(str)
        What the colours mean: "number", "class" or the key of a column.
    limited(object, object)
        Ends (float or None) that were typed for the values along the main axis.
    """

    changed = Signal(object)
    colours_changed = Signal(str)
    grip_changed = Signal(object)
    limited = Signal(object, object)

    def __init__(self, choice: PlotChoice, parent: QWidget | None = None) -> None:
        """Begin with a choice."""
        super().__init__(parent)
        self.choice = choice
        self.kind, self.column, self.along_x, self.colours = (narrow(ComboBox(), 90) for _ in range(4))
        self.by_class = QCheckBox("By class")
        self.border = QCheckBox("With objects at the border")
        self.low, self.high = QLineEdit(), QLineEdit()
        self.lasso, self.range = QToolButton(), QToolButton()
        self.show_all = QPushButton("Show all")
        self.export = QPushButton("Export…")
        self._name_all()
        self._lay_out()
        self._show_choice()
        self._connect()

    def show_columns(self, columns: tuple[TableColumn, ...], choice: PlotChoice, colour_by: str) -> None:
        """Offer columns, and show a choice of them."""
        self.choice = choice
        for box in (self.column, self.along_x):
            with QSignalBlocker(box):
                box.clear()
                for column in columns:
                    box.addItem(column.title, column.key)
                    box.setItemData(box.count() - 1, column.tip, Qt.ItemDataRole.ToolTipRole)
        with QSignalBlocker(self.colours):
            self.colours.clear()
            self.colours.addItem("Number", ColourBy.NUMBER.value)
            self.colours.addItem("Class", ColourBy.CLASS.value)
            for column in columns:
                self.colours.addItem(column.title, column.key)
            self.colours.setCurrentIndex(max(0, self.colours.findData(colour_by)))
        self._show_choice()

    def show_limits(self, low: float | None, high: float | None) -> None:
        """Show the ends of a range, but not over what is being typed."""
        if any(field.hasFocus() and field.isModified() for field in (self.low, self.high)):
            return
        for field, value in ((self.low, low), (self.high, high)):
            text = "" if value is None else f"{value:.10g}"
            if field.text() != text:
                field.setText(text)

    def _name_all(self) -> None:
        for kind, text, tip in _KINDS:
            self.kind.addItem(text, kind)
            self.kind.setItemData(self.kind.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        for widget, name, tip in (
            (self.kind, "Kind of plot", "Dots with mean and SD, a histogram, or one column against another"),
            (self.column, "Column", "The column that is plotted"),
            (self.along_x, "Column along x", "The column along the lower axis"),
            (self.colours, "Colours", "What the colours mean, in the plot, the slices, 3D and the table"),
            (self.low, "From", "Only objects with at least this value stay; empty: any"),
            (self.high, "To", "Only objects with at most this value stay; empty: any"),
            (self.by_class, "By class", "A group of dots, or bars, for each class"),
            (self.border, "With objects at the border", "They are cut, so their sizes are too small"),
            (self.show_all, "Show all", "Take back lasso and limits: all objects are shown again"),
            (
                self.export,
                "Export the plot",
                "Write the plot as PNG or SVG, dark on white, for a publication",
            ),
            (self.lasso, "Lasso", "Dragging draws around dots: only these objects stay, everywhere"),
            (self.range, "Range", "Dragging marks a range of values: only these objects stay, everywhere"),
        ):
            widget.setAccessibleName(name)
            widget.setToolTip(tip)
        for field in (self.low, self.high):
            field.setPlaceholderText("any")
        for button, icon in ((self.lasso, "mdi6.lasso"), (self.range, "mdi6.arrow-expand-horizontal")):
            theme.set_icon(button, icon)
            button.setCheckable(True)
            button.setAutoExclusive(True)
        self.lasso.setChecked(True)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        form.addRow("Plot", self.kind)
        form.addRow("Column", self.column)
        form.addRow("Along x", self.along_x)
        form.addRow("Colours", self.colours)
        limits = QHBoxLayout()
        for widget in (self.low, QLabel("to"), self.high):
            limits.addWidget(widget)
        form.addRow("From", limits)
        self._form = form
        buttons = QHBoxLayout()
        for button in (self.lasso, self.range, self.show_all, self.export):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 4, 6)
        layout.setSpacing(4)
        layout.addLayout(form)
        layout.addWidget(self.by_class)
        layout.addWidget(self.border)
        layout.addLayout(buttons)
        layout.addStretch()

    def _show_choice(self) -> None:
        for widget, index in (
            (self.kind, self.kind.findData(self.choice.kind)),
            (self.column, self.column.findData(self.choice.y)),
            (self.along_x, self.along_x.findData(self.choice.x)),
        ):
            with QSignalBlocker(widget):
                widget.setCurrentIndex(index)
        for box, on in ((self.by_class, self.choice.by_class), (self.border, self.choice.border)):
            with QSignalBlocker(box):
                box.setChecked(on)
        self._form.setRowVisible(self.along_x, self.choice.kind is FigureKind.SCATTER)
        label = self._form.labelForField(self.column)
        if isinstance(label, QLabel):
            label.setText("Along y" if self.choice.kind is FigureKind.SCATTER else "Column")

    def _connect(self) -> None:
        self.kind.currentIndexChanged.connect(lambda: self._choose(kind=FigureKind(self.kind.currentData())))
        self.column.currentIndexChanged.connect(lambda: self._choose(y=self.column.currentData()))
        self.along_x.currentIndexChanged.connect(lambda: self._choose(x=self.along_x.currentData()))
        self.by_class.toggled.connect(lambda on: self._choose(by_class=on))
        self.border.toggled.connect(lambda on: self._choose(border=on))
        self.colours.currentIndexChanged.connect(
            lambda: self.colours_changed.emit(self.colours.currentData())
        )
        for field in (self.low, self.high):
            field.editingFinished.connect(self._on_limits_edited)
        self.lasso.toggled.connect(lambda on: self.grip_changed.emit(Grip.PICK if on else Grip.RANGE))

    def _choose(self, **fields: Any) -> None:
        self.choice = replace(self.choice, **fields)
        self._show_choice()
        self.changed.emit(self.choice)

    def _on_limits_edited(self) -> None:
        if self.low.isModified() or self.high.isModified():
            self.low.setModified(False)
            self.high.setModified(False)
            self.limited.emit(number_of(self.low.text()), number_of(self.high.text()))
