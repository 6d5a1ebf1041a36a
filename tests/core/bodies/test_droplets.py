"""Droplets that the labels run into a wall, told by a tomogram: balls by formula, blurred and with noise."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.bodies.balls import FEATURES
from sxtstudio.core.bodies.droplets import Balls, ball_in, choose_balls, find_balls
from sxtstudio.core.bodies.find import BodyParameters, find_bodies
from sxtstudio.core.bodies.regions import find_regions
from sxtstudio.core.bodies.tracks import Linker
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import ArrayVolume

Mask = NDArray[np.bool_]
SHAPE = (36, 72, 96)
VESICLE, DROPLET, KNOT = ((18, 36, 40), 20.0), ((18, 36, 66.0), 5.0), ((18, 16, 40), 4.0)
HALF = 3.0  # half the width of lines of 5 px, as it is measured


def away(centre: tuple[float, float, float], z_step: float = 1.0) -> NDArray[np.float64]:
    z, y, x = (axis - c for axis, c in zip(np.indices(SHAPE, np.float64), centre, strict=True))
    return np.sqrt((z * z_step) ** 2 + y**2 + x**2)


def scene(sign: float = 1.0) -> tuple[NDArray[np.uint8], ArrayVolume]:
    """A vesicle, in its line a droplet, which absorbs twice as much, and a knot, which does not."""
    wall, droplet = np.abs(away(VESICLE[0]) - VESICLE[1]), away(DROPLET[0])
    outlines = (wall <= 2.5) | (droplet <= DROPLET[1] + 0.5) | (away(KNOT[0]) <= KNOT[1])
    grey = np.where(wall <= 1.5, 1.0, 0.2)
    grey[droplet <= DROPLET[1]] = 2.0
    grey = ndimage.gaussian_filter(grey, 1.0) + np.random.default_rng(1).normal(0, 0.2, SHAPE)
    return outlines.astype(np.uint8), ArrayVolume((5 + sign * grey).astype(np.float32))


def numbered(outlines: NDArray[np.uint8], image: ArrayVolume | None) -> tuple[int, NDArray[np.uint32]]:
    bodies = np.zeros(SHAPE, np.uint32)
    found = find_bodies(outlines, bodies, BodyParameters(sheets=False), image=image, progress=Progress())
    assert set(np.unique(bodies)) - {0} == set(range(1, found.count + 1))
    return found.count, bodies


@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["absorbing bright", "absorbing dark"])
def test_a_droplet_on_a_wall_is_a_body_where_the_tomogram_shows_it(sign: float) -> None:
    outlines, image = scene(sign)
    count, bodies = numbered(outlines, image)
    assert count == 2, "a knot in the wall is none"
    true = away(DROPLET[0]) <= DROPLET[1] + 0.5  # as it is drawn
    droplet = bodies == bodies[18, 36, 65]
    assert (droplet & true).sum() > 0.65 * (droplet | true).sum()
    vesicle = bodies == bodies[18, 36, 40]
    inside = away(VESICLE[0]) <= VESICLE[1] + 1.5
    assert (vesicle & inside).sum() > 0.85 * (vesicle | inside).sum()
    assert numbered(outlines, None)[0] == 1, "the labels alone do not show it"


@pytest.mark.parametrize(("shift", "numbers"), [(0, [1, 2]), (-9, [2, 1])], ids=["later", "earlier"])
def test_bodies_are_numbered_in_the_order_of_their_slices_droplets_too(
    shift: int, numbers: list[int]
) -> None:
    """The outline of the vesicle begins in slice 12, the droplet in 13, or 4."""
    outlines, image = scene()
    droplet = away(DROPLET[0]) <= 7
    moved, grey = np.roll(outlines * droplet, shift, 0), np.where(droplet, 5.2, image.array)
    grey[np.roll(droplet, shift, 0)] = image.array[droplet]
    outlines[droplet] = outlines[:12] = 0
    bodies = numbered(outlines | moved, ArrayVolume(grey.astype(np.float32)))[1]
    assert [bodies[18, 36, 40], bodies[18 + shift, 36, 67]] == numbers


@pytest.mark.parametrize("z_step", [1.0, 2.0])
@pytest.mark.parametrize("radius", [4.0, 6.0])
def test_middle_and_radius_of_a_ball(z_step: float, radius: float) -> None:
    centre = (17.4, 35.3, 50.6)
    distance = away(centre, z_step)
    sheet = np.abs(np.indices(SHAPE)[1] - 60)
    grey = np.where(distance <= radius, 2.0, np.where(sheet <= 1.5, 1.0, 0.0))
    grey = ndimage.gaussian_filter(grey, (0.8 / z_step, 0.8, 0.8))
    outlines = (distance <= radius + 0.5) | (sheet <= 2.5)
    image = ArrayVolume(grey.astype(np.float32))
    balls = find_balls(outlines.astype(np.uint8), image, HALF, z_step=z_step)
    best = balls.features[:, FEATURES.index("response")].argmax()
    assert balls.centre[best] == pytest.approx(centre, abs=0.4)
    assert balls.radius[best] == pytest.approx(radius, abs=0.6)
    known = dict(zip(FEATURES, balls.features[best], strict=True))
    lines = grey[outlines].mean()
    assert known["level"] == pytest.approx(2 / lines, rel=0.2), "1 is the level of outlines"
    assert known["around"] == pytest.approx(0, abs=0.2) and known["labelled"] > 0.7
    _, inside = ball_in(outlines.astype(np.uint8), balls.centre[best], radius, 0.0, z_step)
    assert inside.sum() == pytest.approx(4 / 3 * np.pi * radius**3 / z_step, rel=0.1)


def test_balls_do_not_depend_on_slabs() -> None:
    outlines, image = scene()
    deep, volume = np.tile(outlines, (2, 1, 1)), ArrayVolume(np.tile(image.array, (2, 1, 1)))
    one, many = (find_balls(deep, volume, HALF, slab_voxels=size) for size in (10**9, 7 * 72 * 96))
    assert len(one.radius) >= 2
    assert np.allclose(one.centre, many.centre) and np.allclose(one.features, many.features, atol=1e-4)


@pytest.mark.parametrize(("lumen", "outlined"), [(4.5, True), (2.0, False)], ids=["large", "small"])
def test_a_small_lumen_gives_way_to_a_ball_and_a_large_one_does_not(lumen: float, outlined: bool) -> None:
    distance = away(DROPLET[0])
    outlines = ((distance <= 6.5) & (distance > lumen)).astype(np.uint8)
    linker, bodies = Linker(), np.zeros(SHAPE, np.uint32)
    for z, plane in enumerate(outlines):
        regions = find_regions(plane != 0, gap_px=6, split=0, half_px=HALF)
        bodies[z] = np.where(regions.numbers > 0, regions.numbers + linker.first[-1], 0)
        linker.add(regions)
    tracks = linker.finish()
    bodies = np.concatenate([[0], tracks.of_region + 1]).astype(np.uint32)[bodies]
    inside = int(bodies[18, 36, 66]) - 1
    ball = Balls(np.array([DROPLET[0]]), np.array([5.0]), np.zeros((1, len(FEATURES))))
    chosen, stays = choose_balls(ball, outlines, bodies, tracks, np.ones(tracks.count, np.bool_), HALF)
    assert bool(stays[inside]) is outlined and chosen.tolist() == [not outlined]


def test_a_droplet_whose_lumen_is_outlined_is_one_body() -> None:
    outlines, image = scene()
    outlines[away(DROPLET[0]) <= 3.6] = 0
    count, bodies = numbered(outlines, image)
    assert count == 2
    assert np.array_equal(bodies, numbered(outlines, None)[1]), "and as it is outlined"


@pytest.mark.parametrize("grey", [0.0, np.nan], ids=["flat", "not a number"])
def test_a_tomogram_that_shows_nothing_changes_nothing(grey: float) -> None:
    outlines = scene()[0]
    image = ArrayVolume(np.full(SHAPE, grey, np.float32))
    assert not len(find_balls(outlines, image, HALF).radius)
    assert numbered(outlines, image)[0] == 1
