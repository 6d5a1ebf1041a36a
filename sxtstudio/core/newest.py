"""Of many requests only the newest counts: the rule, and a thread that follows it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Stale = Callable[[], bool]
Work = Callable[[Stale], None]
OnError = Callable[[Exception], None]
T = TypeVar("T")


class Newest(Generic[T]):
    """Requests of which each replaces the one that waits, and makes stale what has begun.

    Whoever has a thread at hand takes the request that waits when the one before has ended: ``NewestOnly``
    below, and ``Latest`` of the window, whose threads are jobs.
    """

    def __init__(self) -> None:
        """Begin with no request."""
        self._wanted: T | None = None
        self._generation = 0
        self._ended = False

    def request(self, work: T) -> bool:
        """Want ``work`` in place of all that was wanted before; False after ``end``."""
        if not self._ended:
            self._generation += 1
            self._wanted = work
        return not self._ended

    def drop(self) -> None:
        """Want nothing; what has begun is stale."""
        self._generation += 1
        self._wanted = None

    def end(self) -> None:
        """Want nothing, now and later."""
        self._ended = True
        self.drop()

    @property
    def waits(self) -> bool:
        """Whether a request has not been taken."""
        return self._wanted is not None

    def take(self) -> tuple[T, Stale] | None:
        """Return what is to begin now, and what says later whether it is still wanted."""
        work, self._wanted, generation = self._wanted, None, self._generation
        return None if work is None else (work, lambda: generation != self._generation)


class NewestOnly:
    """Runs one piece of work at a time in a thread of its own; a newer request replaces those that wait.

    ``stale()`` says to a computation that somebody has asked for something newer, or wants nothing any more;
    what came out of it is then not wanted. The thread is there only while there is something to do.
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
        self._newest: Newest[Work] = Newest()
        self._running = False

    def request(self, work: Work) -> None:
        """Do ``work`` soon, in place of what waits; returns at once."""
        with self._state:
            if self._newest.request(work) and not self._running:
                self._running = True
                threading.Thread(target=self._run, name=self._name, daemon=self._daemon).start()

    def drop(self, wait_s: float = 0.0) -> None:
        """Forget what was asked for; wait until nothing is being done, at most ``wait_s`` seconds."""
        with self._state:
            self._newest.drop()
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
            self._newest.end()
        self.drop(wait_s)

    def _run(self) -> None:
        while True:
            with self._state:
                taken = self._newest.take()
                if taken is None:
                    self._running = False
                    self._state.notify_all()
                    return
            work, stale = taken
            try:
                work(stale)
            except Exception as error:  # whoever asked says what becomes of it
                if not stale():
                    self._on_error(error)
