"""Filling closed contours: a pixel is inside where its centre is, and a contour within another is a hole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

Contour = NDArray[np.float64]

# A slice is filled this many times over, and this often crossed, at most: more takes minutes.
_MOST_COVER = 200
_MOST_CROSSINGS = 50_000_000
_CELLS = 2_000_000  # pixels and crossings that are worked on at once, of many contours


class TooMuch(Exception):
    """The contours of a slice would take too long to fill."""


@dataclass(frozen=True)
class _Several:
    """Contours behind each other, and the boxes of pixels that they can fill.

    ``points`` are theirs, (n, 2), (x, y), and ``bounds`` where each begins, with the end. ``low`` and
    ``high`` are the boxes, (contours, 2), (column, row), half-open and within the slice.
    """

    points: NDArray[np.float64]
    bounds: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]

    @classmethod
    def of(cls, contours: Sequence[Contour], shape: tuple[int, ...]) -> _Several:
        points = np.concatenate(contours)
        bounds = np.cumsum([0, *map(len, contours)])
        limits = (shape[1], shape[0])
        low, high = (
            np.clip(np.ceil(reduce.reduceat(points, bounds[:-1], axis=0) - 0.5), 0, limits).astype(np.int64)
            for reduce in (np.minimum, np.maximum)
        )
        return cls(points, bounds, low, high)

    @property
    def areas(self) -> NDArray[np.int64]:
        """Pixels of the boxes."""
        return np.asarray(np.prod(self.high - self.low, axis=1))

    def by_size(self, ranks: NDArray[np.int64]) -> NDArray[np.int64]:
        """The contours that can fill a pixel, by rank, then the largest first: one within another later."""
        x, y = self.points.T
        following = self._following()
        twice = np.add.reduceat(x * y[following] - x[following] * y, self.bounds[:-1])
        order = np.lexsort((-np.abs(twice), -self.areas, ranks))
        return order[self.areas[order] > 0]

    def _following(self) -> NDArray[np.int64]:
        """The number of the point that follows each: the first one after the last."""
        following = np.arange(1, len(self.points) + 1)
        following[self.bounds[1:] - 1] = self.bounds[:-1]
        return following

    def crossings(self, height: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First and last row (not included) whose centres each edge crosses; edges begin at the points."""
        y = self.points[:, 1]
        y_end = y[self._following()]
        first = np.clip(np.ceil(np.minimum(y, y_end) - 0.5), 0, height).astype(np.int64)
        stop = np.clip(np.ceil(np.maximum(y, y_end) - 0.5), 0, height).astype(np.int64)
        return first, stop


def paint(out: NDArray[Any], contours: Sequence[Contour], values: Sequence[int]) -> None:
    """Give all pixels of a slice that lie in the contours of an object its value.

    Contours that lie within another of the same object are holes, or islands in a hole; those that overlap
    are united, and one that is there twice counts once. An object covers those before it.

    Parameters
    ----------
    out
        The slice (y, x), changed in place.
    contours
        (n, 2), (x, y), finite, where pixel (0, 0) reaches from (0, 0) to (1, 1). They may reach beyond the
        slice. Those of an object follow each other.
    values
        Of each contour the value of its object.

    Raises
    ------
    TooMuch
        If those of one object cover the slice hundreds of times.
    """
    each = zip(values, contours, strict=True)
    different = list({(value, contour.tobytes()): contour for value, contour in each}.items())
    if not different:
        return
    owners = np.array([value for (value, _), _ in different], np.int64)
    several = _Several.of([contour for _, contour in different], out.shape)
    first, stop = several.crossings(out.shape[0])
    crossed = np.add.reduceat(stop - first, several.bounds[:-1])
    starts = np.flatnonzero(np.diff(owners, prepend=owners[0] - 1))
    if (np.add.reduceat(several.areas, starts) > _MOST_COVER * out.size).any():
        raise TooMuch
    if (np.add.reduceat(crossed, starts) > _MOST_CROSSINGS).any():
        raise TooMuch
    ranks = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(owners))))
    order = several.by_size(ranks)
    if not len(order):
        return
    begins = np.flatnonzero(np.diff(ranks[order], prepend=-1))
    counts = np.diff(np.append(begins, len(order)))
    low = np.minimum.reduceat(several.low[order], begins)
    high = np.maximum.reduceat(several.high[order], begins)
    filled = _filled(several, order, first, stop)
    for count, (left, top), (right, bottom), value in zip(
        counts.tolist(), low.tolist(), high.tolist(), owners[order[begins]].tolist(), strict=True
    ):
        part = out[top:bottom, left:right]
        if count == 1:
            part[next(filled)[1]] = value
            continue
        mask = np.zeros(part.shape, np.bool_)
        for number, inside in islice(filled, count):
            column, row = several.low[number] - (left, top)
            here = mask[row : row + inside.shape[0], column : column + inside.shape[1]]
            # What is all there already surrounds this one, which is a hole in it.
            here[inside] = not here[inside].all()
        part[mask] = value


def _filled(
    several: _Several, order: NDArray[np.int64], first: NDArray[np.int64], stop: NDArray[np.int64]
) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Yield each contour with the pixels of its box that lie in it, by even and odd; many at once."""
    size = several.high - several.low
    cells = size[:, 1] * (size[:, 0] + 1)  # a column more, for edges to the right of all pixels
    crossed = np.add.reduceat(stop - first, several.bounds[:-1])
    work = np.cumsum((cells + crossed)[order])
    begin = 0
    while begin < len(order):
        done = work[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(work, done + _CELLS, "right")))
        chosen = order[begin:end]
        places = np.cumsum(cells[chosen]) - cells[chosen]
        inside = _parity(several, chosen, places, int(cells[chosen].sum()), first, stop)
        for number, place in zip(chosen.tolist(), places.tolist(), strict=True):
            width, height = size[number].tolist()
            part = inside[place : place + height * (width + 1)].reshape(height, width + 1)
            yield number, part[:, :width]
        begin = end


def _parity(
    several: _Several,
    chosen: NDArray[np.int64],
    places: NDArray[np.int64],
    cells: int,
    first: NDArray[np.int64],
    stop: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Return the pixels inside, box behind box: each row is crossed an even number of times."""
    lengths = (several.bounds[1:] - several.bounds[:-1])[chosen]
    owners = np.repeat(np.arange(len(chosen)), lengths)
    starts = np.cumsum(lengths) - lengths
    edges = np.repeat(several.bounds[:-1][chosen] - starts, lengths) + np.arange(lengths.sum())
    last = starts + lengths - 1
    ends = edges + 1
    ends[last] = several.bounds[:-1][chosen]
    counts = (stop - first)[edges]
    edge = np.repeat(np.arange(len(edges)), counts)
    rows = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts) + first[edges[edge]]
    (x, y), (x_end, y_end) = several.points[edges].T, several.points[ends].T
    crossing = x[edge] + (rows + 0.5 - y[edge]) * ((x_end - x)[edge] / (y_end - y)[edge])
    owner = owners[edge]
    low, high = several.low[chosen], several.high[chosen]
    columns = np.clip(np.ceil(crossing - 0.5), low[owner, 0], high[owner, 0]).astype(np.int64)
    widths = high[:, 0] - low[:, 0] + 1
    at = places[owner] + (rows - low[owner, 1]) * widths[owner] + columns - low[owner, 0]
    toggles = np.bincount(at, minlength=cells)
    return np.asarray((np.cumsum(toggles) & 1).astype(np.bool_))
