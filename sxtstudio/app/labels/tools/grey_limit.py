"""A brush that changes only pixels of certain grey values."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box
from sxtstudio.core.volume import Volume

_KEPT_SLICES = 8  # some 55 MB of a large tomogram


class GreyLimit:
    """Grey values ``low`` to ``high`` of a tomogram, for one stroke: a slice is read once."""

    def __init__(self, tomogram: Volume, low: float, high: float) -> None:
        """Read nothing yet."""
        self._tomogram, self._low, self._high = tomogram, min(low, high), max(low, high)
        self._slices: OrderedDict[int, NDArray[Any]] = OrderedDict()

    def within(self, box: Box, where: NDArray[np.bool_]) -> tuple[Box, NDArray[np.bool_]] | None:
        """Return of the voxels ``where`` of ``box`` those in the range, or None if there are none.

        What was not measured (NaN) is in no range.
        """
        grey = self._read(box)
        found: NDArray[np.bool_] = where & (grey >= self._low) & (grey <= self._high)
        return (box, found) if found.any() else None

    def _read(self, box: Box) -> NDArray[Any]:
        depth = box.stop[0] - box.start[0]
        if depth > _KEPT_SLICES:  # a side view: a few voxels of many slices
            return self._tomogram.read(box)
        rows, columns = box.slices[1:]
        return np.stack([self._slice(z)[rows, columns] for z in range(box.start[0], box.stop[0])])

    def _slice(self, z: int) -> NDArray[Any]:
        if z not in self._slices:
            self._slices[z] = self._tomogram.read(Box.slab(z, z + 1, self._tomogram.shape))[0]
            if len(self._slices) > _KEPT_SLICES:
                self._slices.popitem(last=False)
        return self._slices[z]
