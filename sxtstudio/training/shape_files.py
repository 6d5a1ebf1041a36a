"""The files that a pattern of ``shapes.toml`` means: beside it or in folders below, and nowhere else.

Descriptions come from strangers, with label volumes of theirs. So no pattern leads out of the folder, and
looking for files ends after so many, on whatever disk the folder lies.
"""

from __future__ import annotations

import os
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath, PureWindowsPath

from sxtstudio.core.errors import UserError
from sxtstudio.core.paths import resolved
from sxtstudio.core.wording import cut, grouped

#: Of one pattern, and of all together.
MOST_FILES = 1000
#: So many files and folders are looked at for a pattern.
MOST_LOOKED_AT = 100_000
_ANY_FOLDERS = "**"


def find_files(folder: Path, pattern: str, what: str) -> list[Path]:
    """Return the files and folders that a pattern means, in the order of their names.

    Parameters
    ----------
    folder
        Where the pattern begins.
    pattern
        Such as "a.tif", "mitochondria/*.tif" or "**/*.tif"; ``**`` are folders of any depth, links left out.
    what
        How errors begin: it names the description.

    Raises
    ------
    UserError
        If the pattern, or a link that it meets, leads out of the folder; if it means no file or more than
        ``MOST_FILES``; if there is too much to look at, or a folder cannot be read.
    """
    what = f"{what}: files = '{cut(pattern)}'"
    parts = _parts_of(pattern, what)
    home, found, looked_at = resolved(folder), set[Path](), 0
    waiting = [(folder, 0)]
    known = set(waiting)
    while waiting:
        place, at = waiting.pop()
        further: list[tuple[Path, int]] = []
        if parts[at] == _ANY_FOLDERS:
            further.append((place, at + 1))
        for entry in _entries(place, what):
            looked_at += 1
            if looked_at > MOST_LOOKED_AT:
                raise UserError(
                    f"{what} would look through more than {grouped(MOST_LOOKED_AT)} files: name the folder "
                    "of the label volumes in it."
                )
            path = Path(entry.path)
            if parts[at] == _ANY_FOLDERS:
                if entry.is_dir(follow_symlinks=False):
                    further.append((path, at))
                continue
            last, is_folder = at + 1 == len(parts), os.path.isdir(path)
            if not fnmatch(entry.name, parts[at]) or not (is_folder or (last and os.path.isfile(path))):
                continue
            if not resolved(path).is_relative_to(home):
                raise UserError(
                    f"{what} meets the link {path}, which leads out of the folder: copy what it means there."
                )
            if not last:
                further.append((path, at + 1))
                continue
            found.add(path)
            if len(found) > MOST_FILES:
                raise UserError(f"{what} are more than {grouped(MOST_FILES)} files; take fewer.")
        waiting.extend(one for one in further if one not in known)
        known.update(further)
    if not found:
        raise UserError(f"{what} are no files: none is called so in {folder}.")
    return sorted(found)


def _parts_of(pattern: str, what: str) -> tuple[str, ...]:
    """Return the names in a pattern, without one ``**`` right behind another."""
    # The same on every computer: a drive is none on Linux, but the description may go to Windows.
    if PurePosixPath(pattern).anchor or PureWindowsPath(pattern).anchor or PureWindowsPath(pattern).drive:
        raise UserError(
            f"{what} is no pattern within the folder: give one without a drive or / at its start."
        )
    parts = Path(pattern).parts
    if ".." in (*parts, *PureWindowsPath(pattern).parts):
        raise UserError(f"{what} leads out of the folder: give one without '..'.")
    if not parts or "\0" in pattern or parts[-1] == _ANY_FOLDERS:
        raise UserError(f"{what} names no files: give a name, or a pattern such as *.tif.")
    return tuple(p for n, p in enumerate(parts) if p != _ANY_FOLDERS or parts[n - 1 : n] != (_ANY_FOLDERS,))


def _entries(folder: Path, what: str) -> list[os.DirEntry[str]]:
    """Return what lies in a folder: not more of it than is looked at."""
    try:
        with os.scandir(folder) as entries:
            return [entry for _, entry in zip(range(MOST_LOOKED_AT + 1), entries, strict=False)]
    except OSError as error:
        raise UserError(f"{what}: {folder} cannot be read ({error.strerror or error}).") from error
