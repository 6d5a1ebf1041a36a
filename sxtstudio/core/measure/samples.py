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

_CLIPPED = 0.02  # of the voxels; so many at the end of the scale move the mean
_REPEATED = 20  # so many equal ones are no chance
_MOST_VOXELS = 64_000_000  # of an object's box that are read; of a larger one its middle slices


@dataclass(frozen=True)
class MaterialGrey:
    """Mean and SD of grey values, how many they are, and where they were taken, in words.

    ``clipped`` is the share of them that lie at an end of the scale of the file, where all that is darker or
    brighter has the same value: the mean is then not that of the material.
    """

    mean: float
    sd: float
    voxels: int
    where: str
    clipped: float = 0.0

    @property
    def measured(self) -> str:
        """What a calibration says of it: "inside of object 12, 5 210 voxels, SD 3.1"."""
        cut = f", {100 * self.clipped:.0f} % of them cut off" if self.is_clipped else ""
        return f"{self.where}, {count(self.voxels, 'voxel')}, SD {self.sd:.3g}{cut}"

    @property
    def is_clipped(self) -> bool:
        """Whether so many are cut off that it changes the mean."""
        return self.clipped > _CLIPPED

    @property
    def warning(self) -> str:
        """What the user should know of it, or ""."""
        if not self.is_clipped:
            return ""
        return (
            f"⚠ {100 * self.clipped:.0f} % of these voxels lie at an end of the file's grey values: the "
            "material may be darker or brighter, and its grey value is not known. Take another place, or the "
            "reconstruction before it was made 8 or 16 bit."
        )


def sample_object(
    image: Volume,
    objects: NDArray[Any],
    number: int,
    box: Box,
    voxel_nm: VoxelSize | None,
) -> MaterialGrey:
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
            cut = _at_ends(values[places]) / found.size
            return MaterialGrey(float(found.mean()), float(found.std()), found.size, where, cut)
    raise UserError(
        f"Object {number} has no voxel with a grey value. Choose another one, or type the grey value."
    )


def sample_place(
    image: Volume,
    box: Box,
    where: str,
    inside: Callable[[Box], NDArray[np.bool_]] | None = None,
    progress: Progress | None = None,
) -> MaterialGrey:
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
    n, total, squares, middle, cut = 0, 0.0, 0.0, math.nan, 0
    for slab in walk(box.shape, progress=progress, stage="grey values"):
        first = box.start[0] + slab.start[0]
        part = Box((first, *box.start[1:]), (first + slab.shape[0], *box.stop[1:]))
        stored = image.read(part)
        values = stored.astype(np.float64)
        counts = np.isfinite(values) if inside is None else inside(part) & np.isfinite(values)
        kept = values[counts]
        if kept.size:
            middle = float(kept[0]) if math.isnan(middle) else middle
            n += kept.size
            cut += _at_ends(stored[counts])
            total += float((kept - middle).sum())
            squares += float(np.square(kept - middle).sum())
    if not n:
        raise UserError(f"There is no grey value in {where}. Choose another place, or type the grey value.")
    mean = total / n
    return MaterialGrey(middle + mean, math.sqrt(max(0.0, squares / n - mean * mean)), n, where, cut / n)


def _at_ends(values: NDArray[Any]) -> int:
    """Return how many values lie at an end of what their type can hold.

    Of floating point numbers these are values that several have exactly, the least or the greatest: grain
    never repeats them, a file that was of 8 bit does.
    """
    if values.dtype.kind in "ui":
        ends = np.iinfo(values.dtype)
        return int(np.count_nonzero((values == ends.min) | (values == ends.max)))
    if values.size < _REPEATED or values.min() == values.max():
        return 0
    counts = (int(np.count_nonzero(values == end)) for end in (values.min(), values.max()))
    return sum(number for number in counts if number >= _REPEATED)
