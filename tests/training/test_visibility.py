"""What a human could see, on lines whose contrast and noise are known."""

import numpy as np
import pytest
from scipy import ndimage

from sxtstudio.training import visibility
from sxtstudio.training.visibility import drowned, smears, what_shows, without_gold

SHAPE = (3, 96, 96)


def line(contrast, shape=SHAPE):
    lac = np.full(shape, 0.25, np.float32)
    lac[:, :, 47:50] += contrast
    outline = np.zeros(shape, bool)
    outline[:, :, 46:51] = True
    return lac, outline


def noise(sd, shape=SHAPE, seed=0):
    return np.random.default_rng(seed).normal(scale=sd, size=shape).astype(np.float32)


@pytest.mark.parametrize(("sd", "seen"), [(0.02, True), (0.2, True), (5.0, False)])
def test_a_line_shows_unless_it_drowns(sd, seen):
    lac, outline = line(0.2)
    shown = what_shows(lac, lac, lac + noise(sd), outline)
    assert not (shown & ~outline).any()
    assert (shown.sum() > 0.9 * outline.sum()) == seen
    assert (shown.sum() < 0.1 * outline.sum()) != seen


def test_clarity_is_the_matched_filter_s_signal_over_noise():
    lac, outline = line(1.0, (1, 128, 96))
    picture = visibility._fine(lac)[0]
    rest = visibility._fine(noise(1.0, (8, 128, 96)))
    clarity = visibility._clarity(picture, picture, outline[0], rest, np.ones_like(rest), 0)
    # The same filter for 15 rows, on 400 other noises.
    rows = slice(57, 72)
    template = np.where(ndimage.binary_dilation(outline[0], iterations=visibility.EDGE_PX), picture, 0)[rows]
    answers = [
        float((template * visibility._fine(noise(1.0, (128, 96), seed))[rows]).sum()) for seed in range(400)
    ]
    assert np.median(clarity[20:-20, 48]) == pytest.approx((template**2).sum() / np.std(answers), rel=0.15)
    assert not clarity[~outline[0]].any()


@pytest.mark.parametrize(("length", "noticed"), [(15, False), (90, True)])
def test_pieces_of_a_line_are_noticed_together(length, noticed):
    # Pieces of 15 pixels with a ratio of 3: one of them stays below 5, six reach 3 · √6 = 7.3.
    where = np.zeros((128, 64), bool)
    where[10 : 10 + length, 30:35] = True
    assert visibility._noticed(np.where(where, np.float32(3), 0), where).any() == noticed


def test_an_outline_of_nothing_does_not_show():
    lac, outline = line(0.0)
    lac[:, 20:24] = 0.5  # something else does
    shown = what_shows(lac, lac, lac + noise(0.05), outline)
    assert shown[:, 48:].sum() < 0.02 * outline.sum()


def test_what_the_missing_wedge_takes_away_does_not_show():
    lac, outline = line(0.2)
    plain = lac.copy()
    plain[:, 48:] = 0.25
    shown = what_shows(lac, plain, plain + noise(0.05), outline)
    assert shown[:, 4:36, 48].all()
    assert not shown[:, 64:].any()


def test_only_the_part_beside_a_streak_is_hidden():
    lac, outline = line(0.2)
    tomogram = lac + noise(0.03)
    tomogram[:, 60:70] += np.random.default_rng(1).normal(scale=6.0, size=(3, 10, 96)).astype(np.float32)
    shown = what_shows(lac, lac, tomogram, outline)
    assert shown[:, :45, 48].all()
    assert not shown[:, 62:68].any()


def test_scale_and_offset_of_the_tomogram_do_not_matter():
    lac, outline = line(0.1)
    tomogram = lac + noise(0.05)
    shown = what_shows(lac, lac, tomogram, outline)
    scaled = [(image * 1024 + 64).astype(np.float32) for image in (lac, tomogram)]
    assert np.array_equal(shown, what_shows(lac, *scaled, outline))
    assert not what_shows(lac, -lac, -tomogram, outline).any()  # nothing fits


def test_gold_is_made_as_pale_as_a_cell():
    assert without_gold(np.array([0.3, 8.0], np.float32)).tolist() == pytest.approx([0.3, 1.2])


def test_a_smear_comes_from_other_slices_and_from_a_body():
    specimen = np.full((24, 60, 80), 0.25, np.float32)
    specimen[:, :, 10:13] = 0.5  # a membrane in all slices
    outline = np.zeros(specimen.shape, bool)
    outline[:, :, 9:14] = True
    plain = specimen.copy()
    specimen[:12, :, 40:43] = 0.5  # another one in half of them, which the picture shows in all
    plain[:, :, 40:43] = 0.5
    plain[:, :, 70:73] = 0.5  # a stripe of the border, which is no body's
    smeared = smears(plain, specimen, outline)
    assert smeared[12:20, :, 40:43].all()
    assert not smeared[:11].any()
    assert not smeared[:, :, :36].any() and not smeared[:, :, 60:].any()
    assert not smears(plain, specimen, np.zeros_like(outline)).any()


@pytest.mark.parametrize("sign", [1, -1], ids=["dark", "bright"])
def test_a_line_is_lost_where_grain_drowns_it_and_only_there(sign):
    lac, outline = line(1.0)
    before = lac[0] + noise(0.05)[0]
    after = sign * (2 * before)  # another contrast alone loses nothing
    assert not drowned(before, after, outline[0]).any()
    after[:48] += noise(16.0)[0, :48]
    lost = drowned(before, after, outline[0])
    assert lost[:36].sum() > 0.9 * outline[0, :36].sum()
    assert not lost[60:].any()
    assert not (lost & ~outline[0]).any()


def test_where_there_is_no_line_nothing_is_lost():
    nothing = np.zeros((20, 20), bool)
    assert not drowned(noise(1)[0, :20, :20], noise(2)[1, :20, :20], nothing).any()
