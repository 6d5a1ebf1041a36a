"""Ice or not: two classes by absorption and texture, if there are two.

Both features are looked at alone and in the combination that separates the classes best (Fisher's
linear discriminant, found by iteration). A slow gradient of the background is fitted to the ice and
taken off. The decision stands only if the histogram has a clear valley between ice and cell: its
depth is judged after smoothing with a bandwidth that follows the number of independent samples
(Silverman's rule), so that few organelles do not make a class. If there is no valley, features
are smoothed more, as noise may hide it, and at last there is no decision.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Image = NDArray[np.float32]
Samples = NDArray[np.float64]

# The valley's height over that of the lower peak, at most. Texture alone has to be clearer: a smooth
# nucleus in a field without ice also looks different from cytosol.
DEEPEST = 0.7
DEEPEST_TEXTURE = 0.5
MIXED = 0.3  # weight of the absorption from which a split is not one by texture alone
SMALLEST_CLASS = 0.05
FEWEST = 0.01  # samples of a class, as a share of all, to estimate anything from
TOLERANCE = 0.2  # in standard deviations of the image, as slow differences may be lost
SCALES = (1.0, 2.0, 3.0)
SAMPLES = 60_000
ROUNDS = 8
# A Gaussian of sigma s averages over 2·sqrt(pi)·s voxels along each axis.
SPREAD = 2 * np.sqrt(np.pi)


class Valley(NamedTuple):
    """The cut between two neighbouring peaks of a histogram: ice is low…cut, the cell cut…high."""

    cut: float
    low: float
    high: float
    ratio: float  # height of the valley over that of the lower peak
    score: float


class Split(NamedTuple):
    """How to find the cell: weights of (absorption, texture), the ice's gradient, and the valley."""

    weights: Samples
    gradient: Samples
    valley: Valley


def above_ice(absorption: Image, usable: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Tell the cell from the ice.

    Parameters
    ----------
    absorption
        float32 image (z, y, x) at reduced resolution, larger where more is absorbed, any unit.
    usable
        Where the image holds data.

    Returns
    -------
    ndarray or None
        Where there is cell, or None where ice and cell do not form two classes.
    """
    image = _compressed(absorption, usable)
    if image is None:
        return None
    inner = usable.copy()
    for axis in (1, 2):  # borders carry reconstruction artefacts
        margin = image.shape[axis] // 40
        edge = np.moveaxis(inner, axis, 0)
        edge[:margin] = edge[edge.shape[0] - margin :] = False
    chosen = np.flatnonzero(inner)
    chosen = chosen[:: max(1, len(chosen) // SAMPLES)]
    terms = _gradient_terms(image.shape)
    density = ndimage.median_filter(image, size=3)  # without small specks and streaks
    texture = _log_variance(image)

    for scale in SCALES:
        features = [ndimage.gaussian_filter(density, scale), ndimage.gaussian_filter(texture, 2 * scale)]
        samples = np.stack([f.ravel()[chosen] for f in features], axis=1).astype(np.float64)
        independent = float(np.prod([max(1.0, n / (SPREAD * 2 * scale)) for n in image.shape]))
        splits = list(_splits(samples, terms[chosen], independent * inner.mean()))
        best = _best(splits)
        if best is not None:
            flat = features[0] - (terms @ best.gradient).reshape(image.shape)
            combined = best.weights[0] * flat + best.weights[1] * features[1]
            cell: NDArray[np.bool_] = (combined > best.valley.cut) & usable
            return cell
    return None


def texture_of(absorption: Image, usable: NDArray[np.bool_]) -> Image | None:
    """Return how textured an image (z, y, x) is at each voxel, a logarithm; None where all is the same."""
    image = _compressed(absorption, usable)
    return None if image is None else ndimage.gaussian_filter(_log_variance(image), SCALES[1])


def _best(splits: list[Split]) -> Split | None:
    """The clearest split by absorption, else by texture."""
    by_absorption = [s for s in splits if s.weights[0] > MIXED and s.valley.ratio <= DEEPEST]
    by_texture = [s for s in splits if s.weights[0] <= MIXED and s.valley.ratio <= DEEPEST_TEXTURE]
    return max(by_absorption or by_texture, key=lambda split: split.valley.score, default=None)


def _compressed(absorption: Image, usable: NDArray[np.bool_]) -> Image | None:
    """Centre and scale; compress what is far from the median, such as gold and glass."""
    values = absorption[usable]
    middle = np.median(values)
    spread = 1.4826 * np.median(np.abs(values - middle)) or values.std()
    if not spread > 0:
        return None
    centred = np.where(usable, absorption - middle, 0) / (3 * spread)
    compressed: Image = (3 * np.arcsinh(centred)).astype(np.float32)
    return compressed


def _log_variance(image: Image) -> Image:
    """Texture: logarithm of the local variance."""
    variance = ndimage.gaussian_filter(image * image, 1.5) - ndimage.gaussian_filter(image, 1.5) ** 2
    texture: Image = np.log(np.maximum(variance, 1e-4))
    return texture


def _gradient_terms(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Terms of a slow gradient, one column each: z, y, x, y², x², xy over −1…1."""
    axes = [np.linspace(-1, 1, n, dtype=np.float32) if n > 1 else np.zeros(1, np.float32) for n in shape]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    return np.stack([term.ravel() for term in (z, y, x, y * y, x * x, x * y)], axis=1)


def _splits(samples: Samples, terms: NDArray[np.float32], independent: float) -> Iterator[Split]:
    """Each feature alone and both together, from either start."""
    for start in ([1.0, 0.0], [0.0, 1.0]):
        for fixed in (True, False):
            split = _iterated(samples, terms.astype(np.float64), np.array(start), fixed, independent)
            if split is not None:
                yield split


def _iterated(
    samples: Samples, terms: Samples, weights: Samples, fixed: bool, independent: float
) -> Split | None:
    """Improve gradient and weights in turn, each from the classes of the round before."""
    gradient = np.zeros(terms.shape[1])
    projected = samples @ weights
    valley = find_valley(projected, independent) or _halves(projected)
    for _ in range(ROUNDS):
        ice = (projected > valley.low) & (projected <= valley.cut)
        cell = (projected > valley.cut) & (projected <= valley.high)
        if min(ice.sum(), cell.sum()) < FEWEST * len(samples):
            return None
        gradient = _fitted(terms[ice], samples[ice, 0])
        flat = samples - np.outer(terms @ gradient, [1.0, 0.0])
        if flat[cell, 0].mean() < flat[ice, 0].mean() - TOLERANCE:
            return None  # cells do not absorb less than ice
        if not fixed:
            found = _discriminant(flat[ice], flat[cell])
            if found is None:
                return None
            weights = found
        was_cell, projected = projected > valley.cut, flat @ weights
        valley = find_valley(projected, independent) or _halves(projected)
        if np.mean(was_cell != (projected > valley.cut)) < 1e-3:
            break
    return Split(weights, gradient, valley)


def _fitted(terms: Samples, values: Samples) -> Samples:
    """Fit a gradient; the penalty keeps it from running away where there is no ice."""
    terms = terms - terms.mean(axis=0)
    values = np.subtract(values, values.mean())
    penalty = 0.05 * len(terms) * np.eye(terms.shape[1])
    return np.asarray(np.linalg.solve(terms.T @ terms + penalty, terms.T @ values))


def _discriminant(ice: Samples, cell: Samples) -> Samples | None:
    """Fisher's direction; the cell must have more of a feature for that feature to count."""
    within = (np.cov(ice.T) * len(ice) + np.cov(cell.T) * len(cell)) / (len(ice) + len(cell))
    weights: Samples = np.linalg.solve(within + 1e-6 * np.eye(2), cell.mean(0) - ice.mean(0))
    weights = np.maximum(weights, 0)
    length = float(np.linalg.norm(weights))
    return weights / length if length > 0 else None


def _halves(values: Samples) -> Valley:
    """A start without a valley."""
    return Valley(float(values.mean()), -np.inf, np.inf, 1.0, 0.0)


def find_valley(values: Samples, independent: float) -> Valley | None:
    """Find the valley between the two most massive neighbouring peaks of a histogram.

    Parameters
    ----------
    values
        Samples, 1D.
    independent
        How many of them are independent, as neighbours are alike.

    Returns
    -------
    Valley or None
        None if there is one peak only. Valleys that are hardly there (ratio 0.9…1), and
        peaks with less than a twentieth of the samples, do not count.
    """
    low, high = np.percentile(values, [0.1, 99.9])
    quarter, three_quarters = np.percentile(values, [25, 75])
    width = min(float(values.std()), float(three_quarters - quarter) / 1.34)
    if not width > 0:
        return None
    margin = 0.08 * (high - low)
    counts, edges = np.histogram(values, 128, (low - margin, high + margin))
    bandwidth = 0.7 * width * independent**-0.2 / (edges[1] - edges[0])
    height = ndimage.gaussian_filter1d(counts.astype(np.float64), max(1.0, bandwidth), mode="constant")
    height /= height.sum()

    cuts = [i for i in range(1, len(height) - 1) if height[i - 1] > height[i] <= height[i + 1]]
    while cuts:
        peaks = np.split(height, cuts)
        tops, masses = [p.max() for p in peaks], [p.sum() for p in peaks]
        lower = [min(tops[k : k + 2]) for k in range(len(cuts))]
        # Between values far apart, such as gold's and the rest, the histogram is empty: no peak, no valley.
        ratios = [height[c] / top if top > 0 else 1.0 for c, top in zip(cuts, lower, strict=True)]
        smaller = [min(masses[k : k + 2]) for k in range(len(cuts))]
        # The worst valley goes first, so that a ripple does not hide a peak behind it.
        faults = [ratio + (mass < SMALLEST_CLASS) for ratio, mass in zip(ratios, smaller, strict=True)]
        worst = int(np.argmax(faults))
        if faults[worst] <= 0.9:
            scores = [(1 - ratio) * np.sqrt(mass) for ratio, mass in zip(ratios, smaller, strict=True)]
            best = int(np.argmax(scores))
            bounds = [-np.inf, *((edges[c] + edges[c + 1]) / 2 for c in cuts), np.inf]
            cut, before, after = bounds[best + 1], bounds[best], bounds[best + 2]
            return Valley(float(cut), float(before), float(after), float(ratios[best]), float(scores[best]))
        cuts.pop(worst)
    return None
