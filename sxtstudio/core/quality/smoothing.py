"""Whether a tomogram was smoothed after its reconstruction, so that its grain is gone.

Contrast, noise and resolution compare what is seen with the grain. Where a filter has taken that away, they
would praise the filter. A reconstruction has grain up to the finest frequencies: on real images and phantoms
of three simulators the power falls by a factor of 110 at most over 0.1 1/px, wherever that is. Behind a
Gaussian it falls as exp(−4 π² σ² k²), by more than 150 from σ = 1.5 px on. In a file of whole numbers it
falls no lower than the rounding, a white noise of the variance 1/12: power that lies there is no grain
either.

A median filter hardly changes the spectrum, but it gives neighbours the very same value: the middle one of
3 × 3 pixels is often that of the next 3 × 3 as well (Kirchner and Fridrich, Proc SPIE 7541:754110, 2010). In
steps of grey neighbours are equal by chance, too, as often as the numbers of those that differ by 1 and by 2
steps let expect. Of 22 real images at most 6 % of the neighbours are equal beyond that; behind a median of
3 × 3 pixels 8 to 17 % are. Where the grain is hardly more than a step of grey nearly all that a median does
could be chance, so it is not told.

Filters that keep edges (non-local means, total variation, bilateral) leave none of these traces. What they do
leave, a finest grain that is stronger at structures, one of 22 real images has without them: it is no sign.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.measured import Mask
from sxtstudio.core.quality.spectra import Plane, ring_numbers, taper_power, tile_px, tile_spectra

#: Bands of frequencies, 1/px, and over how many of them a fall is looked for: over 0.1 1/px.
_BANDS, _OVER = np.arange(0.1, 0.501, 0.05), 2
#: Power of rounding to steps of 1, and up to how many times that it counts as nothing else.
_ROUNDING, _NEAR = 1 / 12, 1.5
_FINEST = 0.4
#: How far differences of grey values may be off a multiple of their step, which float32 rounds, and how many
#: may be farther: those around a fill.
_OFF_STEP, _FEW_OFF = 0.1, 0.05
#: Black, white and so many grey values between them tell what is chance.
_FEWEST_LEVELS = 5


class Repeats:
    """How often neighbours have the very same value, counted in slices as they come.

    Grey values are counted as the first, the second … that a slice holds, so that it does not matter whether
    they are 0 to 255, shares of 1 with three decimals, or behind a look-up table. Where nearly every pixel
    has a value of its own, hardly any neighbours are next to each other in that order, and chance is none.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._pairs = np.zeros(2, np.int64)  # along y and x
        self._apart = np.zeros((2, 3), np.int64)  # of these those that differ by 0, 1 and 2 steps

    def add(self, image: NDArray[Any], measured: Mask | None) -> None:
        """Add a slice (y, x); None: all of it was measured."""
        known = np.isfinite(image) if measured is None else np.isfinite(image) & measured
        levels, order = np.unique(image[known], return_inverse=True)
        if len(levels) < _FEWEST_LEVELS:
            return
        numbers = np.zeros(image.shape, np.int64)
        numbers[known] = order
        # What was cut off at black and white is equal for another reason.
        inner = known & (numbers > 0) & (numbers < len(levels) - 1)
        for axis in range(2):
            both = (numbers, inner) if axis == 0 else (numbers.T, inner.T)
            pair = both[1][1:] & both[1][:-1]
            steps = np.abs(both[0][1:] - both[0][:-1])[pair]
            self._pairs[axis] += steps.size
            self._apart[axis] += [np.count_nonzero(steps == number) for number in range(3)]

    @property
    def share(self) -> float | None:
        """Share of neighbours that are equal beyond chance, along y or x, whichever is less; None without.

        Without chance as many differ by 0 as the shares p₁ and p₂ of those that differ by +1 and by +2 let
        expect: at most p₁ · max(1, p₁ / p₂), which is so where differences fall off exponentially, and more
        than where they do as a Gaussian.
        """
        if not self._pairs.all():
            return None
        found = []
        for pairs, apart in zip(self._pairs.tolist(), self._apart.tolist(), strict=True):
            equal, one, two = apart[0], apart[1] / 2, max(1, apart[2]) / 2
            found.append((equal - one * max(1.0, one / two)) / pairs)
        return max(0.0, min(found))


def grey_step(image: NDArray[Any]) -> float:
    """Return the step between the grey values of a slice: that of a file of 8 bit / 255 is 1 / 255.

    Returns
    -------
    float
        The usual difference of a grey value from the next, or the least, whichever nearly all differences are
        multiples of; 0 without.
    """
    levels = np.unique(image[np.isfinite(image)]).astype(np.float64)
    gaps = np.diff(levels)
    if not len(gaps):
        return 0.0
    for step in (float(np.median(gaps)), float(np.median(gaps[gaps < 1.5 * gaps.min()]))):
        off = np.abs(gaps / step - np.rint(gaps / step)) > _OFF_STEP
        if np.count_nonzero(off) <= _FEW_OFF * len(gaps):
            return step
    return 0.0


class Fineness:
    """The power of slices at each frequency, summed as they come."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        """Begin with nothing; ``shape`` is that of the tomogram (z, y, x)."""
        self._edge = tile_px(shape)
        self._power: Plane | None = None
        self._tiles = 0
        self._steps: list[float] = []

    def add(self, image: NDArray[Any], measured: Mask | None) -> None:
        """Add a slice (y, x); None: all of it was measured."""
        if self._edge is None:
            return
        spectra = tile_spectra(image, measured, self._edge)
        spectra = spectra[spectra[:, 0, 1] != 0]
        if not len(spectra):
            return
        power = (np.abs(spectra).astype(np.float64) ** 2).sum(axis=0)
        self._power = power if self._power is None else self._power + power
        self._tiles += len(spectra)
        self._steps.append(grey_step(image))

    @property
    def fall(self) -> float | None:
        """By how many powers of ten the power falls over 0.1 1/px where it does most; None without tiles."""
        if self._power is None or self._edge is None:
            return None
        bands = [self._mean(low, high) for low, high in pairwise(_BANDS.tolist())]
        pairs = zip(bands, bands[_OVER:], strict=False)
        return max((math.log10(near / far) for near, far in pairs if near > 0 and far > 0), default=None)

    @property
    def rounded(self) -> bool:
        """Whether nothing but rounding to steps of grey is left at the finest frequencies."""
        if self._power is None or self._edge is None:
            return False
        rounding = _ROUNDING * float(np.mean(np.square(self._steps)))
        return self._mean(_FINEST, 0.5) < _NEAR * rounding * taper_power(self._edge)

    def _mean(self, low: float, high: float) -> float:
        assert self._power is not None and self._edge is not None
        frequency = ring_numbers(self._edge) / self._edge
        return float(self._power[(frequency >= low) & (frequency < high)].mean()) / self._tiles
