"""Phantoms of frozen cells: linear absorption coefficients (LAC) and the outlines a human would draw.

Absorption at 510 eV in 1/µm: vitreous ice 0.11, cytosol 0.2–0.3, dense organelles 0.35–0.5, lipid
droplets 0.6–0.8. Axes are (z, y, x), lengths voxels of about 10 nm.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from sxtstudio.core.geometry import Box, Triple
from sxtstudio.training import shapes
from sxtstudio.training.shapes import Array, Vector

ICE, GOLD = 0.11, 8.0
#: Half the width of an annotator's line, and how far a membrane may lean and still be seen.
OUTLINE_HALF_PX = 2.5
UPRIGHT = 0.5


@dataclass
class Phantom:
    """A volume under construction: absorption (1/µm), outlines, and where something already is."""

    lac: Array
    outline: NDArray[np.bool_]
    cell: NDArray[np.bool_]
    taken: list[tuple[Vector, float]] = field(default_factory=list)

    @property
    def shape(self) -> Triple:
        """Number of voxels along (z, y, x)."""
        z, y, x = self.lac.shape
        return (z, y, x)


@dataclass(frozen=True)
class Material:
    """How a closed object absorbs: inside (None keeps what was there), its membrane, the membrane's width."""

    inside: float | None
    membrane: float
    width: float
    texture: float = 0.0
    labelled: bool = True


def make_phantom(rng: np.random.Generator, shape: Triple) -> Phantom:
    """Return a phantom of part of a cell; sizes, crowding and absorption vary from one to the next."""
    phantom = _cytoplasm(rng, shape)
    width = rng.uniform(2.0, 4.0)
    membrane = rng.uniform(0.42, 0.62)
    crowding = rng.choice([0.5, 1.5, 4.0])
    if rng.random() < 0.55:
        _add_nucleus(rng, phantom, Material(None, membrane, width + rng.uniform(0, 1.5), 0.02))
    volume = np.prod(shape) / 6e6
    _scatter(rng, phantom, _mitochondrion, int(rng.integers(1, 7) * volume * crowding) + 1, membrane, width)
    _scatter(rng, phantom, _vesicle, int(rng.integers(8, 30) * volume * crowding), membrane, width)
    _scatter(rng, phantom, _droplet, int(rng.integers(0, 9) * volume * crowding), membrane, width)
    _scatter(rng, phantom, _reticulum, int(rng.integers(2, 12) * volume), membrane, width)
    _scatter(rng, phantom, _granule, int(rng.integers(0, 120) * volume), membrane, width)
    _scatter(rng, phantom, _filament, int(rng.integers(0, 20) * volume), membrane, width)
    _add_filopodia(rng, phantom, Material(rng.uniform(0.2, 0.38), membrane, width))
    for _ in range(int(rng.integers(0, 4))):
        centre = rng.uniform(0, 1, 3) * shape
        radii = np.full(3, rng.uniform(4, 9))
        _paint_ellipsoid(rng, phantom, centre, radii, Material(GOLD, GOLD, 1, labelled=False), bumps=0.0)
    return phantom


def _cytoplasm(rng: np.random.Generator, shape: Triple) -> Phantom:
    """Start with ice, the cell's body in it, its texture and its plasma membrane."""
    z, y, x = shapes.grid(Box.whole(shape))
    angle = rng.uniform(0, 2 * np.pi)
    share = rng.choice([0.25, 0.55, 0.9, 3.0])
    reach = share * min(shape[1:]) / 2 + 10
    edge = (
        (y - shape[1] / 2) * np.sin(angle)
        + (x - shape[2] / 2) * np.cos(angle)
        - reach * rng.choice([-0.4, 1])
    )
    edge = edge + rng.uniform(2, 14) * shapes.smooth_noise(rng, shape, rng.uniform(60, 160))
    roof = np.abs(z - shape[0] / 2) - shape[0] * rng.uniform(0.42, 0.8)
    roof += rng.uniform(1, 5) * shapes.smooth_noise(rng, shape, 120)
    body = np.maximum(edge, roof).astype(np.float32)
    lac = np.full(shape, ICE, np.float32) + rng.uniform(0, 0.01) * shapes.smooth_noise(rng, shape, 40)
    phantom = Phantom(lac, np.zeros(shape, bool), body < 0)
    cytosol = rng.uniform(0.19, 0.3)
    paint(phantom, Box.whole(shape), body, Material(cytosol, rng.uniform(0.4, 0.6), rng.uniform(2, 4)))
    inside = phantom.cell
    for wavelength, most in ((3.0, 0.05), (7.0, 0.05), (18.0, 0.03), (60.0, 0.03)):
        lac[inside] += (rng.uniform(0, most) * shapes.smooth_noise(rng, shape, wavelength))[inside]
    return phantom


def paint(
    phantom: Phantom, box: Box, implicit: Array, material: Material, texture: Array | None = None
) -> None:
    """Put a closed shape into the phantom: its inside, its membrane, and the outline to be drawn."""
    distance, upright = shapes.signed_distance(implicit)
    lac, outline = phantom.lac[box.slices], phantom.outline[box.slices]
    if material.inside is not None:
        filling = np.float32(material.inside) if texture is None else material.inside + texture
        share = np.clip(0.5 - distance, 0, 1)
        lac += share * (filling - lac)
        outline[distance < -OUTLINE_HALF_PX] = False
    elif texture is not None:
        lac += np.clip(0.5 - distance, 0, 1) * texture
    share = np.clip(material.width / 2 + 0.5 - np.abs(distance), 0, 1)
    lac += share * (np.maximum(material.membrane, lac) - lac)
    if material.labelled:
        # In the slice the line's distance grows as the surface leans: |d| / upright.
        outline |= (np.abs(distance) < OUTLINE_HALF_PX * upright) & (upright > UPRIGHT)


def _box_around(phantom: Phantom, low: Vector, high: Vector, margin: float = 8) -> Box | None:
    start = np.maximum(np.floor(low - margin), 0).astype(int)
    stop = np.minimum(np.ceil(high + margin), phantom.shape).astype(int)
    if (stop - start < 3).any():
        return None
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def _paint_ellipsoid(
    rng: np.random.Generator,
    phantom: Phantom,
    centre: Vector,
    radii: Vector,
    material: Material,
    bumps: float,
) -> None:
    box = _box_around(phantom, centre - radii.max() * 1.2, centre + radii.max() * 1.2)
    if box is None:
        return
    implicit = shapes.bumpy_ellipsoid(rng, box, centre, radii, Rotation.random(random_state=rng), bumps)
    grain = None
    if material.texture:
        grain = material.texture * shapes.smooth_noise(rng, box.shape, rng.uniform(4, 12))
    paint(phantom, box, implicit, material, grain)


def _add_nucleus(rng: np.random.Generator, phantom: Phantom, material: Material) -> None:
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
        _paint_ellipsoid(
            rng,
            phantom,
            spot,
            rng.uniform(12, 35, 3),
            Material(rng.uniform(0.3, 0.4), 0, 0, 0.03, False),
            0.15,
        )


def _scatter(
    rng: np.random.Generator, phantom: Phantom, make, count: int, membrane: float, width: float
) -> None:  # type: ignore[no-untyped-def]
    """Try ``count`` times to put an object of one kind somewhere inside the cell."""
    for _ in range(count):
        centre = rng.uniform(0, 1, 3) * phantom.shape
        z, y, x = (int(min(c, n - 1)) for c, n in zip(centre, phantom.shape, strict=True))
        if phantom.cell[z, y, x]:
            make(rng, phantom, centre, membrane * rng.uniform(0.8, 1.15), width)


def _claim(rng: np.random.Generator, phantom: Phantom, centre: Vector, radius: float) -> bool:
    """Whether a ball of this radius finds room; neighbours may touch but hardly overlap."""
    gap = rng.uniform(-2, 6)
    for other, reach in phantom.taken:
        if np.linalg.norm(other - centre) < reach + radius + gap:
            return False
    phantom.taken.append((centre, radius))
    return True


def _vesicle(
    rng: np.random.Generator, phantom: Phantom, centre: Vector, membrane: float, width: float
) -> None:
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
    _paint_ellipsoid(
        rng, phantom, centre, radius * rng.uniform(0.75, 1.25, 3), material, rng.uniform(0, 0.08)
    )
    if radius > 14 and rng.random() < 0.35:
        for _ in range(int(rng.integers(1, 5))):
            spot = centre + rng.normal(size=3) * radius * 0.3
            dark = Material(rng.uniform(0.45, 0.75), 0, 0, labelled=False)
            _paint_ellipsoid(rng, phantom, spot, rng.uniform(2, radius * 0.25, 3), dark, 0.1)


def _mitochondrion(
    rng: np.random.Generator, phantom: Phantom, centre: Vector, membrane: float, width: float
) -> None:
    radius = rng.uniform(10, 26)
    length = radius * rng.uniform(0.5, 7)
    if not _claim(rng, phantom, centre, radius):
        return
    direction = rng.normal(size=3) * [0.3, 1, 1]
    curve = shapes.random_curve(rng, centre, direction, length, 0.3)
    box = _box_around(phantom, curve.min(0) - radius * 1.3, curve.max(0) + radius * 1.3)
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


def _droplet(
    rng: np.random.Generator, phantom: Phantom, centre: Vector, membrane: float, width: float
) -> None:
    radius = float(np.exp(rng.uniform(np.log(5), np.log(28))))
    if _claim(rng, phantom, centre, radius):
        inside = rng.uniform(0.55, 0.85)
        material = Material(inside, inside, 1, 0.02)
        _paint_ellipsoid(rng, phantom, centre, radius * rng.uniform(0.9, 1.1, 3), material, 0.02)


def _granule(
    rng: np.random.Generator, phantom: Phantom, centre: Vector, membrane: float, width: float
) -> None:
    """Add a small dark body of the cytoplasm that nobody outlines."""
    inside = rng.uniform(0.3, 0.6)
    _paint_ellipsoid(
        rng, phantom, centre, rng.uniform(1.2, 4, 3), Material(inside, 0, 0, labelled=False), 0.1
    )


def _filament(
    rng: np.random.Generator, phantom: Phantom, centre: Vector, membrane: float, width: float
) -> None:
    """Add a thin fibre, fainter and finer than a membrane, that nobody outlines."""
    direction = rng.normal(size=3) * [0.2, 1, 1]
    curve = shapes.random_curve(rng, centre, direction, rng.uniform(40, 200), 0.1)
    box = _box_around(phantom, curve.min(0) - 4, curve.max(0) + 4)
    if box is not None:
        implicit = shapes.tube(rng, box, curve, rng.uniform(0.6, 1.2), 0)
        paint(phantom, box, implicit, Material(rng.uniform(0.28, 0.36), 0, 0, labelled=False))


def _reticulum(
    rng: np.random.Generator, phantom: Phantom, centre: Vector, membrane: float, width: float
) -> None:
    """Add a cisterna of the endoplasmic reticulum: a sheet or a tubule, narrow enough to be one or two lines."""
    material = Material(rng.uniform(0.2, 0.34), membrane, max(1.8, width * 0.8))
    if rng.random() < 0.4:
        extent = rng.uniform(20, 60)
        normal = rng.normal(size=3) * [0.5, 1, 1]
        box = _box_around(phantom, centre - extent * 1.3, centre + extent * 1.3)
        implicit = (
            shapes.sheet(rng, box, centre, normal / np.linalg.norm(normal), extent, rng.uniform(1.5, 4))
            if box
            else None
        )
    else:
        curve = shapes.random_curve(rng, centre, rng.normal(size=3) * [0.3, 1, 1], rng.uniform(30, 160), 0.4)
        radius = rng.uniform(1.5, 5)
        box = _box_around(phantom, curve.min(0) - radius, curve.max(0) + radius)
        implicit = shapes.tube(rng, box, curve, radius, 0.2) if box else None
    if box is not None and implicit is not None:
        implicit = np.where(phantom.cell[box.slices], implicit, np.maximum(implicit, 3)).astype(np.float32)
        paint(phantom, box, implicit, material)
        # A narrow cisterna is drawn as one stroke, not as two lines with nothing between them.
        distance, upright = shapes.signed_distance(implicit)
        phantom.outline[box.slices] |= (
            (distance < 0) & (distance > -OUTLINE_HALF_PX - 1) & (upright > UPRIGHT)
        )


def _add_filopodia(rng: np.random.Generator, phantom: Phantom, material: Material) -> None:
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
        box = _box_around(phantom, curve.min(0) - radius, curve.max(0) + radius)
        if box is None:
            continue
        implicit = shapes.tube(rng, box, curve, radius, 0.15)
        implicit = np.where(phantom.cell[box.slices], np.maximum(implicit, 1.5), implicit).astype(np.float32)
        paint(phantom, box, implicit, material)
