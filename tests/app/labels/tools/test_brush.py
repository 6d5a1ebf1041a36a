"""Painting and erasing with the mouse, and taking it back."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from sxtstudio.app.labels.tools.base import PointerEvent
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.session import Busy
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.planes import Plane
from sxtstudio.core.polarity import chosen_polarity

PLANES = pytest.mark.parametrize(
    ("plane", "target"), [("xy", "labels"), ("xz", "mask"), ("yz", "labels")], ids=["XY", "XZ mask", "YZ"]
)
TARGETS = pytest.mark.parametrize("target", ["labels", "mask"])


@PLANES
def test_a_stroke_is_one_step_in_its_slice(hand, plane: Plane, target: str) -> None:
    hand.take("brush", target, brush_px=4)
    hand.stroke(plane, 20, (10.5, 10.5), (10.5, 30.5), (25.5, 30.5))
    drawn = hand.plane(plane, 20, target)
    assert np.count_nonzero(hand.voxels(target)) == np.count_nonzero(drawn)
    # The middle lines of a stroke 4 px wide: rows 9 to 12, then columns 29 to 32.
    assert drawn[9:13, 11:30].all() and drawn[12:25, 29:33].all()
    assert not drawn[:9].any() and not drawn[:, :9].any() and not drawn[28:].any() and not drawn[:, 33:].any()
    assert len(hand.session.history) == 1
    step = hand.session.document.steps[-1]
    assert step.parameters["plane"] == plane and step.parameters["slice"] == 20
    assert step.parameters["diameter_px"] == 4


def test_each_event_tells_only_of_its_dab(hand) -> None:
    hand.take("brush", brush_px=6)
    hand.stroke("xy", 3, (50, 50), (50, 60), (50, 60), (50, 70))
    boxes = [box for _, box in hand.told]
    assert len(boxes) == 3  # where nothing changed nothing is told, and the end repeats nothing
    assert all(box.shape[0] == 1 and box.shape[1] <= 7 and box.shape[2] <= 17 for box in boxes)


@TARGETS
def test_undo_and_redo_across_slices_and_planes(hand, target: str) -> None:
    hand.take("brush", target, brush_px=9)
    states = []
    for plane, depth in (("xy", 3), ("xz", 40), ("yz", 41), ("xy", 60)):
        hand.stroke(plane, depth, (30, 30), (44, 52))
        states.append(hand.voxels(target))
    hand.take("eraser", target, brush_px=15)
    hand.stroke("xz", 40, (38, 40), (38, 45))
    states.append(hand.voxels(target))
    assert np.count_nonzero(states[4]) < np.count_nonzero(states[3])
    for state in states[3::-1]:
        hand.session.undo()
        np.testing.assert_array_equal(hand.voxels(target), state)
    hand.session.undo()
    assert not hand.voxels(target).any()
    for state in states:
        hand.session.redo()
        np.testing.assert_array_equal(hand.voxels(target), state)


def test_shift_makes_the_brush_erase(hand) -> None:
    hand.take("brush", brush_px=10)
    hand.stroke("xy", 5, (50, 50))
    hand.stroke("xy", 5, (50, 50), shift=True)
    assert not hand.voxels().any() and len(hand.session.history) == 2


def test_a_ball_reaches_into_other_slices(hand) -> None:
    hand.take("brush", brush_px=9, ball=True)
    hand.click("xy", 20, (100, 100))
    volume = hand.voxels()
    for axis in range(3):
        others = tuple(n for n in range(3) if n != axis)
        assert np.count_nonzero(volume.any(axis=others)) == 9


def test_escape_takes_the_stroke_back(hand) -> None:
    hand.take("brush")
    hand.stroke("xy", 7, (20, 20), (20, 40))
    before = hand.voxels()
    hand.toolbox.press(PointerEvent("xy", 60, 60, 7, "left"))
    hand.toolbox.move(PointerEvent("xy", 60, 90, 7, "left"))
    assert hand.toolbox.unfinished and hand.voxels().sum() > before.sum()
    hand.told.clear()
    hand.window.actions_.by_name["labels.look"].trigger()
    np.testing.assert_array_equal(hand.voxels(), before)
    assert hand.told and len(hand.session.history) == 1
    assert hand.session.tool.value.tool == "brush"  # only the stroke was dropped
    hand.toolbox.move(PointerEvent("xy", 60, 120, 7, "left"))
    hand.toolbox.release(PointerEvent("xy", 60, 120, 7, "left"))
    np.testing.assert_array_equal(hand.voxels(), before)
    hand.window.actions_.by_name["labels.look"].trigger()
    assert hand.session.tool.value.tool == "look" and not hand.toolbox.wants_pointer


def test_another_tool_takes_the_stroke_back(hand) -> None:
    hand.take("brush")
    hand.toolbox.press(PointerEvent("xy", 60, 60, 7, "left"))
    hand.take("eraser")
    assert not hand.voxels().any() and not hand.toolbox.unfinished


def test_the_slice_may_change_within_a_stroke(hand) -> None:
    hand.take("brush", brush_px=4)
    hand.toolbox.press(PointerEvent("xy", 60, 60, 7, "left"))
    hand.toolbox.move(PointerEvent("xy", 90, 90, 8, "left"))
    hand.toolbox.release(PointerEvent("xy", 90, 90, 8, "left"))
    assert (
        hand.plane("xy", 7)[50:70, 50:70].sum()
        == hand.plane("xy", 8)[80:100, 80:100].sum()
        == hand.voxels().sum() / 2
    )
    assert len(hand.session.history) == 1


def test_outside_the_slice_nothing_is_painted(hand) -> None:
    hand.take("brush")
    hand.stroke("xy", 7, (-50, -50), (-50, 900))
    assert not hand.voxels().any() and len(hand.session.history) == 0
    hand.stroke("xy", 7, (10, -50), (10, 900))
    assert hand.plane("xy", 7)[9:13].all() and hand.voxels().sum() == 4 * 384


def test_while_a_job_changes_labels_the_tools_say_so(hand) -> None:
    hand.take("brush")
    hand.stroke("xy", 7, (20, 20))
    before = hand.voxels()
    hand.session.set_busy(Busy("Segment", EditKind.SEGMENT))
    for tool in ("brush", "eraser", "fill", "wand", "polygon", "lasso", "delete", "keep", "cut", "merge"):
        hand.said.clear()
        hand.take(tool)
        hand.stroke("xy", 7, (20, 20), (20, 60), (60, 20))
        assert any("Segment" in text or "hole" in text for text in hand.said), tool
        hand.toolbox.cancel()
    hand.session.set_busy(None)
    np.testing.assert_array_equal(hand.voxels(), before)
    assert len(hand.session.history) == 1


def test_an_error_in_the_middle_takes_the_stroke_back(hand, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    monkeypatch.setattr(
        "sxtstudio.app.labels.tools.toolbox.show_error", lambda parent, error: shown.append(error)
    )
    hand.take("brush")
    hand.toolbox.press(PointerEvent("xy", 60, 60, 7, "left"))

    def fail(*args: object) -> None:
        raise MemoryError

    monkeypatch.setattr("sxtstudio.app.labels.tools.brush.stroke", fail)
    hand.toolbox.move(PointerEvent("xy", 60, 90, 7, "left"))
    assert isinstance(shown[0], MemoryError)
    assert not hand.voxels().any() and not hand.toolbox.unfinished


def test_nothing_open_is_a_sentence(window: MainWindow, qtbot: QtBot) -> None:
    said: list[str] = []
    window.session.message.connect(said.append)
    toolbox = window.context.parts.toolbox
    for tool in ("brush", "fill", "wand", "polygon", "lasso", "delete", "keep", "cut", "merge"):
        said.clear()
        window.session.tool.set(tool=tool)
        for what in (toolbox.press, toolbox.move, toolbox.hover, toolbox.release):
            what(PointerEvent("xy", 5, 5, 0, "left"))
        assert said and "Open one first" in said[0], tool
    toolbox.pick(PointerEvent("xy", 5, 5, 0, "left"))
    toolbox.finish()
    toolbox.step_back()
    toolbox.cancel()


def test_a_closed_document_takes_the_stroke_with_it(hand) -> None:
    hand.take("brush")
    hand.toolbox.press(PointerEvent("xy", 60, 60, 7, "left"))
    hand.session.document.modified = False
    hand.session.show(None)
    assert not hand.toolbox.unfinished
    hand.toolbox.move(PointerEvent("xy", 60, 90, 7, "left"))
    hand.toolbox.release(PointerEvent("xy", 60, 90, 7, "left"))
    assert len(hand.session.history) == 0


def test_brush_size_by_keys(hand) -> None:
    actions = hand.window.actions_.by_name
    assert hand.session.tool.value.brush_px == 4
    actions["labels.larger"].trigger()
    assert hand.session.tool.value.brush_px == 5
    for _ in range(40):
        actions["labels.larger"].trigger()
    assert hand.session.tool.value.brush_px == 100
    for _ in range(40):
        actions["labels.smaller"].trigger()
    assert hand.session.tool.value.brush_px == 1


def test_box_of_a_committed_stroke_is_that_of_all_its_dabs(hand) -> None:
    hand.take("brush", brush_px=2)
    hand.stroke("xy", 9, (10, 10), (10, 20), (30, 20))
    hand.told.clear()
    hand.session.undo()
    assert hand.told == [("labels", Box((9, 9, 9), (10, 31, 21)))] or hand.told[0][1].shape[0] == 1


@pytest.mark.parametrize("plane", ["xy", "xz", "yz"])
@pytest.mark.parametrize("tool", ["brush", "eraser"])
def test_a_brush_with_a_grey_range_changes_only_pixels_in_it(
    hand, sample_values: np.ndarray, plane: Plane, tool: str
) -> None:
    if tool == "eraser":
        hand.draw_box(slice(0, 64), slice(0, 384), slice(0, 384))
    before = hand.voxels().copy() if tool == "eraser" else np.zeros((64, 384, 384), bool)
    low, high = (float(v) for v in np.percentile(sample_values, (20, 45)))
    way = ((30, 30), (31, 60))
    hand.take(tool, brush_px=15, ball=True)
    hand.stroke(plane, 32, *way)
    changed = hand.voxels() != before
    hand.session.undo()
    hand.take(tool, brush_px=15, ball=True, grey_range=(low, high))
    hand.stroke(plane, 32, *way)
    hand.wait()
    inside = (sample_values >= low) & (sample_values <= high)
    assert 0 < (changed & inside).sum() < changed.sum()
    assert np.array_equal(hand.voxels() != before, changed & inside)
    assert hand.session.document.steps[-1].parameters["grey_range"] == [low, high]


@pytest.fixture
def slow(hand, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """A tomogram that is read only once the event is set, as on a network share."""
    may_read, read = threading.Event(), hand.session.document.tomogram.read

    def waits(box: Box) -> np.ndarray:
        assert threading.current_thread() is not threading.main_thread(), "the window would stand still"
        assert may_read.wait(10)
        return read(box)

    monkeypatch.setattr(hand.session.document.tomogram, "read", waits)
    yield may_read
    may_read.set()


def test_a_slow_disk_holds_up_the_stroke_and_not_the_window(hand, slow, sample_values: np.ndarray) -> None:
    hand.take("brush", brush_px=9, grey_range=(-1e9, 1e9))
    way = ((30, 30), (31, 60), (80, 60))
    hand.stroke("xy", 32, *way)
    assert not hand.voxels().any() and hand.session.busy.kind is EditKind.BRUSH
    hand.stroke("xy", 33, (100, 100))
    hand.take("eraser")
    hand.session.undo()
    assert "Wait for it" in hand.said[-1] and not hand.session.document.steps
    slow.set()
    hand.wait()
    painted = hand.voxels().copy()
    assert len(hand.session.document.steps) == 1 and not painted[33].any()
    hand.session.undo()
    assert not hand.voxels().any()
    hand.take("brush", grey_range=None)
    hand.stroke("xy", 32, *way)
    assert np.array_equal(hand.voxels(), painted)


def test_what_is_read_already_is_painted_at_once(hand, slow) -> None:
    """The slice is read for the first dab; the stroke then goes on as any other."""
    slow.set()
    hand.take("brush", brush_px=9, grey_range=(-1e9, 1e9))
    events = [PointerEvent("xy", 40, column, 32, "left") for column in (30, 60, 90)]
    hand.toolbox.press(events[0])
    hand.wait()
    slow.clear()
    hand.toolbox.move(events[1])
    hand.toolbox.release(events[2])
    assert hand.session.busy is None and hand.voxels()[32, 40, 30:91].all()


def test_escape_takes_back_a_stroke_of_which_nothing_was_read(hand, slow) -> None:
    hand.take("brush", brush_px=9, grey_range=(-1e9, 1e9))
    hand.toolbox.press(PointerEvent("xy", 40, 40, 32, "left"))
    hand.toolbox.cancel()
    slow.set()
    hand.wait()
    assert not hand.voxels().any() and not hand.session.document.steps and not hand.toolbox.unfinished


def test_a_slice_that_cannot_be_read_takes_the_stroke_back(hand, monkeypatch: pytest.MonkeyPatch) -> None:
    def bad(box: Box) -> np.ndarray:
        raise UserError("The disk is gone.")

    monkeypatch.setattr(hand.session.document.tomogram, "read", bad)
    hand.take("brush", brush_px=9, grey_range=(-1e9, 1e9))
    hand.stroke("xy", 32, (40, 40), (40, 60))
    hand.wait()
    assert hand.said[-1] == "The disk is gone." and not hand.voxels().any()


def test_another_tomogram_ends_a_stroke_that_is_still_read(hand, slow) -> None:
    hand.take("brush", brush_px=9, grey_range=(-1e9, 1e9))
    hand.stroke("xy", 32, (40, 40), (40, 60))
    hand.take("eraser")
    hand.session.show(None)
    assert hand.session.busy is None
    slow.set()
    hand.wait()


def test_the_grey_range_is_proposed_and_belongs_to_the_tomogram(hand) -> None:
    settings = hand.window.context.parts.labels.tool_settings
    hand.session.set_polarity(chosen_polarity("dark"))
    hand.session.display.set(low=10.0, high=20.0)
    settings.limited.setChecked(True)
    assert hand.session.tool.value.grey_range == (10.0, 15.0) and settings.high.value() == 15.0
    settings.high.setValue(12.5)
    assert hand.session.tool.value.grey_range == (10.0, 12.5)
    hand.session.show(None)
    assert hand.session.tool.value.grey_range is None and not settings.limited.isChecked()
