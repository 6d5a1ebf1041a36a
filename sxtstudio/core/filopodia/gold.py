"""Gold beads: compact, and absorbing far more than any membrane."""

from __future__ import annotations

from typing import Any

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

#: Gold differs from what is around it by so many times what membranes do.
_TIMES = 2.5
#: It is no single voxel of noise.
_LEAST_VOXELS = 27
#: It counts where it lies so near to a filopodium, voxels.
_NEAR = 2


def touches_gold(
    image: NDArray[Any], outline: NDArray[np.bool_], where: NDArray[np.bool_], *, absorbing_dark: bool
) -> bool:
    """Return whether a gold bead lies in or at an object.

    Parameters
    ----------
    image, outline, where
        Grey values, labels and the object of the same box with some margin around it (z, y, x).
    absorbing_dark
        Whether what absorbs is dark.
    """
    absorbs = image.astype(np.float32)
    if absorbing_dark:
        np.negative(absorbs, out=absorbs)
    around, membrane = absorbs[~outline & ~where], absorbs[outline]
    if not around.size or not membrane.size:
        return False
    level = float(np.median(around))
    contrast = float(np.median(membrane)) - level
    if not contrast > 0:  # labels that do not lie on what absorbs say nothing of gold
        return False
    gold = absorbs > level + _TIMES * max(contrast, 2 * _noise(around))
    numbers = cc3d.connected_components(gold, connectivity=6)
    near = ndimage.binary_dilation(where, iterations=_NEAR)
    sizes = np.bincount(numbers.ravel())
    touching = np.unique(numbers[near & gold])
    return bool((sizes[touching] >= _LEAST_VOXELS).any())


def _noise(values: NDArray[np.float32]) -> float:
    """Return the standard deviation of grey values, outliers left out."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))
