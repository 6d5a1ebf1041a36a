"""Volumes slice by slice, and which slices."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.evaluation import pixels
from sxtstudio.core.evaluation.pixels import boxes_of, score_pixels
from sxtstudio.core.evaluation.slices import SliceChoice, spread_evenly
from sxtstudio.core.evaluation.tolerance import Tolerance, ToleranceUnit
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import ArrayVolume

PREDICTED = np.zeros((3, 5, 5), np.uint8)
REFERENCE = np.zeros((3, 5, 5), np.uint16)
PREDICTED[0, 1, 1:4] = 255  # three pixels, of which two are in the reference, which has four
REFERENCE[0, 1, 2:5] = REFERENCE[0, 3, 3] = 7
PREDICTED[1, 2, 2] = 1  # nothing of it in the reference


def test_a_case_counted_by_hand():
    found = score_pixels(ArrayVolume(PREDICTED), ArrayVolume(REFERENCE))
    first, second, third = found.slices
    a = first.agreement
    assert (a.predicted, a.truth, a.common, a.false_positive, a.false_negative) == (3, 4, 2, 1, 2)
    assert first.scores == pytest.approx({"precision": 2 / 3, "recall": 1 / 2, "f1": 4 / 7, "dice": 4 / 7})
    assert second.scores == {"precision": 0, "recall": None, "f1": 0, "dice": 0}
    assert set(third.scores.values()) == {None}
    total = found.total
    assert (total.predicted, total.precision, total.recall) == (4, 0.5, 0.5)
    spread = found.spread("precision")
    assert (spread.n, spread.mean) == (2, pytest.approx(1 / 3))
    assert spread.sd == pytest.approx(np.std([2 / 3, 0], ddof=1))


def test_with_a_tolerance_of_a_pixel_and_a_mask_by_hand():
    mask = np.zeros(PREDICTED.shape, np.uint8)
    mask[0, :3] = 1
    found = score_pixels(
        ArrayVolume(PREDICTED), ArrayVolume(REFERENCE), tolerance=Tolerance(1), mask=ArrayVolume(mask)
    )
    a = found.slices[0].agreement
    assert (a.predicted, a.predicted_right, a.truth, a.truth_found) == (3, 3, 3, 3)
    assert found.slices[1].agreement.predicted == 0


def test_a_tolerance_never_reaches_another_slice():
    predicted, reference = np.zeros((2, 4, 4), np.uint8), np.zeros((2, 4, 4), np.uint8)
    predicted[0, 2, 2] = reference[1, 2, 2] = 1
    assert score_pixels(ArrayVolume(predicted), ArrayVolume(reference), tolerance=Tolerance(9)).total.f1 == 0


def test_a_tolerance_in_nm_wants_the_voxel_size():
    nm = Tolerance(20, ToleranceUnit.NM)
    assert nm.pixel((30.0, 20.0, 10.0)) == (20.0, 10.0)
    with pytest.raises(UserError, match="voxel size is unknown"):
        nm.pixel(None)


def test_slices_are_read_a_few_at_a_time_and_no_others(monkeypatch):
    monkeypatch.setattr(pixels, "slab_slices", lambda shape: 2)
    steps = []
    progress = Progress(listener=lambda state: steps.append(state.fraction))
    boxes = list(boxes_of((20, 4, 4), (0, 1, 2, 5, 9, 10), progress, "x"))
    assert [(b.start[0], b.stop[0]) for b in boxes] == [(0, 2), (2, 3), (5, 6), (9, 11)]
    assert steps == [pytest.approx(n / 6) for n in (2, 3, 4, 6)]
    assert [b.shape[0] for b in boxes_of((3, 4, 4), None, None, "x")] == [2, 1]


def test_slices_as_a_user_names_them():
    assert SliceChoice().among(3) == (0, 1, 2)
    assert SliceChoice(((1, 3), (-1, None), (0, 1))).among(9) == (0, 1, 2, 8)
    with pytest.raises(UserError, match="no slices 9:12"):
        SliceChoice(((0, 1), (9, 12))).among(9)


@pytest.mark.parametrize(
    ("first", "last", "count", "expected"),
    [
        (0, 99, 10, (5, 15, 25, 35, 45, 55, 65, 75, 85, 95)),
        (10, 19, 1, (15,)),
        (3, 5, 20, (3, 4, 5)),
        (0, 6, 3, (1, 3, 5)),
        (0, 6, 0, ()),
    ],
)
def test_slices_at_even_intervals(first, last, count, expected):
    assert spread_evenly(first, last, count) == expected


def test_slices_at_even_intervals_among_those_with_labels():
    assert spread_evenly(2, 30, 2, among=(0, 4, 8, 12, 16, 40)) == (8, 16)
