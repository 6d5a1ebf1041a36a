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
from sxtstudio.training.neighbouring import heights, persisting, random_share

Image = NDArray[np.float32]
SMALLEST_PX, LARGEST_PX = 14, 26
_COARSE_PX = 8.0  # what is wider than this is shape, not grain


def fine_texture(image: Image) -> Image | None:
    """Return the fine part of a slice (y, x), mean 0 and SD 1; None where it is too small or has none.

    Of neighbouring slices (slices, y, x) each has its own.
    """
    if image.ndim == 3:
        planes = [fine_texture(plane) for plane in image]
        return (
            None if any(plane is None for plane in planes) else np.stack([p for p in planes if p is not None])
        )
    if min(image.shape) <= LARGEST_PX:
        return None
    return standardise(image - ndimage.gaussian_filter(image, _COARSE_PX))


def quilt(rng: np.random.Generator, textures: Sequence[Image], shape: tuple[int, ...]) -> Image:
    """Return grain, (y, x) or (slices, y, x), mean 0 and SD 1, from tiles of one of the textures.

    Neighbouring tiles overlap by half and are cross-faded so that the grain's variance is even. Textures of
    as many neighbouring slices lend their tiles together; of a single slice (y, x) each slice gets tiles of
    its own, of which it shares a part with the next.
    """
    texture = textures[int(rng.integers(len(textures)))]
    if texture.ndim == len(shape):
        return _quilted(rng, texture, shape)
    share = random_share(rng, shape)
    planes = [_quilted(rng, texture, shape[1:]) for _ in heights(shape)]
    return persisting(np.stack(planes), share)


def _quilted(rng: np.random.Generator, texture: Image, shape: tuple[int, ...]) -> Image:
    half = int(rng.integers(SMALLEST_PX // 2, LARGEST_PX // 2 + 1))
    size = 2 * half
    fade = np.hanning(size + 2)[1:-1].astype(np.float32)
    # Grain of different tiles is independent: variances add, so weights are roots.
    weight = np.sqrt(np.outer(fade, fade))
    rows, columns = (n // half + 2 for n in shape[-2:])
    variance = np.zeros(((rows + 1) * half, (columns + 1) * half), np.float32)
    canvas = np.zeros((*texture.shape[:-2], *variance.shape), np.float32)
    for row in range(rows):
        for column in range(columns):
            y, x = (int(rng.integers(n - size + 1)) for n in texture.shape[-2:])
            tile = np.rot90(texture[..., y : y + size, x : x + size], int(rng.integers(4)), (-2, -1))
            place = np.s_[..., row * half : row * half + size, column * half : column * half + size]
            canvas[place] += weight * tile
            variance[place] += weight**2
    height, width = shape[-2:]
    middle = np.s_[..., half : half + height, half : half + width]  # every pixel lies under four tiles
    even = (canvas[middle] / np.sqrt(variance[middle])).astype(np.float32, copy=False)
    if even.ndim == 2:
        return _standard(even)
    return np.stack([_standard(plane) for plane in even])


def _standard(image: Image) -> Image:
    grain = standardise(image)
    return np.zeros(image.shape, np.float32) if grain is None else grain
