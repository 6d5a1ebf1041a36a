"""Objects: label voxels that touch at a face, an edge or a corner (26-connectivity)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sxtstudio.core.geometry import Box
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
class Seam:
    """The numbers, from 1, that some slices gave to their first slice (y, x), and to the one after them."""

    first: NDArray[np.uint32]
    after: NDArray[np.uint32]


@dataclass(frozen=True)
class NumberedSlices:
    """The objects of some slices of a volume, numbered together with the first slice after them.

    Attributes
    ----------
    sizes
        Voxels in these slices of the objects 1…n: (n,). Objects of the slice after them have none.
    pairs
        Pairs of numbers, from 0, that are one object: (m, 2).
    seam
        By which they are joined to the slices above and below.
    """

    sizes: NDArray[np.int64]
    pairs: NDArray[np.int64]
    seam: Seam


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
    is numbered together with the first slice of the next one: the slice that both know shows which
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
    sizes, pairs, first_number, _ = _count_slabs(labels, z, progress, slab_voxels)
    size = np.concatenate(sizes)
    found, removed = _merge(size, pairs, min_voxels)
    stays = size >= min_voxels
    left = 0
    boxes = walk(shape, labels, progress=progress, begin=False, voxels=slab_voxels)
    for box, begin, end, own in zip(boxes, first_number, first_number[1:], sizes, strict=False):
        local = stays[begin:end]
        left += int(own[local].sum())
        if not local.all():
            numbers, _ = _numbered(labels, box)
            _keep(labels[box.slices], numbers[: box.shape[0]], local)
            del numbers
    return ObjectCount(found, removed, left)


def number_slices(
    labels: NDArray[np.uint8],
    depth: int,
    out: NDArray[np.uint32] | None = None,
    *,
    slab_voxels: int = _NUMBERED_VOXELS,
) -> NumberedSlices:
    """Number the objects of some slices, to be joined with those of other slices by ``join_slices``.

    Parameters
    ----------
    labels
        uint8 (z, y, x): the slices, and the one after them where the volume goes on.
    depth
        How many of them are the slices.
    out
        uint32 of (depth, y, x), which gets the number of each voxel.
    slab_voxels
        About how many voxels are numbered at once; the result does not depend on it.
    """
    sizes, pairs, _, seam = _count_slabs(labels, depth, Progress(), slab_voxels, out)
    return NumberedSlices(np.concatenate(sizes), pairs, seam)


def join_slices(parts: Sequence[NumberedSlices]) -> tuple[list[NDArray[np.int64]], NDArray[np.int64]]:
    """Join the objects of consecutive slices at their seams.

    Returns
    -------
    numbers
        For each of ``parts`` the object of each of its numbers from 1 on: the objects are numbered from 1 in
        the order in which their first voxels appear, as ``label_objects`` numbers those of the whole.
    sizes
        Voxels of the objects 1…n.
    """
    begins = np.concatenate([[0], np.cumsum([len(part.sizes) for part in parts])]).astype(np.int64)
    pairs = [part.pairs + begin for part, begin in zip(parts, begins, strict=False)]
    for part, after, first, second in zip(parts, parts[1:], begins, begins[1:], strict=False):
        pairs.append(shared_numbers(part.seam.after, after.seam.first, int(first), int(second)))
    links = np.concatenate([np.empty((0, 2), np.int64), *pairs])
    size = np.concatenate([np.empty(0, np.int64), *(part.sizes for part in parts)])
    graph = coo_array((np.ones(len(links), bool), (links[:, 0], links[:, 1])), shape=(len(size),) * 2)
    count, group = connected_components(graph, directed=False)
    # The first number of an object is that of its first voxel: those of a slab are in that order.
    _, lead = np.unique(group, return_index=True)
    rank = np.empty(count, np.int64)
    rank[np.argsort(lead)] = np.arange(count)
    number = rank[group]
    sizes = np.bincount(number, weights=size, minlength=count).astype(np.int64)
    return [number[begin:end] + 1 for begin, end in pairwise(begins)], sizes


def object_sizes(
    labels: NDArray[np.uint8], *, progress: Progress | None = None, slab_voxels: int = _NUMBERED_VOXELS
) -> NDArray[np.int64]:
    """Return the voxels of each object (n,), ascending; memory does not grow with the volume.

    ``progress`` counts a step per slice.
    """
    progress = progress or Progress()
    progress.begin(labels.shape[0], "counting objects")
    sizes, pairs, _, _ = _count_slabs(labels, len(labels), progress, slab_voxels)
    size = np.concatenate(sizes)
    links = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(len(size),) * 2)
    count, group = connected_components(links, directed=False)
    return np.sort(np.bincount(group, weights=size, minlength=count).astype(np.int64))


def _count_slabs(
    labels: NDArray[np.uint8],
    depth: int,
    progress: Progress,
    slab_voxels: int,
    out: NDArray[np.uint32] | None = None,
) -> tuple[list[NDArray[np.int64]], NDArray[np.int64], list[int], Seam]:
    """Number the objects of the first ``depth`` slices slab by slab; the one after them may be there as well.

    Return their voxels in each slab, pairs of numbers (n, 2) that are one object, the first number of
    each slab; numbers count from 0 over all slabs. And the numbers, from 1, of the first slice and of the one
    after the last. ``out`` gets the numbers, from 1.
    """
    _, y, x = labels.shape
    shape = (depth, y, x)
    first = np.zeros((y, x), np.uint32)
    sizes: list[NDArray[np.int64]] = []
    pairs: list[NDArray[np.int64]] = []
    first_number = [0]
    above: NDArray[np.uint32] | None = None
    for box in walk(shape, labels, progress=progress, begin=False, voxels=slab_voxels):
        numbers, count = _numbered(labels, box)
        if above is None:
            first = numbers[0].copy()
        if out is not None:
            own = numbers[: box.shape[0]]
            out[box.slices] = np.where(own > 0, own + np.uint32(first_number[-1]), 0)
        sizes.append(_sizes(numbers[: box.shape[0]], count))
        if above is not None:
            pairs.append(shared_numbers(above, numbers[0], first_number[-2], first_number[-1]))
        above = numbers[-1].copy()
        first_number.append(first_number[-1] + count)
        del numbers
    after = np.zeros((y, x), np.uint32)
    if above is not None and len(labels) > depth:
        after = np.where(above > 0, above + np.uint32(first_number[-2]), 0)
    joined = np.concatenate(pairs) if pairs else np.empty((0, 2), np.int64)
    return sizes, joined, first_number, Seam(first, after)


def _numbered(labels: NDArray[np.uint8], box: Box) -> tuple[NDArray[np.uint32], int]:
    """Number the objects of a slab and of the first slice of the next one."""
    return label_objects(labels[box.start[0] : box.stop[0] + 1])


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
