"""The resolution within the slices of a tomogram, from two half reconstructions or from one alone.

Two halves, each from half of the projections or half of the exposures, have their noise to themselves:
their Fourier ring correlation falls below 1/7 where the correlation of the whole with the specimen falls
below one half (Rosenthal and Henderson, J Mol Biol 333:721, 2003).

From one reconstruction there is no such thing. Splitting its pixels like a checkerboard (Koho et al., Nature
Communications 10:3103, 2019) needs noise that differs from pixel to pixel; that of a reconstruction is
blurred by its filters, and on phantoms the split said twice the resolution, or no end of it. What does differ
is the noise of *neighbouring slices*, but only along one axis: a projection's noise is smeared along its ray,
so that the components along the tilt axis are alike in many slices, while at the frequency k across it the
noise of a slice is gone 1/(2 k tan θ) further on (θ: the largest tilt, some 60°). So slices d apart are
compared in the half of Fourier space across the tilt axis, with the smallest d for which k·d is above 0.25
where the correlation falls below 1/7, and which leaves no plateau of noise. Structures differ as well from
slice to slice, the more the further they are apart: nearer slices say too good a figure, farther ones too bad
a one, and what is given is where the mean of two curves falls below: of the nearest that will do and the
next.
On 22 phantoms with random microscopes the figure was within a quarter of that of two halves in 17, little
more than a quarter too coarse in three, twice as coarse in one, a third too fine in one; with another
simulator, by which nothing was chosen, in 21 of 26 (``python -m bench.quality``). There the nearest curve
alone, which does better on those 22, says too good a figure more often, down to half of the true one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sxtstudio.core.quality.record import CurveSource, ResolutionCurve
from sxtstudio.core.quality.spectra import CrossPower, Plane, first_crossing, frequencies, smoothed

#: What the correlation of two halves must stay above.
LIMIT = 1 / 7
#: Neighbours that are compared are so many pixels (of a slice) apart along z.
DISTANCES_PX = (2, 3, 4, 5, 6)
#: Times the resolution: how far apart slices are whose noise differs where the signal ends.
_APART = 0.25
#: From one distance to the next nearer the resolution gets better by less than this; more than that is noise
#: that both slices share.
_MOST_GAIN = 0.35
_LOW, _HIGH = 0.05, 0.2  # 1/px; where the two directions are compared


@dataclass(frozen=True)
class _Candidate:
    distance_px: float
    frequency: Plane
    correlation: Plane
    resolution_px: float


def of_halves(power: CrossPower) -> ResolutionCurve:
    """Return the curve of two half reconstructions, slice by slice."""
    frequency, correlation = power.correlation()
    correlation = smoothed(correlation)
    crossing = first_crossing(frequency, correlation, LIMIT)
    return ResolutionCurve(
        CurveSource.HALVES,
        tuple(float(f) for f in frequency),
        tuple(round(float(c), 5) for c in correlation),
        LIMIT,
        None if crossing is None else 1 / crossing,
    )


def of_neighbours(powers: Mapping[float, CrossPower]) -> ResolutionCurve | None:
    """Return the curve of neighbouring slices of one reconstruction.

    Parameters
    ----------
    powers
        By the distance of the slices, in pixels of a slice.

    Returns
    -------
    ResolutionCurve or None
        None where there are no neighbours, or nothing in them.
    """
    found = [one for distance, power in sorted(powers.items()) if (one := _across(distance, power))]
    if not found:
        return None
    best = len(found) - 1
    while best > 0 and _is_next(found[best], found[best - 1]):
        best -= 1
    chosen, further = found[best], found[min(best + 1, len(found) - 1)]
    correlation = (chosen.correlation + further.correlation) / 2
    crossing = first_crossing(chosen.frequency, correlation, LIMIT)
    return ResolutionCurve(
        CurveSource.ONE_IMAGE,
        tuple(float(f) for f in chosen.frequency),
        tuple(round(float(c), 5) for c in correlation),
        LIMIT,
        None if crossing is None else 1 / crossing,
    )


def _is_next(candidate: _Candidate, nearer: _Candidate) -> bool:
    """Whether nearer slices still have noise of their own where their signal ends."""
    return (
        nearer.distance_px >= _APART * nearer.resolution_px
        and nearer.resolution_px >= (1 - _MOST_GAIN) * candidate.resolution_px
    )


def _across(distance: float, power: CrossPower) -> _Candidate | None:
    """Compare slices across the tilt axis, which is the direction in which they are less alike."""
    y, x = (np.abs(axis) for axis in frequencies(power.edge))
    curves = [power.correlation(x > y), power.correlation(y > x)]
    means = [float(c[(f > _LOW) & (f < _HIGH)].mean()) for f, c in curves]
    frequency, correlation = curves[int(np.argmin(means))]
    correlation = smoothed(correlation)
    crossing = first_crossing(frequency, correlation, LIMIT)
    if crossing is None or not correlation.any():
        return None
    return _Candidate(distance, frequency, correlation, 1 / crossing)
