"""A tilt series of a phantom and its reconstruction, with the artefacts of a real microscope.

The specimen turns about the y axis, so each (z, x) plane is projected and reconstructed alone, and
one sparse matrix serves all planes. Because the projections show only the field of view while the
specimen is wider, border and region-of-interest artefacts arise as they do in an experiment; the
tilt range leaves the missing wedge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage, sparse

from sxtstudio.core.progress import Progress
from sxtstudio.training.microscope import FULL_ROTATION_DEG, Microscope

Array = NDArray[np.float32]

DEPTH_BINS = 3
_SUBSETS = 8  # of the angles, in SIRT


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


def random_alignment(
    rng: np.random.Generator, size: tuple[int, int, int], microscope: Microscope
) -> Alignment:
    """Return the alignment of a series of a specimen of ``size`` (z, y, x)."""
    focus = rng.uniform(-0.3, 0.3) * np.hypot(size[0], size[2]) / 2
    shifts = np.zeros((len(microscope.angles), 2))
    if microscope.jitter_px:
        shifts = rng.normal(scale=microscope.jitter_px, size=shifts.shape)
    return Alignment(float(focus), shifts)


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
    return series


def expose(rng: np.random.Generator, series: Array, microscope: Microscope) -> Array:
    """Return projections with noise: transmission is exp(−∫LAC), photons are counted, the log is taken."""
    counts = rng.poisson(microscope.photons * np.exp(-series)).astype(np.float32)
    noisy: Array = -np.log(np.maximum(counts, 0.5) / np.float32(microscope.photons))
    return noisy


def develop(series: Array, microscope: Microscope) -> Array:
    """Return projections filtered as an experimenter would, with the halos that filters leave."""
    if microscope.smoothing_px:
        series = ndimage.gaussian_filter(series, (0, microscope.smoothing_px, microscope.smoothing_px))
    if microscope.halo:
        around = ndimage.gaussian_filter(series, (0, microscope.halo_px, microscope.halo_px))
        series = series + np.float32(microscope.halo) * (series - around)
    return series


def reconstruct(series: Array, depth: int, microscope: Microscope, progress: Progress | None = None) -> Array:
    """Return the tomogram (z, y, x) of the field of view, ``depth`` slices, absorbing structures positive."""
    progress = progress or Progress()
    if microscope.method == "wbp":
        volume = _weighted_back_projection(series, depth, microscope)
        progress.step()
        return volume
    return _sirt(series, depth, microscope, progress)


def passes(microscope: Microscope) -> int:
    """Return how often ``reconstruct`` goes through the projections."""
    return 1 if microscope.method == "wbp" else 1 + 2 * _rounds(microscope)


def _rounds(microscope: Microscope) -> int:
    return max(1, microscope.iterations // _SUBSETS)


def _sirt(series: Array, depth: int, microscope: Microscope, progress: Progress) -> Array:
    """Simultaneous iterative reconstruction: x += C Aᵀ R (b − A x), by ordered subsets of angles.

    Subsets reach after n rounds about what plain SIRT reaches after n times their number. Tilted views see
    more than the field of view; with a margin that is taken for a slab that goes on as the border begins,
    without it ends up in the borders.
    """
    angles = microscope.angles
    _, detector, ny = series.shape
    subsets = _SUBSETS
    width = detector + 2 * microscope.margin_px
    volume = np.zeros((depth * width, ny), np.float32)
    beyond = _absorption_beyond(series[np.argmin(np.abs(angles))], depth)
    goes_on = microscope.margin_px > 0 and np.abs(angles).max() < np.deg2rad(FULL_ROTATION_DEG - 1)
    parts = []
    for k in range(subsets):
        (matrix,) = projection_matrices((depth, width), detector, angles[k::subsets])
        inside = np.asarray(matrix.sum(axis=1))
        rows = 1 / np.maximum(inside, 1e-3)
        # Voxels that hardly any ray meets would otherwise run away.
        columns = 1 / np.maximum(np.asarray(matrix.sum(axis=0)).T, 1.0)
        measured = series[k::subsets].reshape(-1, ny)
        if goes_on:
            whole = np.repeat(depth / np.cos(angles[k::subsets]), detector)[:, None]
            outside = np.maximum(whole - inside, 0).astype(np.float32)
            measured = measured - outside * np.tile(beyond, (len(angles[k::subsets]), 1))
        parts.append(
            (matrix, matrix.T.tocsr(), rows.astype(np.float32), columns.astype(np.float32), measured)
        )
    rounds = _rounds(microscope)
    progress.begin(rounds * subsets)
    for _ in range(rounds):
        for matrix, back, rows, columns, measured in parts:
            volume += columns * (back @ (rows * (measured - matrix @ volume)))
            progress.step()
    view = volume.reshape(depth, width, ny)[:, microscope.margin_px : microscope.margin_px + detector]
    return np.ascontiguousarray(view.transpose(0, 2, 1))


def _absorption_beyond(upright: Array, depth: int) -> Array:
    """Return the mean absorption beside the field of view, (detector, y): that of the nearer border."""
    strip = max(1, len(upright) // 8)
    smooth = ndimage.gaussian_filter1d(upright, 6, axis=1) / depth
    beyond = np.empty_like(upright)
    beyond[: len(upright) // 2] = smooth[:strip].mean(axis=0)
    beyond[len(upright) // 2 :] = smooth[-strip:].mean(axis=0)
    return beyond


def _weighted_back_projection(series: Array, depth: int, microscope: Microscope) -> Array:
    """Ramp filter with a soft cut-off along the detector, then back-projection."""
    _, detector, ny = series.shape
    margin = microscope.margin_px
    level = series - series.mean(axis=1, keepdims=True)
    level = np.pad(level, ((0, 0), (margin, margin), (0, 0)), "edge")
    padded = 2 * level.shape[1]
    frequency = fft.rfftfreq(padded)
    ramp = (frequency * np.exp(-((frequency / 0.3) ** 2))).astype(np.float32)
    spectrum = fft.rfft(level, padded, axis=1) * ramp[None, :, None]
    filtered = fft.irfft(spectrum, padded, axis=1)[:, : level.shape[1]].astype(np.float32)
    angles = microscope.angles
    (matrix,) = projection_matrices((depth, detector), level.shape[1], angles)
    volume = matrix.T.tocsr() @ filtered.reshape(-1, ny)
    volume *= np.float32(np.pi / len(angles))  # to absorption per voxel
    return np.ascontiguousarray(volume.reshape(depth, detector, ny).transpose(0, 2, 1))
