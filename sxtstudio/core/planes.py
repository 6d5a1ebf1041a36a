"""The three planes of a volume (z, y, x), as the slice views show them.

A plane is perpendicular to one axis; the other two run along its rows and columns::

    axis 0, "xy": y down, x right
    axis 1, "xz": z down, x right (shown below xy)
    axis 2, "yz": y down, z right (shown to the right of xy)
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box, Triple

Plane = Literal["xy", "xz", "yz"]
PLANES: tuple[Plane, ...] = ("xy", "xz", "yz")

#: By the axis that a plane is perpendicular to: the axes along its rows and columns.
IN_PLANE: tuple[tuple[int, int], ...] = ((1, 2), (0, 2), (1, 0))
NORMAL: dict[Plane, int] = {plane: axis for axis, plane in enumerate(PLANES)}
ROWS: dict[Plane, int] = {plane: IN_PLANE[axis][0] for plane, axis in NORMAL.items()}
COLUMNS: dict[Plane, int] = {plane: IN_PLANE[axis][1] for plane, axis in NORMAL.items()}


def plane_shape(shape: Triple, axis: int) -> tuple[int, int]:
    """Return rows and columns of the slices perpendicular to ``axis``."""
    row, column = IN_PLANE[axis]
    return shape[row], shape[column]


def plane_of(volume: NDArray[Any], axis: int, depth: int) -> NDArray[Any]:
    """Return slice ``depth`` perpendicular to ``axis`` as a view (rows, columns), not a copy."""
    found: NDArray[Any] = as_planes(volume, axis)[depth]
    return found


def as_planes(volume: NDArray[Any], axis: int) -> NDArray[Any]:
    """Return a view (slices along ``axis``, rows, columns) of a volume (z, y, x)."""
    return volume.transpose(axis, *IN_PLANE[axis])


def from_planes(planes: NDArray[Any], axis: int) -> NDArray[Any]:
    """Return a view (z, y, x) of an array (slices along ``axis``, rows, columns): undoes ``as_planes``."""
    return planes.transpose(np.argsort((axis, *IN_PLANE[axis])))


def in_volume(axis: int, start: Triple, where: NDArray[Any]) -> tuple[Box, NDArray[Any]]:
    """Turn a block (slices along ``axis``, rows, columns) that begins at ``start`` into volume axes.

    Returns
    -------
    box, where
        The block's place in the volume, and a view of it in the order (z, y, x).
    """
    turned = from_planes(where, axis)
    low = voxel_at(axis, *start)
    z, y, x = (a + n for a, n in zip(low, turned.shape, strict=True))
    return Box(low, (z, y, x)), turned


def voxel_at(axis: int, depth: int, row: int, column: int) -> Triple:
    """Return the voxel (z, y, x) at a place of slice ``depth``."""
    place = [0, 0, 0]
    place[axis] = depth
    place[IN_PLANE[axis][0]] = row
    place[IN_PLANE[axis][1]] = column
    return (place[0], place[1], place[2])
