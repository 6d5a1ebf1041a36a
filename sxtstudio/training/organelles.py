"""What a cell holds and what grows out of it, each painted with sizes and absorption of its kind.

Absorption at 510 eV in 1/µm: cytosol 0.2–0.3, dense organelles 0.35–0.5, lipid droplets 0.6–0.8.
Each function takes the place where it may paint, and the membranes' absorption and width.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial.transform import Rotation

from sxtstudio.core.geometry import Box
from sxtstudio.training import shapes
from sxtstudio.training.canvas import (
    OUTLINE_HALF_PX,
    UPRIGHT,
    Material,
    Phantom,
    box_around,
    paint,
    paint_ellipsoid,
)
from sxtstudio.training.shapes import Vector

Painter = Callable[[np.random.Generator, Phantom, Vector, float, float], None]


def scatter(
    rng: np.random.Generator, phantom: Phantom, painter: Painter, count: int, membrane: float, width: float
) -> None:
    """Try ``count`` times to put an object of one kind somewhere inside the cell."""
    for _ in range(count):
        centre = rng.uniform(0, 1, 3) * phantom.shape
        z, y, x = (int(min(c, n - 1)) for c, n in zip(centre, phantom.shape, strict=True))
        if phantom.cell[z, y, x]:
            painter(rng, phantom, centre, membrane * rng.uniform(0.8, 1.15), width)


def _claim(rng: np.random.Generator, phantom: Phantom, centre: Vector, radius: float) -> bool:
    """Whether a ball of this radius finds room; neighbours may touch but hardly overlap."""
    gap = rng.uniform(-2, 6)
    for other, reach in phantom.taken:
        if np.linalg.norm(other - centre) < reach + radius + gap:
            return False
    phantom.taken.append((centre, radius))
    return True


def add_nucleus(rng: np.random.Generator, phantom: Phantom, material: Material) -> None:
    """Add a nucleus with its envelope, chromatin grain and nucleoli, mostly larger than the field of view."""
    size = np.array(phantom.shape)
    centre = rng.uniform(-0.1, 1.1, 3) * size
    radii = rng.uniform(0.35, 0.8, 3) * size[1]
    radii[0] = max(radii[0], size[0] * 0.7)
    whole = Box.whole(phantom.shape)
    implicit = shapes.bumpy_ellipsoid(rng, whole, centre, radii, Rotation.identity(), 0.06)
    grain = rng.uniform(0.005, 0.04) * shapes.smooth_noise(rng, phantom.shape, rng.uniform(6, 25))
    grain += rng.uniform(-0.06, 0.04)
    outside_cell = ~phantom.cell
    implicit[outside_cell] = np.maximum(implicit[outside_cell], 4)
    if rng.random() < 0.4:
        # Both membranes of the envelope, 3–5 voxels apart, are drawn as one line.
        gap = rng.uniform(3, 5)
        inner = Material(None, material.membrane, 1.8, labelled=False)
        paint(phantom, whole, implicit - gap / 2, inner)
        paint(phantom, whole, implicit + gap / 2, inner, grain)
        distance, upright = shapes.signed_distance(implicit)
        phantom.outline |= (np.abs(distance) < (OUTLINE_HALF_PX + 1) * upright) & (upright > UPRIGHT)
    else:
        paint(phantom, whole, implicit, material, grain)
    for _ in range(int(rng.integers(0, 3))):
        spot = centre + rng.normal(size=3) * radii * 0.3
        paint_ellipsoid(
            rng,
            phantom,
            spot,
            rng.uniform(12, 35, 3),
            Material(rng.uniform(0.3, 0.4), 0, 0, 0.03, False),
            0.15,
        )


def vesicle(
    rng: np.random.Generator, phantom: Phantom, centre: Vector, membrane: float, width: float
) -> None:
    """Add a closed membrane round a bright, an unremarkable or a dense inside, some with dark bodies."""
    radius = float(np.exp(rng.uniform(np.log(5), np.log(45))))
    if not _claim(rng, phantom, centre, radius):
        return
    kind = rng.random()
    if kind < 0.3:  # bright lumen
        material = Material(rng.uniform(0.11, 0.2), membrane, width, 0.01)
    elif kind < 0.55:  # as the cytosol: only the membrane shows
        material = Material(None, membrane, width)
    else:  # dense: lysosome, endosome, granule
        inside = rng.uniform(0.3, 0.5)
        material = Material(inside, max(inside, membrane * rng.uniform(0.8, 1)), width, rng.uniform(0, 0.08))
    paint_ellipsoid(rng, phantom, centre, radius * rng.uniform(0.75, 1.25, 3), material, rng.uniform(0, 0.08))
    if radius > 14 and rng.random() < 0.35:
        for _ in range(int(rng.integers(1, 5))):
            spot = centre + rng.normal(size=3) * radius * 0.3
            dark = Material(rng.uniform(0.45, 0.75), 0, 0, labelled=False)
            paint_ellipsoid(rng, phantom, spot, rng.uniform(2, radius * 0.25, 3), dark, 0.1)


def mitochondrion(
    rng: np.random.Generator, phantom: Phantom, centre: Vector, membrane: float, width: float
) -> None:
    """Add a bent, dense tube with cristae."""
    radius = rng.uniform(10, 26)
    length = radius * rng.uniform(0.5, 7)
    if not _claim(rng, phantom, centre, radius):
        return
    direction = rng.normal(size=3) * [0.3, 1, 1]
    curve = shapes.random_curve(rng, centre, direction, length, 0.3)
    box = box_around(phantom, curve.min(0) - radius * 1.3, curve.max(0) + radius * 1.3)
    if box is None:
        return
    phantom.taken.extend((point, radius) for point in curve[:: max(1, int(radius * 2))])
    implicit = shapes.tube(rng, box, curve, radius, 0.15)
    inside = rng.uniform(0.27, 0.42)
    grain = rng.uniform(0, 0.04) * shapes.smooth_noise(rng, box.shape, 5)
    paint(phantom, box, implicit, Material(inside, max(membrane, inside + 0.05), width + 0.5), grain)
    # Cristae: thin folded sheets across the tube; too fine to be outlined by hand.
    waves = shapes.smooth_noise(rng, box.shape, rng.uniform(12, 22))
    folds = (np.abs(waves) < rng.uniform(0.06, 0.16)) & (implicit < -2)
    phantom.lac[box.slices][folds] += rng.uniform(0.03, 0.14)


def droplet(
    rng: np.random.Generator, phantom: Phantom, centre: Vector, membrane: float, width: float
) -> None:
    """Add a lipid droplet: a ball of strong absorption whose rim is outlined."""
    radius = float(np.exp(rng.uniform(np.log(5), np.log(28))))
    if _claim(rng, phantom, centre, radius):
        inside = rng.uniform(0.55, 0.85)
        material = Material(inside, inside, 1, 0.02)
        paint_ellipsoid(rng, phantom, centre, radius * rng.uniform(0.9, 1.1, 3), material, 0.02)


def granule(
    rng: np.random.Generator, phantom: Phantom, centre: Vector, membrane: float, width: float
) -> None:
    """Add a small dark body of the cytoplasm that nobody outlines."""
    inside = rng.uniform(0.3, 0.6)
    paint_ellipsoid(rng, phantom, centre, rng.uniform(1.2, 4, 3), Material(inside, 0, 0, labelled=False), 0.1)


def filament(
    rng: np.random.Generator, phantom: Phantom, centre: Vector, membrane: float, width: float
) -> None:
    """Add a thin fibre, fainter and finer than a membrane, that nobody outlines."""
    direction = rng.normal(size=3) * [0.2, 1, 1]
    curve = shapes.random_curve(rng, centre, direction, rng.uniform(40, 200), 0.1)
    box = box_around(phantom, curve.min(0) - 4, curve.max(0) + 4)
    if box is not None:
        implicit = shapes.tube(rng, box, curve, rng.uniform(0.6, 1.2), 0)
        paint(phantom, box, implicit, Material(rng.uniform(0.28, 0.36), 0, 0, labelled=False))


def reticulum(
    rng: np.random.Generator, phantom: Phantom, centre: Vector, membrane: float, width: float
) -> None:
    """Add a cisterna of the endoplasmic reticulum: a sheet or a tubule, one or two lines wide."""
    material = Material(rng.uniform(0.2, 0.34), membrane, max(1.8, width * 0.8))
    if rng.random() < 0.4:
        extent = rng.uniform(20, 60)
        normal = rng.normal(size=3) * [0.5, 1, 1]
        box = box_around(phantom, centre - extent * 1.3, centre + extent * 1.3)
        implicit = (
            shapes.sheet(rng, box, centre, normal / np.linalg.norm(normal), extent, rng.uniform(1.5, 4))
            if box
            else None
        )
    else:
        curve = shapes.random_curve(rng, centre, rng.normal(size=3) * [0.3, 1, 1], rng.uniform(30, 160), 0.4)
        radius = rng.uniform(1.5, 5)
        box = box_around(phantom, curve.min(0) - radius, curve.max(0) + radius)
        implicit = shapes.tube(rng, box, curve, radius, 0.2) if box else None
    if box is not None and implicit is not None:
        implicit = np.where(phantom.cell[box.slices], implicit, np.maximum(implicit, 3)).astype(np.float32)
        paint(phantom, box, implicit, material)
        # A narrow cisterna is drawn as one stroke, not as two lines with nothing between them.
        distance, upright = shapes.signed_distance(implicit)
        phantom.outline[box.slices] |= (
            (distance < 0) & (distance > -OUTLINE_HALF_PX - 1) & (upright > UPRIGHT)
        )


def add_filopodia(rng: np.random.Generator, phantom: Phantom, material: Material) -> None:
    """Let thin protrusions grow from the cell's edge into the ice."""
    shell = phantom.cell & ~np.roll(phantom.cell, 1, axis=1)
    shell |= phantom.cell & ~np.roll(phantom.cell, 1, axis=2)
    roots = np.argwhere(shell[5:-5, 5:-5, 5:-5]) + 5
    ice = np.argwhere(~phantom.cell[::4, ::8, ::8]) * [4, 8, 8]
    if len(roots) < 50 or len(ice) < 200:
        return
    for _ in range(int(rng.integers(0, 9))):
        root = roots[rng.integers(len(roots))].astype(float)
        towards = ice[rng.integers(len(ice))] - root
        towards[0] *= 0.3
        if rng.random() < 0.3:  # a fibre or a neighbour's protrusion that crosses the ice
            root = ice[rng.integers(len(ice))].astype(float)
        radius = rng.uniform(3.5, 13)
        curve = shapes.random_curve(rng, root, towards + 1e-3, rng.uniform(60, 320), 0.12)
        box = box_around(phantom, curve.min(0) - radius, curve.max(0) + radius)
        if box is None:
            continue
        implicit = shapes.tube(rng, box, curve, radius, 0.15)
        implicit = np.where(phantom.cell[box.slices], np.maximum(implicit, 1.5), implicit).astype(np.float32)
        paint(phantom, box, implicit, material)
