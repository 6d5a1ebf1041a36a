import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from sxtstudio.core.geometry import Box
from sxtstudio.training import shapes
from sxtstudio.training.canvas import (
    DARK_SIDE_PX,
    OUTLINE_HALF_PX,
    Appearance,
    Phantom,
    PhantomMaterial,
    paint,
)
from sxtstudio.training.phantom import make_phantom

SHAPE = (41, 61, 61)
APPEARANCE = Appearance(voxel_nm=10, cytosol=0.25, membrane=0.5, width_nm=30, rims=1.0)
CENTRE = np.array([20.0, 30.0, 30.0])


def empty_phantom():
    return Phantom.empty(SHAPE, APPEARANCE, lac=0.0, room=1e3)


def ball(radius):
    rng = np.random.default_rng(0)
    box = Box.whole(SHAPE)
    return shapes.bumpy_ellipsoid(rng, box, CENTRE, np.full(3, radius), Rotation.identity(), 0)


def test_signed_distance_of_a_ball_near_its_surface():
    distance, upright = shapes.signed_distance(ball(15.0))
    z, y, x = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]] - CENTRE.reshape(3, 1, 1, 1)
    r = np.sqrt(z**2 + y**2 + x**2)
    shell = np.abs(r - 15) < 3
    assert np.abs(distance - (r - 15))[shell].max() < 0.3
    assert np.abs(upright - np.hypot(y, x) / np.maximum(r, 1))[shell].max() < 0.06


def test_a_painted_ball_has_its_membrane_and_outline_where_geometry_says():
    phantom = empty_phantom()
    paint(phantom, Box.whole(SHAPE), ball(15.0), PhantomMaterial(0.2, 0.5, 3.0))
    assert phantom.lac[20, 30, 30] == pytest.approx(0.2)
    assert phantom.lac[20, 30, 45] == pytest.approx(0.5)
    assert phantom.lac[20, 30, 50] == 0
    # On the equator the outline is a ring of width 5; at the pole it lies in the slice: none is drawn.
    row = np.flatnonzero(phantom.outline[20, 30, 30:])
    middle = 15 - DARK_SIDE_PX * 0.2 / (0.2 + 0.3)  # body and rim stand out by 0.2 and 0.3 more
    assert row.min() == pytest.approx(middle - OUTLINE_HALF_PX, abs=1)
    assert row.max() == pytest.approx(middle + OUTLINE_HALF_PX, abs=1)
    assert not phantom.outline[5].any()
    # There it is hidden: up to where the normal leans 60° out of the slice, at half the radius.
    cap = phantom.hidden[5:8].any(axis=0)
    _, y, x = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]] - CENTRE.reshape(3, 1, 1, 1)
    assert cap[30, 30] and not phantom.hidden[20].any()
    assert (np.hypot(y, x)[phantom.hidden] < 0.5 * 17.5 + 1).all()
    assert not (phantom.hidden & phantom.outline).any()


def test_a_straight_tube_has_its_radius():
    curve = np.stack([np.full(200, 20.0), np.full(200, 30.0), np.linspace(0, 60, 200)], axis=1)
    distance = shapes.tube(np.random.default_rng(0), Box.whole(SHAPE), curve, 8.0, swelling=0)
    assert distance[20, 30, 30] == pytest.approx(-8, abs=0.2)
    assert distance[20, 38, 30] == pytest.approx(0, abs=0.2)
    assert distance[28, 30, 10] == pytest.approx(0, abs=0.2)


def test_the_same_seed_gives_the_same_phantom():
    first, second = (make_phantom(np.random.default_rng(5), (12, 96, 96)) for _ in range(2))
    assert np.array_equal(first.lac, second.lac)
    assert np.array_equal(first.outline, second.outline)
    assert 0.1 < np.median(first.lac) < 0.6
