"""Counting, parts, endless work."""

from __future__ import annotations

import pytest

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


def test_what_another_program_counts_is_passed_on_as_it_is() -> None:
    seen: list[ProgressState] = []
    progress = Progress(listener=seen.append)
    progress.follow(0.25, 180.0, "training")
    assert (seen[-1].fraction, seen[-1].remaining_s, seen[-1].stage) == (0.25, 180.0, "training")
    progress.cancel()
    progress.follow(0.5, None, "paused")
    assert seen[-1].remaining_s is None
