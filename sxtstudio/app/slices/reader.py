"""A thread that does only the newest of what it is asked for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal

LOGGER = logging.getLogger("sxtstudio")

Stale = Callable[[], bool]
Emit = Callable[[Any], None]
Work = Callable[[Stale, Emit], None]


class Reader(QObject):
    """Runs ``work(stale, emit)`` off the window's thread; a newer request replaces all older ones.

    ``stale()`` tells the work that nobody waits for it any more. What it emits arrives as ``arrived``,
    errors as ``failed``, both in the thread of the window and only if the request is still the newest.
    """

    arrived = Signal(object)
    failed = Signal(object)
    _came = Signal(int, object, object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        """Begin without a thread; the first request starts it."""
        super().__init__(parent)
        self._name = name
        self._generation = 0
        self._wanted: Work | None = None
        self._working = False
        self._ended = False
        self._state = threading.Condition()
        self._thread: threading.Thread | None = None
        self._came.connect(self._on_came)

    def request(self, work: Work) -> None:
        """Do ``work`` instead of whatever was asked for before."""
        with self._state:
            if self._ended:
                return
            self._generation += 1
            self._wanted = work
            self._state.notify_all()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"slices {self._name}", daemon=True)
            self._thread.start()

    def drop(self, wait_s: float = 0.0) -> None:
        """Forget what was asked for; wait until the thread rests, at most ``wait_s`` seconds."""
        with self._state:
            self._generation += 1
            self._wanted = None
            if wait_s:
                self._state.wait_for(lambda: not self._working, wait_s)

    @property
    def busy(self) -> bool:
        """Whether something is being done or waits to be."""
        with self._state:
            return self._working or self._wanted is not None

    def shut_down(self) -> None:
        """End the thread."""
        with self._state:
            self._ended = True
            self._generation += 1
            self._wanted = None
            self._state.notify_all()
        if self._thread is not None:
            self._thread.join(20)

    def _run(self) -> None:
        while True:
            with self._state:
                self._working = False
                self._state.notify_all()
                self._state.wait_for(lambda: self._wanted is not None or self._ended)
                if self._ended or self._wanted is None:
                    return
                work, self._wanted, generation = self._wanted, None, self._generation
                self._working = True
            try:
                self._do(work, generation)
            except RuntimeError:  # the window was deleted without being closed
                LOGGER.info("the reader of %s slices outlived its window", self._name)
                return

    def _do(self, work: Work, generation: int) -> None:
        try:
            work(
                lambda: generation != self._generation, lambda value: self._came.emit(generation, value, None)
            )
        except Exception as error:  # shown in the view, whatever it is
            if generation == self._generation:
                self._came.emit(generation, None, error)

    def _on_came(self, generation: int, value: Any, error: Exception | None) -> None:
        if generation != self._generation:
            return
        if error is not None:
            self.failed.emit(error)
        else:
            self.arrived.emit(value)
