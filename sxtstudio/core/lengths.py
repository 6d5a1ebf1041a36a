"""Units of lengths, round lengths for a scale bar, and what can be a voxel size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

Unit = Literal["nm", "µm"]
# No voxel of any microscope is smaller than a thousandth of a nm or larger than a cm.
SMALLEST_VOXEL_NM, LARGEST_VOXEL_NM = 1e-3, 1e7
UNITS: tuple[Unit, ...] = ("nm", "µm")


def round_length(longest: float) -> float:
    """Return the largest of 1, 2, 5, 10, 20, 50 … (or 0.5, 0.2 …) that is not longer than ``longest``."""
    if not (longest > 0 and math.isfinite(longest)):
        return 1.0
    decade = 10.0 ** math.floor(math.log10(longest) + 1e-9)
    for step in (5.0, 2.0):
        if step * decade <= longest * (1 + 1e-9):
            return step * decade
    return decade


def is_voxel_size(lengths_nm: Sequence[float]) -> bool:
    """Return whether these lengths (nm) can be the edges (z, y, x) of a voxel at all."""
    return len(lengths_nm) == 3 and all(SMALLEST_VOXEL_NM <= nm <= LARGEST_VOXEL_NM for nm in lengths_nm)
