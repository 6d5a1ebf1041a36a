"""macOS names a file that was double-clicked by an event."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QUrl
from PySide6.QtGui import QFileOpenEvent
from pytestqt.qtbot import QtBot

from sxtstudio.app.document.from_desktop import FilesFromDesktop


def test_a_file_of_the_desktop_is_opened(qtbot: QtBot, tmp_path: Path) -> None:
    application, opened = QCoreApplication.instance(), list[Path]()
    assert application is not None
    files = FilesFromDesktop(application, opened.append)
    try:
        path = tmp_path / "Zelle µ.mrc"
        assert QCoreApplication.sendEvent(application, QFileOpenEvent(str(path)))
        QCoreApplication.sendEvent(application, QFileOpenEvent(QUrl("https://example.org/a.mrc")))
        QCoreApplication.sendEvent(application, QEvent(QEvent.Type.User))
        assert opened == [path]
    finally:
        application.removeEventFilter(files)
        files.deleteLater()
