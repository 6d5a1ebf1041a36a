"""Centre lines: length and width of balls, capsules, arcs and rings, of any direction and voxel."""

from __future__ import annotations

import math
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra

from sxtstudio.core.distance import distances
from sxtstudio.core.measure.measure import measure_objects
from sxtstudio.core.measure.skeleton import COLUMNS, SKELETON, _free_ways, _Graph, centre_line

sys.path.append(str(Path(__file__).parent))

from analytic import ellipsoid, voxels

Mask = NDArray[np.bool_]
Voxel = tuple[float, float, float]
VOXELS = pytest.mark.parametrize(
    "voxel", [(8.0, 8.0, 8.0), (16.0, 8.0, 8.0)], ids=["isotropic", "2:1 voxels"]
)


def grid(size: tuple[float, float, float], voxel: Voxel) -> NDArray[np.float64]:
    """Places (z, y, x, 3) of the voxels of a volume of this size, from its middle."""
    axes = [(np.arange(n := math.ceil(s / e)) - (n - 1) / 2) * e for s, e in zip(size, voxel, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def capsule(direction: tuple[float, float, float], length: float, radius: float, voxel: Voxel) -> Mask:
    """A rod with round ends; ``length`` between the centres of these."""
    unit = np.array(direction) / np.linalg.norm(direction)
    size = np.abs(unit) * length + 2 * radius + 3 * np.array(voxel)
    places = grid(tuple(size), voxel) - 0.21 * np.array(voxel)
    along = np.clip(places @ unit, -length / 2, length / 2)
    return np.asarray(np.linalg.norm(places - along[..., None] * unit, axis=-1) <= radius)


def ring(around: float, radius: float, voxel: Voxel, angle: float = math.tau, between: float = 0.0) -> Mask:
    """A torus, or a part of it with round ends."""
    side = 2 * (around + radius) + 3 * voxel[1]
    places = grid((2 * radius + 3 * voxel[0], side, side), voxel)
    z, y, x = np.moveaxis(places, -1, 0)
    mask = np.hypot(np.hypot(y, x) - around, z + between * voxel[0]) <= radius
    if angle < math.tau:
        mask &= np.abs(np.arctan2(y, x)) <= angle / 2
        for end in (-angle / 2, angle / 2):
            centre = (0, around * math.sin(end), around * math.cos(end))
            mask |= np.linalg.norm(places - centre, axis=-1) <= radius
    return np.asarray(mask)


def tapered(balls: list[tuple[float, float]], direction: tuple[float, float, float], voxel: Voxel) -> Mask:
    """The hulls of each ball and the next, which lie in a row: (place, radius) of each.

    Between them the largest ball that fits grows evenly from the one to the other.
    """
    unit = np.array(direction) / np.linalg.norm(direction)
    places, radii = np.array(balls).T
    middle = (places[0] + places[-1]) / 2
    size = np.abs(unit) * (places[-1] - places[0]) + 2 * radii.max() + 3 * np.array(voxel)
    at = grid(tuple(size), voxel) - 0.21 * np.array(voxel)
    along = at @ unit + middle
    across = np.sqrt(np.maximum(np.square(at).sum(axis=-1) - (along - middle) ** 2, 0))
    mask = np.zeros(at.shape[:-1], bool)
    for (begin, first), (end, last) in pairwise(balls):
        slope = (last - first) / (end - begin)
        nearest = np.clip(along + across * slope / math.sqrt(1 - slope**2), begin, end)
        mask |= np.hypot(along - nearest, across) <= first + slope * (nearest - begin)
    return np.asarray(mask)


DIRECTIONS = [(0, 0, 1), (1, 0, 0), (1, 2, 2), (2, -1, 5), (3, 1, -2)]


def widths(mask: Mask, voxel: Voxel) -> NDArray[np.float64]:
    """Mean, smallest and largest width, as they stand in the table."""
    found = measure_objects(mask.astype(np.uint8), voxel, groups=[SKELETON]).values
    return np.array([found[key][0] for key in ("width_mean", "width_min", "width_max")])


@VOXELS
@pytest.mark.parametrize(
    "balls",
    [
        [(0, 32), (400, 112)],
        [(0, 24), (300, 80)],
        [(0, 24), (240, 80), (480, 24)],
        [(0, 80), (160, 36), (320, 80)],
        [(0, 40), (400, 40)],
    ],
    ids=["tapers", "tapers more", "spindle", "waist", "capsule"],
)
def test_the_widths_of_what_tapers_are_those_of_its_balls(
    balls: list[tuple[float, float]], voxel: Voxel
) -> None:
    measured = np.array([widths(tapered(balls, direction, voxel), voxel) for direction in DIRECTIONS])
    places, radii = np.array(balls, float).T
    mean = np.trapezoid(2 * radii, places) / (places[-1] - places[0])
    expected = np.array([mean, 2 * radii.min(), 2 * radii.max()])
    assert measured.mean(axis=0) == pytest.approx(expected, rel=0.09)
    assert measured[:, 0].mean() == pytest.approx(mean, rel=0.035)
    # One body lies better in its voxels than another.
    assert np.abs(measured - expected).max() < 2 * min(voxel) + 0.05 * expected.max()


@VOXELS
@pytest.mark.parametrize("half", [(9, 9, 24), (5, 5, 26)], ids=str)
def test_an_ellipsoid_is_as_narrow_as_the_balls_in_its_tips(
    half: tuple[float, float, float], voxel: Voxel
) -> None:
    """Their radius is that of its curvature there, b² / a; the mean of all is that along a semi-ellipse."""
    edges = (voxel[0] / voxel[2], 1.0, 1.0)
    body = ellipsoid(*half)
    b, a = half[0], half[2]
    measured = np.array([widths(voxels(body, edges, turn) > 0, edges) for turn in range(3)]).mean(axis=0)
    # Between the tips' balls, whose middles lie at ±(a² - b²) / a, radii are b √(1 - x² / (a² - b²)).
    x = np.linspace(0, (a * a - b * b) / a, 1001)
    mean = 2 * b * np.mean(np.sqrt(1 - x**2 / (a * a - b * b)))
    assert measured[[0, 2]] == pytest.approx([mean, 2 * b], rel=0.05)
    # A ball is hardly told from the next, wider one: where it ends is known to a voxel or two.
    assert measured[1] == pytest.approx(2 * b * b / a, abs=2.7)


@pytest.mark.parametrize("radius", [40, 64, 80])
def test_a_tube_with_flat_ends_is_as_wide_all_along(radius: float) -> None:
    """The way begins in the corner of its end, where it is narrow."""
    voxel = (8.0, 8.0, 8.0)
    places = grid((2 * radius + 24, 2 * radius + 24, 8 * radius + 24), voxel) - 0.21 * np.array(voxel)
    tube = (np.hypot(places[..., 0], places[..., 1]) <= radius) & (np.abs(places[..., 2]) <= 4 * radius)
    mean, least, most = widths(tube, voxel)
    assert mean == pytest.approx(2 * radius, rel=0.05)
    assert (least, most) == pytest.approx((mean, mean), rel=0.03)


@VOXELS
@pytest.mark.parametrize("direction", [(0, 0, 1), (1, 0, 0), (1, 2, 2), (2, -1, 5)], ids=str)
@pytest.mark.parametrize("length", [0, 80, 400])
def test_a_capsule_is_as_long_and_as_wide_as_it_is(
    direction: tuple[float, float, float], length: float, voxel: Voxel
) -> None:
    line = centre_line(capsule(direction, length, 80, voxel), voxel)
    assert line.length == pytest.approx(length + 160, rel=0.03 if length else 0.06)
    assert line.width[line.between_tips].mean() == pytest.approx(160, rel=0.04 if length else 0.08)
    assert not line.closed
    assert line.position[0] == 0 and line.position[-1] == pytest.approx(line.length)


@VOXELS
@pytest.mark.parametrize("angle", [1.5, 3.0, 4.5])
def test_a_bent_capsule_is_measured_along_its_bend(angle: float, voxel: Voxel) -> None:
    line = centre_line(ring(280, 64, voxel, angle), voxel)
    assert line.length == pytest.approx(280 * angle + 128, rel=0.03)
    assert line.width[line.between_tips].mean() == pytest.approx(128, rel=0.03)


@VOXELS
@pytest.mark.parametrize("radius", [32, 64, 80])
def test_a_ring_is_measured_once_round(radius: float, voxel: Voxel) -> None:
    found = []
    for between in (0.0, 0.5):  # its middle lies on that of a voxel, or between two slices
        line = centre_line(ring(300, radius, voxel, between=between), voxel)
        assert line.closed
        assert line.length == pytest.approx(math.tau * 300, rel=0.03)
        found.append(line.width.mean())
    assert np.mean(found) == pytest.approx(2 * radius, rel=0.04)


@pytest.mark.parametrize("radius", [12, 15, 20])
def test_a_thick_body_takes_few_blocks_and_is_measured_as_well(radius: int) -> None:
    """An ellipsoid half as long again as it is thick, in any direction."""
    voxel = (1.0, 1.0, 1.0)
    for direction in ((0, 0, 1), (1, 2, 2), (2, -1, 5)):
        unit = np.array(direction) / np.linalg.norm(direction)
        places = grid((3.2 * radius,) * 3, voxel) - 0.21
        along = places @ unit
        across = np.square(places).sum(axis=-1) - along**2
        body = np.asarray((along / (1.5 * radius)) ** 2 + across / radius**2 <= 1)
        assert len(_Graph.of(body, distances(body), voxel).places) < 1300
        line = centre_line(body, voxel)
        assert line.length == pytest.approx(3 * radius, rel=0.02)
        assert line.width.max() == pytest.approx(2 * radius, rel=0.05)


def test_a_thin_body_is_looked_at_voxel_by_voxel() -> None:
    rod = capsule((1, 2, 4), 400, 32, (8, 8, 8))
    assert len(_Graph.of(rod, distances(rod), (8, 8, 8)).places) == np.count_nonzero(rod)


def test_ways_in_free_space_are_those_that_a_search_finds() -> None:
    whole = np.ones((5, 7, 6), bool)
    graph = _Graph.of(whole, np.ones(whole.shape, np.float32), (3.0, 1.0, 2.0))
    for node in (0, 5, 100):
        steps = np.abs(graph.blocks - graph.blocks[node])
        assert _free_ways(steps, graph.steps) == pytest.approx(dijkstra(graph.ways, indices=node))


def test_what_needs_too_much_memory_is_reduced_first(monkeypatch: pytest.MonkeyPatch) -> None:
    rod = capsule((2, 1, 5), 300, 80, (8, 8, 8))
    expected = centre_line(rod, (8, 8, 8))
    monkeypatch.setattr("sxtstudio.core.measure.skeleton._MOST_VOXELS", rod.size // 6)
    line = centre_line(rod, (8, 8, 8))
    assert line.length == pytest.approx(expected.length, rel=0.04)
    assert line.length != expected.length
    tips = sorted(line.points[[0, -1]].tolist()), sorted(expected.points[[0, -1]].tolist())
    assert np.abs(np.array(tips[0]) - tips[1]).max() < 2.5


def test_a_disc_with_a_hole_is_no_ring() -> None:
    y, x = np.ogrid[:84, :84]
    r = np.hypot(y - 41.5, x - 41.5)
    disc = np.broadcast_to((r <= 40) & (r > 12), (7, 84, 84)).copy()
    disc[[0, -1]] = False
    line = centre_line(disc, (1, 1, 1))
    assert not line.closed
    assert 80 < line.length < math.pi * 40  # across, round the hole


def test_a_plate_with_a_hole_is_no_ring() -> None:
    plate = np.zeros((8, 70, 50), bool)
    plate[2:6, 2:68, 2:48] = True
    plate[:, 30:36, 20:26] = False
    line = centre_line(plate, (1, 1, 1))
    assert not line.closed
    assert line.length == pytest.approx(math.hypot(66, 46), rel=0.08)


@pytest.mark.parametrize(("off", "hole"), [(2, 0.5), (3, 1.0), (3, 1.5)])
def test_a_ball_with_a_hole_is_measured(off: float, hole: float) -> None:
    """Both of its sides lie as near to its tips as these are to its surface."""
    z, y, x = np.mgrid[-8:9, -8:9, -8:9]
    ball = ((z / 7) ** 2 + (y / 6) ** 2 + (x / 6) ** 2 <= 1) & (y**2 + (x - off) ** 2 > hole**2)
    line = centre_line(ball, (1, 1, 1))
    assert not line.closed and 8 < line.length < 17


def test_a_tip_is_not_the_neighbouring_arm() -> None:
    """A hairpin whose one arm is longer by less than its width."""
    z, y, x = np.ogrid[:20, :50, :90]
    hairpin = np.zeros((20, 50, 90), bool)
    for row, end in ((14, 60), (34, 68)):
        along = np.clip(x, 25, end)
        hairpin |= (z - 10) ** 2 + (y - row) ** 2 + (x - along) ** 2 <= 6**2
    bend = (np.hypot(np.hypot(y - 24, x - 25) - 10, z - 10) <= 6) & (x <= 25)
    line = centre_line(np.asarray(hairpin | bend), (1, 1, 1))
    assert line.length == pytest.approx((60 - 25 + 6) + math.pi * 10 + (68 - 25 + 6), rel=0.02)


def test_the_width_follows_the_object() -> None:
    """A cone from 6 to 14 voxels of radius."""
    z, y, x = np.ogrid[:34, :34, :86]
    cone = (np.hypot(z - 16.6, y - 16.8) <= 6 + 0.1 * (x - 3)) & (x >= 3) & (x < 83)
    line = centre_line(np.asarray(cone), (1, 1, 1))
    middle = (line.position > 25) & (line.position < 55)
    x_there = line.points[middle, 2]
    # The largest ball does not touch a cone at its middle, but where the cone stands upright on it.
    expected = 2 * (6 + 0.1 * (x_there - 3)) / math.hypot(1, 0.1)
    assert np.abs(line.width[middle] - expected).max() < 1.3
    assert np.mean(line.width[middle] - expected) == pytest.approx(0, abs=0.5)


def test_a_branch_and_a_part_beside_it_change_nothing() -> None:
    mask = np.zeros((30, 60, 120), bool)
    mask[12:18, 26:32, 5:115] = True
    alone = centre_line(mask, (1, 1, 1))
    mask[12:18, 32:50, 60:66] = True
    mask[2:5, 2:5, 2:20] = True
    line = centre_line(mask, (1, 1, 1))
    assert line.length == pytest.approx(alone.length, rel=0.03) == pytest.approx(110, rel=0.05)


def test_a_shell_is_measured_like_what_it_encloses() -> None:
    ball = capsule((0, 0, 1), 120, 80, (8, 8, 8))
    shell = ball & ~capsule_inside(ball)
    assert np.count_nonzero(shell) < 0.7 * np.count_nonzero(ball)
    assert centre_line(shell, (8, 8, 8)).length == centre_line(ball, (8, 8, 8)).length


def capsule_inside(mask: Mask) -> Mask:
    from scipy import ndimage

    return np.asarray(ndimage.binary_erosion(mask, iterations=3))


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 5), (2, 2, 2), (1, 3, 3)], ids=str)
def test_a_few_voxels(shape: tuple[int, int, int]) -> None:
    for margin in (0, 1):
        mask = np.pad(np.ones(shape, bool), margin)
        line = centre_line(mask, (1, 1, 1))
        assert 0 < line.length <= math.hypot(*shape) + 0.5
        assert line.length >= max(shape) - 0.7
        assert (line.width[line.between_tips] > 0).all() and np.isfinite(line.width).all()


def test_columns_of_objects_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large object is reduced before its line is searched; that moves it little."""
    small = capsule((1, 2, 4), 160, 50, (8, 8, 8))
    objects = np.zeros((small.shape[0] + 20, 120, small.shape[2] + 8), np.uint32)
    objects[2 : small.shape[0] + 2, 2 : small.shape[1] + 2, 2 : small.shape[2] + 2][small] = 5
    objects[-12:-2, 60:110, 10:20] = 11
    expected = measure_objects(objects, (8, 8, 8), groups=[SKELETON])
    assert [column.key for column in expected.columns] == [column.key for column in COLUMNS]
    assert expected.values["skeleton_length"] == pytest.approx([260, 400], rel=0.05)
    assert expected.values["width_mean"] == pytest.approx([100, 80], rel=0.06)
    assert expected.values["straightness"] == pytest.approx([1, 1], abs=0.03)
    monkeypatch.setattr("sxtstudio.core.measure.skeleton._NODES", 400)
    reduced = measure_objects(objects, (8, 8, 8), groups=[SKELETON])
    for key, values in expected.values.items():
        if key != "width_sd":
            assert reduced.values[key] == pytest.approx(values, rel=0.06), key
