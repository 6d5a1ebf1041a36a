"""A slice shown smaller than it is, because a network sees more in a noisy tomogram that way.

Membrane and grain are told apart by how far lines go on. In four fifths of the size the network surveys
more of a line, and grain is averaged; fine structures of a clear tomogram are lost. What it does to the
scores stands in docs/models.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Image = NDArray[np.float32]

#: Size at which noisy slices are shown, for what they are in the file.
SHOWN_SIZE = 0.8


def reduced_shape(shape: tuple[int, int]) -> tuple[int, int]:
    """Return how large (y, x) a slice of this shape is shown."""
    height, width = (max(1, round(length * SHOWN_SIZE)) for length in shape)
    return height, width


def reduced(images: Image) -> Image:
    """Return normalised images (slices, y, x) smaller; the middle one has a standard deviation of 1 again."""
    shape = reduced_shape((images.shape[1], images.shape[2]))
    small = np.stack([_resized(image, shape) for image in images])
    spread = float(small[len(small) // 2].std())
    return small / np.float32(spread) if spread > 0 else small


def enlarged(image: Image, shape: tuple[int, int]) -> Image:
    """Return an image (y, x) in the larger ``shape``."""
    return _resized(image, shape)


def _resized(image: Image, shape: tuple[int, int]) -> Image:
    """Interpolate linearly; the middles of the corner pixels stay where they are."""
    factors = [new / old for new, old in zip(shape, image.shape, strict=True)]
    resized: Image = ndimage.zoom(image, factors, np.float32, order=1)
    return resized
