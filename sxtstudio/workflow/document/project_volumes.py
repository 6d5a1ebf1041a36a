"""The voxels of a project: written only where they changed, with a checksum, and read back."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.edit_kind import Target
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.labels import as_labels
from sxtstudio.core.mapped_memory import PageReleaser
from sxtstudio.core.plain_files import open_own
from sxtstudio.core.progress import Progress
from sxtstudio.core.reserved import open_array
from sxtstudio.core.volume import VoxelSize
from sxtstudio.core.walk import slab_slices, walk
from sxtstudio.core.wording import shape_text
from sxtstudio.io import export_volume, open_volume
from sxtstudio.io.project import Record, StoredVolume, next_volume_name, volume_path
from sxtstudio.workflow.document.document import Document, Labels
from sxtstudio.workflow.document.workplace import create_file
from sxtstudio.workflow.jobs.outputs import check_space


class _Checked:
    """Labels as they are saved (0 or 255), with the checksum of all that was read, in order."""

    def __init__(self, voxels: Labels, voxel_nm: VoxelSize | None) -> None:
        self._voxels = voxels
        self._pages = PageReleaser(voxels)
        self.voxel_nm = voxel_nm
        self.dtype = np.dtype(np.uint8)
        z, y, x = voxels.shape
        self.shape: Triple = (z, y, x)
        self.crc32 = 0

    def read(self, box: Box) -> NDArray[np.uint8]:
        part = as_labels(self._voxels[box.slices])
        self.crc32 = zlib.crc32(part.data, self.crc32)
        self._pages.read(part.size)
        return part


def save_volume(
    folder: Path,
    target: Target,
    voxels: Labels,
    record: Record,
    former: StoredVolume | None,
    progress: Progress,
) -> StoredVolume:
    """Write a volume under a new name, unless that of the project is the same."""
    if former is not None:
        checked = _Checked(voxels, None)
        comparing = progress.part(0.2, f"Comparing the {target}")
        for box in walk(checked.shape, progress=comparing):
            checked.read(box)
        if checked.crc32 == former.crc32:
            return former
    name = next_volume_name(folder, target)
    checked = _Checked(voxels, record.voxel_nm)
    check_space(folder, voxels.size // 50)  # labels shrink to a fiftieth and less
    writing = progress.part(0.8, f"Saving the {target}")
    export_volume(folder / name, checked, kind="labels", zstd=True, progress=writing)
    return StoredVolume(name, checked.crc32)


def load_volume(
    document: Document, folder: Path, target: Target, stored: StoredVolume, progress: Progress
) -> int:
    """Copy a volume into the working folder; return its checksum."""
    with open_volume(volume_path(folder, stored)) as source:
        if source.shape != document.shape or source.dtype != np.uint8:
            raise UserError(
                f"The project {folder.name} is damaged: {stored.name} has {shape_text(source.shape)} voxels "
                f"of type {source.dtype} instead of {shape_text(document.shape)} of type uint8."
            )
        path = document.file_of(target)
        create_file(path, source.shape[0] * source.shape[1] * source.shape[2])
        # As deep as the chunks, so that each is unpacked once.
        deep = slab_slices(source.shape, multiple=16)
        crc32 = 0
        with open_own(path, "r+b") as file:  # twice as fast as through a memory map
            for box in walk(source.shape, progress=progress, slices=deep):
                part = as_labels(source.read(box))
                crc32 = zlib.crc32(part.data, crc32)
                if part.any():
                    file.write(part.data)
                else:  # the file is of zeros already
                    file.seek(part.size, os.SEEK_CUR)
    document.set_array(target, open_array(path, document.shape))
    return crc32
