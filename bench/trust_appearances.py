"""Appearances that no training has seen: what goes wrong at a microscope, in a reconstruction, in a file.

Each is a function of a generator, an image (y, x) of mean 0 and SD 1 with absorbing structures dark, and a
strength from 0 to 1; it returns the image anew. Zooms also change the masks that come with the image.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import fft, ndimage

Image = NDArray[np.float32]
Appearance = Callable[[Generator, Image, float], Image]
blur = ndimage.gaussian_filter


def _field(rng: Generator, image: Image, sigma: float | tuple[float, float]) -> Image:
    grain = blur(rng.normal(size=image.shape), sigma)
    return np.asarray(grain / grain.std(), np.float32)


def _streaks(rng: Generator, image: Image) -> Image:
    y, x = np.indices(image.shape)
    total = np.zeros(image.shape)
    for angle in rng.uniform(0, np.pi, 6):
        along = y * np.sin(angle) + x * np.cos(angle)
        along -= along.min()
        total += blur(rng.normal(size=int(along.max()) + 2), 1.2)[along.astype(int)]
    return np.asarray(total / total.std(), np.float32)


def _rings(rng: Generator, image: Image) -> Image:
    y, x = np.indices(image.shape)
    profile = blur(rng.normal(size=sum(image.shape)), 0.8)
    radius = np.hypot(y - image.shape[0] / 2, x - image.shape[1] / 2).astype(int)
    return np.asarray((profile / profile.std())[radius], np.float32)


def _checks(image: Image, period: float) -> Image:
    y, x = np.indices(image.shape)
    return np.asarray(np.sign(np.sin(2 * np.pi * x / period) * np.sin(2 * np.pi * y / period)), np.float32)


def _blocks(image: Image, step: float) -> Image:
    """Coarse quantisation of 8 × 8 cosine coefficients, as strong JPEG compression leaves it."""
    rows, columns = (n // 8 for n in image.shape)
    cut = image[: 8 * rows, : 8 * columns].reshape(rows, 8, columns, 8).transpose(0, 2, 1, 3)
    coefficients = np.round(fft.dctn(cut, axes=(2, 3), norm="ortho") / step) * step
    back = fft.idctn(coefficients, axes=(2, 3), norm="ortho").transpose(0, 2, 1, 3)
    out = image.copy()
    out[: 8 * rows, : 8 * columns] = back.reshape(8 * rows, 8 * columns)
    return out


def _moved(rng: Generator, image: Image, length: int) -> Image:
    kernel, angle, half = np.zeros((length, length)), rng.uniform(0, np.pi), (length - 1) / 2
    for place in np.linspace(-half, half, 60):
        kernel[round(half + place * np.sin(angle)), round(half + place * np.cos(angle))] += 1
    return np.asarray(ndimage.convolve(image, kernel / kernel.sum()), np.float32)


def _bent(image: Image, power: float) -> Image:
    return np.asarray(((image - image.min()) / np.ptp(image)) ** power, np.float32)


def _clipped(image: Image, low: float, high: float) -> Image:
    return np.asarray(np.clip(image, *np.percentile(image, [low, 100 - high])), np.float32)


def _spots(rng: Generator, image: Image, share: float) -> Image:
    points = (rng.random(image.shape) < share).astype(np.float32)
    return image - 42 * blur(points, 1.5)


def _hot(rng: Generator, image: Image, share: float) -> Image:
    hot = rng.random(image.shape) < share
    return np.where(hot, rng.choice([-8, 8], image.shape), image).astype(np.float32)


def _steps(image: Image, count: int) -> Image:
    unit = (image - image.min()) / np.ptp(image)
    return np.asarray(np.round(unit * count) / count, np.float32)


def _ghost(rng: Generator, image: Image, shift: int) -> Image:
    turned = np.roll(image[::-1], (shift, 2 * shift), (0, 1))
    return image + np.float32(rng.uniform(0.7, 1.3)) * turned


#: On these the figure was chosen (and on magnified slices).
CHOSEN_ON: dict[str, Appearance] = {
    "drawn-out grain": lambda rng, a, s: a + (0.7 + 2 * s) * _field(rng, a, (0.5, 5)),
    "coarse grain": lambda rng, a, s: a + (0.7 + 2 * s) * _field(rng, a, 2.2),
    "woven film": lambda rng, a, s: a + (0.5 + 1.5 * s) * _checks(a, 9),
    "high pass": lambda rng, a, s: a - blur(a, 4 - 2.8 * s),
    "moved": lambda rng, a, s: _moved(rng, a, int(5 + 14 * s)),
    "rings": lambda rng, a, s: a + (0.6 + 1.8 * s) * _rings(rng, a),
    "shaded": lambda rng, a, s: a + (2 + 8 * s) * _field(rng, a, 30),
    "dark spots": lambda rng, a, s: _spots(rng, a, 0.004 + 0.012 * s),
}
#: On these it had to prove itself; the last four were made up after it had been chosen.
HELD_OUT: dict[str, Appearance] = {
    "out of focus": lambda rng, a, s: blur(a, 1 + 3 * s),
    "halos": lambda rng, a, s: a + (2 + 5 * s) * (a - blur(a, 2 + 4 * s)),
    "saturated": lambda rng, a, s: _clipped(a, 10 + 35 * s, 5 + 25 * s),
    "compressed": lambda rng, a, s: _blocks(a, 1.6 + 6 * s),
    "few photons": lambda rng, a, s: a + (0.7 + 2.5 * s) * _field(rng, a, 0),
    "wrong polarity": lambda rng, a, s: -a,
    "streaks": lambda rng, a, s: a + (0.7 + 2 * s) * _streaks(rng, a),
    "bent contrast": lambda rng, a, s: _bent(a, 3 + 9 * s),
    "hot pixels": lambda rng, a, s: _hot(rng, a, 0.01 + 0.09 * s),
    "few grey values": lambda rng, a, s: _steps(a, int(14 - 9 * s)),
    "ghost": lambda rng, a, s: _ghost(rng, a, int(20 + 20 * s)),
    "median filter": lambda rng, a, s: ndimage.median_filter(a, int(5 + 8 * s)),
}
#: Magnification outside the training, which changes the masks, too.
ZOOMS = {"magnified": (1.8, 3.5), "reduced": (0.65, 0.35)}


def zoomed(image: Image, masks: tuple[NDArray[np.bool_], ...], zoom: float) -> tuple[Image, ...]:
    """Return the middle of an image and its masks, enlarged or reduced; no larger than they were."""
    low = [max(0, round(n / 2 * (1 - 1 / zoom))) for n in image.shape]
    cut = tuple(slice(a, n - a) for a, n in zip(low, image.shape, strict=True))
    results = [ndimage.zoom(image[cut], zoom, order=1)]
    results += [ndimage.zoom(mask[cut].astype(np.float32), zoom, order=1) > 0.5 for mask in masks]
    return tuple(results)
