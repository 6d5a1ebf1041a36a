"""Spaces between bodies by formula: told from bodies that are bent, forked, or have inner membranes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from sxtstudio.core.bodies.find import BodyParameters, enclosed_bodies
from sxtstudio.core.bodies.interstices import is_interstice
from sxtstudio.core.bodies.regions import find_regions
from sxtstudio.core.bodies.tracks import Linker

HALF_PX = 2.0
Y, X = np.indices((161, 161)) - 80.0

Point = tuple[float, float]


def disk(at: Point, radius: float) -> NDArray[np.bool_]:
    return np.hypot(Y - at[0], X - at[1]) <= radius


def on_ring(count: int, radius: float) -> list[Point]:
    return [(radius * np.cos(f), radius * np.sin(f)) for f in np.arange(count) * 2 * np.pi / count]


def tube(*points: Point, radius: float = 12.0) -> NDArray[np.bool_]:
    parts = []
    for (y, x), (to_y, to_x) in pairwise(points):
        along = np.array([to_y - y, to_x - x])
        share = (((Y - y) * along[0] + (X - x) * along[1]) / (along @ along)).clip(0, 1)
        parts.append(np.hypot(Y - y - share * along[0], X - x - share * along[1]) <= radius)
    return np.any(parts, 0)


def space(count: int) -> NDArray[np.bool_]:
    """Return what round bodies on a ring, which touch each other, leave free between them."""
    radius = 62.0
    side = radius * np.sin(np.pi / count)
    return disk((0, 0), radius) & ~np.any([disk(at, side + 0.5) for at in on_ring(count, radius)], 0)


@pytest.mark.parametrize("count", [3, 4, 5, 6])
def test_what_bodies_leave_free_between_them_is_no_body(count: int) -> None:
    inner = find_regions(~space(count), gap_px=0, split=0, half_px=HALF_PX)
    middle = inner.numbers == inner.numbers[80, 80]
    assert is_interstice(middle, HALF_PX)


BODIES = {
    "round": disk((0, 0), 40),
    "straight": tube((-50, 0), (50, 0)),
    "banana": tube(*((50 * np.sin(f), 50 * np.cos(f)) for f in np.linspace(0, 2.5, 9))),
    "S": tube((-40, -40), (-40, 10), (0, 0), (40, -10), (40, 40)),
    "fork": np.any([tube((0, 0), at) for at in on_ring(3, 60)], 0),
    "cross": np.any([tube((0, 0), at) for at in on_ring(4, 60)], 0),
    "pinched": tube((-25, 0), (-24, 0), radius=24) | tube((25, 0), (26, 0), radius=24),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_stays_one_however_it_is_bent(name: str) -> None:
    assert not is_interstice(BODIES[name], HALF_PX)


def test_inner_membranes_are_no_neighbours() -> None:
    body = disk((0, 0), 45)
    for at in on_ring(6, 45):  # cristae, from the wall inwards
        body &= ~tube(at, (0.4 * at[0], 0.4 * at[1]), radius=HALF_PX)
    assert not is_interstice(body, HALF_PX)


def test_of_bodies_packed_in_a_slice_the_space_is_none_even_where_the_rule_takes_everything() -> None:
    places = on_ring(4, 50)
    outlines = np.any([disk(at, 36.5) & ~disk(at, 33.0) for at in places], 0)
    regions = find_regions(outlines, gap_px=0, split=0, half_px=HALF_PX)
    linker = Linker()
    linker.add(regions)
    tracks = linker.finish()
    body = enclosed_bodies(tracks, BodyParameters(sure=0.0))
    track_at = {
        at: tracks.of_region[regions.numbers[round(80 + at[0]), round(80 + at[1])] - 1] for at in places
    }
    assert all(body[track] for track in track_at.values())
    assert not body[tracks.of_region[regions.numbers[80, 80] - 1]]
