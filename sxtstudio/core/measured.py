"""Which pixels of a slice were measured, and which are a fill: NaN, or one value around the reconstruction.

Reconstructions lie in a circle, a turned or a padded frame, and what surrounds them is a number that somebody
chose: 0, −1, −9999, the smallest value, the mean. It says nothing of the specimen, but it decides mean and
standard deviation, and its edge looks like a membrane. A part of a slice counts as fill if

* all its pixels are NaN or infinite (specks of bad pixels are not a fill), or
* all have *exactly* one value, are connected, and reach the border along 8 pixels or more, or
* all have nearly one value (rounded, dithered, filtered after the mask), so that their grain is a tiny
  fraction of the image's, are connected, and reach the border along 24 pixels or more,

and if, but for the first, it does not look like a measured background that was cut off at black or white,
as in 8-bit images of ice. There the grey values come up to the constant gradually, and its edge is as ragged
as the specimen. So a constant part is a fill only where values *jump* at its edge, or where its edge is
*drawn*: straight or round, so that what remains is convex. The type of the pixels has no say in it. A nearly
constant part is a fill only where its edge is drawn: a lumen may be bright, quiet and sharply bounded.

What lies along its edge and is more of it than of the image (``fill_edges``) counts as fill, and so do specks
in it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.fill_edges import GreySpread, with_edge
from sxtstudio.core.growing import grown

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
_MIXED = 1.0  # spreads; so far out on the side of a fill that is four times as far out, a pixel is a mixture
_FAR = 100.0  # spreads; nothing that is measured lies so far out, so it need not be constant to be a fill
_TO_PERCENTILES = 2.44  # from the quartiles to the 5th and 95th percentile, in Gaussian grain
_FLAT_RUN = 24  # pixels in a row along the border, nearly equal, from which a fill is thought of,
_TIP_PX = 6  # a flat fill's tips are that much longer than what is 3 pixels wide
_FLAT = 0.2  # of what is usual at most apart,
_LINES = 32  # of a slice show what is usual
_FLAT_GRAIN = 0.15  # of the image's grain at most: what a fill has
_COARSE_PX = 24  # apart are pixels around which a quick look is taken,
_SITES = 200  # at most as many of them
_GRAIN_PX = 7  # window in which grain is measured
_ROUNDS = 3  # fills that lie in each other: a circle in a frame
_SAMPLE = 20_000


class _Candidate(NamedTuple):
    """A grey value that lies along the border, and where (y, x); of a flat one, how far around it."""

    value: float
    seeds: tuple[Pixels, Pixels]
    reach: float = 0.0
    flat: bool = False


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
            fill = _fill(image[box], known[box])
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
        opened = grown(~grown(~wide))
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


def _fill(image: NDArray[Any], known: Mask) -> Mask | None:
    """Return the fills that reach the border of ``image``: constant ones, or else nearly constant ones."""
    for candidates in (_runs_along_border, _flat_runs_along_border):
        found: Mask | None = None
        for candidate in candidates(image, known):
            part = _fill_of(image, known, candidate)
            if part is not None:
                found = part if found is None else found | part
        if found is not None:
            return found
    return None


def _fill_of(image: NDArray[Any], known: Mask, candidate: _Candidate) -> Mask | None:
    """Return the fill of a value that lies along the border, or None if that is no fill."""
    value, seeds, reach, flat = candidate
    step = np.abs(image.astype(np.float64) - value)
    if not (step > reach)[known].any():
        return known
    spread = _spread(image, step, known & (step > reach), value)
    away = abs(value - spread.middle)
    near = 0.5 * away if away > _FAR * spread.width > 0 else max(_RINGING * spread.width, reach)
    part = _connected(known & (step <= near), seeds)
    if flat:
        # Not through a bottleneck: the image may have the same value somewhere.
        whole = known & ~large_parts(known & ~part)
        part = _connected(~grown(~whole), seeds)
        for _ in range(_TIP_PX):
            part = grown(part) & whole
        if not _is_flat(image - value, part, known) or not _leaves_convex(part, known & ~part):
            return None
    elif not _is_drawn_by_hand(step, part, known & ~part, spread.width):
        return None
    part = with_edge(image, step, part, known, spread)
    return known & ~large_parts(known & ~part)


def _connected(mask: Mask, seeds: tuple[Pixels, Pixels]) -> Mask:
    """Return the connected parts of a mask in which there is a seed."""
    parts, count = ndimage.label(mask)
    kept = np.zeros(count + 1, bool)
    kept[parts[seeds]] = True
    kept[0] = False
    found: Mask = kept[parts]
    return found


def _is_flat(values: NDArray[Any], part: Mask, known: Mask) -> bool:
    """Whether the grain of a part is a tiny fraction of the image's."""
    values = np.where(known & np.isfinite(values), values, 0).astype(np.float64)
    mean = ndimage.uniform_filter(values, _GRAIN_PX)
    variance = ndimage.uniform_filter(values * values, _GRAIN_PX) - mean * mean
    inside, rest = part, known & ~part
    for _ in range(_GRAIN_PX // 2):
        inside, rest = ~grown(~inside), ~grown(~rest)
    if not inside.any() or not rest.any():
        return False
    usual = float(np.median(variance[rest]))
    # What was cut off is constant in most places only.
    return bool(np.percentile(variance[inside], 95) < _FLAT_GRAIN**2 * usual)


def _spread(image: NDArray[Any], step: NDArray[np.float64], others: Mask, fill: float) -> GreySpread:
    """Return how the grey values are spread, of ``others`` than a fill's."""
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
    return GreySpread(width, middle, outlying, mixed)


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


def _border(shape: tuple[int, ...]) -> tuple[tuple[Pixels, Pixels], ...]:
    """Return the pixels (y, x) of the four sides of a slice."""
    height, width = shape
    rows, columns = np.arange(height), np.arange(width)
    return (
        (np.zeros_like(columns), columns),
        (np.full_like(columns, height - 1), columns),
        (rows, np.zeros_like(rows)),
        (rows, np.full_like(rows, width - 1)),
    )


def _flat_runs_along_border(image: NDArray[Any], known: Mask) -> list[_Candidate]:
    """Return the values around which a part of the border stays, the longest first."""
    limit = _FLAT * _usual_range(image, known)
    found: list[_Candidate] = []
    for y, x in _border(image.shape):
        line = np.where(known[y, x], image[y, x], np.nan).astype(np.float64)
        ranges = _ranges(line)
        flat = np.concatenate([[0], ranges <= limit, [0]])
        for first, last in zip(*(np.flatnonzero(np.diff(flat) == side) for side in (1, -1)), strict=True):
            value, reach = (
                float(np.median(line[first : last + _FLAT_RUN - 1])),
                2 * float(np.median(ranges[first:last])),
            )
            near = np.arange(first, last + _FLAT_RUN - 1)
            near = near[np.abs(line[near] - value) <= reach]
            seeds = y[near], x[near]
            for i, other in enumerate(found):
                if abs(other.value - value) <= max(reach, other.reach):
                    seeds = np.append(other.seeds[0], seeds[0]), np.append(other.seeds[1], seeds[1])
                    found[i] = _Candidate(other.value, seeds, max(reach, other.reach), flat=True)
                    break
            else:
                found.append(_Candidate(value, seeds, reach, flat=True))
    if not found:
        return []
    y, x = np.nonzero(known[::_COARSE_PX, ::_COARSE_PX])
    grain = float(np.percentile(_grain_at(image, y * _COARSE_PX, x * _COARSE_PX), 75))
    found = [entry for entry in found if np.median(_grain_at(image, *entry.seeds)) < _FLAT * grain]
    return sorted(found, key=lambda candidate: -candidate.seeds[0].size)[:_MOST_VALUES]


def _grain_at(image: NDArray[Any], y: Pixels, x: Pixels) -> NDArray[np.float64]:
    """Return the standard deviations around some of these pixels, a quick look."""
    height, width = image.shape
    every = max(1, y.size // _SITES)
    around = np.arange(_GRAIN_PX)
    y = np.clip(y[::every, None, None] - _GRAIN_PX // 2, 0, max(0, height - _GRAIN_PX)) + around[:, None]
    x = np.clip(x[::every, None, None] - _GRAIN_PX // 2, 0, max(0, width - _GRAIN_PX)) + around
    values = image[np.minimum(y, height - 1), np.minimum(x, width - 1)].astype(np.float64)
    return np.asarray(np.nan_to_num(values.std(axis=(1, 2)), posinf=0.0))


def _usual_range(image: NDArray[Any], known: Mask) -> float:
    """Return how far apart the values in a run of pixels are, where there is something to be seen."""
    lines = slice(_FLAT_RUN // 2, None, max(1, image.shape[0] // _LINES))
    ranges = _ranges(np.where(known[lines], image[lines], np.nan).astype(np.float64), every=_FLAT_RUN // 3)
    ranges = ranges[np.isfinite(ranges)]
    return float(np.percentile(ranges, 75)) if ranges.size else 0.0


def _ranges(lines: NDArray[np.float64], every: int = 1) -> NDArray[np.float64]:
    """Return how far apart the values in each run (or each ``every``-th) are, along the last axis."""
    if lines.shape[-1] < _FLAT_RUN:
        return np.empty((*lines.shape[:-1], 0))
    runs = np.lib.stride_tricks.sliding_window_view(lines, _FLAT_RUN, axis=-1)[..., ::every, :]
    return np.asarray(runs.max(axis=-1) - runs.min(axis=-1))


def _runs_along_border(image: NDArray[Any], known: Mask) -> list[_Candidate]:
    """Return the values that lie in runs along the border, the longest first, and where (y, x) they lie."""
    least, most = _believable(image, known)
    places: dict[np.generic, list[tuple[Pixels, Pixels]]] = {}
    for y, x in _border(image.shape):
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
        _Candidate(float(value), (np.concatenate([y for y, _ in runs]), np.concatenate([x for _, x in runs])))
        for value, runs in places.items()
    ]
    return sorted(found, key=lambda candidate: -candidate.seeds[0].size)[:_MOST_VALUES]


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
    edge = step[grown(part) & rest]
    edge = edge[edge > 0]  # what touches by a corner only may have the same value
    if not edge.size:
        return True
    # Where there are few grey values, the next one is near.
    near = max(_NEAR * float(np.median(edge)), _NEAR_OF_SPREAD * spread, float(edge.min()))
    if float(np.mean(edge <= near)) < _JUMP:
        return True
    return _leaves_convex(part, rest)


def _leaves_convex(part: Mask, rest: Mask) -> bool:
    """Whether the edge of a part is drawn, straight or round."""
    if not rest.any():
        return False
    dents = _dents(rest)
    edge = np.count_nonzero(grown(part) & rest)
    return bool(dents < _RAGGED_PX * edge and dents < _RAGGED_SHARE * np.count_nonzero(part))


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
