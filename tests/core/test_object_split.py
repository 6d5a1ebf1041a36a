"""Splitting objects on shapes whose parts are known: the parts are the whole, parted where they must be."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.core import object_split
from sxtstudio.core.errors import UserError
from sxtstudio.core.object_split import Line, split_by_line, split_by_plane, split_by_points
from sxtstudio.core.object_table import ObjectFlag, ObjectRow, ObjectTable
from tests.core.test_object_hand import SHAPE, ball, hand_of, table_after

Z, Y, X = np.indices(SHAPE)
ROW = ObjectRow("Vesicle", notes="mine")


def split(objects: np.ndarray, work) -> tuple[int, ObjectTable]:
    """Split object 5; no voxel comes or goes, and nothing else changes."""
    before = objects.copy()
    hand = hand_of(objects, dict.fromkeys(map(int, np.unique(objects[objects > 0])), ROW))
    new = work(hand)
    assert new == before.max() + 1
    np.testing.assert_array_equal(np.where(objects == new, 5, objects), before)
    assert (objects == 5).sum() >= (objects == new).sum() > 0
    table = table_after(hand)
    assert table.rows[5] == table.rows[new] == ROW and set(table.rows) == set(np.unique(objects)) - {0}
    return new, table


@pytest.mark.parametrize(
    ("first", "at_border"),
    [
        pytest.param(0, {5}, id="the rest touches a face, and what came off does not"),
        pytest.param(3, {5, 6}, id="neither does, so it was something else"),
    ],
)
def test_a_part_that_touches_no_face_is_whole(first: int, at_border: set[int]) -> None:
    objects = np.zeros(SHAPE, np.uint32)
    objects[5:15, 10:20, first:30] = 5
    hand = hand_of(objects, {5: ObjectRow(flags=frozenset({ObjectFlag.BORDER, ObjectFlag.OPEN}))})
    new = split_by_plane(hand, 5, (0, 0, 20.5), (0, 0, 1))
    rows = table_after(hand).rows
    assert new == 6 and (objects[5:15, 10:20, 21:30] == 6).all()
    assert {number for number, row in rows.items() if ObjectFlag.BORDER in row.flags} == at_border
    assert all(ObjectFlag.OPEN in row.flags for row in rows.values())


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_straight_line_cuts_a_ball_as_a_plane_does_in_every_view(axis: int) -> None:
    objects = np.zeros(SHAPE, np.uint32)
    objects[ball((12, 20, 22), 9)] = 5
    # A short line in the middle of the slice, along its rows: the column stays the same on all of it.
    centre = [12, 20, 22]
    row, column = {0: (1, 2), 1: (0, 2), 2: (1, 0)}[axis]
    at = centre[column] + 2.5
    line = Line(axis, ((centre[row] - 2.0, at), (centre[row] + 2.0, at)))
    new, _ = split(objects, lambda hand: split_by_line(hand, 5, line))
    side = (Z, Y, X)[column]
    np.testing.assert_array_equal(objects == new, ball((12, 20, 22), 9) & (side > at))


def test_a_slanted_line() -> None:
    objects = np.zeros(SHAPE, np.uint32)
    objects[ball((12, 20, 22), 9)] = 5
    new, _ = split(objects, lambda hand: split_by_line(hand, 5, Line(0, ((10, 15.33), (30, 24.33)))))
    # x = 15.33 + 0.45 (y − 10)
    distance = (X - 15.33 - 0.45 * (Y - 10)) / np.hypot(1, 0.45)
    part = objects == new
    assert {True, False} == {bool(v) for v in np.unique(part[ball((12, 20, 22), 9)])}
    left, right = ball((12, 20, 22), 9) & (distance < 0), ball((12, 20, 22), 9) & (distance > 0)
    np.testing.assert_array_equal(part, left if left.sum() < right.sum() else right)


def test_a_line_with_corners() -> None:
    objects = np.zeros(SHAPE, np.uint32)
    objects[5:15, 5:35, 5:35] = 5
    # Down, to the right, down again.
    line = Line(0, ((0.0, 14.5), (20.5, 14.5), (20.5, 24.5), (39.0, 24.5)))
    new, _ = split(objects, lambda hand: split_by_line(hand, 5, line))
    left = np.zeros(SHAPE, bool)
    left[5:15, 5:21, 5:15] = left[5:15, 21:35, 5:25] = True
    assert left.sum() == 10 * (16 * 10 + 14 * 20)
    np.testing.assert_array_equal(objects == new, left)


def test_only_the_arm_that_was_drawn_across_comes_off() -> None:
    objects = np.zeros(SHAPE, np.uint32)
    objects[5:10, 5:35, 5:10] = 5  # the back of a comb
    for row in (5, 17, 29):
        objects[5:10, row : row + 6, 10:30] = 5
    new, _ = split(objects, lambda hand: split_by_line(hand, 5, Line(0, ((15.0, 19.5), (25.0, 19.5)))))
    arm = np.zeros(SHAPE, bool)
    arm[5:10, 17:23, 20:30] = True
    np.testing.assert_array_equal(objects == new, arm)


@pytest.mark.parametrize("shorter", ["left", "right"])
def test_other_objects_on_the_line_stay_and_a_rest_goes_to_the_nearer_part(shorter: str) -> None:
    objects = np.zeros(SHAPE, np.uint32)
    left, right = np.s_[5:10, 5:15, 5:18], np.s_[5:10, 5:15, 18:30]
    objects[left] = objects[right] = 5
    objects[5:10, 12:15, slice(5, 18) if shorter == "left" else slice(18, 30)] = 0
    objects[5:10, 22:25, 5:30] = 9
    # A crumb that hangs on to nothing; it lies across the line, which was not drawn there.
    objects[5:7, 18, 16:22] = 5
    new, _ = split(objects, lambda hand: split_by_line(hand, 5, Line(0, ((4.0, 17.5), (14.9, 17.5)))))
    nearer = objects[5, 7, 25 if shorter == "left" else 10]
    assert (objects[5:7, 18, 16:22] == nearer).all()
    assert {int(objects[5, 7, 10]), int(objects[5, 7, 25])} == {5, new}


def test_a_ring_that_is_cut_once_is_in_one_piece() -> None:
    """It winds to and fro across the line: cut at one of four places it hangs together by the others."""
    objects = np.zeros(SHAPE, np.uint32)
    for y in (3, 13, 23, 33):
        objects[5, y : y + 3, 15:26] = 5
    objects[5, 3:16, 24:26] = objects[5, 13:26, 15:17] = objects[5, 23:36, 24:26] = 5
    objects[5, 3:36, 3:5] = objects[5, 3:6, 3:16] = objects[5, 33:36, 3:16] = 5
    with pytest.raises(UserError, match="one piece"):
        split_by_line(hand_of(objects), 5, Line(0, ((1.0, 20.5), (8.0, 20.5))))
    objects[5, 3:36, 3:5] = 0  # without its closing side it is a thread
    split(objects, lambda hand: split_by_line(hand, 5, Line(0, ((1.0, 20.5), (8.0, 20.5)))))


@pytest.mark.parametrize(
    "line",
    [
        Line(0, ((0.0, 2.0), (39.0, 2.0))),  # beside it
        Line(0, ((1.0, 20.0), (3.0, 20.0))),  # drawn on it would cut, but it was not drawn across
    ],
    ids=["beside", "before"],
)
def test_a_line_that_does_not_cross_is_a_sentence(line: Line) -> None:
    objects = np.zeros(SHAPE, np.uint32)
    objects[5:15, 10:30, 10:30] = 5
    before = objects.copy()
    with pytest.raises(UserError, match="one piece"):
        split_by_line(hand_of(objects), 5, line)
    np.testing.assert_array_equal(objects, before)


def test_a_large_object_is_halved_slab_by_slab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_split, "MOST_VOXELS", 100)
    monkeypatch.setattr("sxtstudio.core.object_hand._SLAB_VOXELS", 500)
    objects = np.zeros(SHAPE, np.uint32)
    objects[ball((12, 20, 22), 9)] = 5
    new, _ = split(objects, lambda hand: split_by_line(hand, 5, Line(0, ((18.0, 24.5), (22.0, 24.5)))))
    np.testing.assert_array_equal(objects == new, ball((12, 20, 22), 9) & (X > 24.5))


@pytest.mark.parametrize("normal", [(1, 0, 0), (0, 0, -2), (1, 2, 0.5)])
def test_a_plane(normal: tuple[float, float, float]) -> None:
    objects = np.zeros(SHAPE, np.uint32)
    whole = ball((12, 20, 22), 9)
    objects[whole] = 5
    point = (12.2, 21.3, 22.4)
    new, _ = split(objects, lambda hand: split_by_plane(hand, 5, point, normal))
    beyond = whole & (sum((n - p) * v for n, p, v in zip((Z, Y, X), point, normal, strict=True)) > 0)
    smaller = beyond if 2 * beyond.sum() <= whole.sum() else whole & ~beyond
    np.testing.assert_array_equal(objects == new, smaller)
    with pytest.raises(UserError, match="one piece"):
        split_by_plane(hand_of(objects), 5, (0, 0, 0), (1, 0, 0))


@pytest.mark.parametrize("voxel_nm", [None, (10.0, 10.0, 10.0)])
@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize(
    ("first", "second"),
    [((12, 20, 12), (12, 20, 30)), ((12, 13, 12), (12, 27, 30)), ((12, 20, 5), (17, 20, 30))],
    ids=["middles", "rims", "far rims"],
)
def test_two_points_split_touching_balls_at_their_neck(
    first, second, coarse: bool, voxel_nm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_split, "_FINE_VOXELS", 100 if coarse else 10**9)
    left, right = ball((12, 20, 12), 7.5), ball((12, 20, 30), 11)
    objects = np.zeros(SHAPE, np.uint32)
    objects[left | right] = 5
    # They meet where the distance to both surfaces is the same: x = 12 + (18² + 7.5² − 11²)/(2 · 18).
    neck = 12 + (18**2 + 7.5**2 - 11**2) / 36
    new, _ = split(objects, lambda hand: split_by_points(hand, 5, first, second, voxel_nm))
    expected = (left | right) & (X < neck)
    wrong = np.count_nonzero((objects == new) ^ expected)
    assert wrong <= (0.08 if coarse else 0.03) * expected.sum(), f"{wrong} of {expected.sum()} voxels"


def test_two_points_of_one_bump_share_it_by_distance() -> None:
    objects = np.zeros(SHAPE, np.uint32)
    whole = ball((12, 20, 22), 9)
    objects[whole] = 5
    new, _ = split(objects, lambda hand: split_by_points(hand, 5, (12, 20, 15), (12, 20, 31)))
    np.testing.assert_array_equal(objects == new, whole & (X > 23))


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ((12, 20, 22), (12, 20, 22), "same voxel"),
        ((12, 20, 22), (0, 0, 0), "must lie on"),
        ((12, 20, 22), (12, 20, 43), "must lie on"),
    ],
)
def test_points_that_cannot_part_it_are_a_sentence(first, second, words: str) -> None:
    objects = np.zeros(SHAPE, np.uint32)
    objects[ball((12, 20, 22), 9)] = 5
    with pytest.raises(UserError, match=words):
        split_by_points(hand_of(objects), 5, first, second)
