"""Hot pixels that were put in must be counted, and change no other figure."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.core.quality.dictionary import FigureName
from sxtstudio.core.quality.measure import Known, measure_quality
from sxtstudio.core.quality.outliers import HotPixels
from sxtstudio.core.quality.record import Quality, QualityFlag
from sxtstudio.core.volume import ArrayVolume
from tests.core.quality.phantoms import beads_in_noise, cell_in_ice

SHAPE = (8, 128, 128)


def judged(volume: np.ndarray) -> Quality:
    return measure_quality(ArrayVolume(volume, (10.0, 10.0, 10.0)), Known(polarity="dark"))


@pytest.fixture(scope="module")
def plain() -> np.ndarray:
    return cell_in_ice(shape=SHAPE, noise=0.2)[0]


@pytest.fixture(scope="module")
def of_plain(plain: np.ndarray) -> Quality:
    return judged(plain)


@pytest.mark.parametrize("height", [1e4, -1e4, 25.0], ids=["hot", "dead", "warm"])
def test_hot_pixels_are_named_and_change_no_other_figure(
    plain: np.ndarray, of_plain: Quality, height: float
) -> None:
    spoilt = plain.copy()
    spoilt[:, 100:102, 50:52] = height  # a block in all slices, as of a bad detector
    spoilt[3, 20, 90] = height
    spoilt[5, 60, 10:40] = height  # and a row
    found = judged(spoilt)
    hot = found.figure(FigureName.HOT_PIXELS)
    assert hot is not None
    assert hot.value == 4 * 8 + 1 + 30
    assert hot.flag is QualityFlag.LOOK
    assert f"{100 * 63 / plain.size:.2g} %" in hot.sentence
    for before, after in zip(of_plain.figures, found.figures, strict=True):
        if after is not hot and before.value is not None:
            assert after.value == pytest.approx(before.value, rel=0.03, abs=0.01), after.name
            assert after.flag is before.flag
    assert found.slices[5].mean == pytest.approx(of_plain.slices[5].mean, abs=0.005)


def test_the_largest_is_the_one_that_lies_farthest_outside(plain: np.ndarray) -> None:
    hot, slice_ = HotPixels(), plain[0].copy()
    slice_[5, 5], slice_[50, 50] = 300, -700
    cleaned = hot.clean(slice_, None)
    assert (hot.number, hot.total, hot.largest) == (2, slice_.size, -700)
    assert slice_[50, 50] == -700
    assert np.abs(cleaned).max() < 10


def test_gold_noise_and_fills_are_no_hot_pixels(plain: np.ndarray) -> None:
    hot = HotPixels()
    for image in beads_in_noise([(4, 40, 40), (4, 80, 90)], shape=SHAPE, radius=2.6):
        assert hot.clean(image, None) is image
    round_one = plain[0].copy()
    round_one[:, 100:] = -9999
    measured = round_one > -9999
    assert hot.clean(round_one, measured) is round_one
    edged = plain[0].copy()
    edged[:, 0] -= 50  # a row of the reconstruction's own
    assert hot.clean(edged, None) is edged
    nowhere = np.full((9, 9), np.nan, np.float32)
    assert hot.clean(nowhere, None) is nowhere
    assert hot.number == 0


def test_streaks_that_fade_are_no_hot_pixels(plain: np.ndarray) -> None:
    """Twelve spreads high, and seven at its edge."""
    spread = float(np.subtract(*np.percentile(plain[0], (95, 5)))) / 3.29
    streaked, hot = plain[0].copy(), HotPixels()
    middle = float(np.median(streaked))
    streaked[60, 40:50] = middle - 12 * spread
    streaked[61, 40:50] = middle - 9 * spread
    assert hot.clean(streaked, None) is streaked


def test_a_single_one_of_a_whole_number_keeps_its_type(plain: np.ndarray) -> None:
    grey = np.clip(plain[0] * 10 + 100, 0, 255).astype(np.uint16)
    grey[30, 30] = 65535
    cleaned = HotPixels().clean(grey, None)
    assert cleaned.dtype == np.uint16
    assert cleaned.max() < 255
