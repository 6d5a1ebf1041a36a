"""Orders to a training that runs: pause, resume, stop, cancel, one a line on its standard input."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TextIO

from sxtstudio.core.progress import Progress

_LOOK_S = 0.1


def lines_of(stream: TextIO) -> Iterator[str]:
    """Yield a stream's lines without holding its lock while waiting.

    A thread that waits inside ``sys.stdin`` when the program ends would abort it.
    """
    try:
        descriptor = stream.fileno()
    except OSError:  # it has none: lines in memory
        yield from stream
        return
    rest = b""
    while chunk := os.read(descriptor, 4096):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in lines)


class Control:
    """What was ordered so far; the training asks between two steps."""

    def __init__(self, progress: Progress | None = None) -> None:
        """``progress`` is cancelled by "cancel", and may be cancelled by others, such as Ctrl-C."""
        self.progress = progress or Progress()
        self._stop = threading.Event()
        self._paused = threading.Event()

    @property
    def stopped(self) -> bool:
        """Whether the training shall end now and keep what is best so far."""
        return self._stop.is_set()

    @property
    def cancelled(self) -> bool:
        """Whether the training shall save its state and end."""
        return self.progress.cancelled

    def obey(self, order: str) -> None:
        """Take an order; unknown words are no orders."""
        match order.strip().lower():
            case "pause":
                self._paused.set()
            case "resume":
                self._paused.clear()
            case "stop":
                self._stop.set()
                self._paused.clear()
            case "cancel":
                self.progress.cancel()

    def listen(self, lines: Iterable[str]) -> None:
        """Obey lines in a thread of its own; their end means that who gave them is gone: cancel."""

        def follow() -> None:
            try:
                for line in lines:
                    self.obey(line)
            except (OSError, ValueError):
                pass
            self.progress.cancel()

        # A daemon, since nothing can wake it; it must hold no lock that the end of the program needs.
        threading.Thread(target=follow, name="orders", daemon=True).start()

    def wait_while_paused(self, on_pause: Callable[[], None], on_resume: Callable[[], None]) -> float:
        """Return at once, or after a pause, its length in seconds."""
        if not self._paused.is_set() or self.cancelled:
            return 0.0
        began = time.monotonic()
        on_pause()
        while self._paused.is_set() and not self.cancelled:
            time.sleep(_LOOK_S)
        on_resume()
        return time.monotonic() - began
