"""The table of the objects in files: whole, as a change of an edit, and as a log that outlives a crash.

A project holds it whole, as JSON ("objects-3.json"):

    {"schema": "sxtstudio-objects/1",
     "classes": [{"name": "Vesicle", "rgb": [75, 160, 235]}, …],
     "rows": {"1": {"class": "Vesicle", "decided": "hand", "notes": "…", "flags": ["border"]}, "2": {}, …}}

The log of a working folder (objects.jsonl) begins with a line of that, and each change since has appended a
line {"after": {"2": {…}, "7": null}, "classes": […]}: null is an object that there is no more. Everything is
checked when it is read, because a project may come from a stranger.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.object_classes import ObjectClass
from sxtstudio.core.object_table import MOST_NUMBER, Decided, ObjectFlag, ObjectRow, ObjectTable, TableChange
from sxtstudio.core.plain_files import append_lines, read_plain
from sxtstudio.core.records import RecordError, WrongKey, json_values, read_json, record_of
from sxtstudio.core.wording import bytes_text

SCHEMA = "sxtstudio-objects/1"
#: No table, and no change of one, is larger than this in a file.
MOST_BYTES = 64 << 20
#: The log is written anew when it is larger than this and than four times the table.
_LOG_BYTES = 8 << 20
_MOST_LOG_BYTES = 1 << 30
_Number = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,9}\Z", description="the number of an object")]
_Byte = Annotated[int, Meta(ge=0, le=255)]


class _Class(Struct, frozen=True):
    name: Annotated[str, Meta(min_length=1, description="a name")]
    rgb: tuple[_Byte, _Byte, _Byte]


class _Row(Struct, frozen=True, omit_defaults=True):
    class_name: str = msgspec.field(default="", name="class")
    decided: Decided = Decided.NOBODY
    sure: Annotated[float, Meta(ge=0, le=1)] | None = None
    notes: str = ""
    flags: tuple[ObjectFlag, ...] = ()


class _Table(Struct, frozen=True):
    schema: Literal["sxtstudio-objects/1"]
    classes: tuple[_Class, ...]
    rows: dict[_Number, _Row]

    def __post_init__(self) -> None:
        """Refuse what does not go together."""
        names = [found.name for found in self.classes]
        if len(set(names)) < len(names):
            raise WrongKey("classes", "classes of different names")
        _check_numbers(self.rows)
        known = {"", *names}
        if any(row.class_name not in known for row in self.rows.values()):
            raise WrongKey("class", "the name of one of the classes")


class _Logged(Struct, frozen=True, omit_defaults=True):
    after: dict[_Number, _Row | None] = {}
    classes: tuple[_Class, ...] | None = None


class _Change(Struct, frozen=True, omit_defaults=True):
    before: dict[_Number, _Row | None] = {}
    after: dict[_Number, _Row | None] = {}
    classes: tuple[tuple[_Class, ...], tuple[_Class, ...]] | None = None

    def __post_init__(self) -> None:
        """Refuse what is no change."""
        _check_numbers(self.after)
        if self.before.keys() != self.after.keys():
            raise WrongKey("before", 'of the same objects as "after"')


def _check_numbers(rows: Mapping[str, Any]) -> None:
    if any(len(number) > 9 and int(number) > MOST_NUMBER for number in rows):
        raise WrongKey("rows", f"of objects with numbers up to {MOST_NUMBER}")


def _row_file(row: ObjectRow | None) -> _Row | None:
    if row is None:
        return None
    return _Row(row.class_name, row.decided, row.sure, row.notes, tuple(sorted(row.flags)))


def _rows_file(rows: Mapping[int, ObjectRow | None]) -> dict[str, _Row | None]:
    # Of thousands of rows most are alike: after objects were found, all but for their flags.
    made: dict[ObjectRow | None, _Row | None] = {row: _row_file(row) for row in set(rows.values())}
    return {str(number): made[row] for number, row in rows.items()}


def _row(row: _Row) -> ObjectRow:
    return ObjectRow(row.class_name, row.decided, row.sure, row.notes, frozenset(row.flags))


def _rows(rows: Mapping[str, _Row | None]) -> dict[int, ObjectRow | None]:
    return {int(number): None if row is None else _row(row) for number, row in rows.items()}


def _classes_file(classes: tuple[ObjectClass, ...]) -> tuple[_Class, ...]:
    return tuple(_Class(found.name, found.rgb) for found in classes)


def _classes(classes: tuple[_Class, ...]) -> tuple[ObjectClass, ...]:
    return tuple(ObjectClass(found.name, found.rgb) for found in classes)


# -- the whole table ---------------------------------------------------------------------------------


def table_bytes(table: ObjectTable) -> bytes:
    """Return a table as JSON in one line, UTF-8.

    Raises
    ------
    UserError
        If it is larger than what would be read again.
    """
    content = {"schema": SCHEMA, "classes": _classes_file(table.classes), "rows": _rows_file(table.rows)}
    text = msgspec.json.encode(content)
    if len(text) > MOST_BYTES:
        raise UserError(
            f"The table of {len(table.rows):,} objects takes {bytes_text(len(text))}, and "
            f"{bytes_text(MOST_BYTES)} is the most. Remove the small objects first."
        )
    return text


def write_table(path: Path, table: ObjectTable) -> int:
    """Write a table to a file, all at once; return the CRC-32 of the file.

    Raises
    ------
    UserError
        If it cannot be written; the former file is then unchanged.
    """
    text = table_bytes(table)
    with atomic_write(path, own=True) as temporary:
        temporary.write_bytes(text)
    return zlib.crc32(text)


def read_table(path: Path, what: str) -> tuple[ObjectTable, int]:
    """Read and check a table; return it with the CRC-32 of the file. ``what`` names it in an error.

    Raises
    ------
    UserError
        If it is missing, damaged, or of a newer version.
    """
    advice = "Use a copy of it, if you have one."
    content = read_json(path, what, advice)
    schema = str(content.get("schema", ""))
    if schema.startswith("sxtstudio-objects/") and schema != SCHEMA:
        raise UserError(f"{what} was written by a newer SXT Studio. Install the newer version to read it.")
    table = _table(record_of(content, _Table, f"{what} is damaged", advice))
    try:
        return table, zlib.crc32(read_plain(path, MOST_BYTES))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}. Check the disk.") from error


def _table(found: _Table) -> ObjectTable:
    numbers = sorted((int(number), row) for number, row in found.rows.items())
    return ObjectTable({number: _row(row) for number, row in numbers}, _classes(found.classes))


# -- a change of an edit -----------------------------------------------------------------------------


def pack_change(change: TableChange) -> tuple[bytes, int]:
    """Return a change, packed (zlib), and how many bytes it is unpacked.

    Raises
    ------
    ValueError
        If it is larger than what would be read again.
    """
    classes = change.classes and (_classes_file(change.classes[0]), _classes_file(change.classes[1]))
    text = msgspec.json.encode(_Change(_rows_file(change.before), _rows_file(change.after), classes))
    if len(text) > MOST_BYTES:
        raise ValueError("the change of the table is too large to be kept")
    return zlib.compress(text, 1), len(text)


def unpack_change(data: bytes, size: int, what: str) -> TableChange:
    """Return a change that ``pack_change`` packed; never unpacks more than ``size`` bytes.

    Raises
    ------
    RecordError, ValueError
        If it is anything else.
    """
    if size > MOST_BYTES:
        raise ValueError("a change of a table that is too large")
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(data, size + 1)
    except zlib.error as error:
        raise ValueError(f"a damaged change of a table ({error})") from error
    if len(text) != size or not unpacking.eof:
        raise ValueError("a change of a table of another size")
    found = record_of(json_values(text, what), _Change, what)
    classes = found.classes and (_classes(found.classes[0]), _classes(found.classes[1]))
    return TableChange(_rows(found.before), _rows(found.after), classes)


# -- the log -----------------------------------------------------------------------------------------


class TableLog:
    """The table of a working folder, change after change, so that a crash loses none."""

    def __init__(self, path: Path) -> None:
        """Use the file ``path``; nothing is written yet."""
        self._path = path
        self._base = self._bytes = 0
        self._begun = False

    def append(self, table: ObjectTable, change: TableChange | None = None) -> None:
        """Write down ``change``, after which the table is ``table``; None: whatever it was before.

        Raises
        ------
        OSError, UserError
            If it cannot be written; the next one writes the whole table.
        """
        line = None if change is None else _line(change)
        begun, self._begun = self._begun, False
        if line is None or not begun or self._bytes + len(line) > max(_LOG_BYTES, 4 * self._base):
            text = table_bytes(table) + b"\n"
            with atomic_write(self._path, own=True) as temporary:
                temporary.write_bytes(text)
            self._base = self._bytes = len(text)
        else:
            append_lines(self._path, line)
            self._bytes += len(line)
        self._begun = True

    def read(self) -> tuple[ObjectTable, frozenset[int]] | None:
        """Return the table and marks of the changes in it (``change_mark``); None where there is no log.

        A last line that was being written when the program ended does not count.

        Raises
        ------
        UserError
            If it is damaged, or cannot be read.
        """
        what = f"The table of the objects in {self._path.parent}"
        if not self._path.exists():
            return None
        try:
            content = read_plain(self._path, _MOST_LOG_BYTES)
        except OSError as error:
            raise UserError(f"{self._path} cannot be read: {error.strerror or error}.") from error
        base, *lines = content.split(b"\n")
        table = _table(record_of(json_values(base, f"{what} is damaged"), _Table, f"{what} is damaged"))
        rows, classes, marks = dict(table.rows), table.classes, set()
        for line in lines:
            with suppress(RecordError):
                found = record_of(json_values(line, what), _Logged, what)
                for number, row in _rows(found.after).items():
                    if row is None:
                        rows.pop(number, None)
                    else:
                        rows[number] = row
                classes = classes if found.classes is None else _classes(found.classes)
                marks.add(zlib.crc32(line))
        return ObjectTable(dict(sorted(rows.items())), classes), frozenset(marks)


def _line(change: TableChange) -> bytes:
    classes = None if change.classes is None else _classes_file(change.classes[1])
    return msgspec.json.encode(_Logged(_rows_file(change.after), classes)) + b"\n"


def change_mark(change: TableChange) -> int:
    """Return what the log knows a change by."""
    return zlib.crc32(_line(change)[:-1])
