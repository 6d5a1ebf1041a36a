"""Label files as arrays on disk, and volumes seen through a range of slices or another voxel size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.progress import Progress
from sxtstudio.core.reserved import create_array
from sxtstudio.core.volume import Volume, VoxelSize
from sxtstudio.core.walk import walk
from sxtstudio.io import FileVolume


class VolumeView:
    """The slices ``first`` to ``last`` (not included) of a volume, with a voxel size of its own."""

    def __init__(
        self, volume: Volume, slices: tuple[int, int] | None = None, voxel_nm: VoxelSize | None = None
    ) -> None:
        """Look at ``volume`` without reading it; what is not given stays as it is there."""
        self._volume = volume
        self._first, self._last = slices or (0, volume.shape[0])
        self._voxel_nm = voxel_nm or volume.voxel_nm

    @property
    def shape(self) -> Triple:
        """Number of voxels along (z, y, x)."""
        return (self._last - self._first, *self._volume.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels."""
        return self._volume.dtype

    @property
    def voxel_nm(self) -> VoxelSize | None:
        """Edge lengths of a voxel in nm, (z, y, x), or None where they are unknown."""
        return self._voxel_nm

    def read(self, box: Box) -> NDArray[Any]:
        """Return a copy of the voxels of ``box``."""
        (z, y, x), (z_stop, y_stop, x_stop) = box.start, box.stop
        return self._volume.read(Box((z + self._first, y, x), (z_stop + self._first, y_stop, x_stop)))


def notes_of(file: FileVolume, given_nm: VoxelSize | None) -> tuple[str, ...]:
    """Return what the user should know of a file; nothing of its voxel size where that was given by hand."""
    return tuple(note for note in file.notes if given_nm is None or not note.startswith("voxel size"))


def labels_to_disk(
    volume: Volume, path: Path, name: str, progress: Progress | None = None
) -> NDArray[np.uint8]:
    """Copy a label volume, slab by slab, into a uint8 array (z, y, x) on disk: 0 background, 1 label.

    Raises
    ------
    UserError
        If ``volume`` is an image rather than labels: fractional grey values, or no background; or if the
        disk has no room for them.
    """
    progress = progress or Progress()
    labels = create_array(path, volume.shape, "write to another disk")
    background = 0
    for box in walk(volume.shape, labels, progress=progress, stage="reading labels"):
        part = volume.read(box)
        if part.dtype.kind == "f" and not np.array_equal(part, np.rint(part)):
            raise UserError(
                f"{name} holds fractional grey values and is no label file: give the labels instead."
            )
        found = part != 0
        labels[box.slices] = found
        background += found.size - int(np.count_nonzero(found))
    if not background:
        raise UserError(
            f"{name} has no background (no voxel is 0) and is no label file: give the labels instead."
        )
    return labels
