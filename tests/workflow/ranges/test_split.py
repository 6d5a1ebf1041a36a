"""Ranges cover all slices once and end where layers of chunks end."""

from __future__ import annotations

import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.workflow.ranges.split import split


@pytest.mark.parametrize("depth", [1, 3, 4, 5, 8, 9, 350, 451])
@pytest.mark.parametrize("wanted", [1, 4, 7, 50, 1000])
def test_ranges_cover_all_slices_and_end_at_layers(depth: int, wanted: int) -> None:
    ranges = split(depth, wanted)
    assert [z for one in ranges for z in range(one.first, one.last)] == list(range(depth))
    assert [one.number for one in ranges] == list(range(len(ranges)))
    assert all(one.first % 4 == 0 for one in ranges)
    assert all(wanted <= one.depth < wanted + 4 for one in ranges[:-1])


def test_ranges_of_no_slices_are_refused() -> None:
    with pytest.raises(UserError, match="give 1 or more"):
        split(5, 0)
