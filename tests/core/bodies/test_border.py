"""Which objects touch a face of the volume."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.core.bodies.found import find_at_border

CORNERS = {
    "z first": (0, 3, 3),
    "z last": (5, 3, 3),
    "y first": (3, 0, 3),
    "y last": (3, 7, 3),
    "x first": (3, 3, 0),
    "x last": (3, 3, 8),
    "inside": (1, 1, 1),
}


@pytest.mark.parametrize("place", CORNERS.values(), ids=CORNERS.keys())
def test_an_object_at_any_face(place: tuple[int, int, int]) -> None:
    numbers = np.zeros((6, 8, 9), np.uint32)
    numbers[place] = 2
    voxels, touches = find_at_border(numbers, 3)
    assert voxels.tolist() == [6 * 8 * 9 - 1, 0, 1, 0]
    assert touches.tolist() == [False, False, place != (1, 1, 1), False]


def test_in_a_single_slice_only_the_edges_of_the_slice_are_a_border() -> None:
    """Or all objects would be left out of all figures."""
    numbers = np.zeros((1, 8, 9), np.uint32)
    numbers[0, 2:4, 2:4], numbers[0, 5:, 6] = 1, 2
    assert find_at_border(numbers, 2)[1].tolist() == [False, False, True]
    lines = np.zeros((5, 1, 9), np.uint32)
    lines[2, 0, 4], lines[4, 0, 6] = 1, 2
    assert find_at_border(lines, 2)[1].tolist() == [False, False, True]
