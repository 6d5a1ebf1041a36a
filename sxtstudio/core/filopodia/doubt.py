"""Whether a tube may be no filopodium, or not the one that was clicked.

What tells wrong proposals from right ones in simulated cells: sides that lie on no edge, grey values that
change along the axis (it runs into the cell or into a neighbour), a width that changes, and that it is short.
"""

from __future__ import annotations

import numpy as np

from sxtstudio.core.filopodia.grey import INSIDE_PX, Grey
from sxtstudio.core.filopodia.sampling import Array
from sxtstudio.core.filopodia.surface import Surface

#: Weights of a logistic regression on clicks in the cells 15, 31, 33, 34 and 36 of bench/filopodia.py: per
#: share of the sides, per unevenness, and for the logarithms of length by radius and of widest by narrowest.
_SIDES, _UNEVEN, _LENGTH, _WIDTHS, _BIAS = 10.2, -2.4, 0.64, -1.94, -9.22
#: It is doubtful below these sums, of one click and of more: so are about four of five wrong ones, and a
#: third of the right ones after one click, one in seven after two.
_LEAST, _LEAST_OF_MORE = 0.32, -0.6
#: Sides are rays that run nearly in the slices.
_SIDE = 0.5
_OUTSIDE_PX = 2.5
#: Its widths are those at which so many percent of its length, without its ends, are narrower and wider.
_NARROWEST, _WIDEST = 5, 95
#: Filopodia are nearly straight: they turn by less than this many degrees over two widths, and are no longer
#: than so many times the straight line between their ends.
_TURN, _LONGER = 50.0, 1.15


def is_doubtful(grey: Grey, found: Surface, *, of_ends: bool) -> bool:
    """Return whether a tube (from its tip to its base) that was followed in a tomogram may be wrong.

    ``of_ends`` says that both of its ends were clicked.
    """
    radius = float(np.median(found.radii.mean(axis=1)))
    widths = found.side_radius()
    if len(found) > 4 * radius:
        widths = widths[int(radius) : len(found) - int(radius)]
    narrow, wide = np.percentile(widths, [_NARROWEST, _WIDEST])
    certain = (
        _BIAS
        + _SIDES * float(found.lateral.mean())
        + _UNEVEN * _unevenness(grey, found)
        + _LENGTH * np.log(len(found) / max(radius, 0.5))
        + _WIDTHS * np.log(wide / max(narrow, 0.1))
    )
    return bool(certain < (_LEAST_OF_MORE if of_ends else _LEAST))


def is_unlike_one(found: Surface) -> bool:
    """Return whether a tube bends sharply, or is much longer than the line between its ends."""
    chord = max(4, round(2 * float(np.median(found.radii.mean(axis=1)))))
    straight = float(np.linalg.norm(found.points[-1] - found.points[0]))
    if len(found) > 2 * chord and (len(found) - 1) > _LONGER * straight:
        return True
    return _sharpest(found.points, chord) > _TURN


def _sharpest(points: Array, chord: int) -> float:
    """Return the largest turn of an axis (n, 3), degrees, from one piece of so many points to the next."""
    if len(points) <= 2 * chord:
        return 0.0
    steps = points[chord:] - points[:-chord]
    steps = steps / np.maximum(np.linalg.norm(steps, axis=1, keepdims=True), 1e-9)
    cosine = np.clip((steps[chord:] * steps[:-chord]).sum(axis=1), -1, 1)
    return float(np.degrees(np.arccos(cosine.min())))


def _unevenness(grey: Grey, found: Surface) -> float:
    """Return how much absorption varies along the axis, by how much it drops across the surface."""
    rays = found.rays()
    sides = np.abs(rays[..., 0]) < _SIDE

    def across(offset: float) -> Array:
        away = np.maximum(found.radii + offset, 0)[..., None]
        return grey.at(found.points[:, None] + rays * away)[sides]

    drop = across(-INSIDE_PX) - across(_OUTSIDE_PX)
    axis = grey.at(found.points)
    if not np.isfinite(drop).any() or not np.isfinite(axis).any():
        return 1.0
    return float(np.nanstd(axis)) / max(float(np.nanmean(drop)), 0.05)
