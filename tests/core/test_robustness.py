from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from sxtstudio.core.errors import Cancelled
from sxtstudio.core.objects import object_sizes
from sxtstudio.core.progress import Progress
from sxtstudio.core.robustness import ParameterGrid, try_choices
from sxtstudio.core.volume import ArrayVolume


def output() -> np.ndarray:
    """An output of the network: cubes of 9 and of 5 voxels' edge, sure and unsure, and single voxels."""
    values = np.zeros((12, 40, 40), np.uint8)
    values[1:10, 2:11, 2:11] = 250
    values[1:6, 20:25, 20:25] = 250
    values[1:6, 30:35, 30:35] = 150
    values[8, 20, ::4] = 250
    return values


def test_objects_and_voxels_follow_threshold_erosion_and_smallest_size() -> None:
    values = output()
    choices = ParameterGrid(thresholds=(0.5, 0.0), erosions=(1, 0), min_sizes=(0, 100, 500))
    found = try_choices(ArrayVolume(values), np.empty_like(values), choices)
    assert [(t.threshold, t.erosions) for t in found.trials] == [(0.0, 0), (0.5, 0), (0.0, 1), (0.5, 1)]
    counts, voxels = found.curve(0, 0)
    assert counts.tolist() == [13, 12] and voxels.tolist() == [729 + 250 + 10, 729 + 125 + 10]
    counts, voxels = found.curve(0, 100)
    assert counts.tolist() == [3, 2] and voxels.tolist() == [979, 854]
    counts, voxels = found.curve(1, 0)
    assert counts.tolist() == [3, 2] and voxels.tolist() == [343 + 54, 343 + 27], "a voxel off each face"
    assert found.curve(1, 500)[0].tolist() == [0, 0]


@pytest.mark.parametrize("threshold", [-1.0, -0.25, 0.0, 0.3, 0.99])
def test_a_threshold_is_that_of_the_clean_up(threshold: float) -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 1, 256)
    found = try_choices(ArrayVolume(ramp), np.empty_like(ramp), ParameterGrid((threshold,), (0,), (0,)))
    above = 2 * np.arange(256) / 255 - 1 > threshold
    assert found.trials[0].sizes.sum() == above.sum()


@pytest.mark.parametrize("slab_voxels", [10_000_000, 200])
def test_sizes_do_not_depend_on_the_slabs(slab_voxels: int) -> None:
    labels = (np.random.default_rng(3).random((30, 14, 14)) < 0.12).astype(np.uint8)
    numbers, _ = ndimage.label(labels, np.ones((3, 3, 3)))
    expected = np.sort(np.bincount(numbers.ravel())[1:])
    assert object_sizes(labels, slab_voxels=slab_voxels).tolist() == expected.tolist()


def test_nothing_has_no_sizes() -> None:
    assert object_sizes(np.zeros((2, 3, 3), np.uint8)).tolist() == []


def test_it_can_be_cancelled() -> None:
    progress = Progress()
    progress.cancel()
    values = output()
    with pytest.raises(Cancelled):
        try_choices(ArrayVolume(values), np.empty_like(values), ParameterGrid(), progress)
