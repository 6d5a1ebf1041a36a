"""The figures' summary and their JSON form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sxtstudio.core.records import RecordError, WrongKey, record_of
from sxtstudio.core.trust import (
    SliceTrust,
    bars,
    least_certain,
    median,
    replaced,
    scale_of,
    trust_to_json,
)
from sxtstudio.core.trust_records import TrustColumns

FIGURES = (SliceTrust(0.9, 0.8, 1.0), SliceTrust(), SliceTrust(0.25, None, 0.5), SliceTrust(0.52, 0.75))


def test_summary() -> None:
    assert median([f.certainty for f in FIGURES]) == 0.52
    assert median([f.recognised for f in FIGURES]) == pytest.approx(0.775)
    assert median([None, None]) is None
    assert least_certain(FIGURES, 2) == [(2, 0.25), (3, 0.52)]


def even(low: float, high: float, count: int = 101) -> list[SliceTrust]:
    """Slices whose certainty rises evenly."""
    return [SliceTrust(low + (high - low) * i / (count - 1)) for i in range(count)]


@pytest.mark.parametrize(
    ("figures", "low", "high", "words"),
    [
        (even(0.76, 0.81), 0.7625, 0.8075, "sure throughout"),
        (even(0.2, 0.9), 0.235, 0.865, ""),
        (even(0.05, 0.2), 0.0575, 0.1925, "unsure throughout"),
        ([SliceTrust(0.9)] * 500 + [SliceTrust(0.1)] * 3, 0.87, 0.9, "sure throughout"),
        ([SliceTrust(0.6)], 0.57, 0.6, ""),
        ([SliceTrust(0.0)] * 4, 0.0, 0.03, "unsure throughout"),
        ([SliceTrust(), SliceTrust(0.5, 0.8), SliceTrust(0.8)], 0.5, 0.8, ""),
    ],
    ids=["close together", "far apart", "low", "outliers", "one", "none sure", "unknown"],
)
def test_the_scale_spans_the_differences_within_a_tomogram(
    figures: list[SliceTrust], low: float, high: float, words: str
) -> None:
    scale = scale_of(figures)
    assert scale is not None
    assert (scale.low, scale.high) == pytest.approx((low, high)) and scale.words == words
    assert scale.place(scale.low) == 0 and scale.place(scale.high) == 1
    assert scale.place(-1) == 0 and scale.place(2) == 1
    assert scale.place((low + high) / 2) == pytest.approx(0.5)


def test_there_is_no_scale_of_nothing() -> None:
    assert scale_of([]) is None and scale_of([SliceTrust(None, 0.5)]) is None


def test_bars_go_from_low_to_high_and_leave_the_unknown_open() -> None:
    assert bars(FIGURES) == "█·▁▄"
    assert bars(even(0.76, 0.81, 8)) == "▁▂▃▄▅▆▇█", "differences show, however small the range"
    assert bars([SliceTrust(0.95)] * 99 + [SliceTrust(0.1)] * 101) == "█" * 20 + "▁" * 20
    assert bars([]) == ""


def test_json_there_and_back() -> None:
    content = json.loads(json.dumps(trust_to_json(FIGURES)))
    assert content == {
        "certainty": [0.9, None, 0.25, 0.52],
        "recognised": [0.8, None, None, 0.75],
        "measured": [1, None, 0.5, None],
    }
    assert record_of(content, TrustColumns, "It").of_slices(4) == FIGURES


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"certainty": [0.5], "recognised": [None]},
        {"certainty": [0.5, 1.2], "recognised": [None, None]},
        {"certainty": [0.5, "a"], "recognised": [None, None]},
        {"certainty": [True, 0.5], "recognised": [None, None]},
        {"certainty": [float("nan"), 0.5], "recognised": [None, None]},
        {"certainty": "ab", "recognised": [None, None]},
    ],
    ids=str,
)
def test_foreign_json_is_refused(content: Any) -> None:
    with pytest.raises((RecordError, WrongKey), match=r"'(certainty|recognised)' is (wrong|missing)"):
        record_of(content, TrustColumns, "It").of_slices(2)


def test_slices_that_are_segmented_anew_replace_theirs_alone() -> None:
    first = replaced((), 5, 1, FIGURES[2:])
    assert first == (SliceTrust(), FIGURES[2], SliceTrust(0.52, 0.75), SliceTrust(), SliceTrust())
    second = replaced(first, 5, 2, [SliceTrust(0.1)])
    assert [f.certainty for f in second] == [None, 0.25, 0.1, None, None]
    assert replaced((), 5, 0, [SliceTrust()] * 5) == (), "nothing known is nothing to show"
