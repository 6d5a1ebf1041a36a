"""The table of the objects for Qt: rows come from a listing when they are drawn, and are never copied."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QFont, QGuiApplication

from sxtstudio.app.objects.table.columns import OWN, Own, TableColumn, flags_sentence
from sxtstudio.app.objects.table.listing import Indices, Listing
from sxtstudio.core.object_colours import Colours
from sxtstudio.core.object_table import Decided, ObjectTable
from sxtstudio.core.wording import grouped, significant

Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
# Asked for each cell of a selection: made once.
_READ = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
_WRITTEN = _READ | Qt.ItemFlag.ItemIsEditable
STALE = "May have changed since it was measured: measure again."
STALE_COLUMN = "Depends on other objects, and these or their classes have changed: measure again."


class TableModel(QAbstractTableModel):
    """Lists objects in any order; only notes can be edited.

    Signals
    -------
    noted(int, str)
        The user wants other notes for an object.
    """

    noted = Signal(object, str)  # numbers go beyond the "int" of Qt

    def __init__(self, is_stale: Callable[[int], bool]) -> None:
        """Begin empty; ``is_stale`` says whether an object changed since it was measured."""
        super().__init__()
        self._is_stale = is_stale
        self.listing = Listing(ObjectTable(), None)
        self.columns: tuple[TableColumn, ...] = OWN
        self._notes = len(OWN) - 1
        self.order: Indices = np.empty(0, np.intp)
        self.sorted_by: str = Own.NUMBER
        self.descending = False
        self._only: Collection[int] | None = None
        self._colours: Colours = np.empty((0, 3), np.uint8)
        self._hidden: frozenset[int] = frozenset()
        self._outdated: frozenset[str] = frozenset()

    # -- what is shown ---------------------------------------------------------------------------

    def show_listing(
        self,
        listing: Listing,
        columns: tuple[TableColumn, ...],
        colours: Colours,
        outdated: frozenset[str],
    ) -> None:
        """List other objects.

        ``colours`` (n, 3) are of all objects of the listing; ``outdated`` are the keys of columns that hold
        of none of them any more.
        """
        self.beginResetModel()
        self._outdated = outdated
        self.listing, self.columns, self._colours = listing, columns, colours
        self._notes = next((n for n, one in enumerate(columns) if one.key == Own.NOTES), -1)
        if self.sorted_by not in [column.key for column in columns]:
            self.sorted_by, self.descending = Own.NUMBER, False
        self._sort()
        self.endResetModel()

    def show_only(self, only: Collection[int] | None) -> None:
        """List only some, or all."""
        if only != self._only:
            self.beginResetModel()
            self._only = only
            self._sort()
            self.endResetModel()

    def show_style(self, colours: Colours, hidden: frozenset[int]) -> None:
        """Draw the swatches in other colours, and what is hidden faint; the rows stay."""
        self._colours, self._hidden = colours, hidden
        if len(self.order):
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.order) - 1, len(self.columns) - 1))

    def _sort(self) -> None:
        self.order = self.listing.order(self.sorted_by, descending=self.descending, only=self._only)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column."""
        if 0 <= column < len(self.columns):
            self.beginResetModel()
            self.sorted_by = self.columns[column].key
            self.descending = order == Qt.SortOrder.DescendingOrder
            self._sort()
            self.endResetModel()

    def number(self, row: int) -> int:
        """Return the number of the object in a row."""
        return int(self.listing.numbers[self.order[row]])

    def numbers(self) -> list[int]:
        """Return the objects that are listed, from above."""
        listed: list[int] = self.listing.numbers[self.order].tolist()
        return listed

    def numbers_in(self, rows: Collection[int]) -> tuple[int, ...]:
        """Return the objects in these rows, in their order."""
        places = np.fromiter(rows, np.intp, len(rows))
        return tuple(self.listing.numbers[self.order[places]].tolist())

    def rows_of(self, numbers: Collection[int]) -> list[int]:
        """Return the rows that objects stand in, ascending; those that are not listed are left out."""
        wanted = np.fromiter(numbers, np.int64, len(numbers))
        rows: list[int] = np.flatnonzero(np.isin(self.listing.numbers[self.order], wanted)).tolist()
        return rows

    # -- what Qt asks for ------------------------------------------------------------------------

    def rowCount(self, parent: Index = _ROOT) -> int:
        """Return how many objects are listed."""
        return 0 if parent.isValid() else len(self.order)

    def columnCount(self, parent: Index = _ROOT) -> int:
        """Return how many columns are shown."""
        return 0 if parent.isValid() else len(self.columns)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return heading and definition of a column."""
        if orientation == Qt.Orientation.Horizontal and section < len(self.columns):
            if role == Qt.ItemDataRole.DisplayRole:
                return self.columns[section].title
            if role == Qt.ItemDataRole.ToolTipRole:
                return self.columns[section].tip
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what is drawn in a cell."""
        place, column = int(self.order[index.row()]), self.columns[index.column()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return self.text(place, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column.measured or column.key == Own.NUMBER else None
        if role == Qt.ItemDataRole.DecorationRole and column.key == Own.NUMBER:
            return QColor(*self._colours[place].tolist()) if len(self._colours) else None
        number = int(self.listing.numbers[place])
        if role == Qt.ItemDataRole.ForegroundRole:
            faint = number in self._hidden or self._is_outdated(number, column)
            return QGuiApplication.palette().placeholderText() if faint else None
        if role == Qt.ItemDataRole.FontRole and self._is_outdated(number, column):
            font = QFont()
            font.setItalic(True)
            return font
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(place, number, column)
        return None

    def text(self, place: int, column: TableColumn) -> str:
        """Return what stands in a cell; ``place`` counts in the listing."""
        if not column.measured:
            return self.listing.text(column.key, place)
        return value_text(column, float(self.listing.values(column.key)[place]))

    def _is_outdated(self, number: int, column: TableColumn) -> bool:
        return column.measured and (column.key in self._outdated or self._is_stale(number))

    def _tip(self, place: int, number: int, column: TableColumn) -> str | None:
        row = self.listing.rows[place]
        if column.key == Own.FLAGS:
            return flags_sentence(row.flags) or None
        if column.key == Own.CLASS and row.class_name:
            sure = "" if row.sure is None else f", sure to {100 * row.sure:.0f} %"
            return f"{row.class_name}: {_DECIDED[row.decided]}{sure}"
        if column.key == Own.NOTES:
            return row.notes or None
        if column.measured and self._is_stale(number):
            return STALE
        if column.key in self._outdated:
            return STALE_COLUMN
        return "Hidden" if column.key == Own.NUMBER and number in self._hidden else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Notes can be edited."""
        return _WRITTEN if index.column() == self._notes else _READ

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Say what the user has written; the row follows once it is so."""
        if role != Qt.ItemDataRole.EditRole or self.columns[index.column()].key != Own.NOTES:
            return False
        self.noted.emit(self.number(index.row()), str(value).strip())
        return True


def value_text(column: TableColumn, value: float) -> str:
    """Return a measured value as the window writes it; "" where there is none."""
    if not np.isfinite(value):
        return ""
    return grouped(round(value)) if column.integer else significant(value, 4)


_DECIDED = {
    Decided.NOBODY: "nobody said so",
    Decided.HAND: "said by hand",
    Decided.RULE: "by a rule",
    Decided.CLASSIFIER: "by the classifier",
}
