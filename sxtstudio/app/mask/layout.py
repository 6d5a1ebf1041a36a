"""Where the buttons of the panel for the cell mask are."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QGroupBox,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app import theme
from sxtstudio.app.jobs.strip import ProgressStrip
from sxtstudio.app.mask.threshold import MaskThreshold
from sxtstudio.app.widgets.footer import Footer
from sxtstudio.app.widgets.notes import narrow, note

_TOOLS = (
    ("polygon", "Polygon", "mdi6.vector-polygon", "Click the corners of the cell; double click ends"),
    ("lasso", "Lasso", "mdi6.lasso", "Draw around the cell with the button held"),
    ("brush", "Brush", "mdi6.brush", "Paint cell"),
    ("eraser", "Eraser", "mdi6.eraser", "Take cell away"),
)


class MaskLayout(QWidget):
    """The widgets, without what they do."""

    def __init__(self, parent: QWidget | None = None) -> None:
        """Build them."""
        super().__init__(parent)
        self._suggested = False
        self.fraction, self.result = note(name="fraction"), note(name="result")
        self.automatic = _button("Find the cell", "Tell the cell from the ice by its density and texture")
        self.automatic.setProperty("role", "main")
        self.tools: dict[str, QToolButton] = {}
        for name, text, icon, tip in _TOOLS:
            button = QToolButton()
            button.setText(text)
            theme.set_icon(button, icon)
            button.setIconSize(QSize(20, 20))
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.setToolTip(tip)
            button.setCheckable(True)
            button.setMinimumWidth(54)
            self.tools[name] = button
        self.interpolate = _button("Interpolate", "Fill in the slices between those that have a mask")
        self.to_ends = _button(
            "To the ends",
            "Take the first and the last drawn slice also for the slices before and after them",
        )
        self.threshold = MaskThreshold()
        self.live = QCheckBox("Show the outline on this slice")
        self.live.setToolTip("A preview of what the grey value would give")
        self.preview_note = note(name="preview")
        self.make = _button("Make the mask", "Replace the mask by what the grey value gives, in all slices")
        self.invert = _button("Invert", "Swap inside and outside")
        self.fill = _button("Fill holes", "Fill the holes in every slice of the mask")
        self.clear = _button("Clear", "Empty the mask")
        self.cut = _button("Remove labels outside", "Delete every label that lies outside the mask")
        self.load = _button("Load…", "Take the mask from a file; everything that is not 0 is cell")
        self.save = _button("Save…", "Write the mask to a TIFF or MRC file")
        self.segment_first = _button("Segment first…", "Go to the panel Segment; its outlines show the cell")
        self.segment_first.hide()
        self.strip = ProgressStrip()
        self._arrange()

    def _arrange(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(_group("Automatic", [[self.automatic]]))
        tools: list[QWidget] = list(self.tools.values())
        hint = note("Draw on a few slices, then fill in the slices between them.")
        layout.addWidget(_group("By hand", [[hint], tools, [self.interpolate, self.to_ends]]))
        layout.addWidget(_group("By grey value", [[self.threshold], [self.live], [self.make]]))
        layout.addWidget(
            _group("The mask", [[self.invert, self.fill, self.clear], [self.load, self.save], [self.cut]])
        )
        layout.addStretch()
        self.footer = Footer(
            (self.result, self.preview_note, self.fraction), (self.segment_first, self.strip)
        )

    def offer(self, *, tomogram: bool, mask: bool, labels: bool) -> None:
        """Enable what can be done."""
        for widget in (self.automatic, self.threshold, self.live, self.make, self.load, *self.tools.values()):
            widget.setEnabled(tomogram)
        for widget in (self.interpolate, self.to_ends, self.invert, self.fill, self.clear, self.save):
            widget.setEnabled(mask)
        self.cut.setEnabled(mask and labels)


def _button(text: str, tip: str) -> QPushButton:
    button = narrow(QPushButton(text))
    button.setToolTip(tip)
    return button


def _group(title: str, rows: list[list[QWidget]]) -> QGroupBox:
    """Return a box with rows of widgets of equal width."""
    group = QGroupBox(title)
    layout = QVBoxLayout(group)
    layout.setContentsMargins(0, 4, 0, 0)
    layout.setSpacing(6)
    for row in rows:
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        for column, widget in enumerate(row):
            grid.addWidget(widget, 0, column)
            grid.setColumnStretch(column, 1)
        layout.addLayout(grid)
    return group
