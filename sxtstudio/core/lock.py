"""A lock on a folder that vanishes with the process, however it ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO

from sxtstudio.core.errors import UserError

NAME = "in-use"


class FolderLock:
    """Held from its making until ``release``; file systems without locks are used without one."""

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises
        ------
        UserError
            If another process, or another job of this one, holds it.
        """
        self._path = folder / NAME
        self._file: IO[bytes] | None = None
        while self._file is None:
            file = open(self._path, "a+b")
            try:
                _lock(file)
            except BlockingIOError as error:
                file.close()
                raise UserError(
                    f"Another window or command is working in {folder}. "
                    "Wait for it, or choose another folder."
                ) from error
            # Whoever held the lock before may have deleted the file in the meantime.
            if _is_at(file, self._path):
                self._file = file
            else:
                file.close()

    def release(self) -> None:
        """Give the lock back; harmless when called twice."""
        if self._file is not None:
            self._file.close()
            self._file = None


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
