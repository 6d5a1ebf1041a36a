"""What a click gives depends little on where in a filopodium it was, or a little beside it."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from sxtstudio.core.filopodia.find import (
    FilopodiumParameters,
    _best_tube,
    _centred,
    _from_beside,
    _Tube,
    find_filopodium,
)
from sxtstudio.core.filopodia.grey import grey_around
from sxtstudio.core.filopodia.sampling import Ground
from sxtstudio.core.filopodia.start import TubePiece
from sxtstudio.core.filopodia.tube import TubeFit
from sxtstudio.core.geometry import Triple
from sxtstudio.core.progress import Progress
from tests.core.filopodia.phantoms import MIDDLE, RADIUS, Scene, scene

PX = (1.0, 1.0, 1.0)
WIDEST = 20.0


@pytest.fixture(scope="module")
def alone() -> Scene:
    return scene()


@pytest.fixture(scope="module")
def fit(alone: Scene) -> TubeFit:
    """No outline at all: only grey values."""
    grey = grey_around(alone.image(), (MIDDLE,), PX, absorbing_dark=True)
    return TubeFit(Ground(np.zeros_like(alone.labels), PX, grey), 1.0)


def voxels(one: Scene, place: Triple) -> NDArray[np.bool_]:
    grey = grey_around(one.image(), (place,), PX, absorbing_dark=True)
    found = find_filopodium(np.zeros_like(one.labels), place, None, grey=grey).cut()
    result = np.zeros(one.truth.shape, np.bool_)
    result[found.box.slices] = found.where
    return result


def test_clicks_a_voxel_apart_and_one_beside_it_agree(alone: Scene) -> None:
    """The last one is in the ice, a voxel beyond its surface."""
    z, y, x = MIDDLE
    found = [voxels(alone, place) for place in ((z, y, x + 3), (z, y, x + 4), (z, y, x - round(RADIUS) - 1))]
    for one, other in combinations([*found, alone.truth], 2):
        assert (one & other).sum() / (one | other).sum() > 0.88


@pytest.mark.parametrize("aside", [(0, 0, 0), (0, 0, 4), (0, 0, -5), (1, 3, 5)], ids=str)
def test_a_click_is_moved_to_the_middle(fit: TubeFit, aside: Triple) -> None:
    place = tuple(a + b for a, b in zip(MIDDLE, aside, strict=True))
    z, y, x = _centred(fit, (place[0], place[1], place[2]), WIDEST)
    assert abs(x - MIDDLE[2]) <= 1 and abs(z - MIDDLE[0]) <= 3, (
        "in the middle of the tube, which runs along y"
    )
    assert abs(y - place[1]) <= 1, "no farther along it"


def test_a_click_in_free_ice_stays_where_it_is(fit: TubeFit) -> None:
    assert _centred(fit, (18, 100, 20), WIDEST) == (18, 100, 20)


def beside(fit: TubeFit, tube: _Tube) -> _Tube:
    clicked = np.array(MIDDLE, np.float64)
    return _from_beside(fit, tube, clicked, WIDEST, FilopodiumParameters(), Progress())


@pytest.fixture(scope="module")
def followed(fit: TubeFit) -> _Tube:
    piece = TubePiece(np.array(MIDDLE, np.float64), np.array([0.0, 1.0, 0.0]), RADIUS, 1.0)
    tube = _best_tube(fit, [piece], np.array(MIDDLE, np.float64), WIDEST, FilopodiumParameters(), Progress())
    assert tube is not None
    return tube


def test_a_tube_that_is_found_from_beside_agrees(fit: TubeFit, followed: _Tube) -> None:
    assert beside(fit, followed).agrees


def test_of_three_the_one_most_like_the_others_is_taken(fit: TubeFit, followed: _Tube) -> None:
    """What was followed from the click ends a few voxels from it; those from beside go on to both ends."""
    points = followed.surface.points[:, 1]
    near = np.flatnonzero(np.abs(points - MIDDLE[1]) < 9)
    short = _Tube(followed.surface, int(near[0]), int(near[-1]), 1.0)
    chosen = beside(fit, short)
    assert len(chosen.found) == pytest.approx(len(followed.found), abs=6)
    assert not chosen.agrees, "one of the three is another one"
