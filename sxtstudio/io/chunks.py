"""Volumes stored in chunks that are several slices deep."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box, Triple

# A bound on what is kept, whatever the file: 64 slices of 1324×1284 uint8 fit, 16 of float32 too.
_MOST_KEPT_BYTES = 128 << 20


class ChunkedSlices:
    """Reads boxes, and keeps the last layer of chunks so that slice after slice decodes each chunk once."""

    def __init__(
        self, read: Callable[[Box], NDArray[Any]], shape: tuple[int, ...], dtype: np.dtype[Any], depth: int
    ) -> None:
        """``read(box)`` decodes a box; the chunks are ``depth`` slices deep."""
        self._read = read
        self._shape: Triple = (shape[0], shape[1], shape[2])
        self._depth = depth
        layer_bytes = min(depth, shape[0]) * shape[1] * shape[2] * dtype.itemsize
        self._worthwhile = depth > 1 and layer_bytes <= _MOST_KEPT_BYTES
        self._lock = threading.Lock()
        self._kept: tuple[int, NDArray[Any]] | None = None

    def read(self, box: Box) -> NDArray[Any]:
        """Return the voxels of ``box`` (z, y, x)."""
        layer = box.start[0] // self._depth
        one_layer = (box.stop[0] - 1) // self._depth == layer and box.shape[0] < self._depth
        wide = 2 * box.shape[1] * box.shape[2] >= self._shape[1] * self._shape[2]
        if not (self._worthwhile and one_layer and wide):
            return self._read(box)
        with self._lock:
            kept = self._kept
            if kept is None or kept[0] != layer:
                self._kept = None  # let go of the old layer before the new one is made
                first = layer * self._depth
                last = min(first + self._depth, self._shape[0])
                kept = (layer, self._read(Box.slab(first, last, self._shape)))
                self._kept = kept
        begin = layer * self._depth
        z, y, x = box.slices
        return np.array(kept[1][z.start - begin : z.stop - begin, y, x], order="C")
