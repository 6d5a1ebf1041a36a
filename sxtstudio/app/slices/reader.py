"""Reads slices off the window's thread, only the newest that was asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal

from sxtstudio.core.newest import NewestOnly, Stale

LOGGER = logging.getLogger("sxtstudio")

Emit = Callable[[Any], None]
Work = Callable[[Stale, Emit], None]


class Reader(QObject):
    """Runs ``work(stale, emit)`` off the window's thread; a newer request replaces all older ones.

    ``stale()`` says to the work that nobody waits for it any more. What it emits arrives as ``arrived``,
    errors as ``failed``, both in the thread of the window and only if the request is still the newest.
    """

    arrived = Signal(object)
    failed = Signal(object)
    _came = Signal(object, object, object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        """Begin without a thread."""
        super().__init__(parent)
        self._name = name
        self._thread = NewestOnly(f"slices {name}", self._lost, daemon=True)
        self._came.connect(self._on_came)

    def request(self, work: Work) -> None:
        """Do ``work`` instead of whatever was asked for before."""
        self._thread.request(partial(self._do, work))

    def drop(self, wait_s: float = 0.0) -> None:
        """Forget what was asked for; wait until the thread rests, at most ``wait_s`` seconds."""
        self._thread.drop(wait_s)

    @property
    def busy(self) -> bool:
        """Whether something is being done or waits to be."""
        return self._thread.busy

    def shut_down(self) -> None:
        """End the thread."""
        self._thread.shut_down(20)

    def _do(self, work: Work, stale: Stale) -> None:
        try:
            work(stale, lambda value: self._came.emit(stale, value, None))
        except RuntimeError:
            raise  # perhaps the window was deleted without being closed: nothing can be emitted any more
        except Exception as error:  # shown in the view, whatever it is
            if not stale():
                self._came.emit(stale, None, error)

    def _lost(self, error: Exception) -> None:
        LOGGER.info("the reader of %s slices outlived its window: %s", self._name, error)

    def _on_came(self, stale: Stale, value: Any, error: Exception | None) -> None:
        if stale():
            return
        if error is not None:
            self.failed.emit(error)
        else:
            self.arrived.emit(value)
