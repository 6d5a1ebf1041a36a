"""What lies along the edge of a fill and belongs to it: seams, overshoots and tapers.

A turned frame was interpolated: between fill and image lies a seam of mixed values, one to six pixels wide.
It is recognised by its values, which come nearer to the fill's than those further in, and counts as fill.
Cubic interpolation also rings: from pixel to pixel the values swing about the right ones, four times less
with each. Beside a fill of −9999 nothing is left of the image for nine pixels. What is outlying there counts
as fill, and so does what is rougher from pixel to pixel than the image further in.

A mask with a soft edge fades the image out into the fill over up to dozens of pixels. There the way to
the fill and the grain shrink together, from what they are further in down to nothing. Ice along the edge of a
fill has nearer values than the cell as well, but its grain is the same.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.growing import grown

Mask = NDArray[np.bool_]

_RINGS_PX = 16  # so far from a fill an interpolation overshoots at most
_MIXED_SHARE = 0.15  # of the pixels along the edge at least
_ROUGH = 2.0  # times the usual roughness: there it rings
_RINGING_PX = 10  # so far beyond what is outlying at most
_USUAL_PX = 8  # rings further in that show what is usual
_SEAM_PX = 6  # the widest seam
_SEAM_STEP = 0.75  # of the usual step; in a seam it is smaller
_TAPER_PX = 64  # the widest taper
_AHEAD_PX = 6  # as far ahead a taper is looked whether it still grows:
_LEVEL = 0.1  # of the step there that it is less, it does,
_LEVEL_OF_SPREAD = 0.4  # or of the distance of the quartiles further in
_FAINT = 0.3  # of the step at its end; a taper begins below
_FAINT_GRAIN = 0.68  # of the usual roughness; the outer half of a taper is below
_STRIP_PX = 7  # window in which the strip of a taper along the border is looked at
_STRIP_GRAIN = 1.0  # of the usual roughness (a median, which is less than a mean); a taper is below
_ENOUGH = 30  # pixels that make a seam


class GreySpread(NamedTuple):
    """How the grey values of a slice are spread, but for its fill: 5th to 95th percentile, and median.

    ``outlying`` pixels are far outside of the image's values, ``mixed`` ones between them and a fill that is.
    """

    width: float
    middle: float
    outlying: Mask
    mixed: Mask


def with_edge(
    image: NDArray[Any], step: NDArray[np.float64], part: Mask, known: Mask, spread: GreySpread
) -> Mask:
    """Return a fill with what lies along its edge and is more of it than of the image.

    Parameters
    ----------
    image
        One slice (y, x), real numbers.
    step
        How far its values are from the fill's, (y, x).
    part
        The fill, bool (y, x).
    known
        Where there are numbers and no other fill, bool (y, x).
    spread
        How the image's values are spread.
    """
    tapered = _with_taper(image, step, part, known)
    inner = part if tapered is None else tapered
    part = _with_overshoot(inner, known & spread.outlying)
    part = _with_overshoot(part, known & (spread.outlying | spread.mixed), least=_MIXED_SHARE)
    if part is not inner:
        part = _with_ringing(image, part, known)
    return _with_seam(step, part, known) if tapered is None else part


def _with_overshoot(part: Mask, outlying: Mask, least: float = 0.0) -> Mask:
    """Add the outlying pixels along a fill's edge, where an interpolation overshot.

    Where a smaller share than ``least`` of the edge is outlying, they are structures that reach it.
    """
    for _ in range(_RINGS_PX):
        edge = grown(part) & ~part
        ring = edge & outlying
        if not np.count_nonzero(ring) > least * np.count_nonzero(edge):
            break
        part = part | ring
    return part


def _with_ringing(image: NDArray[Any], part: Mask, known: Mask) -> Mask:
    """Add the rings around a fill in which the values swing from pixel to pixel."""
    rough = _roughness(image, known & ~part)
    rings = _rings(part, known, _RINGING_PX + _USUAL_PX)
    found = [float(np.median(rough[ring])) if np.count_nonzero(ring) >= _ENOUGH else np.nan for ring in rings]
    usual = float(np.median(found[_RINGING_PX:]))
    for ring, roughness in zip(rings[:_RINGING_PX], found[:_RINGING_PX], strict=True):
        if not roughness > _ROUGH * usual:
            break
        part = part | ring
    return part


def _with_taper(image: NDArray[Any], step: NDArray[np.float64], part: Mask, known: Mask) -> Mask | None:
    """Add the rings around a fill into which the image fades out, or return None where it does not."""
    distance = ndimage.distance_transform_cdt(~part, "chessboard")
    distance = np.where(known, np.minimum(distance, _TAPER_PX + 1), 0).astype(np.uint8)
    order = np.argsort(distance, axis=None, kind="stable")
    cuts = np.searchsorted(distance.ravel()[order], np.arange(1, _TAPER_PX + 2))
    rough = np.nan_to_num(_roughness(image, known & ~part), posinf=0.0)
    steps, grain = [], []
    for first, last in pairwise(cuts):
        ring = order[first:last]
        if ring.size < _ENOUGH:
            break
        steps.append(float(np.median(step.ravel()[ring])))
        grain.append(float(np.median(rough.ravel()[ring])))
    deep = step.ravel()[order[(cuts[0] + order.size) // 2 :: 7]]
    if not deep.size:
        return None
    growth = _LEVEL_OF_SPREAD * float(np.subtract(*np.percentile(deep, [75, 25])))
    end = 0
    while (last := end + 1 + max(_AHEAD_PX, end // 2)) <= len(steps):
        ahead = float(np.median(steps[end + 1 : last]))
        if not ahead - steps[end] > min(_LEVEL * ahead, growth):
            break
        end += 1
    if end < 3 or steps[0] > _FAINT * steps[end]:
        return None
    usual = float(np.median(grain[end : end + _USUAL_PX]))
    # Not the first ring, whose neighbours on one side are missing.
    if not np.median(grain[1 : end // 2 + 1]) < _FAINT_GRAIN * usual:
        return None
    part = part | ((distance > 0) & (distance <= end))
    # Where the mask comes near the border it fades, but does not reach the fill.
    strip = np.ones_like(part)
    strip[end:-end, end:-end] = False
    faint = (
        strip
        & known
        & (ndimage.uniform_filter(np.where(known, step, 0), _STRIP_PX) < (1 - _LEVEL) * steps[end])
    )
    faint &= ndimage.uniform_filter(rough, _STRIP_PX) < _STRIP_GRAIN * usual
    tapered: Mask = ndimage.binary_propagation(part, mask=part | faint)
    return tapered


def _roughness(image: NDArray[Any], rest: Mask) -> NDArray[np.float64]:
    """Return how far each pixel of ``rest`` is from the mean of its neighbours there."""
    weights = ndimage.uniform_filter(rest.astype(np.float64), 3)
    values = np.where(rest & np.isfinite(image), image, 0).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.abs(values - ndimage.uniform_filter(values, 3) / weights))


def _rings(part: Mask, known: Mask, count: int) -> list[Mask]:
    """Return the known pixels at a distance of 1, 2, … ``count`` steps (in eight directions)."""
    rings: list[Mask] = []
    for _ in range(count):
        wider = grown(part)
        rings.append(wider & ~part & known)
        part = wider
    return rings


def _with_seam(step: NDArray[np.float64], part: Mask, known: Mask) -> Mask:
    """Add the pixels along a fill's edge whose values are mixtures of fill and image."""
    rings = _rings(part, known, _SEAM_PX + 1)
    steps = [float(np.median(step[ring])) if np.count_nonzero(ring) >= _ENOUGH else np.inf for ring in rings]
    for ring, usual in zip(rings[:-1], steps[:-1], strict=True):
        if not usual < _SEAM_STEP * steps[-1]:
            break
        part = part | ring
    return part
