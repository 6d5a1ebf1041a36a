"""Shift+F1 in every dialog opens the page about it, which can be read while the dialog waits."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from PySide6.QtCore import Qt, QTimer, QUrl
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QColorDialog, QFileDialog, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

import sxtstudio.app
from sxtstudio.app import questions
from sxtstudio.app.errors import show_error
from sxtstudio.app.help.contents import INDEX, contents, passages
from sxtstudio.app.help.help_key import COLOUR_PAGES, FILES_PAGE, KEY, PANEL_PAGES, page_about
from sxtstudio.app.help.reader import Documentation
from sxtstudio.app.labels.history import HistoryDialog
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.questions import ask as really_ask  # which tests have replaced by an error
from sxtstudio.app.states import Panel
from sxtstudio.app.widgets.dialogs import Dialog, ToolDialog
from sxtstudio.core.errors import UserError


def kinds() -> list[type[Dialog]]:
    """All dialogs of the program, from whatever module."""
    for module in pkgutil.walk_packages(sxtstudio.app.__path__, "sxtstudio.app."):
        importlib.import_module(module.name)
    found: list[type[Dialog]] = []
    waiting = [Dialog]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            waiting.append(kind)
            if (
                kind.__module__.startswith("sxtstudio.")
                and kind is not ToolDialog
                and not kind.__subclasses__()
            ):
                found.append(kind)
    return sorted(found, key=lambda kind: kind.__name__)


def places() -> set[str]:
    """All pages, and all places in them."""
    pages = {page.file for chapter in contents() for page in chapter.pages} | {INDEX}
    return pages | {passage.link for passage in passages()}


PLACES = places()


def press(dialog: QWidget, qtbot: QtBot) -> None:
    """Press the key once the dialog has the keyboard."""
    dialog.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is dialog, timeout=10_000)
    QTest.keyClick(dialog, Qt.Key.Key_F1, Qt.KeyboardModifier.ShiftModifier)


def read(window: MainWindow, qtbot: QtBot) -> str:
    """Use the documentation with the mouse, as the system hands it to a window; return what it showed before.

    Qt keeps the mouse from a window that a modal dialog blocks, if it comes through the window system.
    """
    documentation = window.context.dialogs.find(Documentation)
    assert documentation is not None and documentation.isVisible()
    link = documentation.link
    documentation.show_page("cite.md")
    place = documentation.home.mapTo(documentation, documentation.home.rect().center())
    QTest.mouseClick(documentation.windowHandle(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier(0), place)
    qtbot.waitUntil(lambda: documentation.link == INDEX, timeout=5_000)
    return link


KINDS = kinds()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_dialog_names_a_place_that_is_there(kind: type[Dialog]) -> None:
    assert "PAGE" in vars(kind) and kind.PAGE in PLACES


def test_places_beside_those_of_dialogs_are_there() -> None:
    assert PANEL_PAGES.keys() == set(Panel)
    assert {*PANEL_PAGES.values(), *COLOUR_PAGES.values(), FILES_PAGE} <= PLACES


def test_the_key_is_that_of_the_action(window: MainWindow) -> None:
    assert window.actions_.by_name["help.documentation"].shortcut() == QKeySequence(KEY)


TOOLS = [kind for kind in KINDS if issubclass(kind, ToolDialog)]


@pytest.mark.parametrize("kind", TOOLS, ids=lambda kind: kind.__name__)
def test_each_dialog_beside_the_window_opens_its_page(
    sample: MainWindow, qtbot: QtBot, kind: type[ToolDialog]
) -> None:
    dialog = sample.context.dialogs.bring_up(kind)
    press(dialog, qtbot)
    assert read(sample, qtbot) == kind.PAGE


def test_a_dialog_that_waits_for_an_answer_leaves_the_documentation_alone(
    window: MainWindow, qtbot: QtBot
) -> None:
    """Opened from within it, and when it was open before; the window itself is blocked."""
    window.actions_.by_name["help.documentation"].trigger()
    found: list[str] = []

    def use() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        try:
            assert box.windowModality() is Qt.WindowModality.ApplicationModal
            qtbot.waitUntil(lambda: QApplication.activeWindow() is box, timeout=10_000)
            found.append(read(window, qtbot))  # as it was left
            press(box, qtbot)
            found.append(read(window, qtbot))
            opened = window.context.dialogs.find(Documentation)
            assert opened is not None
            opened.page.anchorClicked.emit(QUrl("action:file.open_sample"))
            found.append(opened.note.text())
        finally:
            box.close()

    window.context.parts.side.show_panel(Panel.CLEAN)
    QTimer.singleShot(0, use)
    assert really_ask(window, "Stop?", "Stop it?", ("Stop", "Cancel")) == "Cancel"
    assert found == [INDEX, "clean.md", "Answer the open question first."]
    assert window.session.document is None


def test_an_error_is_explained(window: MainWindow, qtbot: QtBot) -> None:
    show_error(window, UserError("The project cell.sxt is open in another window (anna on b since 14:03)."))
    (box,) = window.findChildren(QMessageBox)
    press(box, qtbot)
    assert read(window, qtbot) == "errors-save.md#the-project-is-open-in-another-window"
    box.close()


def test_questions_of_a_dialog_and_of_qt_have_pages(window: MainWindow) -> None:
    dialog = window.context.dialogs.bring_up(HistoryDialog)
    assert page_about(QMessageBox(dialog), Panel.IMAGE) == "paint.md#undo"
    assert page_about(QFileDialog(dialog), Panel.IMAGE) == "files.md"
    assert page_about(QMessageBox(window), Panel.OBJECTS) == "objects.md"
    assert page_about(QColorDialog(window), Panel.OBJECTS) == "objects.md#4-classes"
    assert page_about(QColorDialog(window), Panel.MASK) == "mask.md"


def test_a_file_is_chosen_with_the_documentation_beside(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "FEW_ICONS", questions.FEW_ICONS | QFileDialog.Option.DontUseNativeDialog)
    found: list[str] = []

    def use() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, QFileDialog)
        try:
            press(dialog, qtbot)
            dialog.clearFocus()
            found.append(read(window, qtbot))
            press(dialog, qtbot)  # and once more: one key, not two that are in doubt
            found.append(read(window, qtbot))
        finally:
            dialog.reject()

    QTimer.singleShot(0, use)
    assert questions.open_file(window.context, "Open", "All files (*)") is None
    assert found == ["files.md", "files.md"]
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window, timeout=10_000)
    assert read(window, qtbot) == INDEX  # it stays when the dialog has gone
