"""Text of strangers, such as the names of files, made fit to be shown.

A file name may hold anything but "/": escape sequences that change the terminal, line breaks that look like
a line of the program, marks that turn the direction of what follows, bytes that are not UTF-8 (Python keeps
these as lone surrogates), or the beginning of a formula.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# Control characters, line separators, marks of direction, and lone surrogates.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
# What makes a cell a formula in spreadsheet programs, also in their wide forms.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def printable(text: str) -> str:
    r"""Return ``text`` on one line, with whatever does not belong there written as \x1b, \n or \u202e."""
    return _UNFIT.sub(_escaped, text)


def printable_lines(text: str) -> str:
    """Return ``text`` as ``printable`` does, but with its line breaks."""
    return "\n".join(printable(line) for line in text.split("\n"))


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return a table as CSV. Text that a spreadsheet program would take for a formula gets a ' before it."""
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, columns)
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return stream.getvalue()


def csv_names(line: str) -> list[str]:
    """Return the names of the columns in the first line of a CSV; ValueError if it is none."""
    try:
        return next(csv.reader([line.rstrip("\r\n")]), [])
    except csv.Error as error:
        raise ValueError(str(error)) from error


def without_mark(text: str) -> str:
    """Return a text of ``csv_text`` as it was before it got a ' so as to be no formula."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if match[0] in "\t\n\r":
        return {"\t": "\\t", "\n": "\\n", "\r": "\\r"}[match[0]]
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"  # the byte that was no UTF-8
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
