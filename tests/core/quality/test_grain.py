"""Noise that was added must be found, in structures as well as without, and contrast where there is some."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from sxtstudio.core.quality.grain import Grain
from tests.core.quality.phantoms import cell_in_ice


@pytest.mark.parametrize("noise", [0.1, 0.4, 2.0])
def test_the_noise_that_was_added_is_found(noise: float) -> None:
    """Within 5 %, with structures up to ten times as strong."""
    volume, _ = cell_in_ice(noise=noise)
    grain = Grain()
    for image in volume[::6]:
        grain.add(image, None)
    assert grain.noise == pytest.approx(noise, rel=0.05)


def test_fills_and_bad_pixels_do_not_count() -> None:
    volume, _ = cell_in_ice(noise=0.4)
    grain = Grain()
    for image in volume[::6]:
        measured = np.ones(image.shape, bool)
        measured[:, 70:] = False
        spoilt = np.where(measured, image, np.float32(1e4))
        spoilt[40, 40] = np.nan
        grain.add(spoilt, measured)
    assert grain.noise == pytest.approx(0.4, rel=0.06)


def test_contrast_is_that_of_structures_over_the_noise() -> None:
    """Whatever lies beneath the structures as slow shading."""
    rng = np.random.default_rng(1)
    structure = ndimage.gaussian_filter(rng.normal(size=(256, 256)), 8)
    structure *= 1.5 / structure.std()
    shading = 0.05 * np.arange(256)[:, None]
    grain = Grain()
    grain.add((structure + shading + rng.normal(0, 0.5, structure.shape)).astype(np.float32), None)
    assert grain.contrast == pytest.approx(1.5 / 0.5, rel=0.2)


def test_noise_alone_has_no_contrast() -> None:
    grain = Grain()
    grain.add(np.random.default_rng(2).normal(size=(256, 256)), None)
    assert grain.contrast is not None
    assert grain.contrast < 0.4
    assert grain.noise == pytest.approx(1, abs=0.03)


def test_without_a_grain_there_is_neither() -> None:
    grain = Grain()
    assert grain.noise is None
    assert grain.contrast is None
    grain.add(np.full((64, 64), np.nan), None)
    assert grain.noise is None
