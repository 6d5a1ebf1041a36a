"""The section about the chosen object: what it is, what is wrong with it, how large it is, where it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPixmap
from PySide6.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QFlowLayout

from sxtstudio.app import theme
from sxtstudio.app.context import Context
from sxtstudio.app.objects.measured import ObjectMeasurements
from sxtstudio.app.objects.style import ObjectStyle
from sxtstudio.app.objects.table.columns import columns_of, flags_sentence, usual_keys
from sxtstudio.app.objects.table.listing import Listing
from sxtstudio.app.objects.table.model import STALE, STALE_COLUMN, value_text
from sxtstudio.app.widgets.notes import note, show_note
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.measure.measure import ONE_SLICE
from sxtstudio.core.object_table import ObjectRow, ObjectTable
from sxtstudio.core.wording import count

_FIGURES = 6
_NONE = "Click an object in the table or in 3D, or Ctrl+click it in a slice."
_BUTTONS = (
    ("objects.go_to", "Go to", "mdi6.crosshairs-gps"),
    ("objects.hide", "Hide", "mdi6.eye-off-outline"),
    ("objects.only", "Only", "mdi6.filter-outline"),
    ("objects.show_all", "All", "mdi6.eye-outline"),
)


class ChosenObject(QWidget):
    """Shows what was chosen last; of several, what they have in common is that there are so many."""

    def __init__(self, context: Context, measured: ObjectMeasurements, style: ObjectStyle) -> None:
        """Build the section."""
        super().__init__()
        self._context, self._session = context, context.session
        self._measured, self._style = measured, style
        self._number = 0
        self.swatch, self.name = QLabel(), QLabel()
        self.name.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.name.setWordWrap(True)
        self.flags = note(name="flags")
        self.notes = QLineEdit()
        self.notes.setPlaceholderText("Notes")
        self.notes.setAccessibleName("Notes of the chosen object")
        self.notes.setToolTip("What you want to remember of this object")
        self.notes.editingFinished.connect(self._on_notes_finished)
        self.figures = QWidget()
        self._figures = QFormLayout(self.figures)
        self._figures.setContentsMargins(0, 0, 0, 0)
        self._figures.setVerticalSpacing(3)
        self.figure_note = note(name="figures")
        head = QHBoxLayout()
        head.addWidget(self.swatch)
        head.addWidget(self.name, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(head)
        layout.addWidget(self.flags)
        layout.addWidget(self.figures)
        layout.addWidget(self.figure_note)
        layout.addWidget(self.notes)
        layout.addLayout(self._build_buttons())
        for signal in (
            self._session.objects.changed,
            self._session.table_changed,
            self._session.document_changed,
            measured.changed,
            style.changed,
        ):
            signal.connect(self._show)
        self._session.history_changed.connect(self._enable)
        self._session.busy_changed.connect(self._enable)
        self._show()

    def _build_buttons(self) -> QFlowLayout:
        row = QFlowLayout()  # two lines in a narrow panel
        row.setContentsMargins(0, 0, 0, 0)
        row.setHorizontalSpacing(4)
        row.setVerticalSpacing(4)
        self.buttons: dict[str, QToolButton] = {}
        for name, text, icon in _BUTTONS:
            button = QToolButton()
            button.setText(text)
            theme.set_icon(button, icon)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.clicked.connect(lambda _=False, name=name: self._act(name))
            row.addWidget(button)
            self.buttons[name] = button
        return row

    def _act(self, name: str) -> None:
        self._context.parts.actions.by_name[name].trigger()

    @property
    def _table(self) -> ObjectTable:
        document = self._session.document
        return ObjectTable() if document is None else document.object_table

    def _show(self) -> None:
        selected, table = self._session.objects.value.selected, self._table
        number = selected[-1] if selected else 0
        row = table.rows.get(number)
        if number != self._number:
            self._on_notes_finished()  # what was typed belongs to the former one
            self._number = number
        if row is None:
            show_note(self.flags, "" if not table.rows else _NONE)
            self.name.setText("None" if table.rows else "There are no objects yet.")
            self.swatch.hide()
        else:
            self._show_row(number, row, len(selected))
        self._show_figures(number if row is not None else 0)
        self.notes.setVisible(row is not None and len(selected) == 1)
        if not (self.notes.hasFocus() and self.notes.isModified()):
            self.notes.setText("" if row is None else row.notes)
            self.notes.setModified(False)
        self._enable()

    def _show_row(self, number: int, row: ObjectRow, chosen: int) -> None:
        hidden = number in self._session.objects.value.hidden
        parts = [f"Object {number}", row.class_name or "no class"]
        parts += ["hidden"] if hidden else []
        more = f" (and {count(chosen - 1, 'other')})" if chosen > 1 else ""
        self.name.setText(" · ".join(parts) + more)
        show_note(self.flags, flags_sentence(row.flags))
        picture = QPixmap(14, 14)
        picture.fill(QColor(*self._style.colours(np.array([number]))[0].tolist()))
        self.swatch.setPixmap(picture)
        self.swatch.show()

    def _show_figures(self, number: int) -> None:
        while self._figures.rowCount():
            self._figures.removeRow(0)
        measurements = self._measured.value
        self.figures.setVisible(bool(number) and measurements is not None)
        show_note(self.figure_note, "")
        if not number:
            return
        if measurements is None:
            show_note(self.figure_note, "Not measured yet.")
            return
        listing = Listing(ObjectTable({number: self._table.rows[number]}), measurements)
        columns = columns_of(measurements)
        usual = usual_keys(columns)
        shown = [column for column in columns if column.measured and column.key in usual][:_FIGURES]
        for column in shown:
            value = QLabel(value_text(column, listing.values(column.key)[0]) or "–")
            value.setAlignment(Qt.AlignmentFlag.AlignRight)
            title = QLabel(column.title)
            for label in (title, value):
                label.setToolTip(column.tip)
            self._figures.addRow(title, value)
        if self._measured.is_stale(number):
            show_note(self.figure_note, f"⚠ {STALE}")
        elif outdated := [c.title for c in shown if c.key in self._measured.outdated_columns]:
            show_note(self.figure_note, f"⚠ {', '.join(outdated)}: {STALE_COLUMN}")
        elif ONE_SLICE in measurements.notes:
            show_note(self.figure_note, ONE_SLICE)

    def _enable(self) -> None:
        rows = self._table.rows
        for name, button in self.buttons.items():
            button.setEnabled(bool(rows) if name == "objects.show_all" else self._number in rows)
        hidden = self._number in self._session.objects.value.hidden
        self.buttons["objects.hide"].setText("Show" if hidden else "Hide")
        self.notes.setEnabled(self._session.busy is None)

    def _on_notes_finished(self) -> None:
        """Write the notes into the table."""
        row = self._table.rows.get(self._number)
        if row is None or not self.notes.isModified():
            return
        self.notes.setModified(False)
        change = self._table.change({self._number: replace(row, notes=self.notes.text().strip())})
        self._session.change_rows(change, EditKind.NOTE)
