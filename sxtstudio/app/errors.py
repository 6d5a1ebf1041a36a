"""What the user sees when something fails: a sentence for known troubles, details to copy for the others."""

from __future__ import annotations

import sys
import threading
import traceback
from types import TracebackType
from typing import Any, Protocol, runtime_checkable

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget

from sxtstudio.core.errors import Cancelled, sentence_of
from sxtstudio.core.logs import LOGGER, log_file


@runtime_checkable
class ExplainsErrors(Protocol):
    """A window that shows the page of the documentation about an error."""

    def explain_error(self, message: str) -> None:
        """Show it."""


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
        _add_help(box, known)
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


def _add_help(box: QMessageBox, message: str) -> None:
    """Add a button that shows what can be done, where a window above the box knows."""
    above = box.parentWidget()
    while above is not None and not isinstance(above, ExplainsErrors):
        above = above.parentWidget()
    if above is None:
        return
    window: ExplainsErrors = above
    box.addButton(QMessageBox.StandardButton.Ok)
    more = box.addButton("What can I do?", QMessageBox.ButtonRole.HelpRole)
    more.setToolTip("The page of the documentation about this")
    # The box closes first: a box that is modal keeps the mouse and the keys from the documentation.
    box.finished.connect(lambda: window.explain_error(message) if box.clickedButton() is more else None)
    box.setDefaultButton(QMessageBox.StandardButton.Ok)
    box.setEscapeButton(QMessageBox.StandardButton.Ok)


class ErrorGuard(QObject):
    """Shows every exception that nobody caught, from whatever thread, and keeps the window alive."""

    _caught = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        """Take over Python's hooks until ``release``."""
        super().__init__(parent)
        self._window = parent
        self._showing: set[int] = set()  # threads that are showing an error now
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
        thread = threading.get_ident()
        if thread in self._showing:  # showing raised it, and would raise the next: until the stack is full
            LOGGER.error("while an error was shown\n%s", "".join(traceback.format_exception(error)))
            return
        self._showing.add(thread)
        try:
            self._caught.emit(error.with_traceback(trace))
        except RuntimeError:  # the window is gone, and with it what shows errors: each would raise the next
            self.release()
            LOGGER.error("after the window was closed\n%s", "".join(traceback.format_exception(error)))
            sys.excepthook(kind, error, trace)
        finally:
            self._showing.discard(thread)

    def _show(self, error: BaseException) -> None:
        show_error(self._window, error)
