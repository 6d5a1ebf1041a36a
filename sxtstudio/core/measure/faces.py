"""Surfaces of objects as the faces of their voxels: for distances between objects and for areas of patches.

A face is named by the place of its centre in half voxels: even along the two axes in its plane, odd across
it. At the border of the volume an object has no surface: it goes on.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist

from sxtstudio.core.geometry import Box
from sxtstudio.core.measure.subject import Subject
from sxtstudio.core.progress import Progress
from sxtstudio.core.walk import walk

Faces = NDArray[np.int32]
Floats = NDArray[np.float64]

_CHUNK_VOXELS = 16_000_000
_SLAB_VOXELS = 4_000_000  # are searched for faces at once, of which there may be six for each
_KEPT_POINTS = 20_000_000  # of search trees that are kept
_NORMAL_VOXELS = 1.5  # standard deviation of the smoothing that normals are taken from
_ALL_PAIRS = 10_000  # of points are tried, without a search
_LARGE = 4.0  # times the median, an object is large
_SAMPLES = 64  # points of a surface are looked at first
_AT_ONCE = 50_000  # points are asked for; what they find bounds the search for the others
_NARROWED = 0.7  # of the points at most are left, or it is not tried again


class Surfaces:
    """The surfaces of all objects of a subject, by their row."""

    def __init__(self, subject: Subject, progress: Progress | None = None) -> None:
        """Find the faces of all objects; ``progress`` counts the slices that hold them."""
        self.subject = subject
        self.edges = np.array(subject.voxel)
        found = subject.inventory
        self.low = found.first * self.edges
        self.high = (found.last + 1) * self.edges
        self.faces = _faces(subject, progress)
        self._trees: OrderedDict[int, KDTree] = OrderedDict()
        self._kept = 0
        self._gaps: dict[tuple[int, int], float] = {}

    def points(self, row: int) -> Floats:
        """Return the centres of the faces of an object (n, 3), in the unit of the voxels."""
        return self.faces[row] * (self.edges / 2)

    def tree(self, row: int) -> KDTree:
        """Return a search tree of ``points``; those that were asked for last are kept."""
        tree = self._trees.pop(row, None)
        if tree is None:
            self._kept += len(self.faces[row])
            tree = KDTree(self.points(row), leafsize=24, compact_nodes=False, balanced_tree=False)
        self._trees[row] = tree
        while len(self._trees) > 1 and self._kept > _KEPT_POINTS:
            self._kept -= self._trees.popitem(last=False)[1].n
        return tree

    @cached_property
    def spacing(self) -> float:
        """How far apart objects are, about, if they fill the volume evenly."""
        return float(np.cbrt(np.prod(self.edges * self.subject.shape) / max(1, len(self.low))))

    @cached_property
    def extent(self) -> float:
        """The diagonal of the volume."""
        return float(np.linalg.norm(self.edges * self.subject.shape))

    @cached_property
    def _boxes(self) -> _Boxes:
        return _Boxes.of(self.low, self.high)

    def near(self, row: int, at_most: float) -> tuple[NDArray[np.int64], Floats]:
        """Return the other objects that may be so near to one, and how far away they are at least.

        The distances of their boxes, in ascending order.
        """
        rows = np.arange(len(self.low)) if math.isinf(at_most) else self._boxes.around(row, at_most)
        apart = np.maximum(self.low[rows] - self.high[row], self.low[row] - self.high[rows])
        gaps = np.linalg.norm(np.maximum(apart, 0), axis=1)
        kept = np.flatnonzero((gaps <= at_most) & (rows != row))
        kept = kept[np.argsort(gaps[kept], kind="stable")]
        return rows[kept], gaps[kept]

    def gap(self, first: int, second: int, at_most: float = math.inf) -> float:
        """Return the distance between the surfaces of two objects, or inf where it is ``at_most`` or more."""
        pair = (min(first, second), max(first, second))
        known = self._gaps.get(pair)
        if known is not None:
            return known if known < at_most else math.inf
        small, large = sorted(pair, key=lambda row: len(self.faces[row]))
        if not len(self.faces[small]):
            return math.inf
        if len(self.faces[small]) * len(self.faces[large]) <= _ALL_PAIRS:
            nearest = float(cdist(self.points(small), self.points(large)).min())
            self._gaps[pair] = nearest
            return nearest if nearest < at_most else math.inf
        nearest, _ = nearest_point(self.points(small), self.tree(large), at_most)
        if nearest < at_most:
            self._gaps[pair] = nearest
            return nearest
        return math.inf

    def normals(self, row: int, faces: NDArray[np.int64]) -> Floats:
        """Return the normals (n, 3) of an object's surface, outwards, at these of its faces.

        They are taken from the smoothed object; their length is 1, or 0 where there is none.
        """
        own = self.faces[row][faces]
        reach = math.ceil(4 * _NORMAL_VOXELS) + 1
        low, high = own.min(axis=0) // 2, (own.max(axis=0) + 1) // 2 + 1
        longest = int(np.argmax(high - low))
        if (
            np.prod((high - low).astype(np.float64)) > _CHUNK_VOXELS
            and high[longest] - low[longest] > 4 * reach
        ):
            found = np.empty((len(own), 3))
            first = own[:, longest] < low[longest] + high[longest]
            for part in (first, ~first):
                found[part] = self.normals(row, faces[part])
            return found
        box = Box(_triple(low), _triple(high)).grown((reach, reach, reach), self.subject.shape)
        mask = self.subject.objects[box.slices] == int(self.subject.inventory.numbers[row])
        smooth = ndimage.gaussian_filter(mask.astype(np.float32), _NORMAL_VOXELS, mode="nearest")
        before, after = own // 2 - np.array(box.start), (own + 1) // 2 - np.array(box.start)
        normal = np.zeros((len(own), 3))
        for axis in range(3):
            if smooth.shape[axis] > 1:
                slope = np.gradient(smooth, axis=axis)
                normal[:, axis] = -(slope[tuple(before.T)] + slope[tuple(after.T)]) / self.edges[axis]
        length = np.linalg.norm(normal, axis=1, keepdims=True)
        return np.asarray(np.divide(normal, length, out=np.zeros_like(normal), where=length > 0))

    def areas(self, row: int, faces: NDArray[np.int64], normals: Floats) -> Floats:
        """Return the area of surface (n,) that each of these faces of an object stands for.

        Of a slanted surface a face stands for what it covers of it: its own area times the cosine between
        the two normals. In the sum over many faces that has no bias, whatever the direction.
        """
        across = np.argmax(self.faces[row][faces] % 2, axis=1)
        cosine = np.abs(np.take_along_axis(normals, across[:, None], axis=1)[:, 0])
        cosine[~normals.any(axis=1)] = 1.0
        return np.asarray(cosine * (self.edges.prod() / self.edges)[across])

    def inside(self, row: int, faces: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the voxels (n, 3) of an object that lie at some of its faces."""
        own = self.faces[row][faces]
        before, after = own // 2, (own + 1) // 2
        number = self.subject.inventory.numbers[row]
        mine = self.subject.objects[tuple(before.T)] == number
        return np.where(mine[:, None], before, after).astype(np.int64)


def nearest_point(points: Floats, tree: KDTree, at_most: float = math.inf) -> tuple[float, int]:
    """Return how near some points (n, 3) come to those of a tree, and to which.

    Returns
    -------
    distance, index
        ``at_most`` and -1 where none is nearer than that.
    """
    nearest, which, before, rest = at_most, -1, math.inf, points
    # No point is nearer than one beside it by more than the way between the two: few bound all others.
    while 2 * _SAMPLES < len(rest) < _NARROWED * before:
        some = rest[:: len(rest) // _SAMPLES]
        found, index = tree.query(some, distance_upper_bound=at_most)
        if found.min() < nearest:
            nearest, which = float(found.min()), int(index[found.argmin()])
        way, beside = KDTree(some).query(rest)
        before = len(rest)
        rest = rest[np.minimum(found, at_most)[beside] - way < nearest]
    for first in range(0, len(rest), _AT_ONCE):
        found, index = tree.query(rest[first : first + _AT_ONCE], distance_upper_bound=nearest)
        if found.min() < nearest:
            nearest, which = float(found.min()), int(index[found.argmin()])
    return nearest, which


@dataclass(frozen=True)
class _Boxes:
    """The boxes of all objects: small ones are searched by their centres, the others are looked at."""

    centres: Floats
    reach: Floats
    small: NDArray[np.int64]
    large: NDArray[np.int64]
    tree: KDTree

    @classmethod
    def of(cls, low: Floats, high: Floats) -> _Boxes:
        centres, reach = (low + high) / 2, np.linalg.norm(high - low, axis=1) / 2
        is_small = reach <= _LARGE * np.median(reach)
        small = np.flatnonzero(is_small)
        return cls(centres, reach, small, np.flatnonzero(~is_small), KDTree(centres[small]))

    def around(self, row: int, at_most: float) -> NDArray[np.int64]:
        """Return the objects (k,) whose boxes may be so near to that of one."""
        radius = at_most + self.reach[row] + self.reach[self.small].max()
        found = self.tree.query_ball_point(self.centres[row], radius, return_sorted=False)
        return np.concatenate([self.small[np.asarray(found, np.int64)], self.large])


def _faces(subject: Subject, progress: Progress | None) -> list[Faces]:
    """Return the faces of each object, in half voxels: all are found in one walk, however many there are."""
    found = subject.inventory
    n = len(found.numbers)
    if not n:
        return []
    box = Box(_triple(found.first.min(axis=0)), _triple(found.last.max(axis=0) + 1))
    box = box.grown((1, 1, 1), subject.shape)
    objects = subject.objects[box.slices]
    slabs: list[tuple[NDArray[np.int32], Faces]] = []
    counts = np.zeros(n, np.int64)
    for part in walk(box.shape, objects, progress=progress, voxels=_SLAB_VOXELS):
        # One slice more, for the faces between this slab and the next.
        slab = objects[part.start[0] : part.stop[0] + 1]
        rows, places = _faces_of_slab(slab, part.shape[0], found.numbers)
        places += 2 * np.array([box.start[0] + part.start[0], *box.start[1:]], np.int32)
        counts += np.bincount(rows, minlength=n)
        slabs.append((rows, places))
    ends = np.cumsum(counts)
    filled = ends - counts
    faces = np.empty((int(ends[-1]), 3), np.int32)
    slabs.reverse()
    while slabs:
        rows, places = slabs.pop()
        number, first, size = np.unique(rows, return_index=True, return_counts=True)
        faces[np.arange(len(rows)) + np.repeat(filled[number] - first, size)] = places
        filled[number] += size
    return [faces[end - count : end] for end, count in zip(ends.tolist(), counts.tolist(), strict=True)]


def _faces_of_slab(
    slab: NDArray[Any], depth: int, numbers: NDArray[np.int64]
) -> tuple[NDArray[np.int32], Faces]:
    """Return the faces of ``depth`` slices, and the row of the object that each belongs to, in this order."""
    rows: list[NDArray[np.int32]] = []
    faces: list[Faces] = []
    for axis in range(3):
        here = slab if axis == 0 else slab[:depth]
        before, after = _without(here, axis, last=True), _without(here, axis, last=False)
        places = np.nonzero(before != after)
        between = 2 * np.stack(places, axis=1).astype(np.int32)
        between[:, axis] += 1
        for side in (before, after):
            number = side[places]
            row = np.minimum(np.searchsorted(numbers, number), len(numbers) - 1)
            known = numbers[row] == number
            rows.append(row[known].astype(np.int32))
            faces.append(between[known])
    row = np.concatenate(rows)
    order = np.argsort(row, kind="stable")
    return row[order], np.concatenate(faces)[order]


def _without(mask: NDArray[np.bool_], axis: int, *, last: bool) -> NDArray[np.bool_]:
    """Return all but the last or the first plane across an axis."""
    cut = [slice(None)] * 3
    cut[axis] = slice(None, -1) if last else slice(1, None)
    return mask[tuple(cut)]


def _triple(values: NDArray[np.integer]) -> tuple[int, int, int]:
    z, y, x = (int(value) for value in values)
    return z, y, x
