import numpy as np
import pytest

from sxtstudio.training.microscope import Microscope
from sxtstudio.training.reconstruction import develop, reconstruct
from sxtstudio.training.tilt_series import expose, project, projection_matrices, random_alignment

CLEAN = {"photons": 1e7, "zone_plate_nm": 0.0, "voxel_nm": 10}


def series_of(lac, detector, microscope):
    rng = np.random.default_rng(0)
    alignment = random_alignment(rng, lac.shape, microscope)
    return develop(expose(rng, project(lac, detector, microscope, alignment), microscope), microscope)


def disk(nz=33, nx=65, radius=10):
    z, x = np.mgrid[:nz, :nx]
    return (np.hypot(z - nz // 2, x - nx // 2) <= radius).astype(np.float32)


def test_projections_of_a_disk_are_its_chords():
    plane = disk()
    (matrix,) = projection_matrices(plane.shape, 65, np.deg2rad([0.0, 40.0]))
    views = (matrix @ plane.ravel()).reshape(2, 65)
    offsets = np.arange(65) - 32
    chords = 2 * np.sqrt(np.maximum(10.2**2 - offsets**2, 0))
    assert views.sum(axis=1) == pytest.approx(plane.sum(), rel=1e-5)  # nothing is lost
    inner = np.abs(offsets) < 8  # at the rim a disk of pixels has steps
    assert np.abs(views - chords)[:, inner].max() < 2
    assert views[:, np.abs(offsets) > 12].max() == 0


def test_depth_bins_add_up_to_the_whole_projection():
    angles = np.deg2rad([-30.0, 0.0, 55.0])
    (whole,) = projection_matrices((9, 21), 21, angles)
    parts = projection_matrices((9, 21), 21, angles, depth_bins=3)
    assert abs(sum(parts) - whole).max() < 1e-6


def test_transmission_follows_lambert_and_beer():
    lac = np.full((20, 8, 64), 0.5, np.float32)
    microscope = Microscope(tilt_deg=0.5, step_deg=1.0, method="wbp", **CLEAN)
    series = series_of(lac, 40, microscope)
    # 20 voxels of 10 nm at 0.5/µm: optical depth 0.1 where the beam passes the whole slab
    assert series[:, 10:30].mean() == pytest.approx(0.1, rel=0.02)


@pytest.mark.parametrize("method", ["sirt", "wbp"])
def test_a_disk_comes_back_where_it_was(method):
    lac = np.repeat(disk()[:, None], 6, axis=1) * 0.5
    microscope = Microscope(tilt_deg=62, step_deg=2, method=method, iterations=20, **CLEAN)
    series = series_of(lac, 65, microscope)
    tomogram = reconstruct(series, 33, microscope)
    assert tomogram.shape == (33, 6, 65)
    inside, outside = lac > 0, lac == 0
    assert tomogram[inside].mean() > tomogram[outside].mean() + 2 * tomogram[outside].std()
    z, _, x = np.nonzero(tomogram > 0.6 * tomogram.max())
    assert abs(z.mean() - 16) < 1.5
    assert abs(x.mean() - 32) < 1.5


def test_the_missing_wedge_smears_along_the_beam():
    lac = np.zeros((33, 4, 65), np.float32)
    lac[16, :, 32] = 1
    microscope = Microscope(tilt_deg=60, step_deg=2, method="wbp", **CLEAN)
    ball = reconstruct(series_of(lac, 65, microscope), 33, microscope)[:, 2]
    assert ball[18, 32] > ball[16, 34] + 0.1 * ball.max()


def test_the_projection_of_a_ball_is_its_chord_length():
    z, y, x = np.mgrid[:41, :41, :65]
    r = np.sqrt((z - 20) ** 2 + (y - 20) ** 2 + (x - 32) ** 2)
    lac = (0.5 * np.clip(12.5 - r, 0, 1)).astype(np.float32)  # radius 12, with a soft edge
    microscope = Microscope(tilt_deg=50, step_deg=25, method="wbp", **CLEAN)
    series = series_of(lac, 65, microscope)
    distance = np.hypot(np.arange(65)[:, None] - 32, np.arange(41)[None] - 20)
    chord_um = 2 * np.sqrt(np.maximum(12**2 - distance**2, 0)) * 10 / 1000
    for view in series:  # the same from everywhere
        assert np.abs(view / 0.5 - chord_um)[distance < 10].max() < 0.008


def test_the_blur_of_the_zone_plate_keeps_the_absorption():
    lac = np.zeros((9, 41, 65), np.float32)
    lac[4, 20, 32] = 10.0
    optics = Microscope(tilt_deg=0, step_deg=1, voxel_nm=10, photons=1e12, zone_plate_nm=40, method="wbp")
    (view,) = series_of(lac, 65, optics)
    total = view.sum()
    assert total == pytest.approx(10 * 0.01, rel=0.02)
    spread = np.sqrt((view.sum(axis=1) * (np.arange(65) - 32) ** 2)[22:43].sum() / total)
    assert spread == pytest.approx(optics.blur_px, rel=0.1)


def test_a_slab_that_goes_on_beyond_the_view_spoils_the_tomogram_only_without_a_margin():
    lac = np.full((16, 6, 240), 0.3, np.float32)

    def error(margin_px):
        optics = Microscope(tilt_deg=60, step_deg=2, iterations=40, margin_px=margin_px, **CLEAN)
        slab = reconstruct(series_of(lac, 64, optics), 16, optics)
        return np.abs(slab[4:12].mean(axis=(0, 1)) / (0.3 * 10 / 1000) - 1).max()

    assert error(24) < 0.05
    assert error(0) > 0.3
