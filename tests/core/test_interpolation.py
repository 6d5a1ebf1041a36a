"""Interpolated shapes, against solids whose cross sections are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.interpolation import interpolate_slices, nearest_gap
from sxtstudio.core.planes import as_planes

AXES = pytest.mark.parametrize("axis", [0, 1, 2], ids=["XY", "XZ", "YZ"])
# Slices along an axis, rows, columns: turned into a volume below.
COUNT, ROWS, COLUMNS = 21, 90, 100


def discs(centres: tuple[float, float], ends: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
    """A slanted cone: in each slice a disc."""
    n, y, x = np.indices((COUNT, ROWS, COLUMNS))
    share = n / (COUNT - 1)
    row, column = (a + (b - a) * share for a, b in zip(centres, ends, strict=True))
    return np.hypot(y - row, x - column) <= radii[0] + (radii[1] - radii[0]) * share


def in_volume(planes: np.ndarray, axis: int) -> np.ndarray:
    order = {0: (0, 1, 2), 1: (1, 0, 2), 2: (2, 1, 0)}[axis]  # where z, y, x are found in the planes
    return np.ascontiguousarray(planes.transpose(order))


def ends_of(planes: np.ndarray, *keys: int) -> np.ndarray:
    out = np.zeros(planes.shape, np.uint8)
    for key in keys:
        out[key][planes[key]] = 255
    return out


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


@AXES
@pytest.mark.parametrize("far", [False, True], ids=["overlapping", "apart"])
def test_a_slanted_cone_is_found_between_its_ends(axis: int, far: bool) -> None:
    solid = discs((30, 25), (45, 70 if far else 40), (10, 18))
    labels = in_volume(ends_of(solid, 0, COUNT - 1), axis)
    box = interpolate_slices(labels, axis, 0, COUNT - 1)
    planes = as_planes(labels, axis) > 0
    for n in range(1, COUNT - 1):
        assert dice(planes[n], solid[n]) > 0.96, n
    assert box is not None and (box.start[axis], box.stop[axis]) == (1, COUNT - 1)
    np.testing.assert_array_equal(planes[[0, -1]], solid[[0, -1]])


@AXES
def test_a_thin_tube_stays_a_closed_tube(axis: int) -> None:
    """Rings that do not even overlap: as with membranes."""
    outer, inner = discs((40, 40), (46, 48), (16, 24)), discs((40, 40), (46, 48), (14, 22))
    tube = outer & ~inner
    assert not (tube[0] & tube[-1])[:46, :48].all()
    labels = in_volume(ends_of(tube, 0, COUNT - 1), axis)
    interpolate_slices(labels, axis, 0, COUNT - 1)
    planes = as_planes(labels, axis) > 0
    for n in range(1, COUNT - 1):
        assert ndimage.label(planes[n], np.ones((3, 3)))[1] == 1
        assert ndimage.label(~planes[n])[1] == 2  # inside and outside
        assert dice(ndimage.binary_fill_holes(planes[n]), outer[n]) > 0.96
        assert dice(planes[n], tube[n]) > 0.8


def test_existing_labels_stay_and_are_kept_as_ends() -> None:
    solid = discs((30, 30), (30, 30), (10, 10))
    drawn = ends_of(solid, 0, 20)
    drawn[10, 60:80, 60:80] = 255  # another shape on a slice between
    before = drawn.copy()
    recorder = Recorder(EditKind.INTERPOLATE, drawn)
    interpolate_slices(drawn, 0, 0, 20, recorder=recorder)
    assert (drawn >= before).all()
    np.testing.assert_array_equal(drawn[10], before[10])
    recorder.roll_back()
    np.testing.assert_array_equal(drawn, before)


def test_drawn_slices_between_lead_the_shape() -> None:
    """A cell drawn on three slices: narrow, wide, narrow."""
    wide = discs((45, 50), (45, 50), (8, 48))
    keys = np.zeros((COUNT, ROWS, COLUMNS), np.uint8)
    keys[0], keys[10], keys[20] = (wide[n].astype(np.uint8) * 255 for n in (4, 16, 4))
    interpolate_slices(keys, 0, 0, 20)
    area = np.count_nonzero(keys, axis=(1, 2))
    assert (np.diff(area[:11]) > 0).all() and (np.diff(area[10:]) < 0).all()


def test_one_shape_goes_through_what_is_there() -> None:
    shape = discs((25, 25), (35, 30), (6, 9))
    drawn = ends_of(shape, 3, 17)
    other = discs((70, 75), (60, 75), (12, 5))
    drawn[other] = 255
    before = drawn.copy()
    with pytest.raises(UserError, match="only that shape"):
        interpolate_slices(drawn.copy(), 0, 3, 17)
    interpolate_slices(drawn, 0, 3, 17, at=(28, 26))
    new = (drawn > 0) & (before == 0)
    assert not new[:4].any() and not new[17:].any()
    for n in range(4, 17):
        assert dice(new[n], shape[n]) > 0.95
    np.testing.assert_array_equal(drawn > 0, new | (before > 0))


def test_a_place_within_a_ring_means_the_ring() -> None:
    ring = discs((30, 30), (30, 30), (12, 12)) & ~discs((30, 30), (30, 30), (10, 10))
    far = discs((30, 48), (30, 48), (4, 4))
    drawn = ends_of(ring | far, 0, 4)
    interpolate_slices(drawn, 0, 0, 4, at=(30, 31))
    np.testing.assert_array_equal(drawn[2] > 0, ring[2])


def test_nothing_near_the_place_is_a_sentence() -> None:
    drawn = np.zeros((5, 300, 300), np.uint8)
    drawn[[0, 4], 250:260, 250:260] = 255
    with pytest.raises(UserError, match="crosshair"):
        interpolate_slices(drawn, 0, 0, 4, at=(10, 10))


def test_two_shapes_go_their_own_ways() -> None:
    a, b = discs((20, 20), (30, 25), (8, 10)), discs((65, 80), (70, 60), (10, 6))
    drawn = ends_of(a | b, 0, 20)
    interpolate_slices(drawn, 0, 0, 20)
    for n in (5, 10, 15):
        assert dice(drawn[n] > 0, (a | b)[n]) > 0.95


def test_a_shape_that_splits_reaches_both_halves() -> None:
    drawn = np.zeros((5, 40, 80), np.uint8)
    drawn[0, 10:30, 10:70] = 255
    drawn[4, 10:30, 10:35] = drawn[4, 10:30, 45:70] = 255
    interpolate_slices(drawn, 0, 0, 4)
    assert drawn[2, 20, 15] and drawn[2, 20, 65]
    assert np.count_nonzero(drawn[3]) < np.count_nonzero(drawn[1])


@pytest.mark.parametrize(
    ("first", "last", "says"),
    [
        (3, 3, "two different"),
        (0, 99, "two different"),
        (2, 3, "no slice between"),
        (0, 9, "Slice 10 is empty"),
    ],
)
def test_what_cannot_be_interpolated_is_a_sentence(first: int, last: int, says: str) -> None:
    drawn = np.zeros((20, 30, 30), np.uint8)
    drawn[[0, 2, 3], 10:20, 10:20] = 255
    with pytest.raises(UserError, match=says):
        interpolate_slices(drawn, 0, first, last)


@AXES
@pytest.mark.parametrize(
    ("around", "gap"), [(0, (2, 6)), (4, (2, 6)), (7, (2, 6)), (11, (8, 12)), (19, (12, 18))]
)
def test_nearest_gap(axis: int, around: int, gap: tuple[int, int]) -> None:
    planes = np.zeros((20, 5, 7), np.uint8)
    planes[[1, 2, 6, 7, 8, 12, 18], 2, 3] = 255
    assert nearest_gap(in_volume(planes, axis), axis, around) == gap


def test_no_gap() -> None:
    labels = np.zeros((20, 5, 7), np.uint8)
    assert nearest_gap(labels, 0, 10) is None
    labels[3:8] = 255
    assert nearest_gap(labels, 0, 10) is None
    labels[15] = 255
    assert nearest_gap(labels, 0, 10) == (7, 15)
    assert nearest_gap(labels, 0, 10, reach=3) is None
