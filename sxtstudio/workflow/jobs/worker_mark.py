"""The small file beside labels by which a worker of a cluster says that it works on them."""

from __future__ import annotations

import os
import platform
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import psutil
from msgspec import Meta, Struct

from sxtstudio.core.errors import UserError
from sxtstudio.core.plain_files import read_plain
from sxtstudio.core.process_identity import process_space
from sxtstudio.core.records import read_json_record

# By the clocks of two computers, which may differ: then nobody holds it any more.
_LONG_SILENT_S = 3600.0
_MOST_BYTES = 10_000
_Word = Annotated[str, Meta(max_length=300)]


class MarkOwner(Struct, frozen=True):
    """The process of a worker; ``beat`` counts how often it has written the file anew."""

    token: _Word
    host: _Word
    space: _Word
    process: int
    beat: int

    @property
    def is_dead_here(self) -> bool:
        """Whether it was a process of this computer that has ended; of others that is not known."""
        here = self.host == platform.node() and self.space == process_space()
        return here and self.process != os.getpid() and not psutil.pid_exists(self.process)


def mark_of(output: Path) -> Path:
    """Return the file beside ``output`` that says who works on it."""
    return output.with_name(f".{output.name}.worker")


def read_mark(path: Path) -> MarkOwner:
    """Return who has written such a file.

    Raises
    ------
    OSError, UserError
        If it is not there, or holds something else.
    """
    return read_json_record(read_plain(path, _MOST_BYTES), MarkOwner, "the lease")


def forget_dead(output: Path) -> None:
    """Remove the file of a worker that was killed, where nobody will take ``output`` over any more.

    Of a process of another computer it is not known whether it lives; but one that does beats.
    """
    path = mark_of(output)
    with suppress(OSError):
        silent = time.time() - path.lstat().st_mtime > _LONG_SILENT_S
        try:
            dead = read_mark(path).is_dead_here
        except UserError:  # damaged, as by a power cut
            dead = False
        if silent or dead:
            path.unlink()
