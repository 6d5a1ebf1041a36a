"""Gold beads in a slice and what surrounds them: their rims, and the streaks along the missing wedge.

A bead absorbs so much that its edge outshines whatever lies beside it, and that the reconstruction draws a
bright streak out of it on both sides, along the axis on which the tilts are missing. What is found there may
be no membrane. How gold is recognised: ``quality.beads``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.measured import Mask
from sxtstudio.core.quality.beads import GOLD, BeadSection, sections

#: A bead goes on as far as half of what gold is; its rim is blurred over so many pixels more.
_BEAD, _RIM_PX = 0.5 * GOLD, 3
#: A streak is brighter than so many spreads, begins at the rim, and is followed for so many diameters.
_STREAK, _LONGEST = 2.0, 6.0
_STREAK_RIM_PX = 2
_PERCENTILES, _SPAN = (5, 50, 95), 3.2897  # as in quality.beads: robust standard deviations
_SAMPLE = 50_000


@dataclass(frozen=True, eq=False)
class Gold:
    """Gold in a slice: its beads, where gold itself is, and that with its rims and streaks (y, x)."""

    beads: tuple[BeadSection, ...]
    core: Mask
    around: Mask


def gold_in(image: NDArray[Any], measured: Mask | None = None, *, dark: bool) -> Gold | None:
    """Return the gold in a slice, or None where there is none.

    Parameters
    ----------
    image
        The slice (y, x).
    measured
        What counts; None: all.
    dark
        Whether absorbing structures are dark.
    """
    beads = sections(image, 0, measured, dark=dark)
    if not beads:
        return None
    values = _in_spreads(image, measured, dark)
    parts, _ = ndimage.label(values > _BEAD)
    numbers = np.unique([parts[round(bead.y), round(bead.x)] for bead in beads])
    core = np.isin(parts, numbers[numbers > 0])
    around = ndimage.binary_dilation(core, iterations=_RIM_PX)
    streaks = np.zeros_like(core)
    for bead in beads:
        _mark_streaks(streaks, values, core, bead)
    around |= ndimage.binary_dilation(streaks, iterations=_STREAK_RIM_PX)
    return Gold(tuple(beads), core, around)


def _in_spreads(image: NDArray[Any], measured: Mask | None, dark: bool) -> NDArray[np.float32]:
    """Return how far each pixel lies on the side of what absorbs, in spreads of the slice."""
    values = image.astype(np.float32)
    known = np.isfinite(values) if measured is None else measured & np.isfinite(values)
    some = values[known]
    low, middle, high = np.percentile(some[:: max(1, some.size // _SAMPLE) | 1], _PERCENTILES)
    scale = np.float32((low - high if dark else high - low) / _SPAN)
    return np.where(known, (values - np.float32(middle)) / scale, np.float32(0))


def _mark_streaks(streaks: Mask, values: NDArray[np.float32], core: Mask, bead: BeadSection) -> None:
    """Mark what is bright beside a bead, row by row (and column by column), as long as it goes on."""
    half, reach = math.ceil(bead.diameter / 2), math.ceil(_LONGEST * bead.diameter)
    for turned, bright, gold, y, x in (
        (streaks, values, core, bead.y, bead.x),
        (streaks.T, values.T, core.T, bead.x, bead.y),
    ):
        for row in range(max(0, round(y) - half), min(len(bright), round(y) + half + 1)):
            for direction in (1, -1):
                line = bright[row, round(x) :: direction][:reach]
                inside = gold[row, round(x) :: direction][: len(line)]
                begin = int(inside.sum()) if inside[:1].any() else 0
                goes_on = line[begin + _RIM_PX :] < -_STREAK
                # Where it begins the bead's edge is still mixed in.
                length = len(goes_on) if goes_on.all() else int(np.argmin(goes_on))
                if length > bead.diameter / 2:
                    turned[row, round(x) :: direction][begin : begin + _RIM_PX + length] = True
