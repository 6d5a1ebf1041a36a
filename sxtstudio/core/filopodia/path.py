"""A tube through points that were clicked on it: the way of least cost along what absorbs as tubes do."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.filopodia.grey import Grey
from sxtstudio.core.filopodia.sampling import Array
from sxtstudio.core.filopodia.trace import Way
from sxtstudio.core.filopodia.tube import TubeFit
from sxtstudio.core.filopodia.widths import widths_along
from sxtstudio.core.geometry import Triple

#: The way leaves the box of two points by so much of their distance, and px.
_MARGIN, _MARGIN_PX = 0.35, 24.0
#: Radii at which tubes are looked for, px; a box of more voxels is looked at coarsely.
_RADII_PX, _MOST_VOXELS = (3.0, 5.0, 8.0, 12.0), 1_000_000
#: What is no tube costs so many times as much as the best one.
_NO_TUBE = 10.0
#: Filopodia are nearly straight: so far beside the line between two points, in their distance or px where
#: that is more, a way costs twice as much, and the more the farther.
_BESIDE, _BESIDE_PX = 0.05, 8.0
#: The tube is measured at places so far apart, px.
_APART_PX = 4.0


def way_through(fit: TubeFit, seeds: tuple[Triple, ...], widest: float) -> Way:
    """Return the tube through two or more voxels (z, y, x), from one end to the other.

    Without a tomogram they are joined by straight lines.
    """
    points = _in_order(np.array(seeds) * fit.ground.scale)
    pieces = []
    for a, b in pairwise(points):
        pieces.append(_between(fit.ground.grey, fit.ground.scale, a, b))
    line = _even(np.concatenate(pieces))
    return _measured(fit, line, widest)


def _in_order(points: Array) -> Array:
    """Return points (n, 3) as they lie along the line of the two that are farthest apart."""
    apart = np.linalg.norm(points[:, None] - points[None], axis=-1)
    first, last = np.unravel_index(int(apart.argmax()), apart.shape)
    along = (points - points[first]) @ (points[last] - points[first])
    result: Array = points[np.argsort(along, kind="stable")]
    return result


def _between(grey: Grey | None, scale: Array, a: Array, b: Array) -> Array:
    """Return the way (n, 3) from a point to another."""
    straight = np.stack([a, b])
    distance = float(np.linalg.norm(b - a))
    if grey is None or distance < 4:
        return straight
    from skimage.graph import MCP_Geometric

    margin = _MARGIN * distance + _MARGIN_PX
    low, high = np.minimum(a, b) - margin * np.array([0.5, 1, 1]), np.maximum(a, b) + margin
    every = max(1, int(np.ceil((np.prod((high - low) / scale) / _MOST_VOXELS) ** (1 / 3))))
    absorbs, first = grey.window(low, high, every)
    step = scale * every
    last = np.array(absorbs.shape) - 1
    ends = [tuple(np.clip(np.rint((at - first) / step), 0, last).astype(int)) for at in (a, b)]
    if min(absorbs.shape) < 1 or ends[0] == ends[1]:
        return straight
    cost = _cost(absorbs, step)
    cost *= _aside(cost.shape, first, step, a, b)
    search = MCP_Geometric(cost, sampling=tuple(step))
    search.find_costs([ends[0]], [ends[1]])
    way = np.array(search.traceback(ends[1])) * step + first
    sigma = _APART_PX / float(step.min())
    way = ndimage.gaussian_filter1d(way, sigma, axis=0, mode="nearest")
    way[0], way[-1] = a, b
    return np.asarray(way)


def _cost(absorbs: NDArray[np.float32], step: Array) -> NDArray[np.float32]:
    """Return what a way costs: little where it absorbs more than all around, at the width of a tube."""
    tube = np.zeros(absorbs.shape, np.float32)
    for radius in _RADII_PX:
        sigma = radius / np.sqrt(2) / step
        around = np.zeros(absorbs.shape, np.float32)
        for axis in range(3):  # second derivatives in px, whatever the step
            order = [0, 0, 0]
            order[axis] = 2
            around -= ndimage.gaussian_filter(absorbs, sigma, order=order, mode="nearest") / step[axis] ** 2
        np.maximum(tube, around * np.float32(radius**2 / 2), out=tube)
    share = np.clip(tube / max(float(np.quantile(tube, 0.98)), 1e-6), 0, 1)
    return np.asarray(1 / (1 / _NO_TUBE + share), np.float32)


def _aside(shape: tuple[int, ...], first: Array, step: Array, a: Array, b: Array) -> NDArray[np.float32]:
    """Return how many times as much a way costs that is not on the straight line between two points."""
    unit = (b - a) / np.linalg.norm(b - a)
    z, y, x = (
        (first[axis] - a[axis] + np.arange(n) * step[axis]).astype(np.float32).reshape(size)
        for axis, (n, size) in enumerate(zip(shape, ((-1, 1, 1), (1, -1, 1), (1, 1, -1)), strict=True))
    )
    along = z * np.float32(unit[0]) + y * np.float32(unit[1]) + x * np.float32(unit[2])
    square = z * z + y * y + x * x - along * along
    width = max(_BESIDE * float(np.linalg.norm(b - a)), _BESIDE_PX)
    return np.asarray(1 + np.maximum(square, 0) / np.float32(width**2))


def _even(line: Array) -> Array:
    """Return a line (n, 3) by places ``_APART_PX`` apart."""
    gaps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    far = np.concatenate([[0.0], np.cumsum(gaps)])
    places = np.linspace(0, far[-1], max(2, round(float(far[-1]) / _APART_PX) + 1))
    return np.stack([np.interp(places, far, axis) for axis in line.T], axis=1)


def _measured(fit: TubeFit, line: Array, widest: float) -> Way:
    """Return a line as the middle of a tube, whose width may vary along it."""
    middle, radii = widths_along(fit, line, widest).along()
    smooth = ndimage.gaussian_filter1d(middle, 1.5, axis=0, mode="nearest")
    smooth[0], smooth[-1] = middle[0], middle[-1]
    return Way(smooth, ndimage.gaussian_filter1d(radii, 1.5, mode="nearest"))
