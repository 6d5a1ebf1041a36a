"""Fewer faces: points that lie in one small cube become one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.progress import Progress
from sxtstudio.surface.contour import Contour
from sxtstudio.surface.mesh import Points, Triangles


def simplify(contour: Contour, max_faces: int, progress: Progress | None = None) -> float:
    """Reduce a mesh, in place, to at most ``max_faces`` faces; return the edge of the cubes in voxels.

    Points of one object in one cube become their mean (vertex clustering, Rossignac & Borrel 1993).
    It takes seconds where quadric edge collapse takes minutes and gigabytes, and a closed mesh
    stays closed. The two sides of a thin membrane are kept apart by the direction of their normals.
    """
    progress = progress or Progress()
    progress.begin(1, "simplifying")
    edge = 0.0
    while len(contour.triangles) > max_faces:
        # The number of faces falls with the square of the edge; the margins save most further rounds.
        excess = float(np.sqrt(len(contour.triangles) / max_faces))
        edge = 1.04 * edge * excess if edge else max(1.25, 1.1 * excess)
        _cluster(contour, edge)
        progress.check()
    progress.step()
    return edge


def _cluster(contour: Contour, edge: float) -> None:
    points, triangles = contour.points, contour.triangles
    # The odd offset keeps points, which lie at halves, away from the walls of the cubes.
    cube = np.floor((points - (points.min(axis=0) - 0.27)) / edge).astype(np.int64)
    size = cube.max(axis=0) + 1
    key = (cube[:, 2] * size[1] + cube[:, 1]) * size[0] + cube[:, 0]
    del cube
    key = 2 * key + _side(points, triangles)
    if contour.objects is not None:
        key += contour.objects.astype(np.int64) * (2 * int(size.prod()))
    _, kept, group, members = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    del key
    merged = np.empty((len(kept), 3), np.float32)
    for axis in range(3):
        merged[:, axis] = np.bincount(group, weights=points[:, axis]) / members
    faces = group.astype(np.int32)[triangles]
    a, b, c = faces.T
    contour.triangles = faces[(a != b) & (b != c) & (c != a)]
    contour.points = merged
    if contour.objects is not None:
        contour.objects = contour.objects[kept]
    drop_unused(contour)


def _side(points: Points, triangles: Triangles) -> NDArray[np.int64]:
    """0 or 1 by the direction of a point's normal, opposite for the two sides of a sheet."""
    height = points @ np.array([0.36, 0.48, 0.80], np.float32)
    across = points @ np.array([0.80, -0.60, 0.0], np.float32)
    along = points @ np.array([-0.48, -0.64, 0.60], np.float32)
    del height
    # Component of the face normals along the first direction: the signed area seen from there.
    a, b, c = triangles.T
    area = (across[b] - across[a]) * (along[c] - along[a]) - (across[c] - across[a]) * (along[b] - along[a])
    total = sum(np.bincount(corner, weights=area, minlength=len(points)) for corner in (a, b, c))
    return (np.asarray(total) > 0).astype(np.int64)


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
