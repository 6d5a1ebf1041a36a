"""Which slices a network sees around one."""

import pytest

from sxtstudio.core.resemblance import around


@pytest.mark.parametrize(
    ("z", "slices", "depth", "seen"),
    [
        (5, 1, 9, [5]),
        (5, 3, 9, [4, 5, 6]),
        (0, 3, 9, [0, 0, 1]),
        (8, 5, 9, [6, 7, 8, 8, 8]),
        (0, 7, 1, [0] * 7),
        (1, 7, 3, [0, 0, 0, 1, 2, 2, 2]),
    ],
)
def test_border_slices_are_repeated(z, slices, depth, seen):
    assert around(z, slices, depth) == seen
