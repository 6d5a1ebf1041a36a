"""How large a table that is read may be: a small file can promise any number of rows, columns and letters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sxtstudio.core.errors import UserError
from sxtstudio.core.wording import cut, grouped

MOST_ROWS, MOST_COLUMNS, MOST_CELLS = 2_000_000, 2_000, 50_000_000
#: Of one cell, as in spreadsheet programs, and of all cells together.
MOST_LETTERS, MOST_BYTES = 32_767, 1 << 30


def check_size(name: str, rows: int, columns: int) -> None:
    """Raise UserError if the table ``name`` is larger than a table of objects is."""
    for found, most, what in (
        (columns, MOST_COLUMNS, "columns"),
        (rows, MOST_ROWS, "rows"),
        (rows * columns, MOST_CELLS, "cells"),
    ):
        if found > most:
            raise UserError(
                f"{cut(name)} has more than {grouped(most)} {what} and is no table of objects. Choose "
                "another file, or leave out what is not needed."
            )


def check_names(name: str, columns: Sequence[str | None]) -> None:
    """Raise UserError if two columns of the table ``name`` have one name; those without any do not count."""
    check_size(name, 0, len(columns))
    seen: set[str] = set()
    for column in columns:
        if column and column in seen:
            raise UserError(f"{cut(name)} has two columns “{cut(column)}”: take one of them out.")
        seen.add(column or "")


def check_letters(name: str, column: str, longest: int) -> None:
    """Raise UserError if the longest text of a column is longer than a cell holds."""
    if longest > MOST_LETTERS:
        raise UserError(
            f"{cut(name)} holds a text of {grouped(longest)} letters in “{cut(column)}”, and a cell holds at "
            f"most {grouped(MOST_LETTERS)}. Choose another file."
        )


def check_frame(name: str, frame: Any) -> None:
    """Raise UserError if a column of a polars frame holds something else than numbers and texts of a cell."""
    import polars

    total = 0
    for series in frame.iter_columns():
        if series.dtype.is_nested() or series.dtype in (polars.Binary, polars.Object):
            raise UserError(
                f"{cut(name)} holds neither numbers nor texts in “{cut(series.name)}”: leave this column out."
            )
        if series.dtype == polars.String:
            lengths = series.str.len_bytes()
            check_letters(name, series.name, int(lengths.max() or 0))
            total += int(lengths.cast(polars.Int64).sum() or 0)
    if total > MOST_BYTES:
        raise UserError(f"{cut(name)} holds more text than a table of objects. Choose another file.")
