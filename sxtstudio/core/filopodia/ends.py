"""Where a tube ends: at a waist, where it becomes wide, or where its outlines end; and which is the tip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from sxtstudio.core.filopodia.grey import INSIDE_PX, OUTSIDE_PX, Grey, edge
from sxtstudio.core.filopodia.sampling import Array, Ground
from sxtstudio.core.filopodia.surface import TubeSurface
from sxtstudio.core.filopodia.tube import across

#: Narrower than this share of what it was before and is behind: another body follows.
_WAIST = 0.8
#: It begins to become wide where it is so many times as wide as before.
_BEGINS = 1.1
#: The neighbourhood of an end is looked at as far beside the tube, px and radii.
_BESIDE_PX, _BESIDE = 3.0, 1.5
#: The tip is closed where so many of the directions ahead meet a label.
_CLOSED = 0.5
#: At the base the cell's membrane turns away: so much of the usual rim is left where that begins.
_TURNS_AWAY = 0.7
#: From this share of a whole edge of the tomogram on a tip is closed there.
_TIP_EDGE = 0.4


def trimmed(surface: TubeSurface, begin: int, end: int, start: Array, jump: float) -> tuple[int, int]:
    """Return the ends of a tube, seen from a point (3,) of it, given where its outlines end."""
    middle = int(np.linalg.norm(surface.points - start, axis=1).argmin())
    middle = min(max(middle, begin), end)
    radius = surface.side_radius()
    ahead = _outward(radius[middle : end + 1], jump)
    behind = _outward(radius[begin : middle + 1][::-1], jump)
    return middle - behind, middle + ahead


def _outward(radius: Array, jump: float) -> int:
    """Return how far (index) a tube goes on as wide as it begins."""
    last = len(radius) - 1
    for place in range(2, len(radius)):
        usual = float(np.median(radius[: place + 1]))
        if radius[place : place + 3].min() > jump * usual:
            while place > 1 and radius[place - 1] > _BEGINS * usual:
                place -= 1
            last = place
            break
    for place in range(2, last - 2):
        narrow = float(radius[place])
        if narrow > radius[max(0, place - 4) : place + 5].min():
            continue
        before = float(np.median(radius[: place + 1]))
        behind = float(radius[place : place + int(2.5 * narrow) + 3].max())
        if narrow <= _WAIST * before and behind >= narrow / _WAIST:
            return place
    return last


def base_of(surface: TubeSurface, begin: int, end: int) -> int:
    """Return where a tube that begins at its tip leaves the cell: there the membrane turns away from it."""
    outlined = ndimage.gaussian_filter1d(surface.outlined, 1.0)
    first = max(begin + 1, end - int(np.median(surface.radii[begin : end + 1])))
    usual = float(np.median(outlined[begin : end + 1]))
    while end > first and outlined[end] < _TURNS_AWAY * usual:
        end -= 1
    return end


def tip_of(ground: Ground, surface: TubeSurface, begin: int, end: int) -> int:
    """Return where a tube that begins at its tip ends there: the outer edge of what lies across its axis."""
    radius = int(np.median(surface.radii[begin : end + 1]))
    behind = min(end, begin + max(2, radius // 2))
    ahead = np.arange(0.0, behind - max(0, begin - radius - 2), 0.5)
    if ground.grey is not None and len(ahead):
        seen = _grey_tip(ground.grey, surface, behind, ahead)
        if seen is not None and abs(behind - seen - begin) <= 0.7 * radius + 1:
            return min(end, max(0, round(behind - seen)))
    label, _ = ground.at(surface.points[behind] - ahead[:, None] * surface.along[behind])
    edges = behind - ahead[:-1][label[:-1] & ~label[1:]] - 0.25
    near = edges[np.abs(edges - begin) <= 0.7 * radius + 1]
    return begin if not len(near) else max(0, int(np.ceil(near[np.abs(near - begin).argmin()])))


def _grey_tip(grey: Grey, surface: TubeSurface, place: int, ahead: Array) -> float | None:
    """Return how far ahead of a point of the axis, towards the tip, absorption ends; None: nowhere."""
    radius = float(np.median(surface.radii[place]))
    aside = [np.zeros(3)]
    for way in (surface.first[place], surface.second[place]):
        aside += [0.35 * radius * way, -0.35 * radius * way]
    steps = np.stack([ahead - INSIDE_PX, ahead + OUTSIDE_PX])
    points = surface.points[place] - steps[..., None] * surface.along[place]
    absorbs = np.nan_to_num(grey.at(np.array(aside)[:, None, None] + points)).mean(axis=0)
    drop = edge(absorbs[0] - absorbs[1])
    best = int(drop.argmax())
    return float(ahead[best]) if drop[best] > _TIP_EDGE else None


def rounded(surface: TubeSurface, begin: int, seen: int, end: int) -> TubeSurface:
    """Return a tube whose tip is rounded, from where its rim was last seen to its first point."""
    if seen <= begin:
        return surface
    radius = float(np.median(surface.radii[begin : end + 1]))
    away = np.arange(seen - begin) + 0.5
    reach = max(radius, seen - begin + 1.0)
    round_tip = radius * np.sqrt(np.clip(away * (2 * reach - away), 0, None)) / reach
    radii = surface.radii.copy()
    radii[begin:seen] = np.minimum(radii[begin:seen], round_tip[:, None])
    return replace(surface, radii=radii)


def hangs_on(ground: Ground, surface: TubeSurface, place: int) -> float:
    """Return how much label lies beside a tube at one of its ends (0 or -1): at its base, the cell's."""
    radius = float(np.median(surface.radii))
    outward = -1.0 if place == 0 else 1.0
    point, along = surface.points[place], surface.along[place] * outward
    first, second = across(along)
    angles = np.arange(24) * 2 * np.pi / 24
    rays = np.cos(angles)[:, None] * first + np.sin(angles)[:, None] * second
    away = radius + _BESIDE_PX + np.linspace(0, _BESIDE * radius, 5)
    ahead = np.arange(-2.0, radius + 2.0)
    points = point + ahead[:, None, None, None] * along + rays[:, None] * away[:, None]
    label, known = ground.at(points)
    # Of each direction the fullest place counts, and of two opposite ones the emptier: neighbours lie aside.
    full = (label & known).any(axis=2).mean(axis=0)
    if ground.grey is not None:
        full = np.maximum(full, _dark_beside(ground.grey, surface, points))
    return float(np.minimum(full, np.roll(full, 12)).mean() + 0.1 * full.mean())


def _dark_beside(grey: Grey, surface: TubeSurface, points: Array) -> Array:
    """Return how dark it is beside an end (…, directions): 0 as outside of the tube, 1 as inside."""
    inside = grey.at(surface.points)
    outside = grey.at(surface.points[:, None] + surface.rays() * (surface.radii[..., None] + 3.0))
    if np.isnan(inside).all() or np.isnan(outside).all():  # it lies in a hole, or beyond what was read
        return np.zeros(points.shape[1])
    free = float(np.nanmedian(outside))
    dark = (grey.at(points) - free) / max(float(np.nanmedian(inside)) - free, 0.1)
    result: Array = np.clip(np.nan_to_num(dark), 0, 1).mean(axis=(0, 2))
    return result


def is_closed(ground: Ground, surface: TubeSurface) -> bool:
    """Whether a label lies across the tip, at the first point."""
    radius = float(np.median(surface.radii))
    behind = surface.points[min(len(surface) - 1, int(radius))]
    along = -surface.along[0]
    first, second = across(along)
    angles = np.arange(12) * 2 * np.pi / 12
    aside = np.cos(angles)[:, None] * first + np.sin(angles)[:, None] * second
    rays = np.concatenate([along[None], along + 0.3 * aside, along + 0.7 * aside])
    rays = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    in_slices = np.abs(rays[:, 0]) < 0.5  # above and below there may be none in ±60° data
    rays = rays[in_slices] if np.abs(along[0]) < 0.8 and in_slices.any() else rays
    away = np.arange(0.0, 2.2 * radius + 3, 0.5)
    label, _ = ground.at(behind + rays[:, None] * away[:, None])
    closed = label.any(axis=1)
    if ground.grey is not None:
        steps = np.stack([away - INSIDE_PX, away + OUTSIDE_PX])
        absorbs = ground.grey.at(behind + rays[:, None, None] * steps[..., None])
        closed |= (edge(absorbs[:, 0] - absorbs[:, 1]) > _TIP_EDGE).any(axis=1)
    return bool(closed.mean() >= _CLOSED)
