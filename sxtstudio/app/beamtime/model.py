"""The tomograms of the wall as a list that views show, sort and filter."""

from __future__ import annotations

import math
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer

from sxtstudio.core.printable import printable
from sxtstudio.core.quality.dictionary import DEFINITIONS, FigureName
from sxtstudio.workflow.beamtime.record import TomogramRecord, TomogramState
from sxtstudio.workflow.beamtime.summary import (
    TomogramMark,
    headline_of,
    mark_of,
    needs_look,
    search_text,
    sentences_of,
    sorted_by,
)

Index = QModelIndex | QPersistentModelIndex
_WORST_FIRST = tuple(TomogramMark)
# What is searched is written down ahead, so long at a time, so that the first letter finds it.
_AHEAD_S, _PAUSE_MS = 0.02, 20


class Show(StrEnum):
    """Which tomograms are shown; the value is what the user reads."""

    ALL = "All"
    LOOK = "To look at"
    FAILED = "Failed"
    WORK = "In work"
    GOOD = "Good"


_SHOWN: dict[Show, Callable[[TomogramRecord], bool]] = {
    Show.ALL: lambda record: True,
    Show.LOOK: needs_look,
    Show.FAILED: lambda record: record.state is TomogramState.FAILED,
    Show.WORK: lambda record: record.state in (TomogramState.WAITING, TomogramState.RUNNING),
    Show.GOOD: lambda record: mark_of(record) is TomogramMark.GOOD,
}


class Order(StrEnum):
    """What comes first, besides the figures of quality; the value is what the user reads."""

    LATEST = "latest first"
    WORST = "worst first"
    NAME = "name"
    LABELLED = "most labelled"
    OBJECTS = "most bodies"


SortKey = Order | FigureName
SortValue = tuple[int, float | str, float]


def title_of(key: SortKey) -> str:
    """Return what the user reads."""
    return key.value if isinstance(key, Order) else DEFINITIONS[key].title.lower()


class WallModel(QAbstractListModel):
    """A row for each tomogram that is shown, in the order that was chosen.

    Sorted and filtered here, with a key for each tomogram once: a proxy of Qt's would ask Python for every
    comparison, and thousands of tomograms took half a second.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        """Begin empty, with all to be shown, the latest first."""
        super().__init__(parent)
        self.records: dict[str, TomogramRecord] = {}
        self._of_path: dict[str, set[str]] = {}
        self._shown: list[tuple[SortValue, str]] = []
        self._show = Show.ALL
        self._words: tuple[str, ...] = ()
        self._order: SortKey = Order.LATEST
        self._texts: dict[str, str] = {}  # what is searched, by the id of the record
        self._ahead = QTimer(self)
        self._ahead.setInterval(_PAUSE_MS)
        self._ahead.timeout.connect(self._write_texts)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  as in Qt
        """Return how many are shown."""
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the name, what a screen reader says, or the record."""
        record = self.record(index)
        if record is None:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return printable(record.name)
            case Qt.ItemDataRole.AccessibleTextRole:
                return printable(f"{record.name}, {mark_of(record).value}, {headline_of(record)}")
            case Qt.ItemDataRole.ToolTipRole:
                return printable(f"{record.name}: {' '.join(sentences_of(record)) or headline_of(record)}")
        return None

    def record(self, index: Index) -> TomogramRecord | None:
        """Return the tomogram of an index, or None where there is none."""
        return self.records[self._shown[index.row()][1]] if index.isValid() else None

    def row_of(self, record_id: str) -> int | None:
        """Return the row of a tomogram, or None where it is not shown."""
        record = self.records.get(record_id)
        if record is None:
            return None
        entry = self._entry(record)
        place = bisect_left(self._shown, entry)
        return place if place < len(self._shown) and self._shown[place] == entry else None

    def count(self, show: Show) -> int:
        """Return how many tomograms there are of a kind, whatever is shown."""
        return sum(map(_SHOWN[show], self.records.values()))

    def show_all(self, records: Iterable[TomogramRecord]) -> None:
        """Show other tomograms."""
        self.beginResetModel()
        self.records = {record.id: record for record in records}
        self._of_path = {}
        for record in self.records.values():
            self._of_path.setdefault(record.path, set()).add(record.id)
        self._texts.clear()
        self._arrange()
        self.endResetModel()
        self._ahead.start()

    def take(self, record: TomogramRecord) -> None:
        """Show what is known of one now; former ones of its place step back, as on the disk."""
        for former_id in self._of_path.get(record.path, set()) - {record.id}:
            former = self.records[former_id]
            if former.state is TomogramState.DONE:
                self._put(replace(former, replaced=True))
            else:
                self._hide(former_id)
                del self.records[former_id]
                self._texts.pop(former_id, None)
                self._of_path[record.path].remove(former_id)
        self._put(record)

    def set_filter(self, show: Show, text: str) -> None:
        """Show tomograms of a kind that have all words in their name or in what is said of them."""
        self.beginResetModel()
        self._show, self._words = show, tuple(text.lower().split())
        self._arrange()
        self.endResetModel()

    def set_order(self, order: SortKey) -> None:
        """Sort by something else."""
        self.beginResetModel()
        self._order = order
        self._arrange()
        self.endResetModel()

    def _arrange(self) -> None:
        self._shown = sorted(self._entry(record) for record in self.records.values() if self._fits(record))

    def _write_texts(self) -> None:
        """Write down what is searched of some tomograms, and stop once that is done for all."""
        until = time.monotonic() + _AHEAD_S
        for record in self.records.values():
            if record.id not in self._texts:
                self._text_of(record)
                if time.monotonic() > until:
                    return
        self._ahead.stop()

    def _text_of(self, record: TomogramRecord) -> str:
        if record.id not in self._texts:
            self._texts[record.id] = search_text(record)
        return self._texts[record.id]

    def _put(self, record: TomogramRecord) -> None:
        """Show a tomogram at its place, which may be another one now."""
        self._texts.pop(record.id, None)
        row = self.row_of(record.id)
        before = self.records.get(record.id)
        fits, entry = self._fits(record), self._entry(record)
        if row is not None and before is not None and fits and self._shown[row] == entry:
            self.records[record.id] = record
            self.dataChanged.emit(self.index(row), self.index(row))
            return
        self._hide(record.id)
        self.records[record.id] = record
        self._of_path.setdefault(record.path, set()).add(record.id)
        if fits:
            place = bisect_left(self._shown, entry)
            self.beginInsertRows(QModelIndex(), place, place)
            self._shown.insert(place, entry)
            self.endInsertRows()

    def _hide(self, record_id: str) -> None:
        row = self.row_of(record_id)
        if row is not None:
            self.beginRemoveRows(QModelIndex(), row, row)
            del self._shown[row]
            self.endRemoveRows()

    def _entry(self, record: TomogramRecord) -> tuple[SortValue, str]:
        """Return what decides the place of a tomogram: those without a value last, then the latest first."""
        latest = -datetime.fromisoformat(record.arrived).timestamp()
        return (*_value(record, self._order), latest), record.id

    def _fits(self, record: TomogramRecord) -> bool:
        if not _SHOWN[self._show](record):
            return False
        if not self._words:
            return True
        text = self._text_of(record)
        return all(word in text for word in self._words)


def _value(record: TomogramRecord, order: SortKey) -> tuple[int, float | str]:
    """Return what a tomogram is sorted by; (1, …) where it has no such value."""
    if isinstance(order, FigureName):
        figure = None if record.quality is None else record.quality.figure(order)
        value = None if figure is None else figure.value
        return (1, 0.0) if value is None or math.isnan(value) else (0, value)
    match order:
        case Order.LATEST:
            return 0, 0.0
        case Order.WORST:
            return 0, float(_WORST_FIRST.index(mark_of(record)))
        case Order.NAME:
            return 0, record.name.casefold()
        case Order.LABELLED:
            return (1, 0.0) if record.labelled is None else (0, -record.labelled)
    found = sorted_by(record)
    return (1, 0.0) if found is None else (0, -float(found))
