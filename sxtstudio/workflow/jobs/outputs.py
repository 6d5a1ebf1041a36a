"""Checks of everything that a job will write, made before hours of work begin."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sxtstudio.core.atomic import refuse_special
from sxtstudio.core.errors import OutsideError, UserError
from sxtstudio.core.paths import resolved
from sxtstudio.core.temporary import remove, sweep, temporary_name
from sxtstudio.io.export import refuse_foreign_folder
from sxtstudio.io.volume_name import VolumeName

VOLUME_SUFFIXES = (".tif", ".tiff", ".mrc", ".rec", ".map", ".zarr")


@dataclass(frozen=True)
class OutputFile:
    """A file that a job will write: what it is, and the endings that its format may have."""

    path: Path
    what: str
    suffixes: tuple[str, ...]


def check_outputs(outputs: Iterable[OutputFile], inputs: Iterable[Path | None]) -> None:
    """Check that every output can be written and that none of them is an input or another output.

    Raises
    ------
    UserError
        If an output has an ending that is not known, its folder is missing or cannot be written
        to, a folder of that name is in the way, or it would overwrite an input.
    """
    sources = [on_disk(path) for path in inputs if path is not None]
    seen: list[Path] = []
    for output in outputs:
        check_suffix(output)
        _check_folder(output)
        for source in sources:
            if _same(output.path, source):
                raise UserError(
                    f"{output.path} is both input and output, and the input would be lost: give another name."
                )
            if source.is_dir() and resolved(source) in resolved(output.path).parents:
                raise UserError(
                    f"{output.path} lies inside the input {source}, which would change it: "
                    "write to another folder."
                )
        if any(_same(output.path, other) for other in seen):
            raise UserError(f"Two outputs are called {output.path}: give each of them its own name.")
        seen.append(output.path)


def check_space(folder: Path, needed_bytes: int) -> None:
    """Raise OutsideError if the disk of ``folder`` has less free space than a job will need at most."""
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise OutsideError(
            f"The disk is too full for this job: {resolved(folder)} has {_size(free)} free and up to "
            f"{_size(needed_bytes)} are needed. Free some space or write to another disk."
        )


@contextmanager
def scratch_folder(beside: Path) -> Iterator[Path]:
    """Yield a folder on the disk of an output, for files that are too large for the memory.

    What a killed process has left there goes first.
    """
    sweep(beside)
    folder = temporary_name(beside)
    folder.mkdir()
    try:
        yield folder
    finally:
        remove(folder)


def on_disk(path: Path) -> Path:
    """Return the file of a path such as ``file.h5::/entry/data``."""
    return VolumeName.of(path).place


def table_outputs(contact_sheet: Path | None, summary: Iterable[Path]) -> list[OutputFile]:
    """Return what is written of a whole batch."""
    sheets = [] if contact_sheet is None else [OutputFile(contact_sheet, "a contact sheet", (".png",))]
    return sheets + [OutputFile(path, "a table", (".csv", ".json")) for path in summary]


def check_suffix(output: OutputFile) -> None:
    """Raise UserError unless the name ends as its format may."""
    if output.path.suffix.lower() not in output.suffixes:
        known = ", ".join(output.suffixes)
        raise UserError(f"{output.path.name} is no name for {output.what}: end it in one of {known}.")


def _check_folder(output: OutputFile) -> None:
    path, folder = output.path, output.path.parent
    try:
        os.lstat(folder / f"{path.name}.partial")  # the longest name that is made of it
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise UserError(f"The name {path.name} is too long for the disk: give a shorter one.") from error
    if not folder.is_dir():
        raise UserError(f"{path} cannot be written because {folder} is no folder: create it first.")
    refuse_special(path)
    if path.suffix.lower() == ".zarr":
        refuse_foreign_folder(path)
    elif path.is_dir():
        raise UserError(f"{path} is a folder and would not be replaced by a file: give another name.")
    if path.exists() and not os.access(path, os.W_OK):
        raise UserError(f"{path} is write-protected: give another name, or remove the protection.")
    try:
        # os.access knows neither network shares nor root; only trying does.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise UserError(
            f"No file can be written to {resolved(folder)} ({reason}): write to another folder."
        ) from error


def _same(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.samefile(other)
    return resolved(one) == resolved(other)


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{max(1, count // 1000)} kB"
