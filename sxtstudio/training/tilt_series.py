"""A tilt series of a phantom, with the faults of a real microscope.

The specimen turns about the y axis, so each (z, x) plane is projected and reconstructed alone, and
one sparse matrix serves all planes. Because the projections show only the field of view while the
specimen is wider, border and region-of-interest artefacts arise as they do in an experiment; the
tilt range leaves the missing wedge. What is made of the series is in ``reconstruction``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from sxtstudio.core.progress import Progress
from sxtstudio.training.frames import ended
from sxtstudio.training.microscope import FULL_ROTATION_DEG, Microscope

Array = NDArray[np.float32]

DEPTH_BINS = 3
#: Optical depth above the median that only gold and the like has.
GOLD_DEPTH = 0.5
#: By how much alignment moves a picture against the one before, SD.
_MOVES_PX = 3.0


def projection_matrices(
    size: tuple[int, int], detector: int, angles: NDArray[np.float64], depth_bins: int = 1
) -> list[sparse.csr_matrix]:
    """Return matrices from a (z, x) plane to its projections (angles × detector).

    With several depth bins there is one matrix for each slab along the beam; their sum is the
    whole projection. Each voxel is shared linearly between the two detector pixels it falls on.
    """
    nz, nx = size
    z, x = np.mgrid[:nz, :nx].astype(np.float64)
    z, x = z.ravel() - (nz - 1) / 2, x.ravel() - (nx - 1) / 2
    reach = np.hypot(nz, nx) / 2
    voxels = np.arange(nz * nx)
    parts: list[list[Any]] = [[] for _ in range(depth_bins)]
    for i, angle in enumerate(angles):
        u = x * np.cos(angle) + z * np.sin(angle) + (detector - 1) / 2
        depth = z * np.cos(angle) - x * np.sin(angle)
        which = np.clip(((depth / reach + 1) / 2 * depth_bins).astype(int), 0, depth_bins - 1)
        left = np.floor(u).astype(int)
        share = u - left
        for pixel, weight in ((left, 1 - share), (left + 1, share)):
            seen = (pixel >= 0) & (pixel < detector)
            for b in range(depth_bins):
                use = seen & (which == b)
                parts[b].append((weight[use], i * detector + pixel[use], voxels[use]))
    shape = (len(angles) * detector, nz * nx)
    matrices = []
    for part in parts:
        weight, row, column = (np.concatenate(values) for values in zip(*part, strict=True))
        matrices.append(sparse.csr_matrix((weight.astype(np.float32), (row, column)), shape=shape))
    return matrices


@dataclass(frozen=True)
class Alignment:
    """Where the microscope was focused, and by how much each projection is misaligned."""

    focus_px: float  # distance of the focal plane from the middle of the specimen, along the beam
    shifts_px: NDArray[np.float64]  # (angles, 2): along the detector and along y
    ended: NDArray[np.bool_] | None = None  # where aligned pictures have ended, (angles, detector, y)


def random_alignment(
    rng: np.random.Generator, size: tuple[int, int, int], microscope: Microscope, detector: int | None = None
) -> Alignment:
    """Return the alignment of a series of a specimen of ``size`` (z, y, x), seen by ``detector`` pixels."""
    focus = rng.uniform(-0.3, 0.3) * np.hypot(size[0], size[2]) / 2
    shifts = np.zeros((len(microscope.angles), 2))
    if microscope.jitter_px:
        shifts = rng.normal(scale=microscope.jitter_px, size=shifts.shape)
    return Alignment(float(focus), shifts, ended(rng, microscope, detector or size[2], size[1]))


def project(
    lac: Array,
    detector: int,
    microscope: Microscope,
    alignment: Alignment,
    progress: Progress | None = None,
) -> Array:
    """Return the projections without noise, shape (angles, detector, y), as absorption (line integrals).

    Parts far from the focal plane are blurred: σ = σ₀ √(1 + (d / D)²), where d is the distance to it and D
    half the depth of field.
    """
    nz, ny, nx = lac.shape
    angles = microscope.angles
    planes = np.ascontiguousarray(lac.transpose(0, 2, 1)).reshape(nz * nx, ny)
    reach = np.hypot(nz, nx) / 2
    series = np.zeros((len(angles), detector, ny), np.float32)
    progress = progress or Progress()
    progress.begin(DEPTH_BINS)
    for b, matrix in enumerate(projection_matrices((nz, nx), detector, angles, DEPTH_BINS)):
        part = (matrix @ planes).reshape(series.shape)
        depth = ((b + 0.5) / DEPTH_BINS * 2 - 1) * reach
        sigma = microscope.blur_px * np.hypot(1, (depth - alignment.focus_px) / microscope.focus_depth_px)
        series += ndimage.gaussian_filter(part, (0, sigma, sigma))
        progress.step()
    series *= microscope.voxel_nm / 1000  # LAC is per µm
    if alignment.shifts_px.any():
        for i, shift in enumerate(alignment.shifts_px):
            series[i] = ndimage.shift(series[i], shift, order=1, mode="nearest")
    if microscope.fringes:
        _add_fringes(series, microscope, alignment)
    return series


def _add_fringes(series: Array, microscope: Microscope, alignment: Alignment) -> None:
    """Put rings round what absorbs as strongly as gold, as its edges do out of focus, in place.

    Propagation turns phase into contrast by sin(π λ d f²) (Pogany et al., Rev. Sci. Instrum. 68 (1997) 2774);
    the rings die away where the source is not coherent enough.
    """
    strong = np.maximum(series - np.median(series) - np.float32(GOLD_DEPTH), 0)
    if not strong.any():
        return
    _, detector, height = series.shape
    u, v = np.meshgrid(np.fft.fftfreq(2 * detector), np.fft.rfftfreq(2 * height), indexing="ij")
    square = u * u + v * v
    # The defocus, in voxels of 10 nm and the wavelength, decides how wide the rings are.
    rings = 1.5 + abs(alignment.focus_px) / max(microscope.focus_depth_px, 1.0)
    transfer = np.sin(np.pi * 40 * rings * square) * np.exp(-square / 0.02)
    for picture, gold in zip(series, strong, strict=True):
        if gold.any():
            spectrum = np.fft.rfft2(gold, (2 * detector, 2 * height)) * transfer
            picture -= np.float32(microscope.fringes) * np.fft.irfft2(spectrum)[:detector, :height].astype(
                np.float32
            )


def expose(rng: np.random.Generator, series: Array, microscope: Microscope) -> Array:
    """Return projections with noise: transmission is exp(−∫LAC), photons are counted, the log is taken.

    Binned pixels count the photons of all they are made of. An error of the flat field stays where it is on
    the camera while alignment moves the pictures: arcs and streaks; over a full rotation in a capillary,
    which hardly moves, rings.
    """
    photons = microscope.photons * microscope.binning**2
    counts = rng.poisson(photons * np.exp(-series)).astype(np.float32)
    noisy: Array = -np.log(np.maximum(counts, 0.5) / np.float32(photons))
    if microscope.uneven:
        flat = rng.normal(scale=microscope.uneven, size=series.shape[1:]).astype(np.float32)
        moved = np.zeros((len(series), 2), int)
        if microscope.tilt_deg < FULL_ROTATION_DEG:
            moved = np.cumsum(rng.normal(scale=_MOVES_PX, size=moved.shape), axis=0).round().astype(int)
        for picture, (du, dy) in zip(noisy, moved, strict=True):
            picture += np.roll(flat, (du, dy), (0, 1))
    return noisy
