"""What a click would take is shown before it, and what is painted is named."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.app.labels.tools.base import PointerEvent
from sxtstudio.app.slices.overlays import tool_text
from sxtstudio.core.selecting import near_label

A = (slice(10, 20), slice(50, 60), slice(50, 70))
B = (slice(30, 40), slice(50, 60), slice(50, 70))


def hovered(hand, row: float, column: float, depth: int = 15, shift: bool = False) -> None:
    hand.toolbox.hover(PointerEvent("xy", row, column, depth, shift=shift))


def enclosed(hand) -> np.ndarray:
    """The pixels within the sketch of slice 15."""
    from skimage.draw import polygon2mask

    sketch = hand.toolbox.sketch
    assert sketch is not None and (sketch.plane, sketch.depth) == ("xy", 15) and sketch.closed
    inside = np.zeros((384, 384), bool)
    for line in sketch.lines:
        inside ^= polygon2mask(inside.shape, line)
    return inside


@pytest.mark.parametrize("tool", ["delete", "keep"])
def test_the_object_that_a_click_would_take_is_highlighted(hand, tool: str) -> None:
    for place in (A, B):
        hand.draw_box(*place)
    hand.take(tool)
    hovered(hand, 55, 60)
    hand.qtbot.waitUntil(lambda: hand.session.selection is not None, timeout=5000)
    assert hand.session.selection.box.slices == A
    assert "50 % of all labels" in hand.said[-1].replace("\u202f", "")
    assert hand.voxels().sum() == 2 * 10 * 10 * 20, "nothing is changed by looking"
    hovered(hand, 63, 60)  # a little beside it: the same
    hand.qtbot.wait(300)
    assert hand.session.selection is not None and hand.session.selection.box.slices == A
    hovered(hand, 90, 90)
    hand.qtbot.waitUntil(lambda: hand.session.selection is None, timeout=5000)


def test_a_click_a_little_beside_a_thin_line_takes_it(hand) -> None:
    hand.draw_box(slice(10, 20), slice(50, 51), slice(50, 90))
    hand.take("delete")
    hand.click("xy", 15, (53, 60))
    hand.wait()
    assert not hand.voxels().any()


@pytest.mark.parametrize(
    ("place", "expected"),
    [((5, 5), (5, 5)), ((8, 6), (5, 6)), ((5, 13), (5, 9)), ((10, 5), None), ((-3, 5), None), ((2, 2), None)],
)
def test_near_label(place: tuple[int, int], expected: tuple[int, int] | None) -> None:
    labels = np.zeros((12, 20), np.uint8)
    labels[5, 5:10] = 255
    assert near_label(labels, *place) == expected


def test_what_fill_would_fill_is_outlined(hand) -> None:
    ring = np.zeros((64, 384, 384), bool)
    hand.draw_box(slice(15, 16), slice(100, 121), slice(100, 131))
    with_hole = np.array(hand.session.labels_of("labels"))
    with_hole[15, 103:118, 103:128] = 0
    from sxtstudio.core.edit_kind import EditKind
    from sxtstudio.core.geometry import Box

    with hand.session.edit(EditKind.BRUSH) as recorder:
        recorder.write(Box.whole(ring.shape), with_hole)
    hand.take("fill")
    hovered(hand, 110, 110)
    hand.qtbot.waitUntil(lambda: hand.toolbox.sketch is not None, timeout=5000)
    expected = np.zeros((384, 384), bool)
    expected[103:118, 103:128] = True
    np.testing.assert_array_equal(enclosed(hand), expected)
    hand.click("xy", 15, (110, 110))
    assert hand.toolbox.sketch is None and hand.plane("xy", 15)[103:118, 103:128].all()
    hovered(hand, 20, 20)  # open: nothing to be filled, and no error
    hand.qtbot.wait(400)
    assert hand.toolbox.sketch is None
    hovered(hand, 110, 110, shift=True)
    hand.qtbot.waitUntil(lambda: hand.toolbox.sketch is not None, timeout=5000)
    assert enclosed(hand).sum() == 21 * 31


def test_what_the_wand_would_add_is_outlined_and_the_same_is_added(hand) -> None:
    hand.take("wand")
    hovered(hand, 150, 200)
    hand.qtbot.waitUntil(lambda: hand.toolbox.sketch is not None, timeout=10_000)
    shown = enclosed(hand)
    hand.click("xy", 15, (150, 200))
    hand.wait()
    np.testing.assert_array_equal(hand.plane("xy", 15), shown)


def test_what_is_hovered_goes_when_the_pointer_leaves_or_the_tool_changes(hand) -> None:
    hand.take("wand")
    for ending in (hand.toolbox.leave, lambda: hand.take("brush")):
        hand.take("wand")
        hovered(hand, 150, 200)
        hand.qtbot.waitUntil(lambda: hand.toolbox.sketch is not None, timeout=10_000)
        ending()
        assert hand.toolbox.sketch is None


def test_the_menu_and_the_slice_say_what_is_painted(hand) -> None:
    action = hand.window.actions_.by_name["labels.brush"]
    hand.take("brush")
    assert action.text() == "Brush" and tool_text(hand.session.tool.value) == "Brush: labels"
    hand.take("brush", "mask")
    assert action.text() == "Brush (cell mask)" and tool_text(hand.session.tool.value) == "Brush: cell mask"
    hand.take("look", "labels")
    assert action.text() == "Brush" and tool_text(hand.session.tool.value) == ""
