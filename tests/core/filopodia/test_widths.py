"""Filopodia that stand close together: one of them is taken, or it is said that it may be several."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.filopodia.find import find_filopodium
from sxtstudio.core.filopodia.grey import Grey, grey_around
from sxtstudio.core.filopodia.records import Filopodium, Incomplete
from sxtstudio.core.filopodia.sampling import Ground
from sxtstudio.core.filopodia.tube import TubeFit
from sxtstudio.core.filopodia.widths import Widths, divided
from sxtstudio.core.geometry import Box
from sxtstudio.core.volume import ArrayVolume

RADIUS, WALL, BASE, LENGTH, GAP = 4.5, 2.2, 20, 50, 0.8
SHAPE = (46, 84, 64)
VOXEL_NM = (12.0, 12.0, 12.0)


@dataclass(frozen=True)
class Tuft:
    """Seven filopodia, one in the middle of six: absorption, outlines, and the one in the middle."""

    absorbs: NDArray[np.float32]
    labels: NDArray[np.uint8]
    middle: NDArray[np.bool_]

    def clicked(self, labels: NDArray[np.uint8]) -> Filopodium:
        """Click the base and the tip of the one in the middle."""
        z, x = SHAPE[0] // 2, SHAPE[2] // 2
        places = ((z, BASE + 3, x), (z, BASE + LENGTH - 4, x))
        grey = grey_around(ArrayVolume(-self.absorbs), places, VOXEL_NM, absorbing_dark=True)
        return find_filopodium(labels, places[0], VOXEL_NM, grey=grey, more=places[1:]).cut()


@pytest.fixture(scope="module")
def tuft() -> Tuft:
    z, y, x = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in SHAPE), indexing="ij")
    turns = np.arange(6) * np.pi / 3
    places = [(0.0, 0.0), *((2 * RADIUS + GAP) * np.array([np.sin(turns), np.cos(turns)])).T.tolist()]
    tubes = [
        np.sqrt(
            (z - SHAPE[0] // 2 - up) ** 2
            + (x - SHAPE[2] // 2 - aside) ** 2
            + np.clip(y - (BASE + LENGTH - RADIUS), 0, None) ** 2
        )
        - RADIUS
        for up, aside in places
    ]
    cell, nearest = y - BASE, np.min(tubes, axis=0)
    wall = np.where(cell <= 0, cell > -WALL, (nearest <= 0) & (nearest > -WALL))
    wall &= (cell > 0) | (nearest > -WALL)
    absorbs = np.where((cell <= 0) | (nearest <= 0), 0.25, 0.1) + 0.2 * wall
    absorbs = ndimage.gaussian_filter(absorbs, (1.5, 1, 1))
    absorbs += np.random.default_rng(1).normal(0, 0.06, SHAPE)
    return Tuft(absorbs.astype(np.float32), wall.astype(np.uint8) * 255, (tubes[0] <= 0) & (cell > 0))


def test_one_of_a_tuft_is_cut_out_along_its_outlines(tuft: Tuft) -> None:
    """The edge around all seven is the clearest one, and holds more than seven times as much."""
    found = tuft.clicked(tuft.labels)
    assert found.voxels == pytest.approx(tuft.middle.sum(), rel=0.3)
    assert Incomplete.DOUBTFUL not in found.incomplete


def test_where_no_outline_parts_them_it_is_said_that_it_may_be_several(tuft: Tuft) -> None:
    found = tuft.clicked(np.zeros_like(tuft.labels))
    assert found.voxels > 3 * tuft.middle.sum() and Incomplete.DOUBTFUL in found.incomplete


@pytest.mark.parametrize(
    ("radius", "by_outlines", "by_valleys"),
    [(RADIUS, 0.0, 0.0), (3 * RADIUS, 0.15, 0.15)],
    ids=["its own", "of all"],
)
def test_all_of_a_tuft_is_divided_inside(radius: float, by_outlines: float, by_valleys: float) -> None:
    """Wide ones, so that the ice between them shows."""
    places = np.array([[23.0, y, 32.0] for y in range(8, 56, 4)])
    first, second = np.tile([[0.0, 0.0, 1.0]], (12, 1)), np.tile([[1.0, 0.0, 0.0]], (12, 1))
    z, _, x = np.meshgrid(*(np.arange(n, dtype=float) for n in (46, 64, 64)), indexing="ij")
    turns = np.arange(6) * np.pi / 3
    centres = [(23.0, 32.0), *np.array([23 + 12 * np.sin(turns), 32 + 12 * np.cos(turns)]).T.tolist()]
    nearest = np.min([np.hypot(z - up, x - aside) for up, aside in centres], axis=0) - RADIUS
    labels = ((nearest <= 0) & (nearest > -1.5)).astype(np.uint8)
    grey = Grey((nearest <= 0).astype(np.float32), Box.whole(labels.shape), (1.0, 1.0, 1.0), 1.0)
    for ground, least in (
        (Ground(labels, (1.0, 1.0, 1.0)), by_outlines),
        (Ground(0 * labels, (1.0, 1.0, 1.0), grey), by_valleys),
    ):
        value = divided(TubeFit(ground, 0.75), places, first, second, radius).mean()
        assert value > least if least else value < 0.02, value


RADII = np.array([2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])


def widths(*means: float, half_wall: float = 1.0) -> Widths:
    """The same at each of five places."""
    fits = np.repeat(np.array(means)[:, None], 5, axis=1)
    return Widths(RADII, fits, np.zeros((len(means), 5, 3)), half_wall)


@pytest.mark.parametrize(
    ("means", "radius"),
    [
        ((0.0, 0.1, 0.5, 0.2, 0.3, 0.6, 0.1), 4.0),
        ((0.0, 0.1, 0.2, 0.3, 0.5, 0.6, 0.1), 7.0),
        ((0.0, 0.1, 0.2, 0.1, 0.3, 0.9, 0.1), 7.0),
        ((0.0, 0.48, 0.5, 0.49, 0.5, 0.6, 0.1), 7.0),
        ((0.5, 0.4, 0.2, 0.1, 0.2, 0.6, 0.1), 7.0),
        ((0.7, 0.4, 0.2, 0.1, 0.2, 0.3, 0.1), 2.0),
    ],
    ids=["tuft", "alone", "a trace", "no valley between", "its wall", "nothing but a line"],
)
def test_the_first_width_that_may_be_a_tube_is_taken(means: tuple[float, ...], radius: float) -> None:
    assert RADII[widths(*means, half_wall=1.5).usual()] == radius


def test_the_width_may_vary_along_it() -> None:
    fits = np.zeros((7, 9))
    fits[2, :5], fits[3, 5:] = 0.9, 0.9
    one = Widths(RADII, fits, np.zeros((7, 9, 3)), 1.0)
    _, radii = one.along()
    assert radii.tolist() == [4.0] * 5 + [5.0] * 4
    fits[6, 4] = 2.0
    assert one.along()[1].tolist() == [4.0] * 5 + [5.0] * 4, "not twice as wide at a single place"
