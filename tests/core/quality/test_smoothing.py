"""A blurred tomogram must not be praised for what the blur did; a plain one is not held for blurred."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage

from sxtstudio.core.quality.dictionary import FigureName
from sxtstudio.core.quality.measure import Known, measure_quality
from sxtstudio.core.quality.record import CurveSource, Quality, QualityFigure, QualityFlag
from sxtstudio.core.quality.smoothing import Fineness, Repeats, grey_step
from sxtstudio.core.volume import ArrayVolume
from tests.core.quality.phantoms import cell_in_ice, through_optics

SHAPE = (8, 128, 128)
OF_THE_GRAIN = (FigureName.CONTRAST, FigureName.CELL_CONTRAST, FigureName.NOISE, FigureName.RESOLUTION)


def figure_of(found: Quality, name: FigureName) -> QualityFigure:
    figure = found.figure(name)
    assert figure is not None, name
    return figure


def judged(volume: np.ndarray, half: np.ndarray | None = None) -> Quality:
    other = None if half is None else ArrayVolume(half)
    return measure_quality(ArrayVolume(volume), Known(polarity="dark"), half=other)


@pytest.fixture(scope="module")
def plain() -> np.ndarray:
    return cell_in_ice(shape=SHAPE, noise=0.4)[0]


def blurred(volume: np.ndarray, sigma: float) -> np.ndarray:
    return ndimage.gaussian_filter(volume, (0, sigma, sigma))


def in_bytes(volume: np.ndarray) -> np.ndarray:
    low, high = float(volume.min()), float(volume.max())
    return np.rint((volume - low) / (high - low) * 255).astype(np.uint8)


@pytest.mark.parametrize("of_bytes", [False, True], ids=["float", "8-bit"])
@pytest.mark.parametrize("sigma", [1.5, 2, 4])
def test_a_blur_is_told_and_what_it_would_praise_is_left_out(
    plain: np.ndarray, sigma: float, of_bytes: bool
) -> None:
    volume = blurred(plain, sigma)
    found = judged(in_bytes(volume) if of_bytes else volume)
    smoothing = found.figure(FigureName.SMOOTHING)
    assert smoothing is not None and smoothing.flag is QualityFlag.LOOK
    for name in OF_THE_GRAIN:
        figure = found.figure(name)
        assert figure is not None and figure.value is None and figure.flag is QualityFlag.UNKNOWN
    assert found.curve is None or found.curve.resolution_px is None


@pytest.mark.parametrize("of_bytes", [False, True], ids=["float", "8-bit"])
def test_a_plain_one_is_not_held_for_blurred(plain: np.ndarray, of_bytes: bool) -> None:
    found = judged(in_bytes(plain) if of_bytes else plain)
    smoothing = found.figure(FigureName.SMOOTHING)
    assert smoothing is not None and smoothing.flag is QualityFlag.GOOD
    assert all(figure_of(found, name).value is not None for name in OF_THE_GRAIN[:3])


@pytest.mark.parametrize("of_bytes", [False, True], ids=["float", "8-bit"])
@pytest.mark.parametrize("size", [3, 5])
def test_a_median_filter_is_told_by_neighbours_that_are_equal(
    plain: np.ndarray, size: int, of_bytes: bool
) -> None:
    volume = ndimage.median_filter(plain, (1, size, size))
    found = judged(in_bytes(volume) if of_bytes else volume)
    smoothing = found.figure(FigureName.SMOOTHING)
    assert (
        smoothing is not None
        and smoothing.flag is QualityFlag.LOOK
        and "the very same value" in smoothing.sentence
    )
    assert all(figure_of(found, name).value is None for name in OF_THE_GRAIN)


def test_neighbours_that_are_equal_by_chance_are_not_counted() -> None:
    """Noise of few grey values is equal often: of a standard deviation of 1, 28 % of the neighbours."""
    rng = np.random.default_rng(4)
    for deviation in (0.6, 1.0, 5.0):
        few = np.rint(100 + rng.normal(0, deviation, (256, 256)))
        few[40:90, 40:90] = 255  # cut off
        few[100:150] = np.nan  # not measured
        repeats = Repeats()
        repeats.add(few, None)
        assert repeats.share is not None and repeats.share < 0.02
    enlarged = Repeats()
    enlarged.add(np.kron(rng.normal(size=(64, 64)), np.ones((2, 2))), None)
    assert enlarged.share == pytest.approx(0.5, abs=0.01)
    nothing = Repeats()
    nothing.add(np.full((64, 64), 3.0), None)
    assert nothing.share is None


SCALES = {
    "8 bit": lambda grey: grey,
    "shares of 1": lambda grey: (grey / 255).astype(np.float32),
    "below 0": lambda grey: (grey * 0.37 - 20).astype(np.float32),
    "3 decimals": lambda grey: np.round(grey / 255, 3).astype(np.float32),
    "even": lambda grey: (grey * 2).astype(np.uint16),
    "halves": lambda grey: (grey / 2).astype(np.float32),
    "far from 0": lambda grey: (grey / 255 + 1000).astype(np.float32),
    "huge": lambda grey: (grey * 1e28).astype(np.float32),
    "bent": lambda grey: np.sqrt(grey + 1).astype(np.float32),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("grey_levels", [255, 25])
@pytest.mark.parametrize("scale", SCALES)
def test_the_verdict_is_that_of_the_picture_however_its_grey_values_are_scaled(
    plain: np.ndarray, scale: str, grey_levels: int
) -> None:
    for volume, flag in (
        (plain, QualityFlag.GOOD),
        (blurred(plain, 2), QualityFlag.LOOK),
        (ndimage.median_filter(plain, (1, 5, 5)), QualityFlag.LOOK),
    ):
        grey = np.rint(in_bytes(volume) * (grey_levels / 255))
        if grey_levels == 25 and volume is not plain:
            continue
        found = judged(SCALES[scale](grey)).figure(FigureName.SMOOTHING)
        assert found is not None and found.flag is flag


def test_hot_pixels_bring_no_grey_value_that_the_file_does_not_have(plain: np.ndarray) -> None:
    grey = np.rint(in_bytes(plain) / 12).astype(np.float32)
    grey[:, 40:42, 40] = 1e6
    found = judged(grey).figure(FigureName.SMOOTHING)
    assert found is not None and found.flag is QualityFlag.GOOD


@pytest.mark.parametrize("scale", [1, 1 / 255, 0.37, 65535.0])
def test_the_step_of_grey_values(scale: float) -> None:
    rng = np.random.default_rng(6)
    grey = np.rint(rng.normal(100, 20, (128, 128))) * scale - 20 * scale
    assert grey_step(grey.astype(np.float32)) == pytest.approx(scale, rel=1e-3)
    grey[:5, :5] = grey.mean()  # a fill
    assert grey_step(grey.astype(np.float32)) == pytest.approx(scale, rel=1e-3)
    assert grey_step(np.full((4, 4), 3)) == 0
    assert grey_step(rng.normal(size=(128, 128))) < 1e-3


def test_two_halves_keep_their_resolution(plain: np.ndarray) -> None:
    """It does not compare with the grain of one, and a blur of both changes it little."""
    rng = np.random.default_rng(1)
    halves = [
        (blurred(plain, 1) + rng.normal(0, 0.3, SHAPE)).astype(np.float32),
        (blurred(plain, 1) + rng.normal(0, 0.3, SHAPE)).astype(np.float32),
    ]
    sharp = judged(*halves).curve
    found = judged(*(blurred(half, 2) for half in halves))
    assert figure_of(found, FigureName.SMOOTHING).flag is QualityFlag.LOOK
    assert sharp is not None and sharp.resolution_px is not None
    assert found.curve is not None and found.curve.source is CurveSource.HALVES
    assert found.curve.resolution_px == pytest.approx(sharp.resolution_px, rel=0.1)


def test_the_fall_is_that_of_the_gaussian() -> None:
    """White noise behind a Gaussian has the power exp(−4π²σ²k²).

    The mean over the band from a to b (of k dk) is (e^{−ca²} − e^{−cb²}) / c (b² − a²), c = 4π²σ².
    """
    sigma = 1.0
    image = through_optics(np.random.default_rng(2).normal(size=(512, 512)), sigma)
    fineness = Fineness((1, 512, 512))
    fineness.add(image, None)
    c = 4 * math.pi**2 * sigma**2

    def mean(a: float, b: float) -> float:
        return (math.exp(-c * a**2) - math.exp(-c * b**2)) / (c * (b**2 - a**2))

    # The last band but two ends where rings are whole.
    expected = math.log10(mean(0.35, 0.4) / mean(0.45, 0.5))
    assert fineness.fall == pytest.approx(expected, rel=0.04)
    assert not fineness.rounded


def test_rounding_alone_is_told_from_grain() -> None:
    rng = np.random.default_rng(3)
    slow = 100 + 40 * np.sin(np.arange(256) / 37.0)[:, None] + 30 * np.cos(np.arange(256) / 29.0)
    for noise, rounded in ((0.0, True), (0.8, False)):
        for kind in (np.uint8, np.float32):
            fineness = Fineness((1, 256, 256))
            fineness.add(np.rint(slow + rng.normal(0, noise, slow.shape)).astype(kind), None)
            assert fineness.rounded is rounded
    small = Fineness((1, 20, 20))
    small.add(np.zeros((20, 20)), None)
    assert small.fall is None and not small.rounded
