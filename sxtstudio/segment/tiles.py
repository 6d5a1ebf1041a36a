"""Where a slice is cut so that a network sees it in pieces without a trace in the result.

A tile has an inner region, whose result is kept, and an outer region, which is what the network
reads. Between them lies the halo; it ends where the slice ends, so that the network's own zero
padding acts at the slice's border exactly as it does on the whole slice.

    slice ┌──────────────────────────┐
          │   outer┌──────────────┐  │      a tile at the left border:
          │        │ halo         │  │      ┌─────────┐
          │        │  ┌────────┐  │  │      │inner  ┊ │
          │        │  │ inner  │  │  │      │       ┊ │  no halo to the left
          │        │  └────────┘  │  │      │┄┄┄┄┄┄┄┘ │
          │        └──────────────┘  │      └─────────┘
          └──────────────────────────┘

All edges are multiples of the network's pooling factor, so that a region of the finest tensor has an
exact counterpart in each coarser one. Inner regions cover every pixel exactly once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Shape2D = tuple[int, int]
_MOST_TILES = 64  # along an axis


@dataclass(frozen=True)
class Region:
    """A half-open rectangle of pixels: rows ``top`` to ``bottom``, columns ``left`` to ``right``."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def shape(self) -> Shape2D:
        """Height and width in pixels."""
        return (self.bottom - self.top, self.right - self.left)

    @property
    def area(self) -> int:
        """Number of pixels."""
        return self.shape[0] * self.shape[1]

    def at(self, scale: int) -> tuple[slice, slice]:
        """Index of this region in a tensor whose pixels are ``scale`` times as large."""
        return (
            slice(self.top // scale, self.bottom // scale),
            slice(self.left // scale, self.right // scale),
        )

    def relative_to(self, outer: Region) -> Region:
        """Return this region in the coordinates of ``outer``."""
        return Region(
            self.top - outer.top, self.bottom - outer.top, self.left - outer.left, self.right - outer.left
        )


@dataclass(frozen=True)
class Tile:
    """What is kept (``inner``) of what is computed (``outer``)."""

    inner: Region
    outer: Region


def round_up(length: int, multiple: int) -> int:
    """Return the smallest multiple that is not below ``length``."""
    return -(-length // multiple) * multiple


def pad_slices(slices: NDArray[np.float32], multiple: int) -> NDArray[np.float32]:
    """Widen slices (…, y, x) at the bottom and right to a multiple of ``multiple`` pixels.

    The new pixels mirror the slice; the mirror starts anew where the slice is smaller than the
    margin, and a line of a single pixel is repeated. It does not depend on how the slice is tiled.
    """
    height, width = slices.shape[-2:]
    for axis, length in ((-2, height), (-1, width)):
        margin = round_up(length, multiple) - length
        if margin:
            widths = [(0, 0)] * slices.ndim
            widths[axis] = (0, margin)
            if length > 1:
                slices = np.pad(slices, widths, mode="reflect")
            else:
                slices = np.pad(slices, widths, mode="edge")
    return slices


def plan_tiles(shape: Shape2D, grid: Shape2D, halo_px: int, multiple: int) -> list[Tile]:
    """Cut a slice into ``grid`` tiles of nearly the same size.

    Parameters
    ----------
    shape
        Height and width of the padded slice, multiples of ``multiple``.
    grid
        Number of tiles along y and x; fewer come back where there are not as many multiples.
    halo_px
        Pixels that the network must see beyond the inner region; rounded up to the multiple.
    multiple
        Pixels to which all edges are aligned.
    """
    halo = round_up(halo_px, multiple)
    rows = [_spans(length, count, halo, multiple) for length, count in zip(shape, grid, strict=True)]
    return [
        Tile(Region(*inner_y, *inner_x), Region(*outer_y, *outer_x))
        for inner_y, outer_y in rows[0]
        for inner_x, outer_x in rows[1]
    ]


def grid_for_edge(shape: Shape2D, tile_px: int) -> Shape2D:
    """Return how many tiles with inner edges of at most ``tile_px`` are needed along y and x."""
    return (math.ceil(shape[0] / tile_px), math.ceil(shape[1] / tile_px))


@lru_cache(1024)
def best_grid(shape: Shape2D, largest_area: float, halo_px: int, multiple: int, workers: int) -> Shape2D:
    """Return the grid whose tiles, shared among ``workers``, are done first.

    Small tiles compute their halo over and over, big ones fall out of the processor's cache and leave
    workers idle at the end; ``largest_area`` (pixels, halo included) is where the cache ends.
    """
    halo = round_up(halo_px, multiple)
    heights, widths = (
        [_outer_length(n, count, multiple, halo) for count in range(1, min(n, _MOST_TILES) + 1)]
        for n in (length // multiple for length in shape)
    )
    best, best_cost = (1, 1), math.inf
    for rows, height in enumerate(heights, 1):
        for columns, width in enumerate(widths, 1):
            area = height * width
            cost = math.ceil(rows * columns / workers) * area * max(1.0, area / largest_area)
            if cost < best_cost:
                best, best_cost = (rows, columns), cost
    return best


def _outer_length(units: int, count: int, multiple: int, halo: int) -> int:
    inner = -(-units // count) * multiple
    sides = min(count - 1, 2)
    return min(units * multiple, inner + sides * halo)


def _spans(
    length: int, count: int, halo: int, multiple: int
) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Inner and outer spans along one axis; the inner ones differ by at most one multiple."""
    units = length // multiple
    count = max(1, min(count, units))
    edges = [units * i // count * multiple for i in range(count + 1)]
    return [((low, high), (max(0, low - halo), min(length, high + halo))) for low, high in pairwise(edges)]
