"""The grey value of a material: the mean at a place of the tomogram where there is nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.distance import distances
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.measure.grey import shell_thickness
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume, VoxelSize
from sxtstudio.core.walk import walk
from sxtstudio.core.wording import count

_MOST_VOXELS = 64_000_000  # of an object's box that are read; of a larger one its middle slices


@dataclass(frozen=True)
class GreySample:
    """Mean and SD of grey values, how many they are, and where they were taken, in words."""

    mean: float
    sd: float
    voxels: int
    where: str

    @property
    def measured(self) -> str:
        """What a calibration says of it: "inside of object 12, 5 210 voxels, SD 3.1"."""
        return f"{self.where}, {count(self.voxels, 'voxel')}, SD {self.sd:.3g}"


def sample_object(
    image: Volume,
    objects: NDArray[Any],
    number: int,
    box: Box,
    voxel_nm: VoxelSize | None,
) -> GreySample:
    """Take the grey value inside of an object, deeper than its rim; of all of it where it is too thin.

    Parameters
    ----------
    image, objects
        The tomogram and the object volume of the same shape.
    number, box
        The object, and a box that holds it.
    voxel_nm
        Edges of a voxel (z, y, x), None where they are unknown.

    Raises
    ------
    UserError
        If it has no voxel that was measured.
    """
    wide = box.grown((1, 1, 1), image.shape)
    most = max(3, _MOST_VOXELS // (wide.shape[1] * wide.shape[2]))
    if wide.shape[0] > most:
        first = wide.start[0] + (wide.shape[0] - most) // 2
        wide = Box((first, *wide.start[1:]), (first + most, *wide.stop[1:]))
    mask = np.asarray(objects[wide.slices] == number)
    values = image.read(wide)
    known = mask & np.isfinite(values)
    shell = shell_thickness(voxel_nm)
    deep = distances(mask, voxel_nm or (1.0, 1.0, 1.0), reach=shell) > shell
    for places, where in ((known & deep, f"inside of object {number}"), (known, f"object {number}")):
        found = values[places].astype(np.float64)
        if found.size:
            return GreySample(float(found.mean()), float(found.std()), found.size, where)
    raise UserError(
        f"Object {number} has no voxel with a grey value. Choose another one, or type the grey value."
    )


def sample_place(
    image: Volume,
    box: Box,
    where: str,
    inside: Callable[[Box], NDArray[np.bool_]] | None = None,
    progress: Progress | None = None,
) -> GreySample:
    """Take the grey value of all voxels of a box, or of those for which ``inside`` says so.

    Parameters
    ----------
    image
        The tomogram.
    box
        What is looked at.
    where
        How to call the place.
    inside
        Says of the voxels of a box which ones count, bool (z, y, x).
    progress
        Counts the slices.

    Raises
    ------
    UserError
        If no voxel counts.
    """
    n, total, squares, middle = 0, 0.0, 0.0, math.nan
    for slab in walk(box.shape, progress=progress, stage="grey values"):
        first = box.start[0] + slab.start[0]
        part = Box((first, *box.start[1:]), (first + slab.shape[0], *box.stop[1:]))
        values = image.read(part).astype(np.float64)
        kept = values[np.isfinite(values) if inside is None else inside(part) & np.isfinite(values)]
        if kept.size:
            middle = float(kept[0]) if math.isnan(middle) else middle
            n += kept.size
            total += float((kept - middle).sum())
            squares += float(np.square(kept - middle).sum())
    if not n:
        raise UserError(f"There is no grey value in {where}. Choose another place, or type the grey value.")
    mean = total / n
    return GreySample(middle + mean, math.sqrt(max(0.0, squares / n - mean * mean)), n, where)
