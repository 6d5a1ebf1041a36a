"""Whether absorbing structures are dark or bright in a tomogram, judged from the image alone.

Two signs of cells in ice, each a number whose sign turns with the image's:

* **Tails.** What absorbs most is small and sparse: gold, lipid droplets, membranes. It makes one tail of the
  grey values longer than the other: the skewness of a slice that was smoothed (σ = 2 px) and freed from its
  slow background (σ = 20 px).
* **Texture.** Ice and the inside of vacuoles are smooth; what absorbs has structure. So the grain is stronger
  where the local mean is on the absorbing side: the rank correlation of the two.

Lines alone (ridges against valleys) were tried and do not decide: defocus puts bright flanks beside dark
membranes. Where these signs leave a doubt, a network that outlines membranes has a say, too
(``segment.polarity``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.geometry import Box
from sxtstudio.core.measured import box_around
from sxtstudio.core.normalise import normalise
from sxtstudio.core.polarity import (
    SURE_BY_IMAGE,
    Basis,
    Polarity,
    probability,
    slices_to_judge,
    verdict,
    voted,
)
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume

Image = NDArray[np.float32]

#: Log-odds of "dark" for one unit of each sign: of the image alone.
TAILS, TEXTURE = -3.45, -1.49

_LONG_TAIL = 3.0  # skewness from which a longer tail says no more
_BIN = 2  # pixels; halves the resolution, and a quarter of the work is left
_SMALLEST = 48  # pixels; a smaller slice holds too few structures
_BORDER = 0.01  # share of each edge left out, where reconstructions have artefacts
_ENOUGH = 5  # slices after which a sure verdict ends the reading


@dataclass(frozen=True)
class ImageSigns:
    """The signs of a slice, each from −1 (absorbing structures are dark) to 1 (bright)."""

    tails: float
    texture: float

    @property
    def log_odds(self) -> float:
        """Logarithm of the odds that absorbing structures are dark."""
        return TAILS * self.tails + TEXTURE * self.texture


def detect_polarity(volume: Volume, max_slices: int = 16, *, progress: Progress | None = None) -> Polarity:
    """Judge from the image alone whether absorbing structures are darker or brighter than their surroundings.

    A few slices from the middle nine tenths of the volume are read, one at a time. Slices with clear
    structures count more than noise. Known to mislead: slices packed with pale vacuoles in which there is
    neither gold nor lipid; the verdict is then hardly ever sure.

    Parameters
    ----------
    volume
        The tomogram, (z, y, x).
    max_slices
        At most so many slices are looked at.
    progress
        Only asked whether the user cancelled.

    Returns
    -------
    Polarity
        "dark" where nothing can be seen, as most reconstructions are; the reason says so.
    """
    found: list[float] = []
    for z in slices_to_judge(volume.shape[0], max_slices):
        if progress is not None:
            progress.check()
        signs = image_signs(volume.read(Box.slab(z, z + 1, volume.shape))[0])
        if signs is not None:
            found.append(signs.log_odds)
        if len(found) >= _ENOUGH and probability(abs(voted(found))) >= SURE_BY_IMAGE:
            break
    return verdict(found, Basis.IMAGE)


def image_signs(image: NDArray[Any]) -> ImageSigns | None:
    """Return the signs of a slice (y, x); scale and offset do not matter, and fills do not count.

    None means that there is nothing to judge: a slice that is constant or smaller than 48 pixels.
    """
    normal = normalise(image)
    if normal is None:
        return None
    box = None if normal.measured is None else box_around(normal.measured)
    field = normal.values if box is None else normal.values[box]
    if min(field.shape) < _SMALLEST:
        return None
    margin = max(1, round(_BORDER * min(field.shape)))
    small = _binned(field[margin:-margin, margin:-margin])
    clean = _median_of_3(_median_of_3(small).T).T  # a few hot pixels would decide otherwise
    return ImageSigns(float(np.clip(_tails(clean) / _LONG_TAIL, -1, 1)), _texture(clean, small))


def _tails(clean: Image) -> float:
    band = _blurred(clean, 2) - _blurred(clean, 20)
    return skewness(band) if float(band.std()) > 1e-6 else 0.0


def _texture(clean: Image, small: Image) -> float:
    grain = np.abs(small - _blurred(small, 3))
    np.minimum(grain, 5 * np.median(grain), out=grain)  # edges of gold are not texture
    level, strength = _local(clean), _local(grain)
    if np.ptp(level) < 1e-6 or np.ptp(strength) < 1e-6:
        return 0.0
    return rank_correlation(level, strength)


# scipy.stats has both, but takes as long to load as all else that a short segmentation needs. Sums, and no
# products of vectors: those wake the threads of BLAS, which then wait for each other.
def skewness(values: NDArray[Any]) -> float:
    """Return the third central moment over the 1.5th power of the second, of all values together."""
    apart = values.astype(np.float64).ravel()
    apart -= apart.mean()
    squares = apart * apart
    return float((squares * apart).mean() / squares.mean() ** 1.5)


def rank_correlation(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Return Spearman's ρ of two 1D arrays; values that are equal share the mean of their ranks."""
    first, second = _ranks(one), _ranks(other)
    return float((first * second).sum() / np.sqrt((first * first).sum() * (second * second).sum()))


def _ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the ranks of the values, counted from their mean."""
    order = np.argsort(values)
    ordered = values[order]
    first = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))  # of each value
    counts = np.diff(first, append=len(values))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(first + (counts - 1) / 2, counts) - (len(values) - 1) / 2
    return ranks


def _local(image: Image) -> Image:
    """Local mean (σ = 6 px) against its surroundings (σ = 24 px), at every second pixel of each axis."""
    fine = _blurred(image, 6)[::2, ::2]
    local: Image = fine - _blurred(fine, 12)
    return local.ravel()


def _blurred(image: Image, sigma_px: float) -> Image:
    """Blur an image of halved resolution; sigma in pixels of the slice."""
    blurred: Image = ndimage.gaussian_filter(image, sigma_px / _BIN, truncate=3)
    return blurred


def _median_of_3(image: Image) -> Image:
    """Median of each pixel and its neighbours to the left and right; at the ends the pixel itself."""
    left, centre, right = image[:, :-2], image[:, 1:-1], image[:, 2:]
    median = image.copy()
    upper = np.minimum(np.maximum(left, centre), right)
    np.maximum(np.minimum(left, centre), upper, out=median[:, 1:-1])
    return median


def _binned(image: Image) -> Image:
    height, width = (n // _BIN for n in image.shape)
    blocks = image[: height * _BIN, : width * _BIN].reshape(height, _BIN, width, _BIN)
    binned: Image = blocks.mean(axis=(1, 3), dtype=np.float32)
    return binned
