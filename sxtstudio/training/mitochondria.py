"""Mitochondria: curved tubes of dense matrix, with cristae that show or do not."""

from __future__ import annotations

import numpy as np

from sxtstudio.core.geometry import Box
from sxtstudio.training import cristae, shapes
from sxtstudio.training.canvas import Phantom, PhantomMaterial, box_around, paint
from sxtstudio.training.organelles import gap_px, log_uniform
from sxtstudio.training.shapes import Array, Vector


def mitochondrion(rng: np.random.Generator, phantom: Phantom, crowded: float) -> bool:
    """Add a curved, now and then branched tube of dense matrix, with or without visible cristae."""
    appearance = phantom.appearance
    radius = appearance.px(rng.uniform(130, 290))
    centre = phantom.find_site(rng, radius, crowded)
    if centre is None:
        return False
    wanted = appearance.px(log_uniform(rng, 300, 5000))
    trunk = _free_curve(rng, phantom, centre, rng.normal(size=3) * [0.3, 1, 1], wanted, radius)
    curves = [trunk]
    while len(trunk) > 8 * radius and rng.random() < 0.25 and len(curves) < 4:
        root = trunk[rng.integers(len(trunk))]
        branch = _free_curve(
            rng, phantom, root, rng.normal(size=3) * [0.3, 1, 1], wanted * rng.uniform(0.2, 0.6), radius
        )
        curves.append(branch)
    points = np.concatenate(curves)
    box = box_around(phantom, points.min(0) - radius * 1.3, points.max(0) + radius * 1.3)
    if box is None:
        return False
    swelling = rng.uniform(0, 0.25)
    implicit = shapes.tube(rng, box, trunk, radius, swelling)
    for branch in curves[1:]:
        np.minimum(implicit, shapes.tube(rng, box, branch, radius * 0.85, swelling), out=implicit)
    implicit = phantom.fit(box, implicit, gap_px(rng))
    phantom.claim(box, implicit, points[:: max(1, int(radius))], radius)
    inside = appearance.cytosol + rng.uniform(0.05, 0.2)
    grain = np.float32(rng.uniform(0, 0.03)) * shapes.smooth_noise(rng, box.shape, rng.uniform(4, 8))
    material = PhantomMaterial(inside, appearance.rim(rng, inside), appearance.width * rng.uniform(0.9, 1.4))
    paint(phantom, box, implicit, material, grain, "mitochondrion")
    if radius > appearance.px(90) and radius > 5 and rng.random() < 0.7:
        if rng.random() < 0.8:
            cristae.add_lamellae(rng, phantom, box, implicit, points)
        else:
            _tangle(rng, phantom, box, implicit)
    return True


def _tangle(rng: np.random.Generator, phantom: Phantom, box: Box, implicit: Array) -> None:
    """Add irregular folds, as cristae seen along the tube or those of a sick mitochondrion are."""
    waves = shapes.smooth_noise(rng, box.shape, phantom.appearance.px(rng.uniform(110, 220)))
    folds = (np.abs(waves) < rng.uniform(0.06, 0.18)) & (implicit < -3)
    strength = rng.uniform(0.03, 0.14) * rng.choice([-0.6, 1])
    phantom.grain[box.slices][folds] += np.float32(strength)
    if abs(strength) > cristae.SEEN_LAC:
        phantom.hidden[box.slices][folds] = True


def _free_curve(
    rng: np.random.Generator,
    phantom: Phantom,
    start: Vector,
    direction: Vector,
    length: float,
    radius: float,
) -> Vector:
    """Return the longest of some random curves, each ended where it would run into something."""
    best = start[None] + np.zeros((8, 3))
    bend = rng.uniform(0.1, 0.5)
    for _ in range(4):
        curve = shapes.random_curve(rng, start, direction, length, bend, knot_px=max(4.0, 1.6 * radius))
        blocked = np.flatnonzero(phantom.room_at(curve) < 0.55 * radius)
        curve = curve[: blocked[0]] if len(blocked) else curve
        if len(curve) > len(best):
            best = curve
        direction = rng.normal(size=3) * [0.3, 1, 1]
    return best
