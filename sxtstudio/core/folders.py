"""The user's own folders, as each operating system wants them; they may not exist yet."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from sxtstudio.core.plain_files import is_own_folder


def home_folder() -> Path:
    """Return the user's home folder; without one, such as in a container, a folder among temporary files."""
    try:
        home = Path.home()
    except RuntimeError:
        return _spare_home()
    return home if home.is_absolute() and home != Path(home.anchor) else _spare_home()


@cache
def _spare_home() -> Path:
    """Return a folder that belongs to this user, who will find it again if nobody else has the name."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"sxtstudio-home-{user}"
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        if is_own_folder(folder):
            return folder
    return Path(tempfile.mkdtemp(prefix="sxtstudio-home-"))


def state_folder() -> Path:
    """Return the folder for what must outlive the program, such as unsaved work."""
    home = home_folder()
    if sys.platform == "win32":
        return _local(home) / "SXT Studio"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "SXT Studio"
    return Path(os.environ.get("XDG_STATE_HOME") or home / ".local" / "state") / "sxtstudio"


def log_folder() -> Path:
    """Return the folder for logs."""
    if sys.platform == "win32":
        return state_folder() / "log"
    if sys.platform == "darwin":
        return home_folder() / "Library" / "Logs" / "SXT Studio"
    return state_folder()


def data_folder() -> Path:
    """Return the folder for files of the user's own, such as models."""
    home = home_folder()
    if sys.platform == "win32":
        base = _local(home)
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return base / "sxtstudio"


def _local(home: Path) -> Path:
    return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
