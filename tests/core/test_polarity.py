"""The verdict on polarity, and the votes of slices."""

import math
import re

import pytest

from sxtstudio.core.polarity import (
    SURE,
    Basis,
    Polarity,
    chosen_polarity,
    probability,
    slices_to_judge,
    verdict,
    voted,
)


def test_slices_that_agree_make_it_surer_and_those_that_show_nothing_do_not_count():
    assert voted([2.0]) == 2.0
    assert voted([1.5] * 4) == pytest.approx(3.0), "four that err alike count as two"
    assert voted([-3.0] + [0.0] * 9) == -3.0
    assert voted([2.0, -2.0]) == 0 and voted([]) == 0 and voted([0.0]) == 0
    assert 0 < voted([3.0, -1.0]) < 3.0


def test_odds_and_probability():
    assert probability(0) == 0.5 and probability(math.log(9)) == pytest.approx(0.9)
    assert probability(-math.log(9)) == pytest.approx(0.1)
    assert probability(-1e6) == 0 and probability(1e6) == 1


@pytest.mark.parametrize(("odds", "value"), [([4.0, 3.0], "dark"), ([-4.0, -3.0], "bright")])
def test_a_verdict_says_how_sure_it_is_and_by_what(odds, value):
    found = verdict(odds, Basis.NETWORK)
    assert (found.value, found.basis, found.sure, found.open) == (value, Basis.NETWORK, True, False)
    assert found.probability == probability(5 / 5 * abs(voted(odds)))
    assert "99 % sure, by the image and network, in 2 of 2 slices" in found.reason


@pytest.mark.parametrize("odds", [[9.0] * 16, [-700.0], [5.5]])
def test_nobody_is_told_to_be_more_than_99_per_cent_sure(odds):
    for basis in (Basis.IMAGE, Basis.NETWORK):
        assert verdict(odds, basis).reason.startswith("99 % sure")


def test_a_doubt_in_a_sentence_and_what_to_do():
    doubt = Polarity("dark", 0.7, "70 % sure").doubt("Choose bright.", "a.mrc")
    assert doubt == (
        "Whether membranes are dark or bright in a.mrc is not sure: dark was assumed (70 % sure). "
        "Choose bright."
    )
    assert " here is not sure" in Polarity("dark", 0.7, "").doubt("")
    assert Polarity("dark", 0.99, "").doubt("Choose bright.") == "" == chosen_polarity("dark").doubt("")


def test_a_doubt_is_said_and_open_until_a_network_was_asked():
    found = verdict([0.4, -0.1], Basis.IMAGE)
    assert found.value == "dark" and found.other == "bright" and not found.sure and found.open
    assert "1 of 2 slices" in found.reason and "choose the polarity yourself" in found.reason
    assert not verdict([0.4], Basis.NETWORK).open
    nothing = verdict([], Basis.NETWORK)
    assert (nothing.value, nothing.probability, nothing.basis) == ("dark", 0.5, Basis.NOTHING)
    assert "nothing can be seen" in nothing.reason


def test_what_a_user_chooses_is_sure():
    assert chosen_polarity("bright") == Polarity("bright", 1.0, "chosen by you", Basis.USER)
    assert chosen_polarity("bright").sure and SURE < 1


@pytest.mark.parametrize(("depth", "count"), [(1, 16), (5, 16), (200, 7), (350, 1)])
def test_slices_lie_apart_within_the_middle(depth, count):
    found = slices_to_judge(depth, count)
    assert len(found) == len(set(found)) == min(depth, count)
    assert min(found) >= int(0.04 * depth) and max(found) <= depth - 1 - int(0.04 * depth)
    if count == 7:
        assert max(found[:3]) - min(found[:3]) > 0.8 * depth


@pytest.mark.parametrize("odds", [1.0, 2.2, 2.9, 3.5, -2.2, -4.0])
def test_the_short_and_the_long_words_say_the_same(odds):
    judged = verdict([odds], Basis.IMAGE)
    sure = re.search(r"\d+ % sure", judged.summary.replace("\u00a0", " "))
    assert sure and sure.group() in judged.reason.replace("\u00a0", " ")
    assert judged.value in judged.summary
    assert ("probably" in judged.summary) is ("check it" in judged.reason) is not judged.sure
