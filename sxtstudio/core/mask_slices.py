"""The cell mask from grey values, and repairs of a mask, slice by slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Plane = NDArray[np.bool_]

# Parts smaller than this share of the largest one in the slice are beads, debris and noise.
SMALLEST_PART = 0.1
_BINS = 256


@dataclass(frozen=True)
class ThresholdMask:
    """How grey values become a mask.

    Attributes
    ----------
    value
        The grey value that parts cell from ice.
    above
        The cell is what is brighter than ``value``; otherwise what is darker.
    smooth_px
        Standard deviation of the Gauss filter within each slice, in pixels; 0 is off.
    large_only
        Leave parts out that are smaller than a tenth of the largest one in their slice.
    fill
        Fill holes in each slice.
    """

    value: float
    above: bool = False
    smooth_px: float = 8.0
    large_only: bool = True
    fill: bool = True


def mask_of_slice(image: NDArray[Any], how: ThresholdMask) -> Plane:
    """Return where a slice (y, x) belongs to the cell. Pixels that are no numbers do not."""
    values = smoothed(image, how.smooth_px)
    with np.errstate(invalid="ignore"):
        mask: Plane = values > how.value if how.above else values < how.value
    if how.large_only:
        mask = large_parts(mask)
    return fill_holes(mask) if how.fill else mask


def smoothed(image: NDArray[Any], smooth_px: float) -> NDArray[np.float32]:
    """Return the slice after a Gauss filter; pixels that are no numbers take no part and stay so."""
    values = image.astype(np.float32)
    if smooth_px <= 0:
        return values
    known = np.isfinite(values)
    if known.all():
        blurred: NDArray[np.float32] = ndimage.gaussian_filter(values, smooth_px, mode="nearest")
        return blurred
    weight = ndimage.gaussian_filter(known.astype(np.float32), smooth_px, mode="nearest")
    blurred = ndimage.gaussian_filter(np.where(known, values, np.float32(0)), smooth_px, mode="nearest")
    result = np.full_like(values, np.nan)
    result[known] = blurred[known] / weight[known]
    return result


def large_parts(mask: Plane) -> Plane:
    """Leave parts (8-connected) out that have less than a tenth of the pixels of the largest one."""
    parts, count = ndimage.label(mask, np.ones((3, 3), bool))
    if count < 2:
        return mask
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    kept: Plane = (sizes >= SMALLEST_PART * sizes.max())[parts]
    return kept


def fill_holes(mask: Plane) -> Plane:
    """Fill what is not connected, at faces, with the border of the slice."""
    parts, count = ndimage.label(~mask)
    if not count:
        return mask
    outside = np.zeros(count + 1, bool)
    for edge in (parts[0], parts[-1], parts[:, 0], parts[:, -1]):
        outside[edge] = True
    outside[0] = False
    filled: Plane = ~outside[parts]
    return filled


def outline(mask: Plane, width_px: int = 2) -> Plane:
    """Return the pixels of the mask that are at most ``width_px`` from its edge."""
    inner = ndimage.binary_erosion(mask, iterations=width_px, border_value=1)
    edge: Plane = mask & ~inner
    return edge


def suggest_value(image: NDArray[Any], smooth_px: float) -> float | None:
    """Return a grey value that parts the pixels of a slice into two classes (Otsu 1979); None if constant."""
    values = smoothed(image, smooth_px)
    seen = values[np.isfinite(values)].astype(np.float64)
    if not seen.size or seen.min() == seen.max():
        return None
    counts, edges = np.histogram(seen, _BINS)
    centres = (edges[:-1] + edges[1:]) / 2
    below, total = np.cumsum(counts), counts.sum()
    sums = np.cumsum(counts * centres)
    above = total - below
    usable = (below > 0) & (above > 0)
    means_apart = np.zeros(_BINS)
    means_apart[usable] = sums[usable] / below[usable] - (sums[-1] - sums[usable]) / above[usable]
    best = int(np.argmax(below * above.astype(np.float64) * means_apart**2))
    return float(edges[best + 1])
