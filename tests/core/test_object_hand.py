"""Objects by hand on shapes whose parts are known: no voxel is lost, none comes from nowhere."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.core import object_hand
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_boxes import ObjectBoxes
from sxtstudio.core.object_hand import (
    Hand,
    delete,
    enclose,
    erase,
    fill,
    grow,
    interpolate,
    keep_only,
    merge,
    paint,
    painted,
    shrink,
)
from sxtstudio.core.object_table import Decided, ObjectFlag, ObjectRow, ObjectTable

SHAPE = (24, 40, 44)
Z, Y, X = np.indices(SHAPE)
SHEET = frozenset({ObjectFlag.SHEET})


def ball(
    centre: tuple[float, float, float], radius: float, spacing: tuple[float, ...] = (1, 1, 1)
) -> np.ndarray:
    return sum(((n - c) * s) ** 2 for n, c, s in zip((Z, Y, X), centre, spacing, strict=True)) <= radius**2


def hand_of(objects: np.ndarray, rows: dict[int, ObjectRow] | None = None) -> Hand:
    boxes = ObjectBoxes()
    boxes.find_all(objects)
    table = ObjectTable.of(boxes.numbers) if rows is None else ObjectTable(rows)
    recorder = Recorder(
        EditKind.REDRAW_OBJECT, objects, "objects", None, lambda box, changed: boxes.touch(box)
    )
    return Hand(recorder, table, boxes)


def table_after(hand: Hand) -> ObjectTable:
    return hand.table if hand.recorder.rows is None else hand.table.changed(hand.recorder.rows)


@pytest.fixture
def objects() -> np.ndarray:
    """Balls 3 and 700 with a gap between them, and a block 9 in a corner."""
    objects = np.zeros(SHAPE, np.uint32)
    objects[ball((12, 12, 12), 7)] = 3
    objects[ball((12, 28, 30), 8)] = 700
    objects[:4, :4, :4] = 9
    return objects


def test_merge_keeps_what_is_known(objects: np.ndarray) -> None:
    before = objects.copy()
    hand = hand_of(
        objects,
        {
            3: ObjectRow(notes="first"),
            9: ObjectRow("Gold", Decided.RULE, notes="first"),
            700: ObjectRow("Vesicle", Decided.HAND, notes="third", flags=frozenset({ObjectFlag.OPEN})),
        },
    )
    assert merge(hand, (700, 3, 9)) == 700
    np.testing.assert_array_equal(objects, np.where(before > 0, 700, 0))
    assert table_after(hand).rows == {
        700: ObjectRow("Vesicle", Decided.HAND, notes="third; first", flags=frozenset({ObjectFlag.OPEN}))
    }


def test_merge_takes_the_class_of_the_one_that_has_one(objects: np.ndarray) -> None:
    hand = hand_of(objects, {3: ObjectRow(), 700: ObjectRow("Gold", Decided.HAND), 9: ObjectRow()})
    merge(hand, (3, 700))
    assert table_after(hand).rows == {3: ObjectRow("Gold", Decided.HAND), 9: ObjectRow()}


@pytest.mark.parametrize("numbers", [(3,), (3, 3), (), (3, 4)])
def test_merge_of_less_than_two_is_a_sentence_and_changes_nothing(
    objects: np.ndarray, numbers: tuple[int, ...]
) -> None:
    before = objects.copy()
    with pytest.raises(UserError):
        merge(hand_of(objects), numbers)
    np.testing.assert_array_equal(objects, before)


def test_delete_and_keep_only(objects: np.ndarray) -> None:
    before = objects.copy()
    hand = hand_of(objects)
    delete(hand, (3, 9))
    np.testing.assert_array_equal(objects, np.where(before == 700, 700, 0))
    assert set(table_after(hand).rows) == {700}
    hand.recorder.roll_back()
    np.testing.assert_array_equal(objects, before)
    hand = hand_of(objects)
    keep_only(hand, (3, 9))
    np.testing.assert_array_equal(objects, np.where(before == 700, 0, before))
    assert set(table_after(hand).rows) == {3, 9}


def test_work_in_slabs_does_the_same(objects: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_hand, "_SLAB_VOXELS", 300)
    before = objects.copy()
    hand = hand_of(objects)
    assert len(list(hand.slabs(3))) > 3
    merge(hand, (3, 700))
    np.testing.assert_array_equal(objects, np.where(before == 700, 3, before))


def test_paint_goes_round_others_and_erase_takes_only_its_own(objects: np.ndarray) -> None:
    before, everywhere = objects.copy(), Box.whole(SHAPE)
    hand = hand_of(objects)
    paint(hand, 3, everywhere, np.ones(SHAPE, bool))
    np.testing.assert_array_equal(objects, np.where(before == 0, 3, before))
    erase(hand, 3, everywhere, np.ones(SHAPE, bool))
    np.testing.assert_array_equal(objects, np.where(before == 3, 0, before))
    painted(hand, 3)
    assert set(table_after(hand).rows) == {9, 700}


def test_a_new_object_has_a_row_once_it_has_a_voxel(objects: np.ndarray) -> None:
    hand = hand_of(objects)
    new = hand.table.next_number
    assert new == 701
    paint(hand, new, Box((20, 0, 0), (21, 5, 5)), np.zeros((1, 5, 5), bool))
    painted(hand, new)
    assert hand.recorder.finish() is None
    paint(hand, new, Box((20, 0, 0), (21, 5, 5)), np.ones((1, 5, 5), bool))
    erase(hand, 9, Box.whole(SHAPE), np.ones(SHAPE, bool))
    painted(hand, new, 9, 3)
    assert table_after(hand).rows == dict.fromkeys((3, 700, 701), ObjectRow())


@pytest.mark.parametrize("voxel_nm", [None, (20.0, 10.0, 10.0)])
@pytest.mark.parametrize("pixels", [1, 3])
def test_grow_and_shrink_of_a_ball(pixels: int, voxel_nm: tuple[float, float, float] | None) -> None:
    spacing = (1, 1, 1) if voxel_nm is None else (2, 1, 1)
    objects = np.zeros(SHAPE, np.uint32)
    objects[ball((12, 20, 22), 8, spacing)] = 5
    before = objects > 0
    hand = hand_of(objects)
    gained = grow(hand, 5, pixels, voxel_nm)
    larger = objects == 5
    assert gained == larger.sum() - before.sum() and (larger & before).sum() == before.sum()
    # Between the ball whose radius is so much larger, and what a ball of whole voxels may differ from it.
    assert not (larger & ~ball((12, 20, 22), 8 + pixels + 0.01, spacing)).any()
    assert not (ball((12, 20, 22), 8 + pixels - 1, spacing) & ~larger).any()
    hand = hand_of(objects)
    lost = shrink(hand, 5, pixels, voxel_nm)
    assert lost == larger.sum() - (objects == 5).sum()
    assert not ((objects == 5) & ~ball((12, 20, 22), 8.01 + 1, spacing)).any()
    assert not (ball((12, 20, 22), 8 - 1, spacing) & (objects != 5)).any()


def test_growing_neither_enters_another_object_nor_jumps_over_it() -> None:
    objects = np.zeros(SHAPE, np.uint32)
    objects[10:14, 10:14, 10:14] = 1
    objects[:, :, 15] = 2  # a wall from side to side, one voxel thick
    wall = objects == 2
    grow(hand_of(objects), 1, 4)
    assert (objects[12, 12, 6:15] == 1).all() and not (objects[:, :, 16:] == 1).any()
    np.testing.assert_array_equal(objects == 2, wall)


def test_shrinking_does_not_leave_the_border_and_not_nothing() -> None:
    objects = np.zeros(SHAPE, np.uint32)
    objects[:6, 10:20, 10:20] = 1
    shrink(hand_of(objects), 1, 1)
    expected = np.zeros(SHAPE, bool)
    expected[:5, 11:19, 11:19] = True
    np.testing.assert_array_equal(objects == 1, expected)
    with pytest.raises(UserError, match="Nothing would be left"):
        shrink(hand_of(objects), 1, 30)
    np.testing.assert_array_equal(objects == 1, expected)


def test_without_room_nothing_grows() -> None:
    objects = np.full(SHAPE, 2, np.uint32)
    objects[5, 5, 5] = 1
    with pytest.raises(UserError, match="no room"):
        grow(hand_of(objects), 1, 2)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_fill_of_slices_along_each_axis(axis: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_hand, "_SLAB_VOXELS", 2000)
    tube = np.zeros((30, 30, 30), np.uint32)
    # Along the axis a tube that is open at both ends; another object lies in it.
    a, b = np.indices((30, 30))
    radius = np.hypot(a - 15, b - 15)
    planes = np.moveaxis(tube, axis, 0)
    planes[5:25] = np.where((radius > 7) & (radius < 10), 4, 0)
    planes[10:12] = np.where(radius < 3, 8, planes[10:12])
    hand = hand_of(tube)
    with pytest.raises(UserError, match="no hole closed in 3D"):
        fill(hand, 4, None)
    holes = int((radius <= 7).sum())
    other = int((radius < 3).sum())
    assert fill(hand, 4, axis) == 20 * holes - 2 * other
    np.testing.assert_array_equal(planes[7] == 4, radius < 10)
    assert (planes[10][radius < 3] == 8).all()


def test_fill_of_a_hollow_ball_in_3d() -> None:
    objects = np.zeros(SHAPE, np.uint32)
    whole = ball((12, 20, 20), 10)
    objects[whole & ~ball((12, 20, 20), 6)] = 1
    assert fill(hand_of(objects), 1, None) == ball((12, 20, 20), 6).sum()
    np.testing.assert_array_equal(objects == 1, whole)


def test_what_is_too_large_to_be_held_says_what_else_to_do(
    objects: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_hand, "MOST_VOXELS", 100)
    for work in (lambda h: grow(h, 3, 1), lambda h: shrink(h, 3, 1), lambda h: fill(h, 3, None)):
        with pytest.raises(UserError, match="too large"):
            work(hand_of(objects))
    with pytest.raises(UserError, match="no object 4"):
        grow(hand_of(objects), 4, 1)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_interpolation_continues_one_object_and_goes_round_others(axis: int) -> None:
    objects = np.zeros((20, 20, 20), np.uint32)
    planes = np.moveaxis(objects, axis, 0)
    planes[3, 4:10, 4:10] = planes[9, 4:10, 4:10] = 5
    planes[6, 4:6, 4:6] = 8
    planes[15, :3, :3] = 8
    hand = hand_of(objects)
    assert interpolate(hand, 5, axis, None, None, around=6) == 5 * 36 - 4
    assert (planes[3:10, 4:10, 4:10] > 0).all() and (planes == 5).sum() == 7 * 36 - 4
    assert (planes[6, 4:6, 4:6] == 8).all()
    with pytest.raises(UserError, match="Slice 16 is empty"):
        interpolate(hand_of(objects), 5, axis, 3, 15)


def test_a_body_takes_the_open_membranes_within_its_outline_and_no_body() -> None:
    """Its own wall was found as a sheet, joined with others outside of it."""
    objects = np.zeros((9, 30, 30), np.uint32)
    objects[:, 5, 2:28] = 33  # a wall that goes on to both sides
    objects[4, 8, 8] = 7  # another body
    rows = {7: ObjectRow(), 33: ObjectRow(flags=SHEET | {ObjectFlag.BORDER}), 40: ObjectRow(flags=SHEET)}
    objects[4, 10, 10] = 40
    hand = hand_of(objects, rows)
    inside = np.zeros((1, 30, 30), bool)
    inside[0, 3:13, 6:16] = True
    for z in (2, 6):
        changed = enclose(hand, 50, Box((z, 0, 0), (z + 1, 30, 30)), inside)
        painted(hand, *changed)
        assert changed == {33, 50}
    hand = hand_of(objects, {**rows, 50: ObjectRow()})
    assert interpolate(hand, 50, 0, None, None, around=4) == 3 * 100 - 1
    assert (objects[2:7, 3:13, 6:16] == 50).sum() == 5 * 100 - 1 and objects[4, 8, 8] == 7
    assert (objects[2:7, 5, 2:6] == 33).all() and (objects[2:7, 5, 16:28] == 33).all()
    assert table_after(hand).rows.keys() == {7, 33, 50}, "of a piece of membrane nothing is left"


def test_a_membrane_takes_no_other_membrane() -> None:
    objects = np.zeros((2, 9, 9), np.uint32)
    objects[0, 4, :5], objects[0, 4, 5:] = 1, 2
    hand = hand_of(objects, {1: ObjectRow(flags=SHEET), 2: ObjectRow(flags=SHEET)})
    assert enclose(hand, 1, Box((0, 0, 0), (1, 9, 9)), np.ones((1, 9, 9), bool)) == {1}
    assert (objects[0] == 2).sum() == 4


def test_what_encloses_something_is_no_sheet() -> None:
    objects = np.zeros((3, 12, 12), np.uint32)
    objects[:, 2:9, 2:9] = 4
    objects[:, 4:7, 4:7] = 0
    hand = hand_of(objects, {4: ObjectRow("ER", flags=SHEET | {ObjectFlag.OPEN})})
    assert fill(hand, 4) == 27
    assert table_after(hand).rows[4] == ObjectRow("ER", flags=frozenset({ObjectFlag.OPEN}))


@pytest.mark.parametrize(("other", "left"), [(SHEET, SHEET), (frozenset(), frozenset())])
def test_a_merge_is_a_sheet_if_all_of_it_are(
    objects: np.ndarray, other: frozenset[ObjectFlag], left: frozenset[ObjectFlag]
) -> None:
    hand = hand_of(objects, {3: ObjectRow(flags=SHEET), 9: ObjectRow(), 700: ObjectRow(flags=other)})
    merge(hand, (3, 700))
    assert table_after(hand).rows[3].flags == left


def test_where_the_largest_number_is_taken_a_new_object_gets_a_free_one() -> None:
    objects = np.zeros(SHAPE, np.uint32)
    objects[2:9, 5:35, 5:35] = 2**32 - 1
    objects[20, 0, 0] = 1
    hand = hand_of(objects)
    assert hand.table.next_number == 2
    paint(hand, hand.table.next_number, Box((12, 0, 0), (13, 5, 5)), np.ones((1, 5, 5), bool))
    painted(hand, 2)
    assert set(table_after(hand).rows) == {1, 2, 2**32 - 1}
