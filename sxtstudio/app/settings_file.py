"""The settings file: an INI file as QSettings reads it, written without QSettings.

QSettings brings each change to the disk before it returns, and lets no thread of Python run meanwhile: while
gigabytes of voxels are being written that takes seconds. So it only reads here.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QLockFile, QSettings

from sxtstudio.core.atomic import atomic_write

# Another window has the file for some milliseconds; who waits longer waits for nobody.
_PATIENCE_S = 2.0
_AGAIN_S = 0.005
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.-]")
_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}

Values = dict[str, Any]


def read_settings(file: str) -> Values:
    """Return all values of a settings file by their names; none where there is no file."""
    store = QSettings(file, QSettings.Format.IniFormat)
    return {name: store.value(name) for name in store.allKeys()}


def change_settings(file: str, change: Callable[[Values], None]) -> Values:
    """Change a settings file on top of what other windows have written; return what it holds then.

    ``change`` gets all values, texts and QByteArray, and changes them in place. May take long on a busy disk.

    Raises
    ------
    UserError, OSError
        If it cannot be written.
    """
    path = Path(os.path.realpath(file))
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path):
        values = read_settings(file)
        change(values)
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else stat.S_IRUSR | stat.S_IWUSR
        with atomic_write(path) as temporary:
            temporary.write_bytes(ini_bytes(values))
            temporary.chmod(mode)
    return values


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock that QSettings of former versions takes, too; it holds up nobody for long."""
    lock = QLockFile(f"{path}.lock")
    until = time.monotonic() + _PATIENCE_S
    while not (locked := lock.tryLock(0)) and time.monotonic() < until:
        time.sleep(_AGAIN_S)  # not in Qt, which would let no other thread run
    try:
        yield
    finally:
        if locked:
            lock.unlock()


def ini_bytes(values: Mapping[str, Any]) -> bytes:
    """Return the file that QSettings reads as these values, texts and QByteArray by their names."""
    sections: dict[str, list[str]] = {"General": []}
    for name in sorted(values):
        group, _, key = name.rpartition("/") if "/" not in name else name.partition("/")
        section = "%General" if group.lower() == "general" else _key(group) if group else "General"
        sections.setdefault(section, []).append(f"{_key(key)}={_value(values[name])}\n")
    text = "\n".join(f"[{name}]\n{''.join(lines)}" for name, lines in sections.items() if lines)
    return text.encode("utf-8", "replace")


def _key(name: str) -> str:
    """Return a name with all but letters and digits of ASCII as % and two or four digits."""
    found = []
    for sign in name:
        if sign == "/":
            found.append("\\")
        elif _PLAIN_KEY.match(sign):
            found.append(sign)
        else:
            code = ord(sign)
            found.append(f"%{code:02X}" if code <= 0xFF else f"%U{code:04X}")
    return "".join(found)


def _value(value: Any) -> str:
    """Return a text or bytes in quotes, with the code of each sign that is not to be seen."""
    if isinstance(value, QByteArray):
        text = f"@ByteArray({bytes(value.data()).decode('latin-1')})"
        widest = "\x7e"  # bytes must come back as they are, whatever the encoding of the file
    else:
        text, widest = str(value), "\U0010ffff"
        text = f"@{text}" if text.startswith("@") else text
    found, after_code = [], False
    for sign in text:
        # A digit after a code would count as a part of it.
        coded = sign < " " or "\x7f" <= sign < "\xa0" or sign > widest or (after_code and _is_digit(sign))
        if sign in _ESCAPED:
            found.append(_ESCAPED[sign])
        else:
            found.append(f"\\x{ord(sign):x}" if coded else sign)
        after_code = coded and sign not in _ESCAPED
    return f'"{"".join(found)}"'


def _is_digit(sign: str) -> bool:
    return sign in "0123456789abcdefABCDEF"
