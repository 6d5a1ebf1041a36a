"""Files that the desktop asks the program to open while it runs.

macOS names a file that was double-clicked, or dropped on the program's icon, by an event; the other systems
start the program anew with it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QFileOpenEvent


class FilesFromDesktop(QObject):
    """Waits for such events of the application and opens what they name."""

    def __init__(self, application: QObject, open_file: Callable[[Path], None]) -> None:
        """Give each file of an event to ``open_file`` from now on."""
        super().__init__(application)
        self._open_file = open_file
        application.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # Qt's name
        """Take the event if it names a file of this computer."""
        if not isinstance(event, QFileOpenEvent) or not event.file():
            return super().eventFilter(watched, event)
        self._open_file(Path(event.file()))
        return True
