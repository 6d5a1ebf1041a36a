"""Contact sites as a mesh: the squares of voxels that face another object, smoothed like the objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sxtstudio.core.measure.contacts import ContactSite, patch_mesh
from sxtstudio.core.volume import VoxelSize
from sxtstudio.surface.mesh import polydata
from sxtstudio.surface.scene import shaded
from sxtstudio.surface.smooth import smooth

_ITERATIONS = 20


def patch_surface(sites: Sequence[ContactSite], voxel_nm: VoxelSize | None) -> Any:
    """Return contact sites as one mesh with normals, in nm (voxels where their size is unknown).

    None where there are no sites. Squares share the corners at which they meet.
    """
    corners, squares = patch_mesh(sites)
    if not len(squares):
        return None
    # Corners lie at half voxels: as whole numbers they are told apart without a tolerance.
    places, index = np.unique(np.round(2 * corners).astype(np.int64), axis=0, return_inverse=True)
    meeting = index.reshape(-1)[squares]
    triangles = np.concatenate([meeting[:, [0, 1, 2]], meeting[:, [0, 2, 3]]]).astype(np.int32)
    points = np.ascontiguousarray(places[:, ::-1] / 2.0, np.float32)
    smooth(points, triangles, _ITERATIONS)
    points *= np.array((1.0, 1.0, 1.0) if voxel_nm is None else voxel_nm[::-1], np.float32)
    return shaded(polydata(points, triangles))
