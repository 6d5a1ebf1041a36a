"""Cristae: the folds of a mitochondrion's inner membrane, across the tube as electron microscopes show them.

In FIB-SEM volumes of fibroblasts cristae are lamellae 20 to 35 nm thick (lumen and both membranes), 55 to
110 nm apart, most at a right angle to the tube or up to 35° from it, and most reach from wall to wall or
three quarters of the way. Swollen mitochondria have fewer of them, farther apart. Soft X-rays show
them as dark lines, now and then as pale ones, and where they stand close only as a stripy grain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from sxtstudio.core.geometry import Box
from sxtstudio.training import canvas, shapes
from sxtstudio.training.canvas import Phantom
from sxtstudio.training.shapes import Array, Vector

#: Lamellae at least so far apart (voxels), so thick and so much darker than the matrix are outlined.
RESOLVED_PX, THICK_PX, CLEAR_LAC = 7.0, 1.8, 0.07
#: Those that differ at least so much from the matrix (1/µm) would be seen, but hardly outlined: not judged.
SEEN_LAC = 0.03
#: Half the width that is drawn round the middle of a thin lamella, voxels.
_HALF_PX = 1.6


@dataclass(frozen=True)
class CristaeAppearance:
    """How the cristae of one mitochondrion show."""

    lac: float  # by how much they differ from the matrix, 1/µm
    drawn: bool  # whether an annotator would draw them one by one


def random_look(
    rng: np.random.Generator, phantom: Phantom, apart_px: float, thick_px: float
) -> CristaeAppearance:
    """Return how lamellae of this thickness, ``apart_px`` from middle to middle, show."""
    lac = rng.uniform(0.03, 0.2)
    if rng.random() < 0.25:
        return CristaeAppearance(-0.6 * lac, False)  # the lumen shows, not the membranes
    resolved = apart_px >= RESOLVED_PX and thick_px >= THICK_PX
    return CristaeAppearance(lac, resolved and lac >= CLEAR_LAC)


def add_lamellae(
    rng: np.random.Generator, phantom: Phantom, box: Box, implicit: Array, curve: Vector
) -> None:
    """Fold lamellae into a mitochondrion.

    Parameters
    ----------
    box, implicit
        The mitochondrion, negative inside, (z, y, x).
    curve
        Points along its axis, (n, 3).
    """
    appearance = phantom.appearance
    apart = appearance.px(rng.uniform(55, 110) if rng.random() < 0.6 else rng.uniform(90, 220))
    thick = max(1.0, appearance.px(rng.uniform(20, 36)))
    if apart < 2.2 * thick:
        apart = 2.2 * thick
    inner = implicit < -max(1.0, appearance.px(rng.uniform(12, 30)))
    where = np.argwhere(inner)
    if len(where) < 50:
        return
    distance = np.full(box.shape, np.float32(shapes.NEAR_PX))
    distance[inner] = _to_lamellae(rng, where + np.array(box.start), curve, apart, thick)
    # The matrix comes between a lamella's edge and the inner boundary membrane, unless it is rooted there.
    share = np.clip(np.float32(0.5) - distance, 0, 1)
    put(phantom, box, share, distance, random_look(rng, phantom, apart, thick))


def put(phantom: Phantom, box: Box, share: Array, distance: Array, look: CristaeAppearance) -> None:
    """Put cristae into a mitochondrion, (z, y, x).

    Parameters
    ----------
    share
        How much of each voxel is crista, 0 to 1.
    distance
        That to their border, voxels, negative inside them.
    """
    outline, hidden = phantom.outline[box.slices], phantom.hidden[box.slices]
    if look.drawn:
        phantom.lac[box.slices] += share * np.float32(look.lac)
        # Where a lamella ends the distance leaps: only its direction is asked for here.
        _, upright = shapes.signed_distance(distance)
        canvas.draw(outline, hidden, distance, upright, one_stroke=True, half=_HALF_PX)
        return
    phantom.grain[box.slices] += share * np.float32(look.lac)
    if abs(look.lac) > SEEN_LAC:
        hidden |= share > 0.25


def _to_lamellae(
    rng: np.random.Generator, points: NDArray[np.int64], curve: Vector, apart: float, thick: float
) -> Array:
    """Return the distance of ``points`` (n, 3) to the nearest lamella, negative inside one."""
    step = max(1, len(curve) // 400)
    axis = curve[::step]
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(axis, axis=0), axis=1))])
    to_axis, nearest = cKDTree(axis).query(points, workers=1)
    offset = points - axis[nearest]
    # Between and beyond the points of the axis the position goes on along its direction.
    ahead = np.gradient(axis, axis=0) if len(axis) > 1 else np.ones((1, 3))
    ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-9)
    position = along[nearest] + np.einsum("ij,ij->i", offset, ahead[nearest])
    radius = float(np.percentile(to_axis, 98))
    lean = rng.normal(size=3) * np.tan(np.deg2rad(rng.uniform(0, 30)))
    position += offset @ lean
    position += _ripple(rng, offset, along[nearest], 0.22 * apart, max(radius, 3.0))
    first, last = position.min() - apart, position.max() + apart
    count = int((last - first) / apart) + 2
    middles = first + apart * np.cumsum(rng.uniform(0.7, 1.3, count))
    halves = thick / 2 * rng.uniform(0.8, 1.25, count)
    angle = rng.uniform(0, 2 * np.pi, count)
    reach = np.where(rng.random(count) < 0.6, 2.0, rng.uniform(-0.4, 0.7, count)) * radius
    reach[rng.random(count) < 0.08] = -9 * radius  # here and there one is missing
    right = np.clip(np.searchsorted(middles, position), 1, count - 1)
    best = np.full(len(points), np.float32(shapes.NEAR_PX))
    across = _across(ahead[nearest])
    u, v = (np.einsum("ij,ij->i", offset, direction) for direction in across)
    for k in (right - 1, right):
        gap = np.abs(position - middles[k]) - halves[k]
        # A lamella grows from one side of the wall; its edge is a straight line across the tube.
        beyond = u * np.cos(angle[k]) + v * np.sin(angle[k]) - reach[k]
        np.minimum(best, np.maximum(gap, beyond), out=best)
    return best


def _ripple(rng: np.random.Generator, offset: Vector, along: Vector, height: float, radius: float) -> Vector:
    """Return gentle waves of lamellae, (n,), of about ``height``."""
    waves = np.zeros(len(offset))
    for _ in range(3):
        turn = rng.normal(size=3) * rng.uniform(0.4, 1.3) / radius
        waves += np.sin(offset @ turn + along * rng.normal() * 0.5 / radius + rng.uniform(0, 2 * np.pi))
    return np.asarray(waves * height / np.sqrt(1.5))


def _across(ahead: Vector) -> tuple[Vector, Vector]:
    """Return two directions at right angles to each of ``ahead`` (n, 3) and to each other."""
    helper = np.where(np.abs(ahead[:, :1]) < 0.8, [[1.0, 0, 0]], [[0, 1.0, 0]])
    first = np.cross(ahead, helper)
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-9)
    return first, np.cross(ahead, first)
