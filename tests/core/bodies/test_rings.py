"""Rings that lie flat are bodies, their holes are none; what lies in a body is a body of its own."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sxtstudio.core.bodies.find import BodyParameters, find_bodies
from sxtstudio.core.bodies.membrane import membrane_in

Places = NDArray[np.float64]
SHAPE = (44, 104, 104)
#: Where a surface lies flatter than this, the missing wedge hides it: the part of its normal along the beam.
HIDDEN = 0.8


def places() -> tuple[Places, Places, Places]:
    """Places (z, y, x) of voxels, from the middle, where none is."""
    z, y, x = (np.arange(n) - (n - 1) / 2 + 0.3 for n in SHAPE)
    return z[:, None, None], y[:, None], x


def outlines(*distances: Places) -> NDArray[np.uint8]:
    """Membranes 3 px wide around bodies, by the distance from the surface of each; flat ones are missing."""
    found = np.zeros(SHAPE, np.uint8)
    for distance in distances:
        along, *across = np.gradient(distance)
        steep = np.abs(along) <= HIDDEN * np.sqrt(along**2 + across[0] ** 2 + across[1] ** 2)
        found |= ((np.abs(distance) <= 1.5) & steep).astype(np.uint8)
    return found


def bodies(shown: NDArray[np.uint8]) -> NDArray[np.uint32]:
    found = np.zeros(SHAPE, np.uint32)
    parameters = BodyParameters(sheets=False, membrane=membrane_in((10.0, 10.0, 10.0)))
    find_bodies(shown, found, parameters)
    return found


def overlap(found: NDArray[np.uint32], truth: NDArray[np.bool_]) -> float:
    """Intersection over union with the number that covers most of it."""
    number = np.bincount(found[truth]).argmax()
    own = found == number
    return float((own & truth).sum() / (own | truth).sum()) if number else 0.0


def ball(middle: tuple[float, float, float], radius: float) -> Places:
    z, y, x = places()
    return np.asarray(np.sqrt((z - middle[0]) ** 2 + (y - middle[1]) ** 2 + (x - middle[2]) ** 2) - radius)


@pytest.mark.parametrize(
    ("around", "radius", "tilt"), [(24, 10, 0.0), (30, 14, 0.0), (32, 9, 0.0), (27, 11, 0.1)]
)
def test_a_ring_that_lies_flat_is_a_body(around: float, radius: float, tilt: float) -> None:
    z, y, x = places()
    up, aside = z * np.cos(tilt) - x * np.sin(tilt), x * np.cos(tilt) + z * np.sin(tilt)
    distance = np.hypot(np.hypot(y, aside) - around, up) - radius
    found = bodies(outlines(distance))
    assert len(np.unique(found[found > 0])) == 1
    assert overlap(found, distance <= 1.5) > 0.9
    hole = (np.hypot(y, aside) < around - radius - 3) & (np.abs(up) < radius)
    assert not found[hole].any()


def test_what_lies_in_a_body_is_no_hole() -> None:
    small = ball((0, 4, 0), 9)
    found = bodies(outlines(ball((0, 0, 0), 19.5), small))
    assert overlap(found, small <= 1.5) > 0.7


def test_what_narrows_to_a_neck_in_a_body_is_no_hole() -> None:
    """Its ends are hidden, so that it widens to both as holes do, but what is around goes on."""
    pair = np.minimum(ball((-6, 0, 0), 8), ball((6, 0, 0), 8))
    found = bodies(outlines(ball((0, 0, 0), 20), pair))
    assert overlap(found, (pair <= 1.5) & (np.broadcast_to(places()[0], SHAPE) > 0)) > 0.3
