"""Cristae against the geometry of a straight tube."""

import numpy as np
import pytest
from scipy import ndimage

from sxtstudio.core.geometry import Box
from sxtstudio.training import cristae, shapes
from sxtstudio.training.canvas import Appearance, Phantom

SHAPE = (36, 40, 150)


def tube(voxel_nm, seed, curve=None):
    """Return a phantom with cristae in a tube of radius 14 along x, and the distance to its wall."""
    phantom = Phantom.empty(SHAPE, Appearance(voxel_nm, 0.25, 0.5, 30, 1.0), 0.35)
    if curve is None:
        curve = np.stack([np.full(221, 17.6), np.full(221, 20.2), np.linspace(20, 130, 221)], axis=1)
    rng, box = np.random.default_rng(seed), Box.whole(SHAPE)
    wall = shapes.tube(rng, box, curve, 14.0, swelling=0)
    cristae.add_lamellae(rng, phantom, box, wall, curve)
    return phantom, wall


def changed(phantom):
    return np.abs(phantom.lac + phantom.grain - 0.35) > 0.015


def test_lamellae_stand_across_the_tube_at_the_distances_of_micrographs():
    apart = []
    for seed in range(6):
        phantom, wall = tube(10.0, seed)
        folds = changed(phantom)
        assert (wall[folds] < -1).all()  # matrix between them and the wall
        middle = folds[15:21, 18:23].any(axis=(0, 1))
        apart.append(110 / max(1, ndimage.label(middle)[1]))
        if folds.any():  # a sheet: larger across the tube than along it
            pieces, _ = ndimage.label(folds)
            largest = ndimage.find_objects(pieces)[int(np.argmax(np.bincount(pieces.ravel())[1:]))]
            assert largest[1].stop - largest[1].start > 8
    assert 5.5 < np.median(apart) < 24  # 55 to 220 nm, of which a few do not reach the middle


def test_what_is_drawn_lies_on_a_lamella_and_what_merely_shows_is_not_judged():
    drawn = 0
    for seed in (0, 1, 5, 6):
        phantom, _ = tube(8.0, seed)
        folds = changed(phantom)
        away = ndimage.distance_transform_edt(~folds)
        assert (away[phantom.outline] <= 4).all()
        if phantom.outline.any():
            drawn += 1
            assert phantom.lac[folds].min() > 0.35 - 1e-6  # dark ones only
            covered = phantom.outline | phantom.hidden
            assert covered[folds].mean() > 0.9
    assert drawn >= 2


@pytest.mark.parametrize(
    ("apart", "thick"), [pytest.param(4.0, 2.0, id="close"), pytest.param(12.0, 1.1, id="thin")]
)
def test_cristae_that_are_not_resolved_are_never_drawn(apart, thick):
    phantom = Phantom.empty((8, 8, 8), Appearance(10, 0.25, 0.5, 30, 1.0), 0.3)
    looks = [cristae.random_look(np.random.default_rng(s), phantom, apart, thick) for s in range(60)]
    assert not any(look.drawn for look in looks)
    clear = [cristae.random_look(np.random.default_rng(s), phantom, 12, 3) for s in range(60)]
    assert any(look.drawn for look in clear)
    assert all(look.lac >= cristae.CLEAR_LAC for look in clear if look.drawn)


def test_an_axis_that_stands_still_for_a_while_is_no_fault():
    once = np.stack([np.full(60, 17.6), np.full(60, 20.2), np.linspace(40, 110, 60)], axis=1)
    phantom, _ = tube(10.0, 2, np.concatenate([once, np.repeat(once[-1:], 5, axis=0), once[::-1]]))
    assert np.isfinite(phantom.lac).all() and np.isfinite(phantom.grain).all()
