"""Starting the application."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import cast

from sxtstudio import __version__


def run(path: Path | None = None) -> int:
    """Open the window, with a file if one is given, and return the exit code when it is closed."""
    gc.disable()  # the libraries that are loaded now are no garbage, and there is a lot to look through
    # pyqtgraph takes the first binding that they find; there is only one here.
    os.environ.setdefault("QT_API", "pyside6")
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from sxtstudio.app import theme
    from sxtstudio.app.document.from_desktop import FilesFromDesktop
    from sxtstudio.app.document.opening import open_path
    from sxtstudio.app.document.recovering import offer_recovery, offer_with_tomograms
    from sxtstudio.app.garbage import Garbage
    from sxtstudio.app.main_window import MainWindow
    from sxtstudio.app.settings import Settings
    from sxtstudio.core.logs import start_log

    app = cast(QApplication, QApplication.instance() or QApplication(sys.argv[:1]))
    app.setApplicationName("SXT Studio")
    app.setApplicationDisplayName("SXT Studio")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName("sxtstudio")
    app.setWindowIcon(theme.app_icon())
    start_log()
    settings = Settings()
    theme.apply(app, settings.get("theme", "system"))
    window = MainWindow(settings)
    # A window that goes before Qt counts it as shown does not end the program as the last one.
    window.closed.connect(lambda: QTimer.singleShot(0, app, app.quit))
    window.show()
    garbage = Garbage(window.jobs)
    FilesFromDesktop(app, lambda file: open_path(window.context, file))
    if path is not None:
        QTimer.singleShot(0, lambda: open_path(window.context, path))
    QTimer.singleShot(0, lambda: offer_recovery(window.context))
    offer_with_tomograms(window.context)
    code = app.exec()
    garbage.shut_down()
    return code
