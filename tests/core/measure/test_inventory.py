"""Sums of objects against scikit-image's, and numbers that are sparse."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import regionprops

from sxtstudio.core.errors import UserError
from sxtstudio.core.measure.measure import all_columns, measure_objects
from sxtstudio.core.volume import ArrayVolume


@pytest.fixture
def objects() -> np.ndarray:
    random = np.random.default_rng(0)
    found = np.zeros((30, 40, 50), np.uint32)
    found[5:20, 10:30, 5:9] = 7
    found[10:25, 2:8, 20:45] = 4_000_000_000
    found[random.random(found.shape) < 0.3] = 0
    found[0, 0, 3] = 3
    return found


def test_sums_are_those_of_another_program(objects: np.ndarray) -> None:
    voxel = (20.0, 10.0, 5.0)
    found = measure_objects(objects, voxel)
    assert found.numbers.tolist() == [3, 7, 4_000_000_000]
    small = np.searchsorted(found.numbers, objects).astype(np.int32) + 1
    small[objects == 0] = 0
    for row, theirs in enumerate(regionprops(small, spacing=voxel)):
        mine = {key: values[row] for key, values in found.values.items()}
        assert mine["voxels"] == theirs.num_pixels
        assert mine["volume"] == pytest.approx(theirs.area * 1e-9)
        centroid = [mine[f"centroid_{axis}"] for axis in "zyx"]
        assert centroid == pytest.approx(np.array(theirs.centroid) + np.array(voxel) / 2)
        assert [mine[f"box_first_{axis}"] for axis in "zyx"] == list(theirs.bbox[:3])
        assert [mine[f"box_last_{axis}"] + 1 for axis in "zyx"] == list(theirs.bbox[3:])
        place = np.argwhere(small == row + 1) * voxel
        moments = np.cov(place.T, bias=True) if len(place) > 1 else np.zeros((3, 3))
        axes = 2 * np.sqrt(5 * np.linalg.eigvalsh(moments + np.diag(np.square(voxel)) / 12))[::-1]
        assert [mine[f"axis_{n}"] for n in (1, 2, 3)] == pytest.approx(axes)
        assert mine["slices_covered"] == len(np.unique(place[:, 0]))
    assert found.values["touches_border"].tolist() == [1, 0, 0]


def test_only_some_are_measured_and_none_is_a_table_without_rows(objects: np.ndarray) -> None:
    whole = measure_objects(objects, None)
    part = measure_objects(objects, None, only=[7, 12])
    assert part.numbers.tolist() == [7] and not part.calibrated
    for key, values in whole.values.items():
        assert part.values[key] == pytest.approx(values[1:2], nan_ok=True), key
    nothing = measure_objects(np.zeros((3, 4, 5), np.uint8), None)
    assert len(nothing.numbers) == 0
    assert all(len(values) == 0 for values in nothing.values.values())


def test_every_column_is_explained_and_measured_once(objects: np.ndarray) -> None:
    columns = all_columns()
    keys = [column.key for column in columns]
    assert len(set(keys)) == len(keys)
    assert all(column.title and column.definition.endswith(".") for column in columns)


def test_what_is_no_volume_of_objects_is_refused(objects: np.ndarray) -> None:
    with pytest.raises(UserError, match="whole numbers"):
        measure_objects(objects.astype(np.float32), None)
    with pytest.raises(UserError, match="three axes"):
        measure_objects(objects[0], None)
    with pytest.raises(UserError, match="30×40×50"):
        measure_objects(objects, None, image=ArrayVolume(np.zeros((3, 4, 5))))
