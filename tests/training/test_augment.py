"""Crops with another look: cut, turned, scaled, and as another instrument might have shown them."""

import numpy as np
from scipy import ndimage

from sxtstudio.training.augment import add_soft_bodies, cutter, normalise, random_appearance, texture_spectra


def test_slices_of_one_shape_are_cut_alike():
    rng = np.random.default_rng(1)
    label = np.zeros((80, 80), np.float32)
    label[20:50, 35:40] = 1
    for zoom in (0.8, 1.0, 1.4):
        cut = cutter(rng, label.shape, 48, zoom)
        assert np.array_equal(2 * cut(label), cut(2 * label))
        assert cut(label).shape == (48, 48)


def test_a_zoomed_crop_is_magnified():
    spot = np.zeros((101, 101), np.float32)
    spot[40:61, 40:61] = 1
    rng = np.random.default_rng(0)
    sums = [cutter(rng, spot.shape, 140, 1.4)(spot).sum() for _ in range(5)]
    assert max(sums) <= 1.05 * 21 * 21 * 1.4**2
    assert max(sums) >= 0.95 * 21 * 21 * 1.4**2


def test_looks_are_normalised_finite_and_differ():
    rng = np.random.default_rng(0)
    image = normalise(rng.normal(size=(64, 64)).astype(np.float32))
    spectra = texture_spectra([image], 32)
    appearances = [random_appearance(rng, image, spectra) for _ in range(40)]
    assert all(np.isfinite(appearance).all() and appearance.dtype == np.float32 for appearance in appearances)
    assert all(0.5 < appearance.std() < 1.6 for appearance in appearances)
    assert any(
        np.corrcoef(appearance.ravel(), image.ravel())[0, 1] < -0.3 for appearance in appearances
    )  # other polarity
    assert not np.array_equal(appearances[0], appearances[1])


def test_soft_bodies_are_dark_and_their_rims_are_labelled():
    rng = np.random.default_rng(0)
    empty = np.zeros((96, 96), np.float32)
    made = [add_soft_bodies(rng, empty, empty) for _ in range(40)]
    drawn = [(image, label) for image, label in made if label.any()]
    assert len(drawn) >= 3
    assert all(image[label > 0].mean() < -0.1 for image, label in drawn)
    assert not empty.any()
    single = [(image, label) for image, label in drawn if ndimage.label(label)[1] == 1]
    dark_side = [np.mean(image[label > 0] < 0.5 * image.min()) for image, label in single]
    assert len(single) >= 3 and min(dark_side) > 0.6  # 4 of 5 px, where the body is large
    full = np.ones((96, 96), np.float32)
    assert all(np.array_equal(add_soft_bodies(rng, empty, full)[0], empty) for _ in range(6))


def test_soft_bodies_lie_in_the_cell_and_not_in_the_ice_beside_it():
    rng = np.random.default_rng(0)
    image, empty = np.ones((96, 96), np.float32), np.zeros((96, 96), np.float32)
    image[:, :48] = -1
    labels = [add_soft_bodies(rng, image, empty)[1] for _ in range(40)]
    drawn = sum(labels)
    assert drawn[:, :44].sum() > 0
    # A body in the cell may reach a little over the border, no farther than its own radius.
    assert drawn[:, 72:].sum() == 0
