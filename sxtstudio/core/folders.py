"""The user's own folders, as each operating system wants them; they may not exist yet."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def state_folder() -> Path:
    """Return the folder for what must outlive the program, such as unsaved work."""
    home = Path.home()
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
        return Path.home() / "Library" / "Logs" / "SXT Studio"
    return state_folder()


def data_folder() -> Path:
    """Return the folder for files of the user's own, such as models."""
    home = Path.home()
    if sys.platform == "win32":
        base = _local(home)
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return base / "sxtstudio"


def _local(home: Path) -> Path:
    return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
