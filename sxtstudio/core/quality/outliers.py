"""Hot pixels: single pixels far outside the grey values around them, of a detector or a damaged file.

One of them among a hundred thousand raises a standard deviation a hundredfold and spreads over all
frequencies, so they are named, and taken out before anything else is measured. Gold is as far outside, but a
bead has a core of three pixels at least and flanks that the optics blur.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.measured import Mask

#: Spreads (robust standard deviations of a slice) from the median from which on a pixel is looked at.
FAR = 10.0
_PERCENTILES, _SPAN = (5, 95), 3.2897
_MOST_VALUES = 50_000
#: Hot ones are less than so many pixels wide (a hot row is long), and around them the grey values have come
#: back to these shares of theirs: half of them, and all. Streaks and the ends of a bead fade slowly.
_WIDTH_PX, _HALF_AROUND, _ALL_AROUND = 3, 0.3, 0.6


@dataclass
class HotPixels:
    """How many hot pixels there are in the slices that were looked at.

    Attributes
    ----------
    number, total
        Hot ones, and all that were measured.
    largest
        Grey value of the one that lies farthest outside.
    spreads
        How far that is, in robust standard deviations of its slice.
    """

    number: int = 0
    total: int = 0
    largest: float = 0.0
    spreads: float = 0.0

    def clean(self, image: NDArray[Any], measured: Mask | None) -> NDArray[Any]:
        """Count the hot pixels of a slice (y, x), and return it with its median in their place.

        The slice itself is returned where there are none; it is never written to.
        """
        hot, middle, far = _found(image, measured)
        self.total += image.size if measured is None else int(np.count_nonzero(measured))
        if hot is None:
            return image
        self.number += int(np.count_nonzero(hot))
        at = np.argmax(far * hot)
        if float(far.flat[at]) > self.spreads:
            self.spreads, self.largest = float(far.flat[at]), float(image.flat[at])
        cleaned: NDArray[Any] = np.where(hot, np.asarray(middle).astype(image.dtype), image)
        return cleaned


def without_hot_pixels(image: NDArray[Any], measured: Mask | None) -> NDArray[Any]:
    """Return a slice (y, x) with its median in place of hot pixels."""
    return HotPixels().clean(image, measured)


def _found(image: NDArray[Any], measured: Mask | None) -> tuple[Mask | None, float, NDArray[np.float64]]:
    """Return where hot pixels are (None: nowhere), the median, and how far all pixels are from it."""
    nothing = None, 0.0, np.empty(0)
    known = np.isfinite(image) if measured is None else measured & np.isfinite(image)
    some = image[known]
    if not some.size:
        return nothing
    few = some[:: max(1, some.size // _MOST_VALUES) | 1].astype(np.float64)
    low, middle, high = np.percentile(few, (_PERCENTILES[0], 50, _PERCENTILES[1]))
    spread = float(high - low) / _SPAN
    inside = middle - FAR * spread <= some.min() and some.max() <= middle + FAR * spread
    if not spread > 0 or inside:
        return nothing
    far = np.where(known, np.abs(image.astype(np.float64) - middle) / spread, 0.0)
    hot = _single(far)
    return (hot, float(middle), far) if hot.any() else nothing


def _single(far: NDArray[np.float64]) -> Mask:
    """Return which of the far pixels are single ones, or thin rows of them, with nothing around them."""
    hot = np.zeros(far.shape, bool)
    # All neighbours count, across corners too: a bead's ragged edge is part of it.
    parts, _ = ndimage.label(far > FAR, structure=np.ones((3, 3)))
    for number, box in enumerate(ndimage.find_objects(parts), 1):
        part = parts[box] == number
        if min(part.shape) >= _WIDTH_PX or (max(part.shape) >= _WIDTH_PX and _at_border(box, far.shape)):
            continue
        wider = tuple(slice(max(0, s.start - 1), s.stop + 1) for s in box)
        around = far[wider][parts[wider] != number]
        height = np.median(far[box][part])
        if around.size and np.median(around) < _HALF_AROUND * height and around.max() < _ALL_AROUND * height:
            hot[box] |= part
    return hot


def _at_border(box: tuple[slice, ...], shape: tuple[int, ...]) -> bool:
    """Whether a part touches the border, where reconstructions have rows of their own."""
    return any(part.start == 0 or part.stop == n for part, n in zip(box, shape, strict=True))
