"""The figures' summary and their JSON form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sxtstudio.core.trust import (
    HIGH,
    LOW,
    SliceTrust,
    bars,
    least_certain,
    level,
    median,
    replaced,
    trust_from_json,
    trust_to_json,
)

FIGURES = (SliceTrust(0.9, 0.8), SliceTrust(), SliceTrust(0.25), SliceTrust(0.52, 0.75))


def test_summary() -> None:
    assert median([f.certainty for f in FIGURES]) == 0.52
    assert median([f.recognised for f in FIGURES]) == pytest.approx(0.775)
    assert median([None, None]) is None
    assert least_certain(FIGURES, 2) == [(2, 0.25), (3, 0.52)]
    assert [level(v) for v in (0.0, LOW, (LOW + HIGH) / 2, HIGH, 1.0)] == pytest.approx([0, 0, 0.5, 1, 1])


def test_bars_go_from_low_to_high_and_leave_the_unknown_open() -> None:
    assert bars(FIGURES) == "█·▁▅"
    assert bars([SliceTrust(0.95)] * 99 + [SliceTrust(0.1)] * 101) == "█" * 20 + "▁" * 20
    assert bars([]) == ""


def test_json_there_and_back() -> None:
    content = json.loads(json.dumps(trust_to_json(FIGURES)))
    assert content == {"certainty": [0.9, None, 0.25, 0.52], "recognised": [0.8, None, None, 0.75]}
    assert trust_from_json(content, 4) == FIGURES


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
    with pytest.raises(ValueError, match=r"share|one number a slice"):
        trust_from_json(content, 2)


def test_slices_that_are_segmented_anew_replace_theirs_alone() -> None:
    first = replaced((), 5, 1, FIGURES[2:])
    assert first == (SliceTrust(), SliceTrust(0.25), SliceTrust(0.52, 0.75), SliceTrust(), SliceTrust())
    second = replaced(first, 5, 2, [SliceTrust(0.1)])
    assert [f.certainty for f in second] == [None, 0.25, 0.1, None, None]
    assert replaced((), 5, 0, [SliceTrust()] * 5) == (), "nothing known is nothing to show"
