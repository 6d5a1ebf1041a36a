"""Objects: label voxels that touch at a face, an edge or a corner (26-connectivity)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.progress import Progress
from sxtstudio.core.walk import walk

CONNECTIVITY = 26
# Numbering holds up all other threads of Python, a window among them: so many voxels take about 0.2 s, and
# 12 bytes of memory each.
_NUMBERED_VOXELS = 10_000_000


def label_objects(labels: NDArray[Any]) -> tuple[NDArray[np.uint32], int]:
    """Number the objects of a label volume.

    Parameters
    ----------
    labels
        Label volume (z, y, x), integer or bool; 0 is background, all other values are one class.

    Returns
    -------
    objects
        uint32 array (z, y, x): 0 is background, objects are 1…count in the order in which their
        first voxels appear. It takes 4 bytes per voxel.
    count
        Number of objects.

    Raises
    ------
    ValueError
        If the array does not have three axes.
    """
    if labels.ndim != 3:
        raise ValueError(f"labels have three axes (z, y, x), this array has {labels.ndim}")
    if labels.size == 0:
        return np.zeros(labels.shape, np.uint32), 0
    writeable = np.require(labels, requirements="W")  # cc3d refuses read-only maps: those are copied
    objects, count = cc3d.connected_components(
        writeable, connectivity=CONNECTIVITY, out_dtype=np.uint32, return_N=True, binary_image=True
    )
    return objects, int(count)


@dataclass(frozen=True)
class ObjectCount:
    """How many objects there were, how many of them went, and the voxels that are left."""

    found: int
    removed: int
    voxels_left: int


def remove_small_objects(
    labels: NDArray[np.uint8],
    min_voxels: int,
    *,
    progress: Progress | None = None,
    slab_voxels: int = _NUMBERED_VOXELS,
) -> ObjectCount:
    """Set objects of fewer than ``min_voxels`` voxels to zero, in place.

    Slabs of slices are numbered one by one, so that memory does not grow with the volume. A slab
    is numbered together with the first slice of the next one: the slice that both know tells which
    of their objects are one, and sizes are summed over such sets before anything is removed.

    Parameters
    ----------
    labels
        uint8 array or writable memory map (z, y, x), 0 is background.
    min_voxels
        Smallest object that stays.
    slab_voxels
        About how many voxels are worked on at once; the result does not depend on it.
    progress
        Counts two steps per slice.

    Returns
    -------
    ObjectCount
        Objects before, objects removed, and voxels that are left.
    """
    progress = progress or Progress()
    z, y, x = labels.shape
    shape = (z, y, x)
    progress.begin(2 * z, "small objects")
    sizes, pairs, first_number = _count_slabs(labels, progress, slab_voxels)
    size = np.concatenate(sizes)
    found, removed = _merge(size, pairs, min_voxels)
    stays = size >= min_voxels
    left = 0
    boxes = walk(shape, labels, progress=progress, begin=False, voxels=slab_voxels)
    for box, begin, end, own in zip(boxes, first_number, first_number[1:], sizes, strict=False):
        local = stays[begin:end]
        left += int(own[local].sum())
        if not local.all():
            numbers, _ = _numbered(labels, box, shape)
            _keep(labels[box.slices], numbers[: box.shape[0]], local)
            del numbers
    return ObjectCount(found, removed, left)


def object_sizes(
    labels: NDArray[np.uint8], *, progress: Progress | None = None, slab_voxels: int = _NUMBERED_VOXELS
) -> NDArray[np.int64]:
    """Return the voxels of each object (n,), ascending; memory does not grow with the volume.

    ``progress`` counts a step per slice.
    """
    progress = progress or Progress()
    progress.begin(labels.shape[0], "counting objects")
    sizes, pairs, _ = _count_slabs(labels, progress, slab_voxels)
    size = np.concatenate(sizes)
    links = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(len(size),) * 2)
    count, group = connected_components(links, directed=False)
    return np.sort(np.bincount(group, weights=size, minlength=count).astype(np.int64))


def _count_slabs(
    labels: NDArray[np.uint8], progress: Progress, slab_voxels: int
) -> tuple[list[NDArray[np.int64]], NDArray[np.int64], list[int]]:
    """Number the objects slab by slab.

    Return their voxels in each slab, pairs of numbers (n, 2) that are one object, and the first number of
    each slab; numbers count from 0 over all slabs.
    """
    z, y, x = labels.shape
    shape = (z, y, x)
    sizes: list[NDArray[np.int64]] = []
    pairs: list[NDArray[np.int64]] = []
    first_number = [0]
    above: NDArray[np.uint32] | None = None
    for box in walk(shape, labels, progress=progress, begin=False, voxels=slab_voxels):
        numbers, count = _numbered(labels, box, shape)
        sizes.append(_sizes(numbers[: box.shape[0]], count))
        if above is not None:
            pairs.append(shared_numbers(above, numbers[0], first_number[-2], first_number[-1]))
        above = numbers[-1].copy()
        first_number.append(first_number[-1] + count)
        del numbers
    return sizes, np.concatenate(pairs) if pairs else np.empty((0, 2), np.int64), first_number


def _numbered(labels: NDArray[np.uint8], box: Box, shape: Triple) -> tuple[NDArray[np.uint32], int]:
    """Number the objects of a slab and of the first slice of the next one."""
    return label_objects(labels[box.start[0] : min(box.stop[0] + 1, shape[0])])


def _sizes(numbers: NDArray[np.uint32], count: int) -> NDArray[np.int64]:
    """Voxels of the objects 1…count; without the background, which is most of the volume."""
    total = np.zeros(count + 1, np.int64)
    for plane in numbers:
        part = np.bincount(plane[plane > 0])
        total[: len(part)] += part
    return total[1:]


def _keep(labels: NDArray[np.uint8], numbers: NDArray[np.uint32], stays: NDArray[np.bool_]) -> None:
    """Set the label voxels whose object (1…count) does not stay to zero."""
    for plane, named in zip(labels, numbers, strict=True):
        inside = plane != 0
        plane[inside] *= stays[named[inside] - 1]


def shared_numbers(
    above: NDArray[np.uint32], below: NDArray[np.uint32], first_above: int, first_below: int
) -> NDArray[np.int64]:
    """Pairs of numbers (from 0, over all slabs) that two slabs gave to the same voxels."""
    inside = above > 0
    a = above[inside].astype(np.int64) + (first_above - 1)
    b = below[inside].astype(np.int64) + (first_below - 1)
    if not a.size:
        return np.empty((0, 2), np.int64)
    # One sorted 8-byte key per pair is far quicker than np.unique over rows.
    base = int(b.max()) + 1
    keys = np.unique(a * base + b)
    return np.stack(np.divmod(keys, base), axis=1)


def _merge(size: NDArray[np.int64], pairs: NDArray[np.int64], min_voxels: int) -> tuple[int, int]:
    """Give every part of an object the size of the whole; return objects found and too small."""
    alone = np.ones(len(size), bool)
    alone[pairs.ravel()] = False
    found = int(alone.sum())
    removed = int(np.count_nonzero(size[alone] < min_voxels))
    if len(pairs):
        nodes, flat = np.unique(pairs, return_inverse=True)
        ends = flat.reshape(pairs.shape)
        links = coo_array((np.ones(len(ends), bool), (ends[:, 0], ends[:, 1])), shape=(len(nodes),) * 2)
        count, group = connected_components(links, directed=False)
        whole = np.bincount(group, weights=size[nodes], minlength=count).astype(np.int64)
        size[nodes] = whole[group]
        found += int(count)
        removed += int(np.count_nonzero(whole < min_voxels))
    return found, removed
