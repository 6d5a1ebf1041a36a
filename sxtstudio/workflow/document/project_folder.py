"""Where a project is saved: its folder, which must hold nothing else."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from sxtstudio.core.errors import UserError
from sxtstudio.core.lock import NAME as LOCK
from sxtstudio.core.paths import resolved
from sxtstudio.core.temporary import remove
from sxtstudio.io.project import NAME, Record, is_project
from sxtstudio.workflow.jobs.outputs import on_disk


def check_target(folder: Path, record: Record) -> None:
    """Refuse a folder that a project cannot be saved in.

    Raises
    ------
    UserError
        If it holds something else, or lies where it would change something else.
    """
    if any(is_project(parent) for parent in folder.parents):
        raise UserError(f"{folder.parent} is a project itself. Save beside it, not in it.")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file and is not replaced by a project. Choose another name.")
    if folder.is_dir() and not (folder / NAME).exists() and any(folder.iterdir()):
        raise UserError(f"{folder} exists and is no project. Choose another name, so that nothing is lost.")
    if not folder.parent.is_dir():
        raise UserError(f"{folder} cannot be made: the folder {folder.parent} does not exist.")
    tomogram = on_disk(Path(record.tomogram.absolute))
    if resolved(tomogram).is_relative_to(resolved(folder)) and folder.exists():
        return  # a tomogram kept within its project is found again by the relative path
    if tomogram.is_dir() and resolved(folder).is_relative_to(resolved(tomogram)):
        raise UserError(f"{folder} lies within the tomogram, which would change it. Choose another folder.")


def make_folder(folder: Path) -> bool:
    """Make the folder of a project; return whether it was not there before.

    Raises
    ------
    UserError
        If it cannot be made.
    """
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    except OSError as error:
        raise UserError(
            f"{folder} cannot be made ({error.strerror}). Choose another folder to save in."
        ) from error
    return True


def empty_folder(folder: Path) -> None:
    """Remove what is in a project folder that was begun and has no project.json, but for its lock."""
    with suppress(OSError):
        for entry in list(folder.iterdir()):
            if entry.name != LOCK:
                remove(entry)
