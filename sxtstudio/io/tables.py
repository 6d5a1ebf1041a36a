"""Tables: CSV, XLSX and Parquet, each with a dictionary of its columns.

The dictionary lies beside a CSV or a Parquet file as ``NAME.dictionary.csv``, and is the second sheet of an
XLSX file. Numbers keep seven digits: more are not measured.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.measure.table import DICTIONARY_NAMES, FileColumn, Table
from sxtstudio.core.plain_files import open_plain
from sxtstudio.core.printable import csv_names, csv_text, printable, without_mark
from sxtstudio.core.verified import differs, read_back, write_content
from sxtstudio.core.wording import cut, grouped
from sxtstudio.io.bad_tables import SAVE_IT, unreadable, why_no_parquet
from sxtstudio.io.table_limits import MOST_LETTERS, check_frame, check_names, check_size
from sxtstudio.io.table_limits import MOST_ROWS as MOST_TABLE_ROWS
from sxtstudio.io.xlsx import MOST_ROWS, read_xlsx

if TYPE_CHECKING:
    from polars import DataFrame

TABLE_SUFFIXES = (".csv", ".xlsx", ".parquet")
_DIGITS = 7
_MOST_COMPARED = 2_000_000  # cells of an XLSX file, which are read one by one
# A table that is larger is none of objects.
_LARGEST_BYTES = 2 << 30
_LONGEST_HEADER = 1 << 20


def dictionary_path(path: Path) -> Path | None:
    """Return where the dictionary of a table lies; None where it is in the same file."""
    return None if path.suffix.lower() == ".xlsx" else path.with_name(f"{path.stem}.dictionary.csv")


def write_table(path: Path, table: Table) -> str:
    """Write a table and its dictionary, and read them back; both get their names only when they are whole.

    Text that a spreadsheet program would take for a formula is written so that it stays text.

    Returns
    -------
    str
        What was read back and was the same, in words, or why nothing was.

    Raises
    ------
    UserError
        For any other suffix, for more rows than an XLSX file holds, where a file cannot be written, and where
        it is not the same when it is read back.
    """
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise UserError(f"{path.name} is no name for a table: end it in one of {', '.join(TABLE_SUFFIXES)}.")
    if path.suffix.lower() == ".xlsx" and len(table) >= MOST_ROWS:
        raise UserError(
            f"{path.name}: an XLSX file holds at most {grouped(MOST_ROWS - 1)} rows and the table has "
            f"{grouped(len(table))}. Write it as .csv or .parquet."
        )
    if path.suffix.lower() == ".xlsx":
        for column in (one for one in table.columns if one.values.dtype.kind == "O"):
            longest = max((len(text) for text in _rounded(column)), default=0)
            if longest > MOST_LETTERS:
                raise UserError(
                    f"{path.name}: a cell of an XLSX file holds at most {grouped(MOST_LETTERS)} letters "
                    f"and one of “{column.name}” has {grouped(longest)}. Write it as .csv or .parquet."
                )
    beside = dictionary_path(path)
    if beside is not None:
        with atomic_write(beside) as temporary:
            text = csv_text(DICTIONARY_NAMES, table.dictionary())
            write_content(temporary, beside, text.encode())
    with atomic_write(path) as temporary:
        writer(temporary, path, table)
    if path.suffix.lower() == ".xlsx" and _is_long(table):
        return f"not read back: more than {grouped(_MOST_COMPARED)} cells take minutes; .csv and .parquet are"
    return read_back("every cell")


def read_table(path: Path) -> dict[str, NDArray[Any]]:
    """Return the columns of a table by their names: int64, float64 (NaN where empty) or text (object).

    Files of other programs are read as well, as far as their first row (sheet) holds the names.

    Raises
    ------
    UserError
        If it is no table, cannot be read, has two columns of one name, or is larger than ``table_limits``.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UserError(f"{path.name} is no table: choose a file that ends in {', '.join(TABLE_SUFFIXES)}.")
    if not path.is_file():
        raise UserError(f"{path} does not exist: choose a table.")
    if path.stat().st_size > _LARGEST_BYTES:
        raise UserError(f"{path.name} is too large to be a table of objects: choose another file.")
    return {name: _column(values) for name, values in reader(path).items()}


def where_names(path: Path) -> str:
    """Return where a table has the names of its columns: what to look at where one is missing."""
    sheet = " of the first sheet" if path.suffix.lower() == ".xlsx" else ""
    return f"the first row{sheet}" if path.suffix.lower() != ".parquet" else "its schema"


def _rounded(column: FileColumn) -> list[Any]:
    """The values as Python's own, None where there is none."""
    values = column.values
    if values.dtype.kind == "O":
        return [printable(str(value)) for value in values]
    if values.dtype.kind in "iub":
        return [int(value) for value in values.tolist()]
    return [float(f"{value:.{_DIGITS}g}") if np.isfinite(value) else None for value in values.tolist()]


def _write_csv(path: Path, target: Path, table: Table) -> None:
    names = [column.name for column in table.columns]
    each = [_rounded(column) for column in table.columns]
    rows = (dict(zip(names, values, strict=True)) for values in zip(*each, strict=True))
    write_content(path, target, csv_text(names, rows).encode())


def _write_xlsx(path: Path, target: Path, table: Table) -> None:
    import xlsxwriter

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(path, options) as book:
        bold = book.add_format({"bold": True})
        sheet = book.add_worksheet("Objects")
        sheet.freeze_panes(1, 1)
        sheet.write_row(0, 0, [column.name for column in table.columns], bold)
        for number, row in enumerate(zip(*map(_rounded, table.columns), strict=True), start=1):
            sheet.write_row(number, 0, row)
        sheet = book.add_worksheet("Dictionary")
        sheet.freeze_panes(1, 1)
        sheet.set_column(0, 1, 28)
        sheet.set_column(3, 5, 80)
        sheet.write_row(0, 0, DICTIONARY_NAMES, bold)
        for number, words in enumerate(table.dictionary(), start=1):
            sheet.write_row(number, 0, [words[name] for name in DICTIONARY_NAMES])
    if not _is_long(table):
        _compare_xlsx(path, target, table)


def _is_long(table: Table) -> bool:
    return len(table) * len(table.columns) > _MOST_COMPARED


def _compare_xlsx(path: Path, target: Path, table: Table) -> None:
    back = read_xlsx(path)
    if [*back] != [column.name for column in table.columns]:
        raise differs(target, "the names of its columns")
    for column in table.columns:
        wanted = [None if value == "" else value for value in _rounded(column)]
        if back[column.name] != wanted:
            raise differs(target, f"the column {column.name}")


def _write_parquet(path: Path, target: Path, table: Table) -> None:
    import polars

    frame = polars.DataFrame({column.name: _series(column) for column in table.columns})
    frame.write_parquet(path, metadata={f"sxtstudio: {name}": text for name, text in table.about.items()})
    if not polars.read_parquet(path, use_pyarrow=False).equals(frame):
        raise differs(target, "its values")


def _series(column: FileColumn) -> Any:
    import polars

    kinds = {"i": polars.Int64, "u": polars.Int64, "b": polars.Int64, "O": polars.String}
    kind = kinds.get(column.values.dtype.kind, polars.Float64)
    if kind is polars.Float64:
        return polars.Series(column.name, column.values.astype(np.float64), nan_to_null=True)
    return polars.Series(column.name, _rounded(column), dtype=kind)


def _read_csv(path: Path) -> dict[str, list[Any]]:
    import polars

    _check_header(path)
    try:
        frame = polars.read_csv(path, infer_schema_length=None, encoding="utf8", n_rows=MOST_TABLE_ROWS + 1)
    except polars.exceptions.NoDataError as error:
        raise UserError(f"{cut(path.name)} is empty. Choose another table.") from error
    except (polars.exceptions.PolarsError, UnicodeError) as error:
        raise UserError(_why_no_csv(path)) from error
    return _checked(path, frame)


def _check_header(path: Path) -> None:
    """Look at the names of the columns before all of the file is read."""
    try:
        with open_plain(path) as file:
            line = file.readline(_LONGEST_HEADER + 1)
    except OSError as error:
        raise UserError(unreadable(path, error)) from error
    if len(line) > _LONGEST_HEADER:
        raise UserError(f"{cut(path.name)} does not begin with the names of columns. Choose a table.")
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in line:
        raise UserError(f"{cut(path.name)} is not in UTF-8 but perhaps in UTF-16. {SAVE_IT}")
    try:
        names = csv_names(line.decode("utf-8-sig", "replace"))
    except ValueError as error:
        raise UserError(_why_no_csv(path)) from error
    # As spreadsheet programs write it where the decimal mark is a comma: 1,5 could be one number or two.
    for mark, what in ((";", "semicolons"), ("\t", "tabs")):
        if len(names) == 1 and mark in names[0]:
            raise UserError(f"{cut(path.name)} is separated by {what}. {SAVE_IT}")
    check_names(path.name, names)


def _why_no_csv(path: Path) -> str:
    """Say why a CSV file cannot be read, without the words of a parser."""
    try:
        with open_plain(path) as file:
            decoder = codecs.getincrementaldecoder("utf-8")()
            while block := file.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return f"{cut(path.name)} is not in UTF-8. {SAVE_IT}"
    return f"{cut(path.name)} has rows that do not fit the names of its columns. {SAVE_IT}"


def _read_parquet(path: Path) -> dict[str, list[Any]]:
    import polars

    try:
        # Both are in the footer: what it promises is known before anything is unpacked.
        columns = len(polars.read_parquet_schema(path))
        rows = polars.scan_parquet(path).select(polars.len()).collect().item()
        check_size(path.name, rows, columns)
        frame = polars.read_parquet(path, use_pyarrow=False)
    except (polars.exceptions.PolarsError, polars.exceptions.PanicException, OSError) as error:
        raise UserError(why_no_parquet(path)) from error
    return _checked(path, frame)


def _checked(path: Path, frame: DataFrame) -> dict[str, list[Any]]:
    """Return the columns of a table that was read, if it is no larger than a table may be."""
    check_size(path.name, frame.height, frame.width)
    check_frame(path.name, frame)
    values: dict[str, list[Any]] = frame.to_dict(as_series=False)
    return values


def _column(values: list[Any]) -> NDArray[Any]:
    """Numbers where all are such, else text, without the mark that keeps it from being a formula."""
    there = [value for value in values if value is not None and value != ""]
    if there and all(isinstance(value, int | float) for value in there):
        if len(there) == len(values) and all(_is_whole(value) for value in there):
            return np.array([int(value) for value in values], np.int64)
        return np.array([np.nan if value in (None, "") else float(value) for value in values])
    if not there:
        return np.full(len(values), np.nan)
    return np.array(["" if value is None else without_mark(str(value)) for value in values], object)


def _is_whole(value: float) -> bool:
    """Whether a number fits into int64 as it is."""
    return float(value).is_integer() and -(1 << 63) <= int(value) < 1 << 63


_WRITERS: dict[str, Callable[[Path, Path, Table], None]] = {
    ".csv": _write_csv,
    ".xlsx": _write_xlsx,
    ".parquet": _write_parquet,
}
_READERS: dict[str, Callable[[Path], dict[str, list[Any]]]] = {
    ".csv": _read_csv,
    ".xlsx": read_xlsx,
    ".parquet": _read_parquet,
}
