"""Polygon, lasso, fill and magic wand on the real window."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt

from sxtstudio.app.labels.tools.base import PointerEvent
from sxtstudio.core.planes import Plane

PLANES = pytest.mark.parametrize(
    ("plane", "target"), [("xy", "labels"), ("xz", "mask"), ("yz", "labels")], ids=["XY", "XZ mask", "YZ"]
)
# Rows 10 to 30, columns 15 to 40.
CORNERS = ((9.5, 14.5), (9.5, 40.5), (30.5, 40.5), (30.5, 14.5))


def rectangle(shape: tuple[int, ...]) -> np.ndarray:
    expected = np.zeros(shape, bool)
    expected[10:31, 15:41] = True
    return expected


@PLANES
def test_polygon_closed_by_a_double_click(hand, plane: Plane, target: str) -> None:
    hand.take("polygon", target)
    for corner in CORNERS:
        hand.click(plane, 12, corner)
    assert hand.session.labels_of(target) is None or not hand.voxels(target).any()
    assert hand.toolbox.sketch is not None and hand.toolbox.sketch.plane == plane
    hand.toolbox.press(PointerEvent(plane, *CORNERS[-1], 12, "left", double=True))
    drawn = hand.plane(plane, 12, target)
    np.testing.assert_array_equal(drawn, rectangle(drawn.shape))
    assert hand.voxels(target).sum() == drawn.sum()
    assert hand.toolbox.sketch is None and len(hand.session.history) == 1
    hand.session.undo()
    assert not hand.voxels(target).any()


def test_polygon_by_keys(hand) -> None:
    hand.take("polygon")
    hand.click("xy", 12, CORNERS[0])
    hand.key(Qt.Key.Key_Return)  # one corner is no polygon
    assert "three corners" in hand.said[-1] and hand.toolbox.unfinished
    for corner in (*CORNERS[1:], (300, 300)):
        hand.click("xy", 12, corner)
    hand.key(Qt.Key.Key_Backspace)
    assert len(hand.toolbox.sketch.lines[0]) == 4
    hand.key(Qt.Key.Key_Return)
    np.testing.assert_array_equal(hand.plane("xy", 12), rectangle((384, 384)))


def test_backspace_to_the_beginning_and_escape(hand) -> None:
    hand.take("polygon")
    for corner in CORNERS[:2]:
        hand.click("xy", 12, corner)
    for _ in range(3):
        hand.key(Qt.Key.Key_Backspace)
    assert not hand.toolbox.unfinished and hand.toolbox.sketch is None
    for corner in CORNERS:
        hand.click("xy", 12, corner)
    hand.key(Qt.Key.Key_Escape)
    assert not hand.toolbox.unfinished and hand.toolbox.sketch is None
    assert len(hand.session.history) == 0 and hand.session.tool.value.tool == "polygon"


def test_a_click_on_the_first_corner_closes_and_hover_shows_the_next_edge(hand) -> None:
    hand.take("polygon")
    for corner in CORNERS:
        hand.click("xy", 12, corner)
    hand.toolbox.hover(PointerEvent("xy", 77.0, 78.0, 12))
    assert hand.toolbox.sketch.lines[0][-1].tolist() == [77.0, 78.0]
    hand.click("xy", 12, (10.2, 15.0))
    np.testing.assert_array_equal(hand.plane("xy", 12), rectangle((384, 384)))


def test_a_polygon_stays_on_its_slice(hand) -> None:
    hand.take("polygon")
    for corner in CORNERS:
        hand.click("xy", 12, corner)
    hand.click("xy", 13, (100, 100))
    assert "slice 13" in hand.said[-1]  # counted from 1, as in the view
    hand.click("xz", 12, (20, 100))
    hand.toolbox.finish()
    np.testing.assert_array_equal(hand.plane("xy", 12), rectangle((384, 384)))
    assert hand.voxels().sum() == 21 * 26


def test_shift_at_the_first_corner_erases(hand) -> None:
    hand.draw_box(np.s_[12:13], np.s_[0:60], np.s_[0:60])
    hand.take("polygon")
    hand.click("xy", 12, CORNERS[0], shift=True)
    for corner in CORNERS[1:]:
        hand.click("xy", 12, corner)
    hand.toolbox.finish()
    np.testing.assert_array_equal(~hand.plane("xy", 12)[:60, :60], rectangle((60, 60)))


@PLANES
def test_lasso(hand, plane: Plane, target: str) -> None:
    hand.take("lasso", target)
    angle = np.linspace(0, 2 * np.pi, 90)
    points = [(32 + 14.3 * np.sin(a), 32 + 14.3 * np.cos(a)) for a in angle]
    hand.stroke(plane, 30, *points)
    drawn = hand.plane(plane, 30, target)
    y, x = np.indices(drawn.shape)
    distance = np.hypot(y - 32, x - 32)
    assert drawn[distance < 14].all() and not drawn[distance > 14.4].any()
    assert hand.voxels(target).sum() == drawn.sum() and hand.toolbox.sketch is None


def test_a_click_with_the_lasso_does_nothing(hand) -> None:
    hand.take("lasso")
    hand.click("xy", 5, (30, 30))
    assert len(hand.session.history) == 0 and not hand.toolbox.unfinished


@PLANES
def test_fill_a_hole_and_erase_the_shape(hand, plane: Plane, target: str) -> None:
    hand.take("polygon", target)
    for corner in CORNERS:
        hand.click(plane, 12, corner)
    hand.toolbox.finish()
    hand.take("eraser", target, brush_px=9)
    hand.stroke(plane, 12, (20, 25))
    assert hand.plane(plane, 12, target).sum() < 21 * 26
    hand.take("fill", target)
    hand.click(plane, 12, (20, 25))
    np.testing.assert_array_equal(
        hand.plane(plane, 12, target), rectangle(hand.plane(plane, 12, target).shape)
    )
    hand.click(plane, 12, (20, 25), shift=True)
    assert not hand.voxels(target).any()


def test_fill_without_labels_and_outside_is_a_sentence_or_nothing(hand) -> None:
    hand.take("fill")
    hand.click("xy", 12, (20, 25))
    assert "no labels yet" in hand.said[-1]
    hand.take("brush")
    hand.stroke("xy", 12, (20, 25))
    hand.take("fill")
    hand.click("xy", 12, (200, 25))
    assert "open" in hand.said[-1]
    for outside in ((-20, 25), (-1, 25), (384, 25), (20, 900)):
        hand.said.clear()
        hand.click("xy", 12, outside)
        hand.click("xy", 12, outside, shift=True)
        assert hand.said == ["Click inside the tomogram."] * 2
    hand.click("xy", 12, (300, 25), shift=True)
    assert "no label under" in hand.said[-1]
    assert len(hand.session.history) == 1


@PLANES
def test_wand_takes_similar_grey_values(hand, plane: Plane, target: str) -> None:
    """Without tolerance next to nothing, with all the tolerance a disc of the reach."""
    hand.session.display.set(low=0.0, high=255.0)
    hand.take("wand", target, tolerance=100.0, wand_reach_px=12)
    hand.click(plane, 30, (32, 32))
    hand.wait()
    drawn = hand.plane(plane, 30, target)
    y, x = np.indices(drawn.shape)
    np.testing.assert_array_equal(drawn, np.hypot(y - 32, x - 32) <= 12)
    assert hand.voxels(target).sum() == drawn.sum()
    hand.click(plane, 30, (32, 32), shift=True)
    hand.wait()
    assert not hand.voxels(target).any()
    hand.take("wand", target, tolerance=0.5, wand_reach_px=12)
    hand.click(plane, 30, (32, 32))
    hand.wait()
    assert 0 < hand.voxels(target).sum() < drawn.sum() / 2


def test_wand_outside_does_nothing(hand) -> None:
    hand.take("wand")
    hand.click("xy", 30, (-3, 5))
    assert hand.said == ["Click inside the tomogram."] and "Magic wand" not in [
        job.name for job in hand.window.jobs.running
    ]
