"""What the values of a label file are, and which files are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.label_values import ValueCounter
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.workflow.document.views import labels_to_disk


@pytest.mark.parametrize("dtype", ["u1", "i2", "u4", "i8", "f4", "f8"])
def test_values_are_counted(dtype: str) -> None:
    counter = ValueCounter("a.tif")
    for _ in range(2):
        counter.add(np.array([[[0, 1, 1], [0, 100, 0]]], dtype))
    assert counter.found().voxels == {1: 4, 100: 2} and counter.background == 6


@pytest.mark.parametrize("value", [7e300, -4e303, np.inf, 2.0**53 + 2])
def test_numbers_that_floating_point_does_not_tell_apart_are_no_labels(value: float) -> None:
    """As whole numbers of 64 bit, all of them were the same one."""
    with pytest.raises(UserError, match=r"a\.tif holds (.* no number of a label|infinite values)"):
        ValueCounter("a.tif").add(np.array([[[0, value, 1]]]))


def test_numbers_that_are_no_numbers_are_no_labels() -> None:
    with pytest.raises(UserError, match=r"a\.tif holds NaN"):
        ValueCounter("a.tif").add(np.array([[[0, np.nan, 1]]]))


@pytest.mark.parametrize(
    ("values", "fine"),
    [
        ([1, 2**32 - 1], True),
        ([-1, 2**31 - 1], True),
        ([1, 2**32 + 1], False),
        ([-1, 2**32 - 1], False),
        ([-(2**32) + 1, 1], False),
    ],
    ids=str,
)
def test_objects_keep_numbers_of_their_own(values: list[int], fine: bool, tmp_path: Path) -> None:
    """In 4 bytes 1 and 2^32 + 1 would be one object."""
    volume = ArrayVolume(np.array([[[0, *values]]], np.int64))
    if fine:
        labels, found = labels_to_disk(volume, tmp_path / "labels", "a.tif", keep=True)
        assert len(np.unique(labels)) == 3 and list(found.voxels) == values
    else:
        with pytest.raises(UserError, match=r"a\.tif holds -?\d+, .*numbered from 1 to 4294967295"):
            labels_to_disk(volume, tmp_path / "labels", "a.tif", keep=True)
    labels, _ = labels_to_disk(volume, tmp_path / "all", "a.tif")
    np.testing.assert_array_equal(labels, [[[0, 1, 1]]])


def test_grey_values_are_no_labels_and_specks_and_noise_of_a_few_labels_are() -> None:
    rng = np.random.default_rng(0)
    grey = rng.normal(120, 25, (8, 64, 64)).clip(0, 255).astype(np.uint8)
    grey[:, :16] = 0  # a frame of a fill
    specks = np.zeros((8, 64, 64), np.uint32)
    specks.reshape(-1)[::2] = np.arange(1, specks.size // 2 + 1)
    classes = np.kron(rng.integers(0, 4, (4, 16, 16)), np.ones((2, 4, 4), int)).astype(np.uint8)
    for volume, fine in ((grey, False), (specks, True), (classes, True)):
        counter = ValueCounter("file.tif")
        counter.add(volume)
        if fine:
            assert counter.found().voxels
        else:
            with pytest.raises(UserError, match="like grey values"):
                counter.found()
