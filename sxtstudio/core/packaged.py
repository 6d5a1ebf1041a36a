"""Whether this is the installed application."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_FOLDER = Path(__file__).resolve().parents[2]


def is_packaged() -> bool:
    """Whether this is the installed application, which brings all that it needs, and no Python to add to."""
    return bool(getattr(sys, "frozen", False))


def is_of_the_package(path: object) -> bool:
    """Whether a path lies in the folder of the installed application, and so among what it brings."""
    return is_packaged() and isinstance(path, str | os.PathLike) and Path(path).is_relative_to(_FOLDER)


def own_program(command: str, module: str) -> list[str]:
    """Return the words that start a part of this program in a process of its own.

    A bundled application is no Python: it is started anew with a command that is not in its help.
    """
    if is_packaged():
        return [sys.executable, command]
    return [sys.executable, "-m", module]
