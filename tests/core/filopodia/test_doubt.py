"""Tubes that bend sharply, that are much longer than straight, and how much two tubes overlap."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.core.filopodia.candidate import overlap_of
from sxtstudio.core.filopodia.doubt import is_unlike_one
from sxtstudio.core.filopodia.path import _aside
from sxtstudio.core.filopodia.surface import RAYS, TubeSurface


def tube(points: np.ndarray, radius: float = 5.0) -> TubeSurface:
    """A round tube in the slice around points 1 px apart."""
    along = np.gradient(points, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    first = np.stack([np.zeros(len(points)), along[:, 2], -along[:, 1]], axis=1)
    every = np.ones(len(points))
    radii = np.full((len(points), RAYS), radius)
    return TubeSurface(points, along, first, np.cross(along, first), radii, every, every, 0 * every)


def arc(degrees: float, length: int = 100) -> np.ndarray:
    """An arc in the slice that turns by so much all along; a straight line for 0."""
    angle = np.radians(degrees) * np.arange(length) / length
    steps = np.stack([np.zeros(length), np.cos(angle), np.sin(angle)], axis=1)
    return 20.0 + np.cumsum(steps, axis=0)


def test_straight_and_slightly_curved_tubes_are_filopodia() -> None:
    assert not is_unlike_one(tube(arc(0)))
    assert not is_unlike_one(tube(arc(50)))


def test_a_right_angle_and_a_half_circle_are_not() -> None:
    corner = np.array([[20.0, 20 + min(i, 60), 20 + max(0, i - 60)] for i in range(100)])
    assert is_unlike_one(tube(corner))
    assert is_unlike_one(tube(arc(180, 300)))


@pytest.mark.parametrize(("shift", "expected"), [(0, 1.0), (50, 1 / 3), (100, 0.0)])
def test_tubes_moved_along_their_axis_overlap_by_what_is_left(shift: int, expected: float) -> None:
    line = arc(0)
    moved = line + np.array([0.0, shift, 0.0])
    assert overlap_of(tube(line), tube(moved)) == pytest.approx(expected, abs=0.03)


def test_a_way_costs_twice_as_much_so_far_beside_the_straight_line() -> None:
    start, stop = np.array([0.0, 0.0, 10.0]), np.array([0.0, 100.0, 10.0])
    times = _aside((1, 101, 40), np.zeros(3), np.ones(3), start, stop)
    assert times[0, 50, 10] == pytest.approx(1) and times[0, 50, 18] == pytest.approx(2)
    assert times[0, 20, 26] == pytest.approx(5)
