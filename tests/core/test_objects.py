"""Objects against scipy.ndimage.label, whatever the slab borders."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from sxtstudio.core.errors import Cancelled
from sxtstudio.core.objects import (
    NumberedSlices,
    join_slices,
    label_objects,
    number_slices,
    remove_small_objects,
)
from sxtstudio.core.progress import Progress

ALL_26 = np.ones((3, 3, 3), bool)


def random_labels(density: float, shape=(13, 17, 19), seed: int = 0) -> np.ndarray:
    labels = np.random.default_rng(seed).random(shape) < density
    return labels.astype(np.uint8) * 255


def without_small(labels: np.ndarray, min_voxels: int) -> tuple[np.ndarray, int, int]:
    numbers, count = ndimage.label(labels, ALL_26)
    sizes = np.bincount(numbers.ravel(), minlength=count + 1)
    stays = sizes >= min_voxels
    stays[0] = False
    return labels * stays[numbers], count, count - int(stays.sum())


@pytest.mark.parametrize("density", [0.0, 0.01, 0.05, 0.1, 0.3, 1.0])
def test_numbers_are_those_of_scipy(density):
    labels = random_labels(density)
    expected, count = ndimage.label(labels, ALL_26)
    objects, found = label_objects(labels)
    assert found == count
    assert objects.dtype == np.uint32
    assert np.array_equal(objects, expected)


def test_different_values_that_touch_are_one_object():
    labels = np.zeros((2, 3, 3), np.uint8)
    labels[0, 0, 0], labels[1, 1, 1] = 1, 255
    assert label_objects(labels)[1] == 1


def test_read_only_memory_map_can_be_labelled(tmp_path):
    labels = random_labels(0.05)
    path = tmp_path / "labels.raw"
    labels.tofile(path)
    mapped = np.memmap(path, np.uint8, "r", shape=labels.shape)
    assert label_objects(mapped)[1] == ndimage.label(labels, ALL_26)[1]


def test_image_is_no_volume():
    with pytest.raises(ValueError, match="three axes"):
        label_objects(np.zeros((4, 4), np.uint8))


@pytest.mark.parametrize("slices", [1, 2, 5, 13, 100])
@pytest.mark.parametrize("density", [0.02, 0.05, 0.09, 0.2])
@pytest.mark.parametrize("min_voxels", [2, 4, 30])
def test_small_objects_go_whatever_the_slabs(slices, density, min_voxels):
    labels = random_labels(density, seed=slices)
    expected, found, removed = without_small(labels, min_voxels)
    done = remove_small_objects(labels, min_voxels, slab_voxels=slices * labels[0].size)
    assert np.array_equal(labels, expected)
    assert (done.found, done.removed, done.voxels_left) == (found, removed, np.count_nonzero(expected))


def test_object_that_joins_only_in_the_last_slab_counts_as_one():
    """Two columns and a bridge in the last slice: a U of 9 voxels cut by every slab border."""
    labels = np.zeros((4, 3, 3), np.uint8)
    labels[:, 1, 0] = labels[:, 1, 2] = labels[3, 1, 1] = 1
    before = labels.copy()
    assert remove_small_objects(labels, 9, slab_voxels=9).removed == 0
    assert np.array_equal(labels, before)
    assert remove_small_objects(labels, 10, slab_voxels=9).removed == 1
    assert not labels.any()


def test_cancel_takes_effect():
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        remove_small_objects(random_labels(0.1), 3, progress=progress)


def in_parts(labels: np.ndarray, ends: list[int], slab_voxels: int) -> tuple[np.ndarray, np.ndarray]:
    """Number the slices up to each end by themselves, and join them."""
    parts: list[NumberedSlices] = []
    local = np.empty(labels.shape, np.uint32)
    for first, last in zip([0, *ends], [*ends, len(labels)], strict=True):
        seen = np.ascontiguousarray(labels[first : last + 1])
        parts.append(number_slices(seen, last - first, local[first:last], slab_voxels=slab_voxels))
    numbers, sizes = join_slices(parts)
    found = np.empty_like(local)
    for first, last, names in zip([0, *ends], [*ends, len(labels)], numbers, strict=True):
        found[first:last] = np.concatenate([[0], names])[local[first:last]]
    return found, sizes


@pytest.mark.parametrize("slab_voxels", [1, 17 * 19 * 2, 10**6])
@pytest.mark.parametrize("ends", [[], [5], [1, 2, 9], [4, 8, 12]], ids=str)
@pytest.mark.parametrize("density", [0.0, 0.02, 0.08, 0.1, 0.13, 1.0])
def test_parts_joined_at_their_seams_are_numbered_as_the_whole(density, ends, slab_voxels):
    labels = random_labels(density, seed=len(ends))
    found, sizes = in_parts(labels, ends, slab_voxels)
    expected, count = ndimage.label(labels, ALL_26)
    assert np.array_equal(found, expected)
    assert sizes.tolist() == np.bincount(expected.ravel(), minlength=count + 1)[1:].tolist()
