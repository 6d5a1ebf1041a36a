"""Objects by hand on the real window: every tool in the slices, and what can be taken back."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from sxtstudio.app.labels.history import change_texts
from sxtstudio.app.labels.tools import toolbox
from sxtstudio.app.labels.tools.base import PointerEvent
from sxtstudio.app.objects.classes import queue
from sxtstudio.app.objects.tools import work
from sxtstudio.app.objects.tools.catalogue import OBJECTS_BY_NAME, PICK, TOOLS
from sxtstudio.app.objects.tools.click import object_around
from sxtstudio.app.states import Panel
from sxtstudio.core.classes.queue import questions
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_table import NONE_CHOSEN, ObjectRow, ObjectTable
from sxtstudio.workflow.document import document as document_module

SHAPE = (64, 384, 384)
A, B = np.s_[10:20, 50:70, 50:70], np.s_[10:20, 50:70, 80:110]
IN_A, IN_B = (60, 60), (60, 95)  # row, column of XY


class Objects:
    """The hand of somebody who has opened the sample with two objects, 1 and 2."""

    def __init__(self, hand) -> None:
        self.hand = hand
        self.session = hand.session
        self.document = hand.session.document

    @property
    def array(self) -> np.ndarray:
        return np.array(self.document.array("objects"))

    @property
    def rows(self) -> dict[int, ObjectRow]:
        return dict(self.document.object_table.rows)

    @property
    def selected(self) -> tuple[int, ...]:
        return self.session.objects.value.selected

    def take(self, tool: str, **fields: object) -> None:
        self.hand.take(tool, "objects", **fields)

    def click(self, point: tuple[float, float], z: int = 15, **keys: bool) -> None:
        self.hand.click("xy", z, point, **keys)

    def wait(self) -> None:
        self.hand.wait()


def blocks(**others: object) -> np.ndarray:
    out = np.zeros(SHAPE, np.uint32)
    out[A], out[B] = 1, 2
    return out


@pytest.fixture
def two(hand) -> Objects:
    session = hand.session
    with session.edit(EditKind.FIND_OBJECTS, "objects") as recorder:
        recorder.write(Box.whole(SHAPE), blocks())
        rows = {1: ObjectRow("Vesicle"), 2: ObjectRow("Gold", notes="mine")}
        recorder.rows = session.document.object_table.change(rows)
    return Objects(hand)


SIZES = pytest.mark.parametrize("large", [False, True], ids=["at once", "job"])


@pytest.fixture
def caught(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """What the tools could not make a sentence of."""
    errors: list[BaseException] = []
    monkeypatch.setattr(toolbox, "show_error", lambda window, error: errors.append(error))
    return errors


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "QUICK_VOXELS", 8)


def undone(two: Objects) -> None:
    """Undo brings back voxels and table, Redo does it again."""
    array, rows = two.array, two.rows
    two.session.undo()
    np.testing.assert_array_equal(two.array, blocks())
    assert two.rows == {1: ObjectRow("Vesicle"), 2: ObjectRow("Gold", notes="mine")}
    two.session.redo()
    np.testing.assert_array_equal(two.array, array)
    assert two.rows == rows


def test_pick_chooses_one_or_several(two: Objects) -> None:
    two.take("pick")
    two.click(IN_A)
    assert two.selected == (1,) and "Object 1 · Vesicle" in two.hand.said[-1]
    two.click(IN_B)
    assert two.selected == (2,)
    two.click(IN_A, ctrl=True)
    assert two.selected == (2, 1)
    two.click(IN_B, shift=True)
    assert two.selected == (1,)
    two.click((5, 5), ctrl=True)
    assert two.selected == (1,)
    two.click((5, 5))
    assert two.selected == ()
    assert len(two.session.history) == 1
    two.hand.click("xz", 60, (15, 95))
    assert two.selected == (2,)
    two.hand.click("yz", 60, (60, 15))
    assert two.selected == (1,)


def test_ctrl_click_with_no_tool_chooses_too(two: Objects) -> None:
    two.take("look")
    two.hand.toolbox.pick(PointerEvent("xy", *IN_B, 15, "left", ctrl=True))
    assert two.selected == (2,) and two.session.selection is None


def test_hidden_objects_are_not_there_for_the_tools(two: Objects) -> None:
    two.session.objects.set(hidden=frozenset({1}))
    two.take("delete")
    two.click(IN_A)
    assert "no object under the pointer" in two.hand.said[-1] and set(two.rows) == {1, 2}
    two.session.objects.set(hidden=frozenset(), only=frozenset({1}))
    two.click(IN_B)
    assert set(two.rows) == {1, 2}


@SIZES
def test_delete(two: Objects, large: bool, request: pytest.FixtureRequest) -> None:
    if large:
        request.getfixturevalue("slow")
    two.session.objects.set(selected=(2, 1))
    two.take("delete")
    two.click(IN_A)
    assert bool(two.session.busy) == large
    two.wait()
    expected = blocks()
    expected[A] = 0
    np.testing.assert_array_equal(two.array, expected)
    assert set(two.rows) == {2} and two.selected == (2,)
    assert two.document.steps[-1].parameters == {"objects": "1"}
    undone(two)


def test_keep_only(two: Objects) -> None:
    two.take("keep")
    two.click(IN_A)
    two.wait()
    assert set(two.rows) == {1} and set(np.unique(two.array)) == {0, 1}
    undone(two)


@SIZES
def test_merge_takes_two_clicks(two: Objects, large: bool, request: pytest.FixtureRequest) -> None:
    if large:
        request.getfixturevalue("slow")
    two.take("merge")
    two.click(IN_B)
    assert two.selected == (2,) and two.hand.toolbox.unfinished
    two.click(IN_B)
    assert "Both clicks" in two.hand.said[-1] and not two.hand.toolbox.unfinished
    two.click(IN_B)
    two.click(IN_A)
    two.wait()
    np.testing.assert_array_equal(two.array, np.where(blocks() > 0, 2, 0))
    assert two.rows == {2: ObjectRow("Gold", notes="mine")} and two.selected == (2,)
    undone(two)


def test_esc_forgets_the_first_click(two: Objects) -> None:
    two.take("merge")
    two.click(IN_B)
    two.hand.toolbox.cancel()
    two.click(IN_A)
    two.hand.toolbox.cancel()
    assert set(two.rows) == {1, 2} and two.hand.toolbox.sketch is None


@SIZES
def test_split_along_a_line(two: Objects, large: bool, request: pytest.FixtureRequest) -> None:
    if large:
        request.getfixturevalue("slow")
    two.take("cut")
    two.hand.stroke("xy", 15, (45, 89.5), (60, 89.5), (75, 89.5))
    two.wait()
    expected = blocks()
    expected[10:20, 50:70, 80:90] = 3
    np.testing.assert_array_equal(two.array, expected)
    assert two.rows[3] == two.rows[2] == ObjectRow("Gold", notes="mine") and two.selected == (3,)
    assert two.document.steps[-1].parameters["object"] == 2
    undone(two)


def test_the_chosen_object_is_split_where_the_line_crosses_several(two: Objects) -> None:
    two.take("cut")
    two.session.objects.set(selected=(2,))
    two.hand.stroke("xy", 15, (55.5, 40), (55.5, 120))
    assert set(np.unique(two.array[B])) == {2, 3} and (two.array[A] == 1).all()
    two.session.undo()
    two.session.objects.set(selected=())
    two.hand.stroke("xy", 15, (55.5, 40), (55.5, 120))
    assert set(np.unique(two.array[A])) == {1, 3} and (two.array[B] == 2).all()


def test_a_bent_line_with_shift(two: Objects) -> None:
    two.take("cut")
    points = [(45.0, 89.5), (60.5, 89.5), (60.5, 99.5), (75.0, 99.5)]
    two.hand.stroke("xy", 15, *points, shift=True)
    expected = blocks()
    expected[10:20, 50:61, 80:90] = expected[10:20, 61:70, 80:100] = 3
    np.testing.assert_array_equal(two.array, expected)


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([(45, 89), (45.5, 89)], "all the way across"),
        ([(5, 5), (40, 40)], "crosses no object"),
        ([(45, 55), (52, 45)], "one piece|crosses"),
    ],
)
def test_a_line_that_splits_nothing_says_so(two: Objects, points, words: str) -> None:
    two.take("cut")
    two.hand.stroke("xy", 15, *points)
    assert set(two.rows) == {1, 2} or "split" in two.hand.said[-1]
    if set(two.rows) == {1, 2}:
        assert any(word in two.hand.said[-1] for word in words.split("|"))


def test_split_by_two_clicks(two: Objects) -> None:
    with two.session.edit(EditKind.BRUSH, "objects") as recorder:
        recorder.write(Box((14, 58, 70), (16, 62, 80)), np.full((2, 4, 10), 1, np.uint32))
        recorder.paint(Box((10, 50, 80), (20, 70, 110)), np.ones((10, 20, 30), bool), 1)
        recorder.rows = two.document.object_table.change({2: None})
    two.take("part")
    two.click(IN_A)
    two.click((5, 5))
    assert "no object" in two.hand.said[-1]
    two.hand.toolbox.cancel()
    two.click(IN_A)
    two.click(IN_B)
    two.wait()
    found = two.array
    small, large = found[15, 60, 60], found[15, 60, 95]
    assert {int(small), int(large)} == {1, 2} and large == 1
    assert (found[A] == small).all() and (found[B] == large).all()


def test_grow_and_shrink(two: Objects) -> None:
    two.take("grow", grow_px=2)
    two.click(IN_A)
    two.wait()
    assert (two.array == 1).sum() > 4000 and (two.array == 2).sum() == 6000
    assert two.array[15, 60, 71] == 1 and two.array[15, 60, 72] == 0
    undone(two)
    two.click(IN_B, shift=True)
    two.wait()
    expected = np.zeros(SHAPE, bool)
    expected[12:18, 52:68, 82:108] = True
    np.testing.assert_array_equal(two.array == 2, expected)


def test_fill_holes_in_the_slices_of_the_view_or_in_3d(two: Objects) -> None:
    with two.session.edit(EditKind.BRUSH, "objects") as recorder:
        recorder.paint(Box((10, 55, 55), (20, 60, 60)), np.ones((10, 5, 5), bool), 0)  # through and through
        recorder.paint(Box((12, 62, 62), (14, 64, 64)), np.ones((2, 2, 2), bool), 0)  # closed
    two.take("fill")
    two.click((66, 66), shift=True)
    two.wait()
    assert (two.array[12:14, 62:64, 62:64] == 1).all() and not two.array[15, 57, 57]
    two.hand.click("xz", 66, (15, 66))
    two.wait()
    assert "no hole" in two.hand.said[-1]
    two.click((66, 66))
    two.wait()
    np.testing.assert_array_equal(two.array, blocks())


def test_a_click_into_a_hole_fills_it(two: Objects) -> None:
    with two.session.edit(EditKind.BRUSH, "objects") as recorder:
        recorder.paint(Box((10, 55, 55), (20, 60, 60)), np.ones((10, 5, 5), bool), 0)
    two.take("fill")
    two.click((57, 57))
    two.wait()
    np.testing.assert_array_equal(two.array, blocks())
    two.click((120, 120))
    assert "no object under the pointer" in two.hand.said[-1]


def test_an_outline_that_is_no_object_yet_says_so(two: Objects) -> None:
    with two.session.edit(EditKind.BRUSH) as recorder:
        recorder.paint(Box((15, 120, 120), (16, 121, 130)), np.ones((1, 1, 10), bool), 255)
    two.take("fill")
    two.click((120, 125))
    assert two.hand.said[-1].startswith("This outline is no object yet.")


@pytest.mark.parametrize("tool", ["pick", "wand", "fill", "merge", "cut", "part", "grow", "delete", "keep"])
@pytest.mark.parametrize("outside", [(-1, 60), (60, 384), (-25, -200), (900, 60)], ids=str)
def test_a_click_beside_the_slice_changes_nothing(
    two: Objects, tool: str, outside: tuple[int, int], caught: list[BaseException]
) -> None:
    two.take(tool)
    before, rows = two.array, two.rows
    two.hand.said.clear()
    two.click(outside)
    two.click(outside, shift=True)
    two.wait()
    np.testing.assert_array_equal(two.array, before)
    assert two.rows == rows and not caught
    if tool == "fill":
        assert two.hand.said == ["Click inside the tomogram."] * 2


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        pytest.param((5, 5), 3, id="in the hole"),
        pytest.param((1, 1), 0, id="outside of all"),
        pytest.param((3, 5), 0, id="on the object"),
        pytest.param((5, 11), 0, id="between two objects"),
    ],
)
def test_the_object_around_a_place(where: tuple[int, int], expected: int) -> None:
    plane = np.zeros((12, 16), np.uint32)
    plane[3:8, 3:8], plane[4:7, 4:7] = 3, 0
    plane[3:8, 9:14], plane[4:7, 10:13] = 4, 0
    plane[3, 9:14] = 5
    assert object_around(plane, where) == expected


def test_the_brush_changes_the_chosen_object_and_goes_round_others(two: Objects) -> None:
    two.take("brush", brush_px=9)
    two.session.objects.set(selected=(1,))
    two.hand.stroke("xy", 15, (60, 65), (60, 85))
    found = two.array
    assert (found[15, 60, 70:80] == 1).all() and (found[B] == 2).all()
    assert found[14].tolist() == blocks()[14].tolist()
    assert two.document.steps[-1].name == "Draw object" and two.document.steps[-1].parameters["object"] == 1
    undone(two)


def test_the_brush_in_free_space_begins_a_new_object_and_goes_on_with_it(two: Objects) -> None:
    two.take("brush", brush_px=5)
    two.click((200, 200))
    assert two.selected == (3,) and two.rows[3] == ObjectRow() and two.array[15, 200, 200] == 3
    assert two.document.steps[-1].name == "New object"
    undone(two)
    two.session.objects.set(selected=(3,))
    two.click((200, 200), z=16)
    assert two.array[16, 200, 200] == 3 and set(two.rows) == {1, 2, 3}
    two.session.objects.set(selected=())
    two.click(IN_B)  # where there is one, and none is chosen: that one
    two.click((200, 230))
    assert two.array[15, 200, 230] == 4
    two.session.undo()
    assert two.selected == ()


@pytest.mark.parametrize(("tool", "keys"), [("eraser", {}), ("brush", {"shift": True})])
def test_erasing_takes_from_the_chosen_object_alone(two: Objects, tool: str, keys: dict[str, bool]) -> None:
    two.take(tool, brush_px=15)
    two.session.objects.set(selected=(2,))
    two.hand.stroke("xy", 15, (60, 60), (60, 95), **keys)
    found = two.array
    assert (found[A] == 1).all() and found[15, 60, 95] == 0
    undone(two)


def test_an_object_that_is_erased_whole_is_gone_from_the_table(two: Objects) -> None:
    two.take("eraser", brush_px=80, ball=True)
    two.click(IN_A)  # none is chosen: the one under the pointer
    assert set(two.rows) == {2} and (two.array[B] == 2).all()
    two.session.undo()
    assert set(two.rows) == {1, 2}


@pytest.mark.parametrize("tool", ["polygon", "lasso"])
def test_a_drawn_outline_is_a_new_object(two: Objects, tool: str) -> None:
    two.take(tool)
    corners = [(200.0, 200.0), (200.0, 220.0), (220.0, 220.0), (220.0, 200.0)]
    if tool == "polygon":
        for corner in corners:
            two.click(corner)
        two.hand.toolbox.finish()
    else:
        two.hand.stroke("xy", 15, *corners)
    assert (two.array[15, 202:218, 202:218] == 3).all() and two.rows[3] == ObjectRow()
    undone(two)


def test_drawing_the_first_object_of_all(hand) -> None:
    first = Objects(hand)
    first.take("lasso")
    first.hand.stroke("xy", 15, (200, 200), (200, 220), (220, 220), (220, 200))
    assert first.rows == {1: ObjectRow()} and (first.array[15, 202:218, 202:218] == 1).all()


@pytest.mark.parametrize("tool", ["pick", "delete", "keep", "merge", "part", "cut", "grow", "fill"])
def test_without_objects_the_tools_say_what_to_do(hand, tool: str) -> None:
    hand.take(tool, "objects")
    hand.stroke("xy", 15, IN_A, IN_B)
    assert "Find them first" in hand.said[-1] and len(hand.session.history) == 0
    assert hand.session.document.array("objects") is None


def test_hovering_shows_outline_and_name(two: Objects, qtbot) -> None:
    toolbox = two.hand.toolbox
    two.take("delete")
    toolbox.hover(PointerEvent("xy", *IN_B, 15))
    qtbot.waitUntil(lambda: toolbox.sketch is not None, timeout=5000)
    lines = np.concatenate(toolbox.sketch.lines)
    assert toolbox.sketch.text == "Object 2 · Gold"
    np.testing.assert_allclose(lines.min(axis=0), (49.5, 79.5))
    np.testing.assert_allclose(lines.max(axis=0), (69.5, 109.5))
    toolbox.hover(PointerEvent("xy", 5, 5, 15))
    assert toolbox.sketch is None


def extent(lines: tuple[np.ndarray, ...]) -> tuple[list[float], list[float]]:
    points = np.concatenate(lines)
    return points.min(axis=0).tolist(), points.max(axis=0).tolist()


def test_hovering_shows_what_growing_shrinking_and_filling_would_make(two: Objects, qtbot) -> None:
    toolbox = two.hand.toolbox
    with two.session.edit(EditKind.BRUSH, "objects") as recorder:
        recorder.paint(Box((10, 55, 55), (20, 60, 61)), np.ones((10, 5, 6), bool), 0)
    for tool, shift, expected in (
        ("grow", False, ([46.5, 46.5], [72.5, 72.5])),
        ("grow", True, ([52.5, 52.5], [66.5, 66.5])),
        ("fill", False, ([54.5, 54.5], [59.5, 60.5])),
    ):
        two.take(tool, grow_px=3)
        toolbox.hover(PointerEvent("xy", 65, 65, 15, shift=shift))
        qtbot.waitUntil(lambda: toolbox.sketch is not None, timeout=5000)
        assert extent(toolbox.sketch.lines) == expected
        toolbox.leave()


def test_the_line_that_splits_shows_what_it_splits(two: Objects) -> None:
    two.take("cut")
    toolbox = two.hand.toolbox
    toolbox.press(PointerEvent("xy", 45, 90, 15, "left"))
    toolbox.move(PointerEvent("xy", 60, 90, 15, "left"))
    assert toolbox.sketch.text == "Object 2 · Gold" and len(toolbox.sketch.lines) == 2
    assert extent(toolbox.sketch.lines[:1]) == ([49.5, 79.5], [69.5, 109.5])
    toolbox.cancel()
    assert toolbox.sketch is None and set(two.rows) == {1, 2}


def test_interpolate_and_copy_go_on_with_the_chosen_object(two: Objects) -> None:
    two.take("lasso")
    for z in (30, 34):
        two.hand.stroke("xy", z, (200, 200), (200, 220), (220, 220), (220, 200))
    assert two.selected == (3,)
    two.session.set_cursor((32, 210, 210))
    actions = two.hand.window.actions_.by_name
    actions["labels.interpolate"].trigger()
    two.wait()
    assert (two.array[30:35, 205:215, 205:215] == 3).all()
    two.session.set_cursor((34, 210, 210))
    actions["labels.copy_next"].trigger()
    assert (two.array[35, 205:215, 205:215] == 3).all() and set(two.rows) == {1, 2, 3}
    two.session.objects.set(selected=())
    actions["labels.copy_next"].trigger()
    assert "No object is chosen" in two.hand.said[-1]


def test_every_tool_of_the_list_is_one(two: Objects) -> None:
    for info in TOOLS:
        two.take(info.name)
        assert two.hand.toolbox._tool.name == info.name
    keys = [info.shortcut for info in TOOLS]
    assert len(set(keys)) == len(keys)


def test_the_panel_of_objects_gives_the_tools_another_target(two: Objects) -> None:
    side, state = two.hand.window.context.parts.side, two.session.tool
    side.show_panel(Panel.OBJECTS)
    assert state.value.target == "objects"
    two.hand.window.actions_.by_name["labels.brush"].trigger()
    assert (state.value.tool, state.value.target, side.current) == ("brush", "objects", Panel.OBJECTS)
    assert two.hand.window.actions_.by_name["labels.cut"].text() == "Split by a line (objects)"
    section = two.hand.window.context.parts.objects.tools
    assert (
        section.hint.text() == OBJECTS_BY_NAME["brush"].hint and section.buttons.buttons["brush"].isChecked()
    )
    side.show_panel(Panel.LABELS)
    assert (state.value.tool, state.value.target) == ("look", "labels")
    two.hand.window.actions_.by_name["objects.tool_pick"].trigger()
    assert (state.value.tool, state.value.target, side.current) == ("pick", "objects", Panel.OBJECTS)
    side.show_panel(Panel.MASK)
    assert (state.value.tool, state.value.target) == ("look", "mask")


def test_work_on_the_chosen_objects_by_keyboard(two: Objects) -> None:
    act = two.hand.window.actions_.by_name
    assert not act["objects.merge"].isEnabled()
    said: list[str] = []
    two.session.message.connect(said.append)
    two.session.set_cursor((0, 0, 0))
    act["objects.choose"].trigger()
    assert "at the crosshair" in said[-1] and "arrow keys" in said[-1] and "pointer" not in said[-1]
    two.session.set_cursor((15, *IN_A))
    act["objects.choose"].trigger()
    assert two.selected == (1,)
    act["objects.split_here"].trigger()
    assert (two.array[16:20, 50:70, 50:70] == 3).all() and (two.array[10:16, 50:70, 50:70] == 1).all()
    two.session.undo()
    two.session.objects.set(selected=(1, 2))
    act["objects.grow"].trigger()
    two.wait()
    assert (two.array == 1).sum() > 4000 and (two.array == 2).sum() > 6000
    two.session.undo()
    act["objects.shrink"].trigger()
    two.wait()
    assert (two.array == 1).sum() == 8 * 18 * 18
    two.session.undo()
    act["objects.fill"].trigger()
    two.wait()
    assert "no hole" in two.hand.said[-1]
    act["objects.merge"].trigger()
    assert set(two.rows) == {1} and two.selected == (1,)
    undone(two)
    two.session.undo()
    two.session.objects.set(selected=(2,))
    act["objects.keep"].trigger()
    two.wait()
    assert set(two.rows) == {2}
    two.session.undo()
    two.session.objects.set(selected=(1, 2))
    act["objects.delete"].trigger()
    assert not two.rows and two.document.objects is None
    act["objects.new"].trigger()
    assert two.selected == () and two.session.tool.value.tool == "brush"


@pytest.mark.parametrize(
    ("numbers", "said"),
    [((1,), "1 object deleted; Undo brings it back"), ((1, 2), "2 objects deleted; Undo brings them back")],
    ids=["one", "two"],
)
def test_what_was_deleted_is_said_in_its_number(two: Objects, numbers: tuple[int, ...], said: str) -> None:
    messages: list[str] = []
    two.session.message.connect(messages.append)
    two.session.objects.set(selected=numbers)
    two.hand.window.actions_.by_name["objects.delete"].trigger()
    assert said in messages


def test_what_says_how_to_choose_an_object_names_the_tool() -> None:
    assert f"“{PICK.title}” ({PICK.shortcut})" in NONE_CHOSEN


def test_work_on_many_objects_is_a_job_and_nothing_of_it_is_left_to_the_window(
    two: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However small they are; what an edit ends with takes a while with thousands of objects, too."""
    threads = []
    flags = document_module.with_border_flags

    def watched(*arguments: object) -> object:
        threads.append(threading.current_thread())
        return flags(*arguments)

    monkeypatch.setattr(work, "QUICK_OBJECTS", 1)
    monkeypatch.setattr(document_module, "with_border_flags", watched)
    two.session.objects.set(selected=(1, 2))
    two.hand.window.actions_.by_name["objects.delete"].trigger()
    assert two.hand.window.jobs.running and two.rows
    two.wait()
    assert not two.rows and not two.array.any()
    assert threads and threading.main_thread() not in threads
    two.session.undo()
    two.wait()
    assert set(two.rows) == {1, 2} and (two.array == blocks()).all()


def test_what_is_left_to_check_is_found_once_for_a_table(
    two: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = []

    def watched(table: ObjectTable, margins: object) -> list[object]:
        tables.append(table)
        return questions(table, margins)

    monkeypatch.setattr(queue, "questions", watched)
    two.session.objects.set(selected=(1,))
    two.hand.window.actions_.by_name["objects.delete"].trigger()
    two.wait()
    two.session.undo()
    assert len(tables) == len({id(table) for table in tables}) == 2


def test_what_undo_and_redo_change_is_chosen(two: Objects) -> None:
    """Whatever was chosen meanwhile: one sees what has come back."""
    act, choose = two.hand.window.actions_.by_name, two.session.objects.set

    def back_and_forth(after_undo: tuple[int, ...], after_redo: tuple[int, ...]) -> None:
        two.wait()
        for name, expected in (
            ("edit.undo", after_undo),
            ("edit.redo", after_redo),
            ("edit.undo", after_undo),
        ):
            choose(selected=())
            act[name].trigger()
            two.wait()
            assert two.selected == expected, name

    two.session.set_cursor((15, *IN_A))
    choose(selected=(1,))
    act["objects.split_here"].trigger()
    two.wait()
    assert two.selected == (3,)
    back_and_forth((1,), (3,))  # as when it was split
    choose(selected=(1, 2))
    act["objects.merge"].trigger()
    back_and_forth((1, 2), (1,))
    choose(selected=(2,))
    act["objects.delete"].trigger()
    back_and_forth((2,), ())
    choose(selected=(1,))
    act["objects.grow"].trigger()
    back_and_forth((1,), (1,))
    choose(selected=(1,))
    two.take("brush", brush_px=3)
    two.click((75, 60))
    back_and_forth((1,), (1,))
    choose(selected=(2,))
    act["classes.give_1"].trigger()
    back_and_forth((2,), (2,))
    choose(selected=(2,))
    act["objects.keep"].trigger()
    back_and_forth((), ())  # about all others: to choose those shows nothing
    act["classes.by_click"].trigger()
    choose(selected=(1,))
    act["objects.delete"].trigger()
    two.wait()
    two.session.undo()
    assert two.selected == ()  # what is chosen gets a class


def test_rows_of_the_history_name_the_objects(two: Objects) -> None:
    act, choose = two.hand.window.actions_.by_name, two.session.objects.set
    two.session.set_cursor((15, *IN_A))
    choose(selected=(1,))
    act["objects.split_here"].trigger()
    assert "Split object 1 into 1 and 3, slices" in act["edit.undo"].toolTip()
    choose(selected=(1, 3))
    act["objects.merge"].trigger()
    choose(selected=(1,))
    act["objects.grow"].trigger()
    two.wait()
    choose(selected=(1, 2))
    act["objects.delete"].trigger()
    two.wait()
    two.session.undo()

    def rows() -> list[str]:
        history, steps = two.session.history, two.document.steps
        texts = change_texts(history.done, history.undone, steps)
        return [text.partition(",")[0] for text in texts[-4:]]

    expected = ["Split object 1 into 1 and 3", "Merge objects 1 and 3 into 1"]
    assert rows() == [*expected, "Grow object 1", "Delete objects 1 and 2"]
    two.session.undo()
    two.session.undo()
    assert rows() == [*expected, "Grow object 1", "Delete objects 1 and 2"]
