"""Membranes that form sheets, tubules and stacks: nucleus, endoplasmic reticulum and Golgi apparatus."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from sxtstudio.core.geometry import Box
from sxtstudio.training import canvas, shapes
from sxtstudio.training.canvas import Phantom, PhantomMaterial, box_around, paint, paint_ellipsoid
from sxtstudio.training.shapes import Array, Vector


def add_nucleus(rng: np.random.Generator, phantom: Phantom) -> None:
    """Add a nucleus with its envelope, pores, chromatin and nucleoli, mostly larger than the view."""
    appearance, whole = phantom.appearance, Box.whole(phantom.shape)
    size = np.array(phantom.shape)
    centre = rng.uniform(-0.15, 1.15, 3) * size
    radii = appearance.px(1.0) * rng.uniform(1500, 5000, 3)
    radii[1:] = np.minimum(radii[1:], rng.uniform(0.3, 0.8, 2) * size[1])
    radii[0] = max(radii[0], size[0] * rng.uniform(0.6, 1.0))
    implicit = shapes.bumpy_ellipsoid(rng, whole, centre, radii, Rotation.identity(), rng.uniform(0.03, 0.09))
    # It keeps some cytoplasm between itself and the plasma membrane.
    implicit = _smooth_maximum(implicit, np.float32(appearance.px(rng.uniform(80, 400))) - phantom.room, 60.0)
    if not (implicit < -4).any():
        return
    paint_nucleus(rng, phantom, implicit)
    np.minimum(phantom.room, implicit, out=phantom.room)
    phantom.refresh_sites()
    for _ in range(int(rng.integers(0, 3))):
        spot = centre + rng.normal(size=3) * radii * 0.3
        nucleolus = PhantomMaterial(appearance.cytosol + rng.uniform(0.05, 0.15), 0, 0, 0.02, labelled=False)
        sizes = appearance.px(1.0) * rng.uniform(150, 600, 3)
        paint_ellipsoid(rng, phantom, spot, sizes, nucleolus, 0.15, "nucleolus", within=(whole, implicit + 4))


def paint_nucleus(rng: np.random.Generator, phantom: Phantom, implicit: Array) -> None:
    """Paint a nucleus of the whole phantom's ``implicit`` (z, y, x): its envelope, pores and chromatin."""
    appearance, whole = phantom.appearance, Box.whole(phantom.shape)
    chromatin = np.float32(rng.uniform(0.005, 0.04)) * shapes.smooth_noise(
        rng, phantom.shape, appearance.px(rng.uniform(60, 250))
    )
    phantom.lac[implicit < 0] += np.float32(rng.uniform(-0.06, 0.04))
    membrane = appearance.cytosol + (appearance.membrane - appearance.cytosol) * rng.uniform(0.4, 1.1)
    gap = appearance.px(rng.uniform(30, 50))
    pores = _pores(rng, phantom, implicit)
    before = phantom.lac.copy() if pores is not None else None
    if gap > 2.8 and rng.random() < 0.6:
        # Both membranes of the envelope, 30–50 nm apart, are drawn as one line.
        line = PhantomMaterial(None, membrane, appearance.width * 0.7, labelled=False)
        paint(phantom, whole, implicit - np.float32(gap / 2), line)
        paint(phantom, whole, implicit + np.float32(gap / 2), line, chromatin, "nucleus")
        distance, upright = shapes.signed_distance(implicit)
        canvas.draw(phantom.outline, phantom.hidden, distance, upright, half=canvas.OUTLINE_HALF_PX + 1)
    else:
        line = PhantomMaterial(None, membrane, appearance.width + gap * rng.uniform(0, 0.5))
        paint(phantom, whole, implicit, line, chromatin, "nucleus")
    if pores is not None and before is not None:
        phantom.lac[pores] = before[pores]


def _smooth_maximum(a: Array, b: Array, width: float) -> Array:
    """Return the larger of the two, rounded off where they differ by less than ``width``."""
    blend = np.maximum(np.float32(width) - np.abs(a - b), 0)
    rounded: Array = np.maximum(a, b) + blend * blend / np.float32(4 * width)
    return rounded


def _pores(rng: np.random.Generator, phantom: Phantom, implicit: Array) -> tuple[Vector, ...] | None:
    """Return the voxels (z, y, x) of the envelope where nuclear pores, 80–120 nm wide, interrupt it."""
    shell = np.argwhere(np.abs(implicit) < 4)
    if rng.random() < 0.4 or len(shell) < 100:
        return None
    area_nm2 = len(shell) / 8 * phantom.appearance.voxel_nm**2
    count = min(int(area_nm2 * rng.uniform(2e-6, 8e-6)), 2000)
    if count < 1:
        return None
    centres = shell[rng.integers(len(shell), size=count)]
    distance, _ = cKDTree(centres).query(
        shell, distance_upper_bound=phantom.appearance.px(rng.uniform(40, 60))
    )
    return tuple(shell[np.isfinite(distance)].T)


def reticulum(rng: np.random.Generator, phantom: Phantom, crowded: float) -> bool:
    """Add a cisterna of the endoplasmic reticulum: a sheet, or a tubule with branches."""
    appearance = phantom.appearance
    centre = phantom.find_site(rng, appearance.px(60), crowded)
    if centre is None:
        return False
    lumen = appearance.cytosol + rng.uniform(-0.04, 0.08)
    strength = rng.uniform(0.3, 1.0)
    membrane = appearance.cytosol + (appearance.membrane - appearance.cytosol) * strength
    material = PhantomMaterial(lumen, membrane, appearance.width * 0.8)
    if rng.random() < 0.4:
        extent = appearance.px(rng.uniform(200, 700))
        box = box_around(phantom, centre - extent * 1.3, centre + extent * 1.3)
        if box is None:
            return False
        normal = rng.normal(size=3) * [0.5, 1, 1]
        half = max(0.8, appearance.px(rng.uniform(15, 40)))
        sheets = shapes.stack_of_sheets(
            rng, box, centre, normal, extent, half, waviness=rng.uniform(0.05, 0.2)
        )
        implicit = sheets[0]
    else:
        radius = max(0.8, appearance.px(rng.uniform(18, 50)))
        curves = []
        root = centre
        for _ in range(int(rng.integers(1, 4))):
            length = appearance.px(rng.uniform(300, 1800))
            direction = rng.normal(size=3) * [0.3, 1, 1]
            curves.append(shapes.random_curve(rng, root, direction, length, 0.4, appearance.px(250)))
            root = curves[0][rng.integers(len(curves[0]))]
        points = np.concatenate(curves)
        box = box_around(phantom, points.min(0) - radius, points.max(0) + radius)
        if box is None:
            return False
        implicit = shapes.tube(rng, box, curves[0], radius, 0.2)
        for curve in curves[1:]:
            np.minimum(implicit, shapes.tube(rng, box, curve, radius, 0.2), out=implicit)
    implicit = phantom.fit(box, implicit, rng.uniform(1, 3))
    if not (implicit < 0).any():
        return False
    paint(phantom, box, implicit, material, kind="endoplasmic reticulum", one_stroke=True)
    phantom.claim(box, implicit, _some_points(rng, box, implicit), 1.0)
    return True


def _some_points(rng: np.random.Generator, box: Box, implicit: Array) -> Vector:
    """Return up to a hundred random points inside a shape, (n, 3)."""
    inside = np.argwhere(implicit < 0)
    chosen = inside[rng.permutation(len(inside))[:100]]
    return np.asarray(chosen + np.array(box.start), np.float64)


def golgi(rng: np.random.Generator, phantom: Phantom, crowded: float) -> bool:
    """Add a bent stack of cisternae with small vesicles round it."""
    appearance = phantom.appearance
    extent = appearance.px(rng.uniform(250, 650))
    centre = phantom.find_site(rng, extent * 0.6, crowded)
    if centre is None:
        return False
    box = box_around(phantom, centre - extent * 1.4, centre + extent * 1.4)
    if box is None:
        return False
    spacing = appearance.px(rng.uniform(45, 90))
    sheets = shapes.stack_of_sheets(
        rng,
        box,
        centre,
        rng.normal(size=3) * [0.4, 1, 1],
        extent,
        max(0.7, appearance.px(rng.uniform(9, 18))),
        spacing=spacing,
        count=int(rng.integers(3, 7)),
        bowl=rng.uniform(0, 0.5),
        waviness=rng.uniform(0.02, 0.06),
    )
    lumen = appearance.cytosol + rng.uniform(-0.03, 0.1)
    membrane = appearance.cytosol + (appearance.membrane - appearance.cytosol) * rng.uniform(0.4, 1.0)
    resolved = spacing > 7
    material = PhantomMaterial(lumen, membrane, appearance.width * 0.8, labelled=resolved)
    cisternae = [phantom.fit(box, sheet, 1.0) for sheet in sheets]
    for cisterna in cisternae:
        paint(phantom, box, cisterna, material, kind="Golgi cisterna", one_stroke=True)
        if not resolved:  # lines too close to be drawn one by one
            phantom.hidden[box.slices][cisterna < spacing / 2] = True
    whole = np.minimum.reduce(cisternae)
    phantom.claim(box, whole, _some_points(rng, box, whole), 1.0)
    for _ in range(int(rng.integers(3, 14))):
        spot = centre + rng.normal(size=3) * extent * 0.7
        if phantom.room_at(spot[None])[0] > 2:
            radii = appearance.px(1.0) * rng.uniform(28, 60, 3)
            inside = lumen + rng.uniform(0, 0.1)
            bud = PhantomMaterial(inside, appearance.rim(rng, inside), appearance.width * 0.8)
            paint_ellipsoid(rng, phantom, spot, radii, bud, 0, "vesicle", gap=1.0)
    return True
