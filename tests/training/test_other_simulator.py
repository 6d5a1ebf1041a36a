from __future__ import annotations

from functools import cache
from types import SimpleNamespace

import numpy as np
import other_simulator as other
import pytest
from scipy import ndimage

SMALL = (8, 112, 112)


@cache
def _tomogram(seed: int):
    return other.simulate(seed, SMALL)


def _lines(*columns: int, slices: int = 1) -> np.ndarray:
    mask = np.zeros((slices, 20, 40), bool)
    mask[:, :, list(columns)] = True
    return mask


# score: cases worked out by hand


@pytest.mark.parametrize(
    ("predicted", "precision", "recall"),
    [
        pytest.param((10,), 1.0, 1.0, id="same"),
        pytest.param((12,), 1.0, 1.0, id="2 px beside"),
        pytest.param((13,), 0.0, 0.0, id="3 px beside"),
        pytest.param((10, 30), 0.5, 1.0, id="one line too many"),
        pytest.param((8, 9, 10, 11, 12, 13), 5 / 6, 1.0, id="too thick by one pixel"),
        pytest.param((), 0.0, 0.0, id="nothing found"),
    ],
)
def test_score_of_straight_lines(predicted, precision, recall):
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    assert other.score(_lines(*predicted), _lines(10)) == pytest.approx((precision, recall, f1))


def test_score_counts_truth_that_is_missed():
    precision, recall, f1 = other.score(_lines(10), _lines(10, 30))
    assert (precision, recall, f1) == pytest.approx((1.0, 0.5, 2 / 3))


def test_score_measures_diagonals_as_euclidean_distance():
    truth, prediction = np.zeros((2, 9, 9), bool)
    truth[4, 4] = True
    prediction[2, 2] = True  # 2.83 px away
    assert other.score(prediction, truth) == (0.0, 0.0, 0.0)
    assert other.score(prediction, truth, tolerance_px=3) == pytest.approx((1.0, 1.0, 1.0))


def test_score_does_not_reach_into_the_next_slice():
    truth = _lines(10, slices=2)
    prediction = truth.copy()
    truth[1] = False
    assert other.score(prediction, truth)[:2] == pytest.approx((0.5, 1.0))
    assert other.score(truth, prediction)[:2] == pytest.approx((1.0, 0.5))


def test_score_pools_pixels_and_not_slices():
    truth = np.concatenate([_lines(10), _lines(10, 20, 30)])
    prediction = np.concatenate([_lines(10), _lines()])
    assert other.score(prediction, truth)[1] == pytest.approx(0.25)


def test_score_of_empty_masks():
    nothing = _lines()
    assert other.score(nothing, nothing) == (1.0, 1.0, 1.0)
    assert other.score(_lines(3), nothing) == (0.0, 0.0, 0.0)


def test_score_ignores_doubtful_pixels_away_from_the_truth_only():
    doubtful = _lines(10, 30)
    assert other.score(_lines(10, 30), _lines(10), ignore=doubtful)[:2] == pytest.approx((1.0, 1.0))
    assert other.score(_lines(10, 20), _lines(10), ignore=doubtful)[:2] == pytest.approx((0.5, 1.0))


def test_score_refuses_different_shapes():
    with pytest.raises(ValueError, match="differ in shape"):
        other.score(_lines(1), _lines(1, slices=2))


# geometry against analytic shapes


def test_a_spherical_membrane_is_drawn_at_its_equator_and_not_at_its_poles():
    appearance = SimpleNamespace(membrane=0.2, membrane_width=4.0, blur=1.2, scale=1.0)
    scene = other.specimen.Scene((64, 64, 64), appearance, 10.0)
    z, y, x = np.indices(scene.shape) - 32.0
    scene.membrane(other.specimen.EVERYWHERE, (np.sqrt(z * z + y * y + x * x) - 22).astype(np.float32), 1.0)
    equator = scene.drawn[32]
    radius = np.hypot(y, x)[32]
    assert radius[equator].min() == pytest.approx(19.5, abs=1) and radius[equator].max() < 24.6
    assert equator.sum() == pytest.approx(2 * np.pi * 22 * 5, rel=0.1)  # a ring 5 px wide
    assert not scene.drawn[32 + 21].any() and not scene.drawn[32 - 21].any()
    assert scene.lac[32, 32, 54] > scene.lac[32, 32, 44] + 0.19


def test_a_straight_tube_has_the_radius_and_the_length_that_were_asked_for():
    path = np.column_stack([np.full(31, 20.0), np.full(31, 20.0), np.arange(20.0, 51.0)])
    box, distance, along = other.specimen._tube((40, 40, 80), path, np.full(31, 6.0), margin=6)
    inside = np.zeros((40, 40, 80), bool)
    inside[box] = distance < 0
    assert inside.sum() == pytest.approx(np.pi * 36 * 30 + 4 / 3 * np.pi * 216, rel=0.05)
    assert along[tuple(np.array([20, 20, 35]) - [b.start for b in box])] == pytest.approx(15, abs=1)


# tomograms


def test_types_shapes_and_repeatability():
    tomogram, truth, notes = other.simulate(1, (5, 64, 48))
    again, same_truth, _ = other.simulate(1, (5, 64, 48))
    assert tomogram.dtype == np.float32 and truth.dtype == bool
    assert tomogram.shape == truth.shape == notes["doubtful"].shape == (5, 64, 48)
    assert np.isfinite(tomogram).all()
    np.testing.assert_array_equal(tomogram, again)
    np.testing.assert_array_equal(truth, same_truth)
    assert not (truth & notes["doubtful"]).any()


def test_halves_show_the_same_specimen_with_noise_of_their_own():
    """The mean of the two has the noise that ``simulate`` was to have; what differs is noise alone."""
    one, two = other.halves(1, SMALL)
    noise = (one - two) / 2
    shown = -_tomogram(1)[0]  # of the same specimen, in other units
    scale, _ = np.polyfit(shown.ravel(), -(one + two).ravel() / 2, 1)
    assert scale > 0
    notes = _tomogram(1)[2]
    wanted = notes["contrast"] / np.exp(notes["appearance"]["log_contrast_to_noise"])
    assert noise.std() == pytest.approx(wanted, rel=0.05)
    assert abs(np.corrcoef(noise.ravel(), (one + two).ravel())[0, 1]) < 0.2


def test_what_is_drawn_is_dark_against_its_surroundings():
    for seed in (1, 35):
        tomogram, truth, notes = _tomogram(seed)
        assert 0.005 < truth.mean() < 0.35
        around = np.stack([ndimage.binary_dilation(t, iterations=8) for t in truth]) & ~notes["doubtful"]
        core = np.stack([ndimage.binary_erosion(t, iterations=1) for t in truth])
        difference = np.median(tomogram[around & ~truth]) - np.median(tomogram[core])
        spread = np.diff(np.percentile(tomogram[around & ~truth], [16, 84]))[0] / 2
        assert difference > 0.4 * spread, seed


def test_outlines_are_lines_and_not_areas():
    for seed in (1, 35):
        truth = _tomogram(seed)[1]
        depth = np.stack([ndimage.distance_transform_edt(t) for t in truth])
        assert np.percentile(depth[truth], 95) < 5  # half a width; touching outlines may merge


def test_the_missing_wedge_is_missing():
    tomogram, _, _ = other.simulate(13, (32, 64, 64))
    taper = [np.hanning(n).astype(np.float32) for n in tomogram.shape]
    tapered = (tomogram - tomogram.mean()) * taper[0][:, None, None] * taper[1][:, None] * taper[2]
    power = (np.abs(np.fft.rfftn(tapered)) ** 2).sum(axis=1)
    kz, kx = np.meshgrid(np.fft.fftfreq(32), np.fft.rfftfreq(64), indexing="ij")
    tilt, radius = np.degrees(np.arctan2(np.abs(kz), kx)), np.hypot(kz, kx)
    band = (radius > 0.1) & (radius < 0.3)
    assert power[band & (tilt > 75)].mean() < 0.1 * power[band & (tilt < 50)].mean()


def test_appearances_differ_from_seed_to_seed():
    appearances = [other._draw_appearance(np.random.default_rng([seed, 7401])) for seed in range(40)]
    assert {one.scene for one in appearances} == set(other.SCENES)
    noise = np.exp([-one.log_contrast_to_noise for one in appearances])
    assert noise.min() < 0.25 and noise.max() > 0.6
    widths = [one.membrane_width for one in appearances]
    assert min(widths) < 3.5 < 4.5 < max(widths)
    assert {one.sirt_iterations == 0 for one in appearances} == {True, False}


def test_outlines_move_with_what_misaligned_tilts_have_moved():
    y, x = np.mgrid[:80, :80].astype(np.float32)
    ring, line = np.hypot(y - 25, x - 30) - 14, np.abs(x + y - 110) / np.sqrt(2)
    distance = np.minimum(np.abs(ring), line)[None]
    image = -np.exp(-0.5 * (distance / 1.8) ** 2)
    shift = (0, 2, -3)
    moved = ndimage.shift(image, shift, order=3, mode="nearest")
    mask = distance < 2.5
    (found,) = other._move_with_picture([mask], image, moved)
    wanted = ndimage.shift(mask.astype(float), shift, order=1) > 0.5
    inner = np.s_[:, 8:-8, 8:-8]
    both = np.count_nonzero((found & wanted)[inner])
    assert both > 0.9 * np.count_nonzero(wanted[inner])
    assert both > 0.9 * np.count_nonzero(found[inner])
    (still,) = other._move_with_picture([mask], image, image)
    assert np.array_equal(still, mask)


def test_what_is_smeared_in_from_other_slices_is_doubtful_and_nothing_else_is():
    specimen = np.zeros((24, 60, 60), np.float32)
    specimen[:, 10:13] = 0.2  # a membrane in all slices
    centre = np.zeros(specimen.shape, bool)
    centre[:, 11] = True
    picture = specimen.copy()
    specimen[:6, 40:43] = 0.2  # another one in the first slices only, which the picture shows in all
    picture[:, 40:43] = 0.2
    scene = SimpleNamespace(
        appearance=SimpleNamespace(blur=0.7, blur_along_z=1.5), plain=specimen, centre=centre
    )
    smeared = other._smeared(scene, picture, np.s_[:, :, :])
    assert smeared[12:, 40:43].all()
    assert not smeared[:4].any()
    assert not smeared[:, :36].any()
    assert not smeared[12:, 47:].any()
    scene.centre = np.zeros_like(centre)
    assert not other._smeared(scene, picture, np.s_[:, :, :]).any()


def _noisy_line(contrast: float):
    """A line of 3 px along y, and white noise of standard deviation 1."""
    plain = np.zeros((4, 120, 120), np.float32)
    plain[:, :, 59:62] = contrast
    drawn = np.zeros(plain.shape, bool)
    drawn[:, :, 58:63] = True
    noise = np.random.default_rng(5).normal(size=plain.shape).astype(np.float32)
    return plain, noise, drawn


@pytest.mark.parametrize("contrast", [0.5, 1.0, 3.0])
def test_the_clarity_of_a_line_in_white_noise_is_that_of_its_matched_filter(contrast):
    # √(Σ line²) / σ over 15 rows. Without the mean of 13 columns around them, three pixels of the line keep
    # 10/13 of their contrast and the two beside them get −3/13.
    expected = contrast * np.sqrt(15 * (3 * (10 / 13) ** 2 + 2 * (3 / 13) ** 2))
    plain, noise, drawn = _noisy_line(contrast)
    clarity = other._clarity(plain, noise, drawn)
    assert np.median(clarity[:, 20:-20, 60]) == pytest.approx(expected, rel=0.15)
    assert not clarity[~drawn].any()
    coarse = ndimage.gaussian_filter(noise, (0, 2, 2))  # the same power at the line's own scale hides more
    assert np.median(other._clarity(plain, coarse / coarse.std(), drawn)[drawn]) < 0.8 * expected


@pytest.mark.parametrize(("contrast", "seen"), [(0.3, False), (3.0, True)])
def test_an_annotator_draws_what_stands_out_five_times_from_the_noise(contrast, seen):
    plain, noise, drawn = _noisy_line(contrast)
    nothing = np.zeros_like(drawn)
    truth, doubtful = other._annotate([drawn, drawn, nothing], plain, plain + noise)
    assert truth[1:].mean() == pytest.approx(drawn[1:].mean() if seen else 0)
    assert not (truth & doubtful).any() and ((truth | doubtful) == drawn).all()
