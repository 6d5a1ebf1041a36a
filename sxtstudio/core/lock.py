"""A lock on a folder that vanishes with the process, however it ends."""

from __future__ import annotations

import getpass
import json
import os
import platform
import sys
import threading
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Annotated

from msgspec import Meta, Struct

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.plain_files import open_own, read_plain
from sxtstudio.core.records import read_json_record

NAME = "in-use"
HOLDER = "in-use-by.json"
_MOST_BYTES = 10_000
_LONGEST_NAME = 300
# One who only looks whether a folder is in use has its lock for a moment: that is no reason to be refused.
_MOMENT_S, _AGAIN_S = 0.3, 0.01


class FolderLock:
    """Held from its making until ``release``; file systems without locks are used without one."""

    def __init__(self, folder: Path, *, signed: bool = False, moment_s: float = _MOMENT_S) -> None:
        """Take the lock; a ``signed`` one says to others who holds it (``holder``).

        It is waited for a moment, since others may only look (``is_in_use``).

        Raises
        ------
        UserError
            If another process, or another job of this one, holds it; ``LinkRefused`` if its file is a link.
        """
        self._path = folder / NAME
        self._signed = signed
        self._owners = 1
        self._counting = threading.Lock()
        self._file: IO[bytes] | None = None
        until = time.monotonic() + moment_s
        while self._file is None:
            file = open_own(self._path, "ab")
            try:
                _lock(file)
            except BlockingIOError as error:
                file.close()
                if time.monotonic() < until:
                    time.sleep(_AGAIN_S)
                    continue
                raise UserError(
                    f"Another window or command is working in {folder}. "
                    "Wait for it, or choose another folder."
                ) from error
            # Whoever held the lock before may have deleted the file in the meantime.
            if _is_at(file, self._path):
                self._file = file
            else:
                file.close()
        if signed:
            _sign(folder / HOLDER)

    @property
    def held(self) -> bool:
        """Whether it has not been released."""
        return self._file is not None

    @property
    def current(self) -> bool:
        """Whether it is held, and nobody has put another lock in its place, taking this process for dead."""
        return self._file is not None and _is_at(self._file, self._path)

    def share(self) -> bool:
        """Have one more owner, who releases it, too; False if it was released already.

        A window that opens anew what it has open needs that: locks keep also the jobs of one process apart.
        """
        with self._counting:
            if self._file is None:
                return False
            self._owners += 1
            return True

    def release(self, *, remove: bool = False) -> None:
        """Give the lock back, and ``remove`` its file as well; the last owner does. Harmless after that."""
        with self._counting:
            self._owners -= 1
            if self._owners > 0 or self._file is None:
                return
            self._release(self._file, remove)
            self._file = None

    def _release(self, file: IO[bytes], remove: bool) -> None:
        if self._signed:
            with suppress(OSError):
                self._path.with_name(HOLDER).unlink(missing_ok=True)
        # While it is held, so that the file of the next holder is never removed. Windows refuses that, and
        # also refuses it once the next one holds it.
        if remove and sys.platform != "win32":
            with suppress(OSError):
                self._path.unlink()
        file.close()
        if remove and sys.platform == "win32":
            with suppress(OSError):
                self._path.unlink()


def is_in_use(folder: Path) -> bool:
    """Whether somebody holds the lock of a folder now, or its file is a link, by which nobody can hold it.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    try:
        FolderLock(folder, moment_s=0).release()
    except UserError:
        return True
    return False


class _Holder(Struct):
    """Who signed a lock, and when."""

    user: Annotated[str, Meta(max_length=_LONGEST_NAME)]
    host: Annotated[str, Meta(max_length=_LONGEST_NAME)]
    since: datetime


def holder(folder: Path) -> str:
    """Return who holds a signed lock, "anna on beamline-2 since 14:03", or "" where that is not known."""
    try:
        found = read_json_record(read_plain(folder / HOLDER, _MOST_BYTES), _Holder, HOLDER)
        return f"{found.user} on {found.host} since {found.since.astimezone():%Y-%m-%d %H:%M}"
    except (OSError, OverflowError, ValueError, UserError):
        return ""


def _sign(path: Path) -> None:
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):
        user = "somebody"
    content = {
        "user": user,
        "host": platform.node() or "another computer",
        "process": os.getpid(),
        "since": datetime.now().astimezone().isoformat(timespec="seconds"),
    }
    # The lock holds without it.
    with suppress(OSError, UserError), atomic_write(path, own=True) as temporary:
        temporary.write_text(json.dumps(content), encoding="utf-8")


def _is_at(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _lock(file: IO[bytes]) -> None:
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError from error
    else:
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            pass  # some network shares know no locks
