"""What the commands print: everything goes through here, so that no name can do harm to a terminal."""

from __future__ import annotations

import codecs
import io
import json
import logging
import os
import sys
import warnings
from contextlib import suppress
from typing import Any

from sxtstudio.core.logs import start_log
from sxtstudio.core.printable import printable

# How what a terminal does not know is written there instead.
_PLAIN = {"→": "->", "…": "...", "×": "x", "µ": "u", "³": "3", "–": "-", "≥": ">=", "≤": "<=", "·": "-"}
_ERRORS = "sxtstudio.plain"


def prepare_streams() -> None:
    """Make stdout and stderr take any text, whatever they are encoded in, also where they are closed."""
    _fill_descriptors()
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")
    codecs.register_error(_ERRORS, _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ERRORS)


def _fill_descriptors() -> None:
    """Open what is closed of 0, 1 and 2: else a file of ours gets the number, and what libraries print."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def quieten_libraries() -> None:
    """Keep what libraries log and warn of off the terminal; the program's own log goes to its file."""
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.NullHandler())  # else Python writes warnings and errors to stderr
    start_log()
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


def show(text: str = "") -> None:
    """Print one line on stdout."""
    print(printable(text), flush=True)


def show_json(value: Any, indent: int | None = None) -> None:
    """Print a value as JSON on stdout, in ASCII, which every program reads."""
    print(json.dumps(value, indent=indent, allow_nan=False), flush=True)


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    taken = error.object[error.start : error.end]
    return "".join(_PLAIN.get(c) or codecs.encode(c, "ascii", "backslashreplace").decode() for c in taken), (
        error.end
    )
