"""Volumes whose quality is known by how they were made; nothing here is the program's own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

Volume = NDArray[np.float32]


def frequencies(shape: tuple[int, ...]) -> list[NDArray[np.float64]]:
    return list(np.meshgrid(*(fft.fftfreq(n) for n in shape), indexing="ij"))


def through_optics(white: NDArray[np.float64], sigma_px: float) -> NDArray[np.float64]:
    """Blur with a Gaussian, exactly: over periodic borders, in Fourier space."""
    squared = sum(k**2 for k in frequencies(white.shape))
    return np.real(fft.ifftn(fft.fftn(white) * np.exp(-2 * (np.pi * sigma_px) ** 2 * squared)))


def of_a_wedge(volume: NDArray[np.float64], tilt_deg: float = 60) -> NDArray[np.float64]:
    """Keep what projections of tilts up to ±60° about y show: components with |kz| < |kx| tan θ."""
    z, _, x = frequencies(volume.shape)
    return np.real(fft.ifftn(fft.fftn(volume) * (np.abs(z) <= np.abs(x) * np.tan(np.deg2rad(tilt_deg)))))


def ball(shape: tuple[int, ...], centre: tuple[float, ...], radius: float) -> NDArray[np.bool_]:
    grid = np.ogrid[tuple(slice(0, n) for n in shape)]
    return sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True)) <= radius**2


def bodies(seed: int, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Balls with and without walls, that go on from slice to slice as what is in a cell does."""
    rng = np.random.default_rng(seed)
    density = np.zeros(shape)
    for _ in range(90):
        centre, radius = tuple(rng.uniform(0, n) for n in shape), rng.uniform(4, 14)
        density[ball(shape, centre, radius)] = rng.choice([0.5, 1.0])
        density[ball(shape, centre, radius - 2)] = rng.choice([0.2, 0.7])
    return density


def cell_in_ice(
    seed: int = 1, shape: tuple[int, int, int] = (24, 160, 160), noise: float = 0.4
) -> tuple[Volume, NDArray[np.bool_]]:
    """A dark cell with bodies, cut by the left border, in noise; and where it is."""
    rng = np.random.default_rng(seed)
    _, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    cell = np.broadcast_to((y - shape[1] / 2) ** 2 + (x - 20) ** 2 < (0.42 * shape[1]) ** 2, shape)
    density = cell.astype(np.float64)
    for _ in range(60):
        body = ball(shape, tuple(rng.uniform(0, n) for n in shape), rng.uniform(4, 9)) & cell
        density[body] = rng.choice([0.3, 2.0])
    density = ndimage.gaussian_filter(density, 1.2)
    return (-density + rng.normal(0, noise, shape)).astype(np.float32), cell


def beads_in_noise(
    centres: list[tuple[float, float, float]],
    shift: tuple[float, float] = (0, 0),
    shape: tuple[int, int, int] = (24, 192, 192),
    radius: float = 5,
) -> Volume:
    """Gold in noise of SD 1, 25 SD dark; with a shift each once more beside it."""
    volume = np.random.default_rng(5).normal(0, 1, shape)
    for z, y, x in centres:
        for sign in (-0.5, 0.5):
            place = (z, y + sign * shift[0], x + sign * shift[1])
            volume[ball(shape, place, radius)] -= 25 if any(shift) else 12.5
    return volume.astype(np.float32)
