"""The first sheet of an XLSX file, as this program and spreadsheet programs write it (ECMA-376, part 1)."""

from __future__ import annotations

import lzma
import re
import zipfile
import zlib
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from sxtstudio.core.errors import UserError
from sxtstudio.core.wording import cut
from sxtstudio.io.bad_tables import why_no_xlsx
from sxtstudio.io.table_limits import check_letters, check_names, check_size

#: Rows of a sheet, names included.
MOST_ROWS = 1_048_576
# A few bytes of a ZIP can promise any size. Sheets are packed to a tenth or a twentieth; other programs that
# read them refuse what is packed to less than a hundredth.
_LARGEST_SHEET, _LARGEST_TEXTS, _SMALL_PART = 1 << 30, 1 << 28, 1 << 24
_TIGHTEST = 200
_MOST_TEXTS = 4_000_000
# Of one row; a sheet has 16 384 columns.
_MOST_IN_ROW = 20_000

_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")  # ST_Xstring
_PLACE = re.compile(r"([A-Z]{1,3})\d+")


def read_xlsx(path: Path) -> dict[str, list[Any]]:
    """Return the columns of the first sheet by the names in its first row.

    Raises
    ------
    UserError
        If it is no such file.
    """
    try:
        with (
            zipfile.ZipFile(path) as archive,
            closing(_rows(archive, _first_sheet(archive), _shared_texts(archive))) as rows,
        ):
            first = next(rows, [])
            names = ["" if value is None else str(value) for value in first]
            check_names(path.name, names)
            table: list[list[Any]] = [[] for _ in names]
            for number, row in enumerate(rows, 1):
                check_size(path.name, number, max(len(table), 1))
                for column, values in enumerate(table):
                    value = row[column] if column < len(row) else None
                    if isinstance(value, str):
                        check_letters(path.name, names[column], len(value))
                    values.append(value)
    except _TooLarge as error:
        raise UserError(
            f"{cut(path.name)} holds far more than its size lets expect, as no table does. Choose another "
            "file."
        ) from error
    except _DAMAGED as error:
        raise UserError(why_no_xlsx(path)) from error
    return {name: values for name, values in zip(names, table, strict=True) if name}


class _TooLarge(Exception):
    """A part holds more than a table needs."""


# What parts bring about that are missing, cut, encrypted, packed in another way, or not what they should be.
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, ElementTree.ParseError),
    *(KeyError, ValueError, IndexError, EOFError, RuntimeError, OSError),
)


def _open(archive: zipfile.ZipFile, name: str, largest: int) -> Any:
    part = archive.getinfo(name)
    tight = part.file_size > _TIGHTEST * max(1, part.compress_size) and part.file_size > _SMALL_PART
    if part.file_size > largest or tight:
        raise _TooLarge(name)
    return archive.open(name)


def _first_sheet(archive: zipfile.ZipFile) -> str:
    """Return the name of the part that holds the first sheet."""
    with _open(archive, "xl/workbook.xml", _SMALL_PART) as file:
        sheet = ElementTree.parse(file).find(f"{_SHEET}sheets/{_SHEET}sheet")
    if sheet is None:
        raise ValueError("no sheet")
    with _open(archive, "xl/_rels/workbook.xml.rels", _SMALL_PART) as file:
        for relation in ElementTree.parse(file).iter(_RELATION):
            if relation.get("Id") == sheet.get(_ID):
                target = relation.get("Target", "")
                return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    raise ValueError("no sheet")


def _shared_texts(archive: zipfile.ZipFile) -> list[str]:
    name = "xl/sharedStrings.xml"
    if name not in archive.namelist():
        return []
    texts = []
    with _open(archive, name, _LARGEST_TEXTS) as file:
        whole: ElementTree.Element | None = None
        for event, element in ElementTree.iterparse(file, ("start", "end")):
            whole = element if whole is None else whole
            if event == "end" and element.tag == f"{_SHEET}si":
                texts.append(_text(element))
                whole.clear()
                if len(texts) > _MOST_TEXTS:
                    raise _TooLarge(name)
    return texts


def _text(element: ElementTree.Element) -> str:
    """Return a text; letters that XML does not have, and what looks like that, are written _x000D_."""
    whole = "".join(part.text or "" for part in element.iter(f"{_SHEET}t"))
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), whole) if "_x" in whole else whole


def _rows(archive: zipfile.ZipFile, name: str, texts: list[str]) -> Generator[list[Any]]:
    """Yield the values of each row; None where a cell is empty."""
    with _open(archive, name, _LARGEST_SHEET) as file:
        cells = 0
        for _, element in ElementTree.iterparse(file):
            cells += element.tag == f"{_SHEET}c"
            if cells > _MOST_IN_ROW:
                raise _TooLarge(name)
            if element.tag != f"{_SHEET}row":
                continue
            cells = 0
            row: list[Any] = []
            for cell in element.iter(f"{_SHEET}c"):
                place = _PLACE.fullmatch(cell.get("r", ""))
                column = _number(place[1]) if place else len(row)
                row += [None] * (column - len(row))
                row.append(_value(cell, texts))
            element.clear()
            yield row


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


def _value(cell: ElementTree.Element, texts: list[str]) -> Any:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return _text(cell)
    text = cell.findtext(f"{_SHEET}v")
    if text is None:
        return None
    if kind == "s":
        return texts[int(text)]
    if kind in ("str", "e", "d"):
        return text
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number
