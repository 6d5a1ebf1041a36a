"""A tube is followed from a piece of it, both ways, over gaps in its outlines, to its ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sxtstudio.core.filopodia.sampling import Array
from sxtstudio.core.filopodia.start import PIECE, TubePiece
from sxtstudio.core.filopodia.tube import TubeFit, across
from sxtstudio.core.progress import Progress

#: Turns that are tried in each step, degrees to both sides; a step is half a radius, or ``_LEAST_PX`` / 2.
_TURNS, _LEAST_PX = (-12, -6, 0, 6, 12), 4.0
_WIDTHS = np.array([0.88, 1.0, 1.13])
#: How well a side must fit: at least one, and the other.
_FITS, _ALSO = 0.35, 0.25
#: Without any outline it is followed so far, and with that of one side: px, or radii where that is more.
_NO_SIDE, _ONE_SIDE = (8.0, 1.5), (14.0, 2.5)
#: It is as wide as in so many steps before.
_BEFORE = 8
#: It does not turn back: cosine of the largest turn.
_TURN = 0.7


@dataclass(frozen=True)
class Way:
    """The middles (n, 3) and radii (n,) of a tube from a piece of it on, px."""

    points: Array
    radii: Array


def followed(fit: TubeFit, piece: TubePiece, widest: float, longest: float, progress: Progress) -> Way:
    """Return the way of a tube through a piece of it, from one end to the other."""
    middle, radius, _ = fit.centred(piece.middle, piece.direction, piece.radius, PIECE)
    middle, radius, _ = fit.centred(middle, piece.direction, radius, PIECE, step=0.5)
    begin = TubePiece(middle, piece.direction, radius, piece.score)
    ahead = _one_way(fit, begin, widest, longest, progress)
    behind = _one_way(
        fit, TubePiece(middle, -piece.direction, radius, piece.score), widest, longest, progress
    )
    return Way(
        np.concatenate([behind.points[::-1], ahead.points[1:]]),
        np.concatenate([behind.radii[::-1], ahead.radii[1:]]),
    )


def _one_way(fit: TubeFit, piece: TubePiece, widest: float, longest: float, progress: Progress) -> Way:
    at, towards, radius = piece.middle, piece.direction, piece.radius
    points, radii, usual = [at], [radius], [radius]
    last, none, one, gone = 0, 0.0, 0.0, 0.0
    while gone < longest:
        progress.check()
        unit = max(radius, _LEAST_PX)
        step, before = unit / 2, float(np.median(usual[-_BEFORE:]))
        ahead = _ahead(fit, at, towards, radius, before)
        on_both = False
        none, one = none + step, one + step
        if ahead is not None:
            new, way, wide, on_both = ahead
            none = 0.0
            one = 0.0 if on_both else one
            at, towards, radius = new, way, wide if on_both else before
        else:
            at, radius = at + step * towards, before
        if on_both:
            usual.append(radius)
        gone += step
        if not fit.ground.holds(at):
            last = len(points) - 1
            break
        points.append(at)
        radii.append(radius)
        if on_both:
            last = len(points) - 1
        if none > max(_NO_SIDE[0], _NO_SIDE[1] * before) or one > max(_ONE_SIDE[0], _ONE_SIDE[1] * before):
            break
        if radius > widest:
            break
    return Way(np.array(points[: last + 1]), np.array(radii[: last + 1]))


def _ahead(
    fit: TubeFit, at: Array, towards: Array, radius: float, before: float
) -> tuple[Array, Array, float, bool] | None:
    """Return the next middle, direction and radius, and if both sides fit; None where nothing does."""
    unit = max(radius, _LEAST_PX)
    along = np.array([0.3, 0.6, 0.9, 1.2]) * unit
    first, second = across(towards)
    turns = np.array([(a, b) for a in _TURNS for b in _TURNS])
    slopes = np.tan(np.radians(turns))
    ways = towards + slopes[:, :1] * first + slopes[:, 1:] * second
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    ways, widths = np.repeat(ways, len(_WIDTHS), axis=0), np.tile(radius * _WIDTHS, len(turns))
    cost = np.repeat((turns**2).sum(axis=1), len(_WIDTHS)) * 0.05 / 144
    cost = cost + 0.2 * np.abs(np.log(widths / before))
    score = fit.score(np.broadcast_to(at, ways.shape), ways, widths, along)
    best = int((score.total - cost).argmax())
    less, more = sorted((float(score.left[best].mean()), float(score.right[best].mean())))
    if more < _FITS or score.total[best] <= 0.1:
        return None
    way = ways[best]
    around = np.array([-0.3, 0.0, 0.3]) * unit
    new, wide, _ = fit.centred(at + unit / 2 * way, way, float(widths[best]), around)
    gone = (new - at) / max(float(np.linalg.norm(new - at)), 1e-6)
    if float(gone @ towards) <= _TURN:
        return None
    mean = gone + way
    return new, mean / np.linalg.norm(mean), wide, less >= _ALSO
