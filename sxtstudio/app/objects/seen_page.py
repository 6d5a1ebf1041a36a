"""A tab of the pane that is read anew only while it is seen."""

from __future__ import annotations

from PySide6.QtCore import QTimer, SignalInstance
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

_SETTLE_MS = 40


class SeenPage(QWidget):
    """Waits until many changes are over, and with what changes while it is hidden until it is shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        """Begin with nothing read."""
        super().__init__(parent)
        self._stale = True
        self._settle = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._settle.timeout.connect(self.refresh)

    def follow(self, *signals: SignalInstance) -> None:
        """Read anew whenever one of these comes."""
        for signal in signals:
            signal.connect(self._later)

    def showEvent(self, event: QShowEvent) -> None:
        """Read what has changed while nobody saw it."""
        super().showEvent(event)
        if self._stale:
            self.refresh()

    def refresh(self) -> None:
        """Read everything anew, now; not before it is seen."""
        self._settle.stop()
        self._stale = not self.isVisible()
        if not self._stale:
            self._read()

    def shut_down(self) -> None:
        """Read no more."""
        self._settle.stop()

    def _read(self) -> None:
        raise NotImplementedError

    def _later(self, *_: object) -> None:
        self._stale = True
        if self.isVisible():
            self._settle.start()
