"""Gold beads in slices: where they lie, what shape they have, and the streaks beside them.

Gold absorbs more than ten times as much as anything of a cell, so that a bead stands out by itself: it is
compact, and more than ten times as far from the middle of the grey values as these are spread. Lipid droplets
reach some six spreads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.measured import Mask

Image = NDArray[np.float32]

#: Spreads (robust standard deviations of a slice) from which on it is gold.
GOLD = 10.0
#: A section of a bead is so many pixels wide, and compact, if perhaps two that overlap.
LEAST_PX, MOST_PX = 3, 64
_ASPECT, _FILLED = 3.0, 0.5
#: In the slice in which it is largest a bead is at least so wide, px: the grain has smaller peaks.
LEAST_DIAMETER_PX = 4.5
#: Its other sections lie less than this far aside of the largest, and along z, in diameters of that: the
#: missing wedge draws beads out along the beam, and parts them there.
_ASIDE, _ALONG = 1.0, 6.0
_PERCENTILES, _SPAN = (5, 95), 3.2897
#: A streak is looked for from one to three diameters beside the middle of a bead. What goes on there as dark
#: as 0.7 of what gold is, is a wall (of a capillary, a grid bar) and its spots no beads.
_STREAK = (1.0, 3.0)
_WALL = 0.7 * GOLD


@dataclass(frozen=True)
class BeadSection:
    """A bead in a slice: its middle and diameter in pixels, its shape, and the streak beside it.

    Attributes
    ----------
    streak
        How far the slice lies from its surroundings beside the bead, in spreads of the slice, along the axis
        on which that is more; NaN where there is nothing beside it.
    stretch
        4 (σ₁² − σ₂²) · (cos 2φ, sin 2φ), px²: σ₁ and σ₂ are the standard deviations of its pixels along its
        longer and its shorter axis, φ the angle of the longer one to x. Two discs d apart have the length d².
    """

    z: int
    y: float
    x: float
    diameter: float
    streak: float
    stretch: tuple[float, float]


def sections(image: NDArray[Any], z: int, measured: Mask | None, *, dark: bool) -> list[BeadSection]:
    """Return the beads in a slice.

    Parameters
    ----------
    image
        The slice (y, x), number ``z``.
    measured
        What counts; None: all.
    dark
        Whether absorbing structures are dark.
    """
    values = image.astype(np.float32)
    known = np.isfinite(values) if measured is None else measured & np.isfinite(values)
    if not known.any():
        return []
    some = values[known]
    low, middle, high = np.percentile(some[:: max(1, some.size // 50_000) | 1], (_PERCENTILES[0], 50, 95))
    spread = float(high - low) / _SPAN
    if not spread > 0:
        return []
    scale = np.float32(-spread if dark else spread)
    values = np.where(known, (values - np.float32(middle)) / scale, np.float32(0))
    gold = values > GOLD
    if not gold.any():
        return []
    parts, _ = ndimage.label(gold)
    found = []
    for number, box in enumerate(ndimage.find_objects(parts), 1):
        part = parts[box] == number
        height, width = part.shape
        compact = part.sum() >= _FILLED * height * width and max(height, width) <= _ASPECT * min(
            height, width
        )
        if min(height, width) < LEAST_PX or max(height, width) > MOST_PX or not compact:
            continue
        dy, dx = ndimage.center_of_mass(part)
        y, x = box[0].start + dy, box[1].start + dx
        diameter = 2 * math.sqrt(float(part.sum()) / math.pi)
        streak = _streak(values, y, x, diameter)
        if not streak > _WALL:
            found.append(BeadSection(z, y, x, diameter, streak, _stretch(part)))
    return found


def beads(found: Sequence[BeadSection], slice_px: float = 1.0) -> list[BeadSection]:
    """Return each bead as the section in which it is largest; the others near it are parts of it.

    ``slice_px`` is the distance of two slices, in pixels of a slice.
    """
    largest: list[BeadSection] = []
    for section in sorted(found, key=lambda one: -one.diameter):
        if not any(_is_part(section, bead, slice_px) for bead in largest):
            largest.append(section)
    return [bead for bead in largest if bead.diameter >= LEAST_DIAMETER_PX]


def _is_part(section: BeadSection, bead: BeadSection, slice_px: float) -> bool:
    return (
        math.hypot(section.y - bead.y, section.x - bead.x) < _ASIDE * bead.diameter
        and abs(section.z - bead.z) * slice_px < _ALONG * bead.diameter
    )


def _stretch(part: Mask) -> tuple[float, float]:
    y, x = np.nonzero(part)
    (xx, xy), (_, yy) = np.cov(x, y)
    # The difference of the eigenvalues is the length of (xx − yy, 2 xy), which has the direction 2φ.
    return 4 * float(xx - yy), 8 * float(xy)


def _streak(values: Image, y: float, x: float, diameter: float) -> float:
    """How far the strips beside a bead differ from those that run aside of it, along y or x."""
    reach, half = math.ceil(_STREAK[1] * diameter), max(1, round(diameter / 4))
    middle = round(y), round(x)
    rows, columns = (slice(max(0, m - reach), m + reach + 1) for m in middle)
    part = values[rows, columns]
    before = [max(0, reach - m) for m in middle]
    missing = [(b, 2 * reach + 1 - n - b) for b, n in zip(before, part.shape, strict=True)]
    around = np.pad(part, missing, constant_values=np.nan)
    strengths = []
    for turned in (around, around.T):
        ends = np.abs(np.arange(2 * reach + 1) - reach) > _STREAK[0] * diameter
        strip = turned[reach - half : reach + half + 1, ends]
        aside = np.concatenate([turned[: reach - 3 * half, ends], turned[reach + 3 * half + 1 :, ends]])
        if np.isfinite(strip).any() and np.isfinite(aside).any():
            strengths.append(abs(float(np.nanmedian(strip) - np.nanmedian(aside))))
    return max(strengths, default=math.nan)
