from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.segment.tiles import (
    Region,
    best_grid,
    grid_for_edge,
    pad_slices,
    plan_tiles,
    round_up,
)


@pytest.mark.parametrize(
    ("shape", "grid", "halo", "multiple"),
    [
        pytest.param((64, 96), (1, 1), 16, 16, id="whole"),
        pytest.param((64, 96), (2, 3), 5, 16, id="even"),
        pytest.param((80, 112), (3, 2), 40, 16, id="uneven"),
        pytest.param((32, 48), (9, 9), 0, 16, id="more tiles than multiples"),
        pytest.param((1328, 1296), (3, 7), 12, 4, id="slice of a tomogram"),
    ],
)
def test_every_pixel_belongs_to_one_inner_region(
    shape: tuple[int, int], grid: tuple[int, int], halo: int, multiple: int
) -> None:
    count = np.zeros(shape, int)
    for tile in plan_tiles(shape, grid, halo, multiple):
        count[tile.inner.at(1)] += 1
        edges = (*vars(tile.inner).values(), *vars(tile.outer).values())
        assert all(edge % multiple == 0 for edge in edges)
    assert (count == 1).all()


def test_the_halo_ends_at_the_border_and_nowhere_else() -> None:
    tiles = plan_tiles((96, 64), (3, 1), 10, 16)
    assert [tile.inner for tile in tiles] == [
        Region(0, 32, 0, 64),
        Region(32, 64, 0, 64),
        Region(64, 96, 0, 64),
    ]
    assert [tile.outer for tile in tiles] == [
        Region(0, 48, 0, 64),
        Region(16, 80, 0, 64),
        Region(48, 96, 0, 64),
    ]


def test_a_region_in_a_coarser_tensor_and_in_its_tile() -> None:
    inner, outer = Region(32, 64, 16, 48), Region(16, 80, 0, 64)
    assert inner.at(8) == (slice(4, 8), slice(2, 6))
    assert inner.relative_to(outer) == Region(16, 48, 16, 48)
    assert (inner.shape, inner.area) == ((32, 32), 1024)


@pytest.mark.parametrize("size", [1, 2, 3, 15, 16, 17, 33])
def test_padding_mirrors_the_slice_at_the_bottom_and_right(size: int) -> None:
    slices = np.random.default_rng(size).normal(size=(2, size, 19)).astype(np.float32)
    padded = pad_slices(slices, 16)
    assert padded.shape == (2, round_up(size, 16), 32)
    # The mirror written out: …, 2, 1, 0, 1, 2, …, n-2, n-1, n-2, …
    period = max(1, 2 * (size - 1))
    rows = [
        min(i % period, (period - i % period) % period) if size > 1 else 0 for i in range(padded.shape[1])
    ]
    np.testing.assert_array_equal(padded[:, :, :19], slices[:, rows])
    np.testing.assert_array_equal(padded[:, :size, :19], slices)


def test_grid_for_edge_never_exceeds_the_edge() -> None:
    assert grid_for_edge((100, 256), 64) == (2, 4)
    for tile in plan_tiles((112, 256), grid_for_edge((112, 256), 64), 0, 16):
        assert max(tile.inner.shape) <= 64


def test_one_worker_gets_the_whole_slice_where_the_cache_holds_it() -> None:
    assert best_grid((256, 256), 256 * 256, 64, 16, 1) == (1, 1)


def test_workers_get_equal_shares() -> None:
    rows, columns = best_grid((1024, 1024), 10**9, 16, 16, 4)
    assert (rows * columns) % 4 == 0


def test_a_small_cache_makes_small_tiles_and_a_big_halo_makes_big_ones() -> None:
    def area(cache: float, halo: int) -> float:
        tiles = plan_tiles((1024, 1024), best_grid((1024, 1024), cache, halo, 16, 2), halo, 16)
        return max(tile.inner.area for tile in tiles)

    assert area(20_000, 16) < area(200_000, 16)
    assert area(20_000, 16) < area(20_000, 96)
