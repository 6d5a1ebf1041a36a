"""Whether somebody else could have put code into a folder: by who owns it, and who may write there.

Only POSIX says it by owners and modes. On Windows a folder lies where the installer put it, whose rights are
those of its parents.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

_ADMIN_OF_MACOS = 80  # the group that may install programs, which owns /Applications


def who_else_writes(folder: Path) -> str:
    """Return why a folder may hold what others wrote, as half a sentence, or "" where only the user could.

    Looked at are the folder, what lies directly in it, and all folders above, which could be renamed to let
    another one take its place; there, sticky ones protect what belongs to somebody else.

    Parameters
    ----------
    folder
        An absolute path without links.
    """
    if sys.platform == "win32":
        return ""
    try:
        with os.scandir(folder) as entries:
            inside = [Path(entry.path) for entry in entries if not entry.is_symlink()]
        for path in (folder, *inside, *folder.parents):
            other = _other(path, path.lstat(), may_be_sticky=path in folder.parents)
            if other:
                return other
    except OSError as error:
        return f"{folder} cannot be looked at ({error.strerror})"
    return ""


def _other(path: Path, facts: os.stat_result, *, may_be_sticky: bool) -> str:
    if facts.st_uid not in (0, os.getuid()):
        return f"{path} belongs to another user"
    if may_be_sticky and facts.st_mode & stat.S_ISVTX:
        return ""
    if facts.st_mode & stat.S_IWOTH:
        return f"everybody may write to {path}"
    if facts.st_mode & stat.S_IWGRP and not _is_own_group(facts):
        return f"a group of users may write to {path}"
    return ""


def _is_own_group(facts: os.stat_result) -> bool:
    """Whether a group is that of the administrator, or the one that a user has for himself."""
    if facts.st_gid == 0 or (sys.platform == "darwin" and facts.st_gid == _ADMIN_OF_MACOS):
        return True
    import grp  # neither exists on Windows
    import pwd

    try:
        return grp.getgrgid(facts.st_gid).gr_name == pwd.getpwuid(facts.st_uid).pw_name
    except KeyError:
        return False
