"""LAC: the line from two materials, from a unit, and what is measured with it."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.measure.calibration import (
    ICE_LAC,
    GreyUnit,
    LacCalibration,
    Material,
    calibrated_anew,
    of_unit,
    through_materials,
)
from sxtstudio.core.measure.grey import grey_group
from sxtstudio.core.measure.measure import measure_objects
from sxtstudio.core.measure.size import SIZE
from sxtstudio.core.measure.skeleton import SKELETON
from sxtstudio.core.volume import ArrayVolume

ICE = Material("ice", 3.0, ICE_LAC)
LIPID = Material("lipid", 8.0, 0.60, "object 4, 512 voxels")


@pytest.mark.parametrize("sign", [1, -1], ids=["absorption is bright", "absorption is dark"])
@pytest.mark.parametrize("known_voxel", [True, False], ids=["nm", "voxels"])
def test_what_was_painted_in_lac_comes_back(sign: int, known_voxel: bool) -> None:
    """A ball of 0.42 1/µm in ice, as a tomogram that is scaled, shifted and perhaps turned round."""
    z, y, x = np.ogrid[:44, :44, :44]
    ball = (z - 22) ** 2 + (y - 22) ** 2 + (x - 22) ** 2 <= 15**2
    lac = np.where(ball, 0.42, ICE_LAC)
    lac[:22] += np.where(ball[:22], 0.02, 0)  # not all of it the same
    lac[ball & ((y - 22) ** 2 + (x - 22) ** 2 > 14**2)] += 0.3  # part of its rim
    image = ArrayVolume((sign * 250.0 * lac + 70).astype(np.float32))
    line = through_materials(
        Material("ice", sign * 25.0 + 70, ICE_LAC), Material("known", sign * 150.0 + 70, 0.60)
    )
    table = measure_objects(
        ball.astype(np.uint32),
        (20.0, 10.0, 10.0) if known_voxel else None,
        image=image,
        groups=[grey_group(calibration=line)],
    )
    assert table.values["lac_mean"] == pytest.approx(lac[ball].mean(), rel=1e-5)
    assert table.values["lac_sd"] == pytest.approx(lac[ball].std(), rel=1e-4)
    assert 0.42 <= table.values["lac_inside"] <= 0.44
    if known_voxel:  # 2e3 nm³ are 2e-6 µm³
        assert table.values["lac_integrated"] == pytest.approx(lac[ball].sum() * 2e-6, rel=1e-5)
    else:
        assert np.isnan(table.values["lac_integrated"]).all()
    assert table.notes[1] == line.description()
    names = {column.key: column.name(calibrated=True) for column in table.columns}
    assert (names["lac_mean"], names["lac_integrated"]) == ("lac_mean_per_um", "lac_integrated_um2")


def test_the_line_goes_through_both_materials() -> None:
    line = through_materials(ICE, LIPID)
    assert line.lac(np.array([3.0, 8.0, 13.0])) == pytest.approx([0.1, 0.6, 1.1])
    assert line.line == "LAC = 0.1 × grey − 0.2 1/µm"
    text = line.description()
    assert "ice with 0.1 1/µm at grey 3 (typed)" in text
    assert "lipid with 0.6 1/µm at grey 8 (object 4, 512 voxels)" in text


@pytest.mark.parametrize(
    ("unit", "slope"), [(GreyUnit.PER_UM, 1.0), (GreyUnit.PER_NM, 1000.0), (GreyUnit.PER_VOXEL, 125.0)]
)
def test_grey_values_that_are_absorption(unit: GreyUnit, slope: float) -> None:
    """0.001 per voxel of 8 nm is 0.125 per µm."""
    line = of_unit(unit, (8.0, 8.0, 8.0))
    assert line.lac(np.array([0.001])) == pytest.approx(0.001 * slope)
    assert unit.value in line.description()


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        (ICE, Material("lipid", 3.0, 0.6), "same grey value, 3"),
        (Material("ice", 0.0, 0.1), Material("lipid", 5e-324, 0.6), "same grey value, 0"),
        (ICE, Material("water", 8.0, ICE_LAC), "same LAC"),
        (ICE, Material("gold", 8.0, 2300.0), "gold must lie between 0 and 100"),
        (ICE, Material("lipid", 8.0, -0.6), "lipid must lie"),
        (ICE, Material("lipid", 8.0, float("nan")), "lipid must lie"),
        (Material("ice", float("nan"), ICE_LAC), LIPID, "grey value of ice is no number"),
    ],
)
def test_materials_without_a_line(first: Material, second: Material, says: str) -> None:
    with pytest.raises(UserError, match=says):
        through_materials(first, second)


@pytest.mark.parametrize(
    ("voxel", "says"), [(None, "needs the voxel size"), ((20.0, 10.0, 10.0), "three equal edges")]
)
def test_absorption_per_voxel_needs_cubes(voxel: tuple[float, float, float] | None, says: str) -> None:
    with pytest.raises(UserError, match=says):
        of_unit(GreyUnit.PER_VOXEL, voxel)


def test_it_goes_through_json() -> None:
    for line in (through_materials(ICE, LIPID), of_unit(GreyUnit.PER_NM, None)):
        assert msgspec.json.decode(msgspec.json.encode(line), type=LacCalibration) == line


@pytest.mark.parametrize("known_voxel", [True, False], ids=["nm", "voxels"])
def test_another_calibration_needs_no_measuring(known_voxel: bool) -> None:
    rng = np.random.default_rng(2)
    objects = np.zeros((20, 20, 40), np.uint32)
    objects[3:17, 3:17, 3:17] = 2
    objects[3:17, 3:17, 22:34] = 5
    image = ArrayVolume(rng.normal(100, 5, objects.shape).astype(np.float32))
    voxel = (20.0, 10.0, 10.0) if known_voxel else None
    first, second = LacCalibration(0.01), through_materials(ICE, LIPID)
    groups = {line: [SIZE, grey_group(calibration=line), SKELETON] for line in (None, first, second)}
    tables = {line: measure_objects(objects, voxel, image=image, groups=groups[line]) for line in groups}
    for before in groups:
        for after in groups:
            found = calibrated_anew(tables[before], after)
            assert found.columns == tables[after].columns and found.notes == tables[after].notes
            for key, values in tables[after].values.items():
                np.testing.assert_allclose(found.values[key], values, err_msg=key)
    bare = measure_objects(objects, voxel, groups=[SIZE])
    assert calibrated_anew(bare, first).columns == bare.columns
