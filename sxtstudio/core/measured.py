"""Which pixels of a slice were measured, and which are a fill: NaN, or one value around the reconstruction.

Reconstructions lie in a circle, a turned or a padded frame, and what surrounds them is a number that somebody
chose: 0, −1, −9999, the smallest value, the mean. It says nothing of the specimen, but it decides mean and
standard deviation, and its edge looks like a membrane. A part of a slice counts as fill if

* all its pixels are NaN or infinite (specks of bad pixels are not a fill), or
* all have *exactly* one value, are connected, and reach the border along 8 pixels or more,

and if, in the second case, it does not look like a measured background that was cut off at black or white, as
in 8-bit images of ice. There the grey values come up to the constant gradually, and its edge is as ragged as
the specimen. So a constant part is a fill only where values *jump* at its edge, or where its edge is *drawn*:
straight or round, so that what remains is convex. The type of the pixels has no say in it.

A turned frame was interpolated: between fill and image lies a seam of mixed values, one to six pixels wide.
It is recognised by its values, which come nearer to the fill's than those further in, and counts as fill.
Cubic interpolation also rings: from pixel to pixel the values swing about the right ones, four times less
with each. Beside a fill of −9999 nothing is left of the image for nine pixels. What is outlying there counts
as fill, and so does what is rougher from pixel to pixel than the image further in.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]
Pixels = NDArray[np.intp]

_RUN = 8  # equal pixels in a row along the border from which a fill is thought of
_MOST_VALUES = 4  # as many different fills are looked for
_NEAR = 0.25  # of the usual step at the edge: so near to the constant, a pixel leads up to it
_NEAR_OF_SPREAD = 0.1  # or so near, as a share of the spread of the grey values
_JUMP = 0.06  # share of the pixels along the edge that may lead up to it where values jump
_RAGGED_PX = 1.5  # mean depth of the dents in the edge of what is convex; a circle's pixels have 0.3
_RAGGED_SHARE = 0.3  # of the constant part, that may be dents in the rest: a bead at the border is one dent
_ROUNDING = 4  # times the distance of neighbouring numbers; so far apart are equal ones
_RINGING = 5e-3  # of the spread; so near to the constant, a pixel belongs to it
_OUTLYING = 3.0  # spreads; so far out beside a fill, a pixel is an overshoot of the interpolation,
_RINGS_PX = 16  # so far from it
_MIXED = 1.0  # spreads; so far out on the side of a fill that is four times as far out, a pixel is a mixture
_MIXED_SHARE = 0.15  # of the pixels along the edge at least
_FAR = 100.0  # spreads; nothing that is measured lies so far out, so it need not be constant to be a fill
_ROUGH = 2.0  # times the usual roughness: there it rings
_RINGING_PX = 10  # so far beyond what is outlying at most
_USUAL_PX = 8  # rings further in that tell what is usual
_TO_PERCENTILES = 2.44  # from the quartiles to the 5th and 95th percentile, in Gaussian grain
_SEAM_PX = 6  # the widest seam
_SEAM_STEP = 0.75  # of the usual step; in a seam it is smaller
_ENOUGH = 30  # pixels that tell a seam
_ROUNDS = 3  # fills that lie in each other: a circle in a frame
_SAMPLE = 20_000


class _Spread(NamedTuple):
    """How the grey values of a slice are spread, but for its fill: 5th to 95th percentile, and median.

    ``outlying`` pixels are far outside, ``mixed`` ones lie between the image and a fill that is.
    """

    width: float
    middle: float
    outlying: Mask
    mixed: Mask


def measured_pixels(image: NDArray[Any]) -> Mask | None:
    """Return which pixels of a slice were measured.

    Parameters
    ----------
    image
        One slice (y, x); real numbers of any dtype.

    Returns
    -------
    bool (y, x), or None
        False in fills; None where the slice has none. A slice of a single value is all fill.
    """
    known = np.ones(image.shape, bool) if image.dtype.kind != "f" else ~large_parts(~np.isfinite(image))
    for _ in range(_ROUNDS):
        box = box_around(known)
        if box is None:
            break
        with np.errstate(over="ignore", invalid="ignore"):  # a step may be larger than the largest number
            fill = _constant_fill(image[box], known[box])
        if fill is None:
            break
        known[box] &= ~fill
    return None if known.all() else known


def large_parts(bad: Mask) -> Mask:
    """Return the connected parts of ``bad`` that are no specks: with 3×3 pixels, or 1×3 at the border."""
    if not bad.any():
        return bad
    core = np.zeros(bad.shape, bool)
    for rows, columns in ((2, 0), (0, 2)):
        # Beyond the border bad goes on, so a single bad row there is a frame.
        wide = np.pad(bad, ((rows, rows), (columns, columns)), mode="edge")
        opened = _grown(~_grown(~wide))
        core |= opened[rows : wide.shape[0] - rows, columns : wide.shape[1] - columns] & bad
    parts, count = ndimage.label(bad)
    kept = np.zeros(count + 1, bool)
    kept[parts[core]] = True
    large: Mask = kept[parts]
    return large


def box_around(known: Mask) -> tuple[slice, slice] | None:
    """Return the smallest box (y, x) that holds all True pixels, or None where there is none."""
    rows, columns = np.flatnonzero(known.any(axis=1)), np.flatnonzero(known.any(axis=0))
    if not rows.size:
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _constant_fill(image: NDArray[Any], known: Mask) -> Mask | None:
    """Return the constant fills that reach the border of ``image``, or None."""
    found: Mask | None = None
    for value, seeds in _runs_along_border(image, known):
        step = np.abs(image.astype(np.float64) - value)
        if not step[known].any():
            return known
        spread, middle, outlying, mixed = _spread(image, step, known, value)
        away = abs(value - middle)
        near = 0.5 * away if away > _FAR * spread > 0 else _RINGING * spread
        parts, count = ndimage.label(known & (step <= near))
        kept = np.zeros(count + 1, bool)
        kept[parts[seeds]] = True
        kept[0] = False
        part = kept[parts]
        if _is_drawn_by_hand(step, part, known & ~part, spread):
            drawn = part
            part = _with_overshoot(part, known & outlying)
            part = _with_overshoot(part, known & (outlying | mixed), least=_MIXED_SHARE)
            if part is not drawn:
                part = _with_ringing(image, part, known)
            part = _with_seam(step, part, known)
            found = part if found is None else found | part
    return found


def _spread(image: NDArray[Any], step: NDArray[np.float64], known: Mask, fill: float) -> _Spread:
    """Return how the grey values are spread, without the fill's."""
    others = known & (step > 0)
    low, middle, high = _range(image[others])
    width = high - low
    outlying = (image < low - _OUTLYING * width) | (image > high + _OUTLYING * width)
    # Around a fill that is outlying itself, half of the way to the image is still the fill, swinging.
    low, middle, high = _range(image[others & (step > 0.5 * float(np.median(step[others])))])
    aside = _MIXED * (high - low)
    mixed = np.zeros_like(outlying)
    if fill < low - 4 * aside:
        mixed = image < low - aside
    elif fill > high + 4 * aside:
        mixed = image > high + aside
    outlying |= mixed & (step < 0.5 * abs(fill - middle))  # more of the fill than of the image
    return _Spread(width, middle, outlying, mixed)


def _range(values: NDArray[Any]) -> tuple[float, float, float]:
    """Return the 5th percentile, the median and the 95th percentile of grey values."""
    values = values[:: max(1, values.size // _SAMPLE) | 1].astype(np.float64)
    # By the quartiles: of what lies near a fill, some may be neither image nor fill.
    low, middle, high = np.percentile(values, [25, 50, 75])
    if high > low:
        low, high = middle + _TO_PERCENTILES * (low - middle), middle + _TO_PERCENTILES * (high - middle)
    else:
        low, high = np.percentile(values, [5, 95])
    return float(low), float(middle), float(high)


def _runs_along_border(image: NDArray[Any], known: Mask) -> list[tuple[float, tuple[Pixels, Pixels]]]:
    """Return the values that lie in runs along the border, the longest first, and where (y, x) they lie."""
    height, width = image.shape
    rows, columns = np.arange(height), np.arange(width)
    edges = (
        (np.zeros_like(columns), columns),
        (np.full_like(columns, height - 1), columns),
        (rows, np.zeros_like(rows)),
        (rows, np.full_like(rows, width - 1)),
    )
    least, most = _believable(image, known)
    places: dict[np.generic, list[tuple[Pixels, Pixels]]] = {}
    for y, x in edges:
        line, there = image[y, x], known[y, x]
        side = (line > most).astype(np.int8) - (line < least)
        joined = (_same(line[1:], line[:-1]) | (side[1:] * side[:-1] > 0)) & there[1:] & there[:-1]
        cuts = np.concatenate([[0], np.flatnonzero(~joined) + 1, [len(line)]])
        for i in np.flatnonzero(np.diff(cuts) >= _RUN):
            first, last = cuts[i], cuts[i + 1]
            if there[first]:
                run = line[first:last]
                middle = np.sort(run)[run.size // 2] if side[first] else line[first]
                value = next((other for other in places if _same(middle, other)), middle)
                places.setdefault(value, []).append((y[first:last], x[first:last]))
    found = [
        (float(value), (np.concatenate([y for y, _ in runs]), np.concatenate([x for _, x in runs])))
        for value, runs in places.items()
    ]
    return sorted(found, key=lambda entry: -entry[1][0].size)[:_MOST_VALUES]


def _believable(image: NDArray[Any], known: Mask) -> tuple[float, float]:
    """Return the range outside of which nothing is measured."""
    values = image[known]
    values = values[:: max(1, values.size // _SAMPLE) | 1].astype(np.float64)
    values = values[np.isfinite(values)]
    if not values.size:
        return -np.inf, np.inf
    low, middle, high = np.percentile(values, [25, 50, 75])
    reach = _FAR * _TO_PERCENTILES * (high - low) or np.inf
    return float(middle - reach), float(middle + reach)


def _same(first: Any, second: Any) -> Mask:
    """Whether values are equal but for the rounding of an interpolation."""
    if first.dtype.kind != "f":
        return np.asarray(first == second)
    return np.asarray(np.abs(first - second) <= _ROUNDING * np.spacing(np.abs(first)))


def _is_drawn_by_hand(step: NDArray[np.float64], part: Mask, rest: Mask, spread: float) -> bool:
    """Whether a constant part is a fill, not a background that was cut off at black or white."""
    edge = step[_grown(part) & rest]
    edge = edge[edge > 0]  # what touches by a corner only may have the same value
    if not edge.size:
        return True
    # Where there are few grey values, the next one is near.
    near = max(_NEAR * float(np.median(edge)), _NEAR_OF_SPREAD * spread, float(edge.min()))
    if float(np.mean(edge <= near)) < _JUMP:
        return True
    dents = _dents(rest)
    return bool(dents < _RAGGED_PX * edge.size and dents < _RAGGED_SHARE * np.count_nonzero(part))


def _dents(rest: Mask) -> float:
    """Return the area (px) between ``rest`` and its convex hull."""
    from scipy.spatial import ConvexHull  # here, because few slices come this far

    rows = np.flatnonzero(rest.any(axis=1))
    first = rest[rows].argmax(axis=1)
    last = rest.shape[1] - rest[rows, ::-1].argmax(axis=1)
    # Corners of pixels, so that a single one has an area.
    corners = np.concatenate([np.stack([rows + y, x], axis=1) for y in (0, 1) for x in (first, last)])
    area = float(ConvexHull(corners).volume)  # so it is called in two dimensions as well
    return area - np.count_nonzero(rest)


def _with_overshoot(part: Mask, outlying: Mask, least: float = 0.0) -> Mask:
    """Add the outlying pixels along a fill's edge, where an interpolation overshot.

    Where a smaller share than ``least`` of the edge is outlying, they are structures that reach it.
    """
    for _ in range(_RINGS_PX):
        edge = _grown(part) & ~part
        ring = edge & outlying
        if not np.count_nonzero(ring) > least * np.count_nonzero(edge):
            break
        part = part | ring
    return part


def _with_ringing(image: NDArray[Any], part: Mask, known: Mask) -> Mask:
    """Add the rings around a fill in which the values swing from pixel to pixel."""
    rest = known & ~part
    weights = ndimage.uniform_filter(rest.astype(np.float64), 3)
    values = np.where(rest & np.isfinite(image), image, 0).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        rough = np.abs(values - ndimage.uniform_filter(values, 3) / weights)
    rings = _rings(part, known, _RINGING_PX + _USUAL_PX)
    found = [float(np.median(rough[ring])) if np.count_nonzero(ring) >= _ENOUGH else np.nan for ring in rings]
    usual = float(np.median(found[_RINGING_PX:]))
    for ring, roughness in zip(rings[:_RINGING_PX], found[:_RINGING_PX], strict=True):
        if not roughness > _ROUGH * usual:
            break
        part = part | ring
    return part


def _rings(part: Mask, known: Mask, count: int) -> list[Mask]:
    """Return the known pixels at a distance of 1, 2, … ``count`` steps (in eight directions)."""
    rings: list[Mask] = []
    for _ in range(count):
        wider = _grown(part)
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


def _grown(mask: Mask) -> Mask:
    """Return a mask grown by a pixel in all eight directions."""
    tall = mask.copy()
    tall[1:] |= mask[:-1]
    tall[:-1] |= mask[1:]
    grown = tall.copy()
    grown[:, 1:] |= tall[:, :-1]
    grown[:, :-1] |= tall[:, 1:]
    return grown
