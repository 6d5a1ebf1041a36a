"""The range that a choice of even slices comes from."""

from __future__ import annotations

import pytest

from sxtstudio.core.evaluation.slices import even_range, spread_evenly


@pytest.mark.parametrize(
    ("first", "last", "number"), [(10, 39, 3), (0, 63, 20), (5, 5, 1), (0, 63, 64), (20, 30, 4)]
)
def test_the_range_gives_the_same_slices_again(first: int, last: int, number: int) -> None:
    slices = spread_evenly(first, last, number)
    found = even_range(slices, 64)
    assert found is not None and spread_evenly(*found, number) == slices


@pytest.mark.parametrize("slices", [(), (1, 2, 30), (70,)], ids=["none", "not even", "beyond the volume"])
def test_slices_that_are_not_even_have_no_range(slices: tuple[int, ...]) -> None:
    assert even_range(slices, 64) is None
