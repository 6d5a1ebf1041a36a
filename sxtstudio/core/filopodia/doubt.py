"""Whether a tube may be no filopodium, not the one that was clicked, or several.

What tells wrong proposals from right ones in simulated cells. After one click: an edge that is unclear at
some places, grey values that change along the axis (it runs into the cell or into a neighbour), another width
that fits as well, and that something else is found from places beside the click. How much its width varies
says nothing there. After both ends were clicked: sides that lie on no edge, uneven grey values and widths.
"""

from __future__ import annotations

import numpy as np

from sxtstudio.core.filopodia.grey import INSIDE_PX, Grey
from sxtstudio.core.filopodia.sampling import Array
from sxtstudio.core.filopodia.surface import TubeSurface
from sxtstudio.core.filopodia.tube import TubeFit
from sxtstudio.core.filopodia.widths import Widths, widths_along

#: Weights of a logistic regression on 81 single clicks in the cells 11 to 16, 31, 33 and 34 of
#: bench/filopodia.py: per unevenness, for the fit beyond that of any other width, for the fit where it is
#: poor, and if the same is found from beside. Below this sum it is doubtful, as six of seven wrong ones
#: are, and a quarter of the right ones.
_UNEVEN, _CLEARER, _POOREST, _AGREES, _BIAS, _LEAST = -1.36, 2.16, 4.61, 1.38, -1.79, -0.1
#: The same of two ends in the cells 15, 31, 33, 34 and 36: per share of the sides, per unevenness, and for
#: the logarithms of length by radius and of widest by narrowest; so are three of four wrong ones, and a
#: quarter of the right ones.
_SIDES_2, _UNEVEN_2, _LENGTH_2, _WIDTHS_2, _BIAS_2, _LEAST_2 = 10.2, -2.4, 0.64, -1.94, -9.22, -0.6
#: The fit is poor at this percentage of its places, looked at so far along it, px.
_POOR, _PIECE = 10, np.array([-3.0, 0.0, 3.0])
#: Widths are tried at every n-th point of its axis; another one differs by so many times.
_EVERY, _OTHER = 4, 1.45
#: A narrower tube of which there is a trace within it may be one of a tuft; and so may be all that is wider
#: than this share of the widest (288 nm; filopodia are some 130 to 200 nm wide in the paper).
_TRACE, _WIDE = 0.05, 0.72
#: Sides are rays that run nearly in the slices.
_SIDE = 0.5
_OUTSIDE_PX = 2.5
#: Its widths are those at which so many percent of its length, without its ends, are narrower and wider.
_NARROWEST, _WIDEST = 5, 95
#: Filopodia are nearly straight: they turn by less than this many degrees over two widths, and are no longer
#: than so many times the straight line between their ends.
_TURN, _LONGER = 50.0, 1.15


def is_doubtful(
    fit: TubeFit, grey: Grey, found: TubeSurface, widest: float, *, agrees: bool, of_ends: bool
) -> bool:
    """Return whether a tube (from its tip to its base) that was followed in a tomogram may be wrong.

    Parameters
    ----------
    widest
        Of the radii that were looked for, px, outlines on both sides included.
    agrees
        Whether it is found from the places beside the click, too.
    of_ends
        Whether both of its ends were clicked.
    """
    radius = float(np.median(found.radii.mean(axis=1)))
    widths = widths_along(fit, found.points[:: _EVERY if len(found) > 2 * _EVERY else 2], widest)
    if radius > _WIDE * (widest - 2 * fit.half_wall) or _may_be_several(widths, radius):
        return True
    uneven = _unevenness(grey, found)
    if of_ends:
        length = float(np.log(len(found) / max(radius, 0.5)))
        sides = _SIDES_2 * float(found.lateral.mean())
        varies = _WIDTHS_2 * _variation(found, radius)
        return _BIAS_2 + sides + _UNEVEN_2 * uneven + _LENGTH_2 * length + varies < _LEAST_2
    certain = _BIAS + _UNEVEN * uneven + _CLEARER * _clearer(widths, radius)
    return certain + _POOREST * _poorest(fit, found) + _AGREES * agrees < _LEAST


def _may_be_several(widths: Widths, radius: float) -> bool:
    """Whether there is a trace of a narrower tube, as where one of a tuft was clicked and all of it taken."""
    means, (tops, _) = widths.means(), widths.peaks()
    return any(
        widths.radii[top] < radius / _OTHER and not widths.is_line(top) and means[top] > _TRACE
        for top in tops
    )


def _clearer(widths: Widths, radius: float) -> float:
    """Return how much better its width fits than any other one."""
    means, away = widths.means(), np.abs(np.log(widths.radii / radius))
    nearest = int(away.argmin())
    own = float(means[max(0, nearest - 1) : nearest + 2].max())
    return own - float(means[away > np.log(_OTHER)].max(initial=0.0))


def _poorest(fit: TubeFit, found: TubeSurface) -> float:
    """Return how well it fits where it does so least."""
    every = slice(None, None, 2)
    radii = found.radii[every].mean(axis=1)
    return float(
        np.percentile(fit.score(found.points[every], found.along[every], radii, _PIECE).total, _POOR)
    )


def _variation(found: TubeSurface, radius: float) -> float:
    """Return the logarithm of its widest by its narrowest radius, without its ends."""
    widths = found.side_radius()
    if len(found) > 4 * radius:
        widths = widths[int(radius) : len(found) - int(radius)]
    narrow, wide = np.percentile(widths, [_NARROWEST, _WIDEST])
    return float(np.log(wide / max(narrow, 0.1)))


def is_unlike_one(found: TubeSurface) -> bool:
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


def _unevenness(grey: Grey, found: TubeSurface) -> float:
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
