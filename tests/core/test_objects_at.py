"""The object under a voxel, and what can be done with it, against scipy on the whole volume."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Recorder
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_edits import (
    Cut,
    count_pieces,
    cut_object,
    delete_object,
    keep_object,
    merge_objects,
)
from sxtstudio.core.objects_at import FoundObject, object_at, object_slabs, parts_of, slabs_of
from sxtstudio.core.progress import Progress

MERGE = EditKind.MERGE_OBJECTS

TOUCHING = np.ones((3, 3, 3))


def blobs(shape: tuple[int, int, int], share: float, seed: int) -> np.ndarray:
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 1.5)
    return (noise > np.quantile(noise, 1 - share)).astype(np.uint8) * 255


def truth(labels: np.ndarray, seed: tuple[int, int, int]) -> np.ndarray:
    named, _ = ndimage.label(labels, TOUCHING)
    return named == named[seed]


def whole(found: FoundObject, shape: tuple[int, ...]) -> np.ndarray:
    out = np.zeros(shape, bool)
    out[found.box.slices] = found.where
    return out


def at(labels: np.ndarray, seed: tuple[int, int, int]) -> FoundObject:
    found = object_at(labels, seed)
    assert found is not None
    return found


@pytest.mark.parametrize("share", [0.05, 0.12, 0.3], ids=["specks", "blobs", "network"])
@pytest.mark.parametrize("number", range(4))
def test_object_is_that_of_the_whole_volume(share: float, number: int) -> None:
    labels = blobs((40, 90, 110), share, number)
    voxels = np.argwhere(labels)
    seed = tuple(int(n) for n in voxels[(number * 977) % len(voxels)])
    found = object_at(labels, seed)
    expected = truth(labels, seed)
    assert found is not None and found.complete and found.seed == seed
    np.testing.assert_array_equal(whole(found, labels.shape), expected)
    assert found.voxels == np.count_nonzero(expected)
    assert found.box.slices == ndimage.find_objects(expected.astype(int))[0]


def test_a_large_window_is_searched_in_slabs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sxtstudio.core.objects_at.SLAB_VOXELS", 20_000)
    labels = blobs((40, 90, 110), 0.3, 3)
    seed = tuple(int(n) for n in np.argwhere(labels)[4000])
    found = object_at(labels, seed, progress=Progress())
    assert found is not None and found.complete
    np.testing.assert_array_equal(whole(found, labels.shape), truth(labels, seed))


def test_a_long_winding_object_is_followed_to_its_ends() -> None:
    """A spiral leaves and enters the window again and again."""
    labels = np.zeros((20, 200, 200), np.uint8)
    for t in np.linspace(0, 8 * np.pi, 6000):
        r = 10 + 3.4 * t
        labels[int(10 + 8 * np.sin(t / 5)), int(100 + r * np.sin(t)), int(100 + r * np.cos(t))] = 255
    assert ndimage.label(labels, TOUCHING)[1] == 1
    seed = tuple(int(n) for n in np.argwhere(labels)[0])
    np.testing.assert_array_equal(whole(at(labels, seed), labels.shape), labels > 0)


def test_corners_touch() -> None:
    labels = np.zeros((3, 3, 4), np.uint8)
    labels[0, 0, 0] = labels[1, 1, 1] = labels[2, 2, 3] = 255
    assert at(labels, (0, 0, 0)).voxels == 2


@pytest.mark.parametrize("seed", [(0, 0, 0), (-1, 5, 5), (3, 5, 5), (1, 99, 2)])
def test_no_label_no_object(seed: tuple[int, int, int]) -> None:
    labels = np.zeros((3, 10, 10), np.uint8)
    labels[1, 5, 5] = 255
    assert object_at(labels, seed) is None


def test_limit_gives_the_part_around_the_click() -> None:
    labels = np.full((100, 100, 100), 255, np.uint8)
    found = object_at(labels, (50, 50, 50), limit_voxels=200_000)
    assert found is not None and not found.complete
    assert found.where[tuple(50 - s for s in found.box.start)]
    assert found.voxels == found.where.size <= 200_000


def test_search_can_be_cancelled() -> None:
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        object_at(np.ones((3, 3, 3), np.uint8), (1, 1, 1), progress=progress)


@pytest.mark.parametrize("slab_voxels", [1, 3 * 50 * 60, 10**9], ids=["slices", "slabs", "whole"])
def test_slabs_hold_the_whole_object(slab_voxels: int) -> None:
    labels = blobs((30, 50, 60), 0.13, 7)
    named, count = ndimage.label(labels, TOUCHING)
    largest = int(np.argmax(np.bincount(named.ravel())[1:])) + 1
    for number in (largest, 1, count):
        seed = tuple(int(n) for n in np.argwhere(named == number)[-1])
        out = np.zeros(labels.shape, bool)
        covered = 0
        for box, where in object_slabs(labels, seed, slab_voxels=slab_voxels):
            assert box.start[0] == covered and where.shape == box.shape
            out[box.slices] = where
            covered = box.stop[0]
        assert covered == 30
        np.testing.assert_array_equal(out, named == number)


@pytest.mark.parametrize("way", ["found", "slabs"])
def test_delete_and_keep(way: str) -> None:
    labels = blobs((30, 50, 60), 0.12, 11)
    before = labels.copy()
    seed = tuple(int(n) for n in np.argwhere(labels)[300])
    mine = truth(before, seed)

    recorder = Recorder(EditKind.DELETE_OBJECT, labels)
    parts = (
        parts_of(at(labels, seed), 5000) if way == "found" else object_slabs(labels, seed, slab_voxels=9000)
    )
    assert delete_object(recorder, parts) == np.count_nonzero(mine)
    np.testing.assert_array_equal(labels, np.where(mine, 0, before))
    recorder.finish().toggle(labels)
    np.testing.assert_array_equal(labels, before)

    recorder = Recorder(EditKind.KEEP_OBJECT, labels)
    slabs = (
        slabs_of(at(labels, seed), labels.shape, 9000)
        if way == "found"
        else object_slabs(labels, seed, slab_voxels=9000)
    )
    assert keep_object(recorder, slabs) == np.count_nonzero(before) - np.count_nonzero(mine)
    np.testing.assert_array_equal(labels, np.where(mine, before, 0))
    recorder.finish().toggle(labels)
    np.testing.assert_array_equal(labels, before)


@pytest.mark.parametrize("axis", [0, 1, 2], ids=["XY", "XZ", "YZ"])
def test_cut_goes_through_the_object_along_the_normal_and_spares_others(axis: int) -> None:
    shape = [30, 40, 50]
    labels = np.zeros(shape, np.uint8)
    labels[5:25, 8:30, 10:40] = 255  # the object
    labels[:, 35:, :] = 255  # another
    labels[:3] = 255  # joined with that one, above the object
    before = labels.copy()
    found = at(labels, (10, 10, 12))
    middle = {0: ((0.0, 24.5), (39.0, 24.5)), 1: ((0.0, 24.5), (29.0, 24.5)), 2: ((19.5, 0.0), (19.5, 29.0))}
    start, end = middle[axis]
    recorder = Recorder(EditKind.CUT_OBJECT, labels)
    gone = cut_object(recorder, parts_of(found, 4000), Cut(axis, start, end, 4))
    _, y, x = np.indices(shape)
    away = np.abs(y - 19.5) if axis == 2 else np.abs(x - 24.5)
    mine = whole(found, labels.shape)
    np.testing.assert_array_equal(labels, np.where(mine & (away <= 2), 0, before))
    assert gone == np.count_nonzero(mine & (away <= 2)) and count_pieces(labels, found) == 2


@pytest.mark.parametrize("angle", [0, 17, 30, 45, 60, 77])
def test_the_narrowest_cut_separates_at_any_angle(angle: int) -> None:
    labels = np.full((6, 60, 60), 255, np.uint8)
    found = at(labels, (0, 0, 0))
    way = 60 * np.array([np.sin(np.radians(angle)), np.cos(np.radians(angle))])
    recorder = Recorder(EditKind.CUT_OBJECT, labels)
    cut_object(recorder, parts_of(found), Cut(0, tuple(29.7 - way), tuple(29.7 + way), 0))
    assert count_pieces(labels, found) == 2
    assert ndimage.label(labels, TOUCHING)[1] == 2


def test_a_cut_that_ends_within_the_object_leaves_it_whole() -> None:
    labels = np.full((4, 40, 40), 255, np.uint8)
    found = at(labels, (0, 0, 0))
    cut_object(Recorder(EditKind.CUT_OBJECT, labels), parts_of(found), Cut(0, (0, 20), (20, 20)))
    assert count_pieces(labels, found) == 1
    assert not labels[:, 0, 20].any() and labels[:, 22:, 20].all()


def test_merge_bridges_the_nearest_voxels() -> None:
    z, y, x = np.indices((30, 40, 80))
    a = (z - 12) ** 2 + (y - 20) ** 2 + (x - 20) ** 2 <= 100
    b = (z - 12) ** 2 + (y - 20) ** 2 + (x - 55) ** 2 <= 144
    labels = np.where(a | b, 255, 0).astype(np.uint8)
    box = merge_objects(
        Recorder(MERGE, labels),
        at(labels, (12, 20, 20)),
        at(labels, (12, 20, 55)),
        diameter_px=4,
    )
    assert ndimage.label(labels, TOUCHING)[1] == 1
    new = (labels > 0) & ~(a | b)
    np.testing.assert_array_equal(new, ((z - 12) ** 2 + (y - 20) ** 2 <= 4) & (x > 20) & (x < 55) & ~(a | b))
    assert box is not None and box.start[2] <= 31 and box.stop[2] >= 43


def test_near_is_meant_in_nm() -> None:
    """With thick slices the neighbour beside is nearer than the one below."""
    labels = np.zeros((20, 30, 30), np.uint8)
    labels[2, 5, 5:8] = 255
    labels[8, 5, 5] = labels[8, 5, 6] = labels[8, 5, 7] = 255  # six slices below
    for n in range(9):  # comes near from the side, hangs together with the one below
        labels[8 - min(n, 6), 5 + n, 8 + n] = 255
        labels[8, 5, 8] = 255
    first, second = at(labels, (2, 5, 5)), at(labels, (8, 5, 5))
    merge_objects(Recorder(MERGE, labels), first, second, diameter_px=1, voxel_nm=(100, 10, 10))
    assert not labels[3:8, 5, 5:8].any()
    assert ndimage.label(labels, TOUCHING)[1] == 1


def test_an_object_cannot_be_merged_with_itself() -> None:
    labels = np.full((3, 3, 3), 255, np.uint8)
    with pytest.raises(UserError, match="same object"):
        merge_objects(
            Recorder(MERGE, labels),
            at(labels, (0, 0, 0)),
            at(labels, (2, 2, 2)),
            diameter_px=4,
        )


def test_bridge_stays_in_the_volume() -> None:
    labels = np.zeros((2, 10, 20), np.uint8)
    labels[0, 0, 0] = labels[1, 0, 19] = 255
    box = merge_objects(Recorder(MERGE, labels), at(labels, (0, 0, 0)), at(labels, (1, 0, 19)), diameter_px=6)
    assert box == Box((0, 0, 0), (2, 4, 20))
    assert ndimage.label(labels, TOUCHING)[1] == 1
