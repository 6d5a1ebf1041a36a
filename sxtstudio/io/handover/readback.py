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
from sxtstudio.core.label_image import LabelImage
from sxtstudio.core.progress import Progress
from sxtstudio.core.verified import NotAsWritten, differs
from sxtstudio.core.volume import Volume
from sxtstudio.io.filevolume import FileVolume
from sxtstudio.io.writing import same_place, same_voxel


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
                raise self.unreadable(error) from error
            if not same:
                raise NotAsWritten(
                    f"{trouble} in {{slices}}. Check the disk.", slices=(box.start[0], box.stop[0] - 1)
                )
            progress.step(box.shape[0])

    def compare_place(self, back: FileVolume, image: LabelImage) -> tuple[str, ...]:
        """Compare voxel size and position where the file gives them, and say what was compared.

        Raises
        ------
        NotAsWritten
            If they differ.
        """
        compared = []
        if not same_voxel(back.voxel_nm, image.voxel_nm):
            raise differs(self._target, "voxel size")
        if back.voxel_nm is not None:
            compared.append("voxel size")
        if back.origin_nm is not None and image.origin_nm is not None:
            if not same_place(back.origin_nm, image.origin_nm, image.voxel_nm):
                raise differs(self._target, "position")
            compared.append("position")
        return tuple(compared)

    def unreadable(self, error: UserError) -> NotAsWritten:
        """Return the error for a file that is refused when it is read back."""
        return NotAsWritten(
            f"{self._target.name} was not written: what was read back from the disk differs ({error.text}) "
            "Check the disk.",
            slices=error.slices,
        )


def _checksum(slab: NDArray[Any]) -> int:
    return zlib.crc32(np.ascontiguousarray(slab, np.uint32).data)


def size_on_disk(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    if not path.is_dir():
        return path.stat().st_size
    return sum(os.path.getsize(Path(folder, name)) for folder, _, names in os.walk(path) for name in names)
