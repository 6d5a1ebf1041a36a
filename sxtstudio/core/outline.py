"""The outline of a mask in a slice, as lines to draw."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Larger slices are traced at every second pixel: a quarter of the time, and one pixel is not seen there.
_FINE_PIXELS = 400_000


def outlines(mask: NDArray[Any]) -> list[NDArray[np.float64]]:
    """Return closed lines (n, 2) of (row, column) around the non-zero pixels of ``mask`` (y, x).

    Pixel centres lie at whole numbers; the lines run between the pixels, also along the image's border.
    """
    from skimage.measure import find_contours  # here, because it takes long to load

    rows = np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return []
    columns = np.flatnonzero(mask.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    part = mask[top : rows[-1] + 1, left : columns[-1] + 1] != 0
    step = 2 if part.size > _FINE_PIXELS else 1
    part = np.pad(part[::step, ::step].astype(np.float32), 1)
    return [(line - 1) * step + (top, left) for line in find_contours(part, 0.5)]
