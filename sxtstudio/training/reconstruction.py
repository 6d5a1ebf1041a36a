"""What is made of a tilt series: filters, weighted back-projection or SIRT, and smoothing afterwards.

One specimen looks different from one beamline to the next, because each has its own way from the
projections to the slices: a filter more or less soft, few iterations or many, edges of the view
padded or not, and a smoothing that keeps edges.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from sxtstudio.core.progress import Progress
from sxtstudio.training.microscope import FULL_ROTATION_DEG, Denoising, Microscope, Ramp
from sxtstudio.training.tilt_series import projection_matrices

Array = NDArray[np.float32]

_SUBSETS = 8  # of the angles, in SIRT
#: Steps after which the total variation hardly changes any more.
_TV_STEPS = 30


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
    """Filter along the detector, then back-projection."""
    _, detector, ny = series.shape
    margin = microscope.margin_px
    level = series - series.mean(axis=1, keepdims=True)
    level = np.pad(level, ((0, 0), (margin, margin), (0, 0)), "edge")
    padded = 2 * level.shape[1]
    frequency = fft.rfftfreq(padded)
    ramp = _ramp(frequency, microscope)
    spectrum = fft.rfft(level, padded, axis=1) * ramp[None, :, None]
    filtered = fft.irfft(spectrum, padded, axis=1)[:, : level.shape[1]].astype(np.float32)
    angles = microscope.angles
    (matrix,) = projection_matrices((depth, detector), level.shape[1], angles)
    volume = matrix.T.tocsr() @ filtered.reshape(-1, ny)
    volume *= np.float32(np.pi / len(angles))  # to absorption per voxel
    return np.ascontiguousarray(volume.reshape(depth, detector, ny).transpose(0, 2, 1))


def _ramp(frequency: NDArray[np.float64], microscope: Microscope) -> Array:
    """Return the weight of each frequency (cycles per pixel).

    A ramp times a window: a Gaussian of 1/e width 0.3, that of Hann, or none. The SIRT-like filter is what
    ``iterations`` of SIRT do to a frequency, 1 − (1 − c/f)ⁿ (Zeng, Phys. Med. Biol. 57 (2012) 7801), as IMOD
    offers it.
    """
    if microscope.ramp is Ramp.SIRT_LIKE:
        slowest = np.maximum(frequency, frequency[1])
        share = 1 - (1 - frequency[1] / slowest) ** (6 * microscope.iterations)
        weight = frequency * share * np.exp(-((frequency / 0.4) ** 2))
    elif microscope.ramp is Ramp.HANN:
        weight = frequency * np.cos(np.pi * frequency) ** 2
    elif microscope.ramp is Ramp.SHARP:
        weight = frequency
    else:
        weight = frequency * np.exp(-((frequency / 0.3) ** 2))
    return np.asarray(weight, np.float32)


def denoise(tomogram: Array, noise: float, microscope: Microscope) -> Array:
    """Return the tomogram with less noise, if that was wanted.

    Parameters
    ----------
    noise
        Standard deviation of its noise, which the strength of the total variation goes by.
    """
    if microscope.denoising is Denoising.TOTAL_VARIATION:
        from skimage.restoration import denoise_tv_chambolle  # here, because it takes long to load

        weight = max(microscope.denoising_strength * noise, 1e-9)
        smoothed: Array = denoise_tv_chambolle(tomogram, weight=weight, max_num_iter=_TV_STEPS)
        return smoothed.astype(np.float32, copy=False)
    if microscope.denoising is Denoising.MEDIAN:
        return np.asarray(ndimage.median_filter(tomogram, 3))
    if microscope.denoising is Denoising.GAUSSIAN:
        return np.asarray(ndimage.gaussian_filter(tomogram, microscope.denoising_strength))
    return tomogram
