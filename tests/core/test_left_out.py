"""Frames of reconstructions and gold: they are told where they are, and only what is theirs is left out."""

import numpy as np
import pytest
from scipy import ndimage

from sxtstudio.core.frame import Frame, frame_of, frame_of_slice
from sxtstudio.core.gold import gold_in
from sxtstudio.core.left_out import (
    BEYOND_PX,
    NO_ARTEFACTS,
    Artefacts,
    artefacts_of,
    left_out,
    without_left_out,
)
from sxtstudio.core.volume import ArrayVolume

SHAPE = (220, 260)
Y, X = np.indices(SHAPE)


def cell(seed=0):
    """Grain, slow waves and a dark ring, in arbitrary units around 100."""
    rng = np.random.default_rng(seed)
    slow = ndimage.gaussian_filter(rng.normal(size=SHAPE), 12) * 25
    grain = ndimage.gaussian_filter(rng.normal(size=SHAPE), 0.8) * 2
    ring = np.abs(np.hypot(Y - 110, X - 120) - 60) < 2.5
    return 100 + slow + grain - 4 * ring


def framed(image, **widths):
    """Another grey value in strips along edges."""
    framed = image.copy()
    return np.where(Frame(**widths).mask(SHAPE), framed + 12, framed)


def with_bead(image, y=150, x=80, radius=8):
    """A bead with bright streaks along x."""
    away = np.hypot(Y - y, X - x)
    streak = np.exp(-(((Y - y) / (0.7 * radius)) ** 2) - np.abs(X - x) / (3 * radius))
    return image + 8 * streak - 60 / (1 + np.exp(2 * (away - radius)))


@pytest.mark.parametrize(
    "widths",
    [{"left": 12}, {"top": 3, "right": 7}, {"bottom": 1}, {"left": 16}, {}],
    ids=["left", "two sides", "one line", "deepest", "none"],
)
def test_a_frame_is_as_wide_as_it_was_made(widths):
    assert frame_of_slice(framed(cell(), **widths)) == Frame(**widths)
    assert frame_of_slice(-3e-5 * framed(cell(), **widths)) == Frame(**widths)  # whatever the scale


def test_a_wall_deeper_inside_and_a_soft_one_are_no_frame():
    assert not frame_of_slice(cell() + 12 * (X < 25))
    assert not frame_of_slice(cell() + 12 / (1 + np.exp((X - 8) / 3.0)))


@pytest.mark.parametrize("seed", range(4))
def test_a_membrane_near_an_edge_is_no_frame(seed):
    line = np.abs(X - 8 - 0.03 * Y) < 2
    assert not frame_of_slice(cell(seed) - 8 * line)
    assert not frame_of_slice(cell(seed) - 8 * ((np.abs(X - 8) < 2) & (Y < 150)))


def test_what_tells_nothing_has_no_frame():
    assert not frame_of_slice(np.full(SHAPE, 3.0))
    assert not frame_of_slice(framed(cell(), left=12)[:100])
    assert not frame_of_slice(np.where(X == 70, np.nan, framed(cell(), left=12)))


def test_a_tomogram_has_the_frame_that_most_of_its_slices_have():
    slices = [framed(cell(z), left=12) if z else cell(z) for z in range(5)]
    assert frame_of(ArrayVolume(np.stack(slices).astype(np.float32))) == Frame(left=12)
    slices = [cell(z) if z < 3 else framed(cell(z), left=12) for z in range(5)]
    assert not frame_of(ArrayVolume(np.stack(slices).astype(np.float32)))


@pytest.mark.parametrize("sign", [1, -1], ids=["dark", "bright"])
def test_gold_is_told_with_its_rim_and_its_streaks(sign):
    gold = gold_in(sign * with_bead(cell()), dark=sign > 0)
    assert gold is not None and len(gold.beads) == 1
    assert (gold.beads[0].y, gold.beads[0].x) == pytest.approx((150, 80), abs=1)
    inside = np.hypot(Y - 150, X - 80) < 7
    assert gold.core[inside].all() and not gold.core[np.hypot(Y - 150, X - 80) > 11].any()
    assert gold.around[150, 95] and gold.around[150, 65]  # the streaks, on both sides
    assert not gold.around[np.abs(Y - 150) > 16].any() and not gold.around[np.abs(X - 80) > 100].any()


def test_without_gold_there_is_none():
    assert gold_in(cell(), dark=True) is None
    assert gold_in(with_bead(cell()), dark=False) is None


def test_what_runs_along_a_frame_goes_and_what_crosses_it_stays():
    along = (np.abs(X - 12) <= 1) & (Y > 20) & (Y < 200)
    crossing = (np.abs(Y - 210) <= 1) & (X < 60)
    alone = (np.abs(Y - 8) <= 1) & (X < 9)
    inner = (np.abs(X - 40) <= 1) & (Y > 20) & (Y < 170)
    labelled = along | crossing | alone | inner
    out = left_out(labelled, Frame(left=12), None)
    assert out[along].all() and out[alone].all()
    assert not out[crossing].any() and not out[inner].any()
    assert not out[:, 12 + BEYOND_PX :].any()


def test_what_runs_far_along_a_frame_goes_though_it_touches_membranes():
    along = (np.abs(X - 3) <= 1) & (Y > 10) & (Y < 180)
    membranes = (Y % 24 < 9) & (X >= 3) & (X < 90) & (Y < 200)
    out = left_out(along | membranes, Frame(left=9), None)
    assert out[along].all() and not out[membranes & (X > 9)].any()
    arc = (np.abs(np.hypot(Y - 110, X - 160) - 155) <= 2) & (X < 160)  # a cell that comes near
    assert not left_out(arc, Frame(left=9), None)[arc].any()


def test_a_membrane_that_leaves_a_frame_aslant_stays():
    aslant = (np.abs(X - 1 - 0.25 * (Y - 30)) <= 1) & (Y >= 30) & (Y < 150)
    assert not left_out(aslant, Frame(left=12), None)[aslant].any()


def test_lines_around_gold_go_and_a_membrane_past_it_stays():
    gold = gold_in(with_bead(cell()), dark=True)
    rim = np.abs(np.hypot(Y - 150, X - 80) - 9) < 1
    passing = (np.abs(Y - 163 + 0 * X) <= 1) & (X > 20) & (X < 160)
    touching = rim | (np.abs(X - 80) <= 1) & (Y > 158) & (Y < 215)
    out = left_out(rim | passing, Frame(), gold)
    assert out[rim].all() and not out[passing].any()
    out = left_out(touching, Frame(), gold)
    assert not out[touching & ~gold.core].any()


def test_what_goes_at_a_threshold_goes_at_all_stricter_ones():
    rng = np.random.default_rng(5)
    values = np.clip(ndimage.gaussian_filter(rng.normal(size=SHAPE), 3) * 6 - 0.6, -1, 1).astype(np.float32)
    gold = gold_in(with_bead(cell()), dark=True)
    frame = Frame(left=12, top=4)
    left = without_left_out(values, frame, gold)
    for threshold in (-0.4, -0.2, 0.0, 0.1, 0.3, 0.8):
        step = int(127.5 * (threshold + 1) + 1e-6)
        goes = left_out(values > np.float32(step / 127.5 - 1), frame, gold)
        assert goes is not None and not (left > threshold)[goes].any()
    assert (left <= values).all() and np.mean(left < values) < 0.2
    steps = np.rint((left[left < values] + 1) * 127.5)  # as outputs are kept
    assert np.abs(steps / 127.5 - 1 - left[left < values]).max() < 1e-5
    assert without_left_out(values, Frame(), None) is values


def test_without_frame_and_gold_nothing_is_left_out():
    assert left_out(np.ones(SHAPE, bool), Frame(), None) is None


def test_a_tomogram_is_told_in_words():
    slices = [framed(cell(z), left=12) for z in range(4)]
    slices[1] = with_bead(slices[1])
    slices[2] = with_bead(with_bead(slices[2], 150, 81, 6), 60, 200, 5)
    found = artefacts_of(ArrayVolume(np.stack(slices).astype(np.float32)), dark=True)
    assert found == Artefacts(Frame(left=12), 2)
    assert found.text == "at least 2 gold beads, frame of 12 px on the left"
    assert Artefacts(Frame(top=1, left=3), 1).text == (
        "at least 1 gold bead, frame of 3 px on the left, 1 px at the top"
    )
    assert NO_ARTEFACTS.text == ""
