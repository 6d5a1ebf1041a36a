"""How far a segmented slice can be trusted: figures from the network's two outputs.

*Certainty*, from the label head: the F1 that the network expects of its own labels, its output (v + 1)/2
read as the probability of a membrane. It falls where labels are doubtful as well as where faint membranes
were left out. ``python -m bench.trust`` measures how well it ranks slices by how right their labels are, on
simulated tomograms of appearances outside of the training; nothing in it was fitted to them.

*Recognised*, from the image head: the share of pixels that the network redraws within one standard
deviation of its normalised input, as published (Dyhr et al., PNAS 2023, the figure of the training).
In the same tests it did **not** rank slices by how right their labels are, nor did any other figure of the
image head that was tried (correlations and residuals at several scales: 0.40 at most). A map of it shows
foreign things in a slice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.measured import Mask

Image = NDArray[np.float32]

#: Where not every slice is redrawn, one of so many is: that costs about 37 % of one slice in five.
SAMPLE_EVERY = 5
#: Standard deviation (px) of the Gaussian window of the map; about the size of an organelle.
WINDOW_PX = 8.0


def certainty(values: Image, threshold: float) -> float | None:
    """Return how sure the network is of its labels: the F1 that it expects.

    Parameters
    ----------
    values
        The label head's output for the pixels that were measured, −1…1.
    threshold
        The model's own threshold, whatever the user chose: the figure is about the network.

    Returns
    -------
    float or None
        2 Σ p over the labelled pixels / (their number + Σ p over all pixels), p = (value + 1)/2: the Dice
        coefficient (F1) with its numerator and denominator replaced by their expectations. None where
        nothing is labelled.
    """
    labelled = values > threshold
    count = int(np.count_nonzero(labelled))
    if count == 0:
        return None
    right = (float(values[labelled].sum(dtype=np.float64)) + count) / 2
    membrane = (float(values.sum(dtype=np.float64)) + values.size) / 2
    return min(1.0, max(0.0, 2 * right / (count + max(membrane, right))))


def recognised(redrawn: Image, normalised: Image, measured: Mask | None = None) -> float:
    """Return the share of the measured pixels (None: all) with |redrawn − normalised| < 1, all (y, x)."""
    within = np.abs(redrawn - normalised) < 1
    return float(np.mean(within if measured is None else within[measured]))


def trust_map(
    redrawn: Image, normalised: Image, measured: Mask | None = None, window_px: float = WINDOW_PX
) -> Image:
    """Return the share (0…1) of pixels within one standard deviation around each pixel.

    Parameters
    ----------
    redrawn, normalised
        The image head's output and its input, float32 (y, x).
    measured
        Which pixels count, bool (y, x); None: all.
    window_px
        Standard deviation of the Gaussian window; the image is mirrored at its borders.

    Returns
    -------
    float32 (y, x)
        Low where the network does not recognise its input. Its mean is about ``recognised``.
    """
    within = (np.abs(redrawn - normalised) < 1).astype(np.float32)

    def smooth(image: Image) -> Image:
        blurred: Image = ndimage.gaussian_filter(image, window_px, mode="reflect", truncate=3.0)
        return blurred

    if measured is None:
        return np.clip(smooth(within), 0, 1)
    counted = smooth(measured.astype(np.float32))
    return np.clip(smooth(within * measured) / np.maximum(counted, 1e-6), 0, 1)


def sampled(z: int, slices: tuple[int, int], every: int = SAMPLE_EVERY) -> bool:
    """Tell whether slice ``z`` is among those redrawn, of the slices (first, one after the last).

    The same slices are chosen whether a run was interrupted or not; of a short range, the middle one.
    """
    first, last = slices
    step = min(every, last - first)
    return (z - first) % step == step // 2


def share_redrawn(trust: str) -> float:
    """Return the share of slices that are redrawn for "none", "sample" or "every"."""
    return {"none": 0.0, "sample": 1 / SAMPLE_EVERY, "every": 1.0}[trust]
