"""A surface with real lengths, and the settings it is made with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyvista as pv
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray

from sxtstudio.core.errors import UserError

# The paper drops objects of fewer faces (Dyhr et al., PNAS 2023, "3D surface reconstruction").
OBJECT_MIN_FACES = 1000
MAX_FACES = 10_000_000

Points = NDArray[np.float32]
Triangles = NDArray[np.int32]


@dataclass(frozen=True)
class SurfaceParameters:
    """How a surface is made from labels.

    Attributes
    ----------
    objects
        Tell 26-connected objects apart and give each its own colour.
    min_faces
        Objects of fewer faces (at full resolution) are left out. None: 1000 with ``objects``,
        as in the paper, else 0.
    smooth
        Iterations of the smoothing that takes the steps of the voxels away; 0 leaves them.
    max_faces
        Larger surfaces are simplified, with a note.
    seed
        Of the random colours.
    """

    objects: bool = False
    min_faces: int | None = None
    smooth: int = 20
    max_faces: int = MAX_FACES
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense."""
        if self.min_faces is not None and self.min_faces < 0:
            raise UserError("The smallest number of faces of an object cannot be negative. Give 0 or more.")
        if not 0 <= self.smooth <= 500:
            raise UserError("The number of smoothing iterations must lie between 0 and 500 (20 is usual).")
        if self.max_faces < 100:
            raise UserError("The largest number of faces of a surface must be at least 100.")

    @property
    def smallest(self) -> int:
        """Objects of fewer faces than this are left out."""
        if self.min_faces is None:
            return OBJECT_MIN_FACES if self.objects else 0
        return self.min_faces


@dataclass(frozen=True, eq=False)
class Surface:
    """Closed triangle mesh of the labels.

    Attributes
    ----------
    mesh
        float32 points (x, y, z) in ``unit``, triangles counter-clockwise seen from outside.
        With objects, ``mesh.point_data`` holds "object" (int32, 1 is the largest) and "RGB"
        (uint8); objects never share a point.
    object_count
        Objects in the mesh; 1 where they were not told apart.
    notes
        What the user should know: objects left out, simplification, unknown voxel size.
    unit
        "nm", or "voxel" where the voxel size is unknown.
    """

    mesh: pv.PolyData
    object_count: int
    notes: tuple[str, ...] = ()
    unit: str = "nm"

    @property
    def points(self) -> Points:
        """Vertices (n, 3) as (x, y, z)."""
        return np.asarray(self.mesh.points)

    @property
    def triangles(self) -> Triangles:
        """Point numbers of each face, (m, 3)."""
        return np.asarray(self.mesh.regular_faces)

    @property
    def face_count(self) -> int:
        """Number of triangles."""
        return int(self.mesh.n_cells)

    @property
    def objects(self) -> NDArray[np.int32] | None:
        """Number of the object of each point, from 1 on, or None."""
        return self._array("object")

    @property
    def colours(self) -> NDArray[np.uint8] | None:
        """Red, green and blue of each point (n, 3), or None."""
        return self._array("RGB")

    def _array(self, name: str) -> NDArray[Any] | None:
        return np.asarray(self.mesh.point_data[name]) if name in self.mesh.point_data else None

    def volume(self) -> float:
        """Enclosed volume in unit³ by the divergence theorem; negative if the normals point inwards."""
        points, middle = self.points, np.array(self.mesh.center)
        total = 0.0
        for part in _chunks(self.triangles):
            a, b, c = (points[part[:, i]] - middle for i in range(3))
            total += float(np.einsum("ij,ij->", a, np.cross(b, c)))
        return total / 6

    def area(self) -> float:
        """Area in unit²."""
        points = self.points
        total = 0.0
        for part in _chunks(self.triangles):
            a, b, c = (points[part[:, i]].astype(np.float64) for i in range(3))
            total += float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum())
        return total / 2


def _chunks(rows: NDArray[Any], size: int = 1_000_000) -> list[NDArray[Any]]:
    return [rows[i : i + size] for i in range(0, len(rows), size)]


def polydata(points: Points, triangles: Triangles) -> pv.PolyData:
    """Wrap points (n, 3) and triangles (m, 3) as a mesh that shares their memory."""
    cells = vtkCellArray()
    # SetData keeps 32-bit numbers, which halves the memory of VTK's usual cells.
    cells.SetData(3, numpy_to_vtk(np.ascontiguousarray(triangles).reshape(-1)))
    vertices = vtkPoints()
    vertices.SetData(numpy_to_vtk(np.ascontiguousarray(points)))
    mesh = pv.PolyData()
    mesh.SetPoints(vertices)
    mesh.SetPolys(cells)
    return mesh
