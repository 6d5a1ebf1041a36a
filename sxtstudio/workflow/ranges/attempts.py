"""Attempts at a range: what a process has until all of it is there.

Each attempt has a folder of its own, and nobody else writes to it, so that none needs a lock: on network
shares some locks hold on one computer only, and others not at all. What is complete gets its name in one
step (``core.atomic.publish_folder``); of two processes that did the same range, one succeeds, and what the
other has is thrown away.

    .range-0003.WRITER.part/      WRITER as in core.temporary
        owner.json                the process
        over                      it has given up, and said so
        slices/                   what it has
        result/                   becomes the finished range
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path
from typing import Annotated

import psutil
from msgspec import Meta, Struct

from sxtstudio.core.errors import UserError
from sxtstudio.core.plain_files import read_plain
from sxtstudio.core.process_identity import process_begin
from sxtstudio.core.records import RecordError, read_json_record
from sxtstudio.core.temporary import final_name, remove, temporary_name

#: Where in an attempt the slices lie that are finished (``segment.checkpoint``).
SLICES = "slices"
_OWNER, _OVER = "owner.json", "over"
_MOST_BYTES = 10_000
# Of one process this is given with some digits less here and there.
_SAME_BEGIN_S = 2.0


class _Owner(Struct, frozen=True):
    """A process: its computer, its number, and the second in which it began."""

    computer: Annotated[str, Meta(max_length=300)]
    process: Annotated[int, Meta(ge=1, le=1 << 31)]
    begin: float


def begin_attempt(final: Path) -> Path:
    """Make the folder of an attempt at ``final``, which lies beside it.

    Raises
    ------
    UserError
        If it cannot be made.
    """
    attempt = temporary_name(final)
    owner = {
        "computer": platform.node(),
        "process": os.getpid(),
        "begin": process_begin(),
    }
    try:
        attempt.mkdir()
        (attempt / _OWNER).write_text(json.dumps(owner), encoding="utf-8")
    except OSError as error:
        remove(attempt)
        raise UserError(
            f"Nothing can be written to {final.parent} ({error.strerror}). Check the disk and the "
            "permissions; what is finished is not lost."
        ) from error
    return attempt


def give_up(attempt: Path) -> None:
    """Say that nobody works on an attempt any more, so that the next one may take what it has."""
    with suppress(OSError):
        (attempt / _OVER).touch()


def attempts_at(final: Path) -> Iterator[Path]:
    """Yield the folders of all attempts at ``final``, in no order."""
    wanted = final.name
    with suppress(OSError), os.scandir(final.parent) as entries:
        yield from [Path(entry.path) for entry in entries if final_name(entry.name) == wanted]


class Worker(Enum):
    """Who works on an attempt."""

    NOBODY = auto()
    HERE = auto()  # a process of this computer that is alive
    ELSEWHERE = auto()  # a process of another computer, of which nobody knows whether it is alive


def worker_of(attempt: Path) -> Worker:
    """Return who works on an attempt; ``NOBODY`` is certain: that was said, or the process here is dead."""
    if (attempt / _OVER).exists():
        return Worker.NOBODY
    try:
        owner = read_json_record(read_plain(attempt / _OWNER, _MOST_BYTES), _Owner, _OWNER)
    except (OSError, RecordError):
        return Worker.ELSEWHERE
    if owner.computer != platform.node():
        return Worker.ELSEWHERE
    try:
        began = process_begin(owner.process)
    except psutil.NoSuchProcess:
        return Worker.NOBODY
    except psutil.Error:
        return Worker.HERE
    return Worker.HERE if abs(began - owner.begin) <= _SAME_BEGIN_S else Worker.NOBODY


def take_over(final: Path, attempt: Path) -> list[Path]:
    """Go on with the slices of an attempt that is over, the one that was begun last.

    Returns
    -------
    list of Path
        Where the slices of all other attempts lie, to which their processes may still write.
    """
    others = [other for other in attempts_at(final) if other != attempt]
    for other in sorted(others, key=_changed, reverse=True):
        if worker_of(other) is Worker.NOBODY:
            with suppress(OSError):  # somebody else has taken it, or it has none
                os.rename(other / SLICES, attempt / SLICES)
                break
    return [other / SLICES for other in others]


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
