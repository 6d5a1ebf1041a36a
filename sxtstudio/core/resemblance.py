"""Whether neighbouring slices show the same, and which slices a network sees around one.

A network may see the neighbours of a slice as further channels of its input. Beyond the first and the last
slice the border slice is repeated, and a neighbour that does not resemble the slice (unrelated pictures in
one file, a jump) is replaced by the slice itself: training and segmentation follow the same rule.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.measure import block_reduce

from sxtstudio.core.measured import Mask

Image = NDArray[np.float32]

#: Correlation of neighbouring slices, coarsened, from which on they show the same. Measured: above 0.95 in
#: tomograms (0.4 where a phantom's structures end), at most 0.5 between different tomograms.
RESEMBLANCE = 0.8
_COARSE_PX = 4


def around(z: int, slices: int, depth: int) -> list[int]:
    """Return the ``slices`` (an odd number) round slice ``z`` of ``depth``, in order; borders repeat."""
    reach = slices // 2
    return [min(max(position, 0), depth - 1) for position in range(z - reach, z + reach + 1)]


def coarsened(image: Image, measured: Mask | None = None) -> NDArray[np.floating]:
    """Return the means of a slice (y, x) over blocks of 4×4 pixels; a tiny one stays as it is.

    NaN where not all of a block was measured.
    """
    if measured is not None:
        image = np.where(measured, image, np.float32(np.nan))
    edge = _COARSE_PX if min(image.shape) >= 4 * _COARSE_PX else 1
    height, width = (length // edge * edge for length in image.shape)
    means: NDArray[np.floating] = block_reduce(image[:height, :width], (edge, edge), np.mean)
    return means


def resemble(first: NDArray[np.floating], second: NDArray[np.floating]) -> bool:
    """Return whether two coarsened slices show the same, by Pearson's correlation.

    Only what was measured of both counts.
    """
    both = np.isfinite(first) & np.isfinite(second)
    if np.count_nonzero(both) < 2:
        return False
    with np.errstate(divide="ignore", invalid="ignore"):  # a constant slice resembles nothing
        correlation = np.corrcoef(first[both], second[both])[0, 1]
    return bool(correlation > RESEMBLANCE)
