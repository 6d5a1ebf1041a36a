"""Writing down the state of a document in a thread, the newest only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from sxtstudio.core.newest import NewestOnly

T = TypeVar("T")


class Saver(Generic[T]):
    """Hands values to ``write`` in a thread, one after another; of those that wait only the newest counts."""

    def __init__(self, write: Callable[[T], None]) -> None:
        """Begin without a thread; there is one only while something is to be written."""
        self._write = write
        self._error: Exception | None = None
        self._lock = threading.Lock()
        self._thread = NewestOnly("autosave", self._keep)

    def submit(self, value: T) -> None:
        """Have ``value`` written soon; returns at once."""

        def work(_: object) -> None:
            try:
                self._write(value)
            except Exception as error:  # also of a state that is no longer the newest
                self._keep(error)

        self._thread.request(work)

    def wait(self) -> None:
        """Block until all is written."""
        self._thread.wait()

    def take_error(self) -> Exception | None:
        """Return what went wrong since the last call, once."""
        with self._lock:
            error, self._error = self._error, None
        return error

    def _keep(self, error: Exception) -> None:
        with self._lock:
            self._error = error
