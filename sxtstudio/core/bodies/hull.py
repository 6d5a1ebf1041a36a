"""The convex hull of a region of a slice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError


def hull_area(own: NDArray[np.bool_]) -> float:
    """Return the area of the convex hull of a region's pixels, px; their corners count."""
    try:
        return float(ConvexHull(_corners(own)).volume)
    except QhullError:  # cannot happen to pixels with corners, but for numbers beyond its precision
        return float(own.sum())


def hull_of(own: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels whose middles lie in the convex hull of a region's pixels.

    As ``skimage.draw.polygon2mask`` does, which looks at each pixel for each edge, in a tenth of the time.
    """
    corners = _corners(own)
    try:
        vertices = corners[ConvexHull(corners).vertices]
    except QhullError:
        return own
    # Twice the places of corners are whole numbers, so that nothing is rounded.
    rows, columns = np.rint(2 * vertices.T).astype(np.int64)
    height, width = own.shape
    first, last = np.full(height, -1, np.int64), np.full(height, width, np.int64)
    edges = zip(rows, columns, np.roll(rows, -1), np.roll(columns, -1), strict=True)
    for row, column, next_row, next_column in edges:
        if row == next_row:
            continue
        low, high = min(row, next_row), max(row, next_row)
        within = np.arange(max(0, -(-low // 2)), min(height - 1, high // 2) + 1)
        # Where the edge crosses each row: column + (2 · row - first row) · slope, in half pixels.
        over, by = (2 * within - row) * (next_column - column), next_row - row
        if by > 0:  # the vertices go round against the clock, and rows downwards: the left side
            first[within] = np.maximum(first[within], -(-(column * by + over) // (2 * by)))
        else:
            last[within] = np.minimum(last[within], (column * -by - over) // (-2 * by))
    at = np.arange(width)
    inside = (at >= first[:, None]) & (at <= last[:, None]) & (first >= 0)[:, None]
    result: NDArray[np.bool_] = own | inside
    return result


def _corners(own: NDArray[np.bool_]) -> NDArray[np.float64]:
    rows = np.flatnonzero(own.any(1))
    first = own[rows].argmax(1) - 0.5  # no other pixel of a row is a corner of the hull
    last = own.shape[1] - 0.5 - own[rows, ::-1].argmax(1)
    corners = np.empty((2, 2, len(rows), 2))  # upper and lower, left and right, in each row
    corners[0, ..., 0], corners[1, ..., 0] = rows - 0.5, rows + 0.5
    corners[:, 0, :, 1], corners[:, 1, :, 1] = first, last
    return corners.reshape(-1, 2)
