"""Artefacts on crops: where they lie, and what still counts."""

import numpy as np
import pytest

from sxtstudio.training.artefacts import add_artefacts, add_gold_shadows, double, spoil_borders


def test_a_doubled_line_lies_on_both_sides_of_its_place() -> None:
    image = np.zeros((41, 41), np.float32)
    image[20, 20] = 1
    doubled = double(np.random.default_rng(0), image)
    weights = doubled / doubled.sum()
    y, x = np.mgrid[:41, :41]
    assert doubled.sum() == pytest.approx(1, abs=1e-5)
    assert (weights * y).sum() == pytest.approx(20, abs=1e-4)  # the middle of both is the true place
    assert (weights * x).sum() == pytest.approx(20, abs=1e-4)
    assert doubled.max() < 0.6


def test_gold_shadows_are_drawn_out_along_one_axis() -> None:
    longer = []
    for seed in range(30):
        shadow = add_gold_shadows(np.random.default_rng(seed), np.zeros((160, 160), np.float32))
        assert np.isfinite(shadow).all() and shadow.shape == (160, 160)
        if shadow.any():
            dark = shadow < 0.3 * shadow.min()
            longer.append(max(dark.any(0).sum(), dark.any(1).sum()))
    assert len(longer) > 20
    assert max(longer) > 100  # a bead far from the slice leaves a long streak


def test_spoilt_borders_leave_the_middle_alone_and_take_no_background() -> None:
    labels = np.full((96, 96), -1, np.int8)
    labels[::4] = 1
    changed = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        image, counted = spoil_borders(rng, np.zeros((96, 96), np.float32), labels)
        assert not image[22:-22, 22:-22].any()
        assert (counted[22:-22, 22:-22] == labels[22:-22, 22:-22]).all()
        assert (counted[labels == -1] == -1).all()
        assert set(np.unique(counted[labels == 1])) <= {0, 1}
        changed += bool(image.any())
    assert changed >= 12


def test_the_crop_given_is_not_changed() -> None:
    image, labels = np.zeros((64, 64), np.float32), np.ones((64, 64), np.int8)
    for seed in range(20):
        add_artefacts(np.random.default_rng(seed), image, labels)
    assert not image.any() and (labels == 1).all()
