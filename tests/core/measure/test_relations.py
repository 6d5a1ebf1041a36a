"""Neighbours and places of objects: balls at known distances, and a slow search over all voxels."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.measure.faces import Surfaces
from sxtstudio.core.measure.inventory import take_inventory
from sxtstudio.core.measure.measure import measure_objects
from sxtstudio.core.measure.relations import CellParts, relations_group
from sxtstudio.core.measure.subject import Subject
from sxtstudio.core.progress import Progress

Voxel = tuple[float, float, float]
VOXELS = pytest.mark.parametrize(
    "voxel", [(10.0, 10.0, 10.0), (20.0, 10.0, 10.0)], ids=["isotropic", "2:1 voxels"]
)


def places(size_nm: float, voxel: Voxel) -> NDArray[np.float64]:
    """Centres (z, y, x, 3) of the voxels of a cube, in nm from its middle."""
    axes = [(np.arange(n := round(size_nm / edge)) - (n - 1) / 2) * edge for edge in voxel]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def ball(grid: NDArray[np.float64], centre: tuple[float, float, float], radius: float) -> NDArray[np.bool_]:
    return np.asarray(np.linalg.norm(grid - centre, axis=-1) <= radius)


def related(
    objects: NDArray[np.uint32],
    voxel: Voxel | None,
    classes: dict[int, str] | None = None,
    parts: CellParts | None = None,
) -> Measurements:
    return measure_objects(objects, voxel, groups=[relations_group(classes, parts)])


@VOXELS
@pytest.mark.parametrize("gap", [0, 35, 120])
@pytest.mark.parametrize("direction", [(0, 0, 1), (1, 0, 0), (1, 1, 1), (1, -2, 3)], ids=str)
def test_two_balls_at_a_known_distance(
    direction: tuple[float, float, float], gap: float, voxel: Voxel
) -> None:
    unit = np.array(direction) / np.linalg.norm(direction)
    grid = places(600, voxel)
    objects = np.zeros(grid.shape[:3], np.uint32)
    for number, side in ((4, -1), (9, 1)):
        centre = unit * side * (100 + gap / 2) + 1.3
        objects[ball(grid, tuple(centre), 100)] = number
    found = related(objects, voxel).values
    assert list(found["nearest_number"]) == [9, 4]
    assert found["nearest_distance"] == pytest.approx([gap, gap], abs=1.1 * max(voxel))


@VOXELS
def test_a_ball_above_a_plane(voxel: Voxel) -> None:
    grid = places(400, voxel)
    objects = np.zeros(grid.shape[:3], np.uint32)
    objects[grid[..., 0] < -100] = 2
    objects[ball(grid, (60, 3, -4), 100)] = 1
    found = related(objects, voxel).values
    # Between the faces of the voxels: the plane's lies half a voxel beyond the centres of its last ones.
    assert found["nearest_distance"] == pytest.approx([60, 60], abs=0.75 * voxel[0])


@pytest.mark.parametrize("few", [2000, 3], ids=["all at once", "near ones first"])
def test_the_search_finds_what_all_pairs_say(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clumps of any size, touching ones among them, and classes; without a voxel size."""
    monkeypatch.setattr("sxtstudio.core.measure.nearest._FEW", few)
    monkeypatch.setattr(Surfaces, "spacing", 1.5)
    rng = np.random.default_rng(3)
    objects = np.zeros((40, 90, 90), np.uint32)
    for number in range(1, 31):
        z, y, x = rng.integers(0, (36, 86, 86))
        size = rng.integers(1, (9, 12, 12))
        part = objects[z : z + size[0], y : y + size[1], x : x + size[2]]
        part[(part == 0) & (rng.random(part.shape) < 0.8)] = 5 * number
    objects[36:40, 5:85, 5:85] = 200  # larger than all others
    numbers = np.unique(objects)[1:]
    classes = {int(n): ("Vesicle", "Lipid droplet", "")[int(n) % 3] for n in numbers}
    faces = [_faces(objects == n) for n in numbers]
    apart = np.array([[cdist(a, b).min() if len(a) and len(b) else np.inf for b in faces] for a in faces])
    np.fill_diagonal(apart, np.inf)
    table = related(objects, None, classes)
    for key, wanted in (("nearest", None), ("vesicle", "Vesicle"), ("lipid_droplet", "Lipid droplet")):
        of = [wanted is None or classes[int(n)] == wanted for n in numbers]
        distance = "nearest_distance" if wanted is None else f"distance_to_{key}"
        number = "nearest_number" if wanted is None else f"nearest_{key}_number"
        expected = np.where(of, apart, np.inf)
        np.testing.assert_allclose(table.values[distance], expected.min(axis=1), err_msg=key)
        picked = np.searchsorted(numbers, table.values[number])
        np.testing.assert_allclose(expected[np.arange(len(numbers)), picked], expected.min(axis=1))
    assert [c.name(calibrated=False) for c in table.columns][:2] == ["nearest_distance_px", "nearest_number"]
    assert (apart.min(axis=1) == 0).any() and (apart.min(axis=1) > 1).any()


def _faces(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Centres of the outer faces of voxels, one voxel after another."""
    found = []
    for voxel in np.argwhere(mask):
        for axis in range(3):
            for side in (-1, 1):
                beside = voxel.copy()
                beside[axis] += side
                if 0 <= beside[axis] < mask.shape[axis] and not mask[tuple(beside)]:
                    found.append((voxel + beside) / 2)
    return np.array(found).reshape(-1, 3)


@VOXELS
def test_places_between_nucleus_and_plasma_membrane(voxel: Voxel) -> None:
    """A cell of concentric balls; vesicles at 20 and at 80 % of the way, and one inside the nucleus."""
    grid = places(900, voxel)
    r = np.linalg.norm(grid, axis=-1)
    objects = np.zeros(grid.shape[:3], np.uint32)
    objects[r <= 150] = 1
    objects[(r > 400) & (r < 440)] = 2
    for number, distance in ((3, 200), (4, 350), (5, 90), (6, 270)):
        objects[ball(grid, (0, distance * 0.6, distance * 0.8), 30)] = number
    classes = {1: "Nucleus", 2: "Plasma membrane", 3: "Vesicle", 4: "Vesicle", 5: "Vesicle", 6: ""}
    found = related(objects, voxel, classes).values
    assert np.isnan(found["cell_position"][:2]).all() and list(found["cell_shell"][:2]) == [0, 0]
    assert found["cell_position"][2:] == pytest.approx([0.2, 0.8, 0.0, 0.48], abs=0.03)
    assert list(found["cell_shell"][[4, 5]]) == [1, 3]
    assert found["distance_to_nucleus"][[2, 3]] == pytest.approx([20, 170], abs=1.1 * max(voxel))
    assert found["distance_to_plasma_membrane"][[2, 3]] == pytest.approx([170, 20], abs=1.1 * max(voxel))
    assert np.isnan(found["distance_to_nucleus"][0])  # there is no other nucleus
    assert found["nearest_nucleus_number"][0] == 0
    shells = related(objects, voxel, classes, CellParts(shells=10)).values["cell_shell"]
    assert list(shells[[4, 5]]) == [1, 5]
    del classes[2]
    assert "cell_position" not in related(objects, voxel, classes).values


def test_a_single_object_has_no_neighbour() -> None:
    objects = np.zeros((5, 5, 5), np.uint32)
    objects[2, 2, 2] = 4
    found = related(objects, None, {4: "Gold"}).values
    assert np.isnan(found["nearest_distance"]).all() and list(found["nearest_number"]) == [0]
    assert np.isnan(found["distance_to_gold"]).all()


def test_what_fills_the_volume_has_no_surface() -> None:
    found = related(np.ones((3, 3, 3), np.uint32), None).values
    assert np.isnan(found["nearest_distance"]).all()


def test_the_nearest_of_several_nuclei_counts() -> None:
    objects = np.zeros((5, 5, 60), np.uint32)
    for number, x in ((1, 5), (2, 55), (3, 35), (4, 45)):
        objects[2, 2, x] = number
    classes = {1: "Nucleus", 2: "Nucleus", 3: "Plasma membrane", 4: "Gold"}
    found = related(objects, None, classes).values["cell_position"]
    assert found[3] == pytest.approx(9.5 / (9.5 + 9.5))
    classes = {1: "Nucleus", 4: "Nucleus", 2: "Plasma membrane", 3: "Gold"}
    assert related(objects, None, classes).values["cell_position"][2] == pytest.approx(0)  # it lies behind 4
    objects[2, 0, 5] = 6
    classes = {1: "Gold", 3: "Nucleus", 4: "Nucleus", 6: "Plasma membrane"}
    assert related(objects, None, classes).values["cell_position"][0] == pytest.approx(29.5 / (29.5 + 1.5))


def test_large_objects_are_read_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    objects = np.zeros((12, 8, 40), np.uint32)
    objects[2:9, 3:6, 3:8] = 1
    objects[10, 3:6, 10:14] = 2
    objects[4:6, 2:7, 30:33] = 3
    expected = related(objects, None).values
    assert list(expected["nearest_number"]) == [2, 1, 2]
    faces = Surfaces(subject_of(objects)).faces
    assert [len(own) for own in faces] == [_box_faces(7, 3, 5), _box_faces(1, 3, 4), _box_faces(2, 5, 3)]
    monkeypatch.setattr("sxtstudio.core.measure.faces._CHUNK_VOXELS", 1)
    monkeypatch.setattr("sxtstudio.core.measure.faces._KEPT_POINTS", 1)
    monkeypatch.setattr("sxtstudio.core.measure.faces._ALL_PAIRS", 0)
    for own, whole in zip(Surfaces(subject_of(objects)).faces, faces, strict=True):
        assert set(map(tuple, own.tolist())) == set(map(tuple, whole.tolist()))
    for key, values in related(objects, None).values.items():
        np.testing.assert_array_equal(values, expected[key])


def _box_faces(a: int, b: int, c: int) -> int:
    return 2 * (a * b + b * c + a * c)


def subject_of(objects: NDArray[np.uint32]) -> Subject:
    return Subject(objects, (1.0, 1.0, 1.0), False, take_inventory(objects, Progress()))


@pytest.mark.parametrize("tip", [(20, 20), (11, 23), (30, 7)])
def test_a_needle_is_found_where_hardly_any_point_is_near(tip: tuple[int, int]) -> None:
    objects = np.zeros((40, 40, 60), np.uint32)
    objects[2:38, 2:38, 4:8] = 1
    objects[tip[0], tip[1], 8:30] = 1
    objects[2:38, 2:38, 35:37] = 2
    for at_most in (5.05, 30, np.inf):
        assert Surfaces(subject_of(objects)).gap(0, 1, at_most) == 5
    assert Surfaces(subject_of(objects)).gap(0, 1, 5) == np.inf


def test_what_is_searched_first_is_not_always_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bent object whose box holds another one is farther away than a third one outside of its reach."""
    objects = np.zeros((9, 45, 45), np.uint32)
    objects[5, 40, 3:41] = objects[5, 3:41, 40] = 2
    objects[5, 10, 10], objects[5, 10, 22] = 1, 3
    monkeypatch.setattr("sxtstudio.core.measure.nearest._FEW", 1)
    monkeypatch.setattr("sxtstudio.core.measure.nearest._SMALL", 0)
    monkeypatch.setattr(Surfaces, "spacing", 5.0)
    found = related(objects, None).values
    assert list(found["nearest_number"]) == [3, 3, 1]
    assert found["nearest_distance"][[0, 2]] == pytest.approx([11, 11])
