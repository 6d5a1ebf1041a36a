"""A change of voxels that is still being made, in a file: what a crash leaves of it can be taken back.

    SXTPART1           8 bytes
    header             kind, volume, what stands in the record of steps; whether it is made, undone or redone
    patch              its box, CRC-32, the lengths of its data, and the voxels of the box before it
    …
    end                whether the change was kept, and what it changed in the table of the objects;
                       missing where the program ended first

Each begins with the length of its JSON, 4 bytes, little endian. A patch is appended before its voxels are
changed; a change of the table alone has none, and its end is written before the table is changed. What is
torn at the end was not begun, and of the patches before it, those voxels that had not reached the disk are
written again: which of them had, nobody knows.

What is appended reaches the disk within about a second, in a thread, where the system keeps changed voxels
back for longer: so a power cut, too, leaves a change that can be taken back, but for its last second.

Half a change of labels or mask is kept. Half a change of objects is not: the rows of its objects would be
missing, and so the voxels are brought back to what they were before it. So they are where half of a change
was undone or redone.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import threading
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import numpy as np
from msgspec import Meta, Struct

from sxtstudio.core.edit_kind import EditKind, Target
from sxtstudio.core.edits import Edit
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.logs import LOGGER
from sxtstudio.core.object_table import TableChange
from sxtstudio.core.patches import Patch, Voxels
from sxtstudio.core.plain_files import create_own, open_own, open_plain
from sxtstudio.core.records import RecordError, json_values, record_of
from sxtstudio.io.edit_file import EDIT_NAME, SPARE_BYTES, PatchHeader, RowsHeader, StoredPatch
from sxtstudio.io.object_table import pack_change, unpack_change

_MAGIC = b"SXTPART1"
_SUFFIX = ".part-of-edit"
_UNDO_SUFFIX = ".part-of-undo"
_MOST_HEADER_BYTES = 1 << 20
_LEVEL = 1  # as for patches
#: So often what was appended is brought to the disk.
SYNC_EVERY_S = 1.0


class JournalAction(Enum):
    """What is written down: a change that is made for the first time, taken back, or made again."""

    MADE = "made"
    UNDONE = "undone"
    REDONE = "redone"


class _Header(Struct, frozen=True):
    """What is being done."""

    kind: EditKind
    target: Target = "labels"
    parameters: dict[str, Any] = {}
    doing: JournalAction = JournalAction.MADE


class _PatchRecord(PatchHeader, frozen=True):
    """A patch; ``before`` is the length of the packed voxels before it, 0 where none was labelled."""

    before: Annotated[int, Meta(ge=0)] = 0


class _End(Struct, frozen=True):
    """How it ended."""

    kept: bool
    partial: bool = False
    rows: RowsHeader | None = None


@dataclass(frozen=True)
class UnfinishedEdit:
    """What a journal holds.

    ``edit`` is partial where the program ended first; None: nothing was changed, or it was taken back, in
    what ``kind`` and ``target`` say. Of one that was undone it is what the undoing did.
    ``interrupted``: nothing says how it ended.
    """

    kind: EditKind
    target: Target
    edit: Edit | None
    parameters: dict[str, Any]
    interrupted: bool
    doing: JournalAction = JournalAction.MADE


class EditJournal:
    """Writes down what a ``Recorder`` is about to change. Trouble costs the safety and nothing else."""

    def __init__(
        self,
        kind: EditKind,
        target: Target,
        place: Callable[[], Path],
        parameters: dict[str, Any],
        doing: JournalAction = JournalAction.MADE,
    ) -> None:
        """Begin without a file; ``place`` is asked for its path when something is to be changed."""
        self._header = {
            "kind": kind.value,
            "target": target,
            "parameters": parameters,
            "doing": doing.value,
        }
        self._place = place
        self._path: Path | None = None
        self._broken = False
        self._synced_at = -math.inf
        self._syncing: threading.Thread | None = None

    def add(self, patch: Patch, before: Voxels) -> None:
        """Write down a patch, and the voxels of its box (z, y, x), which it changes next."""
        packed = zlib.compress(np.ascontiguousarray(before).tobytes(), _LEVEL) if before.any() else b""
        start, stop = patch.box.start, patch.box.stop
        record = {"start": start, "stop": stop, "crc": patch.crc, "bytes": patch.size, "before": len(packed)}
        self._append(record, patch.data, packed)

    def end(self, *, kept: bool, partial: bool = False, rows: TableChange | None = None) -> None:
        """Say that all is written, and what it changes in the table; the file goes where nothing was kept."""
        if self._path is None and (rows is None or not kept):
            return  # nothing was changed
        record: dict[str, Any] = {"kept": kept, "partial": partial}
        packed = b""
        if kept and rows is not None:
            try:
                packed, size = pack_change(rows)
                record["rows"] = {"bytes": len(packed), "size": size}
            except ValueError as error:
                LOGGER.warning("a crash now would lose what is known of the objects: %s", error)
        self._append(record, packed)
        if not kept and self._path is not None:
            with suppress(OSError):
                self._path.unlink()
        self._path = None

    def _append(self, record: dict[str, Any], *data: bytes) -> None:
        if self._broken:
            return
        try:
            if self._path is None:
                path = self._place()
                path.parent.mkdir(exist_ok=True)
                with create_own(path) as file:
                    file.write(_MAGIC + _framed(self._header))
                self._path = path
            if shutil.disk_usage(self._path.parent).free < sum(map(len, data)) + SPARE_BYTES:
                raise OSError(f"there is no room in {self._path.parent}")
            with open_own(self._path, "ab") as file:
                file.write(_framed(record) + b"".join(data))
            self._sync_soon(self._path)
        except (OSError, UserError) as error:
            LOGGER.warning("a crash would lose the undo of what is done now: %s", error)
            self._broken = True
            if self._path is not None:
                with suppress(OSError):
                    self._path.unlink()

    def _sync_soon(self, path: Path) -> None:
        """Bring the file to the disk without waiting for it, unless that was begun a moment ago."""
        busy = self._syncing is not None and self._syncing.is_alive()
        if not busy and time.monotonic() - self._synced_at >= SYNC_EVERY_S:
            self._synced_at = time.monotonic()
            self._syncing = threading.Thread(target=_sync, args=(path,), name="edit journal", daemon=True)
            self._syncing.start()


def _sync(path: Path) -> None:
    with suppress(OSError, UserError), open_own(path, "r+b") as file:  # gone where its change has ended
        os.fsync(file.fileno())


def journal_path(edit: Path) -> Path:
    """Return where the journal of the change in the file ``edit`` lies."""
    return edit.with_name(edit.name + _SUFFIX)


def undo_journal_path(edit: Path) -> Path:
    """Return where the journal of the undoing of the change in the file ``edit`` lies."""
    return edit.with_name(edit.name + _UNDO_SUFFIX)


def edit_path(journal: Path) -> Path:
    """Return the file of the change that a journal belongs to."""
    return journal.with_name(journal.name.removesuffix(_SUFFIX).removesuffix(_UNDO_SUFFIX))


def journals(folder: Path) -> list[Path]:
    """Return the journals in a folder in the order of their changes; OSError if there is no folder."""
    pattern = f"{EDIT_NAME}({re.escape(_SUFFIX)}|{re.escape(_UNDO_SUFFIX)})"
    return sorted(path for path in folder.iterdir() if re.fullmatch(pattern, path.name))


def recover_journal(
    path: Path, volume: Callable[[Target], Voxels | None], shape: Triple
) -> UnfinishedEdit | None:
    """Return what a journal holds, and have the labels as it says if the program ended before its end.

    None: the program ended before anything was written down, and so before anything was changed.

    Parameters
    ----------
    volume
        Returns labels, mask or objects (z, y, x); None where they are not there.
    shape
        Of the volumes.

    Raises
    ------
    OSError
        If it cannot be read.
    UserError, ValueError
        If it is none, or of other volumes.
    """
    what = f"The change {path.name} cannot be read"
    patches: list[StoredPatch] = []
    ends: list[int] = []  # of the voxels before each patch, where they begin
    end: _End | None = None
    rows: TableChange | None = None
    with open_plain(path) as file:
        magic = file.read(len(_MAGIC))
        if not _MAGIC.startswith(magic):
            raise ValueError(f"{path.name} is no change of labels")
        head = _next(file)
        if head is None:
            return None
        header = record_of(json_values(head, what), _Header, what)
        voxels = volume(header.target)
        if voxels is None:
            raise ValueError(f"the {header.target} are not there")
        while end is None:
            text = _next(file)
            if text is None:
                break
            values = json_values(text, what)
            if isinstance(values, dict) and "kept" in values:
                end = record_of(values, _End, what)
                if end.rows is not None:
                    with suppress(RecordError, ValueError):  # it was being written
                        rows = unpack_change(file.read(end.rows.bytes), end.rows.size, what)
                break
            record = record_of(values, _PatchRecord, what)
            if any(stop > size for stop, size in zip(record.stop, shape, strict=True)):
                raise ValueError(f"{path.name} belongs to labels of another size")
            offset = file.tell()
            if file.seek(0, 2) < offset + record.bytes + record.before:
                break  # it was being written
            file.seek(offset + record.bytes + record.before)
            patches.append(StoredPatch(path, record.box, record.crc, offset, record.bytes, voxels.dtype))
            ends.append(record.before)
    whole = header.target == "objects" or header.doing is not JournalAction.MADE
    if whole and end is None:
        for patch, length in reversed(list(zip(patches, ends, strict=True))):
            before, _ = _sides(patch, length)
            _bring_to(voxels, patch.box, before)
        return UnfinishedEdit(
            header.kind, header.target, None, header.parameters, bool(patches), header.doing
        )
    gained = 0
    for patch, length in zip(patches, ends, strict=True):
        before, after = _sides(patch, length)
        gained += int(np.count_nonzero(after)) - int(np.count_nonzero(before))
        if end is None:
            _bring_to(voxels, patch.box, after)
    partial = end is None or end.partial
    kept = bool(patches or rows is not None) and (end is None or end.kept)
    edit = Edit(header.kind, tuple(patches), header.target, gained, partial, earlier=True, rows=rows)
    return UnfinishedEdit(
        header.kind,
        header.target,
        edit if kept else None,
        header.parameters,
        end is None and kept,
        header.doing,
    )


def _sides(stored: StoredPatch, length: int) -> tuple[Voxels, Voxels]:
    """Return the voxels of the box of a patch before and after it, whatever the volume holds."""
    box, changed = stored.box, stored.loaded().unpack()
    if not length:
        return np.zeros_like(changed), changed
    packed = StoredPatch(stored.path, box, 0, stored.offset + stored.size, length, stored.dtype)
    before = packed.loaded().unpack()
    return before, before ^ changed


def _bring_to(volume: Voxels, box: Box, voxels: Voxels) -> None:
    if not np.array_equal(volume[box.slices], voxels):
        volume[box.slices] = voxels


def _framed(values: dict[str, Any]) -> bytes:
    text = json.dumps(values, allow_nan=False).encode()
    return len(text).to_bytes(4, "little") + text


def _next(file: BinaryIO) -> bytes | None:
    """Return the next JSON text, or None where the file ends."""
    start = file.read(4)
    length = int.from_bytes(start, "little")
    if len(start) < 4 or length > _MOST_HEADER_BYTES:
        return None
    text = file.read(length)
    return text if len(text) == length else None
