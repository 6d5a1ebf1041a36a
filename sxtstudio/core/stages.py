"""Stages of a job, one after another: each weighs what it takes, so that the remaining time holds.

A running stage estimates its rest by its own speed; those to come are expected to take what their kind
took here before (``Pace``), or what it usually takes. With fixed shares of the bar the last stages of a slow
segmentation were given minutes, and took seconds.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from sxtstudio.core.pace import Pace, Work
from sxtstudio.core.progress import Progress, ProgressState

# From here on a stage's own speed alone says how long it goes on; before, the expectation has a say.
_SETTLED = 0.2


@dataclass(frozen=True)
class Stage:
    """A piece of a job.

    Attributes
    ----------
    work
        What kind, by which its time is known.
    units
        How much of it, usually voxels.
    name
        What the user reads.
    inner
        The stages that it consists of, where it is a job by itself.
    """

    work: Work
    units: float
    name: str = ""
    inner: tuple[Stage, ...] = field(default=())

    def expected_s(self, pace: Pace) -> float | None:
        """Return the seconds that it will take, None where that cannot be known."""
        if not self.inner:
            return pace.expected_s(self.work, self.units)
        seconds = [stage.expected_s(pace) for stage in self.inner]
        return None if None in seconds else sum(s for s in seconds if s is not None)


class Stages:
    """The stages of one job in their order; those that turn out not to be needed are passed over."""

    def __init__(self, progress: Progress, stages: Sequence[Stage]) -> None:
        """Plan ``stages`` for the whole length of ``progress``."""
        self._progress = progress
        self._left = list(stages)
        self._spent_s = 0.0
        self._done: dict[Work, tuple[float, float]] = {}  # units and seconds
        self._fraction = 0.0

    def expect(self, work: Work, units: float) -> None:
        """Say how much the next stage of this kind has to do, where that became known only now."""
        for number, stage in enumerate(self._left):
            if stage.work is work:
                self._left[number] = replace(stage, units=units)
                return

    @contextmanager
    def stage(self, work: Work) -> Iterator[Progress]:
        """Run the next stage of this kind with the counter that is given.

        Raises
        ------
        Cancelled
            If the job was cancelled.
        """
        while self._left and self._left[0].work is not work:
            self._left.pop(0)
        if not self._left:
            raise ValueError(f"{work} was not planned")
        self._progress.check()
        now = _Running(self._left.pop(0), self._progress.pace)
        yield self._progress.child(now.stage.name, lambda state: self._report(now, state))
        seconds = now.elapsed_s
        if not now.stage.inner:
            self._progress.pace.learn(now.stage.work, now.stage.units, seconds)
        units, before_s = self._done.get(work, (0.0, 0.0))
        self._done[work] = (units + now.stage.units, before_s + seconds)
        self._spent_s += seconds

    def _report(self, now: _Running, state: ProgressState) -> None:
        rest = own = now.rest_s(state)
        for stage in self._left:
            later = stage.expected_s(self._progress.pace)
            if later is None and own is not None and stage.work is now.stage.work:
                # More of the same, such as the next file: it takes as long as those before it.
                units, seconds = self._done.get(stage.work, (0.0, 0.0))
                later = (seconds + now.elapsed_s + own) * stage.units / (units + now.stage.units)
            rest = None if rest is None or later is None else rest + later
        spent = self._spent_s + now.elapsed_s
        if rest is not None:
            # A bar never goes back, whatever turns out.
            self._fraction = max(self._fraction, spent / max(spent + rest, 1e-9))
        self._progress.follow(min(1.0, self._fraction), rest, state.stage or now.stage.name)


class _Running:
    """The stage that runs now."""

    def __init__(self, stage: Stage, pace: Pace) -> None:
        self.stage = stage
        self._expected_s = stage.expected_s(pace)
        self._begun = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._begun

    def rest_s(self, state: ProgressState) -> float | None:
        """Return how long it goes on."""
        expected = None if self._expected_s is None else max(0.0, self._expected_s - self.elapsed_s)
        if state.fraction <= 0 or state.remaining_s is None:
            return expected
        if expected is None:
            return state.remaining_s
        weight = min(1.0, state.fraction / _SETTLED)
        return weight * state.remaining_s + (1 - weight) * expected
