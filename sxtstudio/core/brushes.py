"""What a brush covers: discs and balls, and the way between two positions of the pointer."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.planes import IN_PLANE, in_volume, plane_shape
from sxtstudio.core.volume import VoxelSize

Point = tuple[float, float]

# Voxel centres on the rim belong to the brush, whatever the rounding.
_RIM = 1e-6
# A long movement is painted in pieces, so that the boxes around slanted ones stay small.
_PIECE_PX = 48


@dataclass(frozen=True)
class Brush:
    """A round brush.

    Attributes
    ----------
    diameter_px
        In pixels of the slice, at least 1.
    ball
        It reaches into the neighbouring slices as far as within the slice.
    voxel_nm
        Edge lengths (z, y, x). A ball is round in nm; its diameter counts the finer pixels of the slice.
        None stands for cubes.
    """

    diameter_px: int = 4
    ball: bool = False
    voxel_nm: VoxelSize | None = None


def stroke(
    brush: Brush, axis: int, depth: int, start: Point, end: Point, shape: Triple
) -> tuple[Box, NDArray[np.bool_]] | None:
    """Return what ``brush`` covers on its straight way between two positions.

    Parameters
    ----------
    axis, depth
        The slice: number ``depth`` perpendicular to ``axis``.
    start, end
        (row, column) in that slice; whole numbers are pixel centres. They are moved by less than half a
        pixel so that the mark is as wide as the diameter says.
    shape
        Of the volume (z, y, x).

    Returns
    -------
    box, where
        A box within the volume and a bool array of its shape (z, y, x); None if nothing is covered.
    """
    diameter = max(1, brush.diameter_px)
    radius = diameter / 2
    row_step, column_step, depth_step = _steps(brush, axis)
    (row, column), (row_end, column_end) = (_snapped(point, diameter) for point in (start, end))
    rows = _range(row, row_end, radius / row_step, plane_shape(shape, axis)[0])
    columns = _range(column, column_end, radius / column_step, plane_shape(shape, axis)[1])
    reach = int(radius / depth_step + _RIM) if brush.ball else 0
    slices = range(max(0, depth - reach), min(shape[axis], depth + reach + 1))
    if not rows or not columns or not slices:
        return None
    # Squared distance of the pixels to the line between both positions.
    y = ((np.arange(rows.start, rows.stop) - row) * row_step)[:, None]
    x = ((np.arange(columns.start, columns.stop) - column) * column_step)[None, :]
    dy, dx = (row_end - row) * row_step, (column_end - column) * column_step
    length = dy * dy + dx * dx
    if length > 0:
        along = np.clip((y * dy + x * dx) / length, 0, 1)
        distance = (y - along * dy) ** 2 + (x - along * dx) ** 2
    else:
        distance = y**2 + x**2
    off = (np.arange(slices.start, slices.stop) - depth) * depth_step
    limit = radius**2 + _RIM - off**2
    where = distance[None] <= limit[:, None, None]
    if not where.any():
        return None
    return in_volume(axis, (slices.start, rows.start, columns.start), where)


def pieces(start: Point, end: Point, diameter_px: int) -> Iterator[tuple[Point, Point]]:
    """Cut a long movement into short ones that follow each other."""
    length = math.dist(start, end)
    count = max(1, math.ceil(length / max(_PIECE_PX, diameter_px)))
    points = [
        (start[0] + (end[0] - start[0]) * n / count, start[1] + (end[1] - start[1]) * n / count)
        for n in range(count + 1)
    ]
    yield from itertools.pairwise(points)


def _steps(brush: Brush, axis: int) -> tuple[float, float, float]:
    """Return how far rows, columns and slices are apart, in the pixels that the diameter counts."""
    if not brush.ball or brush.voxel_nm is None:
        return 1.0, 1.0, 1.0
    row_axis, column_axis = IN_PLANE[axis]
    unit = min(brush.voxel_nm[row_axis], brush.voxel_nm[column_axis])
    return tuple(brush.voxel_nm[a] / unit for a in (row_axis, column_axis, axis))  # type: ignore[return-value]


def _snapped(point: Point, diameter: int) -> Point:
    """Move to the nearest pixel centre (odd diameters) or corner (even ones)."""
    shift = 0.5 if diameter % 2 == 0 else 0.0
    row, column = (math.floor(value + 0.5 + shift) - shift for value in point)
    return row, column


def _range(a: float, b: float, radius: float, size: int) -> range:
    low, high = min(a, b) - radius, max(a, b) + radius
    return range(max(0, math.ceil(low - _RIM)), min(size, math.floor(high + _RIM) + 1))
