"""A change of labels, cell mask or objects in a file, so that it can be taken back in a later session.

    SXTEDIT1           8 bytes
    length             of the header, 4 bytes, little endian
    header             JSON: kind, volume, and of each patch its box, CRC-32 and the length of its data
    data               of one patch after the other: zlib, the XOR of the voxels before and after (of objects
                       uint32, little endian); then what changed in the table of the objects, if anything

What was done in an evaluation beside its marks has no data and stands in the header.

A file may come from a stranger, with a project: everything in it is checked, and nothing is unpacked beyond
the size of its box.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from msgspec import Meta, Struct

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.edit_kind import EditKind, Target, dtype_of
from sxtstudio.core.edits import Edit
from sxtstudio.core.evaluation.judgement_records import JudgementChangeRecord, change_to_json
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.object_table import TableChange
from sxtstudio.core.patches import BYTES, Patch
from sxtstudio.core.plain_files import create_own, open_plain
from sxtstudio.core.records import WrongKey, json_values, record_of
from sxtstudio.core.trust import Trust, trust_to_json
from sxtstudio.core.trust_records import TrustColumns
from sxtstudio.io.object_table import MOST_BYTES, pack_change, unpack_change

#: The name of such a file: its number in the history, and a mark of the session that made it.
EDIT_NAME = r"[0-9]{6,9}-[0-9a-f]{8}\.edit"
#: So much of the disk is left to others.
SPARE_BYTES = 256 << 20
_MAGIC = b"SXTEDIT1"
_MOST_HEADER_BYTES = 16 << 20
_Place = Annotated[int, Meta(ge=0, le=1 << 20)]


class PatchHeader(Struct, frozen=True):
    """Where a patch lies, and what belongs to it."""

    start: tuple[_Place, _Place, _Place]
    stop: tuple[_Place, _Place, _Place]
    crc: Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]
    bytes: Annotated[int, Meta(ge=0)]

    def __post_init__(self) -> None:
        """Refuse an empty box."""
        if not all(a < b for a, b in zip(self.start, self.stop, strict=True)):
            raise WrongKey("stop", "beyond the start")

    @property
    def box(self) -> Box:
        """What it covers."""
        return Box(self.start, self.stop)


class RowsHeader(Struct, frozen=True):
    """What changed in the table of the objects: the length of its data, and what they unpack to."""

    bytes: Annotated[int, Meta(ge=0, le=MOST_BYTES)]
    size: Annotated[int, Meta(ge=0, le=MOST_BYTES)]


class EditHeader(Struct, frozen=True):
    """An edit without its voxels."""

    kind: EditKind
    patches: tuple[PatchHeader, ...]
    target: Target = "labels"
    gained: int = 0
    partial: bool = False
    trust: tuple[TrustColumns | None, TrustColumns | None] | None = None
    rows: RowsHeader | None = None
    judged: JudgementChangeRecord | None = None

    def __post_init__(self) -> None:
        """Refuse what changes nothing."""
        if not self.patches and self.rows is None and self.judged is None:
            raise WrongKey("patches", "one or more")


@dataclass(frozen=True)
class StoredPatch:
    """A patch whose data lie in a file from ``offset`` on."""

    path: Path
    box: Box
    crc: int
    offset: int
    size: int
    dtype: np.dtype[Any] = BYTES

    def loaded(self) -> Patch:
        """Read it; OSError if the file is gone, ValueError if it is shorter than it was."""
        with open_plain(self.path) as file:
            file.seek(self.offset)
            data = file.read(self.size)
        if len(data) != self.size:
            raise ValueError(f"{self.path.name} is shorter than it was")
        return Patch(self.box, data, self.crc, self.dtype)


def write_edit(path: Path, edit: Edit) -> None:
    """Write an edit to a file, all at once.

    Raises
    ------
    OSError, UserError, ValueError
        If it cannot be written, or would be too large to be read.
    """
    patches = [patch.loaded() for patch in edit.patches]
    header: dict[str, Any] = {
        "kind": edit.kind.value,
        "target": edit.target,
        "gained": edit.gained,
        "partial": edit.partial,
        "patches": [
            {"start": p.box.start, "stop": p.box.stop, "crc": p.crc, "bytes": p.size} for p in patches
        ],
    }
    if edit.trust is not None:
        header["trust"] = [trust_to_json(figures) if figures else None for figures in edit.trust]
    if edit.judged is not None:
        header["judged"] = change_to_json(edit.judged)
    rows = b""
    if edit.rows is not None:
        rows, size = pack_change(edit.rows)
        header["rows"] = {"bytes": len(rows), "size": size}
    text = json.dumps(header, allow_nan=False).encode()
    with atomic_write(path, own=True) as temporary, temporary.open("wb") as file:
        file.write(_MAGIC + len(text).to_bytes(4, "little") + text)
        for patch in patches:
            file.write(patch.data)
        file.write(rows)


def read_edit(path: Path, shape: Triple) -> Edit:
    """Read an edit of volumes of ``shape`` (z, y, x); its voxels stay in the file until they are needed.

    Raises
    ------
    OSError
        If the file cannot be read, or is none.
    UserError, ValueError
        If it holds something else, or an edit of other volumes.
    """
    with open_plain(path) as file:
        whole = os.fstat(file.fileno()).st_size
        start = file.read(len(_MAGIC) + 4)
        length = int.from_bytes(start[len(_MAGIC) :], "little")
        if not start.startswith(_MAGIC) or length > min(whole, _MOST_HEADER_BYTES):
            raise ValueError(f"{path.name} is no change of labels")
        text = file.read(length)
        what = f"The change {path.name} cannot be read"
        header = record_of(json_values(text, what), EditHeader, what)
        offset, patches = len(start) + length, []
        dtype = dtype_of(header.target)
        for patch in header.patches:
            if any(stop > size for stop, size in zip(patch.stop, shape, strict=True)):
                raise ValueError(f"{path.name} belongs to labels of another size")
            patches.append(StoredPatch(path, patch.box, patch.crc, offset, patch.bytes, dtype))
            offset += patch.bytes
        if header.judged is not None and header.judged.deepest >= shape[0]:
            raise ValueError(f"{path.name} belongs to labels of another size")
        if offset + (header.rows.bytes if header.rows else 0) != whole:
            raise ValueError(f"{path.name} is not complete")
        rows: TableChange | None = None
        if header.rows is not None:
            file.seek(offset)
            rows = unpack_change(file.read(header.rows.bytes), header.rows.size, what)
    trust: tuple[Trust, Trust] | None = None
    if header.trust is not None:
        before, after = (() if held is None else held.of_slices(shape[0]) for held in header.trust)
        trust = (before, after)
    return Edit(
        header.kind,
        tuple(patches),
        header.target,
        header.gained,
        header.partial,
        trust,
        earlier=True,
        rows=rows,
        judged=None if header.judged is None else header.judged.change(),
    )


def edit_name(number: int, session: str) -> str:
    """Return the name of the file of a change; ``session`` are eight hexadecimal digits."""
    return f"{number:06d}-{session}.edit"


def edit_number(name: str) -> int:
    """Return the number in the name of a file."""
    return int(name.partition("-")[0])


def edit_files(folder: Path) -> list[Path]:
    """Return the files of changes in a folder in their order."""
    found = [path for path in folder.iterdir() if re.fullmatch(EDIT_NAME, path.name)]
    return sorted(found, key=lambda path: (edit_number(path.name), path.name))


def newest_edits(folder: Path, names: Iterable[str], most_bytes: int) -> list[str]:
    """Return the newest of ``names``, the oldest first, that are there and have ``most_bytes`` in all."""
    kept: list[str] = []
    for name in reversed(list(names)):
        try:
            facts = (folder / name).lstat()
        except OSError:
            break
        most_bytes -= facts.st_size
        if most_bytes < 0 or not stat.S_ISREG(facts.st_mode):
            break
        kept.append(name)
    return kept[::-1]


def copy_edits(names: Iterable[str], source: Path, target: Path) -> list[Path]:
    """Copy files of changes that are not in ``target`` yet, which is made; return the new ones.

    Raises
    ------
    OSError
        If they cannot be read or written; what was copied is removed.
    """
    new: list[Path] = []
    try:
        for name in names:
            path = target / name
            if path.is_file() and not path.is_symlink():
                continue
            target.mkdir(exist_ok=True)
            with open_plain(source / name) as old, create_own(path) as copy:
                new.append(path)
                shutil.copyfileobj(old, copy)
    except BaseException:
        for path in new:
            path.unlink(missing_ok=True)
        raise
    return new
