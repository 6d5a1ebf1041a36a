"""Tries whether a doubled tilt series can be told without gold: what ``docs/measured.md`` says of it.

    python -m bench.doubles --seeds 21 28     # some minutes of one core for each pair of phantoms

What the tilts of one part show and what those of the other show lie in different parts of Fourier space, so
that neither spectrum nor autocorrelation of a slice shows both. But edges are seen by both, and the
*amplitudes* of the two images, which are never below 0, go together. A stack of slices is split by the sign
of kz, and the amplitudes of both are correlated, slice by slice: the peak lies where the second picture does.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from sxtstudio.training.microscope import FULL_ROTATION_DEG, random_microscope
from sxtstudio.training.phantom import make_phantom
from sxtstudio.training.reconstruction import develop, reconstruct
from sxtstudio.training.tilt_series import expose, project, random_alignment

Volume = NDArray[np.float32]
SHAPE, BEYOND = (40, 320, 320), 120
BORDER_PX, REACH_PX, AROUND_PX = 16, 24, 28
#: 1/px; degrees; steps of kz, below which both images show the same.
LOW, HIGH, TILTS, APART = 0.03, 0.25, (10.0, 70.0), 2
#: Components that hardly change along the tilt axis cannot tell a displacement along it: stripes, borders.
LEAST_ALONG = 0.02
#: From so many spreads of the correlation on the peak is believed.
BELIEVED = 6.0


@dataclass(frozen=True)
class Peak:
    """Where the second picture lies, px along y and x, and how far the peak stands out, in spreads."""

    y: int
    x: int
    height: float


def amplitudes(volume: Volume) -> tuple[Volume, Volume]:
    """Return what either half of the tilts about y shows (z, y, x), as amplitudes without slow changes."""
    inner = volume[:, BORDER_PX:-BORDER_PX, BORDER_PX:-BORDER_PX]
    fine = inner - ndimage.gaussian_filter(inner, (0, 12, 12))
    limit = np.percentile(np.abs(fine), 99.7)  # gold would be all that counts
    fine = np.clip(fine, -limit, limit)
    depth = len(fine)
    y, x = (np.minimum(1, (np.minimum(np.arange(n), np.arange(n)[::-1]) + 0.5) / 16) for n in fine.shape[1:])
    along_z = np.hanning(depth + 2)[1:-1][:, None, None]
    spectrum = fft.fftn((fine * along_z * y[:, None] * x).astype(np.float32))
    kz, ky, kx = np.meshgrid(*(fft.fftfreq(n) for n in fine.shape), indexing="ij", sparse=True)
    k = np.sqrt(kz**2 + ky**2 + kx**2)
    tilt = np.degrees(np.arctan2(np.abs(kz), np.maximum(kx, 1e-9)))
    band = np.exp(-((k / HIGH) ** 4)) * (1 - np.exp(-((k / LOW) ** 4)))
    band *= (kx > 0) & (np.abs(kz) >= APART / depth) & (np.abs(ky) >= LEAST_ALONG)
    band *= (tilt > TILTS[0]) & (tilt < TILTS[1])
    first, second = (_amplitude(spectrum * (band * (kz * sign > 0))) for sign in (-1, 1))
    return first, second


def _amplitude(spectrum: NDArray[np.complex64]) -> Volume:
    found = np.abs(fft.ifftn(spectrum)).astype(np.float32)
    found /= found.mean(axis=(1, 2), keepdims=True) + 1e-30
    found = np.minimum(found, np.percentile(found, 99))
    found -= ndimage.gaussian_filter(found, (0, 12, 12))
    found -= found.mean(axis=1, keepdims=True)
    return np.asarray(found - found.mean(axis=2, keepdims=True), np.float32)


def second_picture(volume: Volume) -> Peak:
    """Return where the second picture of a tomogram (z, y, x) lies."""
    first, second = (found[2:-2] for found in amplitudes(volume))
    size = [n + 32 for n in first.shape[1:]]
    spectra = [fft.rfft2(found, size) for found in (first, second)]
    correlation = fft.fftshift(fft.irfft2((spectra[0].conj() * spectra[1]).sum(axis=0), size))
    y, x = (n // 2 for n in size)
    near = correlation[y - REACH_PX : y + REACH_PX + 1, x - REACH_PX : x + REACH_PX + 1]
    far = np.ones(correlation.shape, bool)
    far[y - AROUND_PX : y + AROUND_PX + 1, x - AROUND_PX : x + AROUND_PX + 1] = False
    row, column = np.unravel_index(np.argmax(near), near.shape)
    return Peak(int(row) - REACH_PX, int(column) - REACH_PX, float(near.max() / correlation[far].std()))


def phantom(seed: int, displaced_px: float) -> Volume:
    """Return a phantom of which a part of the tilts is displaced along y, so many pixels."""
    rng = np.random.default_rng(seed)
    microscope = random_microscope(rng)
    depth, height, width = SHAPE
    full = microscope.tilt_deg >= FULL_ROTATION_DEG
    made = make_phantom(rng, (depth, height, width + 48), microscope.voxel_nm, None, capillary=full)
    lac = made.lac + made.grain
    if not full:
        lac = np.pad(lac, ((0, 0), (0, 0), (BEYOND, BEYOND)), "reflect")
    alignment = random_alignment(rng, lac.shape, microscope)
    part = int(len(microscope.angles) * rng.uniform(0.3, 0.7))
    shifts = alignment.shifts_px.copy()
    shifts[:part, 1] += displaced_px
    clean = project(lac, width, microscope, replace(alignment, shifts_px=shifts - shifts.mean(axis=0)))
    series = expose(np.random.default_rng(seed + 1000), clean, microscope)
    return -reconstruct(develop(series, microscope), depth, microscope)


def main() -> None:
    """Print where the second picture lies, of phantoms without and with one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs=2, default=(21, 23), metavar=("FIRST", "LAST"))
    parser.add_argument("--displaced", type=float, default=7.0, metavar="PX")
    arguments = parser.parse_args()
    for seed in range(arguments.seeds[0], arguments.seeds[1] + 1):
        for displaced in (0.0, arguments.displaced):
            found = second_picture(phantom(seed, displaced))
            told = "" if found.height >= BELIEVED else ", not believed"
            print(f"{seed}: {displaced:g} px placed, {found.y:+d} found ({found.height:.1f} spreads{told})")


if __name__ == "__main__":
    main()
