"""The convex hull of a region of a slice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError
from skimage.draw import polygon2mask


def hull_area(own: NDArray[np.bool_]) -> float:
    """Return the area of the convex hull of a region's pixels, px; their corners count."""
    try:
        return float(ConvexHull(_corners(own)).volume)
    except QhullError:  # cannot happen to pixels with corners, but for numbers beyond its precision
        return float(own.sum())


def hull_of(own: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels whose middles lie in the convex hull of a region's pixels."""
    corners = _corners(own)
    try:
        inside = polygon2mask(own.shape, corners[ConvexHull(corners).vertices])
    except QhullError:
        return own
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
