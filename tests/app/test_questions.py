"""The questions themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from sxtstudio.app import questions
from sxtstudio.app.document import saving
from sxtstudio.app.main_window import MainWindow
from sxtstudio.workflow.document.project import adopt, save, snapshot

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


@pytest.fixture
def proposed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What dialogs for files begin with; they are cancelled."""
    found: list[Path] = []

    def dialog(parent: object, title: str, start: str, *_: object) -> tuple[str, str]:
        found.append(Path(start))
        return "", ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", dialog)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", dialog)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: dialog(*args)[0])
    return found


@pytest.mark.parametrize("read_only", [False, True])
def test_a_project_is_saved_again_beside_itself_under_a_new_name(
    sample: MainWindow, tmp_path: Path, proposed: list[Path], read_only: bool
) -> None:
    document = sample.session.document
    adopt(document, save(snapshot(document), tmp_path / "cell.day.sxt"))
    sample.context.settings.set_folder(tmp_path / "cell.day.sxt" / "project.json")
    document.read_only = read_only  # as in a second window
    (saving.save if read_only else saving.save_as)(sample.context)
    assert proposed == [tmp_path / "cell.day-2.sxt"]


def test_no_dialog_begins_within_a_project_or_a_store_or_proposes_a_folder(
    window: MainWindow, tmp_path: Path, proposed: list[Path]
) -> None:
    inner = tmp_path / "cells.zarr" / "cell" / "0"
    inner.mkdir(parents=True)
    for folder in (tmp_path / "cells.zarr", inner):
        (folder / ".zgroup").write_text("{}")
    window.context.settings.set_folder(inner / "0.0.0")
    questions.open_file(window.context, "Open", "All files (*)")
    questions.open_folder(window.context, "Open")
    questions.save_file(window.context, "Export", "cells.zarr", "Zarr (*.zarr)")
    assert proposed == [tmp_path, tmp_path, tmp_path / "cells-2.zarr"]
