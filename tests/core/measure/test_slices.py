"""Objects in each of their slices, against formulas and another program."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import perimeter_crofton, regionprops

from sxtstudio.core.measure.measure import GROUPS, ONE_SLICE, measure_objects
from sxtstudio.core.measure.slices import SLICE_COLUMNS, SLICES, measure_slices


@pytest.fixture(scope="module")
def objects() -> np.ndarray:
    """A ball (5), a leaning ellipse of one area (9) with a gap in z, and a single voxel (2)."""
    z, y, x = np.mgrid[:30, :60, :80]
    found = np.zeros(z.shape, np.uint16)
    found[(z - 14.2) ** 2 + (y - 20.4) ** 2 + (x - 20.1) ** 2 <= 100] = 5
    u, v = (y - 35) * 0.8 + (x - 55) * 0.6, (x - 55) * 0.8 - (y - 35) * 0.6
    found[(u**2 / 15**2 + v**2 / 10**2 <= 1) & (z >= 4) & (z < 20) & (z != 9)] = 9
    found[0, 0, 0] = 2
    return found


def test_slices_against_another_program(objects: np.ndarray) -> None:
    found = measure_slices(objects, (20.0, 10.0, 10.0))
    rows = list(zip(found.numbers.tolist(), found.slices.tolist(), strict=True))
    there = [(n, z) for n in (2, 5, 9) for z in range(30) if (objects[z] == n).any()]
    assert rows == there and found.calibrated
    for row, (number, z) in enumerate(rows):
        mask = objects[z] == number
        theirs = regionprops(mask.astype(np.uint8))[0]
        mine = {key: float(values[row]) for key, values in found.values.items()}
        assert mine["area"] == theirs.area * 100
        assert mine["perimeter"] == pytest.approx(10 * perimeter_crofton(np.pad(mask, 1), directions=4))
        if theirs.area > 20:
            # They leave out the pixel's own moment.
            assert mine["axis_1"] ** 2 == pytest.approx(100 * (theirs.axis_major_length**2 + 16 / 12))
            assert mine["axis_2"] ** 2 == pytest.approx(100 * (theirs.axis_minor_length**2 + 16 / 12))
            assert mine["eccentricity"] == pytest.approx(theirs.eccentricity, abs=0.02)


def test_an_ellipse_has_its_axes_and_outline_also_in_pixels_of_2_1(objects: np.ndarray) -> None:
    found = measure_slices(objects, None, only=[9])
    assert not found.calibrated
    assert found.values["axis_1"] == pytest.approx(np.full(15, 30), rel=0.02)
    assert found.values["axis_2"] == pytest.approx(np.full(15, 20), rel=0.02)
    around = np.pi * (3 * 25 - np.sqrt((3 * 15 + 10) * (15 + 3 * 10)))  # Ramanujan
    assert found.values["perimeter"] == pytest.approx(np.full(15, around), rel=0.02)
    flat = measure_slices(objects[:, ::2], (1.0, 2.0, 1.0), only=[9])
    assert flat.values["perimeter"] == pytest.approx(np.full(15, around), rel=0.03)
    assert flat.values["axis_1"] == pytest.approx(np.full(15, 30), rel=0.03)


def test_mean_and_sd_over_the_slices_of_an_object(objects: np.ndarray) -> None:
    each = measure_slices(objects, (20.0, 10.0, 10.0))
    whole = measure_objects(objects, (20.0, 10.0, 10.0), groups=(SLICES,))
    assert whole.numbers.tolist() == [2, 5, 9]
    for column in SLICE_COLUMNS:
        for row, number in enumerate(whole.numbers):
            values = each.values[column.key][each.numbers == number]
            assert whole.values[f"slice_{column.key}_mean"][row] == pytest.approx(values.mean())
            if number == 2:
                assert np.isnan(whole.values[f"slice_{column.key}_sd"][row])
            else:
                sd = whole.values[f"slice_{column.key}_sd"][row]
                assert sd == pytest.approx(values.std(ddof=1), abs=1e-9)


def test_nothing_has_no_slices() -> None:
    found = measure_slices(np.zeros((3, 4, 5), np.uint8), None)
    assert len(found.numbers) == 0 and all(len(values) == 0 for values in found.values.values())


def test_one_slice_has_no_third_dimension() -> None:
    y, x = np.mgrid[:60, :60]
    disc = ((y - 29.5) ** 2 + (x - 29.5) ** 2 <= 25**2).astype(np.uint8)
    found = measure_objects(disc[None], (10.0, 10.0, 10.0))
    assert found.notes == (ONE_SLICE,)
    keys = {column.key for column in found.columns}
    assert keys == {column.key for group in GROUPS if not group.needs_image for column in group.columns}
    solid = ("volume", "equivalent_diameter", "axis_1", "axis_3", "surface_mesh", "sphericity")
    solid += ("feret_min", "euler_number", "cut_by_wedge", "skeleton_length", "width_mean", "angle_to_beam")
    assert all(np.isnan(found.values[key]).all() for key in solid)
    assert found.values["slice_area_mean"] == pytest.approx(np.pi * 250**2, rel=0.01)
    assert found.values["slice_axis_1_mean"] == pytest.approx(500, rel=0.01)
    assert found.values["slice_perimeter_mean"] == pytest.approx(np.pi * 500, rel=0.02)
    assert found.values["voxels"][0] == disc.sum() and found.values["solidity"][0] > 0.98
    deeper = measure_objects(np.stack([disc, 0 * disc]), (10.0, 10.0, 10.0))
    assert deeper.notes == () and np.isfinite(deeper.values["volume"]).all(), "a tomogram has a depth"
    assert measure_objects(disc[None], None, groups=(SLICES,)).notes == (), "nothing was left empty"
