"""Small fields of the panels for segmentation and clean-up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from PySide6.QtCore import QEvent, QRect, QSignalBlocker, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app.widgets.controls import ComboBox, DoubleSpinBox, Slider, SpinBox, let_shrink


class Note(QLabel):
    """A small grey text as high as its lines in the width that it has.

    It sets its height itself. Were it Qt's "height for width", a form would give a row that appears the
    height of some other width, keep that, and squash the fields below.
    """

    def __init__(self, text: str = "") -> None:
        """Begin with a text, and without room for others."""
        super().__init__(text)
        self._kept: tuple[str, ...] = ()
        self.setProperty("role", "note")
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        # Long words must not widen the panel.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._fit()

    def keep_room(self, *texts: str) -> None:
        """Keep the room of the longest of ``texts`` also without one, so that nothing below it jumps."""
        self._kept = texts
        self.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.show_text(self.text())

    def show_text(self, text: str) -> None:
        """Show a text; without one, hide unless room is kept."""
        self.setText(text)
        shown = bool(text or self._kept)
        if self.parent() is not None or not shown:  # without a panel it would be a window of its own
            self.setVisible(shown)

    def setText(self, text: str) -> None:
        """Show a text, and take the height that it needs."""
        super().setText(text)
        self._fit()

    def hasHeightForWidth(self) -> bool:
        """Its height is set, not asked for."""
        return False

    def heightForWidth(self, width: int) -> int:
        """Return the height of the text, or of the longest for which room is kept."""
        flags = int(Qt.TextFlag.TextWordWrap)
        room = QRect(0, 0, max(1, width), 10_000)
        metrics = self.fontMetrics()
        # Not what Qt says: that is never less than the height that was set last.
        texts = (self.text(), *self._kept)
        return max(metrics.boundingRect(room, flags, text).height() if text else 0 for text in texts)

    def minimumSizeHint(self) -> QSize:
        """Return a width in which single words are read."""
        return QSize(40, self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lines break elsewhere now."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            # Once what lies around has laid itself out: meanwhile it would not hear of it.
            QTimer.singleShot(0, self, self._fit)

    def changeEvent(self, event: QEvent) -> None:
        """Follow another font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            QTimer.singleShot(0, self, self._fit)

    def _fit(self) -> None:
        self.setFixedHeight(self.heightForWidth(max(100, self.width())))


def note(text: str = "", *, name: str = "") -> Note:
    """Return a small grey text that wraps, hidden while it is empty (see ``show_note``)."""
    label = Note()
    label.setObjectName(name)
    show_note(label, text)
    return label


def show_note(label: QLabel, text: str) -> None:
    """Show a text in a note, or hide the note unless it keeps its room."""
    if isinstance(label, Note):
        label.show_text(text)
    else:
        label.setText(text)
        label.setVisible(bool(text))


class SteadyNote(Note):
    """A note that keeps the room of the longest of its texts."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Begin with the first of ``texts``; others may be shown as long as they are no longer."""
        super().__init__(texts[0])
        self.keep_room(*texts)


def form() -> QFormLayout:
    """Return a form for a narrow panel."""
    layout = QFormLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setHorizontalSpacing(10)
    layout.setVerticalSpacing(8)
    layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    layout.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
    return layout


Narrow = TypeVar("Narrow", bound=QWidget)


def narrow(widget: Narrow, width_px: int = 56) -> Narrow:
    """Let a field be as narrow as ``width_px``; left to itself it wants room for its largest value."""
    widget.setMinimumWidth(width_px)
    widget.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return widget


class ThresholdField(QWidget):
    """A threshold on the network's output from -1 to 1: number, slider, and back to that of aim or model."""

    changed = Signal()
    _STEPS = 50  # per 1

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin with the model's own."""
        super().__init__(parent)
        self._default = 0.0
        self._own = True
        self.spin = DoubleSpinBox()
        self.spin.setRange(-1.0, 0.99)
        self.spin.setSingleStep(0.05)
        self.spin.setDecimals(2)
        self.spin.setToolTip(
            "A pixel is labelled where the network's output (−1 … 1) is above this. Higher: fewer labels."
        )
        self.slider = Slider(Qt.Orientation.Horizontal)
        self.slider.setRange(-self._STEPS, self._STEPS - 1)
        self.slider.setToolTip(self.spin.toolTip())
        self.reset = QToolButton()
        self.reset.setText("Reset")
        self.reset.setToolTip("Back to the threshold of the aim, or of the model where there is none")
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(narrow(self.spin, 64), 1)
        row.addWidget(self.reset)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.slider)
        self.setFocusProxy(self.spin)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.spin.valueChanged.connect(self._on_spin_changed)
        self.slider.valueChanged.connect(self._on_slider_changed)
        self.reset.clicked.connect(self._on_reset_clicked)
        self._show(0.0)

    @property
    def value(self) -> float:
        """The threshold."""
        return round(self.spin.value(), 2) if not self._own else self._default

    @property
    def choice(self) -> float | None:
        """The threshold, or None for the model's own."""
        return None if self._own else self.value

    def set_default(self, value: float) -> None:
        """Take over the threshold of another model."""
        self._default = value
        if self._own:
            self._show(value)

    def set_choice(self, value: float | None) -> None:
        """Set the threshold; None is the model's own."""
        self._own = value is None
        self._show(self._default if value is None else value)
        self.changed.emit()

    def _show(self, value: float) -> None:
        with QSignalBlocker(self.spin), QSignalBlocker(self.slider):
            self.spin.setValue(value)
            self.slider.setValue(round(value * self._STEPS))
        self.reset.setEnabled(not self._own)

    def _on_spin_changed(self, value: float) -> None:
        self.set_choice(value)

    def _on_slider_changed(self, value: int) -> None:
        self.set_choice(value / self._STEPS)

    def _on_reset_clicked(self) -> None:
        self.set_choice(None)


class SliceRange(QWidget):
    """Which slices: all, from … to …, or some around the visible one."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin with all of none."""
        super().__init__(parent)
        self._depth, self._z = 1, 0
        self.mode = ComboBox()
        let_shrink(self.mode)
        self.mode.addItem("All slices", "all")
        self.mode.addItem("From … to …", "range")
        self.mode.addItem("This slice and neighbours", "around")
        self.first, self.last, self.reach = SpinBox(), SpinBox(), SpinBox()
        self.reach.setToolTip("So many slices above and below the one that is shown")
        self.reach.setRange(0, 200)
        self.reach.setValue(5)
        self.reach.setPrefix("± ")
        self.reach.setSuffix(" slices")
        self.first.setToolTip("First slice; slices are counted from 1")
        self.last.setToolTip("Last slice; it is segmented too")
        self._to = QLabel("to")
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (self.first, self._to, self.last, self.reach):
            row.addWidget(widget if widget is self._to else narrow(widget), 0 if widget is self._to else 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.mode)
        layout.addLayout(row)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setFocusProxy(self.mode)
        self.mode.currentIndexChanged.connect(self._on_changed)
        for spin in (self.first, self.last, self.reach):
            spin.valueChanged.connect(self._on_changed)
        self._on_changed()

    def set_depth(self, depth: int) -> None:
        """Begin with all of the slices of another tomogram."""
        self._depth = depth
        with QSignalBlocker(self.mode):
            self.mode.setCurrentIndex(self.mode.findData("all"))
        with QSignalBlocker(self.first), QSignalBlocker(self.last):
            for spin, value in ((self.first, 1), (self.last, depth)):
                spin.setRange(1, depth)
                spin.setValue(value)
        self._on_changed()

    def set_visible_slice(self, z: int) -> None:
        """Follow the slice on the screen."""
        if z != self._z:
            self._z = z
            if self.mode.currentData() == "around":
                self.changed.emit()

    def set_all(self) -> None:
        """Choose all slices."""
        self.mode.setCurrentIndex(self.mode.findData("all"))

    def set_range(self, first: int, last: int) -> None:
        """Choose the slices ``first`` to ``last`` (not included), from 0."""
        self.mode.setCurrentIndex(self.mode.findData("range"))
        self.first.setValue(first + 1)
        self.last.setValue(last)

    @property
    def slices(self) -> tuple[int, int]:
        """First slice, from 0, and the one after the last."""
        mode = self.mode.currentData()
        if mode == "range":
            first, last = sorted((self.first.value(), self.last.value()))
            return first - 1, last
        if mode == "around":
            reach = self.reach.value()
            return max(0, self._z - reach), min(self._depth, self._z + reach + 1)
        return 0, self._depth

    def _on_changed(self) -> None:
        mode = self.mode.currentData()
        for widget in (self.first, self._to, self.last):
            widget.setVisible(mode == "range")
        self.reach.setVisible(mode == "around")
        self.changed.emit()
