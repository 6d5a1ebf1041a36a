"""Of several filopodia, which are one and the same, and whose the voxels are that they share."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.core.filopodia.records import Filopodium, Incomplete
from sxtstudio.core.filopodia.several import apart
from sxtstudio.core.geometry import Box, Triple


def bar(first: int, last: int, *problems: Incomplete, y: int = 0) -> Filopodium:
    """A bar of 2 x 5 voxels across from x = first to last."""
    box = Box((0, y, first), (2, y + 5, last))
    line = np.array([[0.5, y + 2.0, float(first)], [0.5, y + 2.0, float(last)]])
    every, none = np.ones(box.shape, np.bool_), np.zeros(1)
    return Filopodium((0, y + 2, first), box, every, 9.0, 9.0, line, none, none, problems)


def on(x: int, y: int = 2) -> list[Triple]:
    return [(0, y, x)]


def test_what_is_named_twice_is_left_out_and_said_to_lie_on_it() -> None:
    first, second = apart([bar(0, 20), bar(1, 20)], [on(5), on(15)])
    assert first.where is not None and first.where.all()
    assert second.where is None and second.same_as == 0 and second.on_it


def test_what_was_followed_onto_another_one_is_not_said_to_lie_on_it() -> None:
    _, second = apart([bar(0, 20), bar(1, 20)], [on(5), on(15, y=30)])
    assert second.where is None and second.same_as == 0 and not second.on_it


@pytest.mark.parametrize("why", [Incomplete.DOUBTFUL, Incomplete.GAPS])
def test_a_doubtful_one_does_not_suppress_a_later_sure_one(why: Incomplete) -> None:
    first, second = apart([bar(0, 20, why), bar(2, 22)], [on(5), on(15)])
    assert second.where is not None and second.where.all()
    assert first.where is None and first.same_as == 1


def test_of_two_doubtful_ones_the_later_keeps_what_is_its_own_unless_it_was_named_on_the_other() -> None:
    doubtful = [bar(0, 20, Incomplete.DOUBTFUL), bar(8, 26, Incomplete.DOUBTFUL)]
    first, second = apart(doubtful, [on(5), on(24)])
    assert first.where is not None and first.where.all()
    assert second.where is not None and second.shares == {0: 2 * 5 * 12}
    assert (second.where == (np.arange(8, 26) >= 20)).all()
    assert apart(doubtful, [on(5), on(15)])[1].on_it


def test_those_that_do_not_meet_and_those_that_share_little_are_kept() -> None:
    fates = apart([bar(0, 20), bar(15, 40), bar(0, 20, y=5)], [on(5), on(30), on(5, y=7)])
    assert [fate.where is not None for fate in fates] == [True, True, True]
    assert [fate.shares for fate in fates] == [{}, {0: 2 * 5 * 5}, {}]
