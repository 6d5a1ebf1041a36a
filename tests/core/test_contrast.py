"""Contrast, overview, lengths and outlines, against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.core.contrast import auto_window, sample_volume, to_grey
from sxtstudio.core.errors import Cancelled
from sxtstudio.core.lengths import round_length
from sxtstudio.core.outline import outlines
from sxtstudio.core.overview import bins_for, build_overview
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.core.wording import length_text, voxel_text


@pytest.mark.parametrize("kind", ["uint8", "int16", "uint16", "int32", "float16", "float32", "float64"])
@pytest.mark.parametrize("window", [(10.0, 110.0), (110.0, 10.0)], ids=["positive", "negative"])
def test_grey_values_follow_the_window(kind: str, window: tuple[float, float]) -> None:
    image = np.arange(120, dtype=kind).reshape(10, 12)
    low, high = window
    exact = np.clip((image.astype(float) - low) / (high - low) * 255, 0, 255)
    grey = to_grey(image, window)
    assert grey.dtype == np.uint8
    assert np.abs(grey - exact).max() <= 0.51


def test_more_rows_than_are_converted_at_once() -> None:
    image = np.linspace(0, 1, 300 * 7, dtype=np.float32).reshape(300, 7)
    assert np.abs(to_grey(image, (0, 1)) - image * 255).max() <= 0.51


def test_what_is_no_number_neither_warns_nor_spoils_the_rest() -> None:
    image = np.array([[np.nan, np.inf, -np.inf, 0.5]], np.float32)
    assert to_grey(image, (0, 1)).tolist() == [[0, 255, 0, 128]]
    assert to_grey(image[:, 3:], (0.5, 0.5)).shape == (1, 1)  # an empty window divides by nothing


def test_automatic_contrast_leaves_out_outliers_and_nan() -> None:
    values = np.random.default_rng(0).normal(100, 10, 50_000).astype(np.float32)
    values[:20] = 1e9
    values[20:40] = np.nan
    values[40:60] = -np.inf
    low, high = auto_window(values)
    assert 60 < low < 80 and 120 < high < 140


def test_automatic_contrast_leaves_out_padding() -> None:
    values = np.random.default_rng(0).normal(100, 10, 50_000).astype(np.float32)
    values[:20_000] = 0
    assert auto_window(values)[0] > 60


def bead(kind: str) -> np.ndarray:
    """Grain of deviation 10 about 100, with a dark disc of 2 % of the pixels and a bright rim of 2 %."""
    image = np.random.default_rng(0).normal(100, 10, (200, 300))
    radius = np.hypot(*(np.mgrid[:200, :300] - np.array([100, 150])[:, None, None]))
    image[radius < 19.5] = 5
    image[(radius >= 19.5) & (radius < 27.6)] = 240
    return image.astype(kind)


@pytest.mark.parametrize("kind", ["u1", "f4"])
def test_a_gold_bead_does_not_decide_the_contrast(kind: str) -> None:
    image = bead(kind)
    for low, high in (
        auto_window(image),
        auto_window(image.ravel()),
        sample_volume(ArrayVolume(np.stack([image] * 3))).window,
    ):
        assert 40 < low < 80 and 120 < high < 160
    counts, (low, high) = sample_volume(ArrayVolume(image[None])).histogram()
    assert 0 <= low and high < 235 and counts.sum() > 0.95 * image.size


def test_bright_structures_that_are_no_few_pixels_keep_their_contrast() -> None:
    image = np.random.default_rng(0).normal(100, 10, (200, 300)).astype(np.float32)
    image[50:110, 50:120] += 200  # 7 %
    low, high = auto_window(image)
    assert 60 < low < 80 and 310 < high < 340


@pytest.mark.parametrize("fill", [0, 255])
def test_what_was_not_measured_does_not_decide_the_contrast_of_whole_numbers(fill: int) -> None:
    image = np.random.default_rng(0).normal(120, 8, (200, 200)).clip(60, 180).astype(np.uint8)
    outside = np.hypot(*(np.mgrid[:200, :200] - 100)) > 95
    image[outside] = fill
    low, high = auto_window(image)
    assert 90 < low < 110 and 130 < high < 150
    sample = sample_volume(ArrayVolume(image[None]))
    assert sample.window == (low, high) and not (sample.values == fill).any()


@pytest.mark.parametrize("value", [7.0, np.nan], ids=["constant", "nothing"])
def test_automatic_contrast_of_nothing_to_see(value: float) -> None:
    low, high = auto_window(np.full(100, value, np.float32))
    assert high > low


def test_sample_knows_range_and_counts_what_is_no_number() -> None:
    data = np.random.default_rng(1).normal(size=(20, 30, 40)).astype(np.float32)
    data[0, 0, 0], data[19, 3, 3], data[0, 1, 1] = 50, -50, np.nan
    sample = sample_volume(ArrayVolume(data))
    assert sample.value_range == (-50, 50)
    assert sample.non_finite == 1
    counts, (low, high) = sample.histogram(50)
    assert counts.sum() > 0.97 * len(sample.values) and -10 < low < high < 10


def test_bins_fit_the_budget_and_respect_the_voxels() -> None:
    bins = bins_for((500, 1324, 1284), None)
    size = 2 * np.prod([-(-n // b) for n, b in zip((500, 1324, 1284), bins, strict=True)])
    assert 20 << 20 < size <= 100 << 20
    assert bins_for((500, 1324, 1284), (40.0, 10.0, 10.0))[0] == 1  # thick slices are not mixed first


def test_small_volume_is_kept_as_it_is() -> None:
    data = np.random.default_rng(0).integers(0, 200, (5, 6, 7)).astype(np.uint16)
    overview = build_overview(ArrayVolume(data))
    assert overview.exact
    for axis in range(3):
        assert np.array_equal(overview.plane(axis, 3), np.take(data, 3, axis))


def test_large_volume_is_averaged() -> None:
    data = np.random.default_rng(0).normal(1000, 30, (11, 20, 31)).astype(np.float32)
    overview = build_overview(ArrayVolume(data), whole_bytes=0, binned_bytes=2 * 11 * 20 * 31 // 6)
    bz, by, bx = overview.bins
    assert overview.data.nbytes <= 2 * 11 * 20 * 31 // 6 and not overview.exact
    for z, y, x in ((0, 0, 0), (5, 10, 15), (10, 19, 30)):
        a, b, c = z // bz * bz, y // by * by, x // bx * bx
        # Bins at the far end are of fewer voxels, averaged along one axis after the other.
        truth = data[a : a + bz, b : b + by, c : c + bx].mean()
        assert overview.plane(0, z)[y // by, x // bx] == pytest.approx(truth, abs=0.1)
        assert overview.plane(1, y)[z // bz, x // bx] == pytest.approx(truth, abs=0.1)
        assert overview.plane(2, x)[z // bz, y // by] == pytest.approx(truth, abs=0.1)


def test_overview_can_be_cancelled_and_survives_nan() -> None:
    data = np.full((8, 8, 8), np.nan, np.float32)
    data[4:] = 3
    overview = build_overview(ArrayVolume(data), whole_bytes=0, binned_bytes=200)
    assert np.isfinite(overview.plane(1, 4)).all()
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        build_overview(ArrayVolume(data), progress)


@pytest.mark.parametrize(
    ("longest", "length"), [(1000, 1000), (999, 500), (260, 200), (0.3, 0.2), (19, 10), (5.1, 5)]
)
def test_scale_bars_have_round_lengths(longest: float, length: float) -> None:
    assert round_length(longest) == pytest.approx(length)


def test_lengths_in_words() -> None:
    assert length_text(500) == "500 nm" and length_text(2000) == "2 µm"
    assert voxel_text((10, 10, 10)) == "10 nm voxels"
    assert voxel_text((40, 20, 10)) == "40 × 20 × 10 nm voxels (z × y × x)"
    assert "unknown" in voxel_text(None)


def test_outline_runs_around_the_mask() -> None:
    mask = np.zeros((30, 40), np.uint8)
    mask[5:12, 10:31] = 255
    (line,) = outlines(mask)
    assert line.min(axis=0).tolist() == [4.5, 9.5] and line.max(axis=0).tolist() == [11.5, 30.5]
    assert np.array_equal(line[0], line[-1])
    assert outlines(np.zeros((4, 4), np.uint8)) == []
    large = np.zeros((900, 900), np.uint8)
    large[100:800, 100:800] = 255
    assert np.abs(outlines(large)[0].min(axis=0) - 99.5).max() <= 1


def test_outline_of_a_full_slice_is_its_border() -> None:
    (line,) = outlines(np.full((6, 8), 255, np.uint8))
    assert line.min() == -0.5 and line.max(axis=0).tolist() == [5.5, 7.5]
