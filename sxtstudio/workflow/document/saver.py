"""Writing down the state of a document in a thread, the newest only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Saver(Generic[T]):
    """Hands values to ``write`` in a thread, one after another; of those that wait only the newest counts."""

    def __init__(self, write: Callable[[T], None]) -> None:
        """Begin without a thread; there is one only while something is to be written."""
        self._write = write
        self._lock = threading.Lock()
        self._waiting: T | None = None
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    def submit(self, value: T) -> None:
        """Have ``value`` written soon; returns at once."""
        with self._lock:
            self._waiting = value
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="autosave")
                self._thread.start()

    def wait(self) -> None:
        """Block until all is written."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def take_error(self) -> Exception | None:
        """Return what went wrong since the last call, once."""
        with self._lock:
            error, self._error = self._error, None
        return error

    def _run(self) -> None:
        while True:
            with self._lock:
                value, self._waiting = self._waiting, None
                if value is None:
                    self._thread = None
                    return
            try:
                self._write(value)
            except Exception as error:  # it is told in the window
                with self._lock:
                    self._error = error
