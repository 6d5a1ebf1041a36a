"""A textbook simulator: ellipsoids with membranes, Radon transform, photon counts, filtered back-projection.

It is what one would write first, with nothing that makes real tomograms hard: no crowding, no misalignment,
no grain. Who fails here fails everywhere. Nothing is shared with the simulator that models learn from; the
transforms are those of scikit-image. Axes are (z, y, x); lengths in px of 10 nm; tilt axis y.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.transform import iradon, radon

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

ICE, CYTOSOL, NUCLEUS, MITOCHONDRION, VESICLE, LIPID = 0.1, 0.25, 0.2, 0.36, 0.2, 0.62  # LAC in 1/µm
PX_UM = 0.01
HALF_LINE = 1.5  # half the width of the line that is the truth
LYING = 0.8  # z part of a membrane's normal above which it lies in the slice and is no line


@dataclass(frozen=True)
class Ellipsoid:
    """One body of the cell, turned about z."""

    centre: tuple[float, float, float]
    radii: tuple[float, float, float]
    angle: float
    lac: float
    membrane_lac: float


def simulate(seed: int, shape: tuple[int, int, int] = (40, 192, 192)) -> tuple[Array, Mask, Mask]:
    """Return a tomogram (absorbing structures dark), its membranes, and where they lie in the slice."""
    rng = np.random.default_rng([seed, 90])
    thickness, membrane_lac = rng.uniform(2, 4), rng.uniform(0.4, 0.6)
    lac = np.full(shape, ICE, np.float32)
    truth, lying = np.zeros(shape, bool), np.zeros(shape, bool)
    for body in _cell(rng, shape, membrane_lac):
        distance, upward = _distance(body, shape)
        inside, wall = distance < 0, np.abs(distance)
        lac[inside] = body.lac
        lac[wall <= thickness / 2] = body.membrane_lac
        truth[inside] = lying[inside] = False
        truth |= wall <= HALF_LINE
        lying |= (wall <= HALF_LINE + 1) & (upward > LYING)
    blurred = ndimage.gaussian_filter(lac, rng.uniform(0.6, 1.2))
    photons, step = 10 ** rng.uniform(2.6, 3.8), int(rng.choice([1, 2]))
    return -_tomogram(rng, blurred, np.arange(-65, 66, step), photons), truth & ~lying, lying


def bodies(seed: int, shape: tuple[int, int, int] = (40, 192, 192)) -> NDArray[np.uint16]:
    """Return the number of the body at each voxel of ``simulate(seed, shape)``, its line included."""
    rng = np.random.default_rng([seed, 90])
    _, membrane_lac = rng.uniform(2, 4), rng.uniform(0.4, 0.6)
    numbers = np.zeros(shape, np.uint16)
    for number, body in enumerate(_cell(rng, shape, membrane_lac)[1:], 1):
        numbers[_distance(body, shape)[0] <= HALF_LINE] = number
    return numbers


def _cell(rng: np.random.Generator, shape: tuple[int, int, int], membrane_lac: float) -> list[Ellipsoid]:
    """A cell that fills much of the view, and bodies in it that do not touch each other."""
    depth, height, width = shape
    middle = (depth / 2, height * rng.uniform(0.4, 0.6), width * rng.uniform(0.4, 0.6))
    cell = Ellipsoid(
        middle, (width, *rng.uniform(0.4, 0.55, 2) * width), rng.uniform(0, 3), CYTOSOL, membrane_lac
    )
    bodies = [cell]
    for radius, flatness, lac in _wanted(rng, width):
        for _ in range(200):
            centre = (
                rng.uniform(4, depth - 4),
                *rng.uniform(radius, (height - radius, width - radius)),
            )
            apart = [np.hypot(*np.subtract(centre, b.centre)[1:]) - max(b.radii[1:]) for b in bodies[1:]]
            in_cell = np.hypot(*np.subtract(centre, middle)[1:]) < min(cell.radii[1:]) - radius - 4
            if in_cell and min(apart, default=radius + 5) > radius + 4:
                radii = (radius * flatness, radius, radius * flatness)
                bodies.append(Ellipsoid(centre, radii, rng.uniform(0, 3), lac, max(membrane_lac, lac)))
                break
    return bodies


def _wanted(rng: np.random.Generator, width: int) -> list[tuple[float, float, float]]:
    """Radius, relative thickness and LAC of the bodies to be placed, largest first."""
    nucleus = [(width * rng.uniform(0.13, 0.2), rng.uniform(0.8, 1), NUCLEUS)]
    mitochondria = [
        (rng.uniform(14, 24), rng.uniform(0.35, 0.6), MITOCHONDRION) for _ in range(rng.integers(3, 7))
    ]
    vesicles = [(rng.uniform(6, 14), 1.0, VESICLE) for _ in range(rng.integers(4, 9))]
    droplets = [(rng.uniform(5, 10), 1.0, LIPID) for _ in range(rng.integers(2, 6))]
    return nucleus + mitochondria + vesicles + droplets


def _distance(body: Ellipsoid, shape: tuple[int, int, int]) -> tuple[Array, Array]:
    """Distance from the surface (to first order; negative inside), and the z part of its normal."""
    z, y, x = (np.arange(n, dtype=np.float32) - c for n, c in zip(shape, body.centre, strict=True))
    z, y, x = z[:, None, None], y[:, None], x[None]
    cos, sin = np.cos(body.angle), np.sin(body.angle)
    turned = (z, y * cos - x * sin, y * sin + x * cos)
    scaled = [(t / r).astype(np.float32) for t, r in zip(turned, body.radii, strict=True)]
    level = np.sqrt(sum(s * s for s in scaled))
    slope = np.sqrt(sum((s / r) ** 2 for s, r in zip(scaled, body.radii, strict=True))) + np.float32(1e-6)
    return (level - 1) * level / slope, np.abs(scaled[0] / body.radii[0]) / slope


def _tomogram(rng: np.random.Generator, lac: Array, tilts_deg: NDArray[np.int_], photons: float) -> Array:
    """Project every (z, x) plane, count photons, and reconstruct it."""
    depth, height, width = lac.shape
    before = (width - depth) // 2
    tomogram = np.empty_like(lac)
    for y in range(height):
        plane = np.full((width, width), ICE, np.float32)
        plane[before : before + depth] = lac[:, y]
        absorption = radon(plane, tilts_deg, circle=False) * PX_UM
        counts = np.maximum(rng.poisson(photons * np.exp(-absorption)), 1)
        sinogram = -np.log(counts / photons) / PX_UM
        slab = iradon(sinogram, tilts_deg, output_size=width, circle=False, filter_name="hann")
        tomogram[:, y] = slab[before : before + depth]
    return tomogram
