"""Ways of reconstruction against what they must do to a disk, to noise, and to a view that is cut."""

import numpy as np
import pytest

from sxtstudio.training.microscope import Denoising, Microscope, Ramp
from sxtstudio.training.reconstruction import denoise, reconstruct
from sxtstudio.training.tilt_series import expose, project, random_alignment

CLEAN = {"tilt_deg": 62, "step_deg": 2, "photons": 1e7, "zone_plate_nm": 0.0, "voxel_nm": 10}


def taken(lac, detector, microscope, seed=0):
    rng = np.random.default_rng(seed)
    series = expose(
        rng, project(lac, detector, microscope, random_alignment(rng, lac.shape, microscope)), microscope
    )
    return reconstruct(series, len(lac), microscope)


def disk(nz=33, nx=65, radius=10):
    z, x = np.mgrid[:nz, :nx]
    plane = np.hypot(z - nz // 2, x - nx // 2) <= radius
    return np.repeat(0.5 * plane[:, None], 4, axis=1).astype(np.float32)


@pytest.mark.parametrize("ramp", Ramp)
def test_every_filter_brings_a_disk_back_where_it_was(ramp):
    lac = disk()
    tomogram = taken(lac, 65, Microscope(**CLEAN, method="wbp", ramp=ramp))
    inside = lac > 0
    assert tomogram[inside].mean() > tomogram[~inside].mean() + 1.5 * tomogram[~inside].std()
    z, _, x = np.nonzero(tomogram > 0.6 * tomogram.max())
    assert abs(z.mean() - 16) < 1.5 and abs(x.mean() - 32) < 1.5


def test_filters_differ_in_noise_as_their_names_say():
    lac = np.full((16, 8, 64), 0.3, np.float32)
    optics = dict(CLEAN, photons=300)
    noise = {ramp: taken(lac, 64, Microscope(**optics, method="wbp", ramp=ramp)).std() for ramp in Ramp}
    assert all(noise[Ramp.SHARP] > 1.3 * noise[ramp] for ramp in Ramp if ramp is not Ramp.SHARP)


def test_more_iterations_are_sharper_and_noisier():
    few, many = (Microscope(**CLEAN, iterations=n) for n in (8, 120))
    edges = [taken(disk(), 65, optics)[16, 2] for optics in (few, many)]
    steps = [np.abs(np.diff(edge[36:50])).max() for edge in edges]
    assert steps[1] > 1.3 * steps[0]
    flat = np.full((16, 8, 64), 0.3, np.float32)
    rough = [
        np.diff(
            taken(flat, 64, Microscope(**dict(CLEAN, photons=300), iterations=n))[8, :, 20:44], axis=0
        ).std()
        for n in (8, 120)
    ]
    assert rough[1] > 1.5 * rough[0]


@pytest.mark.parametrize("method", ["sirt", "wbp"])
def test_a_narrow_view_shows_what_a_wide_one_shows_there(method):
    rng = np.random.default_rng(4)
    lac = (0.3 + 0.1 * rng.normal(size=(16, 4, 240))).astype(np.float32)
    optics = Microscope(**CLEAN, method=method, iterations=40, margin_px=24)
    narrow, wide = taken(lac, 64, optics), taken(lac, 128, optics)[..., 32:96]
    inner = np.s_[2:14, :, 16:48]
    a, b = (volume[inner] - volume[inner].mean() for volume in (narrow, wide))
    assert np.sqrt(np.mean((a - b) ** 2)) < 0.12 * b.std()


def test_total_variation_takes_noise_and_leaves_edges():
    rng = np.random.default_rng(0)
    step = np.zeros((12, 40, 40), np.float32)
    step[..., 20:] = 1
    noisy = step + rng.normal(scale=0.1, size=step.shape).astype(np.float32)
    optics = Microscope(**CLEAN, denoising=Denoising.TOTAL_VARIATION, denoising_strength=1.5)
    smooth = denoise(noisy, 0.1, optics)
    assert smooth.dtype == np.float32
    assert smooth[..., 4:16].std() < 0.03
    assert smooth[..., 24:].mean() - smooth[..., :16].mean() > 0.9
    assert (smooth[..., 20] - smooth[..., 19]).mean() > 0.75
    assert denoise(noisy, 0.1, Microscope(**CLEAN)) is noisy


@pytest.mark.parametrize("kind", [Denoising.MEDIAN, Denoising.GAUSSIAN])
def test_smoothing_halves_white_noise(kind):
    noise = np.random.default_rng(0).normal(size=(12, 40, 40)).astype(np.float32)
    assert denoise(noise, 1.0, Microscope(**CLEAN, denoising=kind, denoising_strength=0.8)).std() < 0.5


def test_binned_pixels_count_more_photons():
    flat = np.zeros((30, 64, 64), np.float32)
    noise = [
        expose(np.random.default_rng(0), flat, Microscope(**dict(CLEAN, photons=400), binning=n)).std()
        for n in (1, 3)
    ]
    assert noise[0] == pytest.approx(1 / np.sqrt(400), rel=0.05)  # the noise of log N
    assert noise[1] == pytest.approx(noise[0] / 3, rel=0.05)


def test_an_uneven_camera_stays_uneven_over_a_full_rotation():
    optics = Microscope(**dict(CLEAN, tilt_deg=90, photons=1e9), uneven=0.02)
    noisy = expose(np.random.default_rng(0), np.zeros((90, 32, 32), np.float32), optics)
    assert noisy.mean(axis=0).std() == pytest.approx(0.02, rel=0.1)
    assert noisy.std(axis=0).max() < 0.001
    tilted = expose(
        np.random.default_rng(0), np.zeros((62, 32, 32), np.float32), Microscope(**CLEAN, uneven=0.02)
    )
    assert tilted.mean(axis=0).std() < 0.01  # alignment moves it about


def test_fringes_surround_gold_and_nothing_else():
    lac = np.full((12, 48, 48), 0.3, np.float32)
    optics = Microscope(**CLEAN, fringes=0.4)
    plain = Microscope(**CLEAN)
    alignment = random_alignment(np.random.default_rng(0), lac.shape, optics)
    assert np.array_equal(project(lac, 48, optics, alignment), project(lac, 48, plain, alignment))
    lac[:, 20:28, 20:28] = 8.0
    view = len(optics.angles) // 2
    rings = (project(lac, 48, optics, alignment) - project(lac, 48, plain, alignment))[view]
    around = rings.copy()
    around[18:30, 18:30] = 0
    assert around.max() > 0.005 and around.min() < -0.005
