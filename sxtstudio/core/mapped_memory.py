"""Resident memory of memory maps, kept small while a whole volume is walked through."""

from __future__ import annotations

import mmap
from typing import Any

from numpy.typing import NDArray

# Memory maps count as resident memory until their pages are released: do so about this often.
RELEASE_EVERY_BYTES = 128 << 20


def release_pages(array: NDArray[Any]) -> None:
    """Let go of the resident pages of a memory map of a file; what was written goes to the file."""
    file_map = getattr(array, "_mmap", None)
    # A copy-on-write map would lose its changes, and Windows has no madvise.
    if isinstance(file_map, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        if getattr(array, "mode", "c") != "c":
            file_map.madvise(mmap.MADV_DONTNEED)


class PageReleaser:
    """Releases the pages of a memory map each time that enough of it has been read."""

    def __init__(self, *arrays: NDArray[Any]) -> None:
        """Watch these arrays; those that are no memory maps are left alone."""
        self._arrays = arrays
        self._read = 0

    def read(self, bytes_read: int) -> None:
        """Count what was read or written; release when it is enough."""
        self._read += bytes_read
        if self._read >= RELEASE_EVERY_BYTES:
            self._read = 0
            for array in self._arrays:
                release_pages(array)
