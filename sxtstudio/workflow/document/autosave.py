"""Keeping the working folder of a document up to date, so that a crash or a power cut costs seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sxtstudio.core.edit_kind import Target
from sxtstudio.core.errors import UserError
from sxtstudio.core.steps import Step
from sxtstudio.workflow.document import state as files
from sxtstudio.workflow.document.saver import Saver

# After a crash of the program the voxels are safe anyway; this is for power cuts.
_FLUSH_EVERY_S = 20.0


class Autosave:
    """Writes state and steps of a document in a thread, and has its voxels flushed now and then."""

    def __init__(self, folder: Path, flush: Callable[[Target], None]) -> None:
        """Write into ``folder``; ``flush`` brings the voxels of a volume to the disk."""
        self._folder = folder
        self._flush = flush
        self._saver = Saver(self._write)
        self._writing = threading.Lock()  # held while the disk is waited for
        self._brief = threading.Lock()  # never
        self._closed = False
        self._submitted: tuple[files.FolderState, tuple[Step, ...]] | None = None
        self._number = 0  # of what was submitted last
        self._steps_number = 0  # of the state whose steps are written
        self._now_number = 0  # of the state that is written, but perhaps not on the disk; 0: none
        self._steps_written = -1  # none, and what may lie there is not ours
        self._recoverable: tuple[bool, tuple[str, ...]] | None = None
        self._flushed_at = 0.0
        self._flushing = threading.Lock()
        self._later: threading.Timer | None = None
        self._explained = False

    def save(self, state: files.FolderState, steps: tuple[Step, ...], *, wait: bool) -> None:
        """Have ``state`` and ``steps`` written, in a thread unless ``wait``.

        That there is something to recover at all, and in which volumes, is written before this returns: it
        outlives the program then. Nobody waits for the disk, which may be busy for seconds.

        Raises
        ------
        UserError
            If the last time failed, for example because the disk is full; once until it works again.
        """
        job = (state, steps)
        if job != self._submitted:
            self._submitted = job
            self._number += 1
            if (state.modified, state.targets) != self._recoverable:
                with suppress(Exception):  # the thread tries again, and its error is shown
                    self._store_now(state, steps, self._number)
            self._saver.submit((state, steps, self._number))
        if wait:
            self._saver.wait()
        error = self._saver.take_error()
        if error is not None:
            self._submitted = None  # try again next time
            if self._explained:
                return  # not with every stroke
            self._explained = True
            if isinstance(error, UserError):
                raise error
            raise UserError(f"The work could not be saved for a crash: {error}. Free some space.") from error

    def close(self) -> None:
        """Write nothing more; what is being written now is finished first."""
        self._closed = True
        if self._later is not None:
            self._later.cancel()
        with self._writing:
            pass

    def _write(self, job: tuple[files.FolderState, tuple[Step, ...], int]) -> None:
        """Write one state and, now and then, the voxels; runs in the thread."""
        self._store(*job)
        targets = job[0].targets
        left = self._flushed_at + _FLUSH_EVERY_S - time.monotonic()
        if left <= 0:
            self._flush_all(targets)
        elif self._later is None or not self._later.is_alive():  # nobody may change anything any more
            self._later = threading.Timer(left, self._flush_all, (targets,))
            self._later.daemon = True
            self._later.start()

    def _flush_all(self, targets: tuple[Target, ...]) -> None:
        """Bring the voxels to the disk; it may take seconds, and who closes the document does not wait."""
        with self._flushing:
            if self._closed:
                return
            self._flushed_at = time.monotonic()
            for target in targets:
                with suppress(FileNotFoundError):  # closed in the meantime
                    self._flush(target)

    def _store_now(self, state: files.FolderState, steps: tuple[Step, ...], number: int) -> None:
        """Write state and steps so that they outlive the program."""
        with self._brief:
            if self._closed:
                return
            self._store_steps(steps, number)
            files.write_state_now(self._folder, state)
            self._now_number = number
            self._recoverable = (state.modified, state.targets)

    def _store(self, state: files.FolderState, steps: tuple[Step, ...], number: int) -> None:
        """Write state and steps so that the state outlives a power cut; runs in the thread."""
        with self._writing:
            with self._brief:
                if self._closed:
                    return
                self._store_steps(steps, number)
            files.write_state(self._folder, state)
            with self._brief:
                if self._now_number <= number:
                    files.remove_state_now(self._folder)
                    self._now_number = 0
                    self._recoverable = (state.modified, state.targets)
            self._explained = False

    def _store_steps(self, steps: tuple[Step, ...], number: int) -> None:
        if number < self._steps_number:
            return  # those of a newer state are there
        anew = not 0 <= self._steps_written <= len(steps)
        new = steps if anew else steps[self._steps_written :]
        if new or anew:
            files.append_steps(self._folder, new, anew=anew)
            self._steps_written = len(steps)
        self._steps_number = number
