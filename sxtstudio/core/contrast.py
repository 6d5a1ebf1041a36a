"""Grey values of a tomogram: a sample of them, the contrast that suits it, and pixels for the screen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box
from sxtstudio.core.measured import measured_pixels
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume

Window = tuple[float, float]

SLICES = 16
# Share of the darkest and of the brightest voxels that may be cut off.
_CUT = 0.0035
# As many are outliers if they lie farther out than the others are spread: a gold bead and its shadow.
_MOST_OUTLIERS, _REACH = 3.0, 0.75
# Rows that are converted at once: few enough that they stay in the processor's cache.
_ROWS = 64
# One value that this share of a float image has exactly is padding, not image.
_PADDING = 0.03
# So many values settle a contrast, and so many pixels show what of a slice was measured.
_ENOUGH = 200_000
_ENOUGH_PX = 65_000


@dataclass(frozen=True, eq=False)
class GreySample:
    """Grey values from slices spread over a tomogram.

    Attributes
    ----------
    values
        At most a million finite values, float32, sorted.
    value_range
        Smallest and largest finite value of the slices read, or None if there are none.
    non_finite
        How many voxels of these slices are NaN or infinite.
    slices
        How many slices were read.
    """

    values: NDArray[np.float32]
    value_range: Window | None
    non_finite: int
    slices: int

    @property
    def window(self) -> Window:
        """The contrast that suits the whole tomogram."""
        return auto_window(self.values)

    def histogram(self, bins: int = 200) -> tuple[NDArray[np.int64], Window]:
        """Return counts over the range that holds nearly all values, and that range."""
        if not len(self.values):
            return np.zeros(bins, np.int64), (0.0, 1.0)
        low, high = self.window
        beside = 0.6 * (high - low)
        low = max(float(self.values[0]), low - beside)
        high = min(float(self.values[-1]), high + beside)
        if not high > low:
            low, high = low - 0.5, low + 0.5
        counts, _ = np.histogram(self.values, bins, (low, high))
        return counts, (low, high)


def sample_volume(volume: Volume, progress: Progress | None = None) -> GreySample:
    """Read a few slices spread over the volume and keep some of their voxels.

    Parameters
    ----------
    volume
        The tomogram, (z, y, x).
    progress
        Counts the slices; asked whether the user cancelled.
    """
    depth = volume.shape[0]
    chosen = sorted({round(z) for z in np.linspace(0, depth - 1, min(depth, SLICES))})
    progress = progress or Progress()
    progress.begin(len(chosen), "reading grey values")
    kept, low, high, non_finite = [], np.inf, -np.inf, 0
    for z in chosen:
        image = volume.read(Box.slab(z, z + 1, volume.shape))[0]
        finite = _finite(image.ravel())
        non_finite += image.size - finite.size
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
        kept.append(_finite(_measured(image)).astype(np.float32))
        progress.step()
    values = np.sort(np.concatenate(kept))
    return GreySample(values, (low, high) if high >= low else None, non_finite, len(chosen))


def auto_window(values: NDArray[Any]) -> Window:
    """Return the grey values to draw black and white, so that few voxels are cut off.

    Few very dark or bright ones decide nothing: at most 3 % at either end are outliers, where they lie far
    from the others. NaN and infinite values are left out, and so is what a slice (y, x) is filled with where
    nothing was measured, and one exact value that fills a part of a float image (what corners of a rotated
    reconstruction are filled with).
    """
    flat = _measured(values) if values.ndim == 2 else values.ravel()
    flat = flat[:: max(1, flat.size // _ENOUGH)]
    flat = _finite(flat)
    if not flat.size:
        return (0.0, 1.0)
    ordered = np.sort(flat)
    if flat.dtype.kind == "f":
        ordered = _without_padding(ordered)
    low = float(ordered[int(_CUT * (len(ordered) - 1))])
    high = float(ordered[int((1 - _CUT) * (len(ordered) - 1) + 0.5)])
    ends = (float(value) for value in np.percentile(ordered, (_MOST_OUTLIERS, 100 - _MOST_OUTLIERS)))
    inner, outer = ends
    reach = _REACH * (outer - inner)
    if reach > 0:
        low, high = max(low, inner - reach), min(high, outer + reach)
    if high > low:
        return (low, high)
    low, high = float(ordered[0]), float(ordered[-1])
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def to_grey(image: NDArray[Any], window: Window, out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """Return 8-bit grey values of an image (y, x): ``window[0]`` becomes 0, ``window[1]`` 255.

    A window given the other way round draws the negative. NaN becomes 0, infinite values are cut off.
    """
    low, high = window
    grey = np.empty(image.shape, np.uint8) if out is None else out
    width = high - low
    scale = 255.0 / (width if abs(width) > 1e-30 else 1e-30)
    wide = (image.dtype.kind in "iu" and image.dtype.itemsize > 2) or image.dtype == np.float64
    origin = np.float64(low) if wide else np.float32(low)
    part = np.empty((min(_ROWS, len(image)), *image.shape[1:]), np.float32)
    with np.errstate(all="ignore"):
        for first in range(0, len(image), _ROWS):
            rows = image[first : first + _ROWS]
            values = part[: len(rows)]
            np.subtract(rows, origin, out=values, casting="same_kind")
            values *= np.float32(scale)
            values += np.float32(0.5)
            np.fmax(values, 0, out=values)  # fmax and not maximum: it turns NaN into 0
            np.fmin(values, 255, out=values)
            grey[first : first + _ROWS] = values
    return grey


def _measured(image: NDArray[Any]) -> NDArray[Any]:
    """Return some of the pixels of a slice (y, x) that were measured, evenly spread."""
    every = max(1, math.ceil(math.sqrt(image.size / _ENOUGH_PX)))
    every += every % 2 == 0  # odd, so that it does not follow a pattern
    thin = image[::every, ::every]
    mask = measured_pixels(thin)
    return thin.ravel() if mask is None or not mask.any() else thin[mask]


def _finite(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind != "f":
        return values
    good = np.isfinite(values)
    return values if good.all() else values[good]


def _without_padding(ordered: NDArray[Any]) -> NDArray[Any]:
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    lengths = np.diff(np.append(starts, len(ordered)))
    longest = int(lengths.argmax())
    if len(starts) < 256 or lengths[longest] < _PADDING * len(ordered):
        return ordered
    begin = starts[longest]
    return np.concatenate((ordered[:begin], ordered[begin + lengths[longest] :]))
