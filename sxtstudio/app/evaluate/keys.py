"""The keys of an evaluation, and whether anybody works: both while its panel is shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QWidget

from sxtstudio.app.widgets.free_keys import is_free

Key = tuple[Qt.Key, bool]
_INPUT = (
    QEvent.Type.KeyPress,
    QEvent.Type.MouseButtonPress,
    QEvent.Type.MouseMove,
    QEvent.Type.Wheel,
)
_TICK_MS = 1000
#: Who does nothing for so long does something else.
AWAY_S = 60.0


class EvaluationKeys(QObject):
    """Takes keys (with Shift or not) wherever the focus is in a window, but in fields; counts the time."""

    def __init__(
        self, window: QWidget, does: Mapping[Key, Callable[[], None]], spend: Callable[[float], None]
    ) -> None:
        """Begin without taking anything."""
        super().__init__(window)
        self._window, self._does, self._spend = window, does, spend
        self._listening = False
        self._input_at = self._ticked_at = 0.0
        self._timer = QTimer(self, interval=_TICK_MS)
        self._timer.timeout.connect(self.tick)

    def listen(self, wanted: bool) -> None:
        """Take keys and count the time from now on, or no more."""
        app = QApplication.instance()
        if wanted == self._listening or app is None:
            return
        self._listening = wanted
        if wanted:
            app.installEventFilter(self)
            self._input_at = self._ticked_at = time.monotonic()
            self._timer.start()
        else:
            app.removeEventFilter(self)
            self.tick()
            self._timer.stop()

    def tick(self) -> None:
        """Count the time since the last tick, if somebody is there."""
        now = time.monotonic()
        spent, self._ticked_at = now - self._ticked_at, now
        if now - self._input_at <= AWAY_S and self._window.isActiveWindow():
            self._spend(spent)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the keys of the evaluation."""
        kind = event.type()
        if kind in _INPUT:
            self._input_at = time.monotonic()
        if kind not in (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride):
            return False
        if not isinstance(event, QKeyEvent) or not is_free(watched, event, self._window):
            return False
        keys = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        shift = keys == Qt.KeyboardModifier.ShiftModifier
        does = self._does.get((Qt.Key(event.key()), shift))
        if does is None or (keys and not shift):
            return False
        if kind == QEvent.Type.ShortcutOverride:
            event.accept()  # here the key is no shortcut of the window's
            return False
        if not event.isAutoRepeat():  # a key that is held down must not judge slice after slice
            does()
        return True
