import numpy as np
import pytest

from sxtstudio.surface import SurfaceParameters, extract_surface
from sxtstudio.surface.coarse import coarser
from sxtstudio.surface.picking import labelled_voxel, voxel_index


def two_balls():
    labels = np.zeros((40, 50, 60), np.uint8)
    grid = np.indices(labels.shape)
    for middle, radius in (((20, 20, 18), 14), ((20, 35, 46), 9)):
        distance = sum((g - m) ** 2 for g, m in zip(grid, middle, strict=True))
        labels[distance <= radius**2] = 255
    return labels


def test_every_point_of_a_surface_leads_to_a_voxel_of_its_object():
    labels, voxel = two_balls(), (20.0, 10.0, 5.0)
    surface = extract_surface(labels, voxel, SurfaceParameters(objects=True, min_faces=0))
    for number, limit in ((1, 33), (2, 33)):
        points = surface.points[surface.objects == number]
        for point in points[:: len(points) // 40]:
            z, y, x = labelled_voxel(labels, tuple(map(float, point)), voxel)
            assert labels[z, y, x] == 255
            assert (x < limit) == (number == 1)
            away = (np.array([z, y, x]) * voxel - point[::-1]) / voxel
            assert np.abs(away).max() <= 1.5


def test_far_from_all_labels_there_is_none_and_places_stay_inside():
    labels = np.zeros((30, 100, 100), np.uint8)
    labels[2, 2, 2] = 1
    assert labelled_voxel(labels, (90.0, 90.0, 20.0), None) is None
    assert labelled_voxel(labels, (4.0, 5.0, 6.0), None) == (2, 2, 2)
    assert voxel_index((-30.0, 4.6, 1e9), (1.0, 1.0, 1.0), (30, 100, 100)) == (29, 5, 0)
    assert voxel_index((30.0, 44.0, 46.0), (20.0, 10.0, 10.0), (30, 100, 100)) == (2, 4, 3)


@pytest.mark.parametrize("objects", [False, True], ids=["one", "objects"])
def test_lighter_surface_keeps_volume_place_and_colours(objects):
    voxel = (20.0, 10.0, 10.0)
    surface = extract_surface(two_balls(), voxel, SurfaceParameters(objects=objects, min_faces=0))
    assert coarser(surface, surface.face_count, voxel) is None
    light = coarser(surface, 2000, voxel)
    assert light.n_cells <= 2000
    assert light.volume == pytest.approx(surface.volume(), rel=0.06)
    assert np.array(light.bounds) == pytest.approx(np.array(surface.mesh.bounds), abs=25)
    assert ("RGB" in light.point_data) == objects
    if objects:
        for number in (1, 2):
            wanted = surface.colours[surface.objects == number][0]
            assert (light.point_data["RGB"][light.point_data["object"] == number] == wanted).all()
