"""Uncompressed voxels in a file, read without a memory map.

A memory map would count as resident memory and grow with every slice that was looked at;
positioned reads do not, and they turn a vanished disk into an error instead of a crash.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box


class ByteSource(Protocol):
    """Where voxels are read from: a file, or what a file unpacks to.

    ``size`` is how many bytes it holds, or at most holds.
    """

    size: int

    def read_into(self, array: NDArray[Any], offset: int) -> None:
        """Fill a C-ordered array with the bytes from ``offset`` on; EOFError if there are too few."""

    def close(self) -> None:
        """Close the file."""


class RawFile:
    """A file opened for positioned reads from several threads."""

    def __init__(self, path: Path) -> None:
        """Open ``path`` for reading."""
        self._file = open(path, "rb", buffering=0)
        self._lock = threading.Lock()
        self.size = os.fstat(self._file.fileno()).st_size

    def read_into(self, array: NDArray[Any], offset: int) -> None:
        """Fill a C-ordered array with the bytes from ``offset`` on.

        Raises
        ------
        EOFError
            If the file ends before the array is full.
        """
        view = array.reshape(-1).view(np.uint8).data
        while len(view):
            got = self._read_some(view, offset)
            if got == 0:
                raise EOFError("the file ends before its last slice")
            view, offset = view[got:], offset + got

    def _read_some(self, view: memoryview, offset: int) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._file.fileno(), [view], offset)
        with self._lock:  # Windows has no positioned read
            self._file.seek(offset)
            return self._file.readinto(view) or 0

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class RawSlices:
    """Slices that lie in a file row by row, each at its own offset."""

    def __init__(self, file: ByteSource, offsets: Sequence[int], rows: int, columns: int, dtype: Any) -> None:
        """Describe slices of ``rows`` × ``columns`` voxels of the file's ``dtype`` at byte ``offsets``."""
        self._file = file
        self._offsets = offsets
        self._rows = rows
        self._columns = columns
        self._dtype = np.dtype(dtype)

    def read(self, box: Box) -> NDArray[Any]:
        """Return the voxels of ``box`` (z, y, x) in native byte order."""
        out = np.empty(box.shape, self._dtype)
        row_bytes = self._columns * self._dtype.itemsize
        whole_rows = box.shape[2] == self._columns
        # Narrow boxes are cut from whole rows: one read per slice instead of one per row.
        rows = None if whole_rows else np.empty((box.shape[1], self._columns), self._dtype)
        for index, z in enumerate(range(box.start[0], box.stop[0])):
            target = out[index] if rows is None else rows
            self._file.read_into(target, self._offsets[z] + box.start[1] * row_bytes)
            if rows is not None:
                out[index] = rows[:, box.start[2] : box.stop[2]]
        return native(out)


def read_some(source: ByteSource, offset: int, length: int) -> bytes:
    """Return so many bytes of a source; EOFError if there are too few."""
    found = np.empty(length, np.uint8)
    source.read_into(found, offset)
    return found.tobytes()


def first_bytes(source: ByteSource, length: int, start: int = 0) -> bytes:
    """Return some bytes from ``start`` on, fewer where there are no more."""
    found = np.zeros(length, np.uint8)
    done, step = 0, length
    while step and done < length:
        step = min(step, length - done)
        try:
            source.read_into(found[done : done + step], start + done)
            done += step
        except EOFError:
            step //= 2
    return found[:done].tobytes()


def native(array: NDArray[Any]) -> NDArray[Any]:
    """Return a fresh array in the byte order of this machine, swapped in place."""
    if array.dtype.isnative:
        return array
    return array.byteswap(inplace=True).view(array.dtype.newbyteorder("="))
