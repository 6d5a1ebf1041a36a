"""Label files as arrays on disk, and volumes seen through a range of slices or another voxel size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.label_values import LabelValues, ValueCounter
from sxtstudio.core.progress import Progress
from sxtstudio.core.reserved import create_numbers
from sxtstudio.core.volume import SizeUnknown, Volume, VoxelSize
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
    return tuple(note for note in file.notes if given_nm is None or not isinstance(note, SizeUnknown))


def labels_to_disk(
    volume: Volume,
    path: Path,
    name: str,
    progress: Progress | None = None,
    *,
    value: int | None = None,
    keep: bool = False,
) -> tuple[NDArray[Any], LabelValues]:
    """Copy a label volume, slab by slab, into an array (z, y, x) on disk.

    Parameters
    ----------
    volume, path, name
        The labels, the array's file, and the name of the labels for what is said of them.
    value
        Takes only the voxels of this value; None takes all that are not 0.
    keep
        Keeps the values, in as many bytes as the file has (at most 4); else the array is uint8, 0 background
        and 1 label.

    Returns
    -------
    labels, values
        The array, and the values that the file holds.

    Raises
    ------
    UserError
        If ``volume`` is an image rather than labels: fractional grey values, or no background; if no voxel
        has ``value``; or if the disk has no room for them.
    """
    progress = progress or Progress()
    # Whole numbers in 8 bytes, or in float, fit into 4 as well.
    bytes_each = {1: 1, 2: 2}.get(volume.dtype.itemsize, 4) if keep else 1
    labels = create_numbers(path, volume.shape, bytes_each, "write to another disk")
    counter = ValueCounter(name)
    for box in walk(volume.shape, labels, progress=progress, stage="reading labels"):
        part = counter.add(volume.read(box))
        wanted = part != 0 if value is None else part == value
        labels[box.slices] = np.where(wanted, part, 0) if keep else wanted
    values = counter.found()
    if value is not None:
        values.check(value)
    elif keep:
        _check_range(name, list(values.voxels))
    return labels, values


def _check_range(name: str, values: list[int]) -> None:
    """Refuse values, ascending, of which several would be the same in 4 bytes."""
    if values and (values[-1] >= 2**32 or values[0] < -(2**31) or (values[0] < 0 and values[-1] >= 2**31)):
        LabelValues(name, dict.fromkeys(values, 1)).check_objects()
