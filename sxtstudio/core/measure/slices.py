"""Objects slice by slice: area, axes, perimeter, eccentricity; and their mean and SD over its slices."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.measure.bricks import over_bricks
from sxtstudio.core.measure.columns import FROM_NM, Column, Quantity
from sxtstudio.core.measure.configurations import count_planes, perimeter_table, weighted
from sxtstudio.core.measure.inventory import Inventory, take_inventory
from sxtstudio.core.measure.size import fitted_axes
from sxtstudio.core.measure.subject import ColumnGroup, Subject
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import VoxelSize

_ELLIPSE = (
    "Length of the {} axis of the ellipse that has the same second moments as the object in this slice, each "
    "pixel counted as a solid square; from end to end."
)

#: What is measured in each slice.
SLICE_COLUMNS: tuple[Column, ...] = (
    Column(
        "area",
        "Area",
        Quantity.NM2,
        "Area of the object in this slice: its pixels times the area of a pixel.",
        "pixels × voxel_y × voxel_x",
    ),
    *(
        Column(
            f"axis_{number}",
            f"{ordinal} axis",
            Quantity.NM,
            _ELLIPSE.format(ordinal.lower()),
            f"4 √λ{number}, λ1 ≥ λ2 the eigenvalues of the covariance of its pixels, with pixel²/12 added",
            "MIB and MATLAB regionprops (MajorAxisLength), scikit-image (axis_major_length)",
        )
        for number, ordinal in ((1, "First"), (2, "Second"))
    ),
    Column(
        "perimeter",
        "Perimeter",
        Quantity.NM,
        "Length of the outline in this slice, outlines of holes included, from how often lines in 4 "
        "directions "
        "cross it: unbiased over all orientations.",
        "π/2 Σ share of direction × cuts × pixel area / step (Crofton)",
        "scikit-image (perimeter_crofton)",
    ),
    Column(
        "eccentricity",
        "Eccentricity",
        Quantity.NUMBER,
        "Of the fitted ellipse: 0 for a circle, near 1 for a needle.",
        "√(1 − (axis_2 / axis_1)²)",
        "scikit-image (eccentricity)",
    ),
)


def _over_slices(column: Column) -> tuple[Column, Column]:
    """Mean and SD over the slices of an object."""
    what = f"{column.title} in a slice".lower()
    return (
        Column(
            f"slice_{column.key}_mean",
            f"{column.title} per slice, mean",
            column.quantity,
            f"Mean {what} over the slices of the object.",
            column.formula,
            column.source,
        ),
        Column(
            f"slice_{column.key}_sd",
            f"{column.title} per slice, SD",
            column.quantity,
            f"Standard deviation of the {what} over the slices of the object (n − 1); empty for a single "
            "slice.",
            column.formula,
            column.source,
        ),
    )


COLUMNS: tuple[Column, ...] = tuple(found for column in SLICE_COLUMNS for found in _over_slices(column))


@dataclass(frozen=True)
class SliceMeasurements:
    """Measured values of every object in every slice that holds a part of it.

    Attributes
    ----------
    numbers, slices
        The object and the slice, counted from 0, of each row: (n,), int64; by object, then by slice.
    values
        By the keys of ``SLICE_COLUMNS``, arrays (n,), in the units of these.
    calibrated
        The voxel size is known; without it lengths are in voxels.
    """

    numbers: NDArray[np.int64]
    slices: NDArray[np.int64]
    values: dict[str, NDArray[np.float64]]
    calibrated: bool


def measure_slices(
    objects: NDArray[Any],
    voxel_nm: VoxelSize | None,
    *,
    only: Collection[int] | None = None,
    inventory: Inventory | None = None,
    progress: Progress | None = None,
) -> SliceMeasurements:
    """Measure every object in each of its slices; parameters and errors are those of ``measure_objects``."""
    progress = progress or Progress()
    counter = progress.part(0.4, "finding objects")
    found = take_inventory(objects, counter) if inventory is None else inventory
    if only is not None:
        found = found.only(only)
    voxel = (1.0, 1.0, 1.0) if voxel_nm is None else voxel_nm
    subject = Subject(objects, voxel, voxel_nm is not None, found)
    values = _slice_values(subject, progress.part(0.6, "slices of objects"))
    if subject.calibrated:
        for column in SLICE_COLUMNS:
            values[column.key] = values[column.key] * FROM_NM.get(column.quantity, 1.0)
    return SliceMeasurements(found.planes.number, found.planes.z, values, subject.calibrated)


def _slice_values(subject: Subject, progress: Progress) -> dict[str, NDArray[np.float64]]:
    """Return by the keys of ``SLICE_COLUMNS`` one value for each of the inventory's planes."""
    planes, pixel = subject.inventory.planes, (subject.voxel[1], subject.voxel[2])
    mean_y, mean_x = planes.y / planes.area, planes.x / planes.area
    moments = np.empty((len(planes), 2, 2))
    moments[:, 0, 0] = planes.yy / planes.area - mean_y**2
    moments[:, 1, 1] = planes.xx / planes.area - mean_x**2
    moments[:, 0, 1] = moments[:, 1, 0] = planes.yx / planes.area - mean_y * mean_x
    lengths, _ = fitted_axes(moments, pixel)
    flat = np.divide(lengths[:, 1], lengths[:, 0], out=np.ones(len(planes)), where=lengths[:, 0] > 0)
    return {
        "area": planes.area * (pixel[0] * pixel[1]),
        "axis_1": lengths[:, 0],
        "axis_2": lengths[:, 1],
        "perimeter": _perimeters(subject, progress),
        "eccentricity": np.sqrt(np.maximum(1 - flat**2, 0)),
    }


def _perimeters(subject: Subject, progress: Progress) -> NDArray[np.float64]:
    found = subject.inventory
    depth = subject.shape[0]
    keys = found.row_of_plane * depth + found.planes.z
    table = perimeter_table((subject.voxel[1], subject.voxel[2]))
    perimeters = np.zeros(len(keys))
    for brick, counts in over_bricks(subject.objects, found, count_planes, progress, "slices of objects"):
        z = brick.origin[:, :1] + np.arange(counts.shape[1])
        wanted = brick.rows[:, None] * depth + z
        # Slices that an object is not in, also those just outside of it, find another plane and add nothing.
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        np.add.at(perimeters, place, weighted(counts, table))
    return perimeters


def _measure(subject: Subject, progress: Progress) -> dict[str, NDArray[np.generic]]:
    found = subject.inventory
    n = len(found.numbers)
    values: dict[str, NDArray[np.generic]] = {}
    for key, each in _slice_values(subject, progress).items():
        mean = np.bincount(found.row_of_plane, each, n) / found.slices
        squares = np.bincount(found.row_of_plane, (each - mean[found.row_of_plane]) ** 2, n)
        sd = np.full(n, np.nan)
        several = found.slices > 1
        sd[several] = np.sqrt(squares[several] / (found.slices[several] - 1))
        values[f"slice_{key}_mean"], values[f"slice_{key}_sd"] = mean, sd
    return values


SLICES = ColumnGroup(COLUMNS, _measure, share=1.0)
