"""Surfaces of numbered objects: one mesh for all of them, whose parts can be exchanged, coloured and hidden.

Thousands of objects as thousands of actors would be slow to draw. Here they are one mesh; colours are set per
point, and what is hidden is left out of the list of triangles: neither makes a surface anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyvista as pv
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkFiltersCore import vtkTriangleMeshPointNormals

from sxtstudio.core.geometry import Box
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import VoxelSize
from sxtstudio.core.wording import count, grouped
from sxtstudio.surface.contour import Contour, OneValue, TooManyFaces, contour
from sxtstudio.surface.extract import HELD_FACES
from sxtstudio.surface.mesh import Points, Triangles, polydata
from sxtstudio.surface.simplify import merge_points, simplify
from sxtstudio.surface.smooth import smooth

_BINNINGS = (1, 2, 4, 8, 16, 32)
# Fewer faces than this are a shape no more.
_LEAST_FACES = 2_000
_CONTOUR_SHARE = 0.7
# An object keeps about so many of its faces where others have more: fewer are a shape no more, or none.
_LEAST_OF_ONE = 80
# Of its volume an object keeps at least so much when it is smoothed, or it is not smoothed.
_LEAST_VOLUME = 0.9
_BLOCK_FACES = 1_000_000
# Small objects that cannot be drawn with less make up for so many times the faces that are drawn in motion.
_MOVING_EXCESS = 2
_FEWER = ", in small objects closer ones only"
# More faces than this are not held at once (about 200 bytes each while they are simplified).
_MOST_HELD = 12_000_000


@dataclass(frozen=True, eq=False)
class SurfacePiece:
    """The surface of one object: points and normals (n, 3) as (x, y, z) in nm, triangles (m, 3)."""

    points: Points
    normals: Points
    triangles: Triangles


@dataclass(frozen=True, eq=False)
class ObjectSurface:
    """The surface of one object, and a lighter one that is drawn while the scene moves."""

    full: SurfacePiece
    light: SurfacePiece


@dataclass(frozen=True, eq=False)
class ObjectBodies:
    """The surfaces of objects by their numbers, and what the user should know of them."""

    surfaces: Mapping[int, ObjectSurface] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def object_bodies(
    objects: NDArray[Any],
    boxes: Mapping[int, Box],
    voxel_nm: VoxelSize | None,
    *,
    max_faces: int,
    moving_faces: int,
    iterations: int = 20,
    progress: Progress | None = None,
) -> ObjectBodies:
    """Return the surfaces of objects, each closed, also where two touch.

    Parameters
    ----------
    objects
        Numbers (z, y, x), array or memory map.
    boxes
        Of each wanted object a box that holds it; only these parts of ``objects`` are read.
    voxel_nm
        Edge lengths (z, y, x); None: lengths are in voxels.
    max_faces, moving_faces
        More faces than this are simplified, of all of them together; and those of the lighter surfaces.
    iterations
        Of the smoothing.
    progress
        Reports and takes the cancel.

    Returns
    -------
    ObjectBodies
        Objects without voxels, or so small that simplification left nothing, are missing.

    Raises
    ------
    Cancelled
        If ``progress.cancel`` was called.
    """
    progress = progress or Progress()
    most = max(max_faces, _LEAST_FACES)
    held = _contours(objects, boxes, most, progress.part(_CONTOUR_SHARE))
    if not held.numbers:
        return ObjectBodies()
    numbers = np.array(held.numbers, np.int64)
    rest = progress.part(1 - _CONTOUR_SHARE, "smoothing objects")
    scale = np.array((1.0, 1.0, 1.0) if voxel_nm is None else voxel_nm[::-1], np.float32)
    found = held.simplified(most, rest.part(0.3))
    _smooth(found, len(numbers), iterations, rest.part(0.4))
    full = _split(found, numbers, scale)
    notes = held.notes(len(found.triangles))
    lighter = Contour(found.points.copy(), found.triangles, found.objects)
    moving = max(moving_faces, _LEAST_FACES)
    simplify(lighter, moving, rest.part(0.3))
    light = _completed(_split(lighter, numbers, scale), full, _MOVING_EXCESS * moving)
    surfaces = {number: ObjectSurface(piece, light[number]) for number, piece in full.items()}
    return ObjectBodies(surfaces, notes)


def _smooth(found: Contour, objects: int, iterations: int, progress: Progress) -> None:
    """Smooth the surfaces in place; those that would shrink stay as they are.

    The filter takes from objects of few faces, or of a few across, what makes them round: to it they are all
    steps of voxels, and nothing but a point or a line is left.
    """
    assert found.objects is not None
    before, volumes = found.points.copy(), _volumes(found, objects)
    smooth(found.points, found.triangles, iterations, progress)
    shrunk = (_volumes(found, objects) < _LEAST_VOLUME * volumes)[found.objects]
    found.points[shrunk] = before[shrunk]


def _volumes(found: Contour, objects: int) -> NDArray[np.float64]:
    """Return the volume of each object in voxels, by the divergence theorem."""
    assert found.objects is not None
    volumes = np.zeros(objects)
    for begin in range(0, len(found.triangles), _BLOCK_FACES):
        faces = found.triangles[begin : begin + _BLOCK_FACES]
        a, b, c = (found.points[faces[:, corner]].astype(np.float64) for corner in range(3))
        six = np.einsum("ij,ij->i", a, np.cross(b, c))
        volumes += np.bincount(found.objects[faces[:, 0]], weights=six / 6, minlength=objects)
    return volumes


def _completed(
    light: dict[int, SurfacePiece], full: Mapping[int, SurfacePiece], most: int
) -> dict[int, SurfacePiece]:
    """Return the lighter surfaces, and for small objects that have none their own, the largest first.

    Beyond ``most`` faces objects are left out while the scene moves: it would not move else.
    """
    left = most - sum(len(piece.triangles) for piece in light.values())
    missing = sorted(full.keys() - light.keys(), key=lambda number: -len(full[number].triangles))
    nothing = SurfacePiece(
        np.empty((0, 3), np.float32), np.empty((0, 3), np.float32), np.empty((0, 3), np.int32)
    )
    for number in missing:
        left -= len(full[number].triangles)
        light[number] = full[number] if left >= 0 else nothing
    return light


class _Held:
    """The surfaces of objects so far; where they have too many faces to be held, all are simplified.

    Points know of which of ``numbers`` they are, from 0.
    """

    def __init__(self, max_faces: int) -> None:
        """Keep the detail of ``max_faces`` faces of all objects that will come."""
        self.numbers: list[int] = []
        self._max_faces = max_faces
        self._most = min(HELD_FACES, max(_MOST_HELD, 8 * max_faces))
        self._whole: Contour | None = None
        self._new: list[Contour] = []  # not in ``_whole`` yet
        self._new_faces = self._binned = 0
        self._full: list[int] = []  # faces of each at full resolution
        self._edge = 0.0

    def add(self, number: int, part: Contour, binning: int) -> None:
        """Take the surface of one more object."""
        part.objects = np.full(len(part.points), len(self.numbers), np.int32)
        self.numbers.append(number)
        self._new.append(part)
        self._new_faces += len(part.triangles)
        self._full.append(len(part.triangles) * binning**2)
        self._binned += binning > 1
        if self._new_faces > self._most // 2:
            whole = self._joined()
            if len(whole.triangles) > max(self._most // 2, self._max_faces):
                self.simplified(max(self._most // 4, self._max_faces), None)

    def _joined(self) -> Contour:
        """Put what is new to the others, with the detail that these have."""
        if self._new:
            new = _together(self._new)
            if self._edge:
                merge_points(new, self._edge, self.largest_cubes(self._max_faces, _LEAST_OF_ONE))
            self._whole = new if self._whole is None else _together([self._whole, new])
            self._new_faces = 0
        assert self._whole is not None
        return self._whole

    def simplified(self, faces: int, progress: Progress | None) -> Contour:
        """Return all of them as one, with no more faces than this."""
        whole = self._joined()
        cubes = self.largest_cubes(faces, _LEAST_OF_ONE)
        self._edge = simplify(whole, faces, progress, cubes, self._edge)
        return whole

    def largest_cubes(self, faces: int, least: int) -> NDArray[np.float32]:
        """Return of each object the edge of the cubes with which it keeps about ``least`` faces.

        All of them together keep less than half of ``faces``, so that there is room for the larger ones.
        """
        least = min(least, max(1, faces // (2 * len(self.numbers))))
        # A surface of points 1 apart keeps one face in edge².
        return np.sqrt(np.array(self._full, np.float32) / least).clip(1.0, None)

    def notes(self, faces: int) -> tuple[str, ...]:
        """Return what was left of them, in words; ``faces`` are there now."""
        notes = []
        if self._binned:
            are = "object is" if self._binned == 1 else "objects are"
            notes.append(
                f"{grouped(self._binned)} {are} very large: several voxels along each axis were taken as one."
            )
        if self._edge:
            notes.append(
                f"The surfaces of {count(len(self.numbers), 'object')} were simplified from "
                f"{grouped(sum(self._full))} to {grouped(faces)} faces (points closer than about "
                f"{self._edge:.1f} voxels were merged{_FEWER if len(self.numbers) > 1 else ''})."
            )
        return tuple(notes)


def _contours(objects: NDArray[Any], boxes: Mapping[int, Box], max_faces: int, progress: Progress) -> _Held:
    """Contour each object in its box, at full resolution as far as there is room for it."""
    held = _Held(max_faces)
    progress.begin(len(boxes), "surfaces of objects")
    for number, box in sorted(boxes.items()):
        crop = OneValue(objects[box.slices], number, 0, box.shape[0])
        for binning in _BINNINGS:
            try:
                part = contour(crop, with_objects=False, face_limit=HELD_FACES, binning=binning)
            except TooManyFaces:
                continue
            if len(part.triangles):
                part.points += np.array(box.start[::-1], np.float32)
                held.add(number, part, binning)
            break
        progress.step()
    return held


def _together(parts: list[Contour]) -> Contour:
    """Put contours into one; the list is emptied, so that each is let go of as soon as it is copied."""
    points = sum(len(part.points) for part in parts)
    owner = np.empty(points, np.int32)
    triangles = np.empty((sum(len(part.triangles) for part in parts), 3), np.int32)
    whole = Contour(np.empty((points, 3), np.float32), triangles, owner)
    parts.reverse()
    point = face = 0
    while parts:
        part = parts.pop()
        assert part.objects is not None
        to_point, to_face = point + len(part.points), face + len(part.triangles)
        whole.points[point:to_point] = part.points
        triangles[face:to_face] = part.triangles + np.int32(point)
        owner[point:to_point] = part.objects
        point, face = to_point, to_face
    return whole


def _split(found: Contour, numbers: NDArray[np.int64], scale: NDArray[np.float32]) -> dict[int, SurfacePiece]:
    """Return the surface of each object, with normals."""
    assert found.objects is not None
    points = (found.points * scale).astype(np.float32)
    normals = _normals(points, found.triangles)
    order = np.argsort(found.objects, kind="stable")
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    owner = found.objects[found.triangles[:, 0]]
    faces = place[found.triangles[np.argsort(owner, kind="stable")]]
    point_ends = np.cumsum(np.bincount(found.objects, minlength=len(numbers)))
    face_ends = np.cumsum(np.bincount(owner, minlength=len(numbers)))
    pieces = {}
    for row, number in enumerate(numbers.tolist()):
        p0, p1 = int(point_ends[row - 1]) if row else 0, int(point_ends[row])
        f0, f1 = int(face_ends[row - 1]) if row else 0, int(face_ends[row])
        if f1 > f0:
            mine = order[p0:p1]
            pieces[number] = SurfacePiece(points[mine], normals[mine], faces[f0:f1] - np.int32(p0))
    return pieces


def _normals(points: Points, triangles: Triangles) -> Points:
    shading = vtkTriangleMeshPointNormals()
    shading.SetInputData(polydata(points, triangles))
    shading.Update()
    found: Points = vtk_to_numpy(shading.GetOutput().GetPointData().GetNormals())
    return found


class ObjectMesh:
    """Pieces as one mesh to draw, ``mesh``; what is not shown is not in it.

    Each style makes another ``mesh`` with the same points: one that a thread draws or writes never changes.
    """

    def __init__(self, pieces: Mapping[int, SurfacePiece]) -> None:
        """Put the surfaces of objects together, all of them shown in grey."""
        ordered = sorted(pieces.items())
        self.numbers = np.array([number for number, _ in ordered], np.int64)
        self._points = np.array([len(piece.points) for _, piece in ordered], np.intp)
        self._faces = np.array([len(piece.triangles) for _, piece in ordered], np.intp)
        begins = np.cumsum(self._points) - self._points
        self._triangles = _stacked(
            (piece.triangles + np.int32(begin) for (_, piece), begin in zip(ordered, begins, strict=True)),
            np.int32,
        )
        self._places = _stacked((piece.points for _, piece in ordered), np.float32)
        self._normals = numpy_to_vtk(_stacked((piece.normals for _, piece in ordered), np.float32), deep=1)
        self._drawn = self._triangles
        self.mesh: pv.PolyData = polydata(self._places, self._drawn)
        self.style(np.full((len(ordered), 3), 200, np.uint8), np.ones(len(ordered), np.bool_))

    @property
    def face_count(self) -> int:
        """Triangles of all objects, shown or not."""
        return len(self._triangles)

    def style(self, colours: NDArray[np.uint8], shown: NDArray[np.bool_]) -> None:
        """Give the objects of ``numbers`` other colours (k, 3), and show some of them (k,) only."""
        self._drawn = self._triangles if shown.all() else self._triangles[np.repeat(shown, self._faces)]
        mesh = polydata(self._places, self._drawn)
        rgb = numpy_to_vtk(np.repeat(colours, self._points, axis=0), deep=1)
        rgb.SetName("RGB")
        numbers = numpy_to_vtk(np.repeat(self.numbers, self._points), deep=1)
        numbers.SetName("object")
        mesh.GetPointData().SetNormals(self._normals)
        mesh.GetPointData().SetScalars(rgb)
        mesh.GetPointData().AddArray(numbers)
        self.mesh = mesh

    def number_of(self, face: int) -> int:
        """Return the object that a drawn triangle belongs to."""
        point = int(self._drawn[face, 0])
        return int(self.numbers[np.searchsorted(np.cumsum(self._points), point, side="right")])


class BodyMeshes:
    """The surfaces of the objects, and the lighter ones that are drawn while the scene moves."""

    def __init__(self, bodies: Mapping[int, ObjectSurface]) -> None:
        """Put them together."""
        self.full = ObjectMesh({number: body.full for number, body in bodies.items()})
        self.light = ObjectMesh({number: body.light for number, body in bodies.items()})

    @property
    def numbers(self) -> NDArray[np.int64]:
        """The objects that have a surface (k,), ascending."""
        return self.full.numbers

    def style(self, colours: NDArray[np.uint8], shown: NDArray[np.bool_]) -> None:
        """As ``ObjectMesh.style``, both of them."""
        self.full.style(colours, shown)
        self.light.style(colours, shown)


def _stacked(parts: Iterable[NDArray[Any]], dtype: Any) -> NDArray[Any]:
    return np.concatenate([np.empty((0, 3), dtype), *parts])
