"""Objects against a reference, by hand-made cases and by counting in another way."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.evaluation import contingency
from sxtstudio.core.evaluation.contingency import count_common
from sxtstudio.core.evaluation.objects import score_objects
from sxtstudio.core.volume import ArrayVolume


def volume(rows: str) -> ArrayVolume:
    """A slice from lines of digits; each stands for two by two pixels."""
    plane = np.array([[int(c) for c in row] for row in rows.split()], np.uint16)
    return ArrayVolume(plane.repeat(2, 0).repeat(2, 1)[None])


def scores(predicted: str, reference: str):
    return score_objects(count_common(volume(predicted), volume(reference)))


def kinds(found) -> tuple[int, int, int, int, int]:
    return (found.found, *(int(f.sum()) for f in (found.split, found.merged, found.missed, found.spurious)))


WHOLE = "00000 01110 01110 01110 00000"


@pytest.mark.parametrize(
    ("predicted", "reference", "expected"),
    [
        (WHOLE, WHOLE, (1, 0, 0, 0, 0)),
        ("00000 00000 00000 00000 00000", WHOLE, (0, 0, 0, 1, 0)),
        ("50000 00000 00000 00000 00000", WHOLE, (0, 0, 0, 1, 1)),
        ("00000 01020 01020 01020 00000", WHOLE, (0, 1, 0, 0, 0)),
        ("00000 01120 01120 01120 00000", WHOLE, (1, 1, 0, 0, 0)),
        (WHOLE, "00000 01020 01020 01020 00000", (0, 0, 1, 0, 0)),
        (WHOLE, "00000 01120 01120 01120 00000", (1, 0, 1, 0, 0)),
        ("00000 01100 01100 00000 00000", WHOLE, (0, 0, 0, 1, 1)),
        ("00000 01110 01100 00000 00000", WHOLE, (1, 0, 0, 0, 0)),
        ("03330 01110 01110 01110 00000", WHOLE, (1, 0, 0, 0, 1)),
    ],
    ids=[
        "the same",
        "nothing predicted",
        "elsewhere",
        "in two halves",
        "in a large and a small part",
        "two halves as one",
        "a large and a small one as one",
        "less than half of it",
        "more than half of it",
        "one too many",
    ],
)
def test_objects_are_found_split_merged_missed_or_spurious(predicted, reference, expected):
    assert kinds(scores(predicted, reference)) == expected


def test_exactly_half_is_found_and_one_object_is_only_found_once():
    # Both halves have an IoU of 0.5 with the whole.
    found = scores("1122", "3333")
    assert (found.found, found.precision, found.recall) == (1, 0.5, 1.0)
    assert found.f1 == pytest.approx(2 / 3) and found.mean_iou == 0.5
    # 1 fits to 3 and to 4 alike, 2 only to 3: as many as possible are matched.
    table = contingency.Contingency(
        *(np.array(values) for values in ([1, 2], [3, 4], [4, 2], [4, 2], [0, 0, 1], [0, 1, 0], [2, 2, 2]))
    )
    assert table.iou.tolist() == [pytest.approx(1 / 3), 0.5, 0.5]
    assert sorted(score_objects(table).partner.tolist()) == [0, 1]


def test_a_speck_in_an_object_does_not_split_it():
    predicted = np.ones((1, 20, 20), np.uint8)
    predicted[0, 5, 5] = 2
    found = score_objects(count_common(ArrayVolume(predicted), ArrayVolume(np.ones_like(predicted))))
    assert kinds(found) == (1, 0, 0, 0, 1)


def test_what_is_counted_is_what_a_table_of_all_pairs_says(monkeypatch):
    monkeypatch.setattr(contingency, "_GATHERED", 40)  # so that it is summed up now and then
    random = np.random.default_rng(5)
    predicted = random.integers(0, 7, (8, 9, 10)) * 1000
    reference = random.integers(0, 5, (8, 9, 10)).astype(np.float32)
    mask = random.random((8, 9, 10)) < 0.8
    slices = (0, 1, 2, 5, 7)
    table = count_common(
        ArrayVolume(predicted), ArrayVolume(reference), slices=slices, mask=ArrayVolume(mask)
    )
    ours, theirs = (np.where(mask, v, 0)[list(slices)] for v in (predicted, reference))
    assert table.predicted.tolist() == [1000, 2000, 3000, 4000, 5000, 6000]
    assert table.reference_voxels.tolist() == [(theirs == n).sum() for n in table.reference]
    for i, j, common, iou in zip(
        table.of_predicted, table.of_reference, table.common, table.iou, strict=True
    ):
        a, b = ours == table.predicted[i], theirs == table.reference[j]
        assert common == (a & b).sum() and iou == pytest.approx((a & b).sum() / (a | b).sum())
    assert len(table.common) == 24


@pytest.mark.parametrize(
    "values", [[[[0.5]]], [[[-1]]], [[[2**33]]]], ids=["fraction", "negative", "too large"]
)
def test_what_is_no_number_of_an_object_is_refused(values):
    bad = ArrayVolume(np.array(values))
    with pytest.raises(UserError):
        count_common(bad, ArrayVolume(np.ones((1, 1, 1), np.uint8)))
