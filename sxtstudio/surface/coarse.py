"""A lighter copy of a surface, for drawing while it moves."""

from __future__ import annotations

import numpy as np
import pyvista as pv

from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import VoxelSize
from sxtstudio.surface.contour import Contour
from sxtstudio.surface.mesh import Surface, polydata
from sxtstudio.surface.simplify import simplify


def coarser(
    surface: Surface, max_faces: int, voxel_nm: VoxelSize | None = None, progress: Progress | None = None
) -> pv.PolyData | None:
    """Return a mesh of at most ``max_faces`` faces with the same objects and colours, or None.

    None means that nothing is gained: the surface is small already, or no shape would be left.
    """
    if surface.face_count <= max_faces:
        return None
    scale = np.array((1.0, 1.0, 1.0) if voxel_nm is None else voxel_nm[::-1], np.float32)
    objects = surface.objects
    lighter = Contour(
        surface.points / scale, surface.triangles, None if objects is None else objects - np.int32(1)
    )
    simplify(lighter, max_faces, progress)
    if not len(lighter.triangles):
        return None
    mesh = polydata((lighter.points * scale).astype(np.float32), lighter.triangles.astype(np.int32))
    colours = surface.colours
    if objects is not None and colours is not None and lighter.objects is not None:
        palette = np.zeros((int(objects.max()), 3), np.uint8)
        palette[objects - 1] = colours
        mesh.point_data["object"] = lighter.objects + np.int32(1)
        mesh.point_data["RGB"] = palette[lighter.objects]
    return mesh
