"""Where objects lie, against a search of each number by itself."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.core import object_boxes, walk
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_boxes import ObjectBoxes, boxes_in

SHAPE = (9, 40, 30)


def scattered(numbers: tuple[int, ...], dtype: str = "u4") -> np.ndarray:
    rng = np.random.default_rng(3)
    objects = np.zeros(SHAPE, dtype)
    for number in numbers:
        z, y, x = (int(rng.integers(0, n - 4)) for n in SHAPE)
        objects[z : z + 4, y : y + 3, x : x + 2] = number
    return objects


def truth(objects: np.ndarray) -> dict[int, Box]:
    found = {}
    for number in np.unique(objects[objects > 0]):
        where = np.argwhere(objects == number)
        start, stop = where.min(axis=0), where.max(axis=0) + 1
        found[int(number)] = Box(tuple(map(int, start)), tuple(map(int, stop)))
    return found


@pytest.mark.parametrize(
    ("numbers", "dtype"),
    [
        ((), "u4"),
        ((1,), "u1"),
        ((3, 8, 200), "u1"),
        ((3, 8, 65_535), "u2"),
        ((3, 8, 200), "u4"),
        ((3, 2**31, 2**32 - 1), "u4"),
    ],
)
def test_boxes_of_any_numbers(numbers: tuple[int, ...], dtype: str) -> None:
    objects = scattered(numbers, dtype)
    assert boxes_in(objects) == truth(objects)
    view = objects[1:8, 2:39, 1:30]
    moved = {
        number: Box(
            tuple(a + b for a, b in zip(box.start, (11, 22, 31), strict=True)),
            tuple(a + b for a, b in zip(box.stop, (11, 22, 31), strict=True)),
        )
        for number, box in truth(view).items()
    }
    assert boxes_in(view, (11, 22, 31)) == moved


def test_a_volume_without_background() -> None:
    for number in (1, object_boxes._MOST_DIRECT + 5):
        assert boxes_in(np.full(SHAPE, number, np.uint32)) == {number: Box.whole(SHAPE)}


def test_a_walk_in_slabs_finds_the_same_and_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "SLAB_VOXELS", 2 * 40 * 30)
    objects = scattered((5, 9, 70_000, 2**31 + 1))
    boxes = ObjectBoxes()
    assert boxes.find_all(objects) == np.count_nonzero(objects)
    assert {number: boxes.of(number, objects) for number in boxes.numbers} == truth(objects)
    assert boxes.of(6, objects) is None


def test_boxes_follow_what_is_changed() -> None:
    objects = scattered((5, 9))
    boxes = ObjectBoxes()
    boxes.find_all(objects)
    for box, number in ((Box((0, 0, 0), (2, 2, 2)), 5), (Box((8, 39, 29), (9, 40, 30)), 12)):
        objects[box.slices] = number
        boxes.touch(box)
    assert {number: boxes.of(number, objects) for number in (5, 9, 12)} == truth(objects)
    assert boxes.around((5, 12, 77), objects) == Box.whole(SHAPE)
    assert boxes.around((77,), objects) is None


def test_objects_whose_boxes_share_a_voxel_with_a_box() -> None:
    objects = np.zeros((6, 8, 10), np.uint32)
    places = {4: (0, 0, 0), 9: (3, 4, 5), 2**31: (5, 7, 9)}
    for number, place in places.items():
        objects[place] = number
    boxes = ObjectBoxes()
    boxes.find_all(objects)
    assert boxes.touching(Box((3, 4, 5), (4, 5, 6)), objects) == (9,)
    assert set(boxes.touching(Box((0, 0, 0), (4, 5, 6)), objects)) == {4, 9}
    for axis in range(3):  # beside it, on either side
        for step in (-1, 1):
            start = [3, 4, 5]
            start[axis] += step
            z, y, x = start
            assert boxes.touching(Box((z, y, x), (z + 1, y + 1, x + 1)), objects) == ()
    objects[1, 1, 1] = 4
    boxes.touch(Box((1, 1, 1), (2, 2, 2)))
    assert boxes.touching(Box((1, 0, 0), (2, 1, 1)), objects) == (4,)
