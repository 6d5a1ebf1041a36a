"""What the table lists: sorted, filtered and summed up by numpy, so that 20,000 rows are no burden; no Qt."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.app.objects.colouring import at_numbers
from sxtstudio.app.objects.table.columns import Own, flags_text
from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.measure.counted import at_border, counted, flagged, open_bodies
from sxtstudio.core.object_table import ObjectFlag, ObjectRow, ObjectTable

Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Limit:
    """Values of a column from ``low`` to ``high``, ends included; None: no end on that side."""

    key: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Filter:
    """Which rows are wanted.

    Attributes
    ----------
    text
        Words that all must stand in number, class, flags or notes; a whole number is the number of an object.
    limits
        All of them must hold; what was not measured lies within no limits.
    """

    text: str = ""
    limits: tuple[Limit, ...] = ()

    @property
    def active(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.text.strip() or self.limits)


@dataclass(frozen=True)
class Summary:
    """Figures of a column over ``count`` objects; ``border`` and ``sheets`` were left out as such.

    ``is_open`` of those that count are open.
    """

    count: int
    border: int
    sheets: int
    is_open: int
    mean: float
    sd: float
    median: float


class Listing:
    """The rows of a table with their measurements, in the order of their numbers."""

    def __init__(self, table: ObjectTable, measurements: Measurements | None) -> None:
        """Take a table, and what was measured of its objects."""
        self.table = table
        self.measurements = measurements
        self.numbers = np.fromiter(table.rows, np.int64, len(table.rows))
        self.rows: tuple[ObjectRow, ...] = tuple(table.rows.values())
        self._values: dict[str, NDArray[np.float64]] = {}

    def __len__(self) -> int:
        """Return how many objects there are."""
        return len(self.numbers)

    def values(self, key: str) -> NDArray[np.float64]:
        """Return a measured column (n,), NaN where an object was not measured."""
        if key not in self._values:
            measured = self.measurements
            if measured is None or key not in measured.values:
                return np.full(len(self), np.nan)
            if not np.issubdtype(measured.values[key].dtype, np.number):
                return np.full(len(self), np.nan)
            self._values[key] = at_numbers(measured, measured.values[key], self.numbers)
        return self._values[key]

    def text(self, key: str, index: int) -> str:
        """Return what stands in one of the table's own columns."""
        row = self.rows[index]
        match key:
            case Own.CLASS:
                return row.class_name
            case Own.FLAGS:
                return flags_text(row.flags)
            case Own.NOTES:
                return row.notes
            case _:
                return str(self.numbers[index])

    def order(self, key: str, *, descending: bool, only: Collection[int] | None = None) -> Indices:
        """Return the indices of the rows, sorted by a column; what is empty comes last either way.

        Rows that are alike stay in the order of their numbers. ``only``: no others are listed.
        """
        chosen = np.arange(len(self))
        if only is not None:
            chosen = chosen[np.isin(self.numbers, np.fromiter(only, np.int64, len(only)))]
        ranks = self._ranks(key)[chosen]
        known = np.isfinite(ranks)
        signed = -ranks[known] if descending else ranks[known]
        return np.concatenate([chosen[known][np.argsort(signed, kind="stable")], chosen[~known]])

    def _ranks(self, key: str) -> NDArray[np.float64]:
        if key == Own.NUMBER:
            return self.numbers.astype(np.float64)
        if key in tuple(Own):
            texts = [self.text(key, index).casefold() for index in range(len(self))]
            place = {text: rank for rank, text in enumerate(sorted(set(texts) - {""}))}
            return np.array([place.get(text, np.nan) for text in texts], np.float64)
        return self.values(key)

    def matching(self, wanted: Filter) -> frozenset[int]:
        """Return the numbers of the objects that a filter leaves."""
        kept = np.ones(len(self), np.bool_)
        for limit in wanted.limits:
            values = self.numbers.astype(np.float64) if limit.key == Own.NUMBER else self.values(limit.key)
            kept &= np.isfinite(values)
            if limit.low is not None:
                kept &= ~(values < limit.low)
            if limit.high is not None:
                kept &= ~(values > limit.high)
        words = wanted.text.casefold().split()
        if words:
            for index in np.flatnonzero(kept):
                kept[index] = self._says(int(index), words)
        return frozenset(self.numbers[kept].tolist())

    def _says(self, index: int, words: list[str]) -> bool:
        row, number = self.rows[index], str(self.numbers[index])
        said = f"{row.class_name}\n{flags_text(row.flags)}\n{row.notes}".casefold()
        return all(word == number if word.isdigit() else word in said for word in words)

    def summary(self, key: str, indices: Indices, *, without_border: bool) -> Summary | None:
        """Return the figures of a column over some rows; None where nothing of them was measured."""
        numbers, values = self.numbers[indices], self.values(key)[indices]
        known, rows = np.isfinite(values), self.table.rows
        border = at_border(numbers, self.values("touches_border")[indices], rows)
        sheets = flagged(numbers, rows, ObjectFlag.SHEET)
        asked_for = bool(sheets[known].all())  # nothing but sheets is listed
        found = counted(known, border, sheets, with_border=not without_border, with_sheets=asked_for)
        used: NDArray[Any] = values[found.rows]
        if not len(used):
            return None
        sd = float(np.std(used, ddof=1)) if len(used) > 1 else float("nan")
        left_out = int(found.border.sum()) if without_border else 0
        flat = int(found.sheets.sum())
        is_open = int((found.rows & open_bodies(numbers, rows)).sum())
        return Summary(len(used), left_out, flat, is_open, float(used.mean()), sd, float(np.median(used)))
