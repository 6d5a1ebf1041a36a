"""Quiet computations that follow fields: begun when these have settled; only the latest result counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QTimer

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job, Work


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
        self._wanted: Work | None = None
        self._job: Job | None = None
        self._stale = False
        self._closed = False
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._begin)

    def request(self, work: Work, *, at_once: bool = False) -> None:
        """Compute ``work(job)`` soon, in place of what was asked for before."""
        if self._closed:
            return
        self._wanted = work
        self._drop()
        self._timer.start(0 if at_once else self._delay_ms)

    @property
    def busy(self) -> bool:
        """Whether a result is still to come."""
        return self._wanted is not None or (self._job is not None and not self._stale)

    def cancel(self, *, wait_s: float = 0) -> None:
        """Forget the request; with ``wait_s`` until the thread has let go of what it reads."""
        self._wanted = None
        self._timer.stop()
        self._drop()
        if self._job is not None and wait_s:
            self._job.wait(wait_s)

    def shut_down(self) -> None:
        """Compute no more."""
        self._closed = True
        self.cancel()

    def _drop(self) -> None:
        if self._job is not None:
            self._stale = True
            self._job.cancel()

    def _begin(self) -> None:
        # A computation that was just cancelled may still hold memory: one after the other.
        if self._wanted is None or self._job is not None:
            return
        work, self._wanted, self._stale = self._wanted, None, False
        self._job = self._context.jobs.start(
            self._name, work, on_done=self._done, on_error=self._fail, quiet=True
        )
        self._job.finished.connect(self._end)

    def _done(self, result: Any) -> None:
        if not self._stale:
            self._on_done(result)

    def _fail(self, error: Exception) -> None:
        if not self._stale:
            self._on_error(error)

    def _end(self) -> None:
        self._job = None
        if self._wanted is not None and not self._timer.isActive():
            self._begin()
