"""Sums that say whether an object is what it was: against copies of the volume that are compared outright."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.core import object_differences
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Recorder
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_differences import Sums, added, differences
from sxtstudio.core.patches import Voxels

SHAPE = (9, 31, 17)
LARGE = 4_000_000_000


class Heard:
    """The sums of a volume that is being edited."""

    def __init__(self, objects: Voxels) -> None:
        self.objects, self.sums = objects, Sums()

    def __call__(self, box: Box, changed: Voxels) -> None:
        shape = (self.objects.shape[0], self.objects.shape[1], self.objects.shape[2])
        self.sums = added(self.sums, differences(self.objects[box.slices], changed, box, shape))


def different(one: Voxels, other: Voxels) -> set[int]:
    """The objects whose voxels are not the same in both, compared voxel by voxel."""
    numbers = {int(n) for n in np.unique(np.concatenate([one.ravel(), other.ravel()]))} - {0}
    return {number for number in numbers if ((one == number) != (other == number)).any()}


@pytest.mark.parametrize("at_once", [2_000_000, 40], ids=["one piece", "many pieces"])
def test_sums_are_zero_where_nothing_differs(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(object_differences, "_AT_ONCE", at_once)
    rng = np.random.default_rng(3)
    objects = rng.choice(np.array([0, 1, 2, 7, LARGE], np.uint32), SHAPE)
    first = objects.copy()
    heard = Heard(objects)
    edits = []
    for number in (0, 7, LARGE, 3):
        recorder = Recorder(EditKind.REDRAW_OBJECT, objects, "objects", on_write=heard)
        for _ in range(3):  # patches that overlap
            start = rng.integers(0, (5, 20, 10), 3)
            box = Box(tuple(map(int, start)), tuple(map(int, start + rng.integers(1, (4, 9, 7), 3))))  # type: ignore[arg-type]
            recorder.paint(box, rng.random(box.shape) < 0.4, number)
        edit = recorder.finish()
        assert edit is not None
        edits.append(edit)
        assert heard.sums.keys() == different(first, objects)
    for edit in reversed(edits):
        edit.toggle(objects, heard)
        assert heard.sums.keys() == different(first, objects)
    assert not heard.sums and np.array_equal(first, objects)
    edits[1].toggle(objects, heard)
    assert heard.sums.keys() == different(first, objects)


def test_voxels_that_change_places_are_another_object() -> None:
    objects = np.zeros(SHAPE, np.uint32)
    objects[2, 3, 4] = 5
    heard = Heard(objects)
    recorder = Recorder(EditKind.REDRAW_OBJECT, objects, "objects", on_write=heard)
    box = Box((2, 3, 4), (3, 4, 6))
    recorder.write(box, np.array([[[0, 5]]], np.uint32))
    assert heard.sums.keys() == {5}
    recorder.write(box, np.array([[[5, 0]]], np.uint32))
    assert not heard.sums


def test_what_is_rolled_back_is_as_before() -> None:
    objects = np.zeros(SHAPE, np.uint32)
    heard = Heard(objects)
    recorder = Recorder(EditKind.NEW_OBJECT, objects, "objects", on_write=heard)
    recorder.paint(Box((1, 1, 1), (3, 8, 8)), np.ones((2, 7, 7), bool), 9)
    assert heard.sums.keys() == {9}
    recorder.roll_back()
    assert not heard.sums and not objects.any()
