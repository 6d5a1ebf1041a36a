"""Analytic bodies: volume, area and axes by formula, and their voxels by coverage of implicit functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import dblquad
from scipy.spatial.transform import Rotation

Places = NDArray[np.float64]


@dataclass(frozen=True)
class Body:
    """A body around the origin: negative inside, along its own axes (z, y, x).

    ``half`` is half its extent along these; ``axes`` are the full axes of the ellipsoid that has its moments.
    """

    name: str
    inside: Callable[[Places], NDArray[np.float64]]
    volume: float
    area: float
    axes: tuple[float, float, float]
    half: tuple[float, float, float]
    euler: int = 1

    def __str__(self) -> str:
        return self.name


def ellipsoid(*half: float, name: str = "ellipsoid") -> Body:
    a, b, c = half

    def element(v: float, u: float) -> float:
        s = np.sin(u)
        return s * np.sqrt(
            (b * c * s * np.cos(v)) ** 2 + (a * c * s * np.sin(v)) ** 2 + (a * b * np.cos(u)) ** 2
        )

    area = 8 * dblquad(element, 0, np.pi / 2, 0, np.pi / 2)[0]
    axes = tuple(sorted((2 * x for x in half), reverse=True))
    return Body(
        name,
        lambda p: np.square(p / half).sum(axis=-1) - 1,
        4 / 3 * np.pi * a * b * c,
        area,
        (axes[0], axes[1], axes[2]),
        (a, b, c),
    )


def box(*half: float) -> Body:
    a, b, c = (2 * x for x in half)
    axes = sorted((edge * np.sqrt(20 / 12) for edge in (a, b, c)), reverse=True)
    return Body(
        "box",
        lambda p: (np.abs(p) - half).max(axis=-1),
        a * b * c,
        2 * (a * b + b * c + c * a),
        (axes[0], axes[1], axes[2]),
        half,
    )


def capsule(radius: float, length: float) -> Body:
    """A cylinder of this length along x, with half a ball at each end."""

    def inside(p: Places) -> NDArray[np.float64]:
        along = p[..., 2] - np.clip(p[..., 2], -length / 2, length / 2)
        return np.sqrt(np.square(p[..., :2]).sum(axis=-1) + along**2) - radius

    cylinder, ball = np.pi * radius**2 * length, 4 / 3 * np.pi * radius**3
    volume = cylinder + ball
    # Half a ball: centre of mass 3/8 r from its face, <x²> about that face r²/5.
    far = length**2 / 4 + 2 * (length / 2) * (3 / 8 * radius) + radius**2 / 5
    along = (cylinder * length**2 / 12 + ball * far) / volume
    across = (cylinder * radius**2 / 4 + ball * radius**2 / 5) / volume
    axes = 2 * np.sqrt(5 * np.array([along, across, across]))
    return Body(
        "capsule",
        inside,
        volume,
        2 * np.pi * radius * length + 4 * np.pi * radius**2,
        (axes[0], axes[1], axes[2]),
        (radius, radius, length / 2 + radius),
    )


def torus(ring: float, tube: float) -> Body:
    """A ring around z."""

    def inside(p: Places) -> NDArray[np.float64]:
        return np.hypot(np.hypot(p[..., 1], p[..., 2]) - ring, p[..., 0]) - tube

    wide = ring**2 / 2 + 3 / 8 * tube**2  # <x²>; <z²> is tube²/4
    axes = 2 * np.sqrt(5 * np.array([wide, wide, tube**2 / 4]))
    return Body(
        "torus",
        inside,
        2 * np.pi**2 * ring * tube**2,
        4 * np.pi**2 * ring * tube,
        (axes[0], axes[1], axes[2]),
        (tube, ring + tube, ring + tube),
        euler=0,
    )


def turned(seed: int | None) -> NDArray[np.float64]:
    """A rotation: none, or a random one."""
    return np.eye(3) if seed is None else Rotation.random(random_state=seed).as_matrix()


def voxels(
    body: Body,
    voxel: tuple[float, float, float] = (1.0, 1.0, 1.0),
    turn: int | None = None,
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> NDArray[np.uint8]:
    """Voxels of which at least half is inside, at 3 × 3 × 3 places each; ``offset`` in voxels."""
    rotation = turned(turn)
    reach = np.abs(rotation) @ np.array(body.half)
    shape = np.ceil(2 * reach / voxel).astype(int) + 5
    middle = (shape - 1) / 2 + offset
    covered = np.zeros(shape, np.int32)
    for dz, dy, dx in np.ndindex(3, 3, 3):
        places = [
            (np.arange(n) - m + (d + 0.5) / 3 - 0.5) * edge
            for n, m, d, edge in zip(shape, middle, (dz, dy, dx), voxel, strict=True)
        ]
        grid = np.stack(np.meshgrid(*places, indexing="ij"), axis=-1)
        covered += body.inside(grid @ rotation) < 0
    return (covered >= 14).astype(np.uint8)
