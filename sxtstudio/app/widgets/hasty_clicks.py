"""A click that was under way when something appeared under the mouse is not meant for it.

Messages with buttons come when a job ends, not when the user expects them: who was about to press *Cancel*
must not press what has just taken its place. A button ignores the mouse for half a second after it appeared
or was moved. The keyboard is not concerned: its focus does not come with the place.
"""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QAbstractButton, QWidget
from shiboken6 import isValid

#: Nobody has read what a new button says, and aimed at it, in less.
SETTLE_S = 0.5
_PRESSES = (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick)
_NEW_PLACES = (QEvent.Type.Show, QEvent.Type.Move)


def ignore_hasty_clicks(container: QWidget) -> None:
    """Have the buttons in ``container``, and itself if it is one, ignore clicks that were under way."""
    _Guard(container)


class _Guard(QObject):
    """Knows since when each button has been where it is; lives as long as its container."""

    def __init__(self, container: QWidget) -> None:
        super().__init__(container)
        buttons = container.findChildren(QAbstractButton)
        if isinstance(container, QAbstractButton):
            buttons.append(container)
        self._container = container
        self._since = dict.fromkeys(buttons, 0.0)
        for button in buttons:
            button.installEventFilter(self)
            self._on_shown(button)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Note new places; take presses that come too early."""
        kind = event.type()
        if kind in _PRESSES:
            since = self._since.get(watched) if isinstance(watched, QAbstractButton) else None
            return since is not None and time.monotonic() - since < SETTLE_S
        if kind in _NEW_PLACES and isinstance(watched, QWidget):
            if isinstance(watched, QAbstractButton) and watched in self._since:
                self._on_shown(watched)
            elif not watched.isWindow():  # the user moves a window, and sees where it goes
                now = time.monotonic()
                for button in [button for button in self._since if not isValid(button)]:
                    del self._since[button]
                self._since.update(dict.fromkeys(filter(watched.isAncestorOf, self._since), now))
        return False

    def _on_shown(self, button: QAbstractButton) -> None:
        if not button.isVisible():
            return
        self._since[button] = time.monotonic()
        around: QWidget | None = button.parentWidget()
        while around is not None and not around.isWindow():  # what moves them moves it
            around.installEventFilter(self)
            around = around.parentWidget()
