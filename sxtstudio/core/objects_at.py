"""The object under a voxel, found without numbering the whole volume."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.objects import label_objects, shared_numbers
from sxtstudio.core.progress import Progress
from sxtstudio.core.walk import SLAB_VOXELS, walk

Labels = NDArray[np.uint8]
Part = tuple[Box, NDArray[np.bool_]]

# The search begins with this many voxels to each side of the click.
_FIRST_REACH = 24
# So many voxels are numbered at once. Python stands still meanwhile, in all threads: about 40 ms.


@dataclass(frozen=True)
class FoundObject:
    """An object: labelled voxels that touch at faces, edges or corners.

    Attributes
    ----------
    seed
        The voxel (z, y, x) that was asked for.
    box, where
        The smallest box around it, and its voxels in that.
    voxels
        How many they are.
    complete
        False if the object was larger than the limit: then this is the part around the seed.
    """

    seed: Triple
    box: Box
    where: NDArray[np.bool_]
    voxels: int
    complete: bool = True


def object_at(
    labels: Labels, seed: Triple, *, limit_voxels: int = 200_000_000, progress: Progress | None = None
) -> FoundObject | None:
    """Return the object that a voxel belongs to, or None where there is no label.

    A window around the voxel grows on the sides that the object reaches, until it holds all of it.

    Parameters
    ----------
    labels
        uint8 (z, y, x), 0 is background; only the window is read.
    seed
        Voxel (z, y, x); outside the volume there is no object.
    limit_voxels
        Largest window; it needs about 2 bytes per voxel.
    progress
        Asked before each window whether to stop.
    """
    z, y, x = labels.shape
    shape = (z, y, x)
    if any(not 0 <= s < n for s, n in zip(seed, shape, strict=True)) or not labels[seed]:
        return None
    window = Box(seed, (seed[0] + 1, seed[1] + 1, seed[2] + 1)).grown((_FIRST_REACH,) * 3, shape)
    while True:
        if progress is not None:
            progress.check()
        inside = _part_of(labels, window, seed, progress)
        grown = _grown(window, inside, shape)
        if grown == window or _voxels(grown) > limit_voxels:
            box, where = _cropped(window, inside)
            return FoundObject(seed, box, where, int(np.count_nonzero(where)), grown == window)
        window = grown


def object_slabs(
    labels: Labels, seed: Triple, *, progress: Progress | None = None, slab_voxels: int = SLAB_VOXELS
) -> Iterator[Part]:
    """Yield the voxels of an object of any size, slab by slab, over the whole volume.

    The slabs cover the volume from the first slice on. The labels of a slab may be changed once it has
    been yielded.

    Parameters
    ----------
    seed
        A labelled voxel (z, y, x).
    progress
        Counts two steps per slice.
    """
    progress = progress or Progress()
    z, y, x = labels.shape
    shape = (z, y, x)
    progress.begin(2 * z, "finding the object")
    first_number, pairs, own = [0], [], -1
    above: NDArray[np.uint32] | None = None
    for box in walk(shape, labels, progress=progress, begin=False, voxels=slab_voxels):
        numbers, count = _numbered(labels, box, shape)
        if above is not None:
            pairs.append(shared_numbers(above, numbers[0], first_number[-2], first_number[-1]))
        if box.start[0] <= seed[0] < box.stop[0]:
            own = first_number[-1] + int(numbers[seed[0] - box.start[0], seed[1], seed[2]]) - 1
        above = numbers[-1].copy()
        first_number.append(first_number[-1] + count)
        del numbers
    total = first_number[-1]
    ends = np.concatenate(pairs) if pairs else np.empty((0, 2), np.int64)
    links = coo_array((np.ones(len(ends), bool), (ends[:, 0], ends[:, 1])), shape=(total, total))
    _, group = connected_components(links, directed=False)
    belongs = group == group[own]
    boxes = walk(shape, labels, progress=progress, begin=False, voxels=slab_voxels)
    for box, begin in zip(boxes, first_number, strict=False):
        numbers, count = _numbered(labels, box, shape)
        chosen = np.concatenate([[False], belongs[begin : begin + count]])
        yield box, chosen[numbers[: box.shape[0]]]
        del numbers


def parts_of(found: FoundObject, slab_voxels: int = SLAB_VOXELS) -> Iterator[Part]:
    """Yield the voxels of a found object in boxes of moderate size."""
    z, y, x = found.box.shape
    for slab in walk((z, y, x), voxels=slab_voxels):
        first, last = found.box.start[0] + slab.start[0], found.box.start[0] + slab.stop[0]
        box = Box((first, *found.box.start[1:]), (last, *found.box.stop[1:]))
        yield box, found.where[slab.slices]


def slabs_of(found: FoundObject, shape: Triple, slab_voxels: int = SLAB_VOXELS) -> Iterator[Part]:
    """Yield the voxels of a found object in slabs that cover the whole volume."""
    (low, top, left), (high, bottom, right) = found.box.start, found.box.stop
    for slab in walk(shape, voxels=slab_voxels):
        where = np.zeros(slab.shape, bool)
        first, last = max(low, slab.start[0]), min(high, slab.stop[0])
        if first < last:
            inner = where[first - slab.start[0] : last - slab.start[0], top:bottom, left:right]
            inner[:] = found.where[first - low : last - low]
        yield slab, where


def _part_of(labels: Labels, window: Box, seed: Triple, progress: Progress | None) -> NDArray[np.bool_]:
    """Return the voxels of a window that hang together with the seed within it."""
    part = labels[window.slices]
    z, y, x = (s - a for s, a in zip(seed, window.start, strict=True))
    if part.size <= SLAB_VOXELS:
        numbers, _ = label_objects(part)
        return np.asarray(numbers == numbers[z, y, x])
    inside = np.zeros(part.shape, bool)
    counter = Progress() if progress is None else progress.part(0)
    for box, where in object_slabs(part, (z, y, x), progress=counter, slab_voxels=SLAB_VOXELS):
        inside[box.slices] = where
    return inside


def _grown(window: Box, inside: NDArray[np.bool_], shape: Triple) -> Box:
    """Return a window about twice as large on the sides that the object reaches."""
    low, high = list(window.start), list(window.stop)
    for axis in range(3):
        more = max(_FIRST_REACH, (window.stop[axis] - window.start[axis]) // 2)
        planes = np.moveaxis(inside, axis, 0)
        if low[axis] > 0 and planes[0].any():
            low[axis] = max(0, low[axis] - more)
        if high[axis] < shape[axis] and planes[-1].any():
            high[axis] = min(shape[axis], high[axis] + more)
    return Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))


def _cropped(window: Box, inside: NDArray[np.bool_]) -> Part:
    ranges = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        hit = np.flatnonzero(inside.any(axis=others))
        ranges.append((int(hit[0]), int(hit[-1]) + 1))
    where = np.ascontiguousarray(inside[tuple(slice(a, b) for a, b in ranges)])
    (z, y, x), (z_size, y_size, x_size) = (
        (start + a for start, (a, _) in zip(window.start, ranges, strict=True)),
        where.shape,
    )
    return Box((z, y, x), (z + z_size, y + y_size, x + x_size)), where


def _voxels(box: Box) -> int:
    z, y, x = box.shape
    return z * y * x


def _numbered(labels: Labels, box: Box, shape: Triple) -> tuple[NDArray[np.uint32], int]:
    """Number the objects of a slab together with the first slice of the next one."""
    return label_objects(labels[box.start[0] : min(box.stop[0] + 1, shape[0])])
