"""Where a path really leads, whatever lies on the way."""

from __future__ import annotations

import os
from pathlib import Path

from sxtstudio.core.errors import UserError


def resolved(path: Path) -> Path:
    """Return an absolute path without links; those that lead in a circle, or nowhere, stay as they are.

    ``Path.resolve`` raises RuntimeError for links in a circle.

    Raises
    ------
    UserError
        If the path is relative, and the folder in which the program was started has been deleted.
    """
    if not path.is_absolute():
        check_working_folder()
    return Path(os.path.realpath(path))


def check_working_folder() -> None:
    """Raise UserError if the folder in which the program was started, from which names count, is gone."""
    try:
        os.getcwd()
    except FileNotFoundError as error:
        raise UserError(
            "The folder in which SXT Studio was started has been deleted or renamed: go to another one."
        ) from error
