"""Where bodies end in a tomogram, against shells whose edges are known, blurred and with noise."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.bodies.edges import find_edges
from sxtstudio.core.bodies.find import BodyParameters, find_bodies
from sxtstudio.core.bodies.membrane import Membrane
from sxtstudio.core.volume import ArrayVolume

SHAPE = (7, 64, 110)
CENTRES, RADIUS = ((32.0, 30.0), (32.0, 80.0)), 18.0


def cylinders(beyond: float, sign: float) -> tuple[NDArray[np.uint8], NDArray[np.uint32], ArrayVolume]:
    """Two vesicles with membranes of 3 px; their lines go on for so many px beyond the outer edges.

    The second one is a droplet that absorbs twice as much throughout, and is drawn as wide as it is.
    """
    y, x = np.indices(SHAPE[1:])
    one, two = (np.hypot(y - c[0], x - c[1]) - RADIUS for c in CENTRES)
    outlines = ((np.abs(one) <= 3) & (one <= 1.5 + beyond)) | (two <= 1.5)
    numbers = np.where(one <= 1.5 + beyond, 1, np.where(two <= 1.5, 2, 0))
    grey = np.where(np.abs(one) <= 1.5, 1.0, np.where(two <= 1.5, 2.0, 0.0))
    grey = np.stack([ndimage.gaussian_filter(grey, 1.0)] * SHAPE[0])
    grey += np.random.default_rng(2).normal(0, 0.2, SHAPE)
    image = ArrayVolume((3 + sign * grey).astype(np.float32))
    everywhere = (np.stack([part] * SHAPE[0]) for part in (outlines.astype(np.uint8), numbers))
    outlines, numbers = everywhere
    return outlines, numbers.astype(np.uint32), image


@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["absorbing bright", "absorbing dark"])
@pytest.mark.parametrize("beyond", [0.5, 1.0, 1.5])
def test_the_edge_of_a_membrane_is_found_within_its_line(beyond: float, sign: float) -> None:
    outlines, numbers, image = cylinders(beyond, sign)
    edges = find_edges(outlines, numbers, image, np.array([False, True, False]))
    assert edges[1] == pytest.approx(beyond, abs=0.35)
    assert -1.0 < edges[2] < -0.3, "what is darker ends where a membrane would"


@pytest.mark.parametrize("blur", [0.6, 1.6])
@pytest.mark.parametrize("radius", [6.0, 8.0])
def test_small_solid_bodies_are_as_large_as_they_are_however_they_are_blurred(
    radius: float, blur: float
) -> None:
    """A ball as dark as the membrane of a vesicle is; its line goes on for half a pixel beyond it."""
    z, y, x = np.indices((31, 60, 100))
    middle = np.hypot(y - 30, x - 28) - 18
    away = np.sqrt((z - 15) ** 2 + (y - 30) ** 2 + (x - 76) ** 2)
    outlines = (np.abs(middle) <= 3) | (away <= radius + 0.5)
    numbers = np.where(middle <= 3, 1, np.where(away <= radius + 0.5, 2, 0))
    # The membrane is drawn as it looks, so that half of it and half of the ball are one level.
    grey = ndimage.gaussian_filter(np.where(away <= radius, 1.0, 0.0), blur) + np.exp(-((middle / 1.5) ** 2))
    image, hollow = ArrayVolume(grey.astype(np.float32)), np.array([False, True, False])
    edges = find_edges(outlines.astype(np.uint8), numbers.astype(np.uint32), image, hollow)
    assert edges[2] == pytest.approx(0.5, abs=0.2)


def test_nobody_knows_edges_where_the_tomogram_shows_nothing_or_no_lumen_is_known() -> None:
    outlines, numbers, image = cylinders(1.0, 1.0)
    flat = ArrayVolume(np.full(SHAPE, np.nan, np.float32))
    assert np.isnan(find_edges(outlines, numbers, flat, np.array([False, True, False]))).all()
    assert np.isnan(find_edges(outlines, numbers, image, np.zeros(3, np.bool_))).all()
    lost = np.where(numbers == 1, 0, numbers).astype(np.uint32)
    assert np.isnan(find_edges(outlines, lost, image, np.array([False, False, True]))[1])


def test_bodies_end_where_the_tomogram_shows_it_however_far_lines_go() -> None:
    true = np.pi * (RADIUS + 1.5) ** 2
    off = {}
    for beyond in (0.5, 1.5):
        outlines, _, image = cylinders(beyond, 1.0)
        outlines[:, :, 55:] = 0
        for shown in (True, False):
            bodies = np.zeros(SHAPE, np.uint32)
            parameters = BodyParameters(sheets=False, membrane=Membrane(3.0))
            find_bodies(outlines, bodies, parameters, image=image if shown else None)
            off[beyond, shown] = float((bodies[3] > 0).sum() / true - 1)
    assert max(abs(off[0.5, True]), abs(off[1.5, True])) < 0.05
    assert abs(off[0.5, True] - off[1.5, True]) < abs(off[0.5, False] - off[1.5, False])
