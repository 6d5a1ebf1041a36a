"""The one normalisation of slices, the same for training and for inference.

(x − mean) / SD, as the published network was trained (Dyhr et al., PNAS 2023), with mean and standard
deviation of what counts: of the pixels that were measured (``measured``), without those far outside
of the range of all others. A few hot pixels or a bead of gold would otherwise take the contrast from all the
rest. In slices without such pixels the figures are exactly those of all pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.measured import Mask, large_parts, measured_pixels

Image = NDArray[np.float32]

#: What lies further outside of the 1st to 99th percentile than twice their distance has no say in mean and
#: SD, and is cut off there. For Gaussian grain that is 11.6 standard deviations. Of 28 ordinary slices
#: (phantoms of three simulators and all real ones) 22 hold nothing beyond, the others gold.
REACH = 2.0
_PERCENTILES = (1, 99)
_SAMPLE = 100_000  # pixels settle them
_WINDOW_PX = 5  # in which a bad pixel's neighbours are looked for


@dataclass(frozen=True, eq=False)
class Normalised:
    """A slice as the network sees it.

    Attributes
    ----------
    values
        float32 (y, x), mean 0 and SD 1. A fill holds the mirror image of what was measured beside it, so that
        there is no edge to be seen.
    measured
        bool (y, x), False in fills; None where all was measured.
    """

    values: Image
    measured: Mask | None

    @property
    def fill_share(self) -> float:
        """Share of the pixels that were not measured, 0…1."""
        return 0.0 if self.measured is None else 1.0 - float(np.mean(self.measured))


def normalise(image: NDArray[Any]) -> Normalised | None:
    """Return a slice normalised, and which of its pixels were measured.

    Mean and standard deviation are taken in float64, so that data on a large offset keep their contrast.
    Single bad pixels (NaN, infinite, or far outside of all others, less than 3×3 of them) get the median of
    their neighbours.

    Parameters
    ----------
    image
        One slice (y, x) of real numbers of any dtype. It is not changed.

    Returns
    -------
    Normalised or None
        None where nothing can be seen: no measured pixel, or all the same but for rounding.

    Raises
    ------
    TypeError
        If the pixels are not real numbers.
    """
    image = _checked(image)
    if image.size == 0:
        return None
    measured = measured_pixels(image)
    values = _standardised(image, measured)
    if values is None:
        return None
    if measured is not None:
        values = mirrored(values, measured)
    return Normalised(values, measured)


def normalise_slice(image: NDArray[Any]) -> Image | None:
    """Return ``normalise(image).values``, or None where nothing can be seen."""
    found = normalise(image)
    return None if found is None else found.values


def standardise(image: NDArray[Any]) -> Image | None:
    """Return (x − mean) / SD of an image (y, x) that has no fill, such as a crop; None without contrast."""
    image = _checked(image)
    return _standardised(image, None) if image.size else None


def mirrored(values: Image, measured: Mask) -> Image:
    """Return an image (y, x) with what was not measured replaced by the mirror image of what was.

    Each pixel is reflected at the nearest measured one; where that leads out of what was measured, it takes
    the nearest one's value.
    """
    if not measured.any():
        return values
    filled = values.copy()
    pixels, sources = _mirror(measured.shape, np.packbits(measured).tobytes())
    filled.ravel()[pixels] = values.ravel()[sources]
    return filled


@lru_cache(maxsize=2)  # neighbouring slices have the same fill
def _mirror(shape: tuple[int, int], packed: bytes) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which pixels (flat indices) of a slice were not measured, and the pixels that they mirror."""
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=shape[0] * shape[1])
    measured = bits.astype(bool).reshape(shape)
    y, x = np.nonzero(~measured)
    nearest = ndimage.distance_transform_edt(~measured, return_distances=False, return_indices=True)
    near_y, near_x = nearest[0][y, x], nearest[1][y, x]
    far_y, far_x = 2 * near_y - y, 2 * near_x - x
    inside = (far_y >= 0) & (far_y < shape[0]) & (far_x >= 0) & (far_x < shape[1])
    inside[inside] = measured[far_y[inside], far_x[inside]]
    sources = np.where(inside, far_y, near_y) * shape[1] + np.where(inside, far_x, near_x)
    return y * shape[1] + x, sources


def _checked(image: NDArray[Any]) -> NDArray[Any]:
    image = np.asarray(image)
    if image.dtype.kind not in "biuf":
        raise TypeError(f"a slice of real numbers is needed, not of {image.dtype}")
    return image


def _standardised(image: NDArray[Any], measured: Mask | None) -> Image | None:
    values = image.astype(np.float64)
    good = np.isfinite(values) if image.dtype.kind == "f" else None
    if measured is not None:
        good = measured if good is None else good & measured
    if good is not None and good.all():
        good = None
    seen = values if good is None else values[good]
    if seen.size == 0:
        return None
    peak = max(abs(float(seen.min())), abs(float(seen.max())))
    if peak == 0:
        return None
    scale = peak if not 1e-100 < peak < 1e100 else 1.0  # where squares would leave the range of float64
    if scale != 1.0:
        seen, values = seen / scale, values / scale
    low, high = _range(seen)
    kept = seen if seen.min() >= low and seen.max() <= high else seen[(seen >= low) & (seen <= high)]
    least, most = float(kept.min()), float(kept.max())
    if most - least <= 4 * _rounding(image.dtype, max(abs(least), abs(most)) * scale) / scale:
        return None
    mean, deviation = kept.mean(), kept.std()
    if kept is not seen or good is not None:
        values = _bridged(values, good, measured, low, high)
    values -= mean
    values /= deviation
    return values.astype(np.float32)


def _range(seen: NDArray[np.float64]) -> tuple[float, float]:
    """Return the range outside of which a value is an outlier."""
    flat = seen.ravel()
    low, high = np.percentile(flat[:: max(1, flat.size // _SAMPLE) | 1], _PERCENTILES)
    reach = REACH * (high - low)
    if not reach > 0:  # nearly all the same: the few others are what there is to be seen
        return -np.inf, np.inf
    return float(low - reach), float(high + reach)


def _bridged(
    values: NDArray[np.float64], good: Mask | None, measured: Mask | None, low: float, high: float
) -> NDArray[np.float64]:
    """Give single bad pixels the median of their neighbours, and cut off other outliers."""
    bad = ~((values >= low) & (values <= high))  # so that NaN is bad
    usable = ~bad if good is None else ~bad & good
    bridged = np.nan_to_num(np.clip(values, low, high), nan=float(np.median(values[usable])))
    if measured is not None:
        bad &= measured
    y, x = np.nonzero(bad & ~large_parts(bad))
    if not y.size:
        return bridged
    half = _WINDOW_PX // 2
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(np.where(usable, values, np.nan), half, constant_values=np.nan), (_WINDOW_PX, _WINDOW_PX)
    )
    around = windows[y, x].reshape(len(y), _WINDOW_PX**2)
    known = np.isfinite(around).any(axis=1)
    bridged[y[known], x[known]] = np.nanmedian(around[known], axis=1)
    return bridged


def _rounding(dtype: np.dtype[Any], peak: float) -> float:
    """Distance between neighbouring numbers at ``peak``; integers do not round."""
    if dtype.kind != "f":
        return 0.0
    return float(np.spacing(dtype.type(peak))) if dtype.itemsize < 8 else float(np.spacing(peak))
