"""Finished slices on disk, so that a cancelled, killed or powered-off run goes on where it stopped.

A folder holds

    settings.json     what the result depends on; written last of the new files, removed first
    in-use            the lock of the process that works here
    labels.raw        uint8 (z, y, x), 0 or 255
    probability.raw   uint8 (z, y, x), 0…255, if it was asked for
    trust.log         a line per slice, if there is anything to record
    finished.log      a line per finished slice (both: see ``ledger``)

A line is appended only after the voxels have reached the disk (fsync), so that it never promises
more than there is. A half-written last line, or a slice whose checksum is wrong, counts as not done.
Nothing in the folder is changed or removed but by the process that holds the lock.
"""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.lock import NAME as LOCK
from sxtstudio.core.lock import FolderLock
from sxtstudio.core.plain_files import LinkRefused, create_own, open_own, open_plain, read_plain
from sxtstudio.core.records import RecordError, read_json_record
from sxtstudio.core.reserved import open_array, reserve
from sxtstudio.core.temporary import final_name, remove
from sxtstudio.core.trust import SliceTrust
from sxtstudio.segment.ledger import (
    LEDGER,
    TRUST,
    Claim,
    MadeFrom,
    ledger_line,
    read_ledger,
    read_trust,
    trust_line,
)
from sxtstudio.segment.run_settings import RunSettings, settings_from_json

SETTINGS = "settings.json"
LABELS, PROBABILITY = "labels.raw", "probability.raw"
_OURS = {SETTINGS, LEDGER, TRUST, LABELS, PROBABILITY}
_MOST_BYTES = 64 << 20
_TRIES = 100
Pixels = NDArray[np.uint8]


class _SettingsFile(Struct):
    settings: dict[str, Any]
    own_folder: bool


class UndecidedError(UserError):
    """There are finished slices, and nobody has said whether to go on with them or to discard them."""


@dataclass(frozen=True)
class UnfinishedRun:
    """An interrupted run: its settings, and how many of its slices are finished."""

    settings: RunSettings
    finished: int


def read_unfinished(folder: Path) -> UnfinishedRun | None:
    """Return the interrupted run in ``folder``, or None if there is none to go on with."""
    try:
        settings, _ = _read_settings(folder)
        finished = len(_claims(folder))
    except (OSError, RecordError):
        return None
    return UnfinishedRun(settings, min(finished, settings.shape[0])) if finished else None


def has_unfinished(folder: Path) -> bool:
    """Whether a run was begun in ``folder`` that has finished slices; quick."""
    with suppress(OSError):
        return (folder / LEDGER).stat().st_size > 0
    return False


def forget(folder: Path) -> None:
    """Delete the interrupted run in ``folder``, and the folder if nothing else is in it.

    Raises
    ------
    UserError
        If another process works in it; nothing is removed then.
    """
    if not folder.is_dir() or folder.is_symlink():
        return
    with explained(folder):
        lock = FolderLock(folder)
    _remove(folder)
    lock.release(remove=True)
    with suppress(OSError):
        folder.rmdir()


class Checkpoint:
    """Labels (and probabilities) of a segmentation, slice by slice on disk. One process at a time."""

    def __init__(self, folder: Path, settings: RunSettings, *, resume: bool | None = None) -> None:
        """Begin a segmentation in ``folder``, or go on with the one that lies there.

        Parameters
        ----------
        folder
            Made if it does not exist; files of other names in it are left alone.
        settings
            On which the result depends.
        resume
            True goes on with what is there, False discards it, None refuses where there is any.

        Raises
        ------
        UndecidedError
            If there are finished slices and ``resume`` is None.
        UserError
            If what is there was made with other settings; if another process works in the folder, or
            it cannot be written.
        """
        self.folder = folder
        self.settings = settings
        self.shape: Triple = settings.shape
        self.finished: set[int] = set()
        self._sources: dict[int, MadeFrom] = {}
        self._names = (LABELS, PROBABILITY) if settings.probability else (LABELS,)
        self._maps: dict[str, Pixels] = {}
        self._files: dict[str, IO[bytes]] = {}
        self._begun = False
        if folder.is_symlink():
            raise LinkRefused(f"{folder} is a link, and nothing is written through it. Remove it.")
        with explained(folder):
            self._lock = _enter(folder)
        with self.closed_on_error(), explained(folder):
            self._own_folder = _is_own(folder)
            if resume is False or not self._go_on(resume):
                self._begin()
            for name in (*self._names, TRUST, LEDGER):
                self._files[name] = open_own(folder / name, "r+b" if name in self._names else "ab")

    @property
    def complete(self) -> bool:
        """Whether every slice is finished."""
        return len(self.finished) == self.shape[0]

    def write(
        self,
        z: int,
        labels: Pixels,
        probability: Pixels | None = None,
        trust: SliceTrust | None = None,
        *,
        source: MadeFrom | None = None,
    ) -> None:
        """Store slice ``z``; when this returns, it survives a power cut.

        ``source`` is what it was made from.

        Raises
        ------
        UserError
            If the disk is full or has gone, or another process took this one for dead, and works here now.
        """
        if not self._lock.current:
            raise UserError(
                f"Another process has taken over the work in {self.folder}, as this one did not answer for a "
                "while: the other one goes on."
            )
        checksum = 0
        with explained(self.folder):
            for name, pixels in zip(self._names, (labels, probability), strict=False):
                if pixels is None or pixels.shape != self.shape[1:] or pixels.dtype != np.uint8:
                    raise ValueError(f"slice {z} for {name} must be uint8 of {self.shape[1:]}")
                content = np.ascontiguousarray(pixels).data.cast("B")
                self._files[name].seek(z * len(content))
                self._files[name].write(content)
                _flush(self._files[name])
                checksum = zlib.crc32(content, checksum)
            if trust is not None:
                self._files[TRUST].write(trust_line(z, trust))
                _flush(self._files[TRUST])
            self._files[LEDGER].write(ledger_line(z, Claim(checksum, source)))
            _flush(self._files[LEDGER])
        self.finished.add(z)
        if source is not None:
            self._sources[z] = source

    def adopt(self, other: Path) -> int:
        """Copy the finished slices that another run of the same settings has in the folder ``other``.

        That run may go on meanwhile: what it says to be finished it does not touch again. A folder that is
        none, is damaged or has other settings gives nothing. Returns how many slices were copied.
        """
        count = 0
        with suppress(OSError, RecordError):
            settings, _ = _read_settings(other)
            if settings.changes_from(self.settings):
                return 0
            trust = dict(read_trust(read_plain(other / TRUST, _MOST_BYTES)))
            for z, claim in sorted(_claims(other).items()):
                if z >= self.shape[0] or z in self.finished:
                    continue
                labels, *more = (_read_slice(other / name, z, self.shape) for name in self._names)
                if _crc_of([labels, *more]) == claim.voxels:
                    self.write(z, labels, more[0] if more else None, trust.get(z), source=claim.source)
                    count += 1
        return count

    def source(self, z: int) -> MadeFrom | None:
        """Return what slice ``z`` was made from, if it is known."""
        return self._sources.get(z)

    def read(self, z: int) -> Pixels:
        """Return a copy of the labels of slice ``z`` (y, x), without mapping the file."""
        with explained(self.folder):
            return _read_slice(self.folder / LABELS, z, self.shape)

    def trust(self) -> tuple[SliceTrust, ...]:
        """Return the figures of every slice; empty ones where nothing is known."""
        found = [SliceTrust()] * self.shape[0]
        with explained(self.folder), suppress(FileNotFoundError):
            for z, figures in read_trust((self.folder / TRUST).read_bytes()):
                if z in self.finished:
                    found[z] = figures
        return tuple(found)

    def labels(self) -> Pixels:
        """Return the labels as a memory map (z, y, x) that may be changed; unfinished slices are 0."""
        return self._map(LABELS)

    def probability(self) -> Pixels | None:
        """Return the probabilities, 0…255, or None if they were not asked for."""
        return self._map(PROBABILITY) if PROBABILITY in self._names else None

    def take_probability(self, target: Path) -> None:
        """Move the file of the probabilities, uint8 (z, y, x), to ``target``; nothing is read after that."""
        with explained(self.folder):
            self._close_files()
            shutil.move(self.folder / PROBABILITY, target)

    @contextmanager
    def closed_on_error(self) -> Iterator[None]:
        """If the block raises, close; a run without a finished slice is removed, as if it had not begun."""
        try:
            yield
        except BaseException:
            if self._begun and not self.finished:
                self.discard()
            else:
                self.close()
            raise

    def close(self) -> None:
        """Let go of the files, which stay on disk; harmless when called twice."""
        self._close_files()
        self._lock.release()

    def discard(self) -> None:
        """Delete the files, the whole folder if it was new or empty at the start, and close.

        Nothing is deleted after ``close`` if another process has begun to work in the folder.
        """
        self._close_files()
        if self._lock.held and not self._lock.current:
            self._lock.release()  # somebody has taken this process for dead, and works here
            return
        if not self._lock.held:
            try:
                self._lock = FolderLock(self.folder)
            except (UserError, OSError):
                return
        self._remove()
        self._lock.release(remove=True)
        if self._own_folder:
            with suppress(OSError):  # somebody may have begun anew in it
                self.folder.rmdir()

    def _remove(self) -> None:
        _remove(self.folder)
        if self._own_folder:
            for entry in list(self.folder.iterdir()):
                if entry.name != LOCK:
                    remove(entry)

    def _close_files(self) -> None:
        for file in self._files.values():
            with suppress(OSError):
                file.close()
        self._files.clear()
        self._maps.clear()

    def _go_on(self, resume: bool | None) -> bool:
        """Take over what an earlier run left; False if there is nothing worth it."""
        try:
            lines = len(_claims(self.folder))
            if not lines:
                return False
            earlier, self._own_folder = _read_settings(self.folder)
        except FileNotFoundError:
            return False
        except RecordError as error:
            raise UserError(
                f"The settings of the {lines} finished slices in {self.folder} are damaged, or of another "
                f"version of SXT Studio ({error.reason}). Restart to discard them."
            ) from error
        if resume is None:
            raise UndecidedError(
                f"{self.folder} holds {lines} finished slices of an interrupted segmentation. "
                "Resume it, or restart to discard them."
            )
        changes = self.settings.changes_from(earlier)
        if changes:
            raise UserError(
                f"The interrupted segmentation in {self.folder} was another one: {'; '.join(changes)}. "
                "Choose the same file and settings to resume it, or restart to discard it."
            )
        sizes = [
            path.stat().st_size if path.exists() else 0
            for path in (self.folder / name for name in self._names)
        ]
        if any(size != math.prod(self.shape) for size in sizes):
            return False
        self._read_ledger()
        self._begun = True
        return True

    def _begin(self) -> None:
        self._begun = True
        self._remove()
        for name in self._names:
            with create_own(self.folder / name) as file:
                # The maps are written to later; and better no start than a stop after hours.
                reserve(file, math.prod(self.shape))
        create_own(self.folder / LEDGER).close()
        content = {"settings": self.settings.to_json(), "own_folder": self._own_folder}
        with atomic_write(self.folder / SETTINGS, own=True) as temporary:
            temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
        _flush_folder(self.folder)

    def _read_ledger(self) -> None:
        path = self.folder / LEDGER
        content = read_plain(path, _MOST_BYTES)
        whole = content.rfind(b"\n") + 1
        if whole != len(content):
            # A torn line would swallow the next one.
            with open_own(path, "r+b") as file:
                file.truncate(whole)
        for z, claim in _claims(self.folder).items():
            if z < self.shape[0] and self._checksum(z) == claim.voxels:
                self.finished.add(z)
                if claim.source is not None:
                    self._sources[z] = claim.source

    def _checksum(self, z: int) -> int:
        return _crc_of([_read_slice(self.folder / name, z, self.shape) for name in self._names])

    def _map(self, name: str) -> Pixels:
        if name not in self._maps:
            self._maps[name] = open_array(self.folder / name, self.shape)
        return self._maps[name]


def _read_slice(path: Path, z: int, shape: Triple) -> Pixels:
    """Return a copy of a slice (y, x) of a file of slices; OSError if it is not there."""
    height, width = shape[1:]
    with open_plain(path) as file:
        file.seek(z * height * width)
        content = file.read(height * width)
    if len(content) < height * width:
        raise OSError(errno.EIO, "it is too short", str(path))
    return np.frombuffer(content, np.uint8).reshape(height, width).copy()


def _crc_of(slices: Iterable[Pixels]) -> int:
    """Return the CRC-32 of slices, one after the other."""
    checksum = 0
    for pixels in slices:
        checksum = zlib.crc32(pixels.data, checksum)
    return checksum


def _enter(folder: Path) -> FolderLock:
    """Make the folder and take its lock; whoever worked in it may be removing it just now."""
    for _ in range(_TRIES):
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            return FolderLock(folder)
    raise FileNotFoundError(None, "it is removed again and again", str(folder))


def _is_own(folder: Path) -> bool:
    """Whether nothing but files of a run lies in the folder, or it was so when an earlier run began."""
    others = {entry.name for entry in folder.iterdir()} - _OURS - {LOCK}
    if all(final_name(name) in _OURS for name in others):
        return True
    with suppress(OSError, RecordError):
        return _read_settings(folder)[1]
    return False


def _read_settings(folder: Path) -> tuple[RunSettings, bool]:
    """Return the settings, and whether the folder was made for the run; OSError or RecordError."""
    content = read_plain(folder / SETTINGS, _MOST_BYTES)
    found = read_json_record(content, _SettingsFile, str(folder / SETTINGS))
    return settings_from_json(found.settings, str(folder / SETTINGS)), found.own_folder


def _claims(folder: Path) -> dict[int, Claim]:
    """Return what the whole lines of the ledger say of each slice."""
    return read_ledger(read_plain(folder / LEDGER, _MOST_BYTES))


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn errors of the file system into a sentence for the user."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"The unfinished segmentation cannot be kept in {folder} ({error.strerror or error}). "
            "Free some space there or choose another folder; finished slices are not lost."
        ) from error


def _flush(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Make new names survive a power cut; Windows does so by itself."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove(folder: Path) -> None:
    for name in (SETTINGS, LEDGER, TRUST, LABELS, PROBABILITY):
        with suppress(FileNotFoundError):
            (folder / name).unlink()
