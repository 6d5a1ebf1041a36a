"""The training program beside the window: started, followed, paused, stopped and let go on."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job, JobKind
from sxtstudio.core.errors import Cancelled
from sxtstudio.core.lock import FolderLock
from sxtstudio.core.training_events import EVENTS, LONGEST_LINE, parse_event, read_events
from sxtstudio.workflow.retraining import child
from sxtstudio.workflow.retraining.events import History
from sxtstudio.workflow.retraining.runs import TrainingRun

# A child that does not save its state within this time is not waited for.
_PATIENCE_S = 20.0
# All is on disk before its last word.
_LEAVE_S = 0.5
_CANCELLED, _USER_ERROR = 130, 2
_MOST_WORDS = 8000
# A training says a few lines a second. Of one that floods its output the window reads so many a turn, and
# keeps no more waiting: the newest, among them its last word.
_LINES_A_TURN, _MOST_WAITING = 20, 2000


class TrainingProcess(QObject):
    """One training; its ``history`` holds its events so far, also those before an interruption.

    Signals
    -------
    event_read(dict)
        An event, after it was taken into ``history``.
    ended(str)
        "done", "cancelled" (its state is saved), "failed" (``history.error`` says why) or "crashed".
    """

    event_read = Signal(object)
    ended = Signal(str)

    def __init__(self, context: Context, run: TrainingRun, parent: QObject | None = None) -> None:
        """Prepare to begin a training, or to go on with it."""
        super().__init__(parent)
        self._context = context
        self.run = run
        self.history = History()
        for event in read_events(run.run / EVENTS):
            self.history.add(event)
        self.history.done = None
        self.words = ""
        self.job: Job | None = None
        self._left = b""
        self._lines: deque[bytes] = deque(maxlen=_MOST_WAITING)  # not taken in yet
        self._turn = QTimer(self, singleShot=True, interval=0)
        self._turn.timeout.connect(self._take_lines)
        self._end: tuple[int, QProcess.ExitStatus] | None = None  # how it ended
        self._over = threading.Event()
        self._lock: FolderLock | None = None
        self._leaving = False
        self.process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        for name, value in child.environment().items():
            environment.insert(name, value)
        self.process.setProcessEnvironment(environment)
        self.process.started.connect(self._on_started)
        self.process.readyReadStandardOutput.connect(self._on_output)
        self.process.readyReadStandardError.connect(self._on_words)
        self.process.finished.connect(self._on_finished)
        self.process.errorOccurred.connect(self._on_error)

    @property
    def running(self) -> bool:
        """Whether the training goes on, or is paused, or what it said is not all taken in."""
        return self._alive or self._end is not None

    @property
    def _alive(self) -> bool:
        return self.process.state() != QProcess.ProcessState.NotRunning

    @property
    def at_work(self) -> bool:
        """Whether there is anything to wait for; after its last word the program only takes its leave."""
        return self.running and not self._last_word_said

    @property
    def _last_word_said(self) -> bool:
        return self.history.done is not None or bool(self.history.error)

    def start(self) -> None:
        """Start the training program.

        Raises
        ------
        UserError
            If another window works on this training.
        """
        self._lock = FolderLock(self.run.folder)
        self.history.error, self.history.paused, self.history.remaining_s = "", False, None
        program, *words = child.command(self.run.config, self.run.run)
        self.process.start(program, words)
        self.job = self._context.jobs.start(
            f"Training {self.run.name}",
            self._wait,
            on_report=lambda _: self.cancel(),
            kind=JobKind.TRAINING,
        )

    def pause(self) -> None:
        """Let the training rest; it keeps its memory."""
        self._say("pause")

    def go_on(self) -> None:
        """End the pause."""
        self._say("resume")

    def stop(self) -> None:
        """Finish now, with the best that was learned so far."""
        self._say("stop")

    def cancel(self) -> None:
        """Save the state and end; the training can be gone on with."""
        self._say("cancel")

    def shut_down(self) -> None:
        """End with the window: the training program saves its state when nobody listens any more."""
        self._leaving = True
        self._turn.stop()
        self._end = None
        if self._alive:
            patience_s = _PATIENCE_S if self.at_work else _LEAVE_S
            self.cancel()
            self.process.closeWriteChannel()
            if not self.process.waitForFinished(round(1000 * patience_s)):
                self.process.kill()
                self.process.waitForFinished(2000)
        self._let_go()

    def _say(self, word: str) -> None:
        if self._alive:
            self.process.write(f"{word}\n".encode())

    def _wait(self, job: Job) -> None:
        """Show the training in the bar of jobs; runs in a thread and only looks."""
        asked_at = 0.0
        shown: tuple[float, float | None, str] | None = None
        while not self._over.wait(0.1):
            if self._last_word_said:
                return  # nobody need wait for the program to let go of its memory
            if job.progress.cancelled:
                if not asked_at:
                    asked_at = time.monotonic()
                    job.report("cancel")
                elif time.monotonic() - asked_at > _PATIENCE_S:
                    break
            elif (now := self._progress_now()) != shown:
                job.progress.follow(*now)
                shown = now
        if job.progress.cancelled:
            raise Cancelled

    def _progress_now(self) -> tuple[float, float | None, str]:
        """Return the training's own count: the share done, the remaining seconds, and whether it rests."""
        history = self.history
        if history.paused:
            return history.fraction, None, "paused"
        return history.fraction, history.remaining_s, ""

    def _on_started(self) -> None:
        child.yield_to_window(self.process.processId())

    def _on_output(self) -> None:
        first, *others = bytes(self.process.readAllStandardOutput().data()).split(b"\n")
        # A line that is too long is no event, however much longer it becomes.
        self._left += first[: LONGEST_LINE + 1 - len(self._left)]
        if others:
            self._lines.append(self._left)
            self._left = others.pop()[: LONGEST_LINE + 1]
            self._lines.extend(others)
        if self._lines:
            self._turn.start()

    def _take_lines(self) -> None:
        """Take in the next lines; the window has its turn before others."""
        for _ in range(min(_LINES_A_TURN, len(self._lines))):
            event = parse_event(self._lines.popleft())
            if event is not None:
                self._take(event)
        if self._lines:
            self._turn.start()
        elif self._end is not None:
            self._say_the_end(*self._end)

    def _take(self, event: dict[str, Any]) -> None:
        self.history.add(event)
        self.event_read.emit(event)

    def _on_words(self) -> None:
        words = bytes(self.process.readAllStandardError().data()).decode("utf-8", "replace")
        self.words = (self.words + words)[-_MOST_WORDS:]

    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._on_output()
        self._on_words()
        if self._leaving:
            self._turn.stop()
            self._let_go()
        elif self._lines:
            self._end = code, status
        else:
            self._say_the_end(code, status)

    def _say_the_end(self, code: int, status: QProcess.ExitStatus) -> None:
        """Let go, and say why it ended; all that it had said was taken in."""
        self._end = None
        history = self.history
        if status == QProcess.ExitStatus.CrashExit:
            reason = "crashed"
        elif code == 0 and history.done is not None:
            reason = "done"
        elif code == _CANCELLED:
            reason = "cancelled"
        elif history.error or code == _USER_ERROR:
            lines = [line for line in self.words.splitlines() if line.strip()]
            history.error = history.error or (lines[-1].removeprefix("sxtstudio: ") if lines else "")
            reason = "failed"
        else:
            history.error = self._ended_by_itself(code)
            reason = "failed"
        self._let_go()
        self.ended.emit(reason)

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            program = self.process.program()
            self.history.error = (
                f"The training program {program} cannot be started ({self.process.errorString()}): look "
                "whether it is there and may be run, or install SXT Studio again."
            )
            self._let_go()
            if not self._leaving:
                self.ended.emit("failed")

    def _ended_by_itself(self, code: int) -> str:
        """Return what to say of a program that was not killed and left neither a model nor a reason."""
        last = next((line for line in reversed(self.words.splitlines()) if line.strip()), "")
        said = f": {last.removeprefix('sxtstudio: ').strip()}" if last else " and said nothing."
        return f"The training program ended by itself with code {code}{said}"

    def _let_go(self) -> None:
        self._over.set()
        if self._lock is not None:
            self._lock.release()
            self._lock = None
