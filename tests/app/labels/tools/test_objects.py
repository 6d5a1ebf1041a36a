"""Whole objects and slices: delete, keep, cut, merge, interpolate, clear, on the real window."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from scipy import ndimage

from sxtstudio.app.labels.tools import object_work, slice_work
from sxtstudio.app.labels.tools.base import PointerEvent
from sxtstudio.app.states import Panel
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.core.planes import Plane

TARGETS = pytest.mark.parametrize("target", ["labels", "mask"])
SIZES = pytest.mark.parametrize("large", [False, True], ids=["at once", "job"])
A = (slice(10, 20), slice(50, 60), slice(50, 70))
B = (slice(30, 40), slice(50, 60), slice(50, 70))
VOXELS = 10 * 10 * 20
IN_A, IN_B = (15, 55, 60), (35, 55, 60)


@pytest.fixture
def two(hand, request: pytest.FixtureRequest):
    """Two cuboids, one below the other."""
    for place in (A, B):
        hand.draw_box(*place)
        hand.draw_box(*place, target="mask")
    return hand


def only(*places: tuple[slice, slice, slice]) -> np.ndarray:
    out = np.zeros((64, 384, 384), bool)
    for place in places:
        out[place] = True
    return out


@pytest.fixture
def slow_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every object counts as large."""
    monkeypatch.setattr(object_work, "QUICK_VOXELS", 10)
    monkeypatch.setattr("sxtstudio.core.objects_at._FIRST_REACH", 1)


@TARGETS
@SIZES
def test_delete_takes_the_object_on_all_slices(two, target: str, large: bool, request) -> None:
    if large:
        request.getfixturevalue("slow_objects")
    two.take("delete", target)
    two.click("xy", 15, (55, 60))
    assert bool(two.session.busy) == large
    two.wait()
    np.testing.assert_array_equal(two.voxels(target), only(B))
    np.testing.assert_array_equal(two.voxels("mask" if target == "labels" else "labels"), only(A, B))
    two.session.undo()
    np.testing.assert_array_equal(two.voxels(target), only(A, B))
    assert two.session.document.steps[-2].parameters["voxel"] == [15, 55, 60]


@TARGETS
def test_keep_deletes_the_others(two, target: str) -> None:
    two.take("keep", target)
    two.click("yz", 60, (55, 35))  # row y, column z
    two.wait()
    np.testing.assert_array_equal(two.voxels(target), only(B))
    two.session.undo()
    np.testing.assert_array_equal(two.voxels(target), only(A, B))


def test_objects_larger_than_any_window_are_walked_slab_by_slab(two, monkeypatch: pytest.MonkeyPatch) -> None:
    real = object_work.object_at
    monkeypatch.setattr(
        object_work, "object_at", lambda labels, seed, **more: real(labels, seed, limit_voxels=10)
    )
    monkeypatch.setattr("sxtstudio.core.objects_at._FIRST_REACH", 1)
    two.take("keep")
    two.click("xy", 15, (55, 60))
    two.wait()
    np.testing.assert_array_equal(two.voxels(), only(A))
    two.take("delete")
    two.click("xy", 15, (55, 60))
    two.wait()
    assert not two.voxels().any()


def test_a_click_beside_says_so(two) -> None:
    for tool in ("delete", "keep", "merge"):
        two.take(tool)
        for point in ((5, 5), (-50, 5)):
            two.said.clear()
            two.click("xy", 15, point)
            assert "no label under" in two.said[-1] and two.session.busy is None


@pytest.mark.parametrize(
    ("plane", "depth", "start", "end", "target"),
    [
        ("xy", 15, (40, 59.5), (70, 59.5), "labels"),
        ("xz", 55, (5, 59.5), (25, 59.5), "mask"),
        ("yz", 60, (40, 14.5), (70, 14.5), "labels"),
    ],
)
@SIZES
def test_cut_in_all_planes(
    two,
    plane: Plane,
    depth: int,
    start: tuple[float, float],
    end: tuple[float, float],
    target: str,
    large: bool,
    request,
) -> None:
    if large:
        request.getfixturevalue("slow_objects")
    two.take("cut", target)
    two.stroke(plane, depth, start, ((start[0] + end[0]) / 2, start[1] + 3), end)
    two.wait()
    across = (A[0], A[1], slice(59, 61)) if plane != "yz" else (slice(14, 16), A[1], A[2])
    expected = only(A, B)
    expected[across] = False
    np.testing.assert_array_equal(two.voxels(target), expected)
    assert ndimage.label(two.voxels(target), np.ones((3, 3, 3)))[1] == 3
    assert "2 pieces" in two.said[-1] and two.toolbox.sketch is None


def test_cut_shows_its_line_and_prefers_the_selected_object(two) -> None:
    two.draw_box(slice(10, 20), slice(80, 90), slice(50, 70))
    two.toolbox.pick(PointerEvent("xy", 85, 60, 15, "left", ctrl=True))
    two.take("cut", cut_px=4)
    two.toolbox.press(PointerEvent("xy", 40, 60, 15, "left"))
    two.toolbox.move(PointerEvent("xy", 100, 60, 15, "left"))
    assert two.toolbox.sketch.lines[0].tolist() == [[40, 60], [100, 60]]
    two.toolbox.release(PointerEvent("xy", 100, 60, 15, "left"))
    assert two.voxels()[A].all() and not two.voxels()[10:20, 80:90, 58:63].any()
    assert two.voxels()[10:20, 80:90, 63:70].all()


def test_cuts_that_miss_say_so(two) -> None:
    two.take("cut")
    before = two.voxels()
    two.stroke("xy", 15, (100, 100), (200, 200))
    assert "crosses no label" in two.said[-1]
    two.click("xy", 15, (55, 60))
    assert "all the way across" in two.said[-1]
    np.testing.assert_array_equal(two.voxels(), before)
    two.stroke("xy", 15, (45, 60), (55, 60))
    assert "still in one piece" in two.said[-1]


@TARGETS
@SIZES
def test_merge_joins_two_objects(two, target: str, large: bool, request) -> None:
    if large:
        request.getfixturevalue("slow_objects")
    two.take("merge", target, brush_px=4)
    two.click("xy", 15, (55, 60))
    assert two.toolbox.unfinished and "Now click" in " ".join(two.said)
    two.click("xy", 35, (55, 60))
    two.wait()
    volume = two.voxels(target)
    assert ndimage.label(volume, np.ones((3, 3, 3)))[1] == 1
    bridge = volume & ~only(A, B)
    assert bridge[20:30].any(axis=(1, 2)).all() and 5 * 10 <= bridge.sum() <= 25 * 10
    two.session.undo()
    np.testing.assert_array_equal(two.voxels(target), only(A, B))


@SIZES
def test_merging_an_object_with_itself_says_so(two, large: bool, request) -> None:
    if large:
        request.getfixturevalue("slow_objects")
    two.take("merge")
    two.click("xy", 15, (55, 60))
    two.click("xy", 15, (55, 65))
    two.wait()
    assert "same object" in two.said[-1] and not two.toolbox.unfinished
    np.testing.assert_array_equal(two.voxels(), only(A, B))


@SIZES
def test_the_question_for_the_second_object_stays_while_the_first_is_highlighted(
    two, large: bool, request
) -> None:
    if large:
        request.getfixturevalue("slow_objects")
    two.take("merge")
    two.click("xy", 15, (55, 60))
    two.wait()
    assert two.session.selection.voxels == VOXELS
    assert "Now click" in two.said[-1]


@pytest.fixture
def held_search(slow_objects: None, monkeypatch: pytest.MonkeyPatch):
    """The search for A in a job waits until this event is set, and looks at no cancel any more."""
    real, go_on = object_work.object_at, threading.Event()

    def slowly(labels, seed, **more):
        if seed == IN_A and "progress" in more:
            del more["progress"]
            assert go_on.wait(10)
        return real(labels, seed, **more)

    monkeypatch.setattr(object_work, "object_at", slowly)
    yield go_on
    go_on.set()


def pick(two, voxel: tuple[int, int, int]) -> None:
    z, y, x = voxel
    two.toolbox.pick(PointerEvent("xy", y, x, z, "left", ctrl=True))


def test_the_last_pick_wins_over_a_slower_search(two, held_search: threading.Event) -> None:
    pick(two, IN_A)
    pick(two, IN_B)
    two.qtbot.waitUntil(lambda: two.session.selection is not None)
    held_search.set()
    two.wait()
    assert two.session.selection.box == Box((30, 50, 50), (40, 60, 70))


def test_a_pick_beside_ends_the_search(two, held_search: threading.Event) -> None:
    pick(two, IN_A)
    pick(two, (5, 5, 5))
    held_search.set()
    two.wait()
    assert two.session.selection is None


def test_labels_that_changed_during_the_search_are_not_highlighted(two, held_search: threading.Event) -> None:
    pick(two, IN_A)
    two.draw_box(slice(10, 20), slice(50, 60), slice(70, 75))
    held_search.set()
    two.wait()
    assert two.session.selection is None
    pick(two, IN_A)
    two.wait()
    assert two.session.selection.voxels == VOXELS * 5 // 4


def test_a_change_of_the_mask_does_not_end_the_search(two, held_search: threading.Event) -> None:
    pick(two, IN_A)
    two.draw_box(slice(0, 5), slice(0, 5), slice(0, 5), target="mask")
    held_search.set()
    two.wait()
    assert two.session.selection.voxels == VOXELS


@SIZES
def test_pick_selects_and_the_menu_acts_on_it(two, large: bool, request) -> None:
    if large:
        request.getfixturevalue("slow_objects")
    actions = two.window.actions_.by_name
    assert not actions["labels.delete_selected"].isEnabled()
    two.toolbox.pick(PointerEvent("xz", 35, 60, 55, "left", ctrl=True))
    two.wait()
    selection = two.session.selection
    assert selection is not None and selection.voxels == VOXELS
    assert selection.box == Box((30, 50, 50), (40, 60, 70)) and selection.where.all() and selection.complete
    panel = two.window.context.parts.labels
    two.window.context.parts.side.show_panel(Panel.LABELS)
    # 2000 voxels of (10 nm)³ are 0.002 µm³.
    assert "0.002 µm³" in panel.selected.text() and "2\u202f000" in panel.selected.text()
    actions["labels.delete_selected"].trigger()
    two.wait()
    np.testing.assert_array_equal(two.voxels(), only(A))
    assert two.session.selection is None and not actions["labels.delete_selected"].isEnabled()
    two.session.set_cursor((15, 55, 60))
    actions["labels.select"].trigger()
    two.wait()
    assert two.session.selection is not None
    actions["labels.keep_selected"].trigger()
    two.wait()
    np.testing.assert_array_equal(two.voxels(), only(A))
    two.toolbox.pick(PointerEvent("xz", 5, 5, 5, "left", ctrl=True))
    assert two.session.selection is None


@pytest.mark.parametrize(
    ("plane", "axis", "target"), [("xy", 0, "mask"), ("xz", 1, "labels"), ("yz", 2, "labels")]
)
def test_interpolate_between_drawn_slices(hand, plane: Plane, axis: int, target: str) -> None:
    hand.take("brush", target, brush_px=20)
    hand.stroke(plane, 20, (30, 30))
    hand.stroke(plane, 30, (30, 40))
    slice_work.interpolate(hand.window.context, target, axis, 20, 30)
    assert hand.session.busy
    hand.wait()
    for depth in range(20, 31):
        drawn = hand.plane(plane, depth, target)
        centre = np.argwhere(drawn).mean(axis=0)
        assert abs(drawn.sum() - np.pi * 100) < 25 and abs(centre[1] - (30.5 + depth - 20)) < 1
    hand.session.undo()
    assert not hand.plane(plane, 25, target).any() and hand.plane(plane, 20, target).any()
    slice_work.interpolate_nearest(hand.window.context, target, axis)
    hand.wait()
    if axis == 0:  # the crosshair is in the middle, at z = 32
        assert hand.plane(plane, 25, target).any()


def test_what_cannot_be_interpolated_is_said(hand) -> None:
    assert not hand.window.actions_.by_name["labels.interpolate"].isEnabled()
    hand.take("brush")
    hand.stroke("xy", 20, (30, 30))
    slice_work.interpolate(hand.window.context, "labels", 0, 20, 40)
    hand.wait()
    assert "Slice 41 is empty" in hand.said[-1] and len(hand.session.history) == 1
    slice_work.interpolate_nearest(hand.window.context, "labels")
    hand.wait()
    assert "no empty slices" in hand.said[-1]


def test_clear_slice_and_clear_labels_can_be_undone(two) -> None:
    actions = two.window.actions_.by_name
    two.session.set_cursor((15, 0, 0))
    actions["labels.clear_slice"].trigger()
    expected = only(A, B)
    expected[15] = False
    np.testing.assert_array_equal(two.voxels(), expected)
    actions["labels.clear"].trigger()
    two.wait()
    assert not two.voxels().any() and two.voxels("mask").any()
    two.session.undo()
    np.testing.assert_array_equal(two.voxels(), expected)
    two.session.undo()
    np.testing.assert_array_equal(two.voxels(), only(A, B))


def test_a_cancelled_job_leaves_everything_as_it_was(two, slow_objects: None) -> None:
    two.take("keep")
    steps = len(two.session.history)
    two.click("xy", 15, (55, 60))
    two.window.jobs.running[0].cancel()
    two.wait()
    if len(two.session.history) > steps:  # it was done before the cancel came
        two.session.undo()
    np.testing.assert_array_equal(two.voxels(), only(A, B))


def test_the_shape_at_the_crosshair_is_copied_to_the_next_slice(two) -> None:
    two.draw_box(A[0], slice(100, 110), slice(100, 110))
    session, before = two.session, two.voxels().copy()
    z, y, x = (int(n) for n in np.argwhere(before)[0])
    plane, _ = ndimage.label(before[z], np.ones((3, 3)))
    session.set_cursor((z, y, x))
    two.toolbox.point(PointerEvent("xy", y, x, z))
    back = two.window.actions_.by_name["labels.copy_previous"]
    back.trigger()
    expected = before.copy()
    expected[z - 1] |= plane == plane[y, x]
    assert plane.max() == 2
    assert np.array_equal(two.voxels(), expected) and session.cursor == (z - 1, y, x)
    step = session.document.steps[-1]
    assert step.edit is EditKind.COPY_SHAPE
    assert step.parameters == {"plane": "xy", "slice": z - 1, "copied_from": z}
    session.undo()
    assert np.array_equal(two.voxels(), before)


def test_the_shape_that_was_drawn_last_is_copied_and_stays_what_it_is(hand) -> None:
    """A membrane at the crosshair, a square beside it: the square goes on, also through another label."""
    session = hand.session
    hand.draw_box(slice(20, 24), slice(50, 60), slice(50, 60))
    hand.draw_box(slice(21, 22), slice(150, 170), slice(129, 140))  # touches the square on slice 21
    hand.toolbox.point(PointerEvent("xy", 55, 55, 20))
    hand.take("polygon")
    for corner in ((150, 120), (150, 128), (158, 128), (158, 120)):
        hand.click("xy", 20, corner)
    hand.toolbox.finish()
    square = hand.voxels()[20].copy()
    square[50:60, 50:60] = False
    assert square.sum() == 81  # 9 × 9
    before = hand.voxels().copy()
    following = hand.window.actions_.by_name["labels.copy_next"]
    for _ in range(3):
        following.trigger()
        assert "shape that was drawn last is copied" in hand.said[-1]
    expected = before.copy()
    expected[21:24] |= square
    assert np.array_equal(hand.voxels(), expected) and session.cursor == (23, 55, 55)
    session.undo()
    session.undo()
    session.set_cursor((20, 55, 55))
    hand.toolbox.point(PointerEvent("xy", 55, 55, 20))  # a click after it means what it hits
    following.trigger()
    assert "shape at the crosshair is copied" in hand.said[-1]
    hand.take("eraser", brush_px=1)
    hand.click("xy", 20, (150, 120))  # the eraser touches the square
    session.set_cursor((20, 55, 55))
    following.trigger()
    assert "shape that was drawn last is copied" in hand.said[-1]


def test_all_of_the_slice_is_copied_where_nothing_was_drawn(two) -> None:
    session, before = two.session, two.voxels().copy()
    z = int(np.argwhere(before)[0][0])
    session.history.begin()
    session.set_cursor((z, 0, 0))
    two.window.actions_.by_name["labels.copy_next"].trigger()
    expected = before.copy()
    expected[z + 1] |= before[z]
    assert np.array_equal(two.voxels(), expected)


def test_what_cannot_be_copied_is_said(two) -> None:
    two.session.set_cursor((63, 0, 0))
    two.window.actions_.by_name["labels.copy_next"].trigger()
    assert "no slice comes after it" in two.said[-1]
    two.session.set_cursor((0, 0, 0))
    two.window.actions_.by_name["labels.copy_previous"].trigger()
    assert "no slice comes before it" in two.said[-1]
    empty = int(np.flatnonzero(~two.voxels().any(axis=(1, 2)))[1])
    two.session.set_cursor((empty, 0, 0))
    two.window.actions_.by_name["labels.copy_next"].trigger()
    assert f"Nothing is drawn on slice {empty + 1}" in two.said[-1]
