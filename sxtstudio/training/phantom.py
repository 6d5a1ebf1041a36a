"""Phantoms of frozen cells, assembled: linear absorption coefficients (LAC) and their outlines.

Axes are (z, y, x), lengths voxels of about 10 nm, absorption in 1/µm.
"""

from __future__ import annotations

import numpy as np

from sxtstudio.core.geometry import Box, Triple
from sxtstudio.training import organelles, shapes
from sxtstudio.training.canvas import Material, Phantom, paint, paint_ellipsoid

ICE, GOLD = 0.11, 8.0
#: What is tried how often (least, most) in 6 million voxels, and whether crowding multiplies it.
INVENTORY: tuple[tuple[organelles.Painter, int, int, bool], ...] = (
    (organelles.mitochondrion, 1, 7, True),
    (organelles.vesicle, 8, 30, True),
    (organelles.droplet, 0, 9, True),
    (organelles.reticulum, 2, 12, False),
    (organelles.granule, 0, 120, False),
    (organelles.filament, 0, 20, False),
)


def make_phantom(rng: np.random.Generator, shape: Triple) -> Phantom:
    """Return a phantom of part of a cell; sizes, crowding and absorption vary from one to the next."""
    phantom = _cytoplasm(rng, shape)
    width = rng.uniform(2.0, 4.0)
    membrane = rng.uniform(0.42, 0.62)
    crowding = rng.choice([0.5, 1.5, 4.0])
    if rng.random() < 0.55:
        organelles.add_nucleus(rng, phantom, Material(None, membrane, width + rng.uniform(0, 1.5), 0.02))
    volume = np.prod(shape) / 6e6
    for painter, least, most, crowds in INVENTORY:
        share = volume * crowding if crowds else volume
        count = int(rng.integers(least, most) * share) + (painter is organelles.mitochondrion)
        organelles.scatter(rng, phantom, painter, count, membrane, width)
    organelles.add_filopodia(rng, phantom, Material(rng.uniform(0.2, 0.38), membrane, width))
    for _ in range(int(rng.integers(0, 4))):
        centre = rng.uniform(0, 1, 3) * shape
        radii = np.full(3, rng.uniform(4, 9))
        paint_ellipsoid(rng, phantom, centre, radii, Material(GOLD, GOLD, 1, labelled=False), bumps=0.0)
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
