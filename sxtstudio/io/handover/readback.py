"""What was written is read back, and is the same to the voxel, before it gets its name."""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume
from sxtstudio.io.writing import NotAsWritten


class SlabChecksums:
    """The checksums of the slabs of a volume as they are written, to compare with what is read back."""

    def __init__(self, target: Path) -> None:
        """Begin without slabs; ``target`` is the final name, which errors say."""
        self._target = target
        self._sums: list[tuple[Box, int]] = []

    def add(self, box: Box, slab: NDArray[Any]) -> None:
        """Take note of the labels (z, y, x) of ``box``."""
        self._sums.append((box, _checksum(slab)))

    def compare(self, back: Volume, progress: Progress) -> None:
        """Read the same slabs and compare them; ``progress`` counts slices.

        Raises
        ------
        NotAsWritten
            If they differ, or cannot be read.
        """
        trouble = f"{self._target.name} was not written: what was read back from the disk differs"
        for box, checksum in self._sums:
            try:
                same = _checksum(back.read(box)) == checksum
            except UserError as error:
                raise NotAsWritten(
                    f"{trouble} ({error.text}) Check the disk.", slices=error.slices
                ) from error
            if not same:
                raise NotAsWritten(
                    f"{trouble} in {{slices}}. Check the disk.", slices=(box.start[0], box.stop[0] - 1)
                )
            progress.step(box.shape[0])

    def differs(self, what: str) -> NotAsWritten:
        """Return the error for something else than the labels that is not as it was written."""
        return NotAsWritten(
            f"{self._target.name} was not written: what was read back from the disk differs in {what}. "
            "Check the disk."
        )


def _checksum(slab: NDArray[Any]) -> int:
    return zlib.crc32(np.ascontiguousarray(slab, np.uint32).data)


def size_on_disk(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    if not path.is_dir():
        return path.stat().st_size
    return sum(os.path.getsize(Path(folder, name)) for folder, _, names in os.walk(path) for name in names)
