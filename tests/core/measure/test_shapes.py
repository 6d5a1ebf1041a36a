"""Volume, surface, axes and hull of analytic bodies, in cubes and 2:1 voxels, tilted and shifted."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import Delaunay
from scipy.spatial.distance import pdist
from skimage.measure import euler_number, label

from sxtstudio.core.errors import Cancelled
from sxtstudio.core.measure import bricks, hull
from sxtstudio.core.measure.measure import measure_objects
from sxtstudio.core.measure.shape import SHAPE
from sxtstudio.core.measure.size import SIZE
from sxtstudio.core.measure.slices import SLICES
from sxtstudio.core.progress import Progress

sys.path.append(str(Path(__file__).parent))

from analytic import Body, box, capsule, ellipsoid, torus, turned, voxels

CUBES, FLAT = (1.0, 1.0, 1.0), (2.0, 1.0, 1.0)
BODIES = {
    "ball": ellipsoid(10, 10, 10, name="ball"),
    "ellipsoid": ellipsoid(10, 13, 20),
    "capsule": capsule(10, 30),
    "torus": torus(22, 10),
    "box": box(10, 14, 20),
}
GROUPS = (SIZE, SHAPE)
# From the middle of a voxel to those of its faces.
FACES = np.concatenate([np.eye(3), -np.eye(3)]) / 2


def measured(objects: np.ndarray, voxel: tuple[float, float, float]) -> dict[str, float]:
    found = measure_objects(objects, voxel, groups=GROUPS)
    assert found.numbers.tolist() == [1]
    return {key: float(values[0]) for key, values in found.values.items()}


def check(body: Body, voxel: tuple[float, float, float], turn: int | None, surface: float) -> None:
    mine = measured(voxels(body, voxel, turn, (0.21, -0.37, 0.11)), voxel)
    assert mine["volume"] * 1e9 == pytest.approx(body.volume, rel=0.01)
    assert mine["surface_mesh"] * 1e6 == pytest.approx(body.area, rel=surface)
    axes = [mine[f"axis_{n}"] for n in (1, 2, 3)]
    assert axes == pytest.approx(body.axes, rel=0.02)
    assert (
        mine["surface_to_volume"] == pytest.approx(mine["surface_mesh"] / mine["volume"])
        and mine["euler_number"] == body.euler
    )
    if body.euler:
        assert mine["solidity"] == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("turn", [None, 1, 2], ids=["upright", "tilted", "tilted-otherwise"])
@pytest.mark.parametrize("name", BODIES)
def test_bodies_in_cubes(name: str, turn: int | None) -> None:
    if name == "box" and turn is None:
        # A box along the axes is as large as its voxels say, wherever it lies.
        whole = np.pad(np.ones((20, 28, 40), np.uint8), 2)
        mine = measured(whole, CUBES)
        assert mine["voxels"] == 20 * 28 * 40
        assert mine["surface_mesh"] * 1e6 == pytest.approx(BODIES[name].area, rel=0.03)
        assert [mine[f"axis_{n}"] for n in (1, 2, 3)] == pytest.approx(BODIES[name].axes, rel=1e-6)
        assert mine["solidity"] == 1 and mine["feret_min"] == pytest.approx(20)
        return
    check(BODIES[name], CUBES, turn, 0.02)


@pytest.mark.parametrize("turn", [None, 1], ids=["upright", "tilted"])
@pytest.mark.parametrize(
    "body",
    [
        ellipsoid(20, 20, 20, name="ball"),
        ellipsoid(20, 26, 30),
        capsule(20, 30),
        torus(32, 15),
        box(20, 24, 30),
    ],
    ids=str,
)
def test_bodies_in_2_1_voxels(body: Body, turn: int | None) -> None:
    if body.name == "box" and turn is None:
        whole = np.pad(np.ones((20, 48, 60), np.uint8), 2)
        mine = measured(whole, FLAT)
        assert mine["surface_mesh"] * 1e6 == pytest.approx(body.area, rel=0.03)
        assert [mine[f"axis_{n}"] for n in (1, 2, 3)] == pytest.approx(body.axes, rel=1e-6)
        return
    check(body, FLAT, turn, 0.03)


@pytest.mark.parametrize("radius", [3, 5, 7])
def test_the_surface_of_small_balls_does_not_shrink(radius: int) -> None:
    body = ellipsoid(radius, radius, radius)
    mine = measured(voxels(body, offset=(0.3, 0.1, -0.2)), CUBES)
    assert mine["surface_mesh"] * 1e6 == pytest.approx(body.area, rel=0.04)
    assert mine["sphericity"] == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("thickness", [1, 2, 3, 5])
def test_the_surface_of_thin_sheets_has_two_sides(thickness: int) -> None:
    sheet = np.pad(np.ones((thickness, 40, 40), np.uint8), 2)
    area = 2 * 1600 + 4 * 40 * thickness
    assert measured(sheet, CUBES)["surface_mesh"] * 1e6 == pytest.approx(area, rel=0.09)


def test_the_voxel_estimate_is_unbiased_over_orientations() -> None:
    for voxel, edge in ((CUBES, 10), (FLAT, 16)):
        body = ellipsoid(edge, 1.4 * edge, 1.8 * edge)
        found = [measured(voxels(body, voxel, turn), voxel)["surface_voxels"] for turn in range(3)]
        assert np.mean(found) * 1e6 == pytest.approx(body.area, rel=0.015)


def test_units_and_voxels_that_are_not_cubes() -> None:
    """The same voxels, ten times as large: everything follows; without a size it is in voxels."""
    objects = voxels(BODIES["ellipsoid"], turn=1)
    small, large = measured(objects, CUBES), measured(objects, (10.0, 10.0, 10.0))
    powers = {"volume": 3, "surface_mesh": 2, "surface_voxels": 2, "feret_max": 1, "axis_1": 1}
    powers |= {"surface_to_volume": -1, "sphericity": 0, "solidity": 0, "angle_to_beam": 0}
    for key, power in powers.items():
        assert large[key] == pytest.approx(small[key] * 10.0**power), key
    unknown = measure_objects(objects, None, groups=GROUPS)
    assert unknown.values["volume"][0] == np.count_nonzero(objects)
    assert {column.key: column.name(calibrated=False) for column in unknown.columns}["volume"] == (
        "volume_voxels"
    )


def test_ferets_are_those_of_the_middles_of_voxel_faces() -> None:
    for voxel in (CUBES, FLAT):
        objects = voxels(BODIES["ellipsoid"], voxel, turn=2)
        mine = measured(objects, voxel)
        rim = np.argwhere(objects)
        outer = (rim[:, None] + FACES).reshape(-1, 3) * voxel
        keep = np.linalg.norm(outer - outer.mean(axis=0), axis=1) > 17  # of a body 40 long
        assert mine["feret_max"] == pytest.approx(pdist(outer[keep]).max())
        assert mine["feret_min"] == pytest.approx(20, rel=0.06)
        assert mine["feret_max"] > mine["feret_mean"] > mine["feret_min"]


@pytest.mark.parametrize("turn", [3, 4])
def test_orientation_to_the_beam(turn: int) -> None:
    for voxel in (CUBES, FLAT):
        mine = measured(voxels(BODIES["capsule"], voxel, turn), voxel)
        axis = turned(turn)[:, 2]
        assert mine["angle_to_beam"] == pytest.approx(np.degrees(np.arccos(abs(axis[0]))), abs=1)


def test_solidity_is_less_where_a_body_is_indented() -> None:
    corner = np.zeros((20, 40, 40), np.uint8)
    corner[2:-2, 2:38, 2:12] = corner[2:-2, 2:12, 2:38] = 1
    # Half of the missing square of 26 × 26 belongs to the hull of the corner; its diagonal does, too.
    assert measured(corner, CUBES)["solidity"] == pytest.approx(
        corner.sum() / (corner.sum() + 16 * (26 * 25 / 2)), rel=1e-9
    )
    # The hull of a ring is a disc with round edges (Steiner's formula).
    around = np.pi * 22**2 * 20 + np.pi**2 * 22 * 10**2 + 4 / 3 * np.pi * 10**3
    ring = measured(voxels(BODIES["torus"], turn=1), CUBES)
    assert ring["solidity"] == pytest.approx(BODIES["torus"].volume / around, abs=0.01)


@pytest.mark.parametrize("at_once", [250_000, 300])
def test_voxels_in_the_hull_are_those_of_another_program(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hull, "_AT_ONCE", at_once)
    random = np.random.default_rng(4)
    for number in range(12):
        points = np.rint(random.normal(size=(4 + 8 * number, 3)) * (4, 9, 6)).astype(np.int64)
        places = np.argwhere(np.ones(np.ptp(points, axis=0) + 1)) + points.min(axis=0)
        inside = Delaunay(points).find_simplex(places)
        found = hull.measure_hull(points, CUBES)
        assert found.voxels == np.count_nonzero(inside >= 0)
        assert found.feret_max == pytest.approx(pdist((points[:, None] + FACES).reshape(-1, 3)).max())


def test_euler_numbers_are_those_of_another_program() -> None:
    random = np.random.default_rng(3)
    noise = np.pad(random.random((12, 13, 14)) < 0.2, 1)
    assert measured(noise.astype(np.uint8), CUBES)["euler_number"] == euler_number(noise, connectivity=3)
    shell = voxels(BODIES["ball"]).astype(bool)
    shell[10:14, 10:14, 10:14] = False
    assert measured(shell.astype(np.uint8), CUBES)["euler_number"] == 2


def test_what_the_missing_wedge_takes() -> None:
    ball = voxels(ellipsoid(16, 16, 16))
    mine = measured(ball, CUBES)
    assert mine["wedge_share"] == pytest.approx(1 - np.cos(np.radians(30)), abs=0.02)
    assert mine["cut_by_wedge"] == 0 and mine["end_share"] < 0.3
    filled = np.flatnonzero(ball.any(axis=(1, 2)))
    ball[: filled[0] + 10] = 0
    assert measured(ball, CUBES)["cut_by_wedge"] == 1
    # Cut by the border of the volume, which has a column of its own.
    cut = measured(ball[filled[0] + 10 :], CUBES)
    assert (cut["cut_by_wedge"], cut["touches_border"]) == (0, 1)


@pytest.mark.parametrize("voxel", [CUBES, FLAT, (4.0, 1.0, 1.0)], ids=["cubes", "2:1", "4:1"])
@pytest.mark.parametrize("body", [capsule(8, 24), torus(20, 8), ellipsoid(8, 16, 20)], ids=str)
def test_what_lies_flat_is_cut_only_where_slices_are_missing(
    body: Body, voxel: tuple[float, float, float]
) -> None:
    """Round bodies of few slices: whole wherever they lie between slices, then without their upper third."""
    for offset in (0.2, 0.5, 0.8):
        whole = voxels(body, voxel, offset=(offset, 0.3, -0.2))
        filled = np.flatnonzero(whole.any(axis=(1, 2)))
        assert measured(whole, voxel)["cut_by_wedge"] == 0, (offset, len(filled))
        whole[filled[-1] - len(filled) // 3 :] = 0
        assert measured(whole, voxel)["cut_by_wedge"] == 1, (offset, len(filled))


def test_what_stands_upright_is_cut_only_where_its_end_is_missing() -> None:
    column = np.moveaxis(voxels(capsule(3, 40)), 2, 0)
    assert measured(column, CUBES)["end_share"] >= 0.5 and measured(column, CUBES)["cut_by_wedge"] == 0
    filled = np.flatnonzero(column.any(axis=(1, 2)))
    column[filled[-1] - 3 :] = 0
    assert measured(column, CUBES)["cut_by_wedge"] == 1


def test_large_objects_are_cut_into_bricks_without_a_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    objects = voxels(BODIES["box"], turn=2).astype(np.uint32) * 5
    objects[2:8, 3:9, 3:9] = 9
    groups = (*GROUPS, SLICES)
    whole = measure_objects(objects, FLAT, groups=groups)
    monkeypatch.setattr(bricks, "_LARGEST_BOX", 100)
    monkeypatch.setattr(bricks, "_OWNED", (7, 16, 11))
    parts = measure_objects(objects, FLAT, groups=groups)
    for column in whole.columns:
        assert parts.values[column.key] == pytest.approx(whole.values[column.key], rel=1e-5), column.key


def test_touching_objects_and_sparse_numbers_are_measured_apart() -> None:
    """Each as it is alone, whatever lies beside it, and whatever its number is."""
    ball = voxels(BODIES["ball"]).astype(bool)
    both = np.zeros((ball.shape[0], ball.shape[1], 2 * ball.shape[2]), np.uint32)
    both[:, :, : ball.shape[2]][ball] = 2**31
    both[:, :, 20 : 20 + ball.shape[2]][ball] = 17
    alone = measured((both == 17).astype(np.uint8), CUBES)
    found = measure_objects(both, CUBES, groups=GROUPS)
    assert found.numbers.tolist() == [17, 2**31]
    assert {key: float(values[0]) for key, values in found.values.items()} == pytest.approx(alone)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 5), (1, 6, 7), (3, 1, 1)])
def test_single_voxels_lines_and_sheets_have_finite_values(shape: tuple[int, int, int]) -> None:
    mine = measured(np.pad(np.ones(shape, np.uint8), 1), FLAT)
    assert all(np.isfinite(value) for value in mine.values())
    assert mine["solidity"] == 1
    tilted = np.zeros((9, 9, 9), np.uint8)
    tilted[np.arange(9), np.arange(9)] = 1  # a plane across the axes
    assert measured(tilted, CUBES)["solidity"] == 1


def test_many_specks_are_many_rows() -> None:
    random = np.random.default_rng(0)
    specks = label(random.random((40, 60, 60)) < 0.02, connectivity=3).astype(np.uint32)
    found = measure_objects(specks, CUBES, groups=(*GROUPS, SLICES))
    assert len(found.numbers) == specks.max() > 1000
    assert all(np.isfinite(values).all() for key, values in found.values.items() if "_sd" not in key)


def test_a_cancelled_job_stops() -> None:
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        measure_objects(voxels(BODIES["ball"]), CUBES, progress=progress)
