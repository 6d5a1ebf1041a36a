"""Walking through an HDF5 file of a stranger without leaving its folder.

HDF5 can refer to other files in three ways: external links, virtual datasets and external storage.
A crafted file could so show the content of any file that its reader may open. The library
never gets to follow a link by itself here: every step is looked at first.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.io.hdf5_chunks import reader_of
from sxtstudio.io.hdf5_texts import LONGEST_TEXT, absurd_texts, is_absurd_text

_MOST_LINKS = 32
_MOST_STEPS = 1000  # on the way to one object; each link can go twice through the one before
_MOST_OBJECTS = 20_000
# Groups within groups: HDF5 goes through all names above an object, so that time grows with their square.
MOST_LEVELS, _LONGEST_PATH = 100, 8192
# What says something of a tomogram is short; each of many texts may be the same megabytes of the file.
_MOST_NUMBERS, _MOST_TEXTS = 4096, 16


def attributes(item: h5py.Group | h5py.Dataset) -> dict[str, Any]:
    """Return the attributes of an object, those left out that hold more than any description needs."""
    absurd = absurd_texts(item)
    found = {name: _attribute(item, name) for name in map(str, item.attrs) if name not in absurd}
    return {name: value for name, value in found.items() if value is not None}


def attribute(item: h5py.Group | h5py.Dataset, name: str) -> Any:
    """Return an attribute, or None if there is none, or one that holds more than any description needs."""
    return None if name not in item.attrs or name in absurd_texts(item) else _attribute(item, name)


def _attribute(item: h5py.Group | h5py.Dataset, name: str) -> Any:
    facts = item.attrs.get_id(name)
    most = _MOST_TEXTS if facts.dtype.kind == "O" else _MOST_NUMBERS
    if facts.shape is None or math.prod(facts.shape) > most or facts.get_storage_size() > LONGEST_TEXT:
        return None
    return item.attrs[name]


@dataclass(frozen=True)
class Lost:
    """A link that a search left out: where it stands, the file to which it leads, and what is wrong."""

    path: str
    file: str
    reason: UserError | KeyError

    @property
    def error(self) -> UserError:
        """What to say where only this link could have led to the data."""
        if isinstance(self.reason, UserError):
            return self.reason
        return UserError(
            f"{self.path} leads to {self.file}, which does not hold what it names. Copy it again."
        )

    def __str__(self) -> str:
        """Return what to say where the data lie elsewhere."""
        what = f"it leads to {self.file}, which is missing, damaged or in another folder"
        return f"the link {self.path} is left out: {what}"


class Hdf5Tree:
    """An open HDF5 file, and those beside it to which its links lead."""

    def __init__(self, path: Path) -> None:
        """Open ``path`` for reading."""
        self.path = path
        self._folder = Path(os.path.realpath(path)).parent
        self._files: dict[Path, h5py.File] = {}
        self.lost: list[Lost] = []
        self.root = self._file(path)

    @property
    def files(self) -> tuple[Path, ...]:
        """The file, and all to which its links have led."""
        return tuple(self._files)

    def close(self) -> None:
        """Close all files."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def follow(self, start: h5py.Group, path: str) -> h5py.Group | h5py.Dataset:
        """Return the object at ``path``, relative to ``start`` or absolute in its file.

        Raises
        ------
        UserError
            If a link leads out of the folder of the file or nowhere.
        KeyError
            If there is no such object.
        """
        return self._follow(start, path, 0, iter(range(_MOST_STEPS)))

    def child(self, group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset:
        """Return the member ``name`` of ``group``; links are followed within the folder only."""
        return self._child(group, name, 0, iter(range(_MOST_STEPS)))

    def values(self, dataset: h5py.Dataset) -> NDArray[Any]:
        """Return all of a small dataset.

        Raises
        ------
        UserError
            As ``check_storage``.
        """
        self.check_storage(dataset)
        if dataset.dtype.kind == "O" and is_absurd_text(dataset):
            raise UserError(f"{self.path.name}: the text {dataset.name} is damaged. Copy the file again.")
        read = reader_of(f"{self.path.name}::{dataset.name}", dataset)
        return np.asarray(read([slice(0, n) for n in dataset.shape]))

    def _follow(
        self, start: h5py.Group, path: str, links: int, steps: Iterator[int]
    ) -> h5py.Group | h5py.Dataset:
        current = start.file["/"] if path.startswith("/") else start
        for name in [part for part in path.split("/") if part not in ("", ".")]:
            if not isinstance(current, h5py.Group):
                raise KeyError(name)
            current = self._child(current, name, links, steps)
        return current

    def _child(
        self, group: h5py.Group, name: str, links: int, steps: Iterator[int]
    ) -> h5py.Group | h5py.Dataset:
        link = group.get(name, getlink=True)
        if link is None:
            raise KeyError(name)
        if links > _MOST_LINKS or next(steps, None) is None:
            raise UserError(f"{self.path.name}: the link {name} leads in a circle. The file is damaged.")
        if isinstance(link, h5py.SoftLink):
            return self._follow(group, link.path, links + 1, steps)
        if isinstance(link, h5py.ExternalLink):
            file = self._file(self._inside(link.filename, group.file))
            return self._follow(file["/"], link.path, links + 1, steps)
        return group[name]

    def objects(self) -> Iterator[tuple[str, h5py.Group | h5py.Dataset]]:
        """Yield path and object for all that hang in the file itself or one link away from it.

        Links to other files that lead nowhere, or to another folder, are left out and noted in ``lost``.

        Raises
        ------
        UserError
            If there are more, or they are nested more deeply, than in any file of a microscope.
        """
        self.lost.clear()
        seen: set[tuple[int, int]] = set()
        stack: list[tuple[str, h5py.Group]] = [("", self.root["/"])]
        while stack:
            prefix, group = stack.pop()
            inner: list[tuple[str, h5py.Group]] = []
            for name in group:
                link = group.get(name, getlink=True)
                if isinstance(link, h5py.SoftLink):
                    continue  # its target is met elsewhere
                try:
                    item = self.child(group, name)
                except (UserError, KeyError) as error:
                    if not isinstance(link, h5py.ExternalLink):
                        raise
                    self.lost.append(Lost(f"{prefix}/{name}", link.filename, error))
                    continue
                info = h5py.h5o.get_info(item.id)
                if (info.fileno, info.addr) in seen:
                    continue
                seen.add((info.fileno, info.addr))
                path = f"{prefix}/{name}"
                deep = path.count("/") > MOST_LEVELS or len(path) > _LONGEST_PATH
                if len(seen) > _MOST_OBJECTS or deep:
                    what = "groups nested too deeply" if deep else "too many objects"
                    raise UserError(
                        f"{self.path.name} holds {what} to search. Name the dataset: "
                        f"{self.path.name}::/path/of/dataset"
                    )
                yield path, item
                if isinstance(item, h5py.Group):
                    inner.append((path, item))
            stack.extend(reversed(inner))

    def check_storage(self, dataset: h5py.Dataset, depth: int = 0) -> None:
        """Refuse a dataset whose voxels lie outside the folder of the file.

        Raises
        ------
        UserError
            If it does, or if one of the files it is put together from is missing.
        """
        if dataset.external:  # HDF5 looks for such files in the working directory of the program
            raise UserError(
                f"{self.path.name}: the voxels of {dataset.name} lie in a separate raw file, "
                "which is refused. Save the tomogram as one file."
            )
        if not dataset.is_virtual:
            return
        if depth > _MOST_LINKS:
            raise UserError(f"{self.path.name}: virtual datasets lead in a circle. The file is damaged.")
        for source in dataset.virtual_sources():
            if "%" in source.file_name + source.dset_name:
                raise UserError(
                    f"{self.path.name}: {dataset.name} is put together from files by a "
                    "pattern, which SXT Studio does not read. Save it as one dataset."
                )
            file = dataset.file
            if source.file_name != ".":
                file = self._file(self._inside(source.file_name, dataset.file))
            try:
                part = self.follow(file["/"], source.dset_name)
            except KeyError:
                raise UserError(
                    f"{self.path.name}: {source.dset_name} in {source.file_name}, a part of "
                    f"{dataset.name}, is missing. Copy all files of the tomogram."
                ) from None
            if isinstance(part, h5py.Dataset):
                self.check_storage(part, depth + 1)

    def _inside(self, name: str, file: h5py.File) -> Path:
        """Return the path of another file, which must lie in the folder of the opened one."""
        target = Path(os.path.realpath(Path(os.path.realpath(file.filename)).parent / name))
        if not target.is_relative_to(self._folder):
            raise UserError(
                f"{self.path.name} refers to a file in another folder ({name}), which is refused. "
                "Save the tomogram as one file."
            )
        if not target.is_file():
            raise UserError(f"{self.path.name} refers to {name}, which is missing. Copy it beside the file.")
        return target

    def _file(self, path: Path) -> h5py.File:
        real = Path(os.path.realpath(path))
        if real not in self._files:
            try:
                # The chunk cache must hold a chunk that several slices share.
                self._files[real] = h5py.File(real, "r", rdcc_nbytes=16 << 20, rdcc_nslots=10007)
            except OSError as error:
                raise UserError(
                    f"{path.name} is a damaged or truncated HDF5 file, or one that is being written. "
                    "Copy it again."
                ) from error
        return self._files[real]
