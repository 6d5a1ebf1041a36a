"""The holes of a region of a slice."""

from __future__ import annotations

import cc3d
import numpy as np
from numpy.typing import NDArray


def without_holes(own: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a region (y, x) with its holes filled: what no way over sides of pixels joins to its outside.

    As ``scipy.ndimage.binary_fill_holes`` does, which looks at the whole image for each region, in a quarter
    of the time.

    Parameters
    ----------
    own
        The region, with a margin of 1 px at least.
    """
    around = cc3d.connected_components(~own, connectivity=4)
    filled: NDArray[np.bool_] = around != around[0, 0]
    return filled
