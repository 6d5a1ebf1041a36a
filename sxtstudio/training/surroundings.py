"""What lies round the organelles: cells in ice, their edges and protrusions, cracks, carbon film, gold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from sxtstudio.core.geometry import Box, Triple
from sxtstudio.training import shapes
from sxtstudio.training.canvas import (
    CLASSES,
    Appearance,
    Phantom,
    PhantomMaterial,
    box_around,
    paint,
    paint_ellipsoid,
)
from sxtstudio.training.shapes import Array, Vector

ICE, GOLD, CARBON, GLASS = 0.11, 8.0, 1.3, 1.6


def add_cells(rng: np.random.Generator, phantom: Phantom, scene: str) -> None:
    """Add one cell or several side by side, with their plasma membranes and the texture of the cytoplasm."""
    appearance, whole = phantom.appearance, Box.whole(phantom.shape)
    taken: Array | None = None
    for body in _bodies(rng, phantom.shape, appearance, scene):
        if taken is not None:
            body = np.maximum(body, np.float32(appearance.px(rng.choice([10.0, 40.0, 250.0]))) - taken)
        taken = body if taken is None else np.minimum(taken, body)
        membrane = appearance.cytosol + (appearance.membrane - appearance.cytosol) * rng.uniform(0.5, 1.3)
        cytosol = appearance.cytosol + rng.uniform(-0.015, 0.015)
        width = appearance.width * rng.uniform(0.8, 1.3)
        paint(phantom, whole, body, PhantomMaterial(cytosol, membrane, width), kind="cytosol")
    assert taken is not None
    np.negative(taken, out=phantom.room)
    phantom.refresh_sites()
    _add_texture(rng, phantom, taken < 0)


def _bodies(rng: np.random.Generator, shape: Triple, appearance: Appearance, scene: str) -> list[Array]:
    """Return the implicit shapes of the cells (z, y, x)."""
    whole = Box.whole(shape)
    z, y, x = shapes.axes(whole, np.array(shape) / 2)
    roof = np.abs(z) - np.float32(shape[0] * rng.uniform(0.42, 0.8))
    roof = roof + np.float32(rng.uniform(1, 5)) * shapes.smooth_noise(rng, shape, 120)
    if scene == "several cells":
        bodies = []
        for _ in range(int(rng.integers(2, 5))):
            centre = rng.uniform(-0.2, 1.2, 3) * shape
            radii = rng.uniform(0.25, 0.8, 3) * min(shape[1:])
            radii[0] = shape[0] * rng.uniform(0.6, 1.5)
            body = shapes.bumpy_ellipsoid(rng, whole, centre, radii, Rotation.identity(), 0.08)
            bodies.append(np.maximum(body, roof))
        return bodies
    angle = rng.uniform(0, 2 * np.pi)
    reach = {"edge": rng.uniform(-0.6, 0.6), "ice": -1.2}.get(scene, rng.choice([0.9, 3.0, 3.0]))
    edge = (
        y * np.float32(np.sin(angle)) + x * np.float32(np.cos(angle)) - np.float32(reach * min(shape[1:]) / 2)
    )
    edge = edge + np.float32(rng.uniform(2, 14)) * shapes.smooth_noise(rng, shape, rng.uniform(60, 160))
    return [np.maximum(edge, roof)]


def _add_texture(rng: np.random.Generator, phantom: Phantom, inside: NDArray[np.bool_]) -> None:
    """Add the grain of the cytoplasm: ribosomes, protein, unevenness, from fine to coarse."""
    share = inside.astype(np.float32)
    for wavelength, most in ((3.0, 0.05), (7.0, 0.05), (18.0, 0.03), (60.0, 0.03)):
        wave = shapes.smooth_noise(rng, phantom.shape, wavelength)
        wave *= share
        wave *= np.float32(rng.uniform(0, most))
        phantom.grain += wave


def add_filopodia(rng: np.random.Generator, phantom: Phantom) -> None:
    """Let thin protrusions grow from the cell's edge into the ice, alone or in bundles."""
    appearance = phantom.appearance
    cell = phantom.classes[::SPARSE, ::SPARSE, ::SPARSE] != CLASSES["ice"]
    edge = cell & (~np.roll(cell, 1, axis=1) | ~np.roll(cell, 1, axis=2))
    roots, ice = np.argwhere(edge) * SPARSE, np.argwhere(~cell) * SPARSE
    if len(ice) < 200:
        return
    for _ in range(int(rng.integers(0, 6))):
        root = ice[rng.integers(len(ice))].astype(float)  # a neighbour's protrusion that crosses the ice
        if len(roots) > 50 and rng.random() < 0.7:
            root = roots[rng.integers(len(roots))].astype(float)
        towards = (ice[rng.integers(len(ice))] - root) * [0.3, 1, 1] + 1e-3
        radius = appearance.px(rng.uniform(40, 130))
        bundle = int(rng.integers(2, 7)) if rng.random() < 0.3 else 1
        for _ in range(bundle):
            start = root + rng.normal(size=3) * radius * (2.0 if bundle > 1 else 0)
            heading = towards / np.linalg.norm(towards) + rng.normal(size=3) * (0.07 if bundle > 1 else 0)
            length = appearance.px(rng.uniform(600, 3500))
            curve = shapes.random_curve(rng, start, heading, length, 0.12, max(12.0, appearance.px(250)))
            _paint_filopodium(rng, phantom, curve, radius * rng.uniform(0.7, 1.3))


#: Every third voxel is looked at to find the cell's edge.
SPARSE = 3


def _paint_filopodium(rng: np.random.Generator, phantom: Phantom, curve: Vector, radius: float) -> None:
    box = box_around(phantom, curve.min(0) - radius, curve.max(0) + radius)
    if box is None:
        return
    appearance = phantom.appearance
    implicit = shapes.tube(rng, box, curve, radius, 0.15)
    occupied = phantom.classes[box.slices] != CLASSES["ice"]
    implicit[occupied] = np.maximum(implicit[occupied], np.float32(1.5))
    inside = appearance.cytosol + rng.uniform(-0.05, 0.1)
    membrane = inside + (appearance.membrane - appearance.cytosol) * rng.uniform(0.2, 1.1)
    paint(phantom, box, implicit, PhantomMaterial(inside, membrane, appearance.width), kind="filopodium")


def add_gold(rng: np.random.Generator, phantom: Phantom) -> None:
    """Put some gold beads into half of the tomograms; what they cover nobody can outline."""
    if rng.random() < 0.5:
        return
    appearance = phantom.appearance
    radius = appearance.px(rng.choice([50.0, 75.0, 125.0]))
    area_um2 = phantom.shape[1] * phantom.shape[2] * appearance.voxel_nm**2 / 1e6
    for _ in range(1 + int(rng.poisson(min(0.12 * area_um2, 5.0)))):
        centre = rng.uniform(0, 1, 3) * phantom.shape
        radii = np.full(3, max(1.0, radius * rng.uniform(0.8, 1.2)))
        bead = PhantomMaterial(GOLD, GOLD, 1, labelled=False)
        painted = paint_ellipsoid(rng, phantom, centre, radii, bead, kind="gold")
        if painted is not None:
            box, distance = painted
            beside = distance < 2.5
            phantom.outline[box.slices][beside] = False
            phantom.hidden[box.slices][beside] = True


def thin_the_ice(rng: np.random.Generator, phantom: Phantom) -> None:
    """End the ice within the tomogram, above and below, with a wavy surface; beyond it is vacuum."""
    shape = phantom.shape
    (z, _, _) = shapes.axes(Box.whole(shape), np.array(shape) / 2)
    surface = np.abs(z) - np.float32(shape[0] * rng.uniform(0.32, 0.48))
    surface = surface + np.float32(rng.uniform(0.5, 4)) * shapes.smooth_noise(rng, shape, 100)
    _empty(phantom, surface > 0)


def crack_the_ice(rng: np.random.Generator, phantom: Phantom) -> None:
    """Let jagged cracks run through the whole thickness."""
    appearance, (_, height, width) = phantom.appearance, phantom.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    for _ in range(int(rng.integers(1, 3))):
        angle = rng.uniform(0, np.pi)
        along = y * np.sin(angle) + x * np.cos(angle)
        across = y * np.cos(angle) - x * np.sin(angle) - rng.uniform(-0.3, 0.8) * width
        steps = np.cumsum(rng.normal(scale=3, size=height + width + 50))
        path = np.interp(along.ravel(), np.arange(len(steps)) - width, steps).reshape(along.shape)
        crack = np.abs(across + path) < max(1.0, appearance.px(rng.uniform(15, 60)) / 2)
        _empty(phantom, np.broadcast_to(crack, phantom.shape))


def _empty(phantom: Phantom, where: NDArray[np.bool_]) -> None:
    phantom.lac[where] = 0.0
    phantom.grain[where] = 0.0
    phantom.outline[where] = False
    phantom.hidden[where] = False
    phantom.classes[where] = CLASSES["vacuum"]
    phantom.instances[where] = 0


def add_carbon_film(rng: np.random.Generator, phantom: Phantom) -> None:
    """Add the holey carbon film that carries the cells, at the bottom or the top."""
    appearance, (depth, height, width) = phantom.appearance, phantom.shape
    thick = max(1, round(appearance.px(rng.uniform(12, 30))))
    first = int(rng.integers(0, 4)) if rng.random() < 0.5 else depth - thick - int(rng.integers(0, 4))
    first = max(first, 0)
    pitch = appearance.px(rng.uniform(2500, 4500))
    hole = appearance.px(rng.uniform(600, 1100))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    offset = rng.uniform(0, pitch, 2)
    dy = (y + offset[0]) % pitch - pitch / 2
    dx = (x + offset[1]) % pitch - pitch / 2
    film = np.hypot(dy, dx) > hole
    layer = (slice(first, first + thick), film)
    phantom.lac[layer] = CARBON * rng.uniform(0.4, 1.0)
    phantom.grain[layer] = 0.0
    phantom.outline[layer] = False
    phantom.classes[layer] = CLASSES["carbon film"]
    phantom.instances[layer] = 0


def add_capillary(rng: np.random.Generator, phantom: Phantom) -> None:
    """Add the wall of a glass capillary that runs along y; outside it is vacuum."""
    appearance = phantom.appearance
    z, _, x = shapes.axes(Box.whole(phantom.shape), np.array(phantom.shape) / 2)
    radius = appearance.px(rng.uniform(3000, 7000))
    side = rng.choice([-1, 1])
    inner_edge = phantom.shape[2] * rng.uniform(0.25, 0.42)
    middle = np.float32(side * (inner_edge - radius))
    outside = np.broadcast_to(np.hypot(z, x - middle) - np.float32(radius), phantom.shape)
    thick = appearance.px(rng.uniform(100, 300))
    _empty(phantom, outside > thick)
    wall = (outside > 0) & (outside <= thick)
    _empty(phantom, wall)
    phantom.lac[wall] = GLASS * rng.uniform(0.5, 1.0)
    phantom.classes[wall] = CLASSES["glass"]
    phantom.outline[(outside > -2.5) & (outside <= 0)] = False
