"""Gaps that one slice has and its neighbours have not, and bodies that lie over each other: by formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sxtstudio.core.bodies.find import BodyParameters, find_bodies
from sxtstudio.core.bodies.leaks import MOST_SLICES
from sxtstudio.core.bodies.necks import necks

SHAPE = (24, 72, 96)
Z, Y, X = np.indices(SHAPE)
#: Membranes that lie in the slice are not seen.
LYING = 0.8


def found(outlines: NDArray[np.bool_], **parameters: Any) -> NDArray[np.uint32]:
    bodies = np.zeros(SHAPE, np.uint32)
    find_bodies(outlines.astype(np.uint8), bodies, BodyParameters(sheets=False, **parameters))
    return bodies


def shell(distance: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return the outline around a body, but for what lies in the slice."""
    upward = np.abs(np.gradient(distance, axis=0))
    return (np.abs(distance) <= 1.5) & (upward <= LYING)


def tubes(*columns: int, radius: float = 12.0) -> list[NDArray[np.float64]]:
    """Return the distances to upright tubes, which narrow to both ends."""
    lean = np.sqrt(1 - ((Z - 11.5) / 11.5) ** 2)
    return [np.hypot(Y - 36, X - x) - radius * (0.35 + 0.65 * lean) for x in columns]


@pytest.mark.parametrize("slices", [1, 2, MOST_SLICES])
def test_a_body_goes_on_where_its_outline_has_a_wide_gap_for_a_few_slices(slices: int) -> None:
    (tube,) = tubes(48)
    outlines = np.abs(tube) <= 1.5
    open_ones = slice(9, 9 + slices)
    outlines[open_ones, 28:44, 48:] = False
    bodies = found(outlines)
    assert bodies.max() == 1
    for z in range(7, 16):
        truth = tube[z] <= 1.5
        own = bodies[z] == 1
        assert (own & truth).sum() / (own | truth).sum() > 0.93, z


def test_a_gap_over_more_slices_is_no_body_by_guess() -> None:
    (tube,) = tubes(48)
    outlines = np.abs(tube) <= 1.5
    outlines[6 : 8 + MOST_SLICES, 28:44, 48:] = False
    assert not found(outlines, caps=False)[8, 36, 48], "nobody knows whether it is the same body"


def test_two_bodies_stay_two_where_the_wall_between_them_is_missing_in_a_slice() -> None:
    left, right = tubes(37, 60)
    outlines = (np.abs(left) <= 1.5) | (np.abs(right) <= 1.5)
    outlines[11, 26:47, 45:53] = False
    outlines[11] |= (np.abs(np.minimum(left, right)) <= 1.5)[11] & (np.abs(Y[11] - 36) > 10)
    bodies = found(outlines)
    assert bodies.max() == 2
    for tube, other in ((left, right), (right, left)):
        truth = (tube <= 1.5) & (tube < other)
        own = bodies == bodies[5, 36, 37 if tube is left else 60]
        for z in (10, 11, 12):
            assert (own & truth)[z].sum() / (own | truth)[z].sum() > 0.85, z


@pytest.mark.parametrize(("narrow", "count"), [(0.5, 2), (0.9, 1)])
def test_bodies_over_each_other_are_two_although_no_membrane_is_seen_between(
    narrow: float, count: int
) -> None:
    """An hourglass, whose section at the waist has 0.25 of the area, and a tube with 0.81."""
    waist = 13 * (1 - (1 - narrow) * np.exp(-(((Z - 12) / 4) ** 2)))
    bodies = found(np.abs(np.hypot(Y - 36, X - 48) - waist) <= 1.5)
    assert bodies.max() == count
    low, high = bodies[4, 36, 48], bodies[20, 36, 48]
    assert low and high and (low != high) == (count == 2)
    assert (bodies[:10, 36, 48] == low).all() and (bodies[14:, 36, 48] == high).all()


def test_a_section_that_leaks_lies_between_those_before_and_behind() -> None:
    radius = 6 + 0.5 * Z
    outlines = np.abs(np.hypot(Y - 36, X - 48) - radius) <= 1.5
    outlines[9:12, :, 48:] = False  # half of it
    bodies = found(outlines, caps=False)
    for z in (9, 10, 11):
        inside, to = (bodies[z] > 0) & ~outlines[z], radius[z, 0, 0]
        # With its membrane on the side where there is no outline.
        assert inside[:, :48].sum() == pytest.approx(np.pi / 2 * (to - 1.5) ** 2, rel=0.1), z
        assert inside[:, 48:].sum() == pytest.approx(np.pi / 2 * (to + 1.5) ** 2, rel=0.1), z


def test_a_body_that_an_inner_membrane_divides_for_some_slices_stays_one() -> None:
    along = np.clip(X, 34, 62)
    capsule = np.sqrt(((Z - 11.5) * 0.9) ** 2 + (Y - 36) ** 2 + (X - along) ** 2) - 10
    outlines = shell(capsule) | ((capsule < 0) & (np.abs(X - 48) <= 1) & (np.abs(Z - 11) <= 2))
    assert found(outlines).max() == 1


def test_sections_of_one_body_have_no_neck() -> None:
    z = np.linspace(-1, 1, 30)
    ball = 100 * (1 - z**2) + 1
    assert necks(ball) == []
    assert necks(np.concatenate([ball, ball])) in ([29], [30])
    assert len(necks(np.concatenate([ball, ball, ball]))) == 2
    halved = ball.copy()
    halved[12:18] /= 2.2
    assert necks(halved) == [], "an inner membrane takes half of it away at once"
    assert necks(100 + 15 * np.cos(np.arange(40) / 4)) == [], "not by 15 %"
    assert necks(np.concatenate([ball, ball[:4]])) == [], "nothing lies in so few slices"


@pytest.mark.parametrize("lean", [0.8, 0.6, 0.4])
@pytest.mark.parametrize("half_length", [0, 20])
def test_caps_make_up_for_tops_without_outlines(lean: float, half_length: int) -> None:
    """A ball and a lying tube that end where the outline leans by 53°, and where it ends earlier."""
    z, y, x = np.indices((38, 48, 96))
    along = np.clip(x, 48 - half_length, 48 + half_length)
    distance = np.sqrt((z - 18.5) ** 2 + (y - 24) ** 2 + (x - along) ** 2) - 14
    upward = np.abs(z - 18.5) / (distance + 14)
    outlines = ((np.abs(distance) <= 1.5) & (upward <= lean)).astype(np.uint8)
    bodies = np.zeros(outlines.shape, np.uint32)
    find_bodies(outlines, bodies, BodyParameters(sheets=False))
    truth = distance <= 1.5
    assert bodies.max() == 1
    assert (bodies > 0).sum() == pytest.approx(truth.sum(), rel=0.06)
    assert (truth & (bodies > 0)).sum() > 0.93 * truth.sum()
