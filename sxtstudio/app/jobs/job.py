"""Long work in threads: progress, remaining time, cancel, result, error. Nothing here touches a widget."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from typing import Any

from PySide6.QtCore import QObject, Signal, SignalInstance

from sxtstudio.core.errors import Cancelled
from sxtstudio.core.pace import Pace
from sxtstudio.core.progress import Progress, ProgressState

Work = Callable[["Job"], Any]

# Between two movements of a progress bar, so that fast steps do not flood the window.
_SHORTEST_S = 0.05


class JobKind(Enum):
    """What a job is, for whoever decides by it; the name of a job is only for the user."""

    WORK = auto()  # with the open tomogram
    EDIT = auto()  # of labels or cell mask
    PICKING = auto()  # the search for the object that is to be highlighted
    OPENING = auto()
    SAVING = auto()
    ELSEWHERE = auto()  # nothing of the open tomogram
    BATCH = auto()
    BEAMTIME = auto()  # ends only when somebody stops it
    TRAINING = auto()

    @property
    def bound(self) -> bool:
        """Whether it works with the open tomogram, and must end before that is closed."""
        return self not in (JobKind.ELSEWHERE, JobKind.BATCH, JobKind.BEAMTIME, JobKind.TRAINING)


class Job(QObject):
    """One piece of work in a thread of its own; its signals arrive in the thread of the window.

    Attributes
    ----------
    name, kind
        For the user, and for the program.
    quiet
        It does not appear in the bar of jobs, and nobody is asked about it.
    segments
        The network is computing for it now, and has the memory.

    Signals
    -------
    progressed(ProgressState), reported(object)
        From the running work; ``job.report(anything)`` sends the latter.
    succeeded(object), failed(Exception), cancelled()
        One of these three ends the job, then comes ``finished()``.
    """

    progressed = Signal(object)
    reported = Signal(object)
    succeeded = Signal(object)
    failed = Signal(object)
    cancelled = Signal()
    finished = Signal()
    # Emitted by the thread of the work; the slots are this object's, so they run in the window's thread.
    _moved = Signal(object)
    _said = Signal(object)
    _ended = Signal(object, object)

    def __init__(
        self,
        name: str,
        work: Work,
        parent: QObject | None = None,
        *,
        kind: JobKind = JobKind.WORK,
        quiet: bool = False,
        pace: Pace | None = None,
    ) -> None:
        """Prepare ``work(job)``; it uses ``job.progress`` and may call ``job.report``."""
        super().__init__(parent)
        self.name = name
        self.kind = kind
        self.quiet = quiet
        self.segments = False
        self.progress = Progress(stage=name, listener=self._on_progress, pace=pace)
        self.state: ProgressState | None = None
        self._work = work
        self._thread = threading.Thread(target=self._run, name=f"job {name}", daemon=True)
        self._shown_at = 0.0
        self._moved.connect(self._on_moved)
        self._said.connect(self.reported)
        self._ended.connect(self._on_ended)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def cancel(self) -> None:
        """Ask the work to stop at its next step."""
        self.progress.cancel()

    def report(self, value: Any) -> None:
        """Send something to the window; called by the work."""
        _send(self._said, value)

    @property
    def running(self) -> bool:
        """Whether the thread still works."""
        return self._thread.is_alive()

    def wait(self, seconds: float | None = None) -> None:
        """Block until the thread has ended."""
        self._thread.join(seconds)

    def _on_progress(self, state: ProgressState) -> None:
        now = time.monotonic()
        if state.fraction >= 1 or now - self._shown_at > _SHORTEST_S:
            self._shown_at = now
            _send(self._moved, state)

    def _on_moved(self, state: ProgressState) -> None:
        self.state = state
        self.progressed.emit(state)

    def _run(self) -> None:
        try:
            result, error = self._work(self), None
        except BaseException as caught:  # it is shown in the window, whatever it is
            result, error = None, caught
        _send(self._ended, result, error)

    def _on_ended(self, result: Any, error: BaseException | None) -> None:
        self._thread.join()
        if error is None:
            self.succeeded.emit(result)
        elif isinstance(error, Cancelled):
            self.cancelled.emit()
        else:
            self.failed.emit(error)
        self.finished.emit()


def _nothing(_: Job) -> None:
    raise Cancelled


def _send(signal: SignalInstance, *values: object) -> None:
    """Emit a signal from the thread of the work; where the window has gone meanwhile, nobody listens."""
    with suppress(RuntimeError):  # the slots run in the window's thread, and so cannot raise it here
        signal.emit(*values)


class Jobs(QObject):
    """All running jobs of a window; ``pace`` is what they have learned of how long things take here."""

    started = Signal(object)
    ended = Signal(object)
    failed = Signal(object)  # errors that no caller takes care of

    def __init__(self, parent: QObject | None = None, pace: Pace | None = None) -> None:
        """Begin with none."""
        super().__init__(parent)
        self.pace = pace or Pace()
        self.running: list[Job] = []
        self._closed = False

    def start(
        self,
        name: str,
        work: Work,
        *,
        on_done: Callable[[Any], None] | None = None,
        on_error: Callable[[Exception], None] | None = None,
        on_cancel: Callable[[], None] | None = None,
        on_report: Callable[[Any], None] | None = None,
        kind: JobKind = JobKind.WORK,
        quiet: bool = False,
    ) -> Job:
        """Run ``work(job)`` in a thread; the callbacks run in the thread of the window.

        Without ``on_error`` an error is shown to the user. A ``quiet`` job does not appear in the bar
        of jobs and does not ask when the window is closed. After ``close`` the work is cancelled at once.
        """
        job = Job(name, _nothing if self._closed else work, self, kind=kind, quiet=quiet, pace=self.pace)
        for signal, callback in (
            (job.succeeded, on_done),
            (job.failed, on_error or self.failed.emit),
            (job.cancelled, on_cancel),
            (job.reported, on_report),
        ):
            if callback is not None:
                signal.connect(callback)
        job.finished.connect(lambda: self._forget(job))
        self.running.append(job)
        self.started.emit(job)
        job.start()
        if self._closed:
            job.wait()  # its thread must not speak while the program ends; there is nothing that it does
        return job

    @property
    def visible(self) -> list[Job]:
        """Running jobs that the user knows of."""
        return [job for job in self.running if not job.quiet]

    def close(self) -> None:
        """Let all threads end, and begin nothing any more, whoever is still about to."""
        self._closed = True
        self.cancel_all()
        self.wait_all()

    def cancel_all(self) -> None:
        """Ask all jobs to stop."""
        for job in self.running:
            job.cancel()

    def wait_all(self, seconds: float = 30) -> None:
        """Block until all threads have ended."""
        for job in list(self.running):
            job.wait(seconds)

    def _forget(self, job: Job) -> None:
        self.running.remove(job)
        self.ended.emit(job)
        job.deleteLater()
