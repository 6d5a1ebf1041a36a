"""What the user sees when something fails: a sentence for known troubles, details to copy for the others."""

from __future__ import annotations

import errno
import logging
import logging.handlers
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget

from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.folders import log_folder

LOGGER = logging.getLogger("sxtstudio")


def sentence_of(error: BaseException) -> str | None:
    """Return what to tell the user, or None for an error that nobody expected."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, MemoryError):
        return "There is not enough free memory for this. Close other programs, or work on fewer slices."
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", -1)):
        return "The disk is full. Free some space and try again; what was there before is unchanged."
    return None


def show_error(parent: QWidget | None, error: BaseException, title: str = "SXT Studio") -> None:
    """Tell the user; unknown errors also go to the log, with details to copy. Does not block."""
    if isinstance(error, Cancelled):
        return
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setWindowTitle(title)
    box.setTextFormat(Qt.TextFormat.PlainText)
    known = sentence_of(error)
    if known is not None:
        box.setIcon(QMessageBox.Icon.Warning)
        box.setText(known)
    else:
        details = "".join(traceback.format_exception(error))
        LOGGER.error("unexpected error\n%s", details)
        box.setIcon(QMessageBox.Icon.Critical)
        box.setText("Something went wrong in the program.")
        box.setInformativeText(
            "Your work is safe and you can go on. Please send the details, which are also in the log: "
            f"{log_file()}"
        )
        box.setDetailedText(details)
        copy = box.addButton("Copy details", QMessageBox.ButtonRole.ActionRole)
        copy.clicked.disconnect()  # copying must not close the box
        copy.clicked.connect(lambda: QApplication.clipboard().setText(details))
        box.addButton(QMessageBox.StandardButton.Ok)
        box.setDefaultButton(QMessageBox.StandardButton.Ok)
        box.setEscapeButton(QMessageBox.StandardButton.Ok)  # with two buttons Qt finds none by itself
    box.open()


def log_file() -> Path:
    """Return the rotating log file in the user's folder for such things."""
    return log_folder() / "sxtstudio.log"


def start_log() -> logging.Handler | None:
    """Write warnings and errors to the log file; without a writable place there is none."""
    path = log_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=1_000_000, backupCount=3, encoding="utf-8", delay=True
        )
    except OSError:
        return None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    LOGGER.addHandler(handler)
    return handler


class ErrorGuard(QObject):
    """Shows every exception that nobody caught, from whatever thread, and keeps the window alive."""

    _caught = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        """Take over Python's hooks until ``release``."""
        super().__init__(parent)
        self._window = parent
        self._caught.connect(self._show)
        self._former: tuple[Any, Any] = (sys.excepthook, threading.excepthook)
        sys.excepthook = self._on_exception
        threading.excepthook = lambda args: self._on_exception(
            args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
        )

    def release(self) -> None:
        """Give Python's own hooks back."""
        sys.excepthook, threading.excepthook = self._former

    def _on_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        self._caught.emit(error.with_traceback(trace))

    def _show(self, error: BaseException) -> None:
        show_error(self._window, error)
