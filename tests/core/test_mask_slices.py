"""Masks from grey values and repairs of masks, against scipy and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage.filters import threshold_otsu

from sxtstudio.core.mask_slices import (
    ThresholdMask,
    fill_holes,
    large_parts,
    mask_of_slice,
    outline,
    suggest_value,
)

RNG = np.random.default_rng(5)


@pytest.mark.parametrize("density", [0.1, 0.5, 0.7, 0.95, 1.0, 0.0])
def test_holes_are_those_of_scipy(density: float) -> None:
    mask = RNG.random((60, 70)) < density
    assert np.array_equal(fill_holes(mask), ndimage.binary_fill_holes(mask))


def test_small_parts_are_below_a_tenth_of_the_largest() -> None:
    mask = np.zeros((40, 40), bool)
    mask[:10, :10] = True  # 100 pixels
    mask[20, 20:30] = True  # 10: stays
    mask[30, 20:29] = True  # 9: goes
    mask[10, 10] = True  # touches the largest at a corner: part of it, 101
    mask[20, 30] = True  # 11 now
    kept = large_parts(mask)
    assert kept[:11, :11].sum() == 101 and kept[20].sum() == 11 and not kept[30].any()


def test_a_mask_is_smoothed_cut_cleaned_and_filled() -> None:
    image = np.full((80, 90), 100.0, np.float32)
    image[20:60, 20:70] = 40
    image[35:45, 35:45] = 100  # a vacuole
    image += RNG.normal(0, 15, image.shape).astype(np.float32)
    found = mask_of_slice(image, ThresholdMask(70, smooth_px=2))
    smooth = ndimage.gaussian_filter(image.astype(np.float64), 2, mode="nearest")
    expected = ndimage.binary_fill_holes(smooth < 70)
    sure = np.abs(smooth - 70) > 1e-3
    assert np.array_equal(found[sure], expected[sure])
    assert found[40, 40]
    assert not mask_of_slice(image, ThresholdMask(70, smooth_px=2, fill=False))[40, 40]
    inverse = mask_of_slice(-image, ThresholdMask(-70, above=True, smooth_px=2))
    assert np.array_equal(inverse, found)


def test_pixels_that_are_no_numbers_are_outside_and_do_not_spread() -> None:
    image = np.full((50, 50), 10.0, np.float32)
    image[:, :20] = np.nan
    found = mask_of_slice(image, ThresholdMask(20, smooth_px=3, fill=False))
    assert not found[:, :20].any() and found[:, 20:].all()


def test_the_outline_has_the_edge_only() -> None:
    mask = np.zeros((30, 30), bool)
    mask[5:25, 5:25] = True
    expected = mask.copy()
    expected[7:23, 7:23] = False
    assert np.array_equal(outline(mask), expected)
    assert not outline(np.ones((9, 9), bool)).any()  # the border of the image is no edge


def test_the_suggestion_is_that_of_otsu() -> None:
    image = np.concatenate([RNG.normal(50, 8, 4000), RNG.normal(150, 12, 2000)]).reshape(60, 100)
    width = (image.max() - image.min()) / 256
    assert suggest_value(image, 0) == pytest.approx(
        threshold_otsu(image.astype(np.float32)), abs=1.01 * width
    )
    assert suggest_value(np.full((5, 5), 3.0), 0) is None
    assert suggest_value(np.full((5, 5), np.nan), 0) is None
