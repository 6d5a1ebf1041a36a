"""What is done here in less time gives, to the bit, what the libraries give that it stands in for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import ConvexHull
from skimage.draw import polygon2mask
from skimage.segmentation import expand_labels

from sxtstudio.core.bodies import hull
from sxtstudio.core.bodies.nearest import expanded, nearest_of
from sxtstudio.core.bodies.regions import _opened


def blobs(seed: int, shape: tuple[int, int], share: float = 0.5) -> np.ndarray:
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 2)
    return noise > np.quantile(noise, 1 - share)


@pytest.mark.parametrize("seed", range(12))
def test_a_hull_is_that_of_scikit_image(seed: int) -> None:
    random = np.random.default_rng(seed)
    for pixels in (1, 2, 3, 7, 30):
        own = np.zeros(random.integers(2, 50, 2), np.bool_)
        own[tuple(random.integers(0, own.shape, (pixels, 2)).T)] = True
        corners = hull._corners(own)
        theirs = polygon2mask(own.shape, corners[ConvexHull(corners).vertices])
        assert np.array_equal(hull.hull_of(own), own | theirs)


@pytest.mark.parametrize("reach", [0.5, 1.0, 3.7, 5.0, np.sqrt(13) + 1.2, 40.0])
@pytest.mark.parametrize("seed", range(3))
def test_labels_are_expanded_as_by_scikit_image(seed: int, reach: float) -> None:
    numbers = ndimage.label(blobs(seed, (83, 120), 0.15))[0].astype(np.int32)
    assert np.array_equal(expanded(numbers, reach), expand_labels(numbers, reach))
    nothing = np.zeros_like(numbers)
    assert not expanded(nothing, reach).any()


def test_the_nearest_place_is_that_of_scipy() -> None:
    there = blobs(5, (70, 91), 0.05)
    places, squares = nearest_of(there)
    away, (rows, columns) = ndimage.distance_transform_edt(~there, return_indices=True)
    assert np.array_equal(places, rows * 91 + columns)
    assert np.array_equal(np.sqrt(squares.astype(np.float64)), away)


@pytest.mark.parametrize("radius", [1.0, 2.5, 4.5, 5.1])
@pytest.mark.parametrize("share", [0.0, 0.6, 0.9, 1.0])
def test_a_region_is_opened_as_by_scipy(radius: float, share: float) -> None:
    own = blobs(7, (90, 77), share) if share < 1 else np.ones((90, 77), np.bool_)
    reach = np.arange(-int(radius), int(radius) + 1)
    disk = reach[:, None] ** 2 + reach**2 <= radius**2
    assert np.array_equal(_opened(own, radius), ndimage.binary_opening(own, disk))
