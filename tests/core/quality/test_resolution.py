"""The resolution where the spectrum is known, against the formula; of one volume against that of halves."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sxtstudio.core.quality.record import CurveSource
from sxtstudio.core.quality.resolution import DISTANCES_PX, of_halves, of_neighbours
from sxtstudio.core.quality.spectra import CrossPower, first_crossing, tile_px, tile_spectra
from tests.core.quality.phantoms import bodies, of_a_wedge, through_optics


@pytest.mark.parametrize(("blur_px", "ratio"), [(1.2, 30.0), (2.0, 200.0), (3.0, 8.0)])
def test_two_halves_say_where_the_signal_ends(blur_px: float, ratio: float) -> None:
    """White structures behind a Gaussian have the power A exp(−4π²σ²k²), white noise N: FRC = S / (S + N).

    It is 1/7 where S = N/6, which is at k = √(ln(6 A/N)) / (2πσ).
    """
    rng = np.random.default_rng(3)
    power = CrossPower(128)
    for _ in range(6):
        shown = through_optics(rng.normal(size=(256, 256)), blur_px) * math.sqrt(ratio)
        halves = [shown + rng.normal(size=shown.shape) for _ in range(2)]
        power.add(*(tile_spectra(half, None, 128) for half in halves))
    expected = 2 * math.pi * blur_px / math.sqrt(math.log(6 * ratio))
    curve = of_halves(power)
    assert curve.source is CurveSource.HALVES
    assert curve.resolution_px == pytest.approx(expected, rel=0.08)


@pytest.mark.parametrize(("blur_px", "noise"), [(1.0, 0.3), (1.5, 0.6)])
def test_one_tomogram_says_what_two_halves_say(blur_px: float, noise: float) -> None:
    """Within a quarter, though its noise is that of projections: alike in neighbouring slices."""
    rng = np.random.default_rng(8)
    shape = (64, 128, 128)
    specimen = of_a_wedge(through_optics(bodies(8, shape), blur_px))
    halves = [specimen + of_a_wedge(rng.normal(0, noise, shape)) for _ in range(2)]
    both = CrossPower(128)
    powers = {distance: CrossPower(128) for distance in DISTANCES_PX}
    slices = [tile_spectra((a + b) / 2, None, 128) for a, b in zip(*halves, strict=True)]
    for z in range(0, 58, 2):
        both.add(*(tile_spectra(half[z], None, 128) for half in halves))
        for distance, power in powers.items():
            power.add(slices[z], slices[z + distance])
    truth, found = of_halves(both).resolution_px, of_neighbours(powers)
    assert truth is not None
    assert found is not None
    assert found.resolution_px == pytest.approx(truth, rel=0.25)


def test_tiles_with_a_fill_do_not_count() -> None:
    rng = np.random.default_rng(0)
    image = rng.normal(size=(256, 256)).astype(np.float32)
    measured = np.ones(image.shape, bool)
    measured[:, 200:] = False
    spoilt = np.where(measured, image, -9999)
    power, clean = CrossPower(64), CrossPower(64)
    power.add(tile_spectra(spoilt, measured, 64), tile_spectra(image, measured, 64))
    clean.add(tile_spectra(image, measured, 64), tile_spectra(image, measured, 64))
    assert np.array_equal(power.first, clean.first)
    assert power.first.any()


def test_slices_that_are_too_small_have_no_tiles() -> None:
    assert tile_px((40, 63, 500)) is None
    assert tile_px((40, 64, 500)) == 64
    assert tile_px((40, 1324, 1284)) == 128


def test_a_curve_that_never_falls_has_no_crossing() -> None:
    frequency = np.arange(1, 20) / 40
    assert first_crossing(frequency, np.ones(19), 1 / 7) is None
    assert first_crossing(frequency, np.zeros(19), 1 / 7) is None
    falling = np.linspace(1, 0, 19)
    assert first_crossing(frequency, falling, 0.5) == pytest.approx(10 / 40, abs=0.01)


def test_a_dip_is_no_end_and_what_comes_back_later_is_no_signal() -> None:
    """The curve falls through the limit at 0.25, and has had a narrow dip before; noise comes back at 0.4."""
    frequency = np.arange(2, 65) / 128
    curve = np.where(frequency < 0.25, 0.8, 0.0)
    dipped = np.where(np.abs(frequency - 0.12) < 0.012, 0.05, curve)
    back = np.where(frequency > 0.4, 0.9, dipped)
    for values in (curve, dipped, back):
        assert first_crossing(frequency, values, 0.5) == pytest.approx(0.25, abs=1 / 128)
    wide = np.where(np.abs(frequency - 0.12) < 0.04, 0.05, curve)
    assert first_crossing(frequency, wide, 0.5) == pytest.approx(0.08, abs=1 / 128)


def test_the_resolution_lies_where_the_curve_that_is_shown_crosses_the_limit() -> None:
    """For each kind of curve: the dotted line of the plot stands there."""
    rng = np.random.default_rng(5)
    shape = (12, 128, 128)
    specimen = through_optics(bodies(5, shape), 1.5)
    slices = [tile_spectra(s + rng.normal(0, 0.3, shape[1:]), None, 128) for s in specimen]
    powers = {distance: CrossPower(128) for distance in DISTANCES_PX}
    for distance, power in powers.items():
        for z in range(len(slices) - distance):
            power.add(slices[z], slices[z + distance])
    for curve in (of_halves(powers[2]), of_neighbours(powers)):
        assert curve is not None and curve.resolution_px is not None
        at = 1 / curve.resolution_px
        assert np.interp(at, curve.frequency, curve.correlation) == pytest.approx(1 / 7, abs=0.002)
