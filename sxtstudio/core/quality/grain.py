"""The grain of slices, and how far structures stand out from it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.measured import Mask

Image = NDArray[np.float32]

#: What is wider than this (standard deviation of a Gaussian, px) is structure, not grain,
FINE_PX = 3.0
#: and what is wider than this is neither, but shading. A multiple of the bin in which it is looked for.
COARSE_PX, _BIN = 20.0, 8
#: Edge of the places of which each has its grain, and which share of them is the quietest.
_PLACE_PX, _QUIET = 24, 20.0
#: Robust standard deviation: from the 5th to the 95th percentile of a Gaussian are 3.29 of them.
_PERCENTILES, _SPAN = (5, 95), 3.2897
_MOST_VALUES = 40_000


@dataclass
class Grain:
    """The grain of the slices that were added, and the spread of their grey values without shading."""

    _places: list[NDArray[np.float64]] = field(default_factory=list)
    _spreads: list[float] = field(default_factory=list)

    def add(self, image: NDArray[Any], measured: Mask | None) -> None:
        """Add a slice (y, x); None: all of it was measured."""
        values = image.astype(np.float32)
        known = np.isfinite(values)
        if measured is not None:
            known &= measured
        if not known.any():
            return
        whole = bool(known.all())
        if not whole:
            values = np.where(known, values, np.float32(np.median(values[known])))
        fine = values - ndimage.gaussian_filter(values, FINE_PX, truncate=3)
        self._places.append(_deviations(fine, None if whole else known))
        flat = (values - _background(values)).ravel()
        flat = flat if whole else flat[known.ravel()]
        low, high = np.percentile(flat[:: max(1, flat.size // _MOST_VALUES) | 1], _PERCENTILES)
        self._spreads.append(float(high - low) / _SPAN)

    @property
    def noise(self) -> float | None:
        """Standard deviation of the grain, in grey values; None where there is no place for it.

        In each place of 24 × 24 px that of the slice without what is wider than σ = 3 px, made up for what a
        Gaussian of that width takes from white noise; of all places the 20th percentile, because structures
        only add to it.
        """
        places = np.concatenate([np.empty(0, np.float64), *self._places])
        if not places.size:
            return None
        return float(np.percentile(places, _QUIET)) / _white_share()

    @property
    def contrast(self) -> float | None:
        """√(S² − N²) / N: S the robust spread of slices without shading, N the grain; None without grain."""
        noise = self.noise
        if not noise:
            return None
        spread = float(np.median(self._spreads))
        return math.sqrt(max(0.0, spread**2 - noise**2)) / noise


def _deviations(fine: Image, known: Mask | None) -> NDArray[np.float64]:
    """Return the standard deviation in each place that was measured as a whole."""
    rows, columns = (n // _PLACE_PX for n in fine.shape)

    def places(image: NDArray[Any]) -> NDArray[Any]:
        cut = image[: rows * _PLACE_PX, : columns * _PLACE_PX]
        return cut.reshape(rows, _PLACE_PX, columns, _PLACE_PX)

    deviations: NDArray[np.float64] = places(fine).std(axis=(1, 3), dtype=np.float64).ravel()
    return deviations if known is None else deviations[places(known).all(axis=(1, 3)).ravel()]


def _background(values: Image) -> Image:
    """Return the slow shading of a slice, from means of 8 × 8 px."""
    height, width = values.shape
    rows, columns = np.arange(0, height, _BIN), np.arange(0, width, _BIN)
    sums = np.add.reduceat(np.add.reduceat(values, rows, axis=0), columns, axis=1)
    pixels = np.outer(np.diff(rows, append=height), np.diff(columns, append=width)).astype(np.float32)
    smooth = ndimage.gaussian_filter(sums / pixels, COARSE_PX / _BIN, truncate=3)
    background: Image = np.repeat(np.repeat(smooth, _BIN, axis=0), _BIN, axis=1)[:height, :width]
    return background


@cache
def _white_share() -> float:
    """Return the share of the standard deviation of white noise that is finer than ``FINE_PX``."""
    size = 2 * math.ceil(4 * FINE_PX) + 1
    point = np.zeros((size, size))
    point[size // 2, size // 2] = 1
    return float(np.linalg.norm(point - ndimage.gaussian_filter(point, FINE_PX, truncate=3)))
