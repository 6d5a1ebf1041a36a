"""Who works on a tomogram, on whatever machine: file systems that machines share may know no locks.

A worker holds a small file beside the labels, and writes it anew every few seconds (a beat). Another one that
finds it takes over once it has not changed for a while; no clocks are compared. Whoever was only asleep, and
wakes up, finds another name in the file and stops. So a dead worker blocks nobody for ever, and of two that
live only one goes on; what both may write in between is a slice of the same labels.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.lock import NAME as LOCK
from sxtstudio.core.process_identity import process_space
from sxtstudio.workflow.jobs.worker_mark import MarkOwner, mark_of, read_mark

# Between two beats; without one for so long its holder counts as dead. Network file systems may keep what a
# folder holds for a minute.
BEAT_S, SILENT_S = 5.0, 90.0
# Two that take over at once both write their name; after this both can read whose it is.
SETTLE_S = 2.0
# A worker that lives and goes on working has so long to end, after a scheduler has lost it.
PATIENCE_S = 240.0
_LOOK_S = 0.5


class Taken(UserError):
    """Somebody else works on the tomogram, and lives."""


@dataclass(frozen=True)
class Times:
    """The times of a lease, in seconds."""

    beat: float = BEAT_S
    silent: float = SILENT_S
    settle: float = SETTLE_S
    patience: float = PATIENCE_S


class Lease:
    """Held from ``take`` to ``release``; ``lost`` says whether somebody has taken over."""

    def __init__(self, path: Path, times: Times) -> None:
        self._path, self._times = path, times
        self._own = MarkOwner(secrets.token_hex(16), platform.node(), process_space(), os.getpid(), 0)
        self._stopped = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)

    @classmethod
    def take(
        cls,
        output: Path,
        work: Path,
        check: Callable[[], None] = lambda: None,
        times: Times | None = None,
        on_wait: Callable[[str], object] = lambda host: None,
    ) -> Lease:
        """Wait until nobody else works on ``output``, and hold it.

        Parameters
        ----------
        output
            The labels.
        work
            The folder of the finished slices, whose lock a dead worker on another machine may have left.
        check
            Called while it waits; it may raise.
        on_wait
            Called once where somebody else works on it, with the name of the computer.

        Raises
        ------
        Taken
            If somebody does, and goes on doing so.
        UserError
            If a folder lies where the file of the lease must be.
        """
        lease = cls(mark_of(output), times or Times())
        lease._acquire(output, work, check, on_wait)
        lease._thread.start()
        return lease

    @property
    def lost(self) -> bool:
        """Whether somebody else has taken over: this process was taken for dead."""
        return self._lost.is_set()

    def release(self) -> None:
        """Let others work on it."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        if not self.lost and self._is_own():
            with suppress(OSError):
                self._path.unlink()

    def _acquire(
        self, output: Path, work: Path, check: Callable[[], None], on_wait: Callable[[str], object]
    ) -> None:
        output.parent.mkdir(parents=True, exist_ok=True)
        begin = changed = time.monotonic()
        seen: MarkOwner | None = None
        lives = waits = False
        while True:
            check()
            if self._create():
                return
            if self._path.is_dir() and not self._path.is_symlink():
                raise UserError(
                    f"{self._path} is a folder, and a worker keeps a file of this name while it works on "
                    f"{output.name}. Remove it, or choose another folder for the labels."
                )
            found = self._read()
            now = time.monotonic()
            if found != seen:
                lives = lives or (seen is not None and found is not None)
                seen, changed = found, now
            if (found is not None and found.is_dead_here) or now - changed >= self._times.silent:
                if self._take_over(work):
                    return
                begin = changed = time.monotonic()
                lives = False
            elif found is not None and lives and now - begin >= self._times.patience:
                raise Taken(
                    f"Another worker, on {found.host}, is working on {output}. Wait for it, or end it there."
                )
            elif found is not None and not waits:
                waits = True
                on_wait(found.host)
            time.sleep(min(_LOOK_S, self._times.silent / 4))

    def _create(self) -> bool:
        """Make the file if there is none; of several that try only one succeeds."""
        try:
            number = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            return False
        try:
            with os.fdopen(number, "wb") as file:
                file.write(self._content())
        except OSError:  # the disk is full: an empty file would keep the next worker waiting
            with suppress(OSError):
                self._path.unlink()
            raise
        return True

    def _take_over(self, work: Path) -> bool:
        """Put this name in the place of that of a dead worker; False if another one was quicker."""
        self._write()
        time.sleep(self._times.settle)
        if not self._is_own():
            return False
        with suppress(OSError):
            # Its lock, too: a file server may keep that of a machine that does not come back.
            (work / LOCK).unlink(missing_ok=True)
        return True

    def _beat(self) -> None:
        while not self._stopped.wait(self._times.beat):
            found = self._read()
            if found is not None and found.token != self._own.token:
                self._lost.set()
                return
            self._write()

    def _is_own(self) -> bool:
        found = self._read()
        return found is not None and found.token == self._own.token

    def _read(self) -> MarkOwner | None:
        """Return who holds it; None where that cannot be read now."""
        try:
            return read_mark(self._path)
        except (OSError, UserError):
            return None

    def _write(self) -> None:
        own = self._own
        self._own = MarkOwner(own.token, own.host, own.space, own.process, own.beat + 1)
        # A share that is away for a moment: others wait longer than that.
        with suppress(OSError, UserError), atomic_write(self._path, own=True) as temporary:
            temporary.write_bytes(self._content())

    def _content(self) -> bytes:
        own = self._own
        entries = {"token": own.token, "host": own.host, "space": own.space}
        return json.dumps({**entries, "process": own.process, "beat": own.beat}).encode()
