"""What a 3D scene holds at one moment, to be drawn by another program; no Qt, no OpenGL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import vtkmodules.vtkRenderingOpenGL2  # noqa: F401  (a camera of VTK's own cannot turn without)
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkRenderingCore import vtkCamera

from sxtstudio.app.view3d.camera import Camera3D
from sxtstudio.app.view3d.state import SceneState
from sxtstudio.core.geometry import Triple
from sxtstudio.core.volume import VoxelSize
from sxtstudio.surface.mesh import polydata

Corners = tuple[NDArray[np.float64], NDArray[np.float64]]


class ScenePart(Enum):
    """The meshes of a scene."""

    SURFACE = "surface"
    MASK = "mask"
    HIGHLIGHT = "highlight"
    BODIES = "bodies"
    CONTACTS = "contacts"
    CUT = "cut"


@dataclass(frozen=True, eq=False)
class ShownSlice:
    """A slice that is shown: perpendicular to ``axis`` of (z, y, x), uint8 (rows, columns)."""

    axis: int
    index: int
    grey: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class SceneContents:
    """Everything that a picture depends on, except its size.

    The meshes are VTK's, with normals, and are not copied: who shows others replaces them.

    Attributes
    ----------
    shape, voxel_nm
        Of the volume (z, y, x); without voxel size, lengths are in voxels.
    meshes, planes
        What is shown, if the state says so.
    state, dark
        How it is shown, and whether the window is dark.
    camera
        From where, as ``Camera3D.state`` says it.
    """

    shape: Triple
    voxel_nm: VoxelSize | None
    meshes: Mapping[ScenePart, Any]
    planes: tuple[ShownSlice, ...]
    state: SceneState
    dark: bool
    camera: dict[str, Any]

    def camera_copy(self) -> Camera3D:
        """Return a camera of its own that looks from the same place; it may be used in any thread."""
        camera = Camera3D(vtkCamera())
        camera.set_perspective(self.state.perspective)
        camera.restore(self.camera)
        return camera


def corners_of(shape: Triple, voxel_nm: VoxelSize | None) -> Corners:
    """Return the lower and upper corner (x, y, z) of a volume (z, y, x); the centre of voxel 0 lies at 0."""
    size = np.array(voxel_nm or (1.0, 1.0, 1.0))[::-1]
    return -0.5 * size, (np.array(shape[::-1]) - 0.5) * size


def clip_corners(state: SceneState, lower: NDArray[np.float64], upper: NDArray[np.float64]) -> Corners:
    """Return the lower and upper corner (x, y, z) of the clipping box in a volume of these corners."""
    shares = np.array([state.clip_x, state.clip_y, state.clip_z])
    return lower + shares[:, 0] * (upper - lower), lower + shares[:, 1] * (upper - lower)


def all_corners(lower: NDArray[np.float64], upper: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the eight corners of a box, (8, 3)."""
    return np.array(np.meshgrid(*zip(lower, upper, strict=True))).reshape(3, -1).T


def write_mesh(mesh: Any, path: Path) -> None:
    """Write what is drawn of a mesh (points, normals, triangles, colours) as an .npz of plain arrays."""
    data = mesh.GetPointData()
    arrays = {
        "points": vtk_to_numpy(mesh.GetPoints().GetData()),
        "triangles": vtk_to_numpy(mesh.GetPolys().GetConnectivityArray())
        .astype(np.int32, copy=False)
        .reshape(-1, 3),
        "normals": vtk_to_numpy(data.GetNormals()),
    }
    if data.GetScalars() is not None:
        arrays["colours"] = vtk_to_numpy(data.GetScalars())
    np.savez(path, **arrays)


def read_mesh(path: Path) -> Any:
    """Return the mesh that ``write_mesh`` has written, ready to be drawn."""
    with np.load(path, allow_pickle=False) as arrays:
        mesh = polydata(arrays["points"], arrays["triangles"])
        mesh.GetPointData().SetNormals(numpy_to_vtk(arrays["normals"]))
        if "colours" in arrays:
            mesh.GetPointData().SetScalars(numpy_to_vtk(arrays["colours"]))
    return mesh
