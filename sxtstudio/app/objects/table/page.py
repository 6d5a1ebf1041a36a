"""The tab with the table of the objects: filter, limits, columns, figures below it, copy and export."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app import theme
from sxtstudio.app.context import Context
from sxtstudio.app.objects.measured import ObjectMeasurements
from sxtstudio.app.objects.style import ObjectStyle
from sxtstudio.app.objects.table.column_choice import ColumnChoice
from sxtstudio.app.objects.table.columns import Own, TableColumn, columns_of, usual_keys
from sxtstudio.app.objects.table.limits import LimitsBar
from sxtstudio.app.objects.table.listing import Filter, Listing
from sxtstudio.app.objects.table.model import TableModel
from sxtstudio.app.objects.table.text import summary_text, tab_separated
from sxtstudio.app.objects.table.view import ObjectsTable, TableKey
from sxtstudio.app.widgets.notes import Note
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.object_table import ObjectTable
from sxtstudio.core.wording import count
from sxtstudio.workflow.document.label_history import LABELS_CHANGED

_COLUMNS = "objects/columns"
_BORDER = "objects/without_border"
_SETTLE_MS = 200
_ACTIONS: dict[TableKey, str] = {
    TableKey.GO_TO: "objects.go_to",
    TableKey.HIDE: "objects.hide",
    TableKey.ONLY: "objects.only",
    TableKey.SHOW_ALL: "objects.show_all",
    TableKey.DELETE: "objects.delete",
}


class TablePage(QWidget):
    """Shows ``document.object_table`` and what was measured; what is chosen in it is chosen everywhere."""

    def __init__(
        self,
        context: Context,
        measured: ObjectMeasurements,
        style: ObjectStyle,
        parent: QWidget | None = None,
    ) -> None:
        """Build the tab."""
        super().__init__(parent)
        self._context, self._session = context, context.session
        self._measured, self._style = measured, style
        self.model = TableModel(measured.is_stale)
        self.view = ObjectsTable(self.model)
        self.all_columns: tuple[TableColumn, ...] = ()
        self._filtered: frozenset[int] | None = None  # what the filter of this table has left
        self._new: frozenset[int] = (
            frozenset()
        )  # made since then; shown although the filter does not know them
        self._build()
        self.setFocusProxy(self.view)
        self._connect()
        self._read()

    def _build(self) -> None:
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter: class, flag, word of the notes, number")
        self.filter.setClearButtonEnabled(True)
        self.filter.setAccessibleName("Filter of the table")
        self.filter.setToolTip("Only objects with all of these words are listed and drawn")
        self.limits = LimitsBar()
        self.limit_button = _button("Limits", "mdi6.filter-outline", "Only values from … to … of a column")
        self.column_button = _button("Columns", "mdi6.view-column-outline", "Choose the columns")
        self.copy_button = _button("Copy", "mdi6.content-copy", "Copy the chosen rows, or all (Ctrl+C)")
        self.export_button = _button("Export…", "mdi6.export", "Write the table as CSV, XLSX or Parquet")
        self.measure_button = QPushButton("Measure")
        theme.set_icon(self.measure_button, "mdi6.ruler-square")
        self.measure_button.setToolTip("Measure all objects")
        self.border = QCheckBox("Without border objects")
        self.border.setToolTip("Objects that touch the border of the volume are not whole")
        self.border.setChecked(self._context.settings.get(_BORDER, True))
        self.summary = Note()  # never cut: half a number is another number
        self.choice = ColumnChoice(self)
        top = QHBoxLayout()
        for widget in (self.measure_button, self.filter, self.limit_button, self.column_button):
            top.addWidget(widget, 1 if widget is self.filter else 0)
        for button in (self.copy_button, self.export_button):
            top.addWidget(button)
        bottom = QHBoxLayout()
        bottom.addWidget(self.summary, 1)
        bottom.addWidget(self.border)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(self.limits)
        layout.addWidget(self.view, 1)
        layout.addLayout(bottom)

    def _connect(self) -> None:
        session = self._session
        self._typed = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._typed.timeout.connect(self._apply_filter)
        self.filter.textChanged.connect(self._typed.start)
        self.limits.changed.connect(self._apply_filter)
        self.limit_button.clicked.connect(self.limits.add)
        self.column_button.clicked.connect(self._on_column_button_clicked)
        self.choice.changed.connect(self._on_choice_changed)
        self.copy_button.clicked.connect(self.copy)
        self.export_button.clicked.connect(lambda: self._act("objects.export_table"))
        self.measure_button.clicked.connect(lambda: self._act("objects.measure"))
        self.border.toggled.connect(self._on_border_toggled)
        self.view.chosen.connect(self._on_view_chosen)
        self.view.asked.connect(self._on_view_asked)
        self.view.menu_wanted.connect(self._on_view_menu_wanted)
        self.model.modelReset.connect(self._show_chosen)
        # Not before the field of the note is closed: the rows are listed anew then.
        self.model.noted.connect(self._on_model_noted, Qt.ConnectionType.QueuedConnection)
        session.table_changed.connect(self._read)
        session.document_changed.connect(self._on_session_document_changed)
        session.objects.changed.connect(self._on_session_objects_changed)
        session.busy_changed.connect(self._enable)
        self._measured.changed.connect(self._read)
        self._style.changed.connect(self._on_style_changed)

    # -- what is listed --------------------------------------------------------------------------

    def _read(self) -> None:
        """List what there is now."""
        document = self._session.document
        table = ObjectTable() if document is None else document.object_table
        listing = Listing(table, self._measured.value)
        self.all_columns = columns_of(self._measured.value)
        self.limits.show_columns(self.all_columns)
        self._show_columns(listing, self._chosen_columns())
        if self._filtered is not None:
            self._list_filtered()
        self._show_chosen()
        self._enable()

    def _show_columns(self, listing: Listing, chosen: tuple[TableColumn, ...]) -> None:
        colours, outdated = self._style.colours(listing.numbers), self._measured.outdated_columns
        self.model.show_listing(listing, chosen, colours, outdated)

    def _chosen_columns(self) -> tuple[TableColumn, ...]:
        keys = self._context.settings.get(_COLUMNS, []) or usual_keys(self.all_columns)
        chosen = [column for column in self.all_columns if column.key in keys and column.key != Own.NOTES]
        notes = [column for column in self.all_columns if column.key == Own.NOTES and Own.NOTES in keys]
        return tuple(chosen + notes)  # the last one takes the room that is left

    def _apply_filter(self) -> None:
        """Have only what the filter leaves listed, and drawn."""
        self._typed.stop()
        self._new = frozenset()
        self._list_filtered()

    def _list_filtered(self) -> None:
        wanted = Filter(self.filter.text(), self.limits.limits)
        if wanted.active:
            listing = self.model.listing
            self._filtered = listing.matching(wanted) | self._new.intersection(listing.numbers.tolist())
            self._session.objects.set(only=self._filtered)
        elif self._filtered is not None:
            self._filtered = None
            self._session.objects.set(only=None)

    def _forget_filter(self) -> None:
        """Somebody else has said what is shown."""
        self._filtered, self._new = None, frozenset()
        self.filter.blockSignals(True)
        self.filter.clear()
        self.filter.blockSignals(False)
        self.limits.clear()

    def _on_session_document_changed(self) -> None:
        self._forget_filter()
        self._read()

    def _on_session_objects_changed(self) -> None:
        state = self._session.objects.value
        if state.only != self._filtered and self._filtered is not None:
            if state.only is not None and self._came_or_went(state.only ^ self._filtered):
                self._new |= state.only - self._filtered
                self._filtered = state.only
            else:
                self._forget_filter()
        self.model.show_only(state.only)
        self._show_chosen()

    def _came_or_went(self, numbers: frozenset[int]) -> bool:
        """Whether all of these objects are not listed yet, or are gone: an edit, and not another choice."""
        document = self._session.document
        there = {} if document is None else document.object_table.rows
        listed = self.model.listing.table.rows
        return all((number in there) != (number in listed) for number in numbers)

    def _on_style_changed(self) -> None:
        listed = self.model.listing.numbers
        self.model.show_style(self._style.colours(listed), self._session.objects.value.hidden)

    def _show_chosen(self) -> None:
        """Choose in the table what is chosen elsewhere, and say the figures."""
        selected = self._session.objects.value.selected
        if set(self.view.selected_numbers) != set(selected):
            self.view.choose(selected)
        self._show_summary()

    def _show_summary(self) -> None:
        model = self.model
        column = next((one for one in model.columns if one.key == model.sorted_by and one.measured), None)
        column = column or next((one for one in model.columns if one.measured), None)
        document = self._session.document
        there = document is not None and document.objects is not None
        text = summary_text(
            model.listing,
            model.order,
            column,
            chosen=len(self._session.objects.value.selected),
            stale=len(self._measured.stale.intersection(model.listing.numbers.tolist())),
            outdated=[one.title for one in self.all_columns if one.key in self._measured.outdated_columns],
            without_border=self.border.isChecked(),
        )
        if self._measured.labels_changed:
            text = f"⚠ {LABELS_CHANGED}  ·  {text}"
        self.view.say_when_empty(self._why_empty() if there else "")
        self.summary.setText(text if there else "There are no objects yet: find them in the panel “Objects”.")
        self.summary.setToolTip(text)

    def _why_empty(self) -> str:
        if self._filtered is not None:
            return "No object matches the filter."
        return "None of these objects is left: “Show all objects” lists the others."

    def _enable(self) -> None:
        document = self._session.document
        there = document is not None and document.objects is not None and len(self.model.listing) > 0
        self.measure_button.setEnabled(there)
        for widget in (self.filter, self.limit_button, self.copy_button, self.export_button):
            widget.setEnabled(there)

    # -- what the user does ----------------------------------------------------------------------

    def _on_view_chosen(self) -> None:
        self._session.objects.set(selected=self.view.selected_numbers)

    def _on_view_asked(self, asked: TableKey) -> None:
        if asked is TableKey.COPY:
            self.copy()
        else:
            self._act(_ACTIONS[asked])

    def _act(self, name: str) -> None:
        """Do what an action of the menus does, if that can be done now."""
        self._context.parts.actions.do(name)

    def _on_view_menu_wanted(self, place: QPoint) -> None:
        menu = QMenu(self)
        actions = self._context.parts.actions
        for name in (*_ACTIONS.values(), "objects.merge"):
            if name in actions.by_name:
                menu.addAction(actions.by_name[name])
        menu.addSeparator()
        menu.addAction("Copy rows", self.copy)
        menu.exec(place)
        menu.deleteLater()

    def _on_model_noted(self, number: int, text: str) -> None:
        document = self._session.document
        if document is None or number not in document.object_table.rows:
            return
        table = document.object_table
        change = table.change({number: replace(table.rows[number], notes=text)})
        self._session.change_rows(change, EditKind.NOTE)

    def _on_border_toggled(self, on: bool) -> None:
        self._context.settings.set(_BORDER, on)
        self._show_summary()

    def _on_column_button_clicked(self) -> None:
        self.choice.show_columns(self.all_columns, [column.key for column in self.model.columns])
        self.choice.pop_up(self.column_button)

    def _on_choice_changed(self, keys: tuple[str, ...] | None) -> None:
        self._context.settings.set(_COLUMNS, list(keys or ()))
        chosen, listing = self._chosen_columns(), self.model.listing
        self._show_columns(listing, chosen)
        if keys is None:
            self.choice.show_columns(self.all_columns, [column.key for column in chosen])
        self._show_chosen()

    def copy(self) -> None:
        """Copy the chosen rows, or all that are listed, as a spreadsheet takes them."""
        model = self.model
        rows = np.array(model.rows_of(self._session.objects.value.selected), np.intp)
        indices = model.order[rows] if len(rows) else model.order
        QGuiApplication.clipboard().setText(tab_separated(model.listing, indices, model.columns))
        them = "it" if len(indices) == 1 else "them"
        self._session.message.emit(f"Copied {count(len(indices), 'row')}; paste {them} into a spreadsheet.")

    def shut_down(self) -> None:
        """Nothing is left behind."""
        self._typed.stop()


def _button(text: str, icon: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    theme.set_icon(button, icon)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setToolTip(tip)
    return button
