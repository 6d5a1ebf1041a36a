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

from sxtstudio.commands.json_lines import active
from sxtstudio.commands.streams import silence
from sxtstudio.core.logs import start_log
from sxtstudio.core.printable import printable

# How what a terminal does not know is written there instead.
_PLAIN = {"→": "->", "…": "...", "×": "x", "µ": "u", "³": "3", "–": "-", "≥": ">=", "≤": "<=", "·": "-"}
_ERRORS = "sxtstudio.plain"


def prepare_streams() -> None:
    """Make stdout and stderr take any text, whatever they are encoded in, also where they are closed."""
    _fill_descriptors()
    _Stdout.lost = None
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


class _Stdout:
    """Why stdout takes nothing any more, such as a full disk to which it leads; None while it does."""

    lost: str | None = None


def show(text: str = "") -> None:
    """Print one line on stdout; a note of the lines for programs, where these are wanted."""
    lines = active()
    if lines is not None:
        lines.note(text)
    else:
        _print(printable(text))


def show_page(text: str) -> None:
    """Print lines of the program's own, such as a page of help, on stdout."""
    lines = active()
    if lines is not None:
        lines.note(text)
    else:
        _print(text.rstrip("\n"))


def show_json(value: Any, indent: int | None = None) -> None:
    """Print a value as JSON on stdout, in ASCII, for every program; not among lines, whose result has it."""
    if active() is None:
        _print(json.dumps(value, indent=indent, allow_nan=False))


def flush() -> str | None:
    """Write what waits for stdout; return why not all of what was shown arrived there, else None.

    Raises
    ------
    BrokenPipeError
        If its reader has gone.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _lose(error)
    return _Stdout.lost


def _print(text: str) -> None:
    """A text that cannot be printed must not end the work that it reports on, nor count as its error."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        _lose(error)


def _lose(error: OSError) -> None:
    _Stdout.lost = error.strerror or str(error)
    silence(sys.stdout)


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    taken = error.object[error.start : error.end]
    return "".join(_PLAIN.get(c) or codecs.encode(c, "ascii", "backslashreplace").decode() for c in taken), (
        error.end
    )
