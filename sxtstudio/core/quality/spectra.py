"""Power and correlation of square tiles of slices in Fourier space, summed over a tomogram.

Slices are cut into tiles of which each is tapered by a Hann window (Welch 1967): sums over many tiles are
smooth where the spectrum of one slice is not, tiles that hold a fill are left out, and no copy of a slice in
Fourier space is kept.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from sxtstudio.core.measured import Mask

Image = NDArray[np.float32]
Spectrum = NDArray[np.complex64]
Plane = NDArray[np.float64]

#: Edge of a tile, and of one in a slice that is smaller than that.
TILE_PX, SMALL_TILE_PX = 128, 64
#: Tiles overlap by half where a slice has fewer of them.
_ENOUGH_TILES = 60
#: A curve that rises again within so much, 1/px, has not ended: it has a zero of the optics, or noise.
DIP = 0.05


def tile_px(shape: tuple[int, ...]) -> int | None:
    """Return the edge of the tiles for slices of this shape (…, y, x); None if they are too small."""
    least = min(shape[-2:])
    return TILE_PX if least >= TILE_PX else SMALL_TILE_PX if least >= SMALL_TILE_PX else None


def tile_spectra(image: NDArray[Any], measured: Mask | None, edge: int) -> Spectrum:
    """Return the spectra of the tiles of a slice.

    Parameters
    ----------
    image
        A slice (y, x).
    measured
        Tiles with a pixel that is False are all 0, so that tiles of several slices belong together;
        None: all was measured.
    edge
        Of a tile, pixels.

    Returns
    -------
    complex64 (tiles, edge, edge // 2 + 1)
        ``rfft2`` of the tiles without their mean and in a Hann window.
    """
    height, width = image.shape
    whole = (height // edge) * (width // edge)
    step = edge if whole >= _ENOUGH_TILES else edge // 2
    corners = [(y, x) for y in range(0, height - edge + 1, step) for x in range(0, width - edge + 1, step)]
    window = _window(edge)
    tiles = np.zeros((len(corners), edge, edge), np.float32)
    for tile, (y, x) in zip(tiles, corners, strict=True):
        part = np.s_[y : y + edge, x : x + edge]
        values = image[part].astype(np.float32)
        if (measured is None or measured[part].all()) and np.isfinite(values).all():
            tile[:] = (values - values.mean(dtype=np.float64)) * window
    spectra: Spectrum = fft.rfft2(tiles, overwrite_x=True)
    return spectra


def taper_power(edge: int) -> float:
    """Return the power at each frequency of a tile of white noise of variance 1, behind its window."""
    return float((_window(edge).astype(np.float64) ** 2).sum())


class CrossPower:
    """The cross power of pairs of slices and the power of either, summed over their tiles."""

    def __init__(self, edge: int) -> None:
        """Begin with nothing, for tiles of ``edge`` pixels."""
        self.edge = edge
        shape = (edge, edge // 2 + 1)
        self.cross = np.zeros(shape)  # the real part, which is all that a sum over rings needs
        self.first = np.zeros(shape)
        self.second = np.zeros(shape)

    def add(self, first: Spectrum, second: Spectrum) -> None:
        """Add the tiles of two slices; those that only one has are left out."""
        both = (first[:, 0, 1] != 0) & (second[:, 0, 1] != 0)
        a, b = first[both], second[both]
        self.cross += _products(a, b)
        self.first += _products(a, a)
        self.second += _products(b, b)

    def correlation(self, within: Mask | None = None) -> tuple[Plane, Plane]:
        """Return the frequencies (n,) in 1/px, and the Fourier ring correlation (n,).

        Σ Re(A B*) / √(Σ|A|² Σ|B|²) over the pixels of a ring (Saxton and Baumeister 1982), with the sums over
        all tiles; 0 where there is no power. Rings are a pixel wide.

        Parameters
        ----------
        within
            Pixels of the spectrum that count, bool (edge, edge // 2 + 1); None: all.
        """
        ring = ring_numbers(self.edge)
        last = self.edge // 2
        counted = (ring <= last) if within is None else (ring <= last) & within
        cross, first, second = (
            np.bincount(ring[counted], plane[counted], last + 1)
            for plane in (self.cross, self.first, self.second)
        )
        power = np.sqrt(first * second)
        # The mean of a tile was taken away, and what is left beside it is the window's.
        values = np.divide(cross, power, out=np.zeros(last + 1), where=power > 0)
        return np.arange(last + 1)[2:] / self.edge, values[2:]


def frequencies(edge: int) -> tuple[Plane, Plane]:
    """Return the frequencies along y and x (edge, edge // 2 + 1) of the spectrum of a tile, in 1/px."""
    y, x = np.meshgrid(fft.fftfreq(edge), fft.rfftfreq(edge), indexing="ij")
    return y, x


def ring_numbers(edge: int) -> NDArray[np.intp]:
    """Return the ring of each pixel of a tile's spectrum: its frequency times ``edge``, rounded."""
    y, x = frequencies(edge)
    rings: NDArray[np.intp] = np.rint(np.hypot(y, x) * edge).astype(np.intp)
    return rings


def smoothed(values: Plane) -> Plane:
    """Return a curve (n,) of which each ring is averaged with its neighbours: 1/4, 1/2, 1/4."""
    padded = np.pad(values, 1, mode="edge")
    smooth: Plane = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    return smooth


def first_crossing(frequency: Plane, values: Plane, limit: float) -> float | None:
    """Return the frequency (1/px) at which a curve first falls below a limit and stays there.

    A dip that is narrower than ``DIP`` does not count; what comes back later (noise that both share) does not
    either. Between two rings it is interpolated. None where it never falls, and where it begins below.
    """
    below = values < limit
    starts = np.flatnonzero(below & ~np.r_[False, below[:-1]])
    if not starts.size or starts[0] == 0:
        return None
    for i in starts.tolist():
        again = np.flatnonzero(~below[i:])
        if not again.size or frequency[i + int(again[0])] - frequency[i] >= DIP:
            break
    else:
        return None
    share = (values[i - 1] - limit) / (values[i - 1] - values[i])
    found = float(frequency[i - 1] + share * (frequency[i] - frequency[i - 1]))
    return found if math.isfinite(found) else None


def _window(edge: int) -> Image:
    taper = np.hanning(edge + 2)[1:-1]
    window: Image = np.outer(taper, taper).astype(np.float32)
    return window


def _products(a: Spectrum, b: Spectrum) -> Plane:
    total: Plane = np.einsum("tyx,tyx->yx", a.real, b.real, dtype=np.float64)
    total += np.einsum("tyx,tyx->yx", a.imag, b.imag, dtype=np.float64)
    return total
