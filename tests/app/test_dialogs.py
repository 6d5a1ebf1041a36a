"""Batch, models and preferences in the real window."""

from __future__ import annotations

import gc
import json
import shutil
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from PySide6.QtCore import QEvent, QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QImage
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from sxtstudio.app import preferences, questions, theme
from sxtstudio.app.batch.dialog import BatchDialog
from sxtstudio.app.batch.sheet import SheetDialog
from sxtstudio.app.document.opening import open_path
from sxtstudio.app.help.about import AboutDialog
from sxtstudio.app.help.text import ShortcutsPage
from sxtstudio.app.help.tutorial import TutorialDialog
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.models.dialog import ModelsDialog
from sxtstudio.app.retrain.dialog import RetrainDialog
from sxtstudio.app.session import Busy
from sxtstudio.app.settings import Settings
from sxtstudio.app.states import Panel
from sxtstudio.app.widgets import outside
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.segment.registry import user_folder


@pytest.fixture(autouse=True)
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path / "data"))
    return user_folder()


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the user will answer; the questions asked are collected."""
    given: dict[str, Any] = {"ask": "", "asked": []}

    def ask(parent: object, title: str, text: str, buttons: tuple[str, ...], details: str = "") -> str:
        given["asked"].append(text)
        return str(given["ask"] or buttons[-1])

    monkeypatch.setattr(questions, "ask", ask)
    return given


def message_of(dialog: object, qtbot: QtBot) -> str:
    """Return the text of the error box over a dialog, and close it."""
    boxes = lambda: [b for b in dialog.findChildren(QMessageBox) if b.isVisible()]  # noqa: E731
    qtbot.waitUntil(lambda: bool(boxes()), timeout=5000)
    text = boxes()[0].text()
    boxes()[0].close()
    return text


@pytest.fixture
def batch(window: MainWindow, toy_model: Path, own_models: Path, qtbot: QtBot) -> BatchDialog:
    """The dialog of the batch, with the toy model chosen."""
    own_models.mkdir(parents=True)
    shutil.copy(toy_model, own_models / "toy.onnx")
    window.settings.set("segment/model", str(own_models / "toy.onnx"))
    window.actions_.by_name["tools.batch"].trigger()
    dialog: BatchDialog = window.context.dialogs.find(BatchDialog)
    fields = dialog.form.segment
    qtbot.waitUntil(lambda: fields.model.currentText() == "toy", timeout=5000)
    fields.use_device("cpu")
    return dialog


def test_batch_over_dropped_files_one_of_them_damaged(
    batch: BatchDialog, window: MainWindow, tomogram: Path, tmp_path: Path, qtbot: QtBot, answers
) -> None:
    folder = tmp_path / "day"
    folder.mkdir()
    for name in ("a.mrc", "b.mrc", "c.mrc"):
        shutil.copy(tomogram, folder / name)
    (folder / "b.mrc").write_bytes(tomogram.read_bytes()[:5000])
    (folder / "old.labels.tif").touch()  # a result is no tomogram

    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(folder))])
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    batch.table.dropEvent(QDropEvent(QPointF(5, 5), copy, data, left, none))
    assert [row.tomogram.name for row in batch.table.rows] == ["a.mrc", "b.mrc", "c.mrc"]

    assert not batch.isModal() and window.isEnabled()
    batch.start.click()
    assert not batch.start.isEnabled() and not batch.form.isEnabled() and batch.stop.isEnabled()
    qtbot.waitUntil(lambda: batch.job is None, timeout=20_000)
    assert [row.state for row in batch.table.rows] == ["done", "failed", "done"]
    assert batch.table.item(1, 5).text() == batch.table.rows[1].message != ""
    assert batch.table.item(0, 3).text().endswith(" %")
    assert "2 of 3 segmented, 1 failed" in batch.status.text()
    assert (folder / "a.labels.json").is_file() and (folder / "c.labels.tif").is_file()
    with Image.open(folder / "contact-sheet.png") as sheet:
        assert sheet.size == (2 * 330 + 10, 2 * 376 + 10)  # three panels in two rows
    assert batch.show_sheet.isEnabled()

    # Only what is not done runs again, and the sheet is gone on with.
    before = (folder / "a.labels.tif").stat().st_mtime_ns
    shutil.copy(tomogram, folder / "b.mrc")
    assert batch.start.text() == "Try again"
    batch.start.click()
    qtbot.waitUntil(lambda: batch.job is None, timeout=20_000)
    assert [row.state for row in batch.table.rows] == ["done"] * 3
    assert (folder / "a.labels.tif").stat().st_mtime_ns == before
    assert not (folder / "contact-sheet-2.png").exists()
    assert len(json.loads((folder / "batch.json").read_text())["tomograms"]) == 3

    # All done: it asks, and nothing is overwritten even then.
    answers["ask"] = "Segment again"
    batch.start.click()
    qtbot.waitUntil(lambda: batch.job is None, timeout=20_000)
    assert answers["asked"] and (folder / "a.labels.tif").stat().st_mtime_ns == before
    assert (folder / "a.labels-2.tif").is_file()


def test_axes_that_were_named_for_a_batch_can_be_named_anew(
    batch: BatchDialog, tomogram: Path, qtbot: QtBot, answers
) -> None:
    batch.form.sheet.setChecked(False)
    batch.add([tomogram])
    answers["ask"] = "Segment again"
    for axes, name in (("zyx-", "cell.mrc::axes=zyx-"), ("zy-x", "cell.mrc::axes=zy-x"), ("", "cell.mrc")):
        batch.form.axes.setText(axes)
        batch.begin()
        qtbot.waitUntil(lambda: batch.job is None, timeout=20_000)
        assert [(row.state, row.tomogram.name) for row in batch.table.rows] == [("done", name)]


def test_the_contact_sheet_is_shown_in_a_window_of_its_own(
    batch: BatchDialog, window: MainWindow, tomogram: Path, tmp_path: Path, qtbot: QtBot, monkeypatch
) -> None:
    def refuse(path: Path) -> bool:
        raise AssertionError(f"{path} is not for other programs")

    monkeypatch.setattr(outside, "open_outside", refuse)
    folder = tmp_path / "day"
    folder.mkdir()
    for name in ("a.mrc", "b.mrc", "c.mrc"):
        shutil.copy(tomogram, folder / name)
    batch.add([folder])
    batch.begin()
    qtbot.waitUntil(lambda: batch.job is None, timeout=20_000)
    batch.show_sheet.click()
    sheet: SheetDialog = window.context.dialogs.find(SheetDialog)
    qtbot.waitUntil(lambda: len(sheet.shown) == 1, timeout=5000)
    assert sheet.isVisible() and sheet.files == [folder / "contact-sheet.png"]
    sheet.full.setChecked(True)
    truth = np.asarray(Image.open(folder / "contact-sheet.png").convert("RGB"))
    picture = sheet.shown[0].pixmap().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), -1)
    assert np.array_equal(rows[:, : 3 * picture.width()].reshape(truth.shape), truth)
    sheet.full.setChecked(False)
    sheet.resize(500, 400)
    qtbot.waitUntil(lambda: sheet.shown[0].pixmap().width() < 500)
    sheet.show_sheets([tmp_path / "gone.png"])
    qtbot.waitUntil(lambda: "1 picture cannot be read" in sheet.note.text())


def test_the_batch_window_shows_its_own_progress(
    batch: BatchDialog, tomogram: Path, make_model, own_models: Path, qtbot: QtBot
) -> None:
    make_model(own_models / "toy.onnx", layers=6)
    assert batch.strip.isHidden()
    batch.add([tomogram])
    batch.begin()
    assert batch.strip.isVisible() and not batch.strip.cancel_button.isVisible()
    qtbot.waitUntil(lambda: batch.strip.bar.value() > 0 and " %" in batch.strip.text.text(), timeout=20_000)
    qtbot.waitUntil(lambda: batch.job is None, timeout=60_000)
    assert batch.strip.isHidden()


def test_batch_stops_and_goes_on(
    batch: BatchDialog, tomogram: Path, make_model, own_models: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    make_model(own_models / "toy.onnx", layers=6)
    out = tmp_path / "out"
    batch.form.place.setCurrentIndex(1)
    batch.form.folder.setText(str(out))
    batch.form.kind.setCurrentIndex(1)
    other = tmp_path / "other.mrc"
    shutil.copy(tomogram, other)
    batch.add([tomogram, other])
    batch.begin()
    qtbot.waitUntil(lambda: batch.table.rows[0].slices is not None, timeout=20_000)
    batch.stop.click()
    qtbot.waitUntil(lambda: batch.job is None, timeout=20_000)
    assert batch.table.rows[0].state == "stopped" and batch.table.rows[1].state == "waiting"
    assert batch.start.text() == "Go on"
    batch.begin()
    qtbot.waitUntil(lambda: batch.job is None, timeout=60_000)
    assert [row.state for row in batch.table.rows] == ["done", "done"]
    report = json.loads((out / "cell.labels.json").read_text())
    assert report["slices"]["kept_from_earlier_run"] >= 1


def test_batch_watches_a_folder(
    batch: BatchDialog, tomogram: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sxtstudio.workflow.jobs.watch.STABLE_S", 0.1)
    folder = tmp_path / "arriving"
    folder.mkdir()
    batch.watch_mode.setChecked(True)
    assert not batch._list_row.isVisible() and batch.folder.isVisible()
    batch.begin()
    assert "folder to watch" in message_of(batch, qtbot)
    batch.folder.setText(str(folder))
    batch.begin()
    shutil.copy(tomogram, folder / "new.mrc")
    qtbot.waitUntil(lambda: [r.state for r in batch.table.rows] == ["done"], timeout=20_000)
    assert tifffile.imread(folder / "new.labels.tif").shape == (6, 64, 80)
    batch.close()  # it works on, and the menu brings it back
    assert batch.job is not None
    batch.show()
    batch.stop.click()
    qtbot.waitUntil(lambda: batch.job is None, timeout=5000)


def test_batch_refuses_an_empty_list_and_a_busy_engine(batch: BatchDialog, tomogram: Path, qtbot) -> None:
    batch.begin()
    assert "list is empty" in message_of(batch, qtbot)
    batch.add([tomogram, tomogram])
    assert len(batch.table.rows) == 1
    batch._context.session.set_busy(Busy("Segment", EditKind.SEGMENT))
    batch.begin()
    assert "“Segment” is running" in message_of(batch, qtbot)
    batch._context.session.set_busy(None)
    batch.table.selectRow(0)
    qtbot.keyClick(batch.table, Qt.Key.Key_Delete)
    assert batch.table.rows == [] and batch.table.rowCount() == 0


@pytest.fixture
def models(window: MainWindow, qtbot: QtBot) -> ModelsDialog:
    """The dialog of the models, with what is installed."""
    window.actions_.by_name["tools.models"].trigger()
    dialog: ModelsDialog = window.context.dialogs.find(ModelsDialog)
    qtbot.waitUntil(lambda: dialog.list.count() > 0, timeout=5000)
    return dialog


def names(dialog: ModelsDialog) -> list[str]:
    return [dialog.list.item(n).text() for n in range(dialog.list.count())]


def test_card_of_the_first_shipped_model_is_shown_in_full(models: ModelsDialog) -> None:
    assert names(models) == ["compact  (default)"]
    text = " ".join(models.card.toPlainText().split())
    card = json.loads((Path(__file__).parents[2] / "models" / "compact.json").read_text())
    for told in (card["description"], card["trained_on"], *card["limits"], card["licence"], "8 to 35 nm"):
        assert " ".join(told.split()) in text
    real = f"{card['scores']['4 labelled real patches']['f1']:.2f}"
    assert card["sha256"] in text.replace(" ", "") and real in text and "MB" in text
    assert not models.remove_button.isEnabled() and not models.default_button.isEnabled()


def test_model_is_added_made_default_and_removed(
    models: ModelsDialog, window: MainWindow, toy_model: Path, own_models: Path, qtbot: QtBot, answers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(questions, "open_file", lambda *_: toy_model)
    models.add_button.click()
    qtbot.waitUntil(lambda: names(models) == ["compact  (default)", "toy"], timeout=10_000)
    assert (own_models / "toy.onnx").read_bytes() == toy_model.read_bytes()
    assert models.current is not None and models.current.name == "toy"
    assert "There is no card" in models.card.toPlainText()
    window.context.parts.side.show_panel(Panel.SEGMENT)
    choice = window.context.parts.segment.form.model
    qtbot.waitUntil(lambda: choice.findText("toy") >= 0 and choice.currentText() == "compact", timeout=5000)
    models.default_button.click()
    qtbot.waitUntil(lambda: names(models) == ["compact", "toy  (default)"], timeout=5000)
    assert window.settings.get("model", "") == "toy" and choice.currentText() == "toy"
    models.remove_button.click()  # answered with "Cancel"
    assert (own_models / "toy.onnx").is_file()
    answers["ask"] = "Delete"
    models.remove_button.click()
    qtbot.waitUntil(lambda: names(models) == ["compact  (default)"], timeout=5000)
    assert not (own_models / "toy.onnx").exists() and window.settings.get("model", "") == ""


def test_bad_model_is_refused(models: ModelsDialog, tmp_path: Path, own_models: Path, qtbot: QtBot) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no model at all")
    models.add_file(bad)
    assert "bad.onnx" in message_of(models, qtbot)
    assert not own_models.exists() and models.add_button.isEnabled()


def test_another_model_of_a_name_is_replaced_only_after_asking(
    models: ModelsDialog, make_model, tmp_path: Path, own_models: Path, qtbot: QtBot, answers
) -> None:
    first, second = make_model(tmp_path / "mine.onnx"), tmp_path / "new" / "mine.onnx"
    second.parent.mkdir()
    make_model(second, layers=1)
    models.add_file(first)
    qtbot.waitUntil(lambda: len(names(models)) == 2, timeout=10_000)
    models.add_file(second)
    qtbot.waitUntil(lambda: bool(answers["asked"]), timeout=10_000)
    assert (own_models / "mine.onnx").read_bytes() == first.read_bytes()
    answers["ask"] = "Replace"
    models.add_file(second)
    new = second.read_bytes()
    qtbot.waitUntil(lambda: (own_models / "mine.onnx").read_bytes() == new, timeout=10_000)
    qtbot.waitUntil(models.add_button.isEnabled, timeout=5000)


def test_preferences_take_effect(window: MainWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    applied: list[str] = []
    monkeypatch.setattr(theme, "apply", lambda app, scheme: applied.append(scheme))
    monkeypatch.setattr(questions, "save_into_folder", lambda *_: tmp_path)
    window.settings.set("recent", ["a", "b"])
    window.actions_.by_name["tools.preferences"].trigger()
    dialog: preferences.PreferencesDialog = window.context.dialogs.find(preferences.PreferencesDialog)
    dialog.theme.setCurrentIndex(dialog.theme.findData("light"))
    assert applied == ["light"] and window.settings.get("theme", "") == "light"
    dialog.undo.setValue(1024)
    assert window.session.history.budget_bytes == 1024 << 20
    again = MainWindow(window.settings)
    assert again.session.history.budget_bytes == 1024 << 20
    again.close()
    dialog.unit.setCurrentIndex(dialog.unit.findData("µm"))
    assert window.settings.get("unit", "") == "µm" and window.session.unit == "µm"
    dialog.choose.click()
    assert window.settings.get("work_folder", "") == str(tmp_path) and str(tmp_path) in dialog.folder.text()
    dialog.usual.click()
    assert window.settings.get("work_folder", "") == ""
    dialog.recent.click()
    assert window.settings.recent == [] and not dialog.recent.isEnabled()


def test_retraining_opens_from_the_menu(window: MainWindow) -> None:
    action = window.actions_.by_name["tools.retrain"]
    assert action.isEnabled()
    action.trigger()
    dialog = window.context.dialogs.find(RetrainDialog)
    assert dialog.isVisible() and not dialog.isModal() and window.isEnabled()


def test_window_and_batch_segment_one_after_the_other(
    batch: BatchDialog, sample: MainWindow, tomogram: Path, make_model, own_models: Path, qtbot: QtBot
) -> None:
    make_model(own_models / "toy.onnx", layers=6)
    batch.add([tomogram])
    batch.begin()
    qtbot.waitUntil(lambda: batch.table.rows[0].slices is not None, timeout=20_000)
    segment = sample.context.parts.segment
    with pytest.raises(UserError, match="batch is segmenting"):
        segment.start()
    assert sample.session.busy is None
    batch.stop.click()
    qtbot.waitUntil(lambda: batch.job is None, timeout=20_000)


def test_double_click_opens_the_tomogram(
    batch: BatchDialog, window: MainWindow, tomogram: Path, qtbot
) -> None:
    batch.add([tomogram])
    with qtbot.waitSignal(window.session.document_changed, timeout=20_000):
        batch.table.cellDoubleClicked.emit(0, 0)
    assert window.session.document is not None and window.session.document.shape == (6, 64, 80)


def test_batch_goes_on_while_another_tomogram_is_opened(
    batch: BatchDialog, window: MainWindow, tomogram: Path, make_model, own_models: Path, qtbot, answers
) -> None:
    make_model(own_models / "toy.onnx", layers=6)
    batch.add([tomogram])
    batch.begin()
    qtbot.waitUntil(lambda: batch.table.rows[0].slices is not None, timeout=20_000)
    with qtbot.waitSignal(window.session.document_changed, timeout=20_000):
        open_path(window.context, tomogram)
    assert batch.job is not None and not answers["asked"]
    batch.stop.click()
    qtbot.waitUntil(lambda: batch.job is None, timeout=20_000)


def test_window_with_all_dialogs_open_leaves_nothing(settings: Settings, qtbot: QtBot) -> None:
    gone = []
    for _ in range(2):
        window = MainWindow(settings)
        window.show()
        for name in ("tools.batch", "tools.models", "tools.retrain", "tools.preferences"):
            window.actions_.by_name[name].trigger()
        for name in ("help.tutorial", "help.shortcuts", "help.about"):
            window.actions_.by_name[name].trigger()
        kinds = (BatchDialog, ModelsDialog, RetrainDialog, TutorialDialog, ShortcutsPage, AboutDialog)
        dialogs = [window.context.dialogs.find(kind) for kind in (*kinds, preferences.PreferencesDialog)]
        qtbot.waitUntil(lambda w=window: not w.jobs.running, timeout=20_000)
        window.close()
        assert not any(dialog.isVisible() for dialog in dialogs)
        window.deleteLater()
        gone += [weakref.ref(part) for part in (window, window.context.parts.job_bar, *dialogs)]
        del window, dialogs
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.processEvents()
    gc.collect()
    assert [type(ref()).__name__ for ref in gone if ref() is not None] == []


def test_icons_follow_dark_and_light(batch: BatchDialog, tomogram: Path) -> None:
    batch.add([tomogram])
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    former = app.palette(), app.style().objectName(), app.styleSheet()
    seen = []
    try:
        for scheme in ("dark", "light"):
            theme.apply(app, scheme)
            QApplication.processEvents()
            for icon in (batch.add_files.icon(), batch.table.item(0, 1).icon()):
                image = icon.pixmap(32, 32).toImage()
                spots = [image.pixelColor(x, y) for x in range(32) for y in range(32)]
                seen.append(max((c.alpha(), c.lightness()) for c in spots)[1])
    finally:
        app.styleHints().unsetColorScheme()
        app.setPalette(former[0])
        app.setStyle(former[1])
        app.setStyleSheet(former[2])
    assert min(seen[:2]) > 150 and max(seen[2:]) < 110  # light on dark, dark on light
