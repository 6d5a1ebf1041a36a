"""Volumes stored in chunks that are several slices deep."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box, Triple

# A bound on what is kept, whatever the file: 18 slices of 1324×1284 float32, 75 of uint8.
MOST_KEPT_BYTES = 128 << 20


class ChunkedSlices:
    """Reads boxes, and keeps the last layer of chunks, so that going slice by slice decodes it once.

    Of a layer that is too big, a part is kept: then it is decoded once for each part.
    """

    def __init__(
        self, read: Callable[[Box], NDArray[Any]], shape: tuple[int, ...], dtype: np.dtype[Any], depth: int
    ) -> None:
        """``read(box)`` decodes a box; the chunks are ``depth`` slices deep."""
        self._read = read
        self._shape: Triple = (shape[0], shape[1], shape[2])
        self._depth = depth
        self._part = max(1, min(depth, MOST_KEPT_BYTES // max(1, shape[1] * shape[2] * dtype.itemsize)))
        self._lock = threading.Lock()
        self._kept: tuple[int, NDArray[Any]] | None = None

    def read(self, box: Box) -> NDArray[Any]:
        """Return the voxels of ``box`` (z, y, x)."""
        first, last = self._bounds(box.start[0])
        wide = 2 * box.shape[1] * box.shape[2] >= self._shape[1] * self._shape[2]
        if not wide or box.stop[0] > last or box.shape[0] == last - first:
            return self._read(box)
        with self._lock:
            kept = self._kept
            if kept is None or kept[0] != first:
                self._kept = None  # let go of the old part before the new one is made
                kept = (first, self._read(Box.slab(first, last, self._shape)))
                self._kept = kept
        z, y, x = box.slices
        return np.array(kept[1][z.start - first : z.stop - first, y, x], order="C")

    def _bounds(self, z: int) -> tuple[int, int]:
        """Return the slices that are kept together with slice ``z``."""
        layer = z - z % self._depth
        first = layer + (z - layer) // self._part * self._part
        return first, min(first + self._part, layer + self._depth, self._shape[0])
