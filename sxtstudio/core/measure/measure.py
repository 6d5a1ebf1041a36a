"""The one door to all measurements of objects."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.measure.columns import FROM_NM, Column, Measurements
from sxtstudio.core.measure.grey import GREY
from sxtstudio.core.measure.inventory import Inventory, take_inventory
from sxtstudio.core.measure.shape import SHAPE
from sxtstudio.core.measure.size import SIZE
from sxtstudio.core.measure.skeleton import SKELETON
from sxtstudio.core.measure.slices import SLICES
from sxtstudio.core.measure.subject import ColumnGroup, Subject
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume, VoxelSize

#: All groups of columns, in the order of the table.
GROUPS: tuple[ColumnGroup, ...] = (SIZE, SHAPE, SKELETON, SLICES, GREY)
_INVENTORY_SHARE = 0.5

#: What a single slice cannot give, for want of the third dimension; centre lines are those of balls.
_SOLID = frozenset(
    {
        *("volume", "equivalent_diameter", "axis_1", "axis_2", "axis_3", "angle_to_beam"),
        *("surface_mesh", "surface_voxels", "surface_to_volume", "sphericity"),
        *("feret_max", "feret_min", "feret_mean"),
        *("euler_number", "wedge_share", "end_share", "cut_by_wedge"),
        *(column.key for column in SKELETON.columns),
    }
)
#: Goes with the values of a volume of one slice.
ONE_SLICE = "One slice: 3D columns are left empty; see the columns per slice."


def all_columns(groups: Sequence[ColumnGroup] = GROUPS) -> tuple[Column, ...]:
    """Return every column that there is, in the order of the table: what the dictionary explains."""
    return tuple(column for group in groups for column in group.columns)


def measure_objects(
    objects: NDArray[Any],
    voxel_nm: VoxelSize | None,
    *,
    image: Volume | None = None,
    groups: Sequence[ColumnGroup] = GROUPS,
    only: Collection[int] | None = None,
    inventory: Inventory | None = None,
    known: Mapping[str, NDArray[np.generic]] | None = None,
    progress: Progress | None = None,
) -> Measurements:
    """Measure every object of a volume.

    Parameters
    ----------
    objects
        Whole numbers (z, y, x), array or memory map: 0 is none, voxels of one number are one object, wherever
        they lie. Any numbers up to 2³².
    voxel_nm
        Edge lengths of a voxel in nm (z, y, x). None: unknown; lengths are then in voxels.
    image
        The tomogram, of the same shape, for columns of grey values; without it they are left out.
    groups
        The columns that are wanted.
    only
        Measure only the objects of these numbers.
    inventory
        That of ``objects``, where it was taken before.
    known
        By their keys columns (n,) of just these objects, in the units of the columns: groups of which all is
        known are not measured.
    progress
        Reports and takes the cancel.

    Returns
    -------
    Measurements
        One row per object, ascending; no rows where there is none. Of a volume of one slice, columns that
        need a third dimension are NaN, and a note says so.

    Raises
    ------
    UserError
        If ``objects`` are not three axes of whole numbers, or ``image`` has another shape.
    Cancelled
        If the job was cancelled through ``progress``.
    """
    _check(objects, image)
    progress = progress or Progress()
    wanted = [group for group in groups if image is not None or not group.needs_image]
    total = _INVENTORY_SHARE + sum(group.share for group in wanted)
    counter = progress.part(_INVENTORY_SHARE / total, "finding objects")
    inventory = take_inventory(objects, counter) if inventory is None else inventory
    if only is not None:
        inventory = inventory.only(only)
    subject = Subject(
        objects, (1.0, 1.0, 1.0) if voxel_nm is None else voxel_nm, voxel_nm is not None, inventory, image
    )
    found = Measurements(inventory.numbers, calibrated=subject.calibrated)
    for group in wanted:
        part = progress.part(group.share / total, "measuring")
        if known is not None and all(column.key in known for column in group.columns):
            for column in group.columns:
                found.add(column, known[column.key])
            found.notes += group.notes(subject)
            continue
        values = (
            _without_solid(group, subject, part) if objects.shape[0] == 1 else group.measure(subject, part)
        )
        for column in group.columns:
            found.add(column, _in_unit(values[column.key], column, subject.calibrated))
        found.notes += group.notes(subject)
    if objects.shape[0] == 1 and not _SOLID.isdisjoint(found.values):
        found.notes += (ONE_SLICE,)
    return found


def _without_solid(group: ColumnGroup, subject: Subject, progress: Progress) -> Mapping[str, NDArray[Any]]:
    """Measure a group in a volume of one slice: what needs a third dimension is NaN."""
    empty = np.full(len(subject.inventory.numbers), np.nan)
    left = {column.key: empty for column in group.columns if column.key in _SOLID}
    if len(left) == len(group.columns):
        return left
    return {**group.measure(subject, progress), **left}


def _in_unit(values: NDArray[Any], column: Column, calibrated: bool) -> NDArray[Any]:
    factor = FROM_NM.get(column.quantity, 1.0) if calibrated else 1.0
    return values if factor == 1.0 else np.asarray(values * factor)


def _check(objects: NDArray[Any], image: Volume | None) -> None:
    shape = objects.shape
    if objects.ndim != 3 or 0 in shape:
        raise UserError(
            f"Objects need a volume with three axes (z, y, x); this one has the shape "
            f"{'×'.join(map(str, shape))}. Give a volume of objects."
        )
    if objects.dtype.kind not in "ui":
        raise UserError(
            f"Objects are whole numbers, one per object, and these are {objects.dtype}. Give a file of "
            "objects or labels, not a tomogram."
        )
    if image is not None and tuple(image.shape) != shape:
        raise UserError(
            f"The tomogram has {'×'.join(map(str, image.shape))} voxels and the objects have "
            f"{'×'.join(map(str, shape))}: give the tomogram that the objects were found in."
        )
