"""The user's own folders, as each operating system wants them; they may not exist yet."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
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
    import platformdirs  # here, as most commands need none of these folders

    return _own(platformdirs.user_state_path, ".local/state")


def log_folder() -> Path:
    """Return the folder for logs."""
    if sys.platform == "linux":
        return state_folder()
    import platformdirs

    return _own(platformdirs.user_log_path, "log")


def data_folder() -> Path:
    """Return the folder for files of the user's own, such as models."""
    import platformdirs

    return _own(platformdirs.user_data_path, ".local/share")


def settings_folder() -> Path:
    """Return the folder for files that the user writes to say how the program works, such as profiles."""
    import platformdirs

    return _own(platformdirs.user_config_path, ".config")


def _own(path_of: Callable[..., Path], usual: str) -> Path:
    """Return the program's folder where the system, or its user, wants it.

    ``usual`` is where it lies in a home folder on Linux, and in the spare one where there is no home.
    """
    name = "sxtstudio" if sys.platform == "linux" else "SXT Studio"
    found = path_of(name, appauthor=False)
    home, said = home_folder(), Path(os.path.expanduser("~"))
    nobodys = home != said and found == said / usual / name
    return home / usual / name if nobodys or not found.is_absolute() else found
