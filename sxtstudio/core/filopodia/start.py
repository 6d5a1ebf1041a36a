"""Pieces of tubes that a click may lie in: across each direction, between where labels end on both sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sxtstudio.core.filopodia.grey import INSIDE_PX, OUTSIDE_PX, Grey, edge
from sxtstudio.core.filopodia.sampling import Array, Ground
from sxtstudio.core.filopodia.tube import TubeFit
from sxtstudio.core.geometry import Triple

#: Directions in the slice, in half a turn; and how much they lean towards the beam, degrees.
_DIRECTIONS, _LEAN = 24, 35
#: Rays go out from so far beside the click along the tube, and above and below it, px.
_ALONG_PX, _ABOVE_PX = (-12.0, -4.0, 0.0, 4.0, 12.0), (-3.0, 0.0, 3.0)
_BESIDE = frozenset(
    (along, above) for along in _ALONG_PX for above in _ABOVE_PX if abs(along) < 12 or not above
)
#: So many edges are looked at on each side; each that is passed by counts against the piece.
_EDGES, _PASSED = 4, 0.04
#: An edge of the tomogram counts from this share of a whole one on.
_EDGE = 0.25
#: In the tomogram all is drawn out along the beam, so that what runs along it counts less.
_BEAM_COST = 0.3
#: What is no wider than so many lines may be one, such as the wall of a tube that was clicked.
_LINE, _LINE_COST = 1.5, 0.2
#: Places along a piece where it is looked at, px.
PIECE = np.array([-8.0, -4.0, 0.0, 4.0, 8.0])
#: Pieces are scored so many at once.
_AT_ONCE = 500


@dataclass(frozen=True)
class TubePiece:
    """A straight piece of a tube: middle and direction (3,), radius in px, and how well it fits."""

    middle: Array
    direction: Array
    radius: float
    score: float


def pieces_at(fit: TubeFit, seed: Triple, widest: float, most: int = 4) -> list[TubePiece]:
    """Return pieces of tubes that a voxel may lie in, the best first; their radius is at most ``widest``."""
    ground = fit.ground
    at = np.array(seed) * ground.scale
    least = fit.half_wall + 0.25
    found: list[tuple[Array, Array, float, float]] = []
    for turn in range(_DIRECTIONS):
        angle = np.pi * turn / _DIRECTIONS
        along = np.array([0.0, np.cos(angle), np.sin(angle)])
        side = np.array([0.0, -along[2], along[1]])
        for shift in _ALONG_PX:
            for above in _ABOVE_PX:
                base = at + shift * along + np.array([above, 0.0, 0.0])
                if (shift, above) not in _BESIDE or not ground.holds(base):
                    continue
                leans = (-_LEAN, 0, _LEAN) if above == 0 else (0,)
                for offset, radius, cost in _between(ground, base, along, side, least, widest):
                    for lean in leans:
                        found.append(
                            (
                                base + offset * side,
                                _leaning(along, lean),
                                radius,
                                cost + abs(above) / 50 / radius + abs(shift) / 400,
                            )
                        )
        if turn % 3 == 0:  # along the beam, and nearly so
            for offset, radius, cost in _between(ground, at, along, side, least, widest):
                found.append((at + offset * side, np.array([1.0, 0.0, 0.0]), radius, cost))
                for lean in (-60, 60):
                    found += [
                        (at + offset * side, _leaning(way, lean), radius, cost) for way in (along, side)
                    ]
    return _best(fit, found, most) if found else []


def _leaning(along: Array, degrees: float) -> Array:
    lean = np.radians(degrees)
    result: Array = np.cos(lean) * along + np.sin(lean) * np.array([1.0, 0.0, 0.0])
    return result


def _between(
    ground: Ground, base: Array, along: Array, side: Array, least: float, widest: float
) -> list[tuple[float, float, float]]:
    """Return offset, radius and cost of what lies between an edge on each side."""
    away = np.arange(0, 2 * widest, 0.5)
    label, known = ground.at(base + np.concatenate([away, -away])[:, None] * side)
    label &= known
    ends = label[:-1] & ~label[1:] & known[1:]
    count = len(away)
    sides = [away[:-1][ends[: count - 1]] + 0.25, away[:-1][ends[count:]] + 0.25]
    if ground.grey is not None:
        sides = [
            _merged(edges - ground.thicker, _grey_edges(ground.grey, base, along, way, away))
            for edges, way in zip(sides, (side, -side), strict=True)
        ]
    one, other = (edges[:_EDGES] for edges in sides)
    found = []
    for i, right in enumerate(one.tolist()):
        for j, left in enumerate(other.tolist()):
            radius = (right + left) / 2
            if least <= radius <= widest:
                found.append(((right - left) / 2, radius, _PASSED * (i + j)))
    return found


def _grey_edges(grey: Grey, base: Array, along: Array, side: Array, away: Array) -> Array:
    """Return where absorption drops most from a point on, looked at along the tube's direction too."""
    lines = base + np.array([-3.0, -1.5, 0.0, 1.5, 3.0])[:, None] * along
    points = lines[:, None, None] + np.stack([away - INSIDE_PX, away + OUTSIDE_PX])[..., None] * side
    absorbs = grey.at(points).mean(axis=0)
    drop = edge(absorbs[0] - absorbs[1])
    top = (drop[1:-1] >= drop[:-2]) & (drop[1:-1] > drop[2:]) & (drop[1:-1] > _EDGE)
    return np.asarray(away[1:-1][top])


def _merged(one: Array, other: Array) -> Array:
    """Return edges of both, each once, the nearest first."""
    apart = [place for place in one.tolist() if not len(other) or np.abs(other - place).min() > 1]
    return np.sort(np.concatenate([other, apart]))


def _best(fit: TubeFit, found: list[tuple[Array, Array, float, float]], most: int) -> list[TubePiece]:
    middles, directions, radii, costs = (np.array(values) for values in zip(*found, strict=True))
    scores = np.concatenate(
        [
            fit.score(
                middles[i : i + _AT_ONCE], directions[i : i + _AT_ONCE], radii[i : i + _AT_ONCE], PIECE
            ).total
            for i in range(0, len(middles), _AT_ONCE)
        ]
    )
    if fit.ground.grey is not None:
        costs = costs + _BEAM_COST * directions[:, 0] ** 2
    scores = scores - costs - np.where(radii < _LINE * fit.half_wall, _LINE_COST, 0.0)
    chosen: list[TubePiece] = []
    for best in np.argsort(-scores).tolist():
        piece = TubePiece(middles[best], directions[best], float(radii[best]), float(scores[best]))
        if not any(_alike(piece, other) for other in chosen):
            chosen.append(piece)
            if len(chosen) == most:
                break
    return chosen


def _alike(piece: TubePiece, other: TubePiece) -> bool:
    return (
        abs(np.log(piece.radius / other.radius)) <= 0.2
        and float(np.linalg.norm(piece.middle - other.middle)) <= 0.5 * other.radius
        and abs(float(piece.direction @ other.direction)) >= 0.8
    )
