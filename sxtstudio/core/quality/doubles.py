"""Whether everything is there twice, because a part of the tilt series was aligned to another place.

Only gold shows it yet. What the tilts of one part show and what those of the other show lie in different
parts of Fourier space, so the two pictures do not interfere, and the spectrum or autocorrelation of slices
hardly shows the second picture of membranes (tried on phantoms: peaks no higher than by chance; what promises
more is in ``python -m bench.doubles``). But a bead stands out in both. So beads are looked at in the slices
in which they are largest: where the pictures lie closer than a bead is wide, all beads are stretched in the
same direction; where farther, each has a partner at the same distance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sxtstudio.core.quality.beads import BeadSection

#: Fewer beads than these prove nothing: two may lie side by side.
LEAST_BEADS = 3
#: A partner is looked for up to so far away, px; nearer than this to the others' it is the same distance.
_FARTHEST_PX, _SAME_PX = 48.0, 2.5
#: So many of the beads must have one.
_MOST_HAVE = 0.6
#: A single bead is stretched by up to this share of its diameter, by streaks and by pixels,
_OWN_SHARE, _OWN_PX = 0.5, 3.0
#: and beads that lie side by side in all directions, and by lengths that differ by more than this share.
_ALIKE = 0.4


def displacement(beads: Sequence[BeadSection], sections: Sequence[BeadSection]) -> float | None:
    """Return how far a second picture lies from the first, px; 0 where there is none.

    Parameters
    ----------
    beads
        Each in the slice in which it is largest.
    sections
        All sections of beads.

    Returns
    -------
    float or None
        None where there are too few beads to tell.
    """
    if len(beads) < LEAST_BEADS:
        return None
    return _of_partners(beads, sections) or _of_stretch(beads)


def _of_partners(largest: Sequence[BeadSection], sections: Sequence[BeadSection]) -> float:
    """Return the distance at which most beads have a partner; 0 if there is none."""
    ways = [
        [
            (other.y - bead.y, other.x - bead.x)
            for other in sections
            if other.z == bead.z
            and other is not bead
            and math.hypot(other.y - bead.y, other.x - bead.x) <= _FARTHEST_PX
        ]
        for bead in largest
    ]
    best, distance = 0, 0.0
    for dy, dx in {way for found in ways for way in found}:
        near = [
            min(
                (
                    (math.hypot(y - sign * dy, x - sign * dx), math.hypot(y, x))
                    for y, x in found
                    for sign in (1, -1)
                ),
                default=(math.inf, 0.0),
            )
            for found in ways
        ]
        same = [length for far, length in near if far <= _SAME_PX]
        if len(same) > best:
            best, distance = len(same), float(np.mean(same))
    enough = best >= max(LEAST_BEADS, _MOST_HAVE * len(largest))
    return distance if enough else 0.0


def _of_stretch(largest: Sequence[BeadSection]) -> float:
    """Return by how much most beads are stretched in the same direction; 0 if they are round."""
    stretches = np.array([section.stretch for section in largest])
    middle = np.median(stretches, axis=0)
    length = float(np.hypot(*middle))
    alike = np.hypot(*(stretches - middle).T) <= _ALIKE * length
    # Of two discs that overlap, as wide as one.
    stretched = math.sqrt(length)
    width = float(np.median([section.diameter for section in largest]))
    own = max(_OWN_PX, _OWN_SHARE * math.sqrt(max(0.0, width**2 - stretched * width)))
    return stretched if stretched > own and alike.mean() >= _MOST_HAVE else 0.0
