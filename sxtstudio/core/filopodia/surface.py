"""The surface of a tube around its axis: where labels end, and between those places smoothly on.

It is a radius for each place along the axis and each direction around it. Where labels end near to what is
expected from the places around, they are followed; where none ends (a gap, or tops and bottoms in ±60° data),
what is around decides, and far from all labels the tube is round.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.filopodia.grey import INSIDE_PX, OUTSIDE_PX, edge
from sxtstudio.core.filopodia.sampling import Array, Ground, Mask
from sxtstudio.core.filopodia.trace import Way
from sxtstudio.core.filopodia.tube import across, ray_weights

#: Directions around the axis.
RAYS = 24
#: The axis is smoothed over so many px, and goes on so many radii beyond both ends to find them.
_SMOOTH, _BEYOND = 2.0, 1.6
#: A label's end counts that differs from what is expected by less than this share of it, in each round.
_DIFFERS = (0.5, 0.4, 0.3, 0.25)
#: Wherever so much of the rim is outlined, it has not ended; over so many px that is smoothed.
_OUTLINED, _ENDS_PX = 0.35, 1.5
_RAY_PX = 0.5
#: Grey values are smoothed along the tube (px) and around it (rays); an edge of them counts from this share
#: of a whole one on, and a missing one counts so much as a place that differs by such a share.
_GREY_SMOOTH, _GREY_TURN = 2.0, 1.0
_GREY_EDGE, _AGAINST = 0.25, 0.3
#: Tomograms of ±60° show edges elsewhere than where they are along the beam: on rays that run so along it.
_BEAM = 0.7
#: Where it is steepest is measured over so many px to both sides.
_SLOPE_PX = 0.75
#: A label goes on that lies on both sides of the surface, so far from it, px.
_GOES_ON_PX = (1.0, 2.0)


@dataclass(frozen=True)
class TubeSurface:
    """A tube.

    Attributes
    ----------
    points, along
        Its axis (n, 3) and unit vectors along it, px; points lie 1 px apart.
    first, second
        Unit vectors across it (n, 3), the axes of the directions around it.
    radii
        From the axis to the surface (n, RAYS), px.
    outlined, lateral
        The share of its rim that has an outline (n,): of all, and of its sides in the slices.
    crossed
        The share of its rim across which a label goes on (n,): there it is no tube but a sheet.
    """

    points: Array
    along: Array
    first: Array
    second: Array
    radii: Array
    outlined: Array
    lateral: Array
    crossed: Array

    def __len__(self) -> int:
        """How many points its axis has."""
        return len(self.points)

    def part(self, begin: int, end: int) -> TubeSurface:
        """Return the part of it between two points of the axis, both included."""
        part = slice(begin, end + 1)
        return TubeSurface(
            self.points[part], self.along[part], self.first[part], self.second[part],
            self.radii[part], self.outlined[part], self.lateral[part], self.crossed[part],
        )  # fmt: skip

    def reversed(self) -> TubeSurface:
        """Return it from the other end."""
        return TubeSurface(
            self.points[::-1], -self.along[::-1], self.first[::-1], self.second[::-1],
            self.radii[::-1], self.outlined[::-1], self.lateral[::-1], self.crossed[::-1],
        )  # fmt: skip

    def rays(self) -> Array:
        """Return the unit vectors from the axis on which the radii lie (n, RAYS, 3)."""
        return _rays(self.first, self.second)

    def side_radius(self) -> Array:
        """Return the radius along the axis (n,), in which the sides in the slices count most."""
        weight = ray_weights(_rays(self.first, self.second))
        smooth: Array = ndimage.gaussian_filter1d(
            (self.radii * weight).sum(axis=1) / weight.sum(axis=1), _ENDS_PX
        )
        return smooth


def surface_of(ground: Ground, way: Way) -> tuple[TubeSurface, int, int] | None:
    """Return the surface around a way and beyond its ends, and where it begins and ends; None: nowhere."""
    gaps = np.linalg.norm(np.diff(way.points, axis=0), axis=1)
    far = np.concatenate([[0.0], np.cumsum(gaps)])
    if far[-1] < 2:
        return None
    every = np.linspace(0, far[-1], max(2, round(float(far[-1])) + 1))
    points = _smoothed(np.stack([np.interp(every, far, axis) for axis in way.points.T], axis=1))
    radius = np.interp(every, far, way.radii)
    more = int(np.ceil(_BEYOND * radius.max())) + 3
    along = _directions(points)
    steps = np.arange(1, more + 1)[:, None]
    points = np.concatenate([points[0] - along[0] * steps[::-1], points, points[-1] + along[-1] * steps])
    radius = np.concatenate([np.full(more, radius[0]), radius, np.full(more, radius[-1])])
    points = _smoothed(points + _off_axis(_around(ground, points, radius)))
    surface = _around(ground, points, radius)
    outlined = ndimage.gaussian_filter1d(surface.outlined, _ENDS_PX) >= _OUTLINED
    core = np.flatnonzero(outlined[more : len(points) - more]) + more
    if not len(core):
        return None
    begin, end = int(core[0]), int(core[-1])
    while begin > 0 and outlined[begin - 1]:
        begin -= 1
    while end < len(points) - 1 and outlined[end + 1]:
        end += 1
    return surface, begin, end


def _around(ground: Ground, points: Array, radius: Array) -> TubeSurface:
    """Return the surface around an axis (n, 3) where it is about so wide (n,)."""
    along = _directions(points)
    first, second = _carried(along)
    rays = _rays(first, second)
    away = np.arange(_RAY_PX / 2, float(radius.max()) * 1.7 + 4, _RAY_PX)
    label, known = ground.at(points[:, None, None] + rays[:, :, None] * away[:, None])
    label = ndimage.binary_opening(label & known, np.ones((1, 1, 2)))  # a single sample is no outline
    ends = label[..., :-1] & ~label[..., 1:]
    places = (away[:-1] + away[1:]) / 2
    against = np.zeros(ends.shape)
    tops = np.zeros(ends.shape, np.bool_)
    if ground.grey is not None:
        absorbs = ground.grey.at(points[:, None, None] + rays[:, :, None] * away[:, None])
        ends, tops, against = _with_grey(ends, absorbs, round(ground.thicker / _RAY_PX))
        ends &= (np.abs(rays[..., 0]) <= _BEAM)[..., None]
    expected = np.repeat(radius[:, None], RAYS, axis=1)
    hit, nearest = np.zeros(expected.shape, np.bool_), expected
    for differs in _DIFFERS:
        share = np.abs(places - expected[..., None]) / np.maximum(expected[..., None], 4.0)
        best = np.where(ends, share + against, np.inf).argmin(axis=-1)
        cost = np.where(ends, share, np.inf)
        hit = np.take_along_axis(cost, best[..., None], axis=-1)[..., 0] < differs
        nearest = places[best]
        expected = _expected(hit, nearest, radius)
    by_grey = hit & np.take_along_axis(tops, best[..., None], axis=-1)[..., 0]
    values, weight = _blurred(np.where(hit, 1.0, 0.15), np.where(hit, nearest, expected), (1.0, 0.6))
    seen = known[..., -1]
    counts = ray_weights(rays)
    outlined = (hit * counts * seen).sum(axis=1) / np.maximum(
        (counts * seen).sum(axis=1), 0.3 * counts.sum(axis=1)
    )
    sides = np.abs(rays[..., 0]) < 0.5
    lateral = (hit & sides).sum(axis=1) / np.maximum(1, (sides & seen).sum(axis=1))
    radii = values / weight
    outer = radii + ground.thicker
    beyond = [_sampled(label, outer + more) for more in _GOES_ON_PX]
    goes_on = beyond[0] & beyond[1] & _sampled(label, outer - _GOES_ON_PX[0])
    crossed = (goes_on & ~by_grey).mean(axis=1)
    return TubeSurface(points, along, first, second, radii, outlined, np.minimum(lateral, 1.0), crossed)


def _with_grey(ends: Mask, absorbs: Array, thicker: int) -> tuple[Mask, Mask, Array]:
    """Return where labels (n, RAYS, m) or absorption end, where absorption does, and what is against each."""
    missing = np.isnan(absorbs)
    mean = ndimage.gaussian_filter(
        np.where(missing, 0.0, absorbs), (_GREY_SMOOTH, _GREY_TURN, 0), mode=("nearest", "wrap", "nearest")
    )
    index = np.arange(ends.shape[-1])

    def taken(px: float) -> Array:  # between two samples each
        shifted = index + 0.5 + px / _RAY_PX
        low = np.clip(np.floor(shifted), 0, mean.shape[-1] - 1).astype(int)
        high = np.clip(low + 1, 0, mean.shape[-1] - 1)
        result: Array = (mean[..., low] + mean[..., high]) / 2
        return result

    strength = np.where(missing[..., :-1], 0.0, edge(taken(-INSIDE_PX) - taken(OUTSIDE_PX)))
    slope = taken(-_SLOPE_PX) - taken(_SLOPE_PX)
    before, after = np.roll(slope, 1, axis=-1), np.roll(slope, -1, axis=-1)
    before[..., 0] = after[..., -1] = np.inf
    tops = (slope >= before) & (slope > after) & (strength > _GREY_EDGE)
    moved = np.zeros_like(ends)
    moved[..., : ends.shape[-1] - thicker] = ends[..., thicker:]
    moved &= strength > -_GREY_EDGE
    return tops | moved, tops, np.where(tops, _AGAINST * (1 - strength), 0.6 * _AGAINST)


def _sampled(label: Mask, away: Array) -> Mask:
    """Return the labels (n, RAYS) so far from the axis (n, RAYS) along the rays."""
    index = np.clip(away / _RAY_PX - 0.5, 0, label.shape[-1] - 1).round().astype(np.int64)
    result: Mask = np.take_along_axis(label, index[..., None], axis=-1)[..., 0]
    return result


def _off_axis(surface: TubeSurface) -> Array:
    """Return how far the middles of cross-sections lie off the axis (n, 3)."""
    rays = _rays(surface.first, surface.second)
    weight = surface.radii[..., None]
    middle = 2 / 3 * (weight**3 * rays).sum(axis=1) / (weight**2).sum(axis=1)
    sigma = max(_SMOOTH, 0.5 * float(np.median(surface.radii)))
    result: Array = ndimage.gaussian_filter1d(middle, sigma, axis=0, mode="nearest")
    return result


def _expected(hit: Mask, nearest: Array, radius: Array) -> Array:
    """Return the radii (n, RAYS) that those near, around, and at last those of the whole ring make likely."""
    sigma = max(1.5, 0.35 * float(radius.mean()))
    weight = hit.astype(np.float64)
    result = np.repeat(radius[:, None], RAYS, axis=1)
    for scale, turn, trust in ((4.0, 8.0, 1e-3), (2.5, 3.0, 0.05), (1.0, 1.0, 0.05)):
        values, known = _blurred(weight, nearest, (sigma * scale, turn))
        result = (values + trust * result) / (known + trust)
    return result


def _blurred(weight: Array, values: Array, sigma: tuple[float, float]) -> tuple[Array, Array]:
    mode = ("nearest", "wrap")
    return (
        ndimage.gaussian_filter(weight * values, sigma, mode=mode),
        ndimage.gaussian_filter(weight, sigma, mode=mode),
    )


def _rays(first: Array, second: Array) -> Array:
    angles = np.arange(RAYS) * 2 * np.pi / RAYS
    result: Array = np.cos(angles)[:, None] * first[:, None] + np.sin(angles)[:, None] * second[:, None]
    return result


def _smoothed(points: Array) -> Array:
    """Smooth a line (n, 3); it goes on straight beyond its ends, so that these stay where they are."""
    pad = min(len(points) - 1, int(3 * _SMOOTH))
    if pad < 1:
        return points
    longer = np.pad(points, ((pad, pad), (0, 0)), mode="reflect", reflect_type="odd")
    result: Array = ndimage.gaussian_filter1d(longer, _SMOOTH, axis=0)[pad:-pad]
    return result


def _directions(points: Array) -> Array:
    steps = np.gradient(points, axis=0)
    steps /= np.maximum(np.linalg.norm(steps, axis=1, keepdims=True), 1e-9)
    steps = ndimage.gaussian_filter1d(steps, _SMOOTH, axis=0, mode="nearest")
    result: Array = steps / np.maximum(np.linalg.norm(steps, axis=1, keepdims=True), 1e-9)
    return result


def _carried(along: Array) -> tuple[Array, Array]:
    """Return two unit vectors across each direction, which turn no more than the axis does."""
    first = [across(along[:1])[0][0]]
    for direction in along[1:]:
        moved = first[-1] - (first[-1] @ direction) * direction
        first.append(moved / np.linalg.norm(moved))
    vectors: NDArray[np.float64] = np.array(first)
    return vectors, np.cross(along, vectors)
