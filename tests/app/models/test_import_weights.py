"""Importing published weights in the real window, with a network of base width 4."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from sxtstudio.app import questions
from sxtstudio.app.help.reader import Documentation
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.models.dialog import ModelsDialog
from sxtstudio.app.models.import_weights import ImportDialog
from sxtstudio.segment.registry import user_folder
from sxtstudio.workflow.jobs import importing

FIXTURE = Path(__file__).parents[2] / "data" / "deep_sxt_m4"
A_WHILE = 120_000  # beside other tests


@pytest.fixture(autouse=True)
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path / "data"))
    return user_folder()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The weights as they are published, two files in one folder; returns the weights."""
    shutil.copy(FIXTURE / "model_config.json", tmp_path / "model_config_semisupervised_2023_02.json")
    return Path(shutil.copy(FIXTURE / "weights.h5", tmp_path / "weights_semisupervised_2023_02.h5"))


@pytest.fixture
def dialog(window: MainWindow, qtbot: QtBot) -> ImportDialog:
    window.actions_.by_name["tools.models"].trigger()
    models = window.context.dialogs.find(ModelsDialog)
    qtbot.waitUntil(lambda: models.list.count() > 0, timeout=5000)
    models.import_button.click()
    dialog: ImportDialog = window.context.dialogs.find(ImportDialog)
    return dialog


def message_of(dialog: ImportDialog, qtbot: QtBot, timeout: int = 5000) -> str:
    boxes = lambda: [b for b in dialog.findChildren(QMessageBox) if b.isVisible()]  # noqa: E731
    qtbot.waitUntil(lambda: bool(boxes()), timeout=timeout)
    text = boxes()[0].text()
    boxes()[0].close()
    return text


def test_weights_are_imported_beside_a_usable_window(
    dialog: ImportDialog, window: MainWindow, files: Path, own_models: Path, qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(questions, "open_file", lambda *_: files)
    dialog.weights_button.click()
    assert dialog.config.text().endswith("model_config_semisupervised_2023_02.json")
    assert dialog.name.text() == "deep-sxt-2023-02"
    dialog.start_button.click()
    assert dialog.running and dialog.bar.isVisible() and not dialog.start_button.isEnabled()
    assert dialog.close_button.text() == "Cancel" and window.isEnabled()
    models = window.context.dialogs.find(ModelsDialog)
    names = lambda: [models.list.item(n).text() for n in range(models.list.count())]  # noqa: E731
    qtbot.waitUntil(lambda: "deep-sxt-2023-02" in names(), timeout=A_WHILE)
    assert models.current.name == "deep-sxt-2023-02" and models.current.base_width == 4
    assert not dialog.running and "was added" in dialog.remark.text()
    assert len(list(own_models.iterdir())) == 2
    asked = []
    monkeypatch.setattr(questions, "ask", lambda *words, **_: asked.append(words[2]) or "Cancel")
    dialog.start_button.click()  # the name is taken now
    assert "Replace it?" in asked[0] and not dialog.running


@pytest.mark.parametrize("form", ["{}", " {}\n", '"{}"', "'{}'", "file://{}"])
def test_a_path_may_be_typed_or_pasted(dialog: ImportDialog, files: Path, qtbot: QtBot, form: str) -> None:
    QApplication.clipboard().setText(form.format(files))
    dialog.weights.setFocus()
    dialog.weights.paste()
    qtbot.keyClick(dialog.weights, Qt.Key.Key_Tab)
    dialog.weights.editingFinished.emit()
    assert dialog.weights.text() == str(files) and dialog.name.text() == "deep-sxt-2023-02"
    assert dialog.config.text() == str(files.parent / "model_config_semisupervised_2023_02.json")
    dialog.config.setText(str(files.parent / "model_config_of_mine.json"))
    dialog.weights.editingFinished.emit()
    assert dialog.config.text().endswith("of_mine.json")  # what was chosen since stays


def test_a_path_that_is_wrong_is_a_sentence(dialog: ImportDialog, files: Path, qtbot: QtBot) -> None:
    dialog.set_weights(files)
    dialog.weights.clear()
    qtbot.keyClicks(dialog.weights, str(files.parent / "nothing.h5"))
    dialog.start_button.click()
    assert f"There is no file {files.parent / 'nothing.h5'}" in message_of(dialog, qtbot)
    assert not dialog.running


def test_weights_that_do_not_fit_add_nothing(
    dialog: ImportDialog, files: Path, own_models: Path, qtbot: QtBot
) -> None:
    dialog.set_weights(files)
    Path(dialog.config.text()).write_text(json.dumps({"m_f": 8}))
    dialog.start_button.click()
    remark = message_of(dialog, qtbot, A_WHILE)
    assert "encoder.stem.0" in remark and "sxtstudio:" not in remark
    assert not dialog.running and dialog.start_button.isEnabled() and not own_models.exists()


def test_what_is_missing_is_asked_for(
    dialog: ImportDialog, files: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog.start_button.click()
    assert "weights file" in message_of(dialog, qtbot)
    next(files.parent.glob("*.json")).rename(files.with_name("settings.json"))
    dialog.set_weights(files)
    assert "choose it" in dialog.remark.text()
    dialog.start_button.click()
    assert "configuration" in message_of(dialog, qtbot)
    monkeypatch.setattr(questions, "open_file", lambda *_: files.with_name("settings.json"))
    dialog.config_button.click()
    dialog.name.setText("no/name")
    dialog.start_button.click()
    assert "no name for a model" in message_of(dialog, qtbot)


def test_an_import_can_be_cancelled(
    dialog: ImportDialog, files: Path, own_models: Path, tmp_path: Path, qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    started = tmp_path / "started"
    code = f"import pathlib, time; pathlib.Path({str(started)!r}).touch(); time.sleep(300)"
    monkeypatch.setattr(importing, "import_command", lambda *_, **__: [sys.executable, "-c", code])
    dialog.set_weights(files)
    dialog.start_button.click()
    qtbot.waitUntil(started.exists, timeout=20_000)
    dialog.close_button.click()
    qtbot.waitUntil(lambda: not dialog.running, timeout=20_000)
    assert "Nothing was added" in dialog.remark.text() and not own_models.exists()
    assert dialog.close_button.text() == "Close"


def test_the_help_page_names_the_places(dialog: ImportDialog, window: MainWindow) -> None:
    dialog.where_button.click()
    text = window.context.dialogs.find(Documentation).page.toPlainText()
    for remark in (
        "10.17169/refubium-37222",
        "weights_semisupervised_2023_02.h5",
        "weights_semisupervised_2021_05.h5",
        "model_config_semisupervised_2021_05.json",
    ):
        assert remark in text
    page = window.context.dialogs.find(Documentation).page.toHtml()
    for address in (
        "https://github.com/noegroup/deep_sxt/tree/main/network_params",
        "https://ftp.mi.fu-berlin.de/pub/cmb-data/deep_sxt/weights_semisupervised_2021_05.h5",
    ):
        assert f'href="{address}"' in page, "a link to click, not words to type"
