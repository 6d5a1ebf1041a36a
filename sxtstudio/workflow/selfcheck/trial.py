"""What the parts of the program are tried on: a ball of a known size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

AGAIN = "install SXT Studio again"
VOXEL_NM = (10.0, 10.0, 10.0)
RADIUS_PX = 12


def ball() -> NDArray[np.uint8]:
    """Return the outline of a ball of a known size: a shell (z, y, x), 255 where it is."""
    shell: NDArray[np.uint8] = np.where(abs(distance() - RADIUS_PX + 1) <= 1, 255, 0).astype(np.uint8)
    return shell


def distance() -> NDArray[np.float64]:
    """Return how far each voxel (z, y, x) of a small volume is from its middle, in voxels."""
    z, y, x = np.ogrid[-17:18, -17:18, -17:18]
    far: NDArray[np.float64] = np.sqrt(z * z + y * y + x * x)
    return far
