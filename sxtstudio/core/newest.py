"""A thread that does only the newest of what it is asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

Stale = Callable[[], bool]
Work = Callable[[Stale], None]
OnError = Callable[[Exception], None]


class NewestOnly:
    """Runs one piece of work at a time in a thread of its own; a newer request replaces those that wait.

    ``stale()`` tells a work that somebody has asked for something newer, or wants nothing any more; what came
    out of it is then not wanted. The thread is there only while there is something to do.
    """

    def __init__(self, name: str, on_error: OnError, *, daemon: bool = False) -> None:
        """Begin without a thread.

        Parameters
        ----------
        name
            Of the thread.
        on_error
            Called in the thread with what a work raised, unless that was stale.
        daemon
            Whether the program may end while something is being done.
        """
        self._name = name
        self._on_error = on_error
        self._daemon = daemon
        self._state = threading.Condition()
        self._wanted: Work | None = None
        self._generation = 0
        self._running = False
        self._ended = False

    def request(self, work: Work) -> None:
        """Do ``work`` soon, in place of what waits; returns at once."""
        with self._state:
            if self._ended:
                return
            self._generation += 1
            self._wanted = work
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name=self._name, daemon=self._daemon).start()

    def drop(self, wait_s: float = 0.0) -> None:
        """Forget what was asked for; wait until nothing is being done, at most ``wait_s`` seconds."""
        with self._state:
            self._generation += 1
            self._wanted = None
            if wait_s:
                self._state.wait_for(lambda: not self._running, wait_s)

    def wait(self) -> None:
        """Block until all that was asked for is done."""
        with self._state:
            self._state.wait_for(lambda: not self._running)

    @property
    def busy(self) -> bool:
        """Whether something is being done or waits to be."""
        with self._state:
            return self._running

    def shut_down(self, wait_s: float) -> None:
        """Take no more requests; wait until the thread has ended, at most ``wait_s`` seconds."""
        with self._state:
            self._ended = True
        self.drop(wait_s)

    def _run(self) -> None:
        while True:
            with self._state:
                work, self._wanted, generation = self._wanted, None, self._generation
                if work is None:
                    self._running = False
                    self._state.notify_all()
                    return
            try:
                work(partial(self._is_stale, generation))
            except Exception as error:  # whoever asked says what becomes of it
                if not self._is_stale(generation):
                    self._on_error(error)

    def _is_stale(self, generation: int) -> bool:
        return generation != self._generation
