"""Distances within a mask are those of scikit-image, which walks it voxel by voxel."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.graph import MCP_Geometric

from sxtstudio.core.filopodia.walking import near_to, walked


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (25.0, 10.0, 7.0)], ids=["cubes", "slabs"])
def test_ways_are_as_long_as_those_of_another_program(spacing: tuple[float, float, float]) -> None:
    where = np.random.default_rng(2).random((9, 20, 17)) < 0.35
    where[0, 0, 0] = where[-1, -1, -1] = True
    starts = [(0, 0, 0), (8, 19, 16)]
    expected, _ = MCP_Geometric(np.where(where, 1.0, -1.0), sampling=spacing).find_costs(starts)
    found = walked(where, starts, spacing)
    assert np.allclose(found[where], np.asarray(expected)[where])
    assert np.isinf(found[~where]).all()


def test_a_straight_way_and_one_around_a_wall() -> None:
    where = np.ones((1, 5, 5), np.bool_)
    where[0, :4, 2] = False
    far = walked(where, [(0, 0, 0)], (1.0, 2.0, 2.0))
    assert far[0, 4, 0] == 8 and far[0, 0, 4] == pytest.approx(2 * (2 * (2 + 2 * np.sqrt(2))))
    assert not np.isfinite(walked(where, [(0, 0, 2)], (1.0, 1.0, 1.0))).any(), "it begins in the wall"


def test_what_is_near_is_the_same_in_slabs() -> None:
    where = np.random.default_rng(3).random((14, 11, 12)) < 0.01
    where[6:9] = False
    z, y, x = (axis[..., None] for axis in np.indices(where.shape))
    places = np.argwhere(where).T
    far = np.sqrt(((z - places[0]) * 3) ** 2 + ((y - places[1]) * 2) ** 2 + (x - places[2]) ** 2).min(axis=-1)
    for reach in (0.5, 3.0, 6.5):
        assert (near_to(where, reach, (3.0, 2.0, 1.0), slab=140) == (far <= reach)).all()
