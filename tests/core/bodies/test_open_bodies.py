"""Bodies whose tops or bottoms are missing are told from whole ones, as the missing wedge leaves them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sxtstudio.core.bodies.ends import add_caps, find_ends
from sxtstudio.core.bodies.find import BodyParameters, find_bodies
from sxtstudio.core.object_table import ObjectFlag

RADIUS = 10.0
#: A body is cut where more than that part of it is missing in truth.
MISSING = 0.2
Z, Y, X = np.indices((31, 40, 40)) - np.array([15, 20, 20])[:, None, None, None]
AWAY = np.sqrt(Z**2 + Y**2 + X**2)


def missing_of_ball(height: float) -> float:
    """Return the part of a ball of radius 1 that lies above a height over its middle."""
    return (1 - height) ** 2 * (2 + height) / 4


@pytest.mark.parametrize("height", [0.0, 0.2, 0.4, 0.6, 0.8])
@pytest.mark.parametrize("z_step", [1.0, 2.0])
def test_what_is_missing_of_a_ball_is_known(height: float, z_step: float) -> None:
    """Of a ball that is cut at a height over its middle, by the formula of its cap."""
    away = np.sqrt((Z * z_step) ** 2 + Y**2 + X**2)
    ball = (away <= RADIUS) & (Z * z_step <= height * RADIUS)
    outlines = (ball & ((away > RADIUS - 2) | (Z * z_step < -RADIUS + 2 * z_step))).astype(np.uint8)
    bodies = ball.astype(np.uint32)
    ends = find_ends(outlines, bodies, 1)
    assert not ends.open_below[1] and ends.open_above[1]
    widest = np.array([0.0, RADIUS + 0.5])
    drawn = bodies.copy()
    measured = add_caps(outlines, bodies.copy(), ends, widest, z_step=z_step, draw=False)
    caps = add_caps(outlines, drawn, ends, widest, z_step=z_step)
    assert caps.drawn[1] == (drawn == 1).sum() - ball.sum() and not measured.drawn.any()
    share = measured.missing[1] / (ball.sum() + measured.missing[1])
    # The cut lies within a slice above the last one.
    least, most = (missing_of_ball(height + above * z_step / RADIUS) for above in (1.0, -0.25))
    assert least - 0.06 <= share <= most + 0.01, "half a pixel of width is much near the middle"
    for of, voxels in ((caps, drawn), (measured, bodies)):
        assert of.leave_open(np.bincount(voxels.ravel()))[1] == (share > MISSING)
        assert not of.leave_open(np.bincount(voxels.ravel()))[0]


def test_a_body_that_is_nowhere_wider_than_at_its_end_may_be_half_of_one() -> None:
    """An upright tube without lids: one knows neither end of it."""
    tube = np.hypot(Y, X) <= RADIUS
    outlines = (tube & (np.hypot(Y, X) > RADIUS - 3) & (np.abs(Z) <= 10)).astype(np.uint8)
    found = find_bodies(outlines, np.zeros(outlines.shape, np.uint32), BodyParameters())
    assert found.bodies == 1 and ObjectFlag.OPEN in found.flags[0]


def balls(cut: bool) -> tuple[NDArray[np.uint8], list[tuple[tuple[int, int, int], float]]]:
    """Return outlines of balls, half of them cut at some height, and their middles and what is missing.

    Membranes are hidden where more than 0.8 of their normal lies along z.
    """
    rng = np.random.default_rng(3)
    outlines = np.zeros((36, 150, 180), np.uint8)
    known = []
    for row, column in np.ndindex(5, 6):
        radius, middle = rng.uniform(6, 12), (int(rng.integers(16, 20)), 15 + 30 * row, 15 + 30 * column)
        whole = rng.random() < 0.5 or not cut
        ends = np.full(2, 0.8) if whole else rng.permutation([0.8, rng.uniform(-0.3, 0.6)])
        z, y, x = (np.arange(n) - at for n, at in zip(outlines.shape, middle, strict=True))
        away = np.sqrt(z[:, None, None] ** 2 + y[:, None] ** 2 + x**2)
        lines = np.abs(away - radius) <= 1.5
        lines[(z < -ends[0] * radius) | (z > ends[1] * radius)] = False
        outlines[lines] = 1
        last = (np.floor(ends * radius) + 0.5) / (radius + 1.5)  # upper side of the last outlined slice
        known.append((middle, sum(missing_of_ball(float(end)) for end in last)))
    return outlines, known


@pytest.mark.parametrize("cut", [True, False], ids=["half of them cut", "all as the wedge leaves them"])
def test_open_bodies_are_those_of_which_much_is_missing(cut: bool) -> None:
    outlines, known = balls(cut)
    bodies = np.zeros(outlines.shape, np.uint32)
    found = find_bodies(outlines, bodies, BodyParameters(sheets=False))
    numbers = [int(np.bincount(bodies[:, y, x])[1:].argmax()) + 1 for (_, y, x), _ in known]
    assert len(set(numbers)) == len(known) == found.bodies
    flagged = np.array([ObjectFlag.OPEN in found.flags[number - 1] for number in numbers])
    truth = np.array([missing > MISSING for _, missing in known])
    assert truth.sum() >= 12 if cut else truth.sum() <= 3, "of small ones a slice is a good part"
    assert (flagged != truth).sum() <= 2
