"""Pictures that end within the view, and frames of no data."""

import numpy as np
import pytest

from sxtstudio.training import frames
from sxtstudio.training.canvas import CLASSES
from sxtstudio.training.frames import EdgeBands
from sxtstudio.training.microscope import Microscope, ProjectionFill
from sxtstudio.training.simulate import simulate

OPTICS = {"tilt_deg": 60, "step_deg": 4, "voxel_nm": 12, "photons": 3000, "method": "wbp", "margin_px": 20}


def test_pictures_that_stay_are_whole():
    assert frames.ended(np.random.default_rng(0), Microscope(**OPTICS), 80, 60) is None


def test_no_picture_ends_farther_inside_than_it_drifted():
    for seed in range(5):
        missing = frames.ended(np.random.default_rng(seed), Microscope(**OPTICS, drift_px=7), 80, 60)
        assert missing.shape == (30 + 1, 80, 60)
        assert not missing[:, 8:-8, 8:-8].any()
        assert not missing[15].any()  # at tilt 0 it is where it should be
        assert missing.any()


def test_a_turned_camera_leaves_its_corners_empty():
    missing = frames.ended(np.random.default_rng(0), Microscope(**OPTICS, rotation_deg=4), 80, 60)
    assert (missing == missing[0]).all()
    corners = missing[0][[0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners.sum() == 4
    assert not missing[0][20:60, 15:45].any()
    # Half of each edge turns outwards: two triangles of w² / 8 · tan, two of h² / 8 · tan.
    least = (80**2 + 60**2) / 4 * np.tan(np.deg2rad(4))
    assert least - 10 < np.count_nonzero(missing[0]) < least + 80 + 60


def test_fills():
    series = np.arange(24, dtype=np.float32).reshape(1, 4, 6)
    missing = np.zeros(series.shape, bool)
    missing[0, :, :2] = True
    expected = {ProjectionFill.MEAN: series[0, :, 2:].mean(), ProjectionFill.NOTHING: 0.0}
    for how, value in expected.items():
        filled = frames.fill(series, missing, how)
        assert (filled[missing] == value).all() and (filled[~missing] == series[~missing]).all()
    edge = frames.fill(series, missing, ProjectionFill.EDGE)
    assert (edge[0, :, :2] == series[0, :, 2:3]).all()
    assert series[0, 0, 1] == 1  # the original is as it was


def test_a_frame_has_its_widths_and_one_value():
    frame = EdgeBands((3, 0, 5, 0), 0.0, "dark")
    cut = frame.mask(20, 30)
    expected = np.zeros((20, 30), bool)
    expected[:3], expected[:, :5] = True, True
    assert np.array_equal(cut, expected)
    tomogram = np.random.default_rng(0).normal(size=(4, 20, 30)).astype(np.float32)
    before = tomogram.copy()
    frame.apply(tomogram)
    assert np.array_equal(tomogram[:, ~cut], before[:, ~cut])
    assert len(np.unique(tomogram[:, cut])) == 1 and tomogram[0, 0, 0] > before.max()


def test_a_slanting_frame_gets_wider_along_its_edge():
    cut = EdgeBands((4, 0, 0, 0), 0.1).mask(40, 61)
    widths = cut.sum(axis=0)
    assert widths[30] == 4 and widths[60] - widths[0] == pytest.approx(6, abs=1)


def test_what_has_no_data_has_no_truth(monkeypatch):
    frame = EdgeBands((0, 0, 9, 6), 0.0, "mean")
    monkeypatch.setattr(frames, "random_frame", lambda *_: frame)
    optics = Microscope(**OPTICS)
    framed = simulate(3, (10, 72, 80), optics, scene="crowded", framed=True)
    whole = simulate(3, (10, 72, 80), optics, scene="crowded")
    cut = frame.mask(72, 80)
    assert (framed.classes[:, cut] == CLASSES["no data"]).all() and not framed.instances[:, cut].any()
    assert not framed.outline[:, cut].any() and not framed.hidden[:, cut].any()
    inside = np.zeros_like(cut)
    inside[:, 11:-8] = True
    for name in ("tomogram", "outline", "hidden", "classes", "instances"):
        assert np.array_equal(getattr(framed, name)[:, inside], getattr(whole, name)[:, inside]), name
    beside = ~cut & ~inside
    assert not framed.outline[:, beside].any()
    assert framed.hidden[:, beside][whole.outline[:, beside]].all()  # lines at the frame are not judged
    assert set(framed.facts["objects"]) == set(np.unique(framed.instances)) - {0}
    assert framed.facts["frame"]["widths"] == (0, 0, 9, 6)
