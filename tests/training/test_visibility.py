"""What a human could see, on lines whose contrast and noise are known."""

import numpy as np
import pytest

from sxtstudio.training.visibility import drowned, what_shows

SHAPE = (3, 96, 96)


def line(contrast):
    lac = np.full(SHAPE, 0.25, np.float32)
    lac[:, :, 47:50] += contrast
    outline = np.zeros(SHAPE, bool)
    outline[:, :, 46:51] = True
    return lac, outline


def noise(sd):
    return np.random.default_rng(0).normal(scale=sd, size=SHAPE).astype(np.float32)


@pytest.mark.parametrize(("sd", "seen"), [(0.02, True), (0.2, True), (5.0, False)])
def test_a_line_shows_unless_it_drowns(sd, seen):
    lac, outline = line(0.2)
    shown = what_shows(lac, lac + noise(sd), outline, blur_px=0.5)
    assert not (shown & ~outline).any()
    assert (shown.sum() > 0.9 * outline.sum()) == seen
    assert (shown.sum() < 0.1 * outline.sum()) != seen


def test_an_outline_of_nothing_does_not_show():
    lac, outline = line(0.0)
    lac[:, 20:24] = 0.5  # something else does
    shown = what_shows(lac, lac + noise(0.05), outline, blur_px=0.5)
    assert shown[:, 48:].sum() < 0.02 * outline.sum()


def test_only_the_part_beside_a_streak_is_hidden():
    lac, outline = line(0.2)
    tomogram = lac + noise(0.03)
    tomogram[:, 60:70] += np.random.default_rng(1).normal(scale=3.0, size=(3, 10, 96)).astype(np.float32)
    shown = what_shows(lac, tomogram, outline, blur_px=0.5)
    assert shown[:, :45, 48].all()
    assert not shown[:, 62:68].any()


def test_scale_and_offset_of_the_tomogram_do_not_matter():
    lac, outline = line(0.1)
    tomogram = lac + noise(0.05)
    shown = what_shows(lac, tomogram, outline, blur_px=1.0)
    assert np.array_equal(shown, what_shows(lac, (tomogram * 1024 + 64).astype(np.float32), outline, 1.0))
    assert not what_shows(lac, -tomogram, outline, 1.0).any()  # nothing fits


@pytest.mark.parametrize("sign", [1, -1], ids=["dark", "bright"])
def test_a_line_is_lost_where_grain_drowns_it_and_only_there(sign):
    lac, outline = line(1.0)
    before = lac[0] + noise(0.05)[0]
    after = sign * (2 * before)  # another contrast alone loses nothing
    assert not drowned(before, after, outline[0]).any()
    after[:48] += noise(8.0)[0, :48]
    lost = drowned(before, after, outline[0])
    assert lost[:36].sum() > 0.9 * outline[0, :36].sum()
    assert not lost[60:].any()
    assert not (lost & ~outline[0]).any()


def test_where_there_is_no_line_nothing_is_lost():
    nothing = np.zeros((20, 20), bool)
    assert not drowned(noise(1)[0, :20, :20], noise(2)[1, :20, :20], nothing).any()
