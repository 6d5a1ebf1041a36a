"""Slices that have to be decoded one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box


class DecodedSlices:
    """Reads boxes from a function that decodes one whole slice; keeps the last one.

    The last slice is kept because tiles of one slice are usually asked for in a row.
    """

    def __init__(self, decode: Callable[[int], NDArray[Any]], rows: int, columns: int, dtype: Any) -> None:
        """``decode(z)`` returns slice z, ``rows`` × ``columns`` voxels of ``dtype``."""
        self._decode = decode
        self._shape = (rows, columns)
        self._dtype = np.dtype(dtype)
        self._last: tuple[int, NDArray[Any]] | None = None

    def read(self, box: Box) -> NDArray[Any]:
        """Return the voxels of ``box`` (z, y, x)."""
        out = np.empty(box.shape, self._dtype)
        rows, columns = box.slices[1:]
        whole = box.shape[1:] == self._shape
        for index, z in enumerate(range(box.start[0], box.stop[0])):
            out[index] = self._slice(z, keep=not whole)[rows, columns]
        return out

    def _slice(self, z: int, keep: bool) -> NDArray[Any]:
        last = self._last  # read once: another thread may replace it meanwhile
        if last is not None and last[0] == z:
            return last[1]
        pixels = self._decode(z)
        if pixels.shape != self._shape:
            if pixels.size != self._shape[0] * self._shape[1]:
                raise ValueError(f"slice {z} has {pixels.shape} voxels instead of {self._shape}")
            pixels = pixels.reshape(self._shape)
        if keep:
            self._last = (z, pixels)
        return pixels
