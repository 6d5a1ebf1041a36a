"""Labels in memory and on disk: uint8 (z, y, x), 0 where nothing is labelled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.walk import walk

LABEL = 255
#: In labels to compare with or to train on: it is not to be judged whether there is membrane.
NOT_JUDGED = 128


def as_labels(where: NDArray[Any]) -> NDArray[np.uint8]:
    """Return uint8 of the same shape: ``LABEL`` where ``where`` is true or not 0, else 0."""
    labels: NDArray[np.uint8] = np.multiply(where != 0, np.uint8(LABEL), dtype=np.uint8)
    return labels


def in_mask(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which voxels of a mask of any type are inside: those that are a number other than 0."""
    inside: NDArray[np.bool_] = values != 0
    if values.dtype.kind == "f":
        inside &= ~np.isnan(values)
    return inside


def count_labels(labels: NDArray[np.uint8]) -> int:
    """Return how many voxels of an array or memory map (z, y, x) are not 0, a slab at a time."""
    z, y, x = labels.shape
    return sum(int(np.count_nonzero(labels[box.slices])) for box in walk((z, y, x), labels))


def threshold_byte(threshold: float) -> float:
    """Return what a stored output, 255 · (output + 1)/2, must be above to be labelled at ``threshold``."""
    return 255 * (threshold + 1) / 2
