"""Whether absorbing structures are dark or bright in a tomogram, judged from the image alone.

Two facts about cells in ice decide, each a number between -1 (dark) and 1 (bright):

* **Tails.** What absorbs most is small and sparse: gold, lipid droplets, membranes. It makes one tail of the
  grey values longer than the other: the skewness of a slice that was smoothed (σ = 2 px) and freed from its
  slow background (σ = 20 px).
* **Texture.** Ice and the inside of vacuoles are smooth; what absorbs has structure. So the grain is stronger
  where the local mean is on the absorbing side: the rank correlation of the two.

Lines alone (ridges against valleys) were tried and do not decide: defocus puts bright flanks beside
dark membranes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.geometry import Box
from sxtstudio.core.normalise import normalise_slice
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume

_BIN = 2  # pixels; halves the resolution, and a quarter of the work is left
_SMALLEST = 48  # pixels; a smaller slice holds too few structures
_BORDER = 0.01  # share of each edge left out, where reconstructions have artefacts
_WEIGHTS = (2 / 3, 1 / 3)  # tails, texture
_CERTAIN = 0.5  # score from which all test images were judged correctly, parts of slices included
_ENOUGH = 5  # slices that agree; then no more are read
UNDECIDED = 0.2  # confidence below which dark is assumed
WEAK = 0.5


@dataclass(frozen=True)
class Polarity:
    """How absorbing structures look, how sure that is (0…1), and why, in a sentence."""

    value: Literal["dark", "bright"]
    confidence: float
    reason: str


def detect_polarity(volume: Volume, max_slices: int = 16, *, progress: Progress | None = None) -> Polarity:
    """Tell whether absorbing structures are darker or brighter than their surroundings.

    A few slices from the middle nine tenths of the volume are read, one at a time. Slices with clear
    structures count more than noise. Known to mislead: single slices packed with pale vacuoles in which there
    is neither gold nor lipid; a volume of many slices rarely has no others.

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
        Below a confidence of 0.2 ``value`` is "dark", as most reconstructions are, and the reason says so.
    """
    scores = []
    for z in _slices_to_read(volume.shape[0], max_slices):
        if progress is not None:
            progress.check()
        score = score_slice(volume.read(Box.slab(z, z + 1, volume.shape))[0])
        if score is not None:
            scores.append(score)
        if _settled(scores):
            break
    return _judge(scores)


def score_slice(image: NDArray[Any]) -> float | None:
    """Return how bright absorbing structures are in one slice (y, x), from -1 (dark) to 1 (bright).

    The sign flips with the image's; scale and offset do not matter. None means that there is nothing to
    judge: a slice that is constant or smaller than 48 pixels.
    """
    if min(image.shape) < _SMALLEST:
        return None
    margin = max(1, round(_BORDER * min(image.shape)))
    inside = _without_padding(np.asarray(image)[margin:-margin, margin:-margin])
    normal = normalise_slice(inside)
    if normal is None:
        return None
    small = _binned(normal)
    clean = _median_of_3(_median_of_3(small).T).T  # a few hot pixels would decide otherwise
    return _WEIGHTS[0] * float(np.tanh(_tails(clean))) + _WEIGHTS[1] * _texture(clean, small)


def _tails(clean: NDArray[np.float32]) -> float:
    from scipy import stats  # here, because it takes a second to load and few jobs come this far

    band = _blurred(clean, 2) - _blurred(clean, 20)
    return float(stats.skew(band, axis=None)) if float(band.std()) > 1e-6 else 0.0


def _texture(clean: NDArray[np.float32], small: NDArray[np.float32]) -> float:
    from scipy import stats

    grain = np.abs(small - _blurred(small, 3))
    np.minimum(grain, 5 * np.median(grain), out=grain)  # edges of gold are not texture
    level, strength = _local(clean), _local(grain)
    if np.ptp(level) < 1e-6 or np.ptp(strength) < 1e-6:
        return 0.0
    return float(stats.spearmanr(level, strength).statistic)


def _local(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Local mean (σ = 6 px) against its surroundings (σ = 24 px), at every second pixel of each axis."""
    fine = _blurred(image, 6)[::2, ::2]
    local: NDArray[np.float32] = fine - _blurred(fine, 12)
    return local.ravel()


def _blurred(image: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    """Blur an image of halved resolution; sigma in pixels of the slice."""
    blurred: NDArray[np.float32] = ndimage.gaussian_filter(image, sigma_px / _BIN, truncate=3)
    return blurred


def _median_of_3(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Median of each pixel and its neighbours to the left and right; at the ends the pixel itself."""
    left, centre, right = image[:, :-2], image[:, 1:-1], image[:, 2:]
    median = image.copy()
    upper = np.minimum(np.maximum(left, centre), right)
    np.maximum(np.minimum(left, centre), upper, out=median[:, 1:-1])
    return median


def _binned(image: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = (n // _BIN for n in image.shape)
    blocks = image[: height * _BIN, : width * _BIN].reshape(height, _BIN, width, _BIN)
    binned: NDArray[np.float32] = blocks.mean(axis=(1, 3), dtype=np.float32)
    return binned


def _without_padding(image: NDArray[Any]) -> NDArray[Any]:
    """Blank flat areas of a corner's value: what a rotated or cropped reconstruction is filled with."""
    corners = {image[y, x].item() for y in (0, -1) for x in (0, -1)}
    filled = np.zeros(image.shape, dtype=bool)
    for value in corners:
        same = image == value
        if same.mean() > 0.01:
            filled |= ndimage.binary_opening(same, np.ones((5, 5)), border_value=0)
    if not filled.any():
        return image
    blanked = image.astype(np.float64)
    blanked[filled] = np.nan
    return blanked


def _slices_to_read(depth: int, count: int) -> list[int]:
    first, last = 0.05 * (depth - 1), 0.95 * (depth - 1)
    spread = sorted({round(z) for z in np.linspace(first, last, min(depth, max(1, count)))})
    return spread[::3] + spread[1::3] + spread[2::3]  # so that the first few lie far apart


def _settled(scores: Sequence[float]) -> bool:
    """Whether further slices would not change the answer."""
    return len(scores) >= _ENOUGH and (min(scores) > _CERTAIN / 2 or max(scores) < -_CERTAIN / 2)


def _judge(scores: Sequence[float]) -> Polarity:
    strength = sum(abs(s) for s in scores)
    score = sum(s * abs(s) for s in scores) / strength if strength else 0.0
    confidence = min(1.0, abs(score) / _CERTAIN)
    if not scores:
        return Polarity("dark", 0.0, "nothing can be seen in the slices looked at; dark is assumed")
    if confidence < UNDECIDED:
        reason = "the image does not tell; dark is assumed, as in most reconstructions"
        return Polarity(
            "dark", confidence, f"{reason}. Check it, and choose the polarity yourself if it is wrong"
        )
    value: Literal["dark", "bright"] = "bright" if score > 0 else "dark"
    agree = sum((s > 0) == (score > 0) for s in scores)
    found = f"dense, structured parts are {value} in {agree} of {len(scores)} slices looked at"
    if confidence < WEAK:
        found += "; the evidence is weak, so check it in the image"
    return Polarity(value, confidence, found)
