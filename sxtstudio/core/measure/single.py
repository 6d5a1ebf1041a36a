"""Objects measured one by one, each in its own box: at once where only few of many are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.measure.measure import measure_objects
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import VoxelSize

#: Columns that say where an object lies: the axis, and whether they count voxels.
_PLACED = {
    f"{key}_{axis}": (index, key != "centroid")
    for index, axis in enumerate("zyx")
    for key in ("centroid", "centroid_voxel", "box_first", "box_last")
}


def measure_one(
    objects: NDArray[Any],
    number: int,
    box: Box,
    voxel_nm: VoxelSize | None,
    progress: Progress | None = None,
) -> Measurements:
    """Measure one object, which lies in ``box``, without grey values.

    What says where it lies is counted from the first voxel of the volume, as ``measure_objects`` does.
    """
    shape: Triple = (objects.shape[0], objects.shape[1], objects.shape[2])
    # A voxel more on every side, so that only what touches the volume's border touches the box's.
    window = box.grown((1, 1, 1), shape)
    part = np.where(objects[window.slices] == number, objects[window.slices], 0)
    found = measure_objects(part, voxel_nm, progress=progress)
    edges = (1.0, 1.0, 1.0) if voxel_nm is None else voxel_nm
    for key, (axis, in_voxels) in _PLACED.items():
        if key in found.values:
            offset = window.start[axis] * (1 if in_voxels else edges[axis])
            values = found.values[key]
            found.values[key] = np.asarray(values + np.asarray(offset, values.dtype))
    return found


def joined(parts: Sequence[Measurements]) -> Measurements | None:
    """Return the measurements of single objects as one, ascending; None of none."""
    if not parts:
        return None
    ordered = sorted(parts, key=lambda part: int(part.numbers[0]))
    first = ordered[0]
    values = {key: np.concatenate([part.values[key] for part in ordered]) for key in first.values}
    numbers = np.concatenate([part.numbers for part in ordered])
    return Measurements(numbers, values, first.columns, first.calibrated, first.notes)
