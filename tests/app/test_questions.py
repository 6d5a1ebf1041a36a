"""The questions themselves."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import mrcfile
import numpy as np
import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from sxtstudio.app import questions
from sxtstudio.app.document import closing, saving
from sxtstudio.app.main_window import MainWindow
from sxtstudio.workflow.document.project import adopt, save, snapshot

SAMPLE = Path(__file__).resolve().parents[2] / "resources" / "sample.tif"
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

    def dialog(parent: object, title: str, start: str, *_: object, **__: object) -> tuple[str, str]:
        found.append(Path(start))
        return "", ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", dialog)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", dialog)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args, **_: dialog(*args)[0])
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
    window.context.settings.set_save_target(inner)
    questions.open_file(window.context, "Open", "All files (*)")
    questions.open_folder(window.context, "Open")
    questions.save_file(window.context, "Export", "cells.zarr", "Zarr (*.zarr)")
    assert proposed == [tmp_path, tmp_path, tmp_path / "cells-2.zarr"]


def test_a_folder_is_remembered_for_saving_once_something_was_saved_there(
    window: MainWindow, tmp_path: Path, proposed: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, data = window.context, tmp_path / "data"
    documents = Path(context.settings.save_folder())

    def choose(path: Path) -> None:
        with monkeypatch.context() as inner:
            inner.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (str(path), ""))
            assert questions.save_file(context, "Save", "a.csv", "CSV (*.csv)") == path

    def propose() -> Path:
        questions.save_file(context, "Save", "a.csv", "CSV (*.csv)")
        return proposed[-1].parent

    data.mkdir()
    context.settings.set_folder(data / "cell.mrc")  # was opened, or is only about to be
    assert propose() == documents and not documents.is_relative_to(tmp_path)
    for folder in (tmp_path / "full", tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
    choose(tmp_path / "full" / "a.csv")
    assert propose() == documents  # nothing could be written there
    choose(tmp_path / "one" / "a.csv")
    (tmp_path / "one" / "a.csv").write_text("1")
    assert propose() == tmp_path / "one"
    choose(tmp_path / "two" / "a.csv")
    assert propose() == tmp_path / "one"  # a job is still writing it
    (tmp_path / "two" / "a.csv").write_text("1")
    context.settings.sync()  # as when the window closes
    assert context.settings.get("save_folder", "") == str(tmp_path / "two")
    assert Path(context.settings.folder()) == data


def test_the_first_thing_is_saved_beside_what_is_open(
    sample: MainWindow, open_file: Callable[[Path], MainWindow], tmp_path: Path, proposed: list[Path]
) -> None:
    context = sample.context
    documents = Path(context.settings.save_folder())

    def propose() -> Path:
        questions.save_file(context, "Save", "a.csv", "CSV (*.csv)")
        return proposed[-1].parent

    assert propose() == documents, "nobody looks for files among those of the program"
    (tmp_path / "data").mkdir()
    with mrcfile.new(tmp_path / "data" / "cell.mrc") as file:
        file.set_data(np.random.default_rng(0).normal(size=(4, 30, 30)).astype(np.float32))
    open_file(tmp_path / "data" / "cell.mrc")
    assert propose() == tmp_path / "data"
    (tmp_path / "work").mkdir()
    document = context.session.document
    adopt(document, save(snapshot(document), tmp_path / "work" / "cell.sxt"))
    assert propose() == tmp_path / "work"


def tomogram_in(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    with mrcfile.new(folder / "cell.mrc") as file:
        file.set_data(np.random.default_rng(0).normal(size=(4, 30, 30)).astype(np.float32))
    return folder / "cell.mrc"


def test_dialogs_for_saving_begin_beside_what_is_open_unless_something_was_saved_elsewhere(
    window: MainWindow, open_file: Callable[[Path], MainWindow], tmp_path: Path, proposed: list[Path]
) -> None:
    context = window.context
    one, two, results = tmp_path / "one", tmp_path / "two", tmp_path / "results"
    results.mkdir()

    def write(folder: Path) -> None:
        questions.saves_to(context, folder / "a.csv")
        (folder / "a.csv").write_text("1")

    def propose() -> Path:
        questions.save_file(context, "Save", "a.txt", "Text (*.txt)")
        questions.save_into_folder(context, "Where to make a folder")
        assert proposed[-2].parent == proposed[-1]
        return proposed[-1]

    open_file(tomogram_in(one))
    write(one)
    open_file(tomogram_in(two))
    assert propose() == two, "beside the first one was no choice of a folder"
    write(results)
    assert propose() == results
    open_file(one / "cell.mrc")
    assert propose() == results, "who has a folder for all results keeps it"
    write(one)
    open_file(two / "cell.mrc")
    assert propose() == two
    write(results)
    shutil.rmtree(results)  # or a disk was taken out
    assert propose() == two


def test_dialogs_for_opening_begin_beside_what_was_opened_last_in_whatever_way(
    window: MainWindow, open_file: Callable[[Path], MainWindow], tmp_path: Path, proposed: list[Path]
) -> None:
    context = window.context

    def propose(apart: questions.OwnFolder | None = None) -> Path:
        questions.open_file(context, "Open", "All files (*)", apart)
        return proposed[-1]

    open_file(tomogram_in(tmp_path / "one"))  # as by a double click: no dialog has asked for it
    assert propose() == propose(questions.OwnFolder.MODELS) == tmp_path / "one"
    questions.open_folder(context, "Open")
    assert proposed[-1] == tmp_path / "one"
    (tmp_path / "downloads").mkdir()
    context.settings.set_folder(tmp_path / "downloads" / "model.onnx", questions.OwnFolder.MODELS)
    assert propose(questions.OwnFolder.MODELS) == tmp_path / "downloads"
    assert propose() == tmp_path / "one", "the work does not lie where models do"
    open_file(SAMPLE)
    assert propose() == tmp_path / "one", "nobody looks for files among those of the program"
    shutil.rmtree(tmp_path / "one")
    assert propose() not in (tmp_path / "one", SAMPLE.parent) and propose().is_dir()


def test_a_dataset_in_a_file_lies_where_the_file_does(
    window: MainWindow, open_file: Callable[[Path], MainWindow], tmp_path: Path, proposed: list[Path]
) -> None:
    (tmp_path / "data").mkdir()
    with h5py.File(tmp_path / "data" / "cell.h5", "w") as file:
        file["entry/one"] = np.random.default_rng(0).normal(size=(4, 30, 30)).astype(np.float32)
        file["entry/two"] = file["entry/one"][...]
    open_file(tmp_path / "data" / "cell.h5::/entry/two")
    questions.save_file(window.context, "Save", "a.csv", "CSV (*.csv)")
    questions.open_file(window.context, "Open", "All files (*)")
    assert proposed == [tmp_path / "data" / "a.csv", tmp_path / "data"]


def test_the_folder_of_results_is_made_beside_the_tomogram_and_looked_for_there(
    window: MainWindow, open_file: Callable[[Path], MainWindow], tmp_path: Path, proposed: list[Path]
) -> None:
    open_file(tomogram_in(tmp_path / "data"))
    (tmp_path / "elsewhere").mkdir()
    window.context.settings.set_folder(tmp_path / "elsewhere" / "other.mrc")
    window.actions_.by_name["file.export_results"].trigger()
    window.actions_.by_name["file.check_results"].trigger()
    assert proposed == [tmp_path / "data", tmp_path / "data"]


def test_every_dialog_for_files_begins_by_these_rules() -> None:
    """Nobody else asks for files or folders."""
    asking = re.compile(r"QFileDialog\.get|QFileDialog\(")
    app = Path(questions.__file__).parent
    found = {path.name for path in app.rglob("*.py") if asking.search(path.read_text(encoding="utf-8"))}
    assert found == {"questions.py"}


@pytest.mark.skipif(sys.platform != "linux", reason="these are folders of Linux")
@pytest.mark.parametrize("folder", ["/proc", "/proc/1/fd", "/sys/kernel", "/dev"])
def test_no_dialog_begins_among_the_files_of_the_system(
    window: MainWindow, proposed: list[Path], folder: str
) -> None:
    """Also where an older version has stored such a folder."""
    settings = window.context.settings
    for name in ("folder", "save_folder"):
        settings.set(name, folder)
    questions.open_file(window.context, "Open", "All files (*)")
    questions.save_file(window.context, "Save", "a.csv", "CSV (*.csv)")
    assert not any(path.is_relative_to("/" + folder.split("/")[1]) for path in proposed)


def test_an_answer_about_a_document_that_is_gone_by_then_is_asked_for_anew(
    sample: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another question may have been answered meanwhile: work is neither thrown away nor saved for it."""
    session, asked, gone = sample.session, [], []
    document = session.document
    assert document is not None
    document.modified = True

    def ask(parent: object, title: str, text: str, *rest: object) -> questions.Answer:
        asked.append(text)
        document.modified = False
        session.show(None)
        return questions.Answer.DISCARD

    monkeypatch.setattr(questions, "ask", ask)
    closing.settle(sample.context, gone.append)
    assert len(asked) == 1 and gone == [False]
