"""Appearances: what one phantom slice could have looked like at another microscope, beamline or day.

A network trained on clean phantoms takes the grain of real cytoplasm for membrane. What carries
over is variety of texture: grain of many sizes, granules, slow background, halos, saturation. All
images are float32 with absorbing structures dark: a slice (y, x), or neighbouring ones (slices, y, x), which
share everything but their grain and what their heights change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from sxtstudio.core.normalise import standardise
from sxtstudio.training.canvas import DARK_SIDE_PX, OUTLINE_HALF_PX
from sxtstudio.training.neighbouring import heights, middle_of, persisting, random_share

Image = NDArray[np.float32]
_IN_SLICE = (-2, -1)


def cutter(
    rng: np.random.Generator, shape: Sequence[int], size: int, zoom: float
) -> Callable[[Image], Image]:
    """Return what cuts a randomly turned, mirrored and scaled square of ``size`` pixels out of slices.

    All slices of ``shape`` (y, x) are cut alike. Their borders are mirrored where the turned square
    reaches beyond them. One square in five lies unturned in a corner, so that the frame that
    reconstructions have at their borders is seen where it will be met: at the edge of the input.
    """
    in_corner = rng.random() < 0.2
    turned = not in_corner and rng.random() < 0.6
    angle = rng.uniform(0, 2 * np.pi) if turned else rng.integers(4) * np.pi / 2
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if rng.random() < 0.5:
        turn[:, 0] *= -1
    turn /= zoom
    half = min(((size - 1) / zoom) / 2, (min(shape) - 1) / 2)
    centre = [rng.uniform(half, n - 1 - half) for n in shape]
    if in_corner:
        centre = [float(rng.choice([half, n - 1 - half])) for n in shape]
    offset = np.array(centre) - turn @ np.full(2, (size - 1) / 2)

    def cut(source: Image) -> Image:
        patch: Image = ndimage.affine_transform(
            source, turn, offset, (size, size), np.float32, order=1, mode="mirror"
        )
        return patch

    return cut


def blur(image: NDArray[np.floating], sd_px: float | NDArray[np.float64]) -> Image:
    """Return images blurred within their slices."""
    blurred: Image = ndimage.gaussian_filter(image, sd_px, axes=_IN_SLICE)
    return blurred


def normalise(image: Image) -> Image:
    """Return (x − mean) / SD of each slice as inference does, or zeros for a slice without contrast."""
    if image.ndim == 3:
        return np.stack([normalise(plane) for plane in image])
    normal = standardise(image)
    return np.zeros(image.shape, np.float32) if normal is None else normal


def texture_spectra(images: Iterable[Image], size: int) -> list[Image]:
    """Return the amplitude spectra of the fine texture of real images, windows of ``size`` pixels."""
    window = np.hanning(size)[:, None] * np.hanning(size)[None]
    spectra = []
    for image in images:
        fine = image - blur(image, 6)
        for y in range(0, image.shape[0] - size + 1, size):
            for x in range(0, image.shape[1] - size + 1, size):
                amplitude = np.abs(fft.rfft2(fine[y : y + size, x : x + size] * window))
                if amplitude.max() > 0:
                    spectra.append((blur(amplitude, 2)).astype(np.float32))
    return spectra


def random_appearance(rng: np.random.Generator, image: Image, spectra: Sequence[Image]) -> Image:
    """Return the patch as another instrument might have shown it, normalised, either polarity."""
    return varied_appearance(rng, image, spectra)[0]


def varied_appearance(
    rng: np.random.Generator, image: Image, spectra: Sequence[Image]
) -> tuple[Image, np.float32]:
    """Return ``random_appearance``, and −1 where it has the other polarity, else 1."""
    image = normalise(image)
    if rng.random() < 0.45:
        image = normalise(image - rng.uniform(0.4, 1) * blur(image, rng.uniform(8, 40)))
    chance = rng.random()
    if chance < 0.3:
        image = normalise(blur(image, rng.uniform(0.4, 1.4)))
    elif chance < 0.5:  # halos, as filters and phase contrast leave them
        image = normalise(image + rng.uniform(0.3, 1.5) * (image - blur(image, rng.uniform(2, 9))))
    image = _add_granules(rng, image)
    for _ in range(int(rng.integers(0, 3))):
        image = image + 1.05 * rng.random() ** 1.7 * _grain(rng, image.shape, spectra)
    if rng.random() < 0.5:
        image = image + rng.uniform(0, 0.8) * _waves(rng, image.shape[-2:])
    if rng.random() < 0.12:
        image = image + rng.uniform(0.1, 0.5) * _stripes(rng, image.shape[-2:])
    if rng.random() < 0.5:
        image = _bend_contrast(rng, image)
    sign = np.float32(-1 if rng.random() < 0.15 else 1)
    image = sign * normalise(image) * rng.uniform(0.75, 1.25) + rng.uniform(-0.25, 0.25)
    return image.astype(np.float32), sign


def add_soft_bodies(rng: np.random.Generator, image: Image, label: Image) -> tuple[Image, Image]:
    """Return the crop with some round dark bodies of soft rim, and their outlines in the label (y, x).

    Lipid droplets and dense vesicles show no membrane; annotators outline their rim. The image is
    normalised; bodies are put only where the label is empty, and into the darker half of the crop, which is
    the cell: a dark ball in ice is gold, and nobody outlines that.
    """
    if rng.random() < 0.5:
        return image, label
    image, label = image.copy(), label.copy()
    planes = image[np.newaxis] if image.ndim == 2 else image
    size = image.shape[-2:]
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    surroundings = blur(middle_of(image), 15)
    cell = surroundings <= np.median(surroundings)
    wanted = int(rng.integers(1, 5))
    for _ in range(12):
        if wanted == 0:
            break
        radius = float(np.exp(rng.uniform(np.log(5), np.log(22))))
        cy, cx = rng.uniform(0, size[0]), rng.uniform(0, size[1])
        angle, stretch = rng.uniform(0, np.pi), np.exp(rng.uniform(0, 0.35))
        along = (y - cy) * np.sin(angle) + (x - cx) * np.cos(angle)
        across = (y - cy) * np.cos(angle) - (x - cx) * np.sin(angle)
        from_axis = np.hypot(along / stretch, across)
        distance = from_axis - radius
        if label[distance < 5].any() or not cell[int(cy), int(cx)]:
            continue
        wanted -= 1
        darkness: float | Image = rng.uniform(0.8, 4.0)
        if rng.random() < 0.3:  # granular inside
            darkness = darkness * (1 + 0.4 * normalise(blur(rng.normal(size=size), rng.uniform(1, 3))))
        rim = rng.uniform(0.5, 1.8)
        for plane, slice_radius in zip(planes, _radii(rng, radius, image.shape), strict=True):
            if slice_radius > 0:
                plane -= (darkness / (1 + np.exp((from_axis - slice_radius) / rim))).astype(np.float32)
        label[np.abs(distance + DARK_SIDE_PX) < OUTLINE_HALF_PX] = 1
    return image, label


def _radii(rng: np.random.Generator, radius: float, shape: Sequence[int]) -> list[float]:
    """Return the radius in each slice of a body that has ``radius`` in the middle one; 0 where it has ended.

    It is a ball, drawn out along z by the missing wedge, and cut at some height h above its middle:
    r² = R² − h².
    """
    steps = heights(shape)
    if len(steps) == 1:
        return [radius]
    share, drawn_out = rng.uniform(-0.85, 0.85), rng.uniform(1, 2)
    height = radius * share / np.sqrt(1 - share**2)
    squares = [radius**2 + height**2 - (height + step / drawn_out) ** 2 for step in steps]
    return [float(np.sqrt(max(square, 0))) for square in squares]


def _grain(rng: np.random.Generator, shape: tuple[int, ...], spectra: Sequence[Image]) -> Image:
    white = rng.normal(size=shape).astype(np.float32)
    if spectra and rng.random() < 0.5:
        # Random phases under the spectrum of a real image: its grain, none of its structures.
        spectrum = spectra[int(rng.integers(len(spectra)))]
        if rng.random() < 0.5 and shape[-2] == shape[-1]:
            white = np.ascontiguousarray(white.swapaxes(-1, -2))
        white = persisting(white, random_share(rng, shape))
        coloured = fft.irfft2(fft.rfft2(white) * resized(spectrum, shape[-2:]), shape[-2:])
        return normalise(coloured.astype(np.float32))
    sigma = np.exp(rng.uniform(np.log(0.4), np.log(3), size=2))
    if rng.random() < 0.5:
        sigma[1] = sigma[0]
    white = persisting(white, random_share(rng, shape, float(sigma.mean())))
    grain = blur(white, sigma)
    if rng.random() < 0.4:  # band-passed, as after ramp filtering
        grain = grain - blur(grain, sigma * 2)
    return normalise(grain)


def resized(spectrum: Image, shape: tuple[int, ...]) -> Image:
    """Return the half of a spectrum of a real image for images of ``shape`` (y, x)."""
    wanted = (shape[0], shape[1] // 2 + 1)
    if spectrum.shape == wanted:
        return spectrum
    rows = np.abs(np.fft.fftfreq(wanted[0])) * spectrum.shape[0]
    columns = np.fft.rfftfreq(shape[1]) * 2 * (spectrum.shape[1] - 1)
    resized: Image = spectrum[
        np.ix_(rows.astype(int), np.minimum(columns.astype(int), spectrum.shape[1] - 1))
    ]
    return resized


def _add_granules(rng: np.random.Generator, image: Image) -> Image:
    if rng.random() < 0.5:
        return image
    points = np.zeros_like(image)
    size, steps = image.shape[-2:], heights(image.shape)
    count = int(rng.integers(3, 70))
    y, x = rng.integers(0, size[0], count), rng.integers(0, size[1], count)
    strength = rng.uniform(0.3, 1, count)
    sigma = rng.uniform(0.8, 2.6)
    if len(steps) == 1:
        points[..., y, x] = strength
    else:  # each granule lies at a height of its own, and is as thick as it is wide
        height = rng.uniform(-2, 2, count) * sigma
        for plane, step in zip(points, steps, strict=True):
            plane[y, x] = strength * np.exp(-((step - height) ** 2) / (2 * sigma**2))
    spots = blur(points, sigma) * 2 * np.pi * sigma**2
    sign = -1 if rng.random() < 0.8 else 1
    added: Image = image + sign * rng.uniform(0.5, 2.2) * spots
    return added


def _waves(rng: np.random.Generator, shape: tuple[int, ...]) -> Image:
    step = int(rng.choice([16, 32]))
    coarse = rng.normal(size=[n // step + 3 for n in shape]).astype(np.float32)
    waves: Image = ndimage.zoom(coarse, step, order=1)[: shape[0], : shape[1]]
    return normalise(blur(waves, step / 3))


def _stripes(rng: np.random.Generator, shape: tuple[int, ...]) -> Image:
    y, x = np.mgrid[: shape[0], : shape[1]]
    angle = rng.uniform(0, np.pi)
    along = y * np.sin(angle) + x * np.cos(angle)
    wave = np.sin(2 * np.pi * along / rng.uniform(3, 14) + rng.uniform(0, 6))
    stripes: Image = (wave * blur(rng.normal(size=shape), 20) * 40).astype(np.float32)
    return stripes


def _bend_contrast(rng: np.random.Generator, image: Image) -> Image:
    low, high = np.percentile(image, [rng.uniform(0, 2), 100 - rng.uniform(0, 2)])
    unit = np.clip((image - low) / max(high - low, 1e-6), 0, 1)
    bent: Image = unit ** np.exp(rng.uniform(-0.6, 0.6))
    return normalise(bent)
