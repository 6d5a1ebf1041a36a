"""Objects at the edge of a round, turned or cut reconstruction are known; whole ones are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sxtstudio.core.measure.measure import measure_objects
from sxtstudio.core.measure.size import SIZE
from sxtstudio.core.measured_edge import numbers_at_fill
from sxtstudio.core.volume import ArrayVolume

SHAPE = (40, 128, 140)
FILLS = [0.0, -9999.0, np.nan]


@pytest.fixture(scope="module")
def grey() -> NDArray[np.float32]:
    return np.random.default_rng(2).normal(0.4, 0.1, SHAPE).astype(np.float32)


def circle(radius: float = 55) -> NDArray[np.bool_]:
    y, x = np.indices(SHAPE[1:])
    return np.asarray((y - 63.5) ** 2 + (x - 69.5) ** 2 < radius**2)


def objects(boxes: dict[int, tuple[slice, slice, slice]]) -> NDArray[np.uint32]:
    found = np.zeros(SHAPE, np.uint32)
    for number, box in boxes.items():
        found[box] = number
    return found


BOXES = {
    3: (slice(10, 20), slice(60, 70), slice(60, 75)),  # in the middle
    5: (slice(10, 14), slice(60, 70), slice(12, 30)),  # cut at the left of the circle, in four slices
    70_000: (slice(30, 33), slice(116, 118), slice(66, 73)),  # ends a pixel before its lower edge
    9: (slice(10, 20), slice(28, 40), slice(100, 106)),  # near the upper right, well inside
}


@pytest.mark.parametrize("fill", FILLS)
def test_objects_at_a_round_reconstruction(grey: NDArray[np.float32], fill: float) -> None:
    image = ArrayVolume(np.where(circle(), grey, np.float32(fill)))
    assert numbers_at_fill(objects(BOXES), image).tolist() == [5, 70_000]


def test_without_a_fill_there_is_no_edge(grey: NDArray[np.float32]) -> None:
    assert numbers_at_fill(objects(BOXES), ArrayVolume(grey)).tolist() == []


def test_blank_slices_cut_what_ends_at_them(grey: NDArray[np.float32]) -> None:
    image = grey.copy()
    image[:10] = 0
    image[33:] = 0
    assert numbers_at_fill(objects(BOXES), ArrayVolume(image)).tolist() == [3, 5, 9, 70_000]
    image[9] = grey[9]
    assert numbers_at_fill(objects(BOXES), ArrayVolume(image)).tolist() == [70_000]


def test_an_edge_that_moves_from_slice_to_slice_is_followed(grey: NDArray[np.float32]) -> None:
    """As in a stack that was turned around an axis in its plane."""
    image, first = grey.copy(), np.arange(SHAPE[0])[:, None] * 2
    columns = np.arange(SHAPE[2])[None]
    image[np.broadcast_to((columns < first)[:, None], SHAPE)] = 0
    cut = {
        1: (slice(20, 22), slice(50, 60), slice(40, 50)),  # the edge is at 40 to 42
        2: (slice(20, 22), slice(50, 60), slice(54, 60)),
        3: (slice(38, 39), slice(50, 60), slice(77, 90)),
    }
    assert numbers_at_fill(objects(cut), ArrayVolume(image)).tolist() == [1, 3]


def test_a_drawing_on_an_even_background_is_no_reconstruction() -> None:
    numbers = objects(BOXES)
    image = np.where(numbers > 0, np.float32(5), np.float32(2))
    assert numbers_at_fill(numbers, ArrayVolume(image)).tolist() == []


def test_the_table_says_so_where_the_tomogram_is_given(grey: NDArray[np.float32]) -> None:
    numbers = objects({**BOXES, 1: (slice(0, 4), slice(60, 70), slice(60, 70))})
    image = ArrayVolume(np.where(circle(), grey, np.float32(0)))
    alone = measure_objects(numbers, None, groups=(SIZE,))
    with_it = measure_objects(numbers, None, image=image, groups=(SIZE,))
    assert alone.numbers[alone.values["touches_border"] == 1].tolist() == [1]
    assert with_it.numbers[with_it.values["touches_border"] == 1].tolist() == [1, 5, 70_000]
