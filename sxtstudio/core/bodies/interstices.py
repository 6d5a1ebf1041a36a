"""Spaces between bodies: the outer sides of several neighbours bulge into them.

::

        ╲   1   ╱         a body is convex, bent to one side (a banana: one pocket),
         ╲_____╱          or to both (two); a space between three bodies and more
      ╲           ╱       has a pocket for each of them
     3 │         │ 2
      ╱           ╲

A pocket is a part of the convex hull of the region that is not in it. Membranes that end within a body, as
cristae do, cut slits into it, no pockets: what is as narrow as an outline is closed before. A mitochondrion
that forks has three pockets, too, but its arms are about as wide as its middle; those of a space taper.
"""

from __future__ import annotations

import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.bodies.holes import without_holes
from sxtstudio.core.bodies.hull import hull_of

#: The least radius of the largest circle in a space, by half the width of outlines: the shape of smaller ones
#: is that of the rims of outlines. Larger ones, by the slice, are no bodies anyway; what is closed gets more
#: solid, but by less than this.
LEAST_RADIUS, LARGEST, MOST_SOLID = 2.5, 0.1, 0.88
#: A pocket takes so much, by the area of the region; there are so many of them, and all together they leave
#: less than that part of the hull.
_POCKET, _POCKETS, _LEFT = 0.015, 3, 0.78
#: Slits are closed that are so much wider than an outline, px to each side.
_WIDER_PX = 1.5
#: Circles of that part of the largest one's radius fill so much of a body.
_CIRCLE, _FILLED = 0.6, 0.9


def is_interstice(own: NDArray[np.bool_], half_px: float) -> bool:
    """Whether a region (y, x) has the shape of a space between bodies.

    Parameters
    ----------
    own
        The region, in its box.
    half_px
        Half the usual width of an outline.
    """
    closed = _closed(own, half_px + _WIDER_PX)
    hull = hull_of(closed)
    area = int(closed.sum())
    if area >= _LEFT * hull.sum():
        return False
    numbers, _ = ndimage.label(hull & ~closed)
    pockets = np.bincount(numbers.ravel())[1:]
    return bool((pockets >= _POCKET * area).sum() >= _POCKETS) and _tapers(closed)


def _tapers(own: NDArray[np.bool_]) -> bool:
    """Whether arms of a region, which has a margin, are narrower than its widest place."""
    depth = edt.edt(own, black_border=False)
    radius = _CIRCLE * float(depth.max())
    filled = own & (edt.edt(depth < radius, black_border=False) < radius)
    return bool(filled.sum() < _FILLED * own.sum())


def _closed(own: NDArray[np.bool_], reach: float) -> NDArray[np.bool_]:
    """Return a region with slits and holes closed, in a box with a margin."""
    wide = np.pad(own, int(reach) + 2)
    near = edt.edt(~wide, black_border=False) <= reach
    return without_holes(wide | (edt.edt(near, black_border=False) > reach))
