"""Amplitude spectra of real slices in crops of phantoms."""

import numpy as np
import pytest
from scipy import fft, ndimage

from sxtstudio.training.real_spectra import (
    _transposed,
    amplitude,
    amplitudes,
    random_spectrum,
    with_spectrum,
)


def power(image, low, high):
    """Mean square amplitude of a band (cycles per pixel), by a plain periodogram."""
    inner = image[16:-16, 16:-16] * np.outer(np.hanning(128), np.hanning(128))
    raw = np.abs(fft.fft2(inner)) ** 2
    frequency = np.hypot(fft.fftfreq(128)[:, None], fft.fftfreq(128))
    return raw[(frequency >= low) & (frequency < high)].mean()


@pytest.fixture
def pair():
    """A crop of white noise under rings, and a real one of blurred grain; 160 px, SD 1."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:160, :160]
    rings = np.abs(np.hypot(y - 80, x - 80) % 40 - 20) < 2
    crop = rng.normal(size=(160, 160)) - 2 * rings
    real = ndimage.gaussian_filter(rng.normal(size=(160, 160)), 1.2)
    return [((i - i.mean()) / i.std()).astype(np.float32) for i in (crop, real)]


def test_white_noise_has_the_amplitude_one(pair):
    rng = np.random.default_rng(1)
    found = amplitude(rng.normal(size=(128, 128)).astype(np.float32))
    assert found.shape == (128, 65)
    # The amplitude of complex noise of mean square 1 is Rayleigh's, whose mean is √π / 2.
    assert found[4:-4, 4:-4].mean() == pytest.approx(np.sqrt(np.pi) / 2, abs=0.02)
    assert len(amplitudes([pair[0], pair[1][:100]], 80)) == 4 + 2
    assert amplitudes([np.ones((80, 80), np.float32)], 80) == []


def test_the_grain_becomes_the_real_one_and_what_lies_between_stays(pair):
    crop, real = pair
    changed = with_spectrum(crop, amplitude(real), 0, 1)
    assert changed.shape == crop.shape and changed.std() == pytest.approx(1, abs=1e-3)
    before, after = (
        power(crop, 0.35, 0.5) / power(crop, 0.06, 0.12),
        power(changed, 0.35, 0.5) / power(changed, 0.06, 0.12),
    )
    assert after == pytest.approx(before / 16, rel=0.35), "by the largest factor, 4, in the amplitude"
    fine = ndimage.gaussian_filter(crop, 2) - ndimage.gaussian_filter(crop, 6)
    still = ndimage.gaussian_filter(changed, 2) - ndimage.gaussian_filter(changed, 6)
    assert np.corrcoef(fine.ravel(), still.ravel())[0, 1] > 0.98
    assert with_spectrum(crop, amplitude(real), 0, 0) == pytest.approx(crop, abs=1e-3)


def test_the_background_becomes_slow_where_the_real_one_is(pair):
    crop = pair[0]
    slow = ndimage.gaussian_filter(np.random.default_rng(2).normal(size=(160, 160)), 16)
    real = (pair[1] + 2 * slow / slow.std()).astype(np.float32)
    changed = with_spectrum(crop, amplitude(real / real.std()), 1, 0)

    def share(image):
        return power(image, 0.005, 0.02) / power(image, 0.1, 0.3)

    assert share(changed) > 3 * share(crop)


def test_slices_are_filtered_alike_and_from_a_seed(pair):
    crop, real = pair
    both = np.stack([crop, crop, crop[::-1]])
    changed = random_spectrum(np.random.default_rng(0), both, [amplitude(real)], 0.5, 0.8)
    assert changed.shape == both.shape and changed.dtype == np.float32
    assert np.array_equal(changed[0], changed[1]) and not np.array_equal(changed[0], both[0])
    again = random_spectrum(np.random.default_rng(0), both, [amplitude(real)], 0.5, 0.8)
    assert np.array_equal(changed, again)


def test_a_transposed_spectrum_is_that_of_the_transposed_image():
    image = np.random.default_rng(0).normal(size=(32, 32)) * np.linspace(0.1, 1, 32)
    whole, turned = (np.abs(fft.rfft2(i)) for i in (image, image.T))
    assert _transposed(whole) == pytest.approx(turned, rel=1e-6)
