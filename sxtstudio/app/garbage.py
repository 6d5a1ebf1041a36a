"""When Python looks through all of its objects for garbage: while no job runs and nobody drags.

It lets no other thread run meanwhile, and with the libraries of this program that is a tenth of a second and
more, in the middle of a stroke or of a job.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication

from sxtstudio.app.jobs.job import Jobs

_EVERY_MS = 20_000
# Young objects are looked through often and quickly; all of them by this object alone.
_YOUNG, _MIDDLE, _NEVER = 5_000, 20, 1_000_000_000


class Garbage(QObject):
    """Takes over from the collector of Python for as long as the application runs."""

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        """Begin: what there is now is the program itself, which is never garbage."""
        super().__init__(parent)
        self._jobs = jobs
        self._former = gc.get_threshold()
        gc.freeze()
        gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)
        gc.enable()
        self._timer = QTimer(self, interval=_EVERY_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    def look(self) -> bool:
        """Look through everything now, and return True; not while somebody would wait for it."""
        if self._jobs.running or QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton:
            return False
        gc.collect()
        return True

    def shut_down(self) -> None:
        """Leave it to Python again."""
        self._timer.stop()
        gc.set_threshold(*self._former)
        gc.unfreeze()
