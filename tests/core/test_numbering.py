"""Objects with numbers, against numbering the whole volume at once."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.core.geometry import Box, slabs
from sxtstudio.core.numbering import NumberedObjects
from sxtstudio.core.objects import label_objects
from sxtstudio.core.volume import ArrayVolume


@pytest.mark.parametrize("slices", [1, 2, 3, 50])
@pytest.mark.parametrize("density", [0.02, 0.1, 0.2])
def test_slabs_number_as_the_whole_volume(slices: int, density: float) -> None:
    labels = (np.random.default_rng(3).random((11, 20, 24)) < density).astype(np.uint8) * 255
    expected, count = label_objects(labels)
    numbered = NumberedObjects(ArrayVolume(labels), slab_voxels=slices * 20 * 24)
    assert numbered.count == count and numbered.dtype == np.uint16
    found = np.concatenate([numbered.read(box) for box in slabs((11, 20, 24), 4)])
    pairs = np.unique(np.stack([expected.ravel(), found.ravel()]), axis=1)
    assert pairs.shape[1] == count + 1, "each object has one number, and each number one object"
    assert np.array_equal((found == 0), (labels == 0)) and found.max() == count


def test_part_of_a_slice_can_be_read() -> None:
    labels = np.zeros((4, 9, 9), np.uint8)
    labels[:, 1, 1] = labels[2:, 7, 7] = 255
    numbered = NumberedObjects(ArrayVolume(labels), slab_voxels=81)
    assert numbered.read(Box((1, 6, 6), (4, 9, 8))).tolist() == [
        [[0, 0], [0, 0], [0, 0]],
        [[0, 0], [0, 2], [0, 0]],
        [[0, 0], [0, 2], [0, 0]],
    ]


def test_empty_labels_have_no_objects() -> None:
    numbered = NumberedObjects(ArrayVolume(np.zeros((3, 4, 5), np.uint8)))
    assert numbered.count == 0 and not numbered.read(Box.whole((3, 4, 5))).any()
