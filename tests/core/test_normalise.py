"""The normalisation against numbers that are known beforehand."""

from fractions import Fraction

import numpy as np
import pytest

from sxtstudio.core.normalise import normalise, normalise_slice, standardise


def exact(values):
    """(x − mean) / SD with exact fractions; only the root is rounded."""
    numbers = [Fraction(float(v)) for v in np.asarray(values).ravel()]
    mean = sum(numbers) / len(numbers)
    variance = sum((n - mean) ** 2 for n in numbers) / len(numbers)
    return np.array([float(n - mean) / float(variance) ** 0.5 for n in numbers]).reshape(np.shape(values))


@pytest.mark.parametrize(
    "dtype",
    ["uint8", "int8", "int16", "uint16", "int32", "uint64", "float16", "float32", "float64", ">f4", ">i2"],
)
def test_agrees_with_exact_arithmetic_for_each_dtype(dtype):
    values = np.random.default_rng(1).integers(0, 100, (7, 9)).astype(dtype)
    result = normalise_slice(values)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, exact(values), atol=1e-6)


@pytest.mark.parametrize("offset", [0, 1e4, -1e6, 1e7])
def test_large_offsets_keep_the_contrast(offset):
    values = (np.random.default_rng(2).integers(-40, 40, (32, 32)) + offset).astype(np.float32)
    np.testing.assert_allclose(normalise_slice(values), exact(values), atol=1e-5)


@pytest.mark.parametrize("factor", [1e-300, 1e-30, 1e30, 1e300])
def test_extreme_scales_neither_overflow_nor_vanish(factor):
    values = np.random.default_rng(3).normal(size=(16, 16))
    np.testing.assert_allclose(normalise_slice(values * factor), normalise_slice(values), atol=1e-5)


def test_half_floats_do_not_overflow_in_the_sum():
    values = np.random.default_rng(4).normal(30000, 500, (200, 200)).astype(np.float16)
    result = normalise_slice(values)
    assert abs(result.mean(dtype=np.float64)) < 1e-5
    assert result.std(dtype=np.float64) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_shows_the_mirror_image_of_the_rest(bad):
    values = np.random.default_rng(5).normal(5, 2, (20, 20)).astype(np.float32)
    spoilt = values.copy()
    spoilt[:4] = bad
    result = normalise(spoilt)
    assert np.array_equal(result.measured, np.arange(20)[:, None] >= 4 + np.zeros((1, 20)))
    assert result.fill_share == pytest.approx(0.2)
    np.testing.assert_allclose(result.values[4:], exact(values[4:]), atol=1e-5)
    np.testing.assert_array_equal(result.values[:4], result.values[5:9][::-1])


def test_a_circle_is_continued_beyond_its_edge():
    y, x = np.mgrid[:101, :101] - 50.0
    radius = np.hypot(y, x)
    spoilt = np.where(radius <= 40, np.cos(radius / 3), np.nan)
    result = normalise(spoilt)
    beyond = (radius > 41) & (radius < 60)
    expected = (np.cos((80 - radius) / 3) - np.nanmean(spoilt)) / np.nanstd(spoilt)
    assert abs(result.values - expected)[beyond].max() < 0.8, "mirrored at radius 40, but for whole pixels"
    assert abs(result.values - expected)[beyond].mean() < 0.2


@pytest.mark.parametrize("hot", [1e4, -1e4, 1e30, np.nan, np.inf])
def test_a_few_bad_pixels_change_nothing_but_themselves(hot):
    values = np.random.default_rng(6).normal(0.3, 0.1, (120, 120)).astype(np.float32)
    spoilt = values.copy()
    spoilt[10:12, 50:52] = spoilt[60, 60] = spoilt[0, 119] = hot
    bad = spoilt != values
    result = normalise(spoilt)
    assert result.measured is None
    kept = values[~bad].astype(np.float64)
    np.testing.assert_allclose(result.values[~bad], (kept - kept.mean()) / kept.std(), atol=1e-5)
    assert abs(result.values[bad]).max() < 1, "the median of their neighbours"


def test_gold_stays_where_it_was_but_does_not_take_the_contrast():
    y, x = np.mgrid[:200, :200]
    grain = np.random.default_rng(7).normal(size=(200, 200))
    bead = np.hypot(y - 90, x - 60) < 6
    result = normalise_slice(np.where(bead, -40.0, grain))
    kept = grain[~bead]
    np.testing.assert_allclose(result[~bead], (kept - kept.mean()) / kept.std(), atol=1e-5)
    assert (result[bead] < -9).all() and np.ptp(result[bead]) == 0


def test_ordinary_slices_are_as_the_published_network_was_trained():
    """All pixels, nothing cut off: membranes, dense bodies and gold of up to ten standard deviations."""
    values = np.random.default_rng(8).normal(size=(150, 150))
    values[20:40, 20:40] -= 6
    values[100:104, 100:104] = -10
    np.testing.assert_allclose(normalise_slice(values), (values - values.mean()) / values.std(), atol=1e-5)
    np.testing.assert_array_equal(standardise(values), normalise_slice(values))


def test_what_is_nearly_all_the_same_keeps_the_few_that_differ():
    values = np.zeros((60, 60))
    values[20:24, 30:36] = 1
    np.testing.assert_allclose(standardise(values), (values - values.mean()) / values.std(), atol=1e-5)


@pytest.mark.parametrize(
    "nothing",
    [
        np.zeros((4, 4), np.float32),
        np.full((4, 4), 7, np.uint8),
        np.full((4, 4), np.nan),
        np.full((4, 4), np.inf, np.float32),
        np.where(np.eye(4) > 0, np.nan, 3.0),
        np.float32(1000) + np.float32(6.1e-5) * np.arange(2, dtype=np.float32).reshape(1, 2),
        np.zeros((0, 5), np.float32),
    ],
    ids=["zeros", "constant", "nan", "inf", "constant-and-nan", "rounding-only", "empty"],
)
def test_a_slice_without_contrast_is_signalled(nothing):
    assert normalise_slice(nothing) is None


def test_the_smallest_real_contrast_is_kept():
    values = np.array([[0, 1], [1, 0]], np.uint8)
    np.testing.assert_array_equal(normalise_slice(values), [[-1, 1], [1, -1]])


def test_the_input_is_left_as_it_was():
    values = np.array([[0.0, np.nan], [2.0, 4.0]])
    before = values.copy()
    normalise_slice(values)
    np.testing.assert_array_equal(values, before)
    assert normalise_slice(np.broadcast_to(np.arange(4.0), (3, 4))).shape == (3, 4)


@pytest.mark.parametrize(
    "values", [np.ones((2, 2), complex), np.array([["a", "b"]])], ids=["complex", "text"]
)
def test_other_than_real_numbers_are_refused(values):
    with pytest.raises(TypeError, match="real numbers"):
        normalise_slice(values)
