"""How well a piece of a tube fits the outlines: its surface is where, seen from its axis, a label ends.

::

      free      free                       free
    ━━━━━━━━━━━━━━━━━━━━━    ▲           ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓   ▲ the outer edge
     lumen                   │ radius    ▓▓▓▓ a stroke ▓▓▓   │
    ─ ─ ─ ─ axis ─ ─ ─ ─ ─ ─ ┘           ─ ─ axis ─ ─ ─ ─ ─ ─┘

So narrow filopodia that are drawn as one stroke are tubes, too, and specks of a lumen in them do not matter.
A gap is an edge that is missing; a label that goes on beyond the surface speaks against it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sxtstudio.core.filopodia.grey import INSIDE_PX, OUTSIDE_PX, edge
from sxtstudio.core.filopodia.sampling import Array, Ground, Mask

#: Rays from the axis.
_RAYS = 16
_ANGLES = np.arange(_RAYS) * 2 * np.pi / _RAYS
_ACROSS, _UP = np.cos(_ANGLES), np.sin(_ANGLES)
_LEFT, _RIGHT = _ACROSS > 0.35, _ACROSS < -0.35
_REST = ~(_LEFT | _RIGHT)
#: A label ends within so many px of the surface.
_NEAR_PX, _FAR_PX = 0.6, 2.0
#: Rays along the beam count less: tops and bottoms are missing in ±60° data.
_BEAM = 0.3
#: What is not known, as beyond a border, counts so much.
_UNKNOWN = 0.3
#: Labels that go on beyond the surface, and sides that differ, count so much against it.
_GOES_ON, _UNLIKE = 0.3, 0.15


@dataclass(frozen=True)
class Score:
    """How well pieces fit, 0…1 (n,): all in all, and on both sides in the slices, at each place (n, k)."""

    total: Array
    left: Array
    right: Array


def across(direction: Array) -> tuple[Array, Array]:
    """Return two unit vectors (…, 3) across directions (…, 3), the first one in the slice."""
    first = np.cross(direction, np.array([1.0, 0.0, 0.0]))
    length = np.linalg.norm(first, axis=-1, keepdims=True)
    along_x = np.broadcast_to(np.array([0.0, 0.0, 1.0]), direction.shape)
    other = along_x - (along_x * direction).sum(axis=-1, keepdims=True) * direction
    first = np.where(length > 0.15, first / np.maximum(length, 1e-9), other)
    first = first / np.linalg.norm(first, axis=-1, keepdims=True)
    return first, np.cross(direction, first)


def ray_weights(rays: Array) -> Array:
    """Return how much rays (…, 3) count: less the more they run along the beam."""
    result: Array = _BEAM + (1 - _BEAM) * (1 - rays[..., 0] ** 2)
    return result


class TubeFit:
    """Fits straight pieces of tubes to labels."""

    def __init__(self, ground: Ground, half_wall: float) -> None:
        """Take labels with outlines of this half width, px."""
        self.ground, self.half_wall = ground, half_wall
        inner = min(_FAR_PX, max(2 * half_wall - 0.4, _NEAR_PX + 0.1))
        self._offsets = np.array([-_NEAR_PX, -inner, _NEAR_PX, _FAR_PX])

    def score(self, middle: Array, direction: Array, radius: Array, along: Array) -> Score:
        """Return how well tubes fit.

        Parameters
        ----------
        middle, direction, radius
            (n, 3), unit vectors (n, 3) and (n,), px.
        along
            Where they are looked at, px from the middle (k,).
        """
        first, second = across(direction)
        rays = _ACROSS[:, None] * first[:, None] + _UP[:, None] * second[:, None]
        places = middle[:, None] + along[:, None] * direction[:, None]
        out = np.maximum(radius[:, None] + self._offsets + self.ground.thicker, 0.0)
        points = places[:, :, None, None] + rays[:, None, :, None] * out[:, None, None, :, None]
        label, known = self.ground.at(points)
        lies = label.astype(np.float32)
        ends = np.maximum(0.0, (lies[..., 0] + lies[..., 1] - lies[..., 2] - lies[..., 3]) / 2)
        grey = self._grey_edge(places, rays, radius)
        if grey is not None:
            ends = np.maximum(ends, grey) + 0.5 * np.minimum(grey, 0.0)
        goes_on = label[..., 0] & label[..., 2] & label[..., 3]
        weight = ray_weights(rays)[:, None] * known[..., 1]
        left, right, rest = (_mean(ends, weight, part) for part in (_LEFT, _RIGHT, _REST))
        against = (goes_on * weight).sum(axis=-1) / np.maximum(weight.sum(axis=-1), 1e-6)
        beam = 0.1 + 0.25 * np.abs(direction[:, :1])  # along the beam all sides count alike
        at_places = (left + right) * (1 - beam) / 2 + rest * beam
        at_places = at_places - _GOES_ON * against - _UNLIKE * np.abs(left - right)
        return Score(at_places.mean(axis=-1), left, right)

    def _grey_edge(self, places: Array, rays: Array, radius: Array) -> Array | None:
        """Return how much of an edge there is in the tomogram, -1…1 (n, 1, rays); None without one."""
        grey = self.ground.grey
        if grey is None:
            return None
        out = np.maximum(radius[:, None] + np.array([-INSIDE_PX, OUTSIDE_PX]), 0.0)
        points = places[:, :, None, None] + rays[:, None, :, None] * out[:, None, None, :, None]
        absorbs = grey.at(points)
        return edge((absorbs[..., 0] - absorbs[..., 1]).mean(axis=1, keepdims=True))

    def centred(
        self, middle: Array, direction: Array, radius: float, along: Array, step: float = 1.0
    ) -> tuple[Array, float, float]:
        """Return the middle and radius that fit best near given ones, and how well they do."""
        first, second = across(direction)
        steps = np.arange(-2, 3) * step
        offsets = np.array([(a, b) for a in steps for b in steps])
        factors = np.array([0.9, 1.0, 1.1])
        middles = np.repeat(middle + offsets[:, :1] * first + offsets[:, 1:] * second, 3, axis=0)
        radii = np.tile(radius * factors, len(offsets))
        cost = np.repeat((offsets**2).sum(axis=1), 3) * 0.01 / max(step, 1.0)
        cost += np.tile(0.3 * np.abs(np.log(factors)), len(offsets))
        directions = np.broadcast_to(direction, middles.shape)
        total = self.score(middles, directions, radii, along).total
        best = int((total - cost).argmax())
        return middles[best], float(radii[best]), float(total[best])


def _mean(values: Array, weight: Array, part: Mask) -> Array:
    chosen = weight[..., part]
    known = chosen.sum(axis=-1)
    mean = (values[..., part] * chosen).sum(axis=-1) / np.maximum(known, 1e-6)
    result: Array = np.where(known < 0.17 * np.count_nonzero(part), _UNKNOWN, mean)
    return result
