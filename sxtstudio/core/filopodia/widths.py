"""How wide a tube is along a line: tubes of many widths are tried, and the narrowest that is one is taken.

Around tubes that stand close together there is an edge, too, and it may be clearer than those between them:

::

    fit  │              ╭─╮  all of a tuft
         │    ╭─╮       │ │
         │   ╭╯ ╰╮     ╭╯ ╰╮     a peak for each: the first one is the tube
         └───────────────────── radius
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage, signal

from sxtstudio.core.filopodia.grey import edge
from sxtstudio.core.filopodia.sampling import Array
from sxtstudio.core.filopodia.tube import TubeFit, across

#: So many widths are tried, and middles so far aside, radii; farther ones cost so much.
_WIDTHS, _ASIDE, _ASIDE_COST = 14, 0.6, 0.15
#: At each place it is looked at so far along the line, px; places are smoothed by so many of them.
_AROUND, _SMOOTH = np.array([-6.0, -3.0, 0.0, 3.0, 6.0]), 1.5
#: One of so many places does not count, where it fits least: the ends may lie in the cell.
_ENDS = 5
#: What is no wider than so many lines may be one, such as the wall of a tube.
_LINE, _LINE_COST = 1.5, 0.2
#: A peak stands out by this share of its height; it may be the tube if it is so high, and has this share of
#: the highest one.
_STANDS_OUT, _LEAST, _SHARE = 0.15, 0.15, 0.35
#: Along the line it is at most so many times narrower or wider; a step of the tried widths from a place to
#: the next one costs so much.
_VARIES, _STEP_COST = 1.35, 0.2
#: What divides a tube counts so much against it. It is looked for on so many rays, but for those that run so
#: along the beam, at so many places each.
_DIVIDED, _RAYS, _BEAM, _PROFILE = 0.5, 16, 0.7, 12
#: What is narrower within its walls has no room for outlines, px.
_INSIDE_PX = 3.0


@dataclass(frozen=True)
class Widths:
    """How well tubes fit along a line.

    Attributes
    ----------
    radii
        That were tried (m,), px.
    fits, middles
        Of each radius at each place of the line (m, n), and where its middle is there (m, n, 3).
    half_wall
        Half the width of an outline, px.
    """

    radii: Array
    fits: Array
    middles: Array
    half_wall: float

    def means(self) -> Array:
        """Return how well each radius fits all along the line (m,)."""
        places = np.sort(self.fits, axis=1)
        result: Array = places[:, places.shape[1] // _ENDS :].mean(axis=1)
        return result

    def peaks(self) -> tuple[list[int], Array]:
        """Return the radii (index) that fit better than those around, narrow first, and how much they do."""
        means = self.means()
        low = float(means.min()) - 1
        heights = np.concatenate([[low], means, [low]])
        tops, _ = signal.find_peaks(heights)
        out = signal.peak_prominences(heights, tops)[0]
        tops = tops[out >= _STANDS_OUT * np.abs(heights[tops])] - 1
        worth = means[tops] - np.array([_LINE_COST * self.is_line(top) for top in tops.tolist()])
        return tops.tolist(), worth

    def is_line(self, index: int) -> bool:
        """Whether what is so wide may be an outline, and no tube."""
        return bool(self.radii[index] < _LINE * self.half_wall)

    def usual(self) -> int:
        """Return the radius (index) of the tube: the first peak that may be one, and is no line."""
        tops, worth = self.peaks()
        best = int(worth.argmax())
        for index, top in enumerate(tops[:best]):
            enough = worth[index] >= max(_LEAST, _SHARE * worth[best])
            if enough and not self.is_line(top):
                return top
        return tops[best]

    def along(self) -> tuple[Array, Array]:
        """Return middles (n, 3) and radii (n,) of the tube, whose width may vary along the line."""
        usual = self.usual()
        near = np.flatnonzero(np.abs(np.log(self.radii / self.radii[usual])) <= np.log(_VARIES))
        fits = self.fits[near]
        steps = _STEP_COST * np.abs(np.arange(len(near))[:, None] - np.arange(len(near)))
        total = fits[:, 0]
        came = []
        for place in range(1, fits.shape[1]):
            options = total[None] - steps
            came.append(options.argmax(axis=1))
            total = options.max(axis=1) + fits[:, place]
        chosen = [int(total.argmax())]
        for before in reversed(came):
            chosen.append(int(before[chosen[-1]]))
        index = near[chosen[::-1]]
        return self.middles[index, np.arange(len(index))], self.radii[index]


def widths_along(fit: TubeFit, line: Array, widest: float) -> Widths:
    """Try tubes of many widths along a line (n, 3), px."""
    way = np.gradient(line, axis=0)
    way /= np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-9)
    radii = np.geomspace(max(2.0, fit.half_wall + 0.25), max(widest, 3.0), _WIDTHS)
    first, second = across(way)
    fits, centred = [], []
    for radius in radii.tolist():
        aside = np.arange(-2, 3) / 2 * _ASIDE * radius
        offsets = np.array([(a, b) for a in aside for b in aside])
        middles = line[:, None] + offsets[:, :1] * first[:, None] + offsets[:, 1:] * second[:, None]
        count = len(offsets)
        total = fit.score(
            middles.reshape(-1, 3),
            np.repeat(way, count, axis=0),
            np.full(len(line) * count, radius),
            _AROUND,
        ).total.reshape(len(line), count)
        cost = _ASIDE_COST * (offsets**2).sum(axis=1) / radius**2
        total = ndimage.gaussian_filter1d(total - cost, _SMOOTH, axis=0, mode="nearest")
        chosen = middles[np.arange(len(line)), total.argmax(axis=1)]
        fits.append(total.max(axis=1) - _DIVIDED * divided(fit, chosen, first, second, radius))
        centred.append(chosen)
    return Widths(radii, np.array(fits), np.array(centred), fit.half_wall)


def divided(fit: TubeFit, middles: Array, first: Array, second: Array, radius: float) -> Array:
    """Return how much a tube is divided inside (n,), 0…1: by outlines, or valleys between what absorbs.

    Parameters
    ----------
    middles, first, second
        Its axis (n, 3), and unit vectors across it (n, 3).
    radius
        From there to its surface, px.
    """
    angles = np.arange(_RAYS) * 2 * np.pi / _RAYS
    rays = np.cos(angles)[:, None] * first[:, None] + np.sin(angles)[:, None] * second[:, None]
    sides = np.abs(rays[..., 0]) <= _BEAM
    within = radius - 2 * fit.half_wall - 1
    result = np.zeros(len(middles))
    if within > _INSIDE_PX:
        label, known = fit.ground.at(_points(middles, rays, within * np.linspace(0.25, 1, 5)))
        counts = (known & sides[..., None]).astype(float)
        result = (label * counts).sum(axis=(1, 2)) / np.maximum(counts.sum(axis=(1, 2)), 1)
    if fit.ground.grey is not None:
        absorbs = fit.ground.grey.at(_points(middles, rays, radius * np.linspace(0, 1, _PROFILE)))
        valleys = (_valleys(absorbs) * sides).sum(axis=1) / np.maximum(sides.sum(axis=1), 1)
        result = np.maximum(result, valleys)
    return result


def _points(middles: Array, rays: Array, away: Array) -> Array:
    points: Array = middles[:, None, None] + rays[:, :, None] * away[:, None]
    return points


def _valleys(absorbs: Array) -> Array:
    """Return how much of an edge leads out of what absorbs least between what absorbs more (n, rays)."""
    known = np.isfinite(absorbs)
    sigma, mode = (_SMOOTH, 1, 0), ("nearest", "wrap", "nearest")
    weight = ndimage.gaussian_filter(known.astype(np.float64), sigma, mode=mode)
    mean = ndimage.gaussian_filter(np.where(known, absorbs, 0.0), sigma, mode=mode)
    mean /= np.maximum(weight, 1e-3)
    before = np.maximum.accumulate(mean, axis=-1)
    after = np.maximum.accumulate(mean[..., ::-1], axis=-1)[..., ::-1]
    return edge((np.minimum(before, after) - mean).max(axis=-1))
