"""The list of filopodia: whether each is whole, and what was measured of it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem, QWidget

from sxtstudio.app.objects.plots.data import number_columns
from sxtstudio.app.objects.table.listing import Listing
from sxtstudio.core.filopodia.listed import LISTED, filopodia_of

_NUMBER = Qt.ItemDataRole.UserRole


class FilopodiumList(QTableWidget):
    """A row per filopodium; those that are chosen in it are chosen everywhere.

    Signals
    -------
    chosen(object)
        The numbers (tuple) of the selected rows.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin empty."""
        super().__init__(0, 2, parent)
        self.setAccessibleName("List of filopodia")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setAlternatingRowColors(True)
        self.verticalHeader().hide()
        self.horizontalHeader().setHighlightSections(False)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        self.itemSelectionChanged.connect(self._on_selection_changed)

    def show_filopodia(self, listing: Listing) -> None:
        """List the filopodia of a table."""
        filopodia = filopodia_of(listing.table)
        there = {column.key: column for column in number_columns(listing)}
        columns = [there[key] for key in LISTED if key in there]
        with QSignalBlocker(self):
            self.setRowCount(len(filopodia))
            self.setColumnCount(2 + len(columns))
            self.setHorizontalHeaderLabels(["Object", "Whole", *(column.title for column in columns)])
            values = [listing.values(column.key) for column in columns]
            for row, one in enumerate(filopodia):
                place = int(np.searchsorted(listing.numbers, one.number))
                texts = [str(one.number), one.whole]
                texts += [f"{value[place]:.4g}" if np.isfinite(value[place]) else "" for value in values]
                for index, text in enumerate(texts):
                    self.setItem(row, index, _item(text, one.number, right=index != 1))
            self.resizeColumnsToContents()
            self.setColumnWidth(1, min(self.columnWidth(1), 240))

    def show_chosen(self, numbers: tuple[int, ...]) -> None:
        """Select the rows of chosen objects, and show the latest of them."""
        with QSignalBlocker(self):
            self.clearSelection()
            mode = self.selectionMode()
            self.setSelectionMode(QAbstractItemView.SelectionMode.MultiSelection)
            for row in range(self.rowCount()):
                if self._number(row) in numbers:
                    self.selectRow(row)
                    if self._number(row) == numbers[-1]:
                        self.scrollTo(self.model().index(row, 0))
            self.setSelectionMode(mode)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The objects that are listed."""
        return tuple(self._number(row) for row in range(self.rowCount()))

    def _number(self, row: int) -> int:
        item = self.item(row, 0)
        return 0 if item is None else int(item.data(_NUMBER))

    def _on_selection_changed(self) -> None:
        rows = sorted({index.row() for index in self.selectedIndexes()})
        self.chosen.emit(tuple(self._number(row) for row in rows))


def _item(text: str, number: int, *, right: bool) -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    item.setData(_NUMBER, number)
    item.setToolTip(text)
    if right:
        item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return item
