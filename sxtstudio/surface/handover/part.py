"""A mesh that is handed over, and where such meshes come from; one at a time, so that few are in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkFiltersCore import vtkTriangleMeshPointNormals

from sxtstudio.core.geometry import Box
from sxtstudio.core.object_classes import Rgb
from sxtstudio.core.object_colours import number_colours
from sxtstudio.core.object_table import ObjectRow, ObjectTable
from sxtstudio.core.printable import printable
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import VoxelSize
from sxtstudio.surface.colours import PLAIN_RGB
from sxtstudio.surface.contour import OneValue
from sxtstudio.surface.extract import EmptyLabels, extract_surface
from sxtstudio.surface.mesh import Points, Surface, SurfaceParameters, Triangles, polydata

Colours = Callable[[int], Rgb]


@dataclass(frozen=True, eq=False)
class MeshPart:
    """The surface of one object, or of all labels.

    Attributes
    ----------
    name
        What the other program will call it.
    rgb
        Its colour, 0…255 (sRGB).
    points
        float32 (n, 3) as (x, y, z) in nm, or in voxels where their size is unknown.
    triangles
        int32 (m, 3), counter-clockwise seen from outside.
    number
        Of the object; 0 where it is none.
    class_name
        "" where it has no class.
    normals
        float32 (n, 3) of length 1, outwards; or None.
    """

    name: str
    rgb: Rgb
    points: Points
    triangles: Triangles
    number: int = 0
    class_name: str = ""
    normals: Points | None = None

    @property
    def with_normals(self) -> Points:
        """Its normals, found where there are none yet."""
        if self.normals is None:
            return normals_of(self.points, self.triangles)
        return _with_directions(self.normals, self.triangles)


def normals_of(points: Points, triangles: Triangles) -> Points:
    """Return the mean direction (n, 3) of the faces around each point, outwards, always of length 1."""
    shading = vtkTriangleMeshPointNormals()
    shading.SetInputData(polydata(points, triangles))
    shading.Update()
    return _with_directions(vtk_to_numpy(shading.GetOutput().GetPointData().GetNormals()), triangles)


def _with_directions(normals: Points, triangles: Triangles) -> Points:
    """Give points that have no direction that of their neighbours, or else upwards.

    They lie in triangles without area, or in none, or in two that are back to back. POV-Ray warns of normals
    of length 0, and glTF allows none.
    """
    lost = ~(np.linalg.norm(normals, axis=1) > 0.5)
    if not lost.any():
        return normals
    whole = np.where(lost[:, None], np.float32(0), normals)
    touching = triangles[lost[triangles].any(axis=1)]
    sums = np.zeros_like(whole)
    for corner in range(3):
        np.add.at(sums, touching[:, corner], whole[touching].sum(axis=1))
    length = np.linalg.norm(sums, axis=1)
    near = lost & (length > 1e-6)
    whole[near] = sums[near] / length[near, None]
    whole[lost & ~near] = (0, 0, 1)
    return whole


def object_name(number: int, class_name: str) -> str:
    """Return what an object is called in other programs: "Vesicle 12"."""
    return f"{class_name or 'Object'} {number}"


def class_colours(table: ObjectTable) -> Colours:
    """Return the colours of objects: that of its class, else that of its number."""
    known = {found.name: found.rgb for found in table.classes}

    def colour(number: int) -> Rgb:
        row = table.rows.get(number)
        rgb = None if row is None else known.get(row.class_name)
        if rgb is not None:
            return rgb
        red, green, blue = number_colours(np.array([number]))[0].tolist()
        return red, green, blue

    return colour


def by_class(numbers: Iterable[int], table: ObjectTable) -> list[int]:
    """Return numbers in the order of their classes, those without one last; within a class ascending."""
    place = {found.name: place for place, found in enumerate(table.classes)}
    last = len(place)

    def key(number: int) -> tuple[int, str, int]:
        name = table.rows.get(number, ObjectRow()).class_name
        return (last + 1 if not name else place.get(name, last), name, number)

    return sorted(numbers, key=key)


def object_parts(
    objects: NDArray[Any],
    boxes: Mapping[int, Box],
    table: ObjectTable,
    voxel_nm: VoxelSize | None,
    parameters: SurfaceParameters | None = None,
    *,
    colours: Colours | None = None,
    progress: Progress | None = None,
) -> Iterator[MeshPart]:
    """Yield the surface of each object, class by class, each closed, also where two touch.

    Parameters
    ----------
    objects
        Numbers (z, y, x), array or memory map.
    boxes
        Of each wanted object a box that holds it; only these parts are read.
    table
        The classes.
    voxel_nm
        (z, y, x); None: lengths are in voxels.
    parameters
        Smoothing, and the most faces of an object; with ``min_faces``, smaller objects are left out.
    colours
        Other ones than those of the classes.
    progress
        One step per object.

    Raises
    ------
    Cancelled
        If ``progress.cancel`` was called.
    """
    progress = progress or Progress()
    asked = parameters or SurfaceParameters()
    each = SurfaceParameters(smooth=asked.smooth, max_faces=asked.max_faces, min_faces=0)
    colour = colours or class_colours(table)
    scale = (1.0, 1.0, 1.0) if voxel_nm is None else voxel_nm
    progress.begin(len(boxes))
    for number in by_class(boxes, table):
        box = boxes[number]
        z, y, x = (edge * start for edge, start in zip(scale, box.start, strict=True))
        inner = progress.child(progress.stage, _silent)
        # A plasma membrane spans the whole tomogram: no copy of its box is made.
        mine = OneValue(objects[box.slices], number, 0, box.shape[0])
        try:
            surface = extract_surface(mine, voxel_nm, each, (z, y, x), inner)
        except EmptyLabels:
            surface = None
        if surface is not None and surface.face_count >= (asked.min_faces or 0):
            name = printable(table.rows.get(number, ObjectRow()).class_name)
            yield MeshPart(
                object_name(number, name), colour(number), surface.points, surface.triangles, number, name
            )
            del surface
        progress.step()


def surface_parts(surface: Surface, name: str, rgb: Rgb = PLAIN_RGB) -> Iterator[MeshPart]:
    """Yield a surface as it is, or, where its objects are told apart, each of them in its colour."""
    objects, colours = surface.objects, surface.colours
    if objects is None or colours is None:
        yield MeshPart(name, rgb, surface.points, surface.triangles)
        return
    yield from parts_by_number(surface.points, surface.triangles, objects, colours)


def parts_by_number(
    points: Points,
    triangles: Triangles,
    objects: NDArray[Any],
    colours: NDArray[np.uint8],
    normals: Points | None = None,
    names: Mapping[int, str] | None = None,
) -> Iterator[MeshPart]:
    """Yield the objects of one mesh as parts; what has no triangle is left out.

    Parameters
    ----------
    points, triangles, normals
        As of ``MeshPart``; a triangle has the points of one object.
    objects, colours
        Number (n,) and colour (n, 3) of each point.
    names
        The classes of objects.
    """
    owner = objects[triangles[:, 0]]
    by_point, by_face = np.argsort(objects, kind="stable"), np.argsort(owner, kind="stable")
    place = np.empty(len(points), np.int32)
    place[by_point] = np.arange(len(points), dtype=np.int32)
    numbers = np.unique(owner)
    first, last = (np.searchsorted(objects, numbers, side, sorter=by_point) for side in ("left", "right"))
    begins, ends = (np.searchsorted(owner, numbers, side, sorter=by_face) for side in ("left", "right"))
    for row, number in enumerate(numbers.tolist()):
        mine, its = by_point[first[row] : last[row]], by_face[begins[row] : ends[row]]
        red, green, blue = colours[mine[0]].tolist()
        class_name = "" if names is None else printable(names.get(number, ""))
        yield MeshPart(
            object_name(number, class_name),
            (red, green, blue),
            points[mine],
            place[triangles[its]] - np.int32(first[row]),
            number,
            class_name,
            None if normals is None else normals[mine],
        )


def _silent(state: object) -> None:
    """Of the stages of a single mesh nothing is reported."""
