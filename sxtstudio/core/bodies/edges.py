"""Where the outer edges of bodies lie in the tomogram: lines are drawn wider than membranes are.

The level of a tomogram across the outside of a body, averaged over its surface, falls from the membrane to
what surrounds it; half of the way is the edge, to a fraction of a pixel::

       free  │   line of the label   │ lumen
             │      ╭───╮            │
             │     ╱ ½   ╲           │       what is darker than a membrane (a droplet) ends where a
    ─────────┼───╯┊        ╲─────────┼──     membrane would
             │    edge               │

What is solid and small looks smaller than it is: blurred by a Gaussian of width s, the edge of a ball of
radius R is seen s²/R farther in, as an edge moves by s²/2 times the sum of its curvatures (first order; the
scheme of Merriman, Bence and Osher 1992). How steep the edges of solid bodies are in a tomogram gives s.
"""

from __future__ import annotations

import math

import edt
import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.bodies.ahead import worked_ahead
from sxtstudio.core.bodies.evidence import GreyLevels, grey_levels
from sxtstudio.core.bodies.nearest import nearest_of
from sxtstudio.core.bodies.walls import Numbers
from sxtstudio.core.geometry import Triple
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume
from sxtstudio.core.walk import walk

#: How far outside of a label, and inside, the level is measured, and in which steps, px.
_OUTSIDE, _INSIDE, _STEP = 4.0, 5.0, 0.5
#: From there on outwards a level is that of the surroundings; a membrane lies between the other two.
_AROUND, _MEMBRANE = -1.0, (0.5, 3.6)
#: A level is known from so many pixels; an edge if so many lie in the outer half of the line.
_LEAST, _LEAST_EDGE = 8, 40
#: What lies so deep in a solid body is as dark as it is, and no less than that part of its darkest.
_DEEP, _SOLID = 3.0, 0.8
#: An edge moves by no more than that part of the blur.
_MOST_MOVED = 0.5


def find_edges(
    outlines: NDArray[np.uint8],
    bodies: Numbers,
    image: Volume,
    hollow: NDArray[np.bool_],
    progress: Progress | None = None,
    *,
    z_step: float = 1.0,
    levels: GreyLevels | None = None,
) -> NDArray[np.float64]:
    """Return how far inside of its label the outer edge of each number lies, px; NaN where nobody knows.

    Parameters
    ----------
    outlines
        Labels (z, y, x), uint8, 0 is no membrane.
    bodies
        Number of the body at each voxel (z, y, x), uint32, with its membrane as it is drawn.
    image
        The tomogram (z, y, x), any unit and polarity.
    hollow
        Of every number, 0 included, whether it has a lumen: these show how dark membranes are.
    z_step
        Distance of two slices, px of a slice.
    levels
        As of ``grey_levels``, where they are known.
    """
    free, lines = levels or grey_levels(outlines, image)
    if lines == free or not hollow.any():
        return np.full(len(hollow), np.nan)
    steps = round((_OUTSIDE + _INSIDE) / _STEP)
    total, pixels = np.zeros(len(hollow) * steps), np.zeros(len(hollow) * steps)
    voxels = np.zeros(len(hollow))
    with worked_ahead(lambda z: _across(bodies[z], outlines[z] != 0), len(outlines)) as across:
        for box in walk(_shape(outlines), outlines, bodies, progress=progress, slices=1):
            grey = image.read(box)[0].astype(np.float64)
            grey[~np.isfinite(grey)] = free
            voxels += np.bincount(bodies[box.start[0]].ravel(), minlength=len(hollow))
            where, of, step = next(across)
            total += np.bincount(of * steps + step, grey[where], len(total))
            pixels += np.bincount(of * steps + step, minlength=len(total))
    level = (total / np.maximum(1, pixels) - free) / (lines - free)
    level[pixels < _LEAST] = np.nan
    level = level.reshape(-1, steps)
    result = _half_way(level, pixels.reshape(-1, steps), hollow)
    blur = _blur(level[~hollow & np.isfinite(result)])
    radius: NDArray[np.float64] = np.cbrt(3 * voxels * z_step / (4 * np.pi))
    moved = np.minimum(blur**2 / np.maximum(radius, 1.0), _MOST_MOVED * blur)
    result[~hollow] -= moved[~hollow]
    return result


def _across(
    bodies: Numbers, line: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """Return which pixels of a slice lie near the outside of a body, of which one, and at which step."""
    inside = bodies > 0
    free = ~(inside | line)
    if not (inside.any() and free.any()):
        return np.zeros(line.shape, np.bool_), np.empty(0, np.int64), np.empty(0, np.int64)
    signed = edt.edt(~free, black_border=False) - edt.edt(free, black_border=False)
    signed -= np.where(free, -0.5, 0.5)  # the edge lies between two pixels
    places, squares = nearest_of(inside)
    where = inside & (signed < _INSIDE)
    # What is nearer to the line of another body than to this one says nothing of it.
    outside = np.flatnonzero(free & (signed > -_OUTSIDE))
    away = np.sqrt(squares.ravel()[outside].astype(np.float64))
    where.ravel()[outside[away - 0.5 <= 0.01 - signed.ravel()[outside]]] = True
    step = np.floor((signed[where] + _OUTSIDE) / _STEP).astype(np.int64)
    return where, bodies.ravel()[places[where]].astype(np.int64), step


def _blur(level: NDArray[np.float64]) -> float:
    """Return the width of the Gaussian that makes edges as steep as those of solid bodies (n, steps), px."""
    middle = _middle(level.shape[1])
    widths = []
    for one in level:
        known = np.isfinite(one)
        around, deep = known & (middle < _AROUND), known & (middle > _DEEP)
        if not (around.any() and deep.any()):
            continue
        low, high = float(one[around].mean()), float(one[deep].mean())
        if high - low < _SOLID * (float(one[known].max()) - low):
            continue
        rising = np.interp(middle, middle[known], one[known])
        steepest = float((rising[2:] - rising[:-2]).max()) / (2 * _STEP)
        widths.append((high - low) / (math.sqrt(2 * math.pi) * steepest))
    return float(np.median(widths)) if widths else 0.0


def _middle(steps: int) -> NDArray[np.float64]:
    """Return how far inside of a label the middle of each step lies, px."""
    result: NDArray[np.float64] = np.asarray(-_OUTSIDE + _STEP * (np.arange(steps) + 0.5), np.float64)
    return result


def _half_way(
    level: NDArray[np.float64], pixels: NDArray[np.float64], hollow: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return where the level of each number (n, steps) is half that of a membrane and half that around."""
    middle = _middle(level.shape[1])
    known = np.isfinite(level)
    membrane = (middle > _MEMBRANE[0]) & (middle < _MEMBRANE[1])
    darkest = np.where(known & membrane, level, -np.inf).max(1)
    seen = darkest[hollow & np.isfinite(darkest)]
    usual = float(np.median(seen)) if len(seen) else np.nan
    result = np.full(len(level), np.nan)
    drawn = pixels[:, (middle > 0) & (middle < 1.5)].sum(1) >= _LEAST_EDGE
    for n in np.flatnonzero(drawn & np.isfinite(darkest)).tolist():
        at = np.flatnonzero(known[n])
        around = at[middle[at] < _AROUND]
        if not len(around):
            continue
        outside = np.average(level[n, around], weights=pixels[n, around])
        half = (outside + min(usual, darkest[n])) / 2
        top = np.flatnonzero(membrane & (level[n] == darkest[n]))[0]
        last = np.flatnonzero((level[n, at] <= half) & (at < top))
        if not len(last):
            continue
        low, high = at[last[-1]], at[last[-1] + 1]
        share = (half - level[n, low]) / (level[n, high] - level[n, low])
        result[n] = middle[low] + share * (middle[high] - middle[low])
    return result


def _shape(array: NDArray[np.generic]) -> Triple:
    depth, height, width = array.shape
    return (depth, height, width)
