"""Outlines of labels along the edges of their pixels: what they enclose is the label, to the pixel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Steps to the next corner, (y, x), by direction: right, down, left, up.
_STEP_Y = np.array((0, 1, 0, -1))
_STEP_X = np.array((1, 0, -1, 0))
# With a label to the right of one who walks so: where that pixel, and the one to the left, lie from a corner.
_RIGHT = ((0, 0), (0, -1), (-1, -1), (-1, 0))
_LEFT = ((-1, 0), (0, 0), (0, -1), (-1, -1))


@dataclass(frozen=True)
class PixelEdges:
    """Closed polygons around the labels of a slice, those of a label one after the other.

    Attributes
    ----------
    labels
        (n,), the label that each of them surrounds, ascending.
    points
        (m, 2), (x, y) of their corners, where pixel (0, 0) reaches from (0, 0) to (1, 1). Outer outlines
        turn from x to y, those of holes the other way round.
    bounds
        (n + 1,), where each of them begins in ``points``, and the end.
    """

    labels: NDArray[np.int64]
    points: NDArray[np.int32]
    bounds: NDArray[np.int64]

    def __len__(self) -> int:
        """Return how many polygons there are."""
        return len(self.labels)

    def polygons(self) -> Iterator[tuple[int, NDArray[np.int32]]]:
        """Yield each polygon with its label."""
        for label, begin, end in zip(self.labels, self.bounds, self.bounds[1:], strict=False):
            yield int(label), self.points[begin:end]

    def by_label(self) -> Iterator[tuple[int, list[NDArray[np.int32]]]]:
        """Yield each label with its polygons."""
        starts = np.flatnonzero(np.diff(self.labels, prepend=-1))
        for first, last in zip(starts, np.append(starts, len(self.labels))[1:], strict=True):
            cuts = self.bounds[first : last + 1]
            yield int(self.labels[first]), [self.points[a:b] for a, b in pairwise(cuts)]


def pixel_edges(labels: NDArray[Any]) -> PixelEdges:
    """Return the outlines of all labels of a slice (y, x) of whole numbers; 0 has none.

    Pixels that meet in a corner only are surrounded each on its own: no polygon crosses itself.
    """
    rows = np.flatnonzero(labels.any(axis=1))
    if not rows.size:
        return PixelEdges(np.zeros(0, np.int64), np.zeros((0, 2), np.int32), np.zeros(1, np.int64))
    columns = np.flatnonzero(labels.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    padded = np.pad(labels[top : rows[-1] + 1, left : columns[-1] + 1], 1)
    y, x, direction, value = _edges(padded)
    following = _following(padded, y, x, direction, value)
    order, begins = _cycles(following)
    before = np.empty_like(following)
    before[following] = np.arange(len(following))
    turns = direction[before[order]] != direction[order]
    sizes = np.add.reduceat(turns.astype(np.int64), begins)
    owners = value[order[begins]].astype(np.int64)
    corners = order[turns]
    points = np.stack((x[corners] + left, y[corners] + top), axis=1).astype(np.int32)
    return _sorted(owners, points, sizes)


def _edges(
    padded: NDArray[Any],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[Any]]:
    """Return corner (y, x), direction and label of every edge with a label to its right, in this order."""
    found = []
    for direction in range(4):
        right, left = (_shifted(padded, side[direction]) for side in (_RIGHT, _LEFT))
        y, x = np.nonzero((right != 0) & (right != left))
        found.append((y, x, np.full(len(y), direction), right[y, x]))
    y, x, directions, values = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return y, x, directions, values


def _shifted(padded: NDArray[Any], offset: tuple[int, int]) -> NDArray[Any]:
    """The pixel beside each corner: corner (y, x) is the upper left one of pixel (y + 1, x + 1)."""
    height, width = padded.shape
    y, x = offset[0] + 1, offset[1] + 1
    return padded[y : height - 1 + y, x : width - 1 + x]


def _following(
    padded: NDArray[Any],
    y: NDArray[np.int64],
    x: NDArray[np.int64],
    direction: NDArray[np.int64],
    value: NDArray[Any],
) -> NDArray[np.int64]:
    """Return the number of the edge that follows each edge around its label."""
    y_next, x_next = y + _STEP_Y[direction], x + _STEP_X[direction]
    right, left = np.array(_RIGHT)[direction], np.array(_LEFT)[direction]
    ahead_right = padded[y_next + right[:, 0] + 1, x_next + right[:, 1] + 1]
    ahead_left = padded[y_next + left[:, 0] + 1, x_next + left[:, 1] + 1]
    # Where two pixels of a label meet in a corner, the right turn stays with the one that is surrounded.
    turn = np.where(ahead_right != value, 1, np.where(ahead_left == value, 3, 0))
    size = padded.shape[0] * padded.shape[1]
    keys = direction * size + y * padded.shape[1] + x
    wanted = (direction + turn) % 4 * size + y_next * padded.shape[1] + x_next
    return np.asarray(np.searchsorted(keys, wanted))


def _cycles(following: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return all edges in the order in which one comes to them, and where each polygon begins."""
    following_list: list[int] = following.tolist()
    seen = bytearray(len(following_list))
    order: list[int] = []
    begins: list[int] = []
    first = 0
    while first >= 0:
        begins.append(len(order))
        edge = first
        while not seen[edge]:
            seen[edge] = 1
            order.append(edge)
            edge = following_list[edge]
        first = seen.find(0, first)
    return np.array(order, np.int64), np.array(begins, np.int64)


def _sorted(owners: NDArray[np.int64], points: NDArray[np.int32], sizes: NDArray[np.int64]) -> PixelEdges:
    ranks = np.argsort(owners, kind="stable")
    begins = np.cumsum(sizes) - sizes
    bounds = np.concatenate(([0], np.cumsum(sizes[ranks])))
    # The points of each polygon, in the new order of the polygons.
    places = np.repeat(begins[ranks] - bounds[:-1], sizes[ranks]) + np.arange(len(points))
    return PixelEdges(owners[ranks], points[places], bounds)
