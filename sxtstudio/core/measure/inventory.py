"""What objects a volume holds: one walk gives the sums of every object in every slice.

Rows of equal numbers (runs) are summed instead of voxels, of which there are twenty times as many. Numbers
may be any up to 2³²: nothing is as long as the largest of them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.progress import Progress
from sxtstudio.core.walk import walk

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SliceSums:
    """The sums of each object in each of its slices, ordered by object and slice: arrays (n,), int64.

    Attributes
    ----------
    number, z
        The object and the slice.
    area
        Its pixels in this slice.
    y, x, yy, xx, yx
        Sums over these of their places and of the products of these.
    y_first, y_last, x_first, x_last
        The rows and columns of the first and the last pixel.
    """

    number: Ints
    z: Ints
    area: Ints
    y: Ints
    x: Ints
    yy: Ints
    xx: Ints
    yx: Ints
    y_first: Ints
    y_last: Ints
    x_first: Ints
    x_last: Ints

    def columns(self) -> tuple[Ints, ...]:
        """Return all of them, in their order."""
        return (
            *(self.number, self.z, self.area, self.y, self.x, self.yy, self.xx, self.yx),
            *(self.y_first, self.y_last, self.x_first, self.x_last),
        )

    def __len__(self) -> int:
        """Return how many pairs of an object and a slice there are."""
        return len(self.number)


@dataclass(frozen=True)
class Inventory:
    """The objects of a volume (z, y, x) of this shape, by their sums in each slice."""

    shape: Triple
    planes: SliceSums

    @cached_property
    def _begins(self) -> Ints:
        """Where each object begins in ``planes``."""
        number = self.planes.number
        return np.flatnonzero(np.diff(number, prepend=number[:1] - 1))

    @cached_property
    def numbers(self) -> Ints:
        """The objects (n,), ascending."""
        return self.planes.number[self._begins]

    @cached_property
    def row_of_plane(self) -> Ints:
        """The row of each of ``planes`` in ``numbers``."""
        return np.repeat(np.arange(len(self.numbers)), self.slices)

    @cached_property
    def slices(self) -> Ints:
        """How many slices hold voxels of each object (n,)."""
        return np.diff(self._begins, append=len(self.planes))

    @cached_property
    def voxels(self) -> Ints:
        """Voxels of each object (n,)."""
        return self._sum(self.planes.area)

    @cached_property
    def first(self) -> Ints:
        """The first voxel of each object along (z, y, x): (n, 3)."""
        p = self.planes
        return np.stack([self._reduce(np.minimum, of) for of in (p.z, p.y_first, p.x_first)], axis=1)

    @cached_property
    def last(self) -> Ints:
        """The last voxel of each object along (z, y, x): (n, 3)."""
        p = self.planes
        return np.stack([self._reduce(np.maximum, of) for of in (p.z, p.y_last, p.x_last)], axis=1)

    @cached_property
    def centroids(self) -> Floats:
        """The mean place of the voxels of each object, counted from the centre of the first: (n, 3)."""
        p = self.planes
        sums = np.stack([self._sum(p.z * p.area), self._sum(p.y), self._sum(p.x)], axis=1)
        return np.asarray(sums / self.voxels[:, None])

    @cached_property
    def covariances(self) -> Floats:
        """The covariances of the places of the voxels' centres, in voxels²: (n, 3, 3)."""
        p = self.planes
        # From the middle of the object's box: sums stay small, whatever its place in the volume.
        z, y, x = (((self.first + self.last) // 2)[self.row_of_plane]).T
        dz, dy, dx = p.z - z, p.y - y * p.area, p.x - x * p.area
        products = {
            (0, 0): dz * dz * p.area,
            (0, 1): dz * dy,
            (0, 2): dz * dx,
            (1, 1): p.yy - 2 * y * p.y + y * y * p.area,
            (2, 2): p.xx - 2 * x * p.x + x * x * p.area,
            (1, 2): p.yx - y * p.x - x * p.y + x * y * p.area,
        }
        means = [self._sum(of) / self.voxels for of in (dz * p.area, dy, dx)]
        found = np.empty((len(self.numbers), 3, 3))
        for (i, j), product in products.items():
            found[:, i, j] = found[:, j, i] = self._sum(product) / self.voxels - means[i] * means[j]
        return found

    @cached_property
    def at_border(self) -> NDArray[np.bool_]:
        """Whether an object touches a face of the volume (n,). A single slice has no face along z."""
        shape = np.array(self.shape)
        touches = (self.first == 0) | (self.last == shape - 1)
        return np.asarray(touches[:, shape > 1].any(axis=1))

    def box(self, row: int) -> Box:
        """Return the box that just holds the object of a row."""
        low, high = self.first[row].tolist(), (self.last[row] + 1).tolist()
        return Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))

    def only(self, numbers: Collection[int]) -> Inventory:
        """Return the inventory of these objects, as far as there are such."""
        wanted = np.isin(self.planes.number, np.fromiter(numbers, np.int64, len(numbers)))
        return Inventory(self.shape, SliceSums(*(of[wanted] for of in self.planes.columns())))

    def _sum(self, of: Ints) -> Ints:
        return self._reduce(np.add, of)

    def _reduce(self, how: np.ufunc, of: Ints) -> Ints:
        if not len(of):
            return np.empty(0, np.int64)
        return np.asarray(how.reduceat(of, self._begins))


def take_inventory(objects: NDArray[Any], progress: Progress | None = None) -> Inventory:
    """Return what objects there are.

    Parameters
    ----------
    objects
        Whole numbers (z, y, x), array or memory map; 0 is none.
    progress
        Counts a step per slice.

    Raises
    ------
    Cancelled
        If the job was cancelled through ``progress``.
    """
    z, y, x = objects.shape
    parts = [
        _slab_planes(objects[box.slices], box.start[0])
        for box in walk((z, y, x), objects, progress=progress, stage="objects")
    ]
    empty = np.empty((12, 0), np.int64)
    table = np.concatenate([empty, *parts], axis=1)
    return Inventory((z, y, x), SliceSums(*table[:, np.lexsort((table[1], table[0]))]))


def _slab_planes(slab: NDArray[Any], first: int) -> Ints:
    """Return the columns of ``SliceSums`` for some slices, as (12, n)."""
    depth, height, width = slab.shape
    flat = slab.reshape(-1)
    begins = np.empty(flat.size, np.bool_)
    np.not_equal(flat[1:], flat[:-1], out=begins[1:])
    begins.reshape(-1, width)[:, 0] = True
    place = np.flatnonzero(begins)
    del begins
    number = flat[place]
    n = np.diff(place, append=flat.size)
    inside = number != 0
    place, number, n = place[inside], number[inside].astype(np.int64), n[inside]
    if not len(place):
        return np.empty((12, 0), np.int64)
    row, x = np.divmod(place, width)
    z, y = np.divmod(row, height)
    key = number * depth + z
    order = np.argsort(key, kind="stable")
    key, number, z, y, x, n = (of[order] for of in (key, number, z, y, x, n))
    group = np.flatnonzero(np.diff(key, prepend=key[:1] - 1))
    steps = n * (n - 1) // 2
    sum_x = n * x + steps
    sum_xx = n * x * x + 2 * x * steps + steps * (2 * n - 1) // 3
    sums = [np.add.reduceat(of, group) for of in (n, n * y, sum_x, n * y * y, sum_xx, y * sum_x)]
    low = [np.minimum.reduceat(y, group), np.minimum.reduceat(x, group)]
    high = [np.maximum.reduceat(y, group), np.maximum.reduceat(x + n - 1, group)]
    return np.stack([number[group], z[group] + first, *sums, low[0], high[0], low[1], high[1]])
