"""The grain of real slices without their structures: small tiles of the fine texture, joined anew.

A network takes dark specks and short dark lines of real cytoplasm for membrane as long as phantoms have
noise of plain statistics only. Tiles of 14 to 26 px keep specks and short lines and break up long ones.
Quilting with cross-faded tiles follows the idea of Efros & Freeman, SIGGRAPH 2001, without their seams.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.normalise import standardise

Image = NDArray[np.float32]
SMALLEST_PX, LARGEST_PX = 14, 26
_COARSE_PX = 8.0  # what is wider than this is shape, not grain


def fine_texture(image: Image) -> Image | None:
    """Return the fine part of a slice (y, x), mean 0 and SD 1; None where it is too small or has none."""
    if min(image.shape) <= LARGEST_PX:
        return None
    return standardise(image - ndimage.gaussian_filter(image, _COARSE_PX))


def quilt(rng: np.random.Generator, textures: Sequence[Image], shape: tuple[int, ...]) -> Image:
    """Return grain of ``shape`` (y, x), mean 0 and SD 1, from tiles of one of the textures.

    Neighbouring tiles overlap by half and are cross-faded so that the grain's variance is even.
    """
    texture = textures[int(rng.integers(len(textures)))]
    half = int(rng.integers(SMALLEST_PX // 2, LARGEST_PX // 2 + 1))
    size = 2 * half
    fade = np.hanning(size + 2)[1:-1].astype(np.float32)
    # Grain of different tiles is independent: variances add, so weights are roots.
    weight = np.sqrt(np.outer(fade, fade))
    rows, columns = (n // half + 2 for n in shape)
    canvas = np.zeros(((rows + 1) * half, (columns + 1) * half), np.float32)
    variance = np.zeros_like(canvas)
    for row in range(rows):
        for column in range(columns):
            y, x = (int(rng.integers(n - size + 1)) for n in texture.shape)
            tile = np.rot90(texture[y : y + size, x : x + size], int(rng.integers(4)))
            place = np.s_[row * half : row * half + size, column * half : column * half + size]
            canvas[place] += weight * tile
            variance[place] += weight**2
    middle = tuple(slice(half, half + n) for n in shape)  # where every pixel lies under four tiles
    grain = standardise(canvas[middle] / np.sqrt(variance[middle]))
    return np.zeros(shape, np.float32) if grain is None else grain
