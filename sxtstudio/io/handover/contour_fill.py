"""Filling closed contours: a pixel is inside where its centre is, and a contour within another is a hole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Contour = NDArray[np.float64]

# A slice is filled this many times over, and this often crossed, at most: more takes minutes.
_MOST_COVER = 200
_MOST_CROSSINGS = 50_000_000


class TooMuch(Exception):
    """The contours of a slice would take too long to fill."""


@dataclass(frozen=True)
class _Filled:
    """The pixels of a contour: where they begin, (y, x), and which of the box they are."""

    top: int
    left: int
    inside: NDArray[np.bool_]
    count: int

    @property
    def box(self) -> tuple[slice, slice]:
        height, width = self.inside.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


def paint(out: NDArray[Any], contours: Sequence[Contour], value: int) -> None:
    """Give all pixels of a slice that lie in the contours of an object a value.

    Contours that lie within another are holes, or islands in a hole; those that overlap are united, and one
    that is there twice counts once.

    Parameters
    ----------
    out
        The slice (y, x), changed in place.
    contours
        Of one object; (n, 2), (x, y), finite, where pixel (0, 0) reaches from (0, 0) to (1, 1). They may
        reach beyond the slice.
    value
        Of the object.

    Raises
    ------
    TooMuch
        If they cover the slice hundreds of times.
    """
    _check_cover(contours, out.shape)
    different = {contour.tobytes(): contour for contour in contours}.values()
    filled = [part for part in (_fill(contour, out.shape) for contour in different) if part is not None]
    if not filled:
        return
    if len(filled) == 1:
        out[filled[0].box][filled[0].inside] = value
        return
    top, left = min(part.top for part in filled), min(part.left for part in filled)
    bottom = max(part.box[0].stop for part in filled)
    right = max(part.box[1].stop for part in filled)
    object_mask = np.zeros((bottom - top, right - left), np.bool_)
    for part in sorted(filled, key=lambda part: -part.count):
        rows, columns = part.box
        here = object_mask[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        # What is all there already surrounds this one, which is a hole in it.
        here[part.inside] = not here[part.inside].all()
    out[top:bottom, left:right][object_mask] = value


def _check_cover(contours: Sequence[Contour], shape: tuple[int, ...]) -> None:
    covered = crossed = 0.0
    for contour in contours:
        low = np.clip(contour.min(axis=0), 0, (shape[1], shape[0]))
        high = np.clip(contour.max(axis=0), 0, (shape[1], shape[0]))
        covered += float(np.prod(high - low))
        y = np.clip(contour[:, 1], 0, shape[0])
        crossed += float(np.abs(np.diff(y, append=y[:1])).sum())
    if covered > _MOST_COVER * shape[0] * shape[1] or crossed > _MOST_CROSSINGS:
        raise TooMuch


def _fill(contour: Contour, shape: tuple[int, ...]) -> _Filled | None:
    """Return the pixels of a slice of this shape whose centres lie in a polygon, by even and odd."""
    height, width = shape
    x, y = contour[:, 0], contour[:, 1]
    x_end, y_end = np.roll(x, -1), np.roll(y, -1)
    # Centres of pixels are at j + 0.5; an edge crosses those of the rows first … stop - 1.
    first = np.clip(np.ceil(np.minimum(y, y_end) - 0.5), 0, height).astype(np.int64)
    stop = np.clip(np.ceil(np.maximum(y, y_end) - 0.5), 0, height).astype(np.int64)
    counts = stop - first
    if not counts.any():
        return None
    edge = np.repeat(np.arange(len(counts)), counts)
    rows = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    slope = (x_end - x)[edge] / (y_end - y)[edge]
    crossing = x[edge] + (rows + 0.5 - y[edge]) * slope
    columns = np.clip(np.ceil(crossing - 0.5), 0, width).astype(np.int64)
    top, left = int(rows.min()), int(columns.min())
    size = (int(rows.max()) - top + 1, int(columns.max()) - left + 1)
    toggles = np.bincount((rows - top) * size[1] + columns - left, minlength=size[0] * size[1])
    inside = (np.cumsum(toggles.reshape(size), axis=1) & 1).astype(np.bool_)[:, : width - left]
    count = int(np.count_nonzero(inside))
    return _Filled(top, left, inside, count) if count else None
