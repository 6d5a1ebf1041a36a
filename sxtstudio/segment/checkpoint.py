"""Finished slices on disk, so that a cancelled, killed or powered-off run goes on where it stopped.

A folder holds

    settings.json     what the result depends on; written last of the new files, removed first
    in-use            the lock of the process that works here
    labels.raw        uint8 (z, y, x), 0 or 255
    probability.raw   uint8 (z, y, x), 0…255, if it was asked for
    trust.log         a line per slice, if there is anything to tell: its index and its figures (JSON)
    finished.log      a line per finished slice: its index and the checksum of its voxels

A line is appended only after the voxels have reached the disk (fsync), so that it never promises
more than there is. A half-written last line, or a slice whose checksum is wrong, counts as not done.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.lock import NAME as LOCK
from sxtstudio.core.lock import FolderLock
from sxtstudio.core.plain_files import LinkRefused, create_own, open_own
from sxtstudio.core.trust import SliceTrust
from sxtstudio.segment.trust import read_trust, trust_line

SETTINGS, LEDGER, TRUST = "settings.json", "finished.log", "trust.log"
LABELS, PROBABILITY = "labels.raw", "probability.raw"
_LINE = re.compile(rb"(\d+) ([0-9a-f]{8})\n")
Pixels = NDArray[np.uint8]


class Checkpoint:
    """Labels (and probabilities) of a segmentation, slice by slice on disk. One process at a time."""

    def __init__(
        self,
        folder: Path,
        shape: Triple,
        settings: Mapping[str, Any],
        *,
        probability: bool = False,
        resume: bool | None = None,
    ) -> None:
        """Begin a segmentation in ``folder``, or go on with the one that lies there.

        Parameters
        ----------
        folder
            Made if it does not exist; files of other names in it are left alone.
        shape
            Of the labels, (z, y, x).
        settings
            JSON values on which the result depends, under names that the user understands.
        probability
            Whether probabilities are kept as well.
        resume
            True goes on with what is there, False discards it, None refuses where there is any.

        Raises
        ------
        UserError
            If what is there was made with other settings, or nobody said what to do with it; if
            another process works in the folder, or it cannot be written.
        """
        self.folder = folder
        self.shape = shape
        # Through JSON and back, so that tuples compare equal to what a file gives.
        self.settings: dict[str, Any] = json.loads(json.dumps(dict(settings)))
        self._names = (LABELS, PROBABILITY) if probability else (LABELS,)
        self._maps: dict[str, Pixels] = {}
        self._files: dict[str, IO[bytes]] = {}
        if folder.is_symlink():
            raise LinkRefused(f"{folder} is a link, and nothing is written through it. Remove it.")
        with explained(folder):
            self._own_folder = not folder.exists() or not any(folder.iterdir())
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = FolderLock(folder)
        try:
            with explained(folder):
                self.finished: set[int] = set()
                if resume is False or not self._go_on(resume):
                    self._begin()
                for name in (*self._names, TRUST, LEDGER):
                    self._files[name] = open_own(folder / name, "r+b" if name in self._names else "ab")
        except BaseException:
            self.close()
            raise

    @property
    def complete(self) -> bool:
        """Whether every slice is finished."""
        return len(self.finished) == self.shape[0]

    def write(
        self, z: int, labels: Pixels, probability: Pixels | None = None, trust: SliceTrust | None = None
    ) -> None:
        """Store slice ``z``; when this returns, it survives a power cut."""
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
            self._files[LEDGER].write(b"%d %08x\n" % (z, checksum))
            _flush(self._files[LEDGER])
        self.finished.add(z)

    def read(self, z: int) -> Pixels:
        """Return a copy of the labels of slice ``z`` (y, x), without mapping the file."""
        height, width = self.shape[1:]
        with explained(self.folder):
            pixels = np.fromfile(self.folder / LABELS, np.uint8, height * width, offset=z * height * width)
        return pixels.reshape(height, width)

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

    @contextmanager
    def closed_on_error(self) -> Iterator[None]:
        """Close if the block raises; what is finished stays on disk."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the files, which stay on disk; harmless when called twice."""
        for file in self._files.values():
            with suppress(OSError):
                file.close()
        self._files.clear()
        self._maps.clear()
        self._lock.release()

    def discard(self) -> None:
        """Close and delete the files; the whole folder if it was new or empty at the start."""
        self.close()
        _remove(self.folder)
        with suppress(FileNotFoundError):
            (self.folder / LOCK).unlink()
        if self._own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _go_on(self, resume: bool | None) -> bool:
        """Take over what an earlier run left; False if there is nothing worth it."""
        try:
            earlier = json.loads((self.folder / SETTINGS).read_text(encoding="utf-8"))
            settings, self._own_folder = dict(earlier["settings"]), bool(earlier["own_folder"])
            lines = len(_LINE.findall((self.folder / LEDGER).read_bytes()))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return False
        if not lines:
            return False
        if resume is None:
            raise UserError(
                f"{self.folder} holds {lines} finished slices of an interrupted segmentation. "
                "Resume it, or restart to discard them."
            )
        changes = [
            f"{key} was {_shown(settings.get(key))} and is now {_shown(self.settings.get(key))}"
            for key in {**settings, **self.settings}
            if settings.get(key) != self.settings.get(key)
        ]
        if changes:
            raise UserError(
                f"The interrupted segmentation in {self.folder} was another one: {'; '.join(changes)}. "
                "Choose the same file and settings to resume it, or restart to discard it."
            )
        sizes = [
            path.stat().st_size if path.exists() else 0
            for path in (self.folder / name for name in self._names)
        ]
        if any(size != int(np.prod(self.shape)) for size in sizes):
            return False
        self.finished = self._read_ledger()
        return True

    def _begin(self) -> None:
        _remove(self.folder)
        for name in self._names:
            with create_own(self.folder / name) as file:
                file.truncate(int(np.prod(self.shape)))
        create_own(self.folder / LEDGER).close()
        content = {"settings": self.settings, "own_folder": self._own_folder}
        with atomic_write(self.folder / SETTINGS) as temporary:
            temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
        _flush_folder(self.folder)

    def _read_ledger(self) -> set[int]:
        path = self.folder / LEDGER
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole != len(content):
            # A torn line would swallow the next one.
            with open_own(path, "r+b") as file:
                file.truncate(whole)
        claims = {int(z): int(crc, 16) for z, crc in _LINE.findall(content[:whole])}
        return {z for z, crc in claims.items() if z < self.shape[0] and self._checksum(z) == crc}

    def _checksum(self, z: int) -> int:
        size = self.shape[1] * self.shape[2]
        checksum = 0
        for name in self._names:
            with open(self.folder / name, "rb") as file:
                file.seek(z * size)
                checksum = zlib.crc32(file.read(size), checksum)
        return checksum

    def _map(self, name: str) -> Pixels:
        if name not in self._maps:
            self._maps[name] = np.memmap(self.folder / name, np.uint8, "r+", shape=self.shape)
        return self._maps[name]


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


def _shown(value: Any) -> str:
    if isinstance(value, str) and len(value) > 24:
        return f"{value[:12]}…"
    if isinstance(value, list):
        return " × ".join(str(item) for item in value)
    return "not set" if value is None else str(value)
