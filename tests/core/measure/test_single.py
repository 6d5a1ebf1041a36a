from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.core.geometry import Box
from sxtstudio.core.measure.measure import measure_objects
from sxtstudio.core.measure.single import joined, measure_one


@pytest.mark.parametrize("voxel_nm", [(20.0, 10.0, 10.0), None], ids=["nm", "voxels"])
def test_objects_alone_are_measured_as_all_together(voxel_nm: tuple[float, float, float] | None) -> None:
    """Also one at the border, and one whose box others reach into."""
    objects = np.zeros((14, 30, 40), np.uint32)
    objects[3:9, 5:11, 6:20] = 7
    objects[8, 10, 19:26] = 2
    objects[9:14, 14:22, 30:40] = 300_000
    boxes = {
        7: Box((3, 5, 6), (9, 11, 20)),
        2: Box((8, 10, 19), (9, 11, 26)),
        300_000: Box((9, 14, 30), (14, 22, 40)),
    }
    found = joined([measure_one(objects, number, box, voxel_nm) for number, box in boxes.items()])
    expected = measure_objects(objects, voxel_nm)
    assert found is not None and found.numbers.tolist() == [2, 7, 300_000]
    assert found.columns == expected.columns and found.calibrated == expected.calibrated
    for key, values in expected.values.items():
        np.testing.assert_allclose(found.values[key], values, rtol=1e-6, err_msg=key)
    assert joined([]) is None
