"""Fewer faces: points that lie in one small cube become one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkFiltersCore import vtkTriangleMeshPointNormals

from sxtstudio.core.progress import Progress
from sxtstudio.surface.contour import Contour
from sxtstudio.surface.mesh import Points, Triangles, polydata

# How much larger the cubes of small objects become where those of the large ones alone are no help.
_BEYOND = 1.3


def simplify(
    contour: Contour,
    max_faces: int,
    progress: Progress | None = None,
    largest: NDArray[np.float32] | None = None,
    edge: float = 0.0,
) -> float:
    """Reduce a mesh, in place, to at most ``max_faces`` faces; return the edge of the cubes in voxels.

    Points of one object in one cube become their mean (vertex clustering, Rossignac & Borrel 1993).
    It takes seconds where quadric edge collapse takes minutes and gigabytes, and a closed mesh
    stays closed. The two sides of a thin membrane are kept apart by their normals.

    Parameters
    ----------
    largest
        Of each object the largest cubes that it may have: of larger ones small objects would vanish. It is
        gone beyond where there are too many faces else. None: the cubes of all are the same.
    edge
        Of the cubes by which the mesh was reduced already.
    """
    progress = progress or Progress()
    progress.begin(1, "simplifying")
    beyond = 1.0
    while len(contour.triangles) > max_faces:
        faces, most = len(contour.triangles), max_faces
        if largest is not None and edge:
            # Those with their largest cubes become no fewer: the others have to make room.
            at_end = int(contour.object_faces(len(largest))[edge >= beyond * largest].sum())
            if at_end > 0.9 * max_faces or at_end == faces:
                beyond *= _BEYOND
            else:
                faces, most = faces - at_end, max_faces - at_end
        # The number of faces falls with the square of the edge; the margins save most further rounds.
        excess = float(np.sqrt(faces / most))
        edge = 1.04 * edge * excess if edge else max(1.25, 1.1 * excess)
        merge_points(contour, edge, None if largest is None else beyond * largest)
        progress.check()
    progress.step()
    return edge


def merge_points(contour: Contour, edge: float, largest: NDArray[np.float32] | None = None) -> None:
    """Make one of the points of an object that lie in one cube, in place; ``largest`` as of ``simplify``."""
    if largest is None:
        _cluster(contour, edge)
        return
    assert contour.objects is not None
    _cluster(contour, np.minimum(np.float32(edge), largest)[contour.objects][:, None])


def _cluster(contour: Contour, edge: float | NDArray[np.float32]) -> None:
    points, triangles = contour.points, contour.triangles
    # The odd offset keeps points, which lie at halves, away from the walls of the cubes.
    cube = np.floor((points - (points.min(axis=0) - 0.27)) / edge).astype(np.int64)
    size = cube.max(axis=0) + 1
    key = (cube[:, 2] * size[1] + cube[:, 1]) * size[0] + cube[:, 0]
    del cube
    if contour.objects is not None:
        key += contour.objects.astype(np.int64) * int(size.prod())
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    del key
    group *= 2
    group += _far_side(points, triangles, group // 2, first)
    members = np.bincount(group)
    filled = np.flatnonzero(members)
    number = np.zeros(len(members), np.int32)
    number[filled] = np.arange(len(filled), dtype=np.int32)
    merged = np.empty((len(filled), 3), np.float32)
    for axis in range(3):
        merged[:, axis] = np.bincount(group, weights=points[:, axis])[filled] / members[filled]
    if contour.objects is not None:
        contour.objects = contour.objects[first[filled // 2]]
    faces = number[group][triangles]
    a, b, c = faces.T
    contour.triangles = faces[(a != b) & (b != c) & (c != a)]
    contour.points = merged
    drop_unused(contour)


def _far_side(
    points: Points, triangles: Triangles, group: NDArray[np.int64], first: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether a point looks the other way than most points of its cube: the far side of a thin sheet."""
    shading = vtkTriangleMeshPointNormals()
    shading.SetInputData(polydata(points, triangles))
    shading.Update()
    normals = vtk_to_numpy(shading.GetOutput().GetPointData().GetNormals())
    front = np.empty((len(first), 3), np.float32)
    for axis in range(3):
        front[:, axis] = np.bincount(group, weights=normals[:, axis], minlength=len(first))
    front /= np.bincount(group, minlength=len(first))[:, None]
    # Where both sides cancel any point tells them apart. Elsewhere only what looks clearly backwards
    # is split off: the steps of the voxels tilt normals, and to split one side would fold the surface.
    cancel = np.linalg.norm(front, axis=1) < 0.5
    front[cancel] = normals[first[cancel]]
    along = np.einsum("ij,ij->i", normals, front[group])
    return np.asarray(along < np.where(cancel, 0, -0.2)[group])


def drop_unused(contour: Contour) -> None:
    """Remove points that no face uses, in place."""
    used = np.zeros(len(contour.points), bool)
    used[contour.triangles.reshape(-1)] = True
    if used.all():
        return
    number = np.cumsum(used, dtype=np.int32) - np.int32(1)
    contour.triangles = number[contour.triangles]
    contour.points = contour.points[used]
    if contour.objects is not None:
        contour.objects = contour.objects[used]
