"""Which stored axis is which: asked where a file does not say, or says it wrongly."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QVBoxLayout,
)

from sxtstudio.app.context import Context
from sxtstudio.app.document.opening import open_path
from sxtstudio.app.widgets.controls import ComboBox
from sxtstudio.app.widgets.dialogs import Dialog
from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.errors import UserError
from sxtstudio.core.wording import shape_text
from sxtstudio.io.axes import StoredAxes
from sxtstudio.io.volume_name import with_axes

_KINDS = {"z": "z: from slice to slice", "y": "y: down a slice", "x": "x: along a row"}
_RANKS = ("First", "Second", "Third")


class AxesDialog(Dialog):
    """A row for each stored axis: its size, what it is, and whether it runs backwards."""

    PAGE = "files.md"

    def __init__(self, context: Context, name: str, axes: StoredAxes) -> None:
        """Show how the axes are read now."""
        super().__init__(context.window)
        self.setWindowTitle("Axes of the tomogram")
        self._before = axes.order
        self._sizes = axes.sizes
        self._chosen = [*axes.order.names]
        about = QLabel(
            f"{name} stores {shape_text(axes.sizes)} voxels. Say what each of these axes is: exchange two of "
            "them where width, height and depth are mixed up, and read one backwards where the cell is seen "
            "as in a mirror or upside down."
        )
        about.setWordWrap(True)
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        self.kinds: list[ComboBox] = []
        self.backwards: list[QCheckBox] = []
        for row, (letter, size) in enumerate(zip(self._chosen, axes.sizes, strict=True)):
            kind = ComboBox()
            for other in self._chosen:
                kind.addItem(_KINDS[other], other)
            kind.setAccessibleName(f"{_RANKS[row]} stored axis")
            kind.activated.connect(lambda _, row=row: self._on_kind_activated(row))
            box = QCheckBox("backwards")
            box.setToolTip("Begin at the end of this axis")
            box.setChecked(letter in axes.order.backwards)
            box.toggled.connect(self._refresh)
            grid.addWidget(QLabel(f"{_RANKS[row]} axis, {size} voxels"), row, 0)
            grid.addWidget(kind, row, 1)
            grid.addWidget(box, row, 2)
            self.kinds.append(kind)
            self.backwards.append(box)
        self.result_line = QLabel()
        self.result_line.setProperty("role", "note")
        self.result_line.setWordWrap(True)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.open_button = self.buttons.addButton("Open like this", QDialogButtonBox.ButtonRole.AcceptRole)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setSpacing(12)
        layout.addWidget(about)
        layout.addLayout(grid)
        layout.addWidget(self.result_line)
        layout.addWidget(self.buttons)
        self.setMinimumWidth(460)
        self._refresh()

    @property
    def order(self) -> AxisOrder:
        """The order that is chosen."""
        ends = (name for name, box in zip(self._chosen, self.backwards, strict=True) if box.isChecked())
        return AxisOrder("".join(self._chosen), frozenset(ends))

    def _on_kind_activated(self, row: int) -> None:
        """Give the axis its name; the one that had it gets the other."""
        wanted = str(self.kinds[row].currentData())
        other = self._chosen.index(wanted)
        self._chosen[row], self._chosen[other] = self._chosen[other], self._chosen[row]
        self._refresh()

    def _refresh(self) -> None:
        for kind, letter in zip(self.kinds, self._chosen, strict=True):
            kind.setCurrentIndex(kind.findData(letter))
        sizes = dict(zip(self._chosen, self._sizes, strict=True))
        named = [letter for letter in "xyz" if letter in sizes]
        self.result_line.setText(
            f"The tomogram then has {shape_text([sizes[letter] for letter in named])} voxels "
            f"({' × '.join(named)}). It is opened anew; labels that were made before stay with the old order."
        )
        self.open_button.setEnabled(self.order != self._before)


def choose_axes(context: Context) -> None:
    """Ask for the axes of the open tomogram, and open it anew if they are others.

    Raises
    ------
    UserError
        If nothing is open.
    """
    document = context.session.document
    if document is None:
        raise UserError("No tomogram is open. Open one first (File > Open tomogram).")
    source = document.source
    dialog = AxesDialog(context, document.tomogram.path.name, document.tomogram.axes)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.accepted.connect(lambda: open_path(context, with_axes(source, dialog.order)))
    dialog.open()
