"""Bodies that lie over each other and were linked: where their sections narrow to a neck, they are two.

Membranes that lie in the slice are not seen, so that the top of one body goes over into the bottom of the
next one. The sections of one body grow and shrink once::

       ╭────╮      area
      │  1   │     ──────╮
       ╲    ╱          ╭─╯   neck: less than ``_NARROW`` of what is below, and of what is above
       ╱    ╲          ╰──╮
      │  2   │     ───────╯
       ╰────╯

An inner membrane that divides the section of a mitochondrion narrows it, too, but from one slice to the next.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.bodies.tracks import Tracks

#: A neck is narrower than that part of the lesser one of the widest sections on both sides.
_NARROW = 0.6
#: On both sides of it lie so many slices at least.
_SLICES = 5
#: An inner membrane takes away, on both sides, more than that part of the width from one slice to the next.
_ABRUPT = 0.75


def divide_at_necks(tracks: Tracks, which: NDArray[np.bool_]) -> Tracks:
    """Return the tracks, some of them divided where they narrow to a neck.

    Parameters
    ----------
    tracks
        As they were linked.
    which
        Of each, whether it may be divided.
    """
    slices = np.repeat(np.arange(len(tracks.first) - 1), np.diff(tracks.first))
    of_region, count = tracks.of_region.copy(), tracks.count
    order = np.argsort(of_region, kind="stable")
    bounds = np.searchsorted(of_region[order], np.arange(tracks.count + 1))
    for track in np.flatnonzero(which & (tracks.end - tracks.begin > 2 * _SLICES)).tolist():
        regions = order[bounds[track] : bounds[track + 1]]
        z = slices[regions] - tracks.begin[track]
        area = np.asarray(np.bincount(z, tracks.table["area"][regions]), np.float64)
        known = np.flatnonzero(area)  # an outline may be missing in a slice
        for cut in sorted(necks(area[known])):
            of_region[regions[z >= known[cut]]] = count
            count += 1
    return tracks.regrouped(of_region, count) if count > tracks.count else tracks


def necks(area: NDArray[np.float64]) -> list[int]:
    """Return the places in the areas of sections, slice after slice, at which they narrow to a neck."""
    if len(area) <= 2 * _SLICES:
        return []
    before, behind = np.maximum.accumulate(area), np.maximum.accumulate(area[::-1])[::-1]
    share = area / np.minimum(before, behind)
    inner = np.arange(_SLICES, len(area) - _SLICES)
    neck = int(inner[share[inner].argmin()])
    if share[neck] > _NARROW or area[neck] > min(area[neck - 1], area[neck + 1]):
        return []
    below, above = int(area[: neck + 1].argmax()), neck + int(area[neck:].argmax())
    width = np.sqrt(area)
    if min(_abrupt(width[below : neck + 1]), _abrupt(width[neck : above + 1])) > _ABRUPT:
        return []
    return [*necks(area[:neck]), neck, *(neck + more for more in necks(area[neck:]))]


def _abrupt(width: NDArray[np.float64]) -> float:
    """Return the largest step by the whole way."""
    steps = np.abs(np.diff(width))
    return float(steps.max() / max(1e-9, abs(width[-1] - width[0]))) if len(steps) else 1.0
