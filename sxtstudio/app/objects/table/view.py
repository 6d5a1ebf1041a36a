"""The table itself: selection, keys and the mouse; what they do is said to its page."""

from __future__ import annotations

from enum import Enum, auto

from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QItemSelectionRange,
    QModelIndex,
    QPersistentModelIndex,
    QSignalBlocker,
    Qt,
    Signal,
)
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractItemDelegate, QAbstractItemView, QHeaderView, QTableView, QWidget

from sxtstudio.app.objects.table.columns import Own
from sxtstudio.app.objects.table.model import TableModel

_WIDTHS_PX: dict[str, int] = {Own.NUMBER: 78, Own.CLASS: 120, Own.FLAGS: 100, Own.NOTES: 180}
_LEAST_PX, _MOST_PX, _HEADING_PX = 84, 210, 26


class TableKey(Enum):
    """What keys and clicks in the table ask for."""

    GO_TO = auto()
    HIDE = auto()
    ONLY = auto()
    SHOW_ALL = auto()
    DELETE = auto()
    COPY = auto()


# With Ctrl or without; they mean this while the table has the keyboard, whatever they mean elsewhere.
_KEYS: dict[tuple[Qt.Key, bool], TableKey] = {
    (Qt.Key.Key_Return, False): TableKey.GO_TO,
    (Qt.Key.Key_Enter, False): TableKey.GO_TO,
    (Qt.Key.Key_H, False): TableKey.HIDE,
    (Qt.Key.Key_O, False): TableKey.ONLY,
    (Qt.Key.Key_A, False): TableKey.SHOW_ALL,
    (Qt.Key.Key_Delete, False): TableKey.DELETE,
    (Qt.Key.Key_C, True): TableKey.COPY,
}


# Where none is chosen these choose the row where the keyboard is, and do not go on.
_FIRST = (Qt.Key.Key_Up, Qt.Key.Key_Down)


class ObjectsTable(QTableView):
    """Whole rows are chosen.

    Signals
    -------
    chosen()
        The user has chosen other rows.
    asked(TableKey)
        A key, or a double click.
    menu_wanted(QPoint)
        Of the screen, for the menu of the chosen rows.
    """

    chosen = Signal()
    asked = Signal(object)
    menu_wanted = Signal(object)

    def __init__(self, model: TableModel, parent: QWidget | None = None) -> None:
        """Show ``model``."""
        super().__init__(parent)
        self._table = model
        self._shown_keys: tuple[str, ...] = ()
        self._quiet = False
        self._nothing = ""
        self._row = self._column = 0  # of the current cell, for a table that is listed anew
        self.setModel(model)
        self.setAccessibleName("Table of objects")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setCornerButtonEnabled(False)
        self.setSortingEnabled(True)
        self.setTabKeyNavigation(False)  # Tab leaves the table; arrow keys move in it
        self.verticalHeader().hide()
        # Heights of single rows would be kept and counted for each of thousands of rows.
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        header, align = self.horizontalHeader(), Qt.AlignmentFlag
        header.setHighlightSections(False)
        header.setDefaultAlignment(align.AlignLeft | align.AlignVCenter)
        header.setSortIndicator(0, Qt.SortOrder.AscendingOrder)
        # A heading is never chosen; else each paint would ask all rows of each column whether they are.
        header.setSelectionModel(QItemSelectionModel(model, header))
        model.modelAboutToBeReset.connect(self._on_model_about_to_be_reset)
        model.modelReset.connect(self._on_model_reset)
        self.doubleClicked.connect(self._on_double_clicked)
        self._on_model_reset()

    @property
    def placeholder(self) -> str:
        """The sentence in place of the rows; "" while there are rows."""
        return "" if self._table.rowCount() else self._nothing

    def say_when_empty(self, text: str) -> None:
        """Show a sentence in place of the rows while there are none."""
        if text != self._nothing:
            self._nothing = text
            self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the rows, or why there are none."""
        super().paintEvent(event)
        if self.placeholder:
            with QPainter(self.viewport()) as painter:
                painter.setPen(self.palette().placeholderText().color())
                flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
                painter.drawText(self.viewport().rect().adjusted(8, 4, -8, -4), int(flags), self._nothing)

    # -- the selection ---------------------------------------------------------------------------

    @property
    def selected_numbers(self) -> tuple[int, ...]:
        """The chosen objects, the current one last."""
        rows: set[int] = set()
        selection = self.selectionModel().selection()
        for place in range(selection.count()):
            part = selection.at(place)
            rows.update(range(part.top(), part.bottom() + 1))
        current = self.currentIndex().row()
        ordered = sorted(rows - {current}) + ([current] if current in rows else [])
        return self._table.numbers_in(ordered)

    def choose(self, numbers: tuple[int, ...]) -> None:
        """Choose the rows of these objects without a signal, and bring the last one into sight."""
        selection = QItemSelection()
        rows, last = self._table.rows_of(numbers), self._table.columnCount() - 1
        begin = 0
        for place in range(1, len(rows) + 1):
            if place == len(rows) or rows[place] != rows[place - 1] + 1:
                # Not ``index``, which asks the model twice for each of thousands of scattered rows.
                top, bottom = (
                    self._table.createIndex(rows[begin], 0),
                    self._table.createIndex(rows[place - 1], last),
                )
                selection.append(QItemSelectionRange(top, bottom))
                begin = place
        self._quiet = True
        try:
            flags = QItemSelectionModel.SelectionFlag
            # Forgotten first: Qt would compare each of the former rows with each of the new ones.
            self.selectionModel().reset()
            self.selectionModel().select(selection, flags.Select)
            self.viewport().update()
            current = self._table.rows_of(numbers[-1:])
            if current:
                self._row = int(current[0])
            index = self._kept_place()
            self.setAutoScroll(False)
            self.selectionModel().setCurrentIndex(index, flags.NoUpdate)
            if current:
                self.scrollTo(index)
        finally:
            self.setAutoScroll(True)
            self._quiet = False

    def _kept_place(self) -> QModelIndex:
        """Return the cell where the keyboard was; where its object is gone, that of the next one."""
        row = min(max(self._row, 0), self._table.rowCount() - 1)
        if row < 0:
            return QModelIndex()
        return self._table.index(row, min(max(self._column, 0), self._table.columnCount() - 1))

    def currentChanged(
        self, current: QModelIndex | QPersistentModelIndex, previous: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Keep the row: the table is listed anew after each change."""
        super().currentChanged(current, previous)
        if current.isValid():
            self._row = current.row()

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        """Say what the user has chosen."""
        super().selectionChanged(selected, deselected)
        if not self._quiet:
            self.chosen.emit()

    def _on_model_about_to_be_reset(self) -> None:
        """Keep what is being written, and the column."""
        current = self.currentIndex()
        self._column = current.column()
        editor = self.indexWidget(current) if current.isValid() else None
        if editor is not None and self.state() == QAbstractItemView.State.EditingState:
            self.commitData(editor)
            self.closeEditor(editor, QAbstractItemDelegate.EndEditHint.NoHint)

    def _on_model_reset(self) -> None:
        """The columns may be others, and the rows in another order."""
        self.setAutoScroll(False)  # who has scrolled stays there
        self.selectionModel().setCurrentIndex(self._kept_place(), QItemSelectionModel.SelectionFlag.NoUpdate)
        self.setAutoScroll(True)
        keys = tuple(column.key for column in self._table.columns)
        if self._table.sorted_by in keys:
            order = Qt.SortOrder.DescendingOrder if self._table.descending else Qt.SortOrder.AscendingOrder
            with QSignalBlocker(self.horizontalHeader()):  # they are sorted already
                self.horizontalHeader().setSortIndicator(keys.index(self._table.sorted_by), order)
        if keys == self._shown_keys:
            return
        self._shown_keys = keys
        metrics = self.fontMetrics()
        for place, (key, column) in enumerate(zip(keys, self._table.columns, strict=True)):
            title = metrics.horizontalAdvance(column.title) + _HEADING_PX
            self.setColumnWidth(place, _WIDTHS_PX.get(key, min(max(title, _LEAST_PX), _MOST_PX)))
        self.horizontalHeader().setStretchLastSection(keys[-1:] == (Own.NOTES,))

    # -- keys and mouse --------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Take keys of the table before the menus do."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            # Also while a note is written: its field passes Enter on, which means nothing here then.
            if _asked_by(event) is not None:
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Do what the keys of the table mean; no letter goes to a row that begins with it."""
        asked = _asked_by(event)
        if self.state() == QAbstractItemView.State.EditingState:
            super().keyPressEvent(event)  # Enter, passed on by the field of a note
        elif asked is not None:
            self.asked.emit(asked)
        elif event.key() in _FIRST and not event.modifiers() and not self.selectionModel().hasSelection():
            # The first object is reached, too, and after one was deleted the one that took its place.
            self.selectRow(self.currentIndex().row() if self.currentIndex().isValid() else 0)
        elif event.text().strip() and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            event.ignore()
        else:
            super().keyPressEvent(event)

    def _on_double_clicked(self, index: QModelIndex) -> None:
        if self._table.columns[index.column()].key == Own.NOTES:
            self.edit(index)
        else:
            self.asked.emit(TableKey.GO_TO)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer what can be done with the chosen rows."""
        self.menu_wanted.emit(event.globalPos())


def _asked_by(event: QKeyEvent) -> TableKey | None:
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    if modifiers not in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier):
        return None
    return _KEYS.get((Qt.Key(event.key()), modifiers == Qt.KeyboardModifier.ControlModifier))
