"""Quiet computations that follow fields: begun when these have settled; only the latest result counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QTimer

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job, Work
from sxtstudio.core.newest import Newest, Stale


class Latest(QObject):
    """The latest of many requests for one computation; one runs at a time, stale results are dropped."""

    def __init__(
        self,
        context: Context,
        name: str,
        on_done: Callable[[Any], None],
        *,
        on_error: Callable[[Exception], None] | None = None,
        delay_ms: int = 150,
        parent: QObject | None = None,
    ) -> None:
        """Compute nothing yet."""
        super().__init__(parent or context.session)
        self._context = context
        self._name = name
        self._on_done = on_done
        self._on_error = on_error or context.jobs.failed.emit
        self._delay_ms = delay_ms
        self._newest: Newest[Work] = Newest()
        self._job: Job | None = None
        self._stale: Stale = lambda: False  # of what runs
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._begin)

    def request(self, work: Work, *, at_once: bool = False) -> None:
        """Compute ``work(job)`` soon, in place of what was asked for before."""
        if self._newest.request(work):
            self._stop()
            self._timer.start(0 if at_once else self._delay_ms)

    @property
    def busy(self) -> bool:
        """Whether a result is still to come."""
        return self._newest.waits or (self._job is not None and not self._stale())

    def cancel(self, *, wait_s: float = 0) -> None:
        """Forget the request; with ``wait_s`` until the thread has let go of what it reads."""
        self._newest.drop()
        self._timer.stop()
        self._stop()
        if self._job is not None and wait_s:
            self._job.wait(wait_s)

    def shut_down(self) -> None:
        """Compute no more."""
        self._newest.end()
        self.cancel()

    def _stop(self) -> None:
        if self._job is not None:
            self._job.cancel()

    def _begin(self) -> None:
        # A computation that was just cancelled may still hold memory: one after the other.
        if self._job is not None or (taken := self._newest.take()) is None:
            return
        work, self._stale = taken
        self._job = self._context.jobs.start(
            self._name, work, on_done=self._done, on_error=self._fail, quiet=True
        )
        self._job.finished.connect(self._end)

    def _done(self, result: Any) -> None:
        if not self._stale():
            self._on_done(result)

    def _fail(self, error: Exception) -> None:
        if not self._stale():
            self._on_error(error)

    def _end(self) -> None:
        self._job = None
        if self._newest.waits and not self._timer.isActive():
            self._begin()
