"""Quilts of real texture: fine statistics stay, long structures go."""

import numpy as np
import pytest
from scipy import ndimage

from sxtstudio.training.grain import fine_texture, quilt


def correlation(image: np.ndarray, shift: int) -> float:
    """Correlation of pixels ``shift`` apart along x."""
    return float(np.corrcoef(image[:, :-shift].ravel(), image[:, shift:].ravel())[0, 1])


def test_the_grain_keeps_its_size_and_variance() -> None:
    rng = np.random.default_rng(3)
    texture = ndimage.gaussian_filter(rng.normal(size=(200, 220)), 1.0).astype(np.float32)
    texture /= texture.std()
    grain = quilt(rng, [texture], (160, 150))
    assert grain.shape == (160, 150)
    assert grain.mean() == pytest.approx(0, abs=1e-3) and grain.std() == pytest.approx(1, abs=1e-3)
    # Gaussian blur of σ leaves the correlation exp(−d²/4σ²).
    assert correlation(grain, 1) == pytest.approx(np.exp(-0.25), abs=0.06)
    blocks = grain[:156, :144].reshape(13, 12, 12, 12).std(axis=(1, 3))
    assert blocks.min() > 0.6 and blocks.max() < 1.5


def test_a_long_line_is_broken_up() -> None:
    rng = np.random.default_rng(4)
    image = rng.normal(scale=0.3, size=(200, 200)).astype(np.float32)
    image[:, ::40] -= 5
    texture = fine_texture(image)
    assert texture is not None
    assert texture[:, 80].mean() < -2  # a line through the whole slice
    grain = quilt(rng, [texture], (160, 160))
    assert grain.mean(axis=0).min() > -1.5
    assert grain.min() < -3  # its pieces are still there


def test_slices_without_grain_give_none() -> None:
    assert fine_texture(np.ones((64, 64), np.float32)) is None
    assert fine_texture(np.random.default_rng(0).normal(size=(20, 64)).astype(np.float32)) is None


def test_the_grain_follows_from_the_generator() -> None:
    texture = np.random.default_rng(5).normal(size=(64, 64)).astype(np.float32)
    once, again = (quilt(np.random.default_rng(9), [texture], (40, 40)) for _ in range(2))
    assert (once == again).all()
