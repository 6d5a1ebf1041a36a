"""Grey values of objects: inside, at the rim and around, against what was painted."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.measure import grey
from sxtstudio.core.measure.grey import measure_grey, shell_of
from sxtstudio.core.measure.inventory import take_inventory
from sxtstudio.core.measure.subject import Subject
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import ArrayVolume, VoxelSize

VOXELS = pytest.mark.parametrize(
    "voxel", [(10.0, 10.0, 10.0), (20.0, 10.0, 10.0)], ids=["isotropic", "2:1 voxels"]
)


def radii(shape: tuple[int, ...], centre: tuple[float, ...], voxel: VoxelSize) -> NDArray[np.float64]:
    """Distances (nm) of the voxels from a centre (nm)."""
    axes = [np.arange(n) * edge - c for n, edge, c in zip(shape, voxel, centre, strict=True)]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    return np.sqrt(z * z + y * y + x * x)


def ball(voxel: VoxelSize) -> tuple[NDArray[np.uint32], NDArray[np.float64]]:
    """A ball of radius 150 nm as object 7, and the distances of all voxels from its surface (nm)."""
    shape = (round(500 / voxel[0]), 50, 50)
    r = radii(shape, (250, 250, 250), voxel)
    return np.where(r <= 150, np.uint32(7), np.uint32(0)), r - 150


def measured(
    objects: NDArray[np.uint32], image: NDArray[np.generic], voxel: VoxelSize, shell: float | None = None
) -> dict[str, NDArray[np.generic]]:
    subject = Subject(objects, voxel, True, take_inventory(objects, Progress()), ArrayVolume(image))
    values = measure_grey(subject, shell)
    assert list(values) == [column.key for column in grey.COLUMNS]
    return values


@VOXELS
def test_three_shells_of_three_greys(voxel: VoxelSize) -> None:
    """A core of 3, a rim of 50 nm of 8, and 5 outside; what lies further out is not looked at."""
    objects, outside = ball(voxel)
    image = np.full(objects.shape, 5.0, np.float32)
    image[objects == 7] = 8
    image[outside <= -62] = 3
    image[outside > 62] = np.inf
    values = measured(objects, image, voxel, shell=50)
    inside = np.count_nonzero(outside <= -62)
    assert values["grey_around_mean"] == 5 and values["grey_around_sd"] == 0
    assert values["grey_inside_p50"] == 3 and values["grey_inside_p5"] == 3
    assert values["grey_rim_p50"] == 8 and values["grey_rim_p95"] == 8
    # The ball as a whole: its volume and its moments are those of what was painted.
    whole = image[objects == 7].astype(float)
    assert values["grey_mean"] == pytest.approx(whole.mean(), rel=1e-12)
    assert values["grey_sd"] == pytest.approx(whole.std(), rel=1e-12)
    assert inside / len(whole) == pytest.approx((88 / 150) ** 3, rel=0.05)


@VOXELS
def test_shells_are_as_thick_as_asked(voxel: VoxelSize) -> None:
    """With the distance from the surface as grey value, a shell's values end at its thickness."""
    objects, outside = ball(voxel)
    values = measured(objects, outside, voxel, shell=60)
    tolerance = 0.75 * max(voxel)
    r = np.linspace(0, 60, 6001)
    for region, radius, sign in (("rim", 150 - r, -1), ("around", 150 + r, 1)):
        mean = sign * (r * radius**2).sum() / (radius**2).sum()
        assert values[f"grey_{region}_mean"] == pytest.approx(mean, abs=tolerance)
    assert values["grey_inside_p95"] == pytest.approx(-60, abs=12)
    assert values["grey_inside_p95"] < -60 + tolerance


@VOXELS
def test_gradients_of_a_ramp_are_its_steepness(voxel: VoxelSize) -> None:
    objects, outside = ball(voxel)
    z, y, x = (np.arange(n) * edge for n, edge in zip(objects.shape, voxel, strict=True))
    ramp = 0.3 * z[:, None, None] + 0.4 * y[:, None] + 1.2 * x
    values = measured(objects, ramp.astype(np.float32), voxel)
    assert values["grey_gradient_inside"] == pytest.approx(1.3, rel=1e-4)
    assert values["grey_gradient_rim"] == pytest.approx(1.3, rel=1e-4)
    # A ramp goes up on one side and down on the other: across the border it is nothing.
    assert values["grey_slope"] == pytest.approx(0, abs=0.02)
    values = measured(objects, (100 - 0.02 * outside).astype(np.float32), voxel)
    assert values["grey_slope"] == pytest.approx(-0.02, rel=0.05)


def test_neighbours_are_not_surroundings() -> None:
    objects = np.zeros((20, 20, 40), np.uint32)
    objects[5:15, 5:15, 5:15] = 1
    objects[5:15, 5:15, 16:26] = 9
    image = np.where(objects == 9, 1000, 10).astype(np.uint16)
    image[objects == 1] = 20
    values = measured(objects, image, (10, 10, 10), shell=30)
    assert list(values["grey_around_p95"]) == [10, 10]
    assert list(values["grey_mean"]) == [20, 1000]


def test_missing_voxels_are_left_out_and_the_polarity_stays() -> None:
    objects = np.zeros((16, 16, 16), np.uint32)
    objects[4:12, 4:12, 4:12] = 3
    image = np.where(objects > 0, -2.0, 7.0).astype(np.float32)
    image[4, 4, 4], image[8, 8, 8], image[3, 4, 4] = np.nan, -np.inf, np.nan
    values = measured(objects, image, (10, 10, 10), shell=20)
    assert values["grey_mean"] == -2 and values["grey_around_mean"] == 7
    assert values["grey_slope"] > 0
    assert np.isfinite([values[c.key][0] for c in grey.COLUMNS]).all()
    image[:] = np.nan
    values = measured(objects, image, (10, 10, 10), shell=20)
    assert np.isnan([values[c.key][0] for c in grey.COLUMNS]).all()


def test_what_is_thinner_than_the_rim_has_no_inside() -> None:
    objects = np.zeros((9, 9, 9), np.uint32)
    objects[4, 4, 4] = 1
    values = measured(objects, np.ones((9, 9, 9), np.uint8), (10, 10, 10))
    assert np.isnan(values["grey_inside_mean"]) and values["grey_rim_mean"] == 1


def test_border_of_the_volume_is_no_border_of_an_object() -> None:
    """Half a ball that is cut by the volume: no rim along the cut."""
    objects, outside = ball((10, 10, 10))
    half = measured(objects[25:], outside[25:].astype(np.float32), (10, 10, 10), shell=30)
    whole = measured(objects, outside.astype(np.float32), (10, 10, 10), shell=30)
    assert half["grey_rim_mean"] == pytest.approx(whole["grey_rim_mean"], abs=0.2)


@pytest.mark.parametrize("voxels", [1, 2500, 20_000])
def test_slabs_make_no_difference(monkeypatch: pytest.MonkeyPatch, voxels: int) -> None:
    rng = np.random.default_rng(5)
    objects, _ = ball((10, 10, 10))
    objects[4:9, 30:44, 6:18] = 8
    image = rng.normal(100, 5, objects.shape).astype(np.float32)
    expected = measured(objects, image, (10, 10, 10))
    monkeypatch.setattr(grey, "_SLAB_VOXELS", voxels)
    values = measured(objects, image, (10, 10, 10))
    for key, there in expected.items():
        np.testing.assert_allclose(values[key], there, rtol=1e-6, err_msg=key)


def test_percentiles_of_a_large_object_are_of_a_share(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    objects, _ = ball((10, 10, 10))
    image = rng.normal(100, 5, objects.shape).astype(np.float32)
    expected = measured(objects, image, (10, 10, 10), shell=20)
    monkeypatch.setattr(grey, "_MOST_VALUES", 4000)
    values = measured(objects, image, (10, 10, 10), shell=20)
    assert values["grey_inside_mean"] == expected["grey_inside_mean"]
    assert values["grey_inside_p95"] == pytest.approx(expected["grey_inside_p95"], rel=0.01)
    assert values["grey_inside_p95"] != expected["grey_inside_p95"]


def test_shells_have_two_voxels_at_least() -> None:
    objects = np.ones((2, 2, 2), np.uint32)
    found = take_inventory(objects, Progress())
    assert shell_of(Subject(objects, (10, 10, 10), True, found)) == 50
    assert shell_of(Subject(objects, (90, 30, 30), True, found)) == 180
    assert shell_of(Subject(objects, (1, 1, 1), False, found)) == 5


@pytest.mark.parametrize("factor", [2.0**-200, 2.0**120, 2.0**300], ids=["tiny", "large", "huge"])
def test_figures_are_those_of_the_same_grey_values_in_another_unit(factor: float) -> None:
    """All are linear in the grey values, however small or large these are."""
    objects, outside = ball((10.0, 10.0, 10.0))
    image = 100 + outside.clip(-80, 80) / 4
    usual = measured(objects, image, (10.0, 10.0, 10.0))
    scaled = measured(objects, image * factor, (10.0, 10.0, 10.0))
    for key, values in usual.items():
        assert scaled[key] / factor == pytest.approx(values, rel=1e-5), key


def test_what_cannot_be_squared_is_refused_in_a_sentence() -> None:
    objects, outside = ball((10.0, 10.0, 10.0))
    with pytest.raises(UserError, match="grey values beyond 1e\\+100"):
        measured(objects, (100 + outside) * 1e300, (10.0, 10.0, 10.0))
