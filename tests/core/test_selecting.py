"""Areas of a slice, against geometry computed in another way."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.selecting import fill_area, part_at, polygon_area, wand_area


def whole(found: tuple[tuple[int, int], np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    (top, left), area = found
    out = np.zeros(shape, bool)
    out[top : top + area.shape[0], left : left + area.shape[1]] = area
    return out


def ring(shape: tuple[int, int], centre: tuple[float, float], inner: float, outer: float) -> np.ndarray:
    y, x = np.indices(shape)
    distance = np.hypot(y - centre[0], x - centre[1])
    return (distance >= inner) & (distance <= outer)


def test_polygon_holds_what_lies_left_of_all_its_edges() -> None:
    points = np.array([(5.3, 8.2), (30.7, 4.9), (38.1, 33.3), (12.2, 44.4)])
    found = polygon_area(points, (50, 60))
    assert found is not None
    y, x = np.indices((50, 60))
    inside = np.ones((50, 60), bool)
    for (y0, x0), (y1, x1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        inside &= (y1 - y0) * (x - x0) - (x1 - x0) * (y - y0) >= 0
    if not inside.any():
        pytest.fail("the test is wrong")
    np.testing.assert_array_equal(whole(found, (50, 60)), inside)


def test_polygon_is_cut_at_the_slice() -> None:
    found = polygon_area(np.array([(-10, -10), (-10, 5.5), (5.5, 5.5), (5.5, -10)]), (20, 30))
    assert found is not None and found[0] == (0, 0) and found[1].shape == (6, 6) and found[1].all()
    assert polygon_area(np.array([(-9, -9), (-9, -5), (-5, -9)]), (20, 30)) is None


def test_fill_takes_the_hole_and_stops_at_corners() -> None:
    labels = ring((60, 70), (30, 35), 12, 13.2).astype(np.uint8) * 255
    y, x = np.indices(labels.shape)
    hole = (np.hypot(y - 30, x - 35) < 13) & (labels == 0)
    np.testing.assert_array_equal(whole(fill_area(labels, 30, 35), labels.shape), hole)
    # A diagonal line of single pixels is closed, too.
    labels = np.zeros((40, 40), np.uint8)
    for n in range(6):
        labels[20 - n, 14 + n] = labels[20 + n, 14 + n] = labels[15 + n, 19 + n] = labels[25 - n, 19 + n] = (
            255
        )
    corner, area = fill_area(labels, 20, 19)
    assert np.count_nonzero(area) == 41 and corner == (16, 15)


def test_fill_of_an_outline_fills_all_its_holes_and_no_others() -> None:
    labels = (ring((80, 90), (40, 45), 20, 23) | ring((80, 90), (40, 45), 0, 8)).astype(np.uint8) * 255
    y, x = np.indices(labels.shape)
    inside = (np.hypot(y - 40, x - 45) < 20) & (labels == 0)
    np.testing.assert_array_equal(whole(fill_area(labels, 40, 45 + 22), labels.shape), inside)
    with pytest.raises(UserError, match="no closed hole"):
        fill_area(labels, 40, 45)


def test_fill_refuses_the_outside() -> None:
    labels = ring((60, 70), (30, 35), 12, 13.2).astype(np.uint8) * 255
    with pytest.raises(UserError, match="open"):
        fill_area(labels, 2, 2)
    labels[30:, 20:50] = 0  # the outline has a gap now
    with pytest.raises(UserError, match="Close the gap"):
        fill_area(labels, 30, 35)


def test_fill_takes_a_small_area_at_the_edge() -> None:
    """Something that the edge of the slice cuts off can be filled."""
    labels = ring((60, 70), (0, 35), 12, 13.2).astype(np.uint8) * 255
    y, x = np.indices(labels.shape)
    expected = (np.hypot(y, x - 35) < 13) & (labels == 0)
    np.testing.assert_array_equal(whole(fill_area(labels, 0, 35), labels.shape), expected)


def test_part_hangs_together_at_corners() -> None:
    labels = np.zeros((10, 10), np.uint8)
    labels[2, 2] = labels[3, 3] = labels[3, 4] = labels[7, 7] = 255
    corner, area = part_at(labels, 3, 4)
    assert corner == (2, 2) and area.tolist() == [[True, False, False], [False, True, True]]


def test_wand_takes_the_disc_under_the_click_and_not_its_twin() -> None:
    y, x = np.indices((120, 160))
    discs = [np.hypot(y - 60, x - c) for c in (50, 110)]
    image = np.where((discs[0] < 15) | (discs[1] < 15), 2.0, 0.0).astype(np.float32)
    image += np.random.default_rng(0).normal(0, 0.05, image.shape).astype(np.float32)
    found = whole(wand_area(image, 62, 48, 0.9, 100), image.shape)
    assert found[discs[0] < 13.5].all() and not found[discs[0] > 16.5].any()


def test_wand_reaches_no_farther_than_told() -> None:
    image = np.zeros((120, 160), np.float32)
    found = whole(wand_area(image, 60, 5, 0.5, 20), image.shape)
    y, x = np.indices(image.shape)
    np.testing.assert_array_equal(found, np.hypot(y - 60, x - 5) <= 20)


def test_wand_smooths_over_the_same_pixels_wherever_the_window_ends() -> None:
    """A reach twice as large finds the same small structure."""
    rng = np.random.default_rng(3)
    image = rng.normal(0, 1, (100, 100)).astype(np.float32)
    small = whole(wand_area(image, 50, 50, 0.3, 15), image.shape)
    large = whole(wand_area(image, 50, 50, 0.3, 49), image.shape)
    y, x = np.indices(image.shape)
    near = np.hypot(y - 50, x - 50) <= 15
    assert small.any() and not (small & ~large).any() and not (small & ~near).any()
