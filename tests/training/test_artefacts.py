"""Artefacts on crops: where they lie, and what still counts."""

import numpy as np
import pytest

from sxtstudio.training.artefacts import (
    _shadow,
    add_artefacts,
    add_gold_shadows,
    bare_ice,
    double,
    spoil_borders,
)


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


def test_bare_ice_holds_no_membrane_and_its_beads_do_not_count() -> None:
    for seed in range(20):
        image, labels = bare_ice(np.random.default_rng(seed), 96)
        assert image.dtype == np.float32 and np.isfinite(image).all()
        assert abs(image.mean()) < 1e-3
        assert set(np.unique(labels)) <= {-1, 0}
        assert (labels == -1).mean() > 0.5
    beads = [bare_ice(np.random.default_rng(seed), 96) for seed in range(20)]
    inside, around = zip(
        *[(i[v == 0].mean(), i[v < 0].mean()) for i, v in beads if (v == 0).any()], strict=True
    )
    assert np.mean(np.array(inside) < np.array(around)) > 0.7  # dark, but for the bright rims of narrow ones


def test_streaks_of_gold_out_of_focus_are_wider_at_their_ends() -> None:
    widest = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        shadow = _shadow(rng, (200, 200))
        dark = shadow > 0.5 * shadow.max() if shadow.max() > 0 else np.zeros((200, 200), bool)
        lengths = dark.any(1).sum(), dark.any(0).sum()
        long = dark if lengths[0] >= lengths[1] else dark.T
        widths = long.sum(1)[long.any(1)]
        if max(lengths) > 60 and widths.size > 60:
            widest.append(max(widths[:10].max(), widths[-10:].max()) / max(widths[25:-25].min(), 1))
    assert len(widest) >= 5
    assert max(widest) > 1.2
