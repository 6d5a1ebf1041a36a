"""The questions themselves."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from sxtstudio.app import questions
from sxtstudio.app.main_window import MainWindow

BUTTONS = ("Save", "Discard", "Cancel")


@pytest.fixture(autouse=True)
def no_questions() -> None:
    """Here the real ones are asked."""


def answered(window: MainWindow, qtbot: QtBot, key: Qt.Key | None, button: str = "") -> str:
    """Ask, and answer with a key or a click as soon as the box is there."""

    def answer() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        if key is not None:
            qtbot.keyClick(box, key)
        else:
            next(b for b in box.buttons() if b.text().replace("&", "") == button).click()

    QTimer.singleShot(100, answer)
    return questions.ask(window, "Title", "Is it?", BUTTONS)


def test_pressed_button_is_the_answer(window: MainWindow, qtbot: QtBot) -> None:
    for button in BUTTONS:
        assert answered(window, qtbot, None, button) == button


def test_return_takes_the_first_and_escape_the_harmless_one(window: MainWindow, qtbot: QtBot) -> None:
    assert answered(window, qtbot, Qt.Key.Key_Return) == "Save"
    assert answered(window, qtbot, Qt.Key.Key_Escape) == "Cancel"


def test_what_is_pressed_is_returned_itself_whatever_stands_on_it(window: MainWindow, qtbot: QtBot) -> None:
    """An ampersand in a name is no mark of a key that must be taken out again."""
    buttons = ("Read as a && b", questions.Answer.CANCEL)

    def press() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        box.buttons()[0].click()

    QTimer.singleShot(100, press)
    assert questions.ask(window, "Title", "Is it?", buttons) is buttons[0]
    QTimer.singleShot(100, lambda: qtbot.keyClick(QApplication.activeModalWidget(), Qt.Key.Key_Escape))
    assert questions.ask(window, "Title", "Is it?", buttons) is questions.Answer.CANCEL
