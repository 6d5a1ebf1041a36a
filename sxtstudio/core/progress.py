"""Progress with remaining time, and the one way to cancel a long job."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sxtstudio.core.errors import Cancelled
from sxtstudio.core.pace import Pace


@dataclass(frozen=True)
class ProgressState:
    """What a progress bar shows."""

    stage: str
    fraction: float
    elapsed_s: float
    remaining_s: float | None


# After less than both, what is done says nothing of how long the rest takes.
_LEAST_S, _LEAST_DONE = 1.0, 0.01

Listener = Callable[[ProgressState], None]


class Progress:
    """Counts the steps of a job; every ``step`` is also the place where a cancel takes effect.

    A stage of a larger job gets its own counter: from ``stages.Stages`` where stages differ in what they
    take, from ``part`` where they are of one kind and each fills a share of the bar.

    ``pace`` is what is known of how long things take here; all counters of a job share it.
    """

    def __init__(
        self,
        total: int = 1,
        stage: str = "",
        listener: Listener | None = None,
        *,
        pace: Pace | None = None,
    ) -> None:
        """Start the clock for ``total`` steps."""
        self.pace = Pace() if pace is None else pace
        self.total = max(1, total)
        self.stage = stage
        self._listener = listener
        self._done = 0.0
        self._finished_parts = 0.0
        self._cancel = threading.Event()
        self._started = self._counting_since = time.monotonic()

    def cancel(self) -> None:
        """Ask the job to stop; may be called from another thread or a signal handler."""
        self._cancel.set()

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked the job to stop."""
        return self._cancel.is_set()

    def check(self) -> None:
        """Raise Cancelled if somebody asked the job to stop."""
        if self._cancel.is_set():
            raise Cancelled

    def begin(self, total: int, stage: str | None = None) -> None:
        """Set the number of steps once it is known, and restart the count."""
        self.total = max(1, total)
        self._done = 0.0
        self._counting_since = time.monotonic()
        self.stage = self.stage if stage is None else stage

    def restart(self, stage: str) -> None:
        """Begin with the next piece of endless work: count, clock and parts start anew."""
        self._done = self._finished_parts = 0.0
        self._started = self._counting_since = time.monotonic()
        self.stage = stage

    def step(self, steps: float = 1, stage: str | None = None) -> None:
        """Report ``steps`` finished steps.

        Raises
        ------
        Cancelled
            If ``cancel`` was called before.
        """
        self.check()
        self._done = min(self.total, self._done + steps)
        if stage is not None:
            self.stage = stage
        fraction = self._done / self.total
        self._report(fraction, self.stage, self._extrapolated(fraction))

    def follow(self, fraction: float, remaining_s: float | None, stage: str) -> None:
        """Report what somebody else counts, another program or the stages of this job, 0…1 done."""
        self._report(fraction, stage, remaining_s)

    def part(self, share: float, stage: str = "") -> Progress:
        """Return a counter for a stage that fills ``share`` (0…1) of this job's bar.

        The parts of one job are used one after another.
        """
        begin = self._finished_parts
        self._finished_parts = min(1.0, begin + share)

        def listener(state: ProgressState) -> None:
            fraction, end = begin + share * state.fraction, begin + share
            rest = self._extrapolated(fraction)
            if state.remaining_s is not None and end > 0:
                # The part knows better how long it goes on; the others take as long as it, for their share.
                elapsed = time.monotonic() - self._counting_since
                rest = state.remaining_s + (elapsed + state.remaining_s) * max(0.0, 1 - end) / end
            self._report(fraction, state.stage or self.stage, rest)

        return self.child(stage, listener)

    def child(self, stage: str, listener: Listener) -> Progress:
        """Return a counter that is cancelled with this one and has its pace; ``listener`` hears of it."""
        child = Progress(stage=stage, listener=listener, pace=self.pace)
        child._cancel = self._cancel
        return child

    def _extrapolated(self, fraction: float) -> float | None:
        """Return the remaining time if the rest goes as fast as what is done; None where it says nothing."""
        elapsed = time.monotonic() - self._counting_since
        # The first of a hundred thousand steps also loads what all need.
        says_nothing = elapsed < _LEAST_S and fraction < _LEAST_DONE
        return None if fraction <= 0 or says_nothing else elapsed * (1 - fraction) / fraction

    def _report(self, fraction: float, stage: str, remaining_s: float | None) -> None:
        if self._listener is not None:
            elapsed = time.monotonic() - self._started
            self._listener(ProgressState(stage, fraction, elapsed, remaining_s))
