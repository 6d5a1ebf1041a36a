"""How long the thread of a window does not come round to a timer."""

from __future__ import annotations

import time

import numpy as np
from PySide6.QtCore import QTimer

_BEAT_MS = 5


class Heartbeat:
    """A timer that should come every 5 ms: how late it comes is how long the window did not answer.

    It does not look at the stack meanwhile: a frame that another thread holds keeps painters alive beyond
    their widget, and Qt crashes.
    """

    def __init__(self) -> None:
        """Begin; the window's event loop has to run."""
        self._beats: list[float] = []
        self._timer = QTimer(interval=_BEAT_MS)
        self._timer.timeout.connect(lambda: self._beats.append(time.perf_counter()))
        self._timer.start()

    def stalls(self, begin: float) -> list[float]:
        """Return the seconds between beats since ``begin``, a time of ``time.perf_counter``."""
        return np.diff([begin, *(beat for beat in self._beats if beat > begin)]).tolist()
