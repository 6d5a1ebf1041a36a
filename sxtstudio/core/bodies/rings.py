"""Rings that lie flat: bodies with a hole through which one looks along the beam.

Their slices show two outlines, one in the other, as those of a body within another one do. Along the beam
they differ, as these cuts through both show::

       ring                               body in a body
     ╭────╮  hole  ╭────╮                ╭──────────────╮
     │    │  ╷  ╷  │    │               │    ╭──────╮    │
     ╰────╯        ╰────╯               │    ╰──────╯    │
                                         ╰──────────────╯
    the hole is as high as the ring,     what lies inside ends sooner,
    and widens to both ends              and narrows to both ends
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.bodies.tracks import FEATURES, Tracks

#: A ring lies in so many slices at least, and so much of its rim is outlined.
_SLICES, _WALLED = 5, 0.9
#: Its hole begins and ends no farther from where it does, in slices.
_APART = 1
#: At both ends its hole is so many times as large as where it is narrowest, and what its outer outline
#: encloses no more than that part of the largest.
_WIDER, _NARROWER = 1.15, 0.95


def flat_rings(tracks: Tracks) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the tracks that are rings, whole within the volume, and those that are their holes."""
    walled = tracks.features[:, FEATURES.index("walled")]
    whole = (tracks.begin > 0) & (tracks.end < len(tracks.first) - 1) & (tracks.sides == 0)
    maybe = whole & (tracks.children == 1) & ~tracks.solid & (walled >= _WALLED) & (tracks.slices >= _SLICES)
    rings, holes = [], []
    for inner, outer in tracks.inside.tolist():
        if not maybe[outer] or tracks.solid[inner] or tracks.slices[inner] < _SLICES:
            continue
        apart = (tracks.begin[inner] - tracks.begin[outer], tracks.end[inner] - tracks.end[outer])
        if max(map(abs, apart)) <= _APART and _is_ring(tracks, outer, inner):
            rings.append(outer)
            holes.append(inner)
    return np.array(rings, np.int64), np.array(holes, np.int64)


def _is_ring(tracks: Tracks, outer: int, inner: int) -> bool:
    """Whether the hole widens to both ends, where what is around it narrows."""
    table = tracks.table
    hole = table["area"][tracks.of_region == inner]
    around = (table["area"] * (1 + table["holes"]))[tracks.of_region == outer]
    ends = (slice(None, 2), slice(-2, None))
    widens = all(hole[end].mean() >= _WIDER * hole.min() for end in ends)
    return widens and all(around[end].mean() <= _NARROWER * around.max() for end in ends)
