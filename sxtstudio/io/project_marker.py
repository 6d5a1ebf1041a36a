"""The file in a project that a double-click opens: a folder cannot have a file type of its own.

    name.sxt/
      open.sxtproject    opens the project that it lies in

Only where it lies counts. What stands in it is for people, and is never read, so that it holds after the
folder was moved or renamed, and whoever sent it.
"""

from __future__ import annotations

import os
from pathlib import Path

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.paths import resolved

SUFFIX = ".sxtproject"
NAME = f"open{SUFFIX}"
_TEXT = """SXT Studio project

Double-click this file to open the project in SXT Studio. It opens the folder that it lies in, also after
that was moved or renamed. Copy or send the whole folder: this file alone holds nothing of the project.
"""


def is_marker(path: Path) -> bool:
    """Whether a path is such a file, by its name: it may have been renamed, but for the suffix."""
    return path.suffix.lower() == SUFFIX and not path.is_dir()


def marked_folder(path: Path) -> Path:
    """Return the absolute path of the folder that such a file opens: of a link, where the file itself lies.

    A link in a project to something else, such as to a disk that is gone, stands for that project.
    """
    target = resolved(path) if path.is_symlink() else path
    return Path(os.path.abspath(target if target.is_file() and is_marker(target) else path)).parent


def check_marker(path: Path, record: str) -> None:
    """Refuse one that lies in no project; ``record`` is the name of the file that every project has.

    Raises
    ------
    UserError
        If it was copied out of its project.
    """
    if path.suffix.lower() == SUFFIX and path.is_dir() and not (path / record).is_file():
        raise UserError(
            f"{path.name} is a folder, and not the file that opens a project: open the project folder "
            "(File > Open project)."
        )
    if not is_marker(path) or (marked_folder(path) / record).is_file():
        return
    if path.is_symlink() and not path.exists():
        raise UserError(
            f"{path.name} is a link to {os.path.realpath(path)}, which is not there: open the project folder "
            "(File > Open project), or make the link again."
        )
    raise UserError(
        f"{path.name} opens the project that it lies in, and {marked_folder(path)} is "
        "none. Copy the whole project folder, or open that (File > Open project)."
    )


def write_marker(folder: Path) -> None:
    """Put one into a project that has none; what lies there under its name stays.

    Raises
    ------
    UserError
        If it cannot be written.
    """
    if not os.path.lexists(folder / NAME):
        with atomic_write(folder / NAME, own=True) as temporary:
            temporary.write_text(_TEXT, encoding="utf-8")
