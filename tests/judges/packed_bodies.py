"""Phantoms of packed bodies with the number of each: truth for objects, not for membranes alone.

Ellipsoids and bent capsules, apart from each other or touching, some with inner membranes (cristae), some
small and solid (droplets). Where a membrane lies in the slice it is not outlined, as in tomograms with a
missing wedge. The tomogram is made by textbook_simulator.py (Radon transform, photons, filtered
back-projection). Axes are (z, y, x); lengths in px of 10 nm.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import textbook_simulator as textbook
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.float32]
Shape = tuple[int, int, int]
Point = NDArray[np.float64]
Slices = tuple[slice, ...]
HALF_WALL = 1.5
LYING = 0.8  # z part of a membrane's normal above which nobody can outline it
APART, TOUCHING = 4.0, -1.0  # px between the surfaces of two bodies


@dataclass(frozen=True)
class Packed:
    """A phantom: membranes (bool), number of the body at each voxel, its kind, and the absorption."""

    outlines: NDArray[np.bool_]
    bodies: NDArray[np.uint16]
    kinds: tuple[str, ...]
    absorption: Array


def pack(
    seed: int, *, touching: bool, shape: Shape = (40, 192, 192), scale: float = 1.0, many: int = 53
) -> Packed:
    """Place up to ``many`` bodies, their sizes times ``scale``; ``kinds[n - 1]`` is that of body ``n``."""
    rng = np.random.default_rng([seed, 141])
    absorption = np.full(shape, textbook.CYTOSOL, np.float32)
    outlines, numbers = np.zeros(shape, bool), np.zeros(shape, np.uint16)
    nearest = np.full(shape, np.inf, np.float32)
    kinds: list[str] = []
    for part in (
        rng.permuted(np.linspace(0, 1, many, endpoint=False)) if not touching else np.linspace(0, 1, many)
    ):
        kind = "mitochondrion" if part < 0.17 else "vesicle" if part < 0.75 else "droplet"
        for _ in range(60):
            box, distance = _body(rng, kind, shape, scale)
            inside = distance < 0
            near = nearest[box]
            gap = float(near[inside].min()) if inside.any() else -np.inf
            if inside.sum() < 60 or gap < (TOUCHING if touching else APART):
                continue
            if touching and kinds and gap > 1.5 and rng.random() < 0.9:
                continue  # rather where it touches
            own = distance < near  # a wall that two bodies share lies in the middle
            upward = np.abs(np.gradient(distance, axis=0))
            kinds.append(kind)
            seen = (np.abs(distance) <= HALF_WALL) & own
            numbers[box][(distance <= HALF_WALL) & own] = len(kinds)
            density = absorption[box]
            density[inside] = {"mitochondrion": 0.36, "vesicle": 0.2, "droplet": 0.62}[kind]
            density[seen] = np.maximum(0.5, density[seen])
            lines = outlines[box]
            lines[inside & own] = False
            lines |= seen & (upward <= LYING)
            if kind == "mitochondrion":
                for crista in _cristae(rng, distance):
                    lines |= crista & own
                    density[crista & own] = 0.5
            np.minimum(near, distance, out=near)
            break
    return Packed(outlines, numbers, tuple(kinds), absorption)


def tomogram(seed: int, packed: Packed) -> Array:
    """Return it as a microscope shows it, absorbing structures dark."""
    rng = np.random.default_rng([seed, 142])
    blurred = ndimage.gaussian_filter(packed.absorption, 0.9)
    return -textbook._tomogram(rng, blurred, np.arange(-65, 66, 2), 10**3.2)


def _body(rng: np.random.Generator, kind: str, shape: Shape, scale: float) -> tuple[Slices, Array]:
    """Distance from the surface of a body somewhere in the volume, negative inside, in a box around it."""
    depth, height, width = shape
    centre = np.array([rng.uniform(2, depth - 2), rng.uniform(0, height), rng.uniform(0, width)])
    if kind == "mitochondrion":
        radius, half = rng.uniform(7, 11) * scale, rng.uniform(10, 26) * scale
        angle, bend, rise = rng.uniform(0, np.pi), rng.uniform(-0.02, 0.02) / scale, rng.uniform(-0.25, 0.25)
        steps = np.linspace(-half, half, 15)
        path = np.stack([centre[0] + rise * steps,
                         centre[1] + steps * np.sin(angle) + bend * steps**2 * np.cos(angle),
                         centre[2] + steps * np.cos(angle) - bend * steps**2 * np.sin(angle)], 1)  # fmt: skip
        box, grid = _box(path.min(0) - radius, path.max(0) + radius, shape)
        return box, _tube(path.astype(np.float32), radius, grid)
    radius = scale * (rng.uniform(6, 15) if kind == "vesicle" else rng.uniform(3, 6))
    radii = radius * np.array([rng.uniform(0.7, 1.0), 1, rng.uniform(0.7, 1)])
    angle = rng.uniform(0, 3)
    box, (z, y, x) = _box(centre - radius, centre + radius, shape)
    z, y, x = z - centre[0], y - centre[1], x - centre[2]
    turned = (z, y * np.cos(angle) - x * np.sin(angle), y * np.sin(angle) + x * np.cos(angle))
    level = np.sqrt(sum((t / r) ** 2 for t, r in zip(turned, radii, strict=True)))
    slope = np.sqrt(sum((t / r**2) ** 2 for t, r in zip(turned, radii, strict=True))) + 1e-6
    return box, ((level - 1) * level / slope).astype(np.float32)


def _box(low: Point, high: Point, shape: Shape) -> tuple[Slices, list[Array]]:
    """Return a box with a margin around both corners, and the coordinates in it, along each axis."""
    ends = [(max(0, int(a) - 8), min(n, int(b) + 9)) for a, b, n in zip(low, high, shape, strict=True)]
    z, y, x = (np.arange(a, b, dtype=np.float32) for a, b in ends)
    return tuple(slice(*end) for end in ends), [z[:, None, None], y[:, None], x]


def _tube(path: Array, radius: float, grid: list[Array]) -> Array:
    best = np.float32(np.inf)
    for one, other in itertools.pairwise(path):
        along = other - one
        offset = [g - c for g, c in zip(grid, one, strict=True)]
        t = np.clip(sum(o * a for o, a in zip(offset, along, strict=True)) / (along @ along), 0, 1)
        best = np.minimum(best, sum((o - t * a) ** 2 for o, a in zip(offset, along, strict=True)))
    return np.sqrt(best) - np.float32(radius)


def _cristae(rng: np.random.Generator, distance: Array) -> list[NDArray[np.bool_]]:
    """Thin sheets across a body; some go only half across, some all the way."""
    inside = np.argwhere(distance < 0)
    middle = inside.mean(0)
    axes = np.linalg.svd(inside[:: max(1, len(inside) // 2000)] - middle, full_matrices=False)[2]
    grid = np.stack(np.indices(distance.shape, dtype=np.float32), -1) - middle
    position, aside = grid @ axes[0], grid @ axes[1]
    sheets = []
    reach = float(np.abs(position[distance < 0]).max())
    for place in np.arange(-reach + 8, reach - 7, rng.uniform(8, 13)):
        part = (distance < 0) & (np.abs(position - place) <= 1.0)
        whole = rng.random() < 0.3
        sheets.append(part if whole else part & (aside * rng.choice([-1, 1]) > -1))
    return sheets


@dataclass(frozen=True)
class Score:
    """How bodies agree with the true ones, those at the border of the volume left out.

    ``volume_error`` is the median of what the volumes of bodies that were found are off by, of 1.
    """

    precision: float
    recall: float
    f1: float
    volume_error: float
    bodies: int


def judge(found: NDArray[np.integer], truth: NDArray[np.integer], least: float = 0.5) -> Score:
    """Compare numbered bodies (z, y, x) with the true ones: the same where IoU is ``least`` or more.

    A body that was found and lies for the most part in true ones that are not judged is not judged.
    """
    width, height = int(found.max()) + 1, int(truth.max()) + 1
    pairs = np.bincount(truth.astype(np.int64).ravel() * width + found.ravel(), minlength=width * height)
    pairs = pairs.reshape(height, width)
    true_voxels, voxels = pairs.sum(1), pairs.sum(0)
    share = pairs / np.maximum(1, true_voxels[:, None] + voxels[None] - pairs)
    share[0], share[:, 0] = 0, 0
    judged = np.setdiff1d(np.flatnonzero(true_voxels), [0, *_at_border(truth)])
    right = [number for number in judged if share[number].max() >= least]
    candidates = np.setdiff1d(np.flatnonzero(voxels), [0, *_at_border(found)])
    wrong = 0
    for number in candidates:
        elsewhere = voxels[number] - pairs[0, number] - pairs[judged, number].sum()
        wrong += share[:, number].max() < least and elsewhere <= voxels[number] / 2
    precision, recall = len(right) / max(1, len(right) + wrong), len(right) / max(1, len(judged))
    off = [abs(voxels[share[n].argmax()] / true_voxels[n] - 1) for n in right]
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    return Score(precision, recall, f1, float(np.median(off)) if off else 1.0, len(judged))


def _at_border(numbers: NDArray[np.integer]) -> NDArray[np.integer]:
    faces = [np.take(numbers, end, axis).ravel() for axis in range(3) for end in (0, -1)]
    return np.unique(np.concatenate(faces))
