"""Two names that change places at once, where the system can do that."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path
from typing import Any

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2  # Linux, renameat2(2)
_RENAME_SWAP = 2  # macOS, renamex_np(2)
# What systems and file systems answer that cannot do it; NFS is one of them.
_CANNOT = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOTTY}


def exchange(one: Path, other: Path) -> bool:
    """Let two files or folders of one file system change their names, at no moment with one missing.

    Returns
    -------
    bool
        False where the system or the file system cannot; nothing has then been changed.

    Raises
    ------
    OSError
        If one of them is missing or may not be renamed.
    """
    names = os.fsencode(one), os.fsencode(other)
    if sys.platform == "linux":
        function = _c_function("renameat2")
        arguments: tuple[Any, ...] = (_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE)
    elif sys.platform == "darwin":
        function = _c_function("renamex_np")
        arguments = (*names, _RENAME_SWAP)
    else:
        return False
    if function is None:
        return False
    if function(*arguments) == 0:
        return True
    number = ctypes.get_errno()
    if number in _CANNOT:
        return False
    raise OSError(number, os.strerror(number), str(one), None, str(other))


def _c_function(name: str) -> Any:
    """Return a function of the C library, or None if it has none of this name."""
    try:
        return ctypes.CDLL(None, use_errno=True)[name]
    except (OSError, AttributeError):
        return None
