"""Changes of whole objects: delete, keep only one, cut in two, join two."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from sxtstudio.core.brushes import Point
from sxtstudio.core.edits import Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.objects import label_objects
from sxtstudio.core.objects_at import FoundObject, Part
from sxtstudio.core.planes import IN_PLANE, from_planes
from sxtstudio.core.volume import VoxelSize

# Below this width the two sides of a slanted cut could still touch at corners.
NARROWEST_CUT_PX = 2


def delete_object(recorder: Recorder, parts: Iterable[Part]) -> int:
    """Erase an object, given by its parts; return how many voxels went."""
    gone = 0
    for box, where in parts:
        if where.any():
            recorder.paint(box, where, 0)
            gone += int(np.count_nonzero(where))
    return gone


def keep_object(recorder: Recorder, slabs: Iterable[Part]) -> int:
    """Erase all but one object, given by slabs that cover the volume; return how many voxels went."""
    gone = 0
    for box, where in slabs:
        labels = recorder.labels[box.slices]
        erased = (labels != 0) & ~where
        if erased.any():
            gone += int(np.count_nonzero(erased))
            recorder.paint(box, erased, 0)
    return gone


@dataclass(frozen=True)
class Cut:
    """A line in a slice perpendicular to ``axis``, from (row, column) to (row, column), and its width."""

    axis: int
    start: Point
    end: Point
    width_px: float = 2.0


def cut_object(recorder: Recorder, parts: Iterable[Part], cut: Cut) -> int:
    """Erase the voxels of an object that lie within half the cut's width of its line, at any depth.

    The cut reaches through the object along the normal of the slice that the line was drawn in, and
    beyond neither end of the line. Other objects stay as they are.

    Returns
    -------
    int
        How many voxels went.
    """
    gone = 0
    for box, where in parts:
        rows, columns = (np.arange(box.start[n], box.stop[n]) for n in IN_PLANE[cut.axis])
        line = _near_line(rows, columns, cut)
        if not line.any():
            continue
        erased = where & from_planes(line[None], cut.axis)
        if erased.any():
            gone += int(np.count_nonzero(erased))
            recorder.paint(box, erased, 0)
    return gone


def count_pieces(labels: NDArray[np.uint8], found: FoundObject) -> int:
    """Return into how many objects a found object has fallen, now that ``labels`` have been changed."""
    _, count = label_objects(found.where & (labels[found.box.slices] != 0))
    return count


def merge_objects(
    recorder: Recorder,
    first: FoundObject,
    second: FoundObject,
    *,
    diameter_px: float,
    voxel_nm: VoxelSize | None = None,
) -> Box | None:
    """Join two objects by a round bridge between their nearest voxels.

    Parameters
    ----------
    diameter_px
        Of the bridge, in voxels of the smallest edge.
    voxel_nm
        Edge lengths (z, y, x): near and round are meant in nm.

    Returns
    -------
    Box or None
        What changed; None if the bridge is there already.

    Raises
    ------
    UserError
        If both are one object.
    """
    steps = np.array(voxel_nm or (1.0, 1.0, 1.0)) / min(voxel_nm or (1.0,))
    a, b = (_surface(found) for found in (first, second))
    if len(a) > len(b):
        a, b = b, a
    distance, nearest = cKDTree(a * steps).query(b * steps)
    which = int(np.argmin(distance))
    if distance[which] == 0:
        raise UserError("Both clicks are on the same object. Click the two objects that belong together.")
    z, y, x = recorder.labels.shape
    return _bridge(recorder, a[nearest[which]], b[which], diameter_px / 2, steps, (z, y, x))


def _surface(found: FoundObject) -> NDArray[np.int64]:
    """Return the voxels (n, 3) of an object that have a neighbour outside it."""
    inner = ndimage.binary_erosion(found.where)
    return np.asarray(np.argwhere(found.where & ~inner) + np.array(found.box.start))


def _bridge(
    recorder: Recorder,
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    radius: float,
    steps: NDArray[np.float64],
    shape: Triple,
) -> Box | None:
    # Thinner than a voxel's half diagonal, a slanted bridge would have gaps.
    radius = max(radius, 0.87)
    reach = np.ceil(radius / steps).astype(int)
    low = np.maximum(0, np.minimum(start, end) - reach)
    high = np.minimum(shape, np.maximum(start, end) + reach + 1)
    box = Box((int(low[0]), int(low[1]), int(low[2])), (int(high[0]), int(high[1]), int(high[2])))
    way = (end - start) * steps
    place = np.moveaxis(np.indices(box.shape), 0, -1) + low - start
    offset = place * steps
    along = np.clip(offset @ way / (way @ way), 0, 1)
    distance = ((offset - along[..., None] * way) ** 2).sum(axis=-1)
    return recorder.paint(box, distance <= radius**2 + 1e-6, 255)


def _near_line(rows: NDArray[np.int64], columns: NDArray[np.int64], cut: Cut) -> NDArray[np.bool_]:
    """Return which pixels lie within half the cut's width of its line."""
    y, x = rows[:, None] - cut.start[0], columns[None, :] - cut.start[1]
    dy, dx = cut.end[0] - cut.start[0], cut.end[1] - cut.start[1]
    length = dy * dy + dx * dx
    if length == 0:
        return np.zeros((len(rows), len(columns)), bool)
    along = np.clip((y * dy + x * dx) / length, 0, 1)
    distance = (y - along * dy) ** 2 + (x - along * dx) ** 2
    width = max(cut.width_px, NARROWEST_CUT_PX)
    return np.asarray(distance <= (width / 2) ** 2 + 1e-6)
