"""A slice cleaned from the slices around it, compared with the clean-up of everything."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from sxtstudio.core.cleanup import CleanParameters, clean
from sxtstudio.core.cleanup_preview import preview_slice
from sxtstudio.core.volume import ArrayVolume

SHAPE = (60, 30, 26)
NOISE = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=SHAPE), (2.0, 1.0, 1.0))
LUMPS = np.where(NOISE > np.percentile(NOISE, 93), np.uint8(255), np.uint8(0))


@pytest.mark.parametrize("z", [0, 1, 17, 58, 59])
@pytest.mark.parametrize(
    "parameters",
    [
        CleanParameters(smooth_z=2),
        CleanParameters(erode=2),
        CleanParameters(erode=2, erode_3d=False),
        CleanParameters(min_size_voxels=30),
        CleanParameters(crop=(2, 3, 4)),
        CleanParameters(close=2),
        CleanParameters(close=2, dilate=1, erode_3d=False),
        CleanParameters(dilate=2),
        CleanParameters(fill_px=40),
        CleanParameters(smooth_z=1, erode=1, min_size_nm3=9000.0, crop=(1, 2, 3)),
        CleanParameters(1, True, 30, None, (1, 2, 3), 1, 1, 9, 1),
    ],
    ids=[
        "smooth",
        "erode",
        "erode in 2D",
        "small",
        "crop",
        "close",
        "close in 2D",
        "dilate",
        "fill",
        "some",
        "all",
    ],
)
def test_it_is_the_slice_of_the_whole(z: int, parameters: CleanParameters) -> None:
    mask = ArrayVolume((np.indices(SHAPE)[2] > 5).astype(np.uint8))
    whole = clean(LUMPS, parameters, voxel_nm=(10.0, 10.0, 10.0), mask=mask).labels
    found = preview_slice(
        lambda a, b: LUMPS[a:b], SHAPE, z, parameters, voxel_nm=(10.0, 10.0, 10.0), mask=mask
    )
    assert found.exact
    assert np.array_equal(found.labels, whole[z])
    assert found.voxels_before == np.count_nonzero(LUMPS[z])
    assert found.voxels_after == np.count_nonzero(whole[z])


def test_few_slices_are_enough_where_no_small_part_goes_on() -> None:
    labels = np.zeros((4000, 8, 8), np.uint8)
    labels[2000, 2, 2] = 255  # small, and seen whole
    labels[:, 5:7, 5:7] = 255  # large at once, though it goes on
    read: list[tuple[int, int]] = []

    def reader(first: int, last: int) -> np.ndarray:
        read.append((first, last))
        return labels[first:last]

    found = preview_slice(reader, labels.shape, 2000, CleanParameters(min_size_voxels=50))
    assert found.exact and np.count_nonzero(found.labels) == 4
    assert max(last - first for first, last in read) < 20


def test_it_says_where_it_cannot_know() -> None:
    labels = np.zeros((400, 8, 8), np.uint8)
    labels[:, 2, 2] = 255
    asked = CleanParameters(min_size_voxels=300)
    found = preview_slice(lambda a, b: labels[a:b], labels.shape, 200, asked, budget_voxels=64 * 60)
    assert not found.exact and found.labels[2, 2] == 255
    found = preview_slice(lambda a, b: labels[a:b], labels.shape, 200, asked)
    assert found.exact and found.labels[2, 2] == 255
    found = preview_slice(lambda a, b: labels[a:b], labels.shape, 200, replace(asked, min_size_voxels=401))
    assert found.exact and not found.labels.any()
