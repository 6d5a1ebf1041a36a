"""What the user sees when something fails."""

from __future__ import annotations

import errno
import sys
import threading

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from sxtstudio.app.errors import ErrorGuard, show_error
from sxtstudio.app.main_window import MainWindow
from sxtstudio.core.errors import Cancelled, UserError, sentence_of
from sxtstudio.core.logs import log_file, start_log


def boxes(window: MainWindow) -> list[QMessageBox]:
    return [box for box in window.findChildren(QMessageBox) if box.isVisible()]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UserError("The tilt is wrong."), "The tilt is wrong."),
        (MemoryError(), "not enough free memory"),
        (OSError(errno.ENOSPC, "No space left"), "disk is full"),
    ],
    ids=["for users", "memory", "disk"],
)
def test_known_troubles_are_one_sentence(window: MainWindow, error: Exception, words: str) -> None:
    show_error(window, error)
    (box,) = boxes(window)
    assert words in box.text() and not box.detailedText()
    box.close()


def test_a_cancel_is_no_error(window: MainWindow) -> None:
    show_error(window, Cancelled())
    assert boxes(window) == []


def test_unexpected_errors_are_shown_logged_and_survived(window: MainWindow, qtbot: QtBot) -> None:
    handler = start_log()
    assert handler is not None
    try:
        try:
            raise ZeroDivisionError("by the moon")
        except ZeroDivisionError as error:
            sys.excepthook(type(error), error, error.__traceback__)
    finally:
        handler.flush()
    (box,) = boxes(window)
    assert "by the moon" in box.detailedText() and "Traceback" in box.detailedText()
    (copy,) = [button for button in box.buttons() if button.text() == "Copy details"]
    copy.click()
    assert "by the moon" in QApplication.clipboard().text()
    assert box.isVisible()
    qtbot.keyClick(box, Qt.Key.Key_Escape)
    assert not boxes(window)
    assert "by the moon" in log_file().read_text()
    import logging

    logging.getLogger("sxtstudio").removeHandler(handler)
    handler.close()
    assert window.isVisible()


def test_an_error_while_an_error_is_shown_ends_in_the_log(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would raise the next, until the stack is full and the program gone."""
    shown = []

    def fails(*args: object) -> None:
        shown.append(args)
        raise ValueError("no box today")

    monkeypatch.setattr("sxtstudio.app.errors.show_error", fails)
    handler = start_log()
    assert handler is not None
    for number in range(2):
        error = ZeroDivisionError(f"by moon {number}")
        sys.excepthook(type(error), error, None)
        assert len(shown) == number + 1, "once each"
    handler.flush()
    assert log_file().read_text().count("ValueError: no box today") == 2
    import logging

    logging.getLogger("sxtstudio").removeHandler(handler)
    handler.close()


def test_errors_of_threads_reach_the_window(window: MainWindow, qtbot: QtBot) -> None:
    def fail() -> None:
        raise ValueError("in a thread")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: len(boxes(window)) == 1, timeout=3000)
    (box,) = boxes(window)
    assert "in a thread" in box.detailedText()
    box.close()
    assert not boxes(window)


def test_own_sentences_only_for_known_errors() -> None:
    assert sentence_of(ValueError("x")) is None


def test_an_error_after_the_window_is_gone_reaches_pythons_own_hook_once(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: list[BaseException] = []
    monkeypatch.setattr(sys, "excepthook", lambda _kind, error, _trace: reached.append(error))
    window = QWidget()
    guard = ErrorGuard(window)
    try:
        hook = sys.excepthook
        shiboken6.delete(window)
        error = ValueError("late")
        hook(ValueError, error, None)
        sys.excepthook(ValueError, error, None)
        assert reached == [error, error]  # the first through the guard, the second without it
    finally:
        guard.release()
