"""Amplitude spectra of real slices, mixed into crops of phantoms: the background and grain of an instrument.

Fourier-domain adaptation: phases tell where structures lie, amplitudes how they look (Yang & Soatto, CVPR
2020). Two bands of a crop's amplitudes move towards those of a real slice, each by a strength of its own: the
slow background, and the grain. Membranes lie between them and stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from sxtstudio.training.augment import normalise, resized
from sxtstudio.training.neighbouring import middle_of

Image = NDArray[np.float32]

#: Periods in pixels: half of the strength holds for a background as slow as this, and for grain as fine.
SLOW_PX, GRAIN_PX = 32.0, 5.0
#: No amplitude changes by more than this factor, either way.
MOST = 4.0
#: Steps of frequency over which amplitudes are averaged: those of noise scatter.
_SMOOTH = 1.5
_MARGIN_PX = 32  # mirrored round a crop, because Fourier's images repeat


def amplitudes(images: Iterable[Image], size: int) -> list[Image]:
    """Return the spectra of slices (y, x), one for each window of ``size`` pixels that has contrast."""
    found = []
    for image in images:
        for y in range(0, image.shape[0] - size + 1, size):
            for x in range(0, image.shape[1] - size + 1, size):
                window = normalise(image[y : y + size, x : x + size])
                if window.any():
                    found.append(amplitude(window))
    return found


def amplitude(image: Image) -> Image:
    """Return the smoothed amplitude (y, x // 2 + 1) of an image's spectrum, for a mean square of 1."""
    rows, columns = (np.hanning(n + 2)[1:-1] for n in image.shape)
    window = np.outer(rows, columns)
    raw = np.abs(fft.rfft2(image * window)) / np.sqrt((window**2).sum())
    smooth: Image = ndimage.gaussian_filter(raw, _SMOOTH, mode=("wrap", "nearest")).astype(np.float32)
    return smooth


def with_spectrum(image: Image, spectrum: Image, slow: float, grain: float) -> Image:
    """Return a crop, (y, x) or (slices, y, x), with amplitudes moved towards ``spectrum``, normalised.

    Parameters
    ----------
    spectrum
        What ``amplitude`` returns of a real slice.
    slow, grain
        Strengths 0…1 for the slow background and for the grain; at 1 amplitudes become those of the spectrum.
        All slices are filtered as the middle one is.
    """
    padding = [(0, 0)] * (image.ndim - 2) + [(_MARGIN_PX, _MARGIN_PX)] * 2
    wide = np.pad(normalise(image), padding, mode="symmetric")
    shape = wide.shape[-2:]
    own = resized(amplitude(middle_of(normalise(image))), shape)
    ratio = resized(spectrum, shape) / np.maximum(own, 1e-6)
    frequency = np.hypot(fft.fftfreq(shape[0])[:, None], fft.rfftfreq(shape[1]))
    strength = slow / (1 + (frequency * SLOW_PX) ** 4) + grain * (1 - 1 / (1 + (frequency * GRAIN_PX) ** 6))
    transfer = np.clip(ratio, 1 / MOST, MOST) ** strength
    filtered = fft.irfft2(fft.rfft2(wide) * transfer.astype(np.float32), shape)
    inner = filtered[..., _MARGIN_PX:-_MARGIN_PX, _MARGIN_PX:-_MARGIN_PX]
    return normalise(inner.astype(np.float32))


def random_spectrum(
    rng: np.random.Generator, image: Image, spectra: Sequence[Image], slow: float, grain: float
) -> Image:
    """Return a crop with amplitudes of one of the spectra, by random strengths up to ``slow``, ``grain``."""
    spectrum = spectra[int(rng.integers(len(spectra)))]
    if rng.random() < 0.5 and spectrum.shape[0] == 2 * (spectrum.shape[1] - 1):
        spectrum = _transposed(spectrum)
    return with_spectrum(image, spectrum, slow * rng.random(), grain * rng.random())


def _transposed(spectrum: Image) -> Image:
    """Return the spectrum of the transposed square: amplitudes of real images are alike at k and −k."""
    size = len(spectrum)
    rows, columns = np.arange(size), np.arange(spectrum.shape[1])
    mirrored = np.minimum(rows, size - rows)
    flipped = np.where(rows[:, None] <= size // 2, columns, -columns) % size
    turned: Image = spectrum[flipped, mirrored[:, None]]
    return turned
