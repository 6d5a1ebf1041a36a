"""Counting, parts, endless work."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sxtstudio.core import progress as module
from sxtstudio.core.errors import Cancelled
from sxtstudio.core.progress import Progress, ProgressState


def test_endless_work_begins_anew() -> None:
    seen: list[ProgressState] = []
    progress = Progress(listener=seen.append)
    for piece in ("first", "second"):
        progress.restart("waiting")
        progress.step(0)
        assert seen[-1].fraction == 0 and seen[-1].stage == "waiting" and seen[-1].remaining_s is None
        progress.restart(piece)
        part = progress.part(1, piece)
        part.begin(4)
        part.step(2)
        assert seen[-1].fraction == pytest.approx(0.5) and seen[-1].stage == piece
    progress.cancel()
    progress.restart("waiting")
    with pytest.raises(Cancelled):
        progress.step(0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that stands still; ``now`` sets it."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_the_rest_is_taken_to_go_as_fast_as_what_is_done(clock: SimpleNamespace) -> None:
    seen: list[ProgressState] = []
    progress = Progress(4, "slices", listener=seen.append)
    for seconds, steps, remaining in ((10, 1, 30), (30, 2, 10), (31, 0.5, 31 / 7), (40, 0.5, 0)):
        clock.now = 1000 + seconds
        progress.step(steps)
        assert (seen[-1].elapsed_s, seen[-1].remaining_s) == (seconds, pytest.approx(remaining))
    progress.restart("the next")
    clock.now += 5
    progress.step()
    assert (seen[-1].elapsed_s, seen[-1].remaining_s) == (5, pytest.approx(15))


def test_the_first_of_many_steps_says_nothing_of_the_rest(clock: SimpleNamespace) -> None:
    """It loads what all need: in 30 ms, which is an hour for 125 000 of them."""
    seen: list[ProgressState] = []
    progress = Progress(listener=seen.append)
    progress.part(0.5).step()
    clock.now += 20
    progress.part(0.25).step()
    part = progress.part(0.25, "objects")
    part.begin(125_000)
    clock.now += 0.03
    part.step()
    assert seen[-1].remaining_s == pytest.approx(20 / 3, rel=0.01)
    clock.now += 1
    part.step(999)
    assert seen[-1].remaining_s == pytest.approx(1.03 * 124, rel=0.01)


def test_in_the_parts_of_a_job_the_time_is_that_of_the_whole(clock: SimpleNamespace) -> None:
    seen: list[ProgressState] = []
    progress = Progress(listener=seen.append)
    # Of the last part its own speed is known: its second half takes as long as its first, 40 s.
    for share, begin, seconds, remaining in ((0.25, 0, 10, 70), (0.75, 0.25, 50, 40)):
        part = progress.part(share, "part")
        part.begin(2)
        clock.now = 1000 + seconds
        part.step()
        assert seen[-1].fraction == pytest.approx(begin + share / 2)
        assert (seen[-1].elapsed_s, seen[-1].remaining_s) == (seconds, pytest.approx(remaining))
        part.step()


def test_what_another_program_counts_is_passed_on_as_it_is() -> None:
    seen: list[ProgressState] = []
    progress = Progress(listener=seen.append)
    progress.follow(0.25, 180.0, "training")
    assert (seen[-1].fraction, seen[-1].remaining_s, seen[-1].stage) == (0.25, 180.0, "training")
    progress.cancel()
    progress.follow(0.5, None, "paused")
    assert seen[-1].remaining_s is None
