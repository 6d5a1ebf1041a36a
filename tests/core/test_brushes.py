"""Brushes are as wide as they say, leave no gaps, and stay in the volume."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import ndimage

from sxtstudio.core.brushes import Brush, pieces, stroke
from sxtstudio.core.planes import as_planes, from_planes, plane_of, voxel_at

SHAPE = (40, 50, 60)
AXES = pytest.mark.parametrize("axis", [0, 1, 2], ids=["XY", "XZ", "YZ"])


def painted(brush: Brush, axis: int, depth: int, *points: tuple[float, float]) -> np.ndarray:
    volume = np.zeros(SHAPE, bool)
    for a, b in itertools.pairwise([*points, points[-1]]):
        found = stroke(brush, axis, depth, a, b, SHAPE)
        if found is not None:
            box, where = found
            assert where.shape == box.shape
            volume[box.slices] |= where
    return volume


@AXES
@pytest.mark.parametrize("diameter", [1, 2, 3, 4, 5, 9, 20])
def test_disc_has_its_width_in_its_slice_only(axis: int, diameter: int) -> None:
    planes = as_planes(painted(Brush(diameter), axis, 20, (25.2, 24.8)), axis)
    assert np.flatnonzero(planes.any(axis=(1, 2))).tolist() == [20]
    disc = planes[20]
    for across in (0, 1):
        assert np.count_nonzero(disc.any(axis=across)) == diameter
    area = math.pi * diameter**2 / 4
    assert abs(np.count_nonzero(disc) - area) <= max(1.3, 0.35 * area if diameter < 6 else 0.1 * area)
    np.testing.assert_array_equal(disc, _mirrored(disc))


def _mirrored(disc: np.ndarray) -> np.ndarray:
    rows, columns = (np.flatnonzero(disc.any(axis=axis)) for axis in (1, 0))
    out = np.zeros_like(disc)
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    out[part] = disc[part][::-1, ::-1]
    return out


@AXES
def test_the_pixel_under_the_pointer_is_painted(axis: int) -> None:
    row, column, depth = 13, 27, 9
    volume = painted(Brush(1), axis, depth, (row + 0.4, column - 0.4))
    assert np.argwhere(volume).tolist() == [list(voxel_at(axis, depth, row, column))]
    assert plane_of(volume, axis, depth)[row, column]


@AXES
def test_ball_is_round(axis: int) -> None:
    volume = painted(Brush(11, ball=True), axis, 20, (22, 25))
    centre = np.array(voxel_at(axis, 20, 22, 25))
    inside = np.linalg.norm(np.argwhere(np.ones(SHAPE)) - centre, axis=1) <= 5.5
    np.testing.assert_array_equal(volume.ravel(), inside)


def test_ball_is_round_in_nm() -> None:
    """Slices twice as far apart as pixels, against distances in nm; an even brush sits on a pixel corner."""
    z, y, x = np.indices(SHAPE)
    brush = Brush(12, ball=True, voxel_nm=(20, 10, 10))
    from_corner = np.sqrt(((z - 20) * 20) ** 2 + ((y - 25.5) * 10) ** 2 + ((x - 29.5) * 10) ** 2)
    np.testing.assert_array_equal(painted(brush, 0, 20, (25.3, 29.6)), from_corner <= 60)
    from_corner = np.sqrt(((z - 20.5) * 20) ** 2 + ((y - 25) * 10) ** 2 + ((x - 30.5) * 10) ** 2)
    np.testing.assert_array_equal(painted(brush, 1, 25, (20.3, 30.2)), from_corner <= 60)


@AXES
@pytest.mark.parametrize("ball", [False, True], ids=["disc", "ball"])
@pytest.mark.parametrize("diameter", [1, 2, 3, 4, 7])
def test_fast_strokes_have_no_gaps(axis: int, ball: bool, diameter: int) -> None:
    rng = np.random.default_rng(diameter)
    for _ in range(6):
        a, b = rng.uniform(5, 35, (2, 2))
        volume = painted(Brush(diameter, ball), axis, 20, tuple(a), tuple(b))
        assert ndimage.label(volume, np.ones((3, 3, 3)))[1] == 1
        for end in (a, b):
            row, column = (math.floor(v + 0.5) for v in end)
            assert plane_of(volume, axis, 20)[row - 1 : row + 2, column - 1 : column + 2].any()


def test_a_stroke_is_the_union_of_dabs() -> None:
    """The way between two points against dabs set very close to each other."""
    way = painted(Brush(9), 0, 3, (10, 10), (30, 45))
    dabs = np.zeros(SHAPE, bool)
    y, x = np.indices(SHAPE[1:])
    for share in np.linspace(0, 1, 2001):
        dabs[3] |= np.hypot(y - 10 - 20 * share, x - 10 - 35 * share) <= 4.5
    assert not (dabs & ~way).any()
    assert np.count_nonzero(way & ~dabs) <= 2  # on the very rim


@AXES
@pytest.mark.parametrize(
    "point", [(-30.0, 10.0), (10.0, 900.0), (-3.0, -3.0)], ids=["above", "right", "corner"]
)
def test_outside_the_volume_nothing_is_painted(axis: int, point: tuple[float, float]) -> None:
    assert stroke(Brush(4), axis, 5, point, point, SHAPE) is None


@AXES
def test_brush_is_cut_at_the_borders(axis: int) -> None:
    volume = painted(Brush(10, ball=True), axis, 0, (0, 0))
    assert volume[0, 0, 0] and 0 < np.count_nonzero(volume) < math.pi / 6 * 10**3 / 4


def test_pieces_follow_each_other() -> None:
    parts = list(pieces((3.0, 4.0), (500.0, 900.0), 4))
    assert parts[0][0] == (3.0, 4.0) and parts[-1][1] == pytest.approx((500.0, 900.0))
    assert all(a[1] == b[0] for a, b in itertools.pairwise(parts))
    assert max(math.dist(*part) for part in parts) < 50
    assert list(pieces((1, 1), (1, 1), 4)) == [((1, 1), (1, 1))]


@AXES
def test_planes_are_turned_back(axis: int) -> None:
    volume = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(from_planes(as_planes(volume, axis), axis), volume)
    for z, y, x in np.ndindex(2, 3, 4):
        row, column = {0: (y, x), 1: (z, x), 2: (y, z)}[axis]
        assert plane_of(volume, axis, (z, y, x)[axis])[row, column] == volume[z, y, x]
        assert voxel_at(axis, (z, y, x)[axis], row, column) == (z, y, x)
