"""Contact sites as a mesh: on the voxels they belong to, right in nm, facing outwards."""

from __future__ import annotations

import numpy as np
import pytest
from vtkmodules.util.numpy_support import vtk_to_numpy

from sxtstudio.core.measure.contacts import ContactRule, contacts_in
from sxtstudio.surface.patches import patch_surface


@pytest.mark.parametrize("voxel", [(20.0, 10.0, 10.0), None])
def test_patches_lie_on_the_objects(voxel: tuple[float, float, float] | None) -> None:
    z, y, x = np.ogrid[:24, :50, :50]
    edge = np.array(voxel or (1.0, 1.0, 1.0)) / (voxel or (1.0, 1.0, 1.0))[2]
    r = np.sqrt(((z - 11.5) * edge[0]) ** 2 + (y - 24) ** 2 + (x - 24) ** 2)
    radius = 9 * edge[0]
    objects = np.where(
        r <= radius, np.uint32(1), np.where((r > radius + 2) & (r < radius + 4), np.uint32(2), 0)
    )
    near = 4.0 * (voxel or (1.0, 1.0, 1.0))[2]
    rule = ContactRule("Vesicle", "ER", near)
    found = contacts_in(objects.astype(np.uint32), voxel, {1: "Vesicle", 2: "ER"}, rule)
    mesh = patch_surface(found.sites, voxel)
    points = vtk_to_numpy(mesh.GetPoints().GetData()).astype(float)
    normals = vtk_to_numpy(mesh.GetPointData().GetNormals())
    scale = np.array(voxel or (1.0, 1.0, 1.0))[::-1]
    out = points - np.array([24, 24, 11.5]) * scale
    distance = np.linalg.norm(out, axis=1)
    expected = radius * scale[0]
    assert distance.mean() == pytest.approx(expected, rel=0.04)
    assert np.percentile(np.abs(distance - expected), 95) < scale[2]
    facing = np.einsum("ij,ij->i", normals, out / distance[:, None])
    assert np.percentile(facing, 5) > 0.8


def test_without_sites_there_is_no_mesh() -> None:
    assert patch_surface([], None) is None
