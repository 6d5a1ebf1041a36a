"""Names of temporary files and folders, and what is left of them when the program was killed.

A temporary name says which file it is for and which process writes it:

    .cell.labels.3f2a-1b9c-67498d1e-5ac2.part.tif     becomes cell.labels.tif when it is complete
    .cell.labels.3f2a-1b9c-67498d1e-5ac2.old.zarr     is the former cell.labels.zarr on its way out

with the computer, the process, the second in which that began, and some chance. A process that is alive
still needs its files; what a dead one has left is removed by the next that writes the same output. No lock
is needed for that, and none is known to every file system.
"""

from __future__ import annotations

import functools
import os
import platform
import re
import secrets
import shutil
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

import psutil

from sxtstudio.core.process_identity import process_begin

Use = Literal["part", "old"]

# A name may have 255 bytes, and a letter up to four; a checksum then tells long names apart.
_STEM_LETTERS = 40
_WRITER = r"(?P<computer>[0-9a-f]{4})-(?P<process>[0-9a-f]{1,8})-(?P<begin>[0-9a-f]{1,10})-[0-9a-f]{4}"
_FORMER_WRITER = r"[0-9a-f]{8}"  # of former versions, which did not say whose it is
_NAME = re.compile(rf"\.(?P<stem>.*)\.({_WRITER}|{_FORMER_WRITER})\.(?P<use>part|old)(?P<suffix>\..*)?", re.S)
# Nobody can ask whether a process of another computer is alive; but whoever is writes more often than that.
_YOUNG_S = 3600.0
# Of one process this is given with some digits less here and there.
_SAME_BEGIN_S = 2.0


def temporary_name(final: Path, use: Use = "part") -> Path:
    """Return a new name beside ``final``, with its suffix."""
    begin = 0  # not known
    with suppress(psutil.Error):
        begin = int(process_begin())
    writer = f"{_this_computer()}-{os.getpid():x}-{begin:x}-{secrets.token_hex(2)}"
    return final.with_name(f".{_stem(final)}.{writer}.{use}{final.suffix}")


def final_name(name: str) -> str | None:
    """Return the name of the file that a temporary name is for, cut if it is long; None for another name."""
    found = _NAME.fullmatch(name)
    return None if found is None else found["stem"] + (found["suffix"] or "")


def shown_path(path: Path) -> Path:
    """Return a path as the user is told it: temporary names in it are those of what they will become."""
    parts = (final_name(part) or part for part in path.parts)
    return Path(*parts)


def sweep(final: Path) -> None:
    """Remove what killed processes have left beside ``final``; what cannot go stays.

    If one was killed while it replaced the folder ``final``, so that nothing stands there, the former
    folder gets its name back.
    """
    for path in _left_behind(final):
        found = _NAME.fullmatch(path.name)
        if found is not None and found["use"] == "old" and not os.path.lexists(final):
            with suppress(OSError):
                os.rename(path, final)
                continue
        remove(path)


def sweep_folder(folder: Path) -> None:
    """Remove what killed processes have begun to write in a folder, whatever it was; what cannot go stays.

    What was on its way out is left to the next that writes or opens it, and so is what former versions have
    left, which did not say whose it was.
    """
    try:
        with os.scandir(folder) as entries:
            found = [match for entry in entries if (match := _NAME.fullmatch(entry.name))]
    except OSError:
        return
    for match in found:
        if match["use"] == "part" and match["process"] is not None and not _is_needed(folder / match[0]):
            remove(folder / match[0])


def restore(final: Path) -> bool:
    """Give a folder its name back whose replacing was killed; whether there was one."""
    if os.path.lexists(final):
        return False
    for path in _left_behind(final):
        found = _NAME.fullmatch(path.name)
        if found is not None and found["use"] == "old":
            with suppress(OSError):
                os.rename(path, final)
                return True
    return False


def remove(path: Path) -> None:
    """Remove a file or a folder; what cannot go stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _left_behind(final: Path) -> Iterator[Path]:
    """Yield the temporary files of ``final`` that no living process writes, the latest first."""
    wanted = _stem(final) + final.suffix
    try:
        with os.scandir(final.parent) as entries:
            names = [entry.name for entry in entries if final_name(entry.name) == wanted]
    except OSError:
        return
    paths = [final.with_name(name) for name in names]
    yield from sorted((path for path in paths if not _is_needed(path)), key=_changed, reverse=True)


def _is_needed(path: Path) -> bool:
    """Whether the process that writes a temporary file may be alive."""
    found = _NAME.fullmatch(path.name)
    if found is None:
        return True
    unchanged_s = time.time() - _changed(path)
    if found["computer"] == _this_computer():
        try:
            began = process_begin(int(found["process"], 16))
        except psutil.NoSuchProcess:
            return False
        except psutil.Error:
            return True
        # Numbers of processes are used again.
        begin = int(found["begin"], 16)
        return not begin or abs(began - begin) < _SAME_BEGIN_S or unchanged_s < _YOUNG_S
    return unchanged_s < _YOUNG_S


def _changed(path: Path) -> float:
    """Return the time of the latest change of a file, or of anything in a folder."""
    try:
        within = [Path(place, name) for place, _, names in os.walk(path) for name in names]
        return max(entry.lstat().st_mtime for entry in (path, *within))
    except OSError:
        return time.time()


def _stem(final: Path) -> str:
    if len(final.stem) <= _STEM_LETTERS:
        return final.stem
    return f"{final.stem[: _STEM_LETTERS - 9]}~{zlib.crc32(os.fsencode(final.stem)):08x}"


@functools.cache
def _this_computer() -> str:
    return f"{zlib.crc32(platform.node().encode('utf-8', 'replace')) & 0xFFFF:04x}"
