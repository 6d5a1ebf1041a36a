"""Objects with numbers, slab by slab: 1 … n, in the order of their first voxels."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.objects import label_objects
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume, VoxelSize
from sxtstudio.core.walk import SLAB_VOXELS, slab_slices, walk

# Numbers take 4 bytes per voxel, so this many voxels need 64 MB.


class NumberedObjects:
    """A volume whose voxels are the numbers of the 26-connected objects of a label volume; 0 is background.

    Slabs are numbered one by one, together with the first slice of the next, which shows which of
    their objects are one. They are numbered once more when they are read, so that memory does not
    grow with the volume.
    """

    def __init__(
        self, labels: Volume, progress: Progress | None = None, *, slab_voxels: int = SLAB_VOXELS
    ) -> None:
        """Find out which objects there are in ``labels`` (z, y, x); counts a step per slice."""
        self._labels = labels
        self._shape = labels.shape
        self._thickness = slab_slices(self._shape, slab_voxels)
        self._kept: tuple[int, NDArray[np.uint32]] | None = None
        pairs: list[NDArray[np.int64]] = []
        above: NDArray[np.int64] | None = None
        firsts = [0]
        for box in walk(
            self._shape, progress=progress, stage="Numbering the objects", slices=self._thickness
        ):
            numbers, count = self._numbered(box)
            if above is not None:
                pairs.append(_shared(above, _from_zero(numbers[0], firsts[-1])))
            above = _from_zero(numbers[-1], firsts[-1])
            firsts.append(firsts[-1] + count)
        self._luts, self.count = _merge(firsts, pairs)

    @property
    def shape(self) -> Triple:
        """Number of voxels along (z, y, x)."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """16 bit for up to 65,535 objects, else 32."""
        return np.dtype(np.uint16 if self.count <= 0xFFFF else np.uint32)

    @property
    def voxel_nm(self) -> VoxelSize | None:
        """As that of the labels."""
        return self._labels.voxel_nm

    def read(self, box: Box) -> NDArray[Any]:
        """Return the numbers of the voxels of ``box``; cheapest slab after slab."""
        out = np.zeros(box.shape, self.dtype)
        _, rows, columns = box.slices
        z = box.start[0]
        while z < box.stop[0]:
            first = z - z % self._thickness
            slab = self._slab(first)
            stop = min(box.stop[0], first + len(slab))
            out[z - box.start[0] : stop - box.start[0]] = slab[z - first : stop - first, rows, columns]
            z = stop
        return out

    def _slab(self, first: int) -> NDArray[np.uint32]:
        if self._kept is None or self._kept[0] != first:
            self._kept = None
            last = min(first + self._thickness, self._shape[0])
            numbers, count = self._numbered(Box.slab(first, last, self._shape))
            lut = self._luts[first // self._thickness]
            if count != len(lut) - 1:
                raise UserError("The labels were changed while they were being exported. Export them again.")
            self._kept = (first, lut[numbers[: last - first]])
        return self._kept[1]

    def _numbered(self, box: Box) -> tuple[NDArray[np.uint32], int]:
        """Number a slab and the first slice of the next."""
        last = min(box.stop[0] + 1, self._shape[0])
        return label_objects(self._labels.read(Box.slab(box.start[0], last, self._shape)))


def _from_zero(numbers: NDArray[np.uint32], first: int) -> NDArray[np.int64]:
    """Return numbers over all slabs, from 0 on; -1 is background."""
    return np.where(numbers > 0, numbers.astype(np.int64) + (first - 1), -1)


def _shared(above: NDArray[np.int64], below: NDArray[np.int64]) -> NDArray[np.int64]:
    inside = (above >= 0) & (below >= 0)
    if not inside.any():
        return np.empty((0, 2), np.int64)
    # One sorted 8-byte key per pair is far quicker than np.unique over rows.
    base = int(below.max()) + 1
    return np.stack(np.divmod(np.unique(above[inside] * base + below[inside]), base), axis=1)


def _merge(firsts: list[int], pairs: list[NDArray[np.int64]]) -> tuple[list[NDArray[np.uint32]], int]:
    """Return, for each slab, the final number of each of its objects; and how many there are."""
    total = firsts[-1]
    ends = np.concatenate(pairs) if pairs else np.empty((0, 2), np.int64)
    links = coo_array((np.ones(len(ends), bool), (ends[:, 0], ends[:, 1])), shape=(total, total))
    group = connected_components(links, directed=False)[1] if total else np.empty(0, np.int64)
    # Groups are numbered in the order in which they appear.
    _, where, inverse = np.unique(group, return_index=True, return_inverse=True)
    number = np.empty(len(where), np.uint32)
    number[np.argsort(where)] = np.arange(1, len(where) + 1, dtype=np.uint32)
    final = number[inverse] if total else np.empty(0, np.uint32)
    luts = [np.concatenate([np.zeros(1, np.uint32), final[begin:end]]) for begin, end in pairwise(firsts)]
    return luts, len(where)
