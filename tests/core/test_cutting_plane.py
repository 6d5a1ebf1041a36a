"""Planes that objects are split by, on boxes and rods whose middle and axis are known."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.core import cutting_plane
from sxtstudio.core.cutting_plane import in_voxels, middle_and_axis, shares, turned
from sxtstudio.core.errors import Cancelled
from sxtstudio.core.geometry import Box
from sxtstudio.core.progress import Progress

BOX = Box((2, 5, 8), (12, 25, 48))


def objects(box: Box = BOX, number: int = 7) -> np.ndarray:
    out = np.full((20, 40, 60), 3, np.uint32)
    out[box.slices] = number
    return out


def test_the_middle_of_a_box_and_its_longest_edge() -> None:
    middle, axis = middle_and_axis(objects(), BOX, 7, None)
    assert middle == pytest.approx((6.5, 14.5, 27.5))
    assert np.abs(axis) == pytest.approx((0, 0, 1))


def test_the_longest_is_measured_in_space_not_in_voxels() -> None:
    _, axis = middle_and_axis(objects(), BOX, 7, (50.0, 10.0, 10.0))  # 500 × 200 × 400 nm
    assert np.abs(axis) == pytest.approx((1, 0, 0))


def test_of_a_large_box_some_voxels_tell_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting_plane, "_SEEN_VOXELS", 1000)  # every second
    middle, axis = middle_and_axis(objects(), BOX, 7, None)
    assert middle == pytest.approx((6.5, 14.5, 27.5), abs=0.6)
    assert np.abs(axis) == pytest.approx((0, 0, 1), abs=1e-3)


def test_a_direction_is_turned_by_degrees() -> None:
    for normal in ((1.0, 0.0, 0.0), (0.6, 0.0, 0.8), (1 / 3, 2 / 3, 2 / 3)):
        assert turned(normal, 0, 0) == pytest.approx(normal)
        for tilt, turn in ((30, 0), (0, -50), (90, 0), (0, 90)):
            found = turned(normal, tilt, turn)
            assert np.linalg.norm(found) == pytest.approx(1)
            cosine = np.cos(np.radians(tilt)) * np.cos(np.radians(turn))
            assert np.dot(found, normal) == pytest.approx(cosine, abs=1e-12)
        assert np.dot(turned(normal, 90, 0), turned(normal, 0, 90)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("slab", [1, 10**6], ids=["slice by slice", "at once"])
def test_what_a_plane_would_divide(slab: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting_plane, "_SLAB_VOXELS", slab)
    whole = 10 * 20 * 40
    assert shares(objects(), BOX, 7, (6.5, 14.5, 17.5), (0, 0, 1)) == (whole // 4, 3 * whole // 4)
    assert shares(objects(), BOX, 7, (6.5, 14.5, 17.5), (0, 0, -1)) == (3 * whole // 4, whole // 4)
    assert shares(objects(), BOX, 7, (0, 0, 0), (1, 0, 0)) == (0, whole)


def test_a_plane_at_45_degrees_in_space_halves_a_cube_of_flat_voxels() -> None:
    """10 slices of 40 nm and 40 rows of 10 nm: the diagonal goes from corner to corner."""
    box = Box((2, 0, 8), (12, 40, 12))
    normal = in_voxels((np.sqrt(0.5), np.sqrt(0.5), 0.0), (40.0, 10.0, 10.0))
    one, other = shares(objects(box), box, 7, (6.5, 19.5, 9.5), normal)
    assert one + other == 10 * 40 * 4 and abs(one - other) <= 0.1 * (one + other)
    corner = np.zeros((20, 40, 60), np.uint32)
    corner[2, 0, 8] = corner[11, 39, 8] = 7
    assert shares(corner, box, 7, (6.5, 19.5, 9.5), normal) == (1, 1)


def test_it_can_be_cancelled() -> None:
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        shares(objects(), BOX, 7, (6, 14, 27), (0, 0, 1), progress)
