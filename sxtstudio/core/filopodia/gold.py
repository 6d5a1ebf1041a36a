"""Gold beads: round, and absorbing far more than a filopodium and any membrane."""

from __future__ import annotations

from typing import Any

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

#: Gold differs from what is free by so many times what a filopodium and membranes do.
_TIMES = 4.0
#: What absorbs less than all but this share of what is around is free: ice, not the inside of a cell.
_FREE = 0.1
#: Noise is smoothed over so many voxels; gold is so many times above what is left of it.
_SMOOTH, _NOISE = 1.0, 8.0
#: It is no single voxel of noise, and in a slice no streak: so much of the circle around it is filled.
_LEAST_VOXELS, _ROUND = 27, 0.45
#: It counts where it lies so near to a filopodium, voxels.
_NEAR = 2


def touches_gold(
    image: NDArray[Any], outline: NDArray[np.bool_], where: NDArray[np.bool_], *, absorbing_dark: bool
) -> bool:
    """Return whether a gold bead lies in or at an object.

    What is told from gold is measured against what is free around: in a cell the cytoplasm absorbs nearly as
    much as membranes do, and would make gold of all that is a little darker.

    Parameters
    ----------
    image, outline, where
        Grey values, labels and the object of the same box with some margin around it (z, y, x).
    absorbing_dark
        Whether what absorbs is dark.
    """
    raw = image.astype(np.float32)
    if absorbing_dark:
        np.negative(raw, out=raw)
    absorbs: NDArray[np.float32] = ndimage.gaussian_filter(raw, _SMOOTH)
    if not where.any() or where.all():
        return False
    level = float(np.quantile(absorbs[~where], _FREE))
    contrasts = [float(np.median(absorbs[where])) - level]
    if outline.any():
        contrasts.append(float(np.median(absorbs[outline])) - level)
    contrast = max(contrasts)
    if not contrast > 0:
        return False
    noise = _noise(absorbs - ndimage.gaussian_filter(absorbs, 2 * _SMOOTH))
    gold = absorbs > level + max(_TIMES * contrast, _NOISE * noise)
    numbers = cc3d.connected_components(gold, connectivity=6)
    near = ndimage.binary_dilation(where, iterations=_NEAR)
    return any(_is_bead(numbers == number) for number in np.unique(numbers[near & gold]).tolist())


def _is_bead(part: NDArray[np.bool_]) -> bool:
    """Whether it is as large as a bead, and round in its fullest slice."""
    if np.count_nonzero(part) < _LEAST_VOXELS:
        return False
    plane = part[int(part.sum(axis=(1, 2)).argmax())]
    rows, columns = (np.flatnonzero(plane.any(axis=axis)) for axis in (1, 0))
    across = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    return bool(np.count_nonzero(plane) >= _ROUND * np.pi / 4 * across**2)


def _noise(values: NDArray[np.float32]) -> float:
    """Return the standard deviation of grey values, outliers left out."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))
