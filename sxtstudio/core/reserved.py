"""Arrays in files whose room on the disk is claimed when they are made.

A memory map of a file with holes ends the program at once (SIGBUS, without a word) when the disk gets full
while it is written to. Every file that is written to through a map is therefore made here.
"""

from __future__ import annotations

import errno
import math
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.plain_files import create_own, open_own
from sxtstudio.core.temporary import shown_path
from sxtstudio.core.wording import bytes_text

_ZEROS = bytes(1 << 22)
_LIMITS = {errno.EFBIG, getattr(errno, "EDQUOT", errno.EFBIG)}
_CANNOT = {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS}


def create_array(path: Path, shape: Triple, advice: str = "choose another folder") -> NDArray[np.uint8]:
    """Return a new uint8 array (z, y, x) of zeros in a file, as ``create_reserved`` makes it."""
    return create_numbers(path, shape, 1, advice)


def create_numbers(
    path: Path, shape: Triple, bytes_each: int, advice: str = "choose another folder"
) -> NDArray[Any]:
    """Return a new array (z, y, x) of zeros in a file: uint8, uint16 or uint32 for 1, 2 or 4 bytes."""
    create_reserved(path, bytes_each * math.prod(shape), advice)
    return open_numbers(path, shape, bytes_each)


def create_reserved(path: Path, size: int, advice: str = "choose another folder") -> None:
    """Make a file of zeros whose room on the disk is claimed.

    Parameters
    ----------
    path
        A file or link that lies there is replaced.
    size
        In bytes.
    advice
        What to do beside freeing space, for the sentence of an error.

    Raises
    ------
    UserError
        If there is too little room, or the file cannot be made.
    """
    free = _free(path.parent)
    try:
        if free < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with create_own(path) as file:
            reserve(file, size)
    except OSError as error:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        shown = shown_path(path.parent)
        if error.errno in _LIMITS:
            raise UserError(
                f"A limit for the size of files, or of all that are yours, is reached: {shown} needs "
                f"room for {bytes_text(size)}. Raise it (ulimit -f, a quota), or {advice}."
            ) from error
        if error.errno == errno.ENOSPC:
            raise UserError(
                f"The disk is too full: {shown} needs room for {bytes_text(size)}, and "
                f"{bytes_text(_free(path.parent))} are free. Free some space, or {advice}."
            ) from error
        raise UserError(
            f"{shown_path(path)} cannot be written ({error.strerror}). Check the disk, or {advice}."
        ) from error


def open_array(path: Path, shape: Triple) -> NDArray[np.uint8]:
    """Map such a file to read and write it; raises UserError if its size is not that of ``shape``."""
    return open_numbers(path, shape, 1)


def open_numbers(path: Path, shape: Triple, bytes_each: int) -> NDArray[Any]:
    """Map a file of ``create_numbers``; raises UserError if its size is not that of ``shape``."""
    wanted = bytes_each * math.prod(shape)
    try:
        size = path.stat().st_size
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}). Check the disk.") from error
    if size != wanted:
        raise UserError(f"{path} is damaged: it has {size} bytes instead of {wanted}.")
    with open_own(path, "r+b") as file:
        return np.memmap(file, np.dtype(f"u{bytes_each}"), "r+", shape=shape)


def reserve(file: IO[bytes], size: int) -> None:
    """Claim ``size`` bytes of the disk for an open, empty file; raises OSError if there is no room."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file.fileno(), 0, size)
            return
        except OSError as error:
            if error.errno not in _CANNOT:
                raise
    if sys.platform == "win32":  # NTFS reserves the room of every file that is no sparse one
        file.truncate(size)
        return
    for begin in range(0, size, len(_ZEROS)):
        file.write(_ZEROS[: size - begin])
    file.flush()


def _free(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0
