"""Crops of neighbouring slices: (slices, y, x), of which the middle one is outlined.

Structures go on from slice to slice, grain hardly does. So what is drawn into a crop is drawn as a body that
the slices cut at different heights, and noise is mixed so that neighbouring slices share a part of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]

#: How often slices of a tomogram are shown alone, and with neighbours on one side only, as at its borders.
ALONE, ONE_SIDED = 0.1, 0.1
#: How often a single image that got another grain in each channel is shown with the same in all, as it will
#: be when the model is used.
SINGLE_ALONE = 0.5
#: Range of the correlation of grain between neighbouring slices where its size does not give it.
SHARED = (0.1, 0.7)


def middle_of(image: Image) -> Image:
    """Return the slice (y, x) that is outlined, of one slice or of several (slices, y, x)."""
    return image if image.ndim == 2 else image[len(image) // 2]


def heights(shape: Sequence[int]) -> list[int]:
    """Return how far the slices of a crop of ``shape`` lie above the middle one; [0] for a single (y, x)."""
    count = shape[0] if len(shape) == 3 else 1
    return list(range(-(count // 2), count // 2 + 1))


def persisting(noise: Image, share: float) -> Image:
    """Return noise (slices, y, x) of SD 1, mixed so that neighbouring slices correlate by ``share``.

    From the middle on outwards each slice is ``share`` of the one before and as much of its own as keeps the
    variance (a first-order autoregression). One slice (y, x) is returned as it is.
    """
    if noise.ndim == 2 or len(noise) == 1:
        return noise
    mixed = noise.copy()
    middle, own = len(noise) // 2, np.float32(np.sqrt(1 - share**2))
    for step in range(1, middle + 1):
        for side in (-step, step):
            nearer = mixed[middle + side - np.sign(side)]
            mixed[middle + side] = np.float32(share) * nearer + own * noise[middle + side]
    return mixed


def random_share(rng: np.random.Generator, shape: Sequence[int], blur_px: float | None = None) -> float:
    """Return by how much the grain of neighbouring slices correlates; 0 where there is one slice only.

    ``blur_px`` is the standard deviation of a Gaussian that the grain was blurred with in the slice; across
    slices it is as wide or narrower, and leaves the correlation exp(−1/4σ²) at the distance of one slice.
    """
    if len(heights(shape)) == 1:
        return 0.0
    if blur_px is None:
        return float(rng.uniform(*SHARED))
    return float(np.exp(-1 / (4 * (blur_px * rng.uniform(0.25, 1.0)) ** 2)))


def as_at_borders(rng: np.random.Generator, image: Image, single: bool) -> Image:
    """Return a crop (slices, y, x), sometimes with its middle slice in place of neighbours.

    So the network meets what it will be shown of single images (``single``) and at the ends of tomograms.
    """
    middle = len(image) // 2
    if not middle:
        return image
    chance = rng.random()
    if chance < (SINGLE_ALONE if single else ALONE):
        return np.repeat(image[middle : middle + 1], len(image), axis=0)
    if not single and chance < ALONE + ONE_SIDED:
        image = image.copy()
        beyond = np.s_[:middle] if rng.random() < 0.5 else np.s_[middle + 1 :]
        image[beyond] = image[middle]
    return image
