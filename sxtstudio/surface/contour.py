"""Triangles between label and background, slab by slab, with the object each belongs to.

Flying edges were chosen over VTK's surface nets by trial: the mesh is closed and manifold also
where objects touch at an edge or a corner (surface nets left open edges on one-voxel sheets and
in noise), and smoothing keeps the volume (within 0.1 % of a sphere of 8 voxels radius, against
-15 % after 20 iterations of surface nets' own smoothing). It is also twice as fast.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D

from sxtstudio.core.mapped_memory import PageReleaser
from sxtstudio.core.objects import label_objects
from sxtstudio.core.progress import Progress
from sxtstudio.core.walk import SLAB_VOXELS, walk
from sxtstudio.surface.mesh import Points, Triangles

Objects = NDArray[np.int32]
# Slabs of no more voxels than this are looked at as one, and not slice by slice.
_AT_ONCE = 2_000_000


class TooManyFaces(Exception):
    """The surface has more faces than the caller wants to hold in memory."""


@dataclass
class Contour:
    """Triangles in voxel coordinates.

    ``points`` are float32 (x, y, z), counted from the centre of the first voxel; ``objects`` is
    the object of each point from 0 on, or None; triangles are counter-clockwise from outside.
    """

    points: Points
    triangles: Triangles
    objects: Objects | None

    def object_faces(self, objects: int = 0) -> NDArray[np.int64]:
        """Faces of each object, of at least so many; the points of a face belong to one object."""
        assert self.objects is not None
        return np.bincount(self.objects[self.triangles[:, 0]], minlength=objects)


def contours(
    labels: NDArray[Any] | OneValue,
    apart: Sequence[int],
    *,
    with_objects: bool,
    face_limit: int,
    binning: int = 1,
    progress: Progress | None = None,
) -> Contour:
    """Return the surfaces of the voxels of each value of ``apart``; where it is empty, of all that are not 0.

    Parameters and errors are those of ``contour``; where two values touch, each has a wall of its own.
    """
    progress = progress or Progress()
    if not apart:
        return contour(
            labels, with_objects=with_objects, face_limit=face_limit, binning=binning, progress=progress
        )
    assert isinstance(labels, np.ndarray)
    extents = _extents(labels, apart)
    found: list[Contour] = []
    depth = sum(last - first for first, last in extents.values())
    for value in apart:
        first, last = extents[value]
        part = contour(
            OneValue(labels, value, first, last),
            with_objects=with_objects,
            face_limit=face_limit - sum(len(one.triangles) for one in found),
            binning=binning,
            progress=progress.part((last - first) / depth),
        )
        part.points[:, 2] += first
        found.append(part)
    return _together(found, with_objects)


def _extents(labels: NDArray[Any], values: Sequence[int]) -> dict[int, tuple[int, int]]:
    """The first slice of each value, and the one after its last."""
    depth, height, width = labels.shape
    wanted = dict.fromkeys(values, (depth, 0))
    for box in walk((depth, height, width), labels, slices=1):
        z = box.start[0]
        for value in np.unique(labels[z]).tolist():
            if value in wanted:
                first, last = wanted[value]
                wanted[value] = (min(first, z), max(last, z + 1))
    return wanted


class OneValue:
    """Slices of labels in which only one value is there; read as an array is, a few slices at a time."""

    def __init__(self, labels: NDArray[Any], value: int, first: int, last: int) -> None:
        """Read ``labels`` (z, y, x) from slice ``first`` to ``last`` (not included)."""
        self._labels, self._value, self._first = labels, value, first
        depth, height, width = last - first, *labels.shape[1:]
        self.shape = (depth, height, width)
        self.size, self.ndim, self.itemsize = depth * height * width, 3, labels.itemsize

    def __getitem__(self, part: slice) -> NDArray[np.bool_]:
        """Return where the value is, in some slices."""
        start, stop, _ = part.indices(self.shape[0])
        where: NDArray[np.bool_] = self._labels[self._first + start : self._first + stop] == self._value
        return where


def _together(parts: Sequence[Contour], with_objects: bool) -> Contour:
    """Put contours into one; their objects go on counting."""
    points = np.cumsum([0, *(len(part.points) for part in parts)])
    triangles = [part.triangles + np.int32(first) for part, first in zip(parts, points, strict=False)]
    objects = None
    if with_objects:
        numbers, before = [], 0
        for part in parts:
            assert part.objects is not None
            numbers.append(part.objects + np.int32(before))
            before += int(part.objects.max()) + 1 if len(part.objects) else 0
        objects = np.concatenate(numbers)
    return Contour(np.concatenate([part.points for part in parts]), np.concatenate(triangles), objects)


def contour(
    labels: NDArray[Any] | OneValue,
    *,
    with_objects: bool,
    face_limit: int,
    binning: int = 1,
    progress: Progress | None = None,
    slab_voxels: int = SLAB_VOXELS,
) -> Contour:
    """Return the closed surface between voxels that are 0 and voxels that are not.

    The volume counts as surrounded by background, so that objects at its border are closed.
    Slabs share one slice; its points and objects are matched, so that the result does not
    depend on the slab size.

    Parameters
    ----------
    labels
        Array or memory map (z, y, x) of any number type.
    with_objects
        Number the 26-connected objects.
    face_limit
        More faces than this are not collected.
    binning
        Edge of the blocks that are taken as one voxel: label where at least half of the block is.
    progress
        One step per slab.

    Raises
    ------
    TooManyFaces
        If the surface has more than ``face_limit`` faces.
    """
    progress = progress or Progress()
    seams = _Seams(with_objects)
    depth = -(-labels.shape[0] // binning)
    plane = (labels.shape[1] // binning + 3) * (labels.shape[2] // binning + 3)
    thickness = max(1, slab_voxels // plane)
    firsts = range(-1, depth, thickness)
    progress.begin(len(firsts), "surface")
    faces = 0
    pages = PageReleaser(*([labels] if isinstance(labels, np.ndarray) else []))
    for first in firsts:
        last = min(first + thickness, depth)
        slab = _padded_slab(labels, first, last, binning, pages)
        faces += seams.add(slab, first, alone=len(firsts) == 1)
        if faces > face_limit:
            raise TooManyFaces
        progress.step()
    result = seams.finish()
    if binning > 1:
        result.points *= binning
        result.points += (binning - 1) / 2
    return result


def _padded_slab(
    labels: NDArray[Any] | OneValue, first: int, last: int, binning: int, pages: PageReleaser
) -> NDArray[np.uint8]:
    """Slices ``first``…``last`` (both included, counted in blocks) as 0/1 with a rim of background."""
    begin, end = max(first, 0), min(last + 1, -(-labels.shape[0] // binning))
    size = [-(-n // binning) for n in labels.shape]
    slab = np.zeros((last - first + 1, size[1] + 2, size[2] + 2), np.uint8)
    if binning == 1 and slab.size <= _AT_ONCE:  # thousands of small objects would be thousands of slices
        np.not_equal(
            labels[begin:end], 0, out=slab[begin - first : end - first, 1:-1, 1:-1], casting="unsafe"
        )
        pages.read((end - begin) * math.prod(labels.shape[1:]) * labels.itemsize)
        return slab
    for z in range(begin, end):
        block = np.asarray(labels[z * binning : (z + 1) * binning]) != 0
        pages.read(block.size * labels.itemsize)
        slab[z - first, 1:-1, 1:-1] = block[0] if binning == 1 else _binned(block, binning)
    return slab


def _binned(block: NDArray[np.bool_], binning: int) -> NDArray[np.bool_]:
    """Whether at least half of each binning×binning column of the slices is label."""
    rows = np.arange(0, block.shape[1], binning)
    columns = np.arange(0, block.shape[2], binning)
    count = np.add.reduceat(np.add.reduceat(block.sum(0, dtype=np.int32), rows, 0), columns, 1)
    full = np.minimum(binning, block.shape[1] - rows)[:, None] * np.minimum(binning, block.shape[2] - columns)
    return np.asarray(2 * count >= full * block.shape[0])


def _flying_edges(slab: NDArray[np.uint8], first: int) -> tuple[Points, NDArray[np.int64]]:
    image = vtkImageData()
    image.SetDimensions(slab.shape[2], slab.shape[1], slab.shape[0])
    image.SetOrigin(-1, -1, first)
    image.GetPointData().SetScalars(numpy_to_vtk(slab.reshape(-1)))
    edges = vtkFlyingEdges3D()
    edges.SetInputData(image)
    edges.SetValue(0, 0.5)
    edges.ComputeNormalsOff()
    edges.ComputeGradientsOff()
    edges.ComputeScalarsOff()
    edges.Update()
    output = edges.GetOutput()
    if not output.GetNumberOfPolys():
        return np.empty((0, 3), np.float32), np.empty((0, 3), np.int64)
    points = vtk_to_numpy(output.GetPoints().GetData()).astype(np.float32)
    return points, vtk_to_numpy(output.GetPolys().GetConnectivityArray()).reshape(-1, 3)


class _Seams:
    """Joins the meshes of slabs that share a slice."""

    def __init__(self, with_objects: bool) -> None:
        self._with_objects = with_objects
        self._points: list[Points] = []
        self._triangles: list[Triangles] = []
        self._objects: list[Objects] = []
        self._pairs: list[NDArray[np.int64]] = []
        self._point_count = 0
        self._object_count = 0
        self._keys = np.empty(0, np.int64)  # sorted places of the points in the last shared slice
        self._numbers = np.empty(0, np.int64)  # and their numbers
        self._above: NDArray[np.int64] | None = None  # its objects

    def add(self, slab: NDArray[np.uint8], first: int, *, alone: bool = False) -> int:
        """Contour one slab, from slice ``first`` on; return the number of its faces.

        ``alone``: it is the only one, and nothing has to be joined.
        """
        points, triangles = _flying_edges(slab, first)
        if alone:
            self._point_count = len(points)
            self._points.append(points)
            self._triangles.append(triangles.astype(np.int32))
            if self._with_objects:
                self._objects.append(self._number_objects(slab, points, first))
            return len(triangles)
        height = points[:, 2]
        keys = self._key(points, slab.shape[2])
        numbers = np.empty(len(points), np.int64)
        known = np.zeros(len(points), bool)
        shared = np.flatnonzero(height == first)
        if len(self._keys) and len(shared):
            place = np.minimum(np.searchsorted(self._keys, keys[shared]), len(self._keys) - 1)
            same = self._keys[place] == keys[shared]
            known[shared[same]] = True
            numbers[shared[same]] = self._numbers[place[same]]
        new = ~known
        added = int(np.count_nonzero(new))
        numbers[new] = self._point_count + np.arange(added)
        self._point_count += added

        if self._with_objects:
            objects = self._number_objects(slab, points, first)
            self._objects.append(objects[new])
        self._points.append(points[new])
        self._triangles.append(numbers.astype(np.int32)[triangles])

        below = np.flatnonzero(height == first + len(slab) - 1)
        below = below[np.argsort(keys[below])]
        self._keys, self._numbers = keys[below], numbers[below]
        return len(triangles)

    @staticmethod
    def _key(points: Points, width: int) -> NDArray[np.int64]:
        """One whole number per place within a slice; points lie at whole or half voxels."""
        x = np.rint(2 * points[:, 0]).astype(np.int64)
        y = np.rint(2 * points[:, 1]).astype(np.int64)
        return (y + 2) * (2 * width + 4) + x + 2

    def _number_objects(self, slab: NDArray[np.uint8], points: Points, first: int) -> Objects:
        """Object of each point, and which objects of this slab go on from the last one."""
        named, count = label_objects(slab)
        local = points + np.array([1, 1, -first], np.float32)
        # A point lies half way between a label voxel and a background voxel, whose object is 0.
        low, high = (tuple(f(local).astype(np.int32).T[::-1]) for f in (np.floor, np.ceil))
        owner = np.maximum(named[low], named[high]).astype(np.int64) + (self._object_count - 1)
        if self._above is not None:
            inside = slab[0] > 0
            self._pairs.append(
                np.stack([self._above[inside], named[0][inside].astype(np.int64) + self._object_count - 1])
            )
            self._pairs[-1] = np.unique(self._pairs[-1], axis=1)
        self._above = named[-1].astype(np.int64) + (self._object_count - 1)
        self._object_count += count
        return np.asarray(owner, np.int32)

    def finish(self) -> Contour:
        """Return the joined mesh and forget the parts."""
        points = _joined(self._points, (self._point_count, 3), np.float32)
        faces = sum(map(len, self._triangles))
        triangles = _joined(self._triangles, (faces, 3), np.int32)
        objects = None
        if self._with_objects:
            first, second = np.concatenate([np.empty((2, 0), np.int64), *self._pairs], axis=1)
            size = (self._object_count, self._object_count)
            links = coo_array((np.ones(len(first), bool), (first, second)), shape=size)
            _, group = connected_components(links, directed=False)
            objects = group.astype(np.int32)[_joined(self._objects, (self._point_count,), np.int32)]
        return Contour(points, triangles, objects)


def _joined(parts: list[NDArray[Any]], shape: tuple[int, ...], dtype: type) -> NDArray[Any]:
    """Concatenate, freeing each part as soon as it is copied."""
    whole: NDArray[Any] = np.empty(shape, dtype)
    for begin, part in _take(parts):
        whole[begin : begin + len(part)] = part
    return whole


def _take(parts: list[NDArray[Any]]) -> Iterator[tuple[int, NDArray[Any]]]:
    begin = 0
    parts.reverse()
    while parts:
        part = parts.pop()
        yield begin, part
        begin += len(part)
