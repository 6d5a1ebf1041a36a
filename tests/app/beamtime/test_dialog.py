"""The wall in the real window: tomograms arrive, are shown, judged and opened; a restart finds them again."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from sxtstudio.app import questions
from sxtstudio.app.beamtime import dialog as module
from sxtstudio.app.beamtime.dialog import BeamtimeDialog
from sxtstudio.app.beamtime.model import Order
from sxtstudio.app.beamtime.wall import colour_of
from sxtstudio.app.jobs.long_run import check_free, check_not_segmenting
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.session import Busy
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.lock import FolderLock
from sxtstudio.io.fingerprint import fingerprint
from sxtstudio.segment.registry import user_folder
from sxtstudio.workflow.beamtime import pictures
from sxtstudio.workflow.beamtime.record import PictureKind, RecordFolder, TomogramState, record_for
from sxtstudio.workflow.beamtime.status import Activity, Status
from sxtstudio.workflow.beamtime.summary import TomogramMark
from sxtstudio.workflow.jobs import watch
from sxtstudio.workflow.jobs.watch import signature_of
from sxtstudio.workflow.jobs.watching import run_watch


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    errors: list[Exception] = []
    monkeypatch.setattr(module, "show_error", lambda parent, error, title: errors.append(error))
    return errors


@pytest.fixture
def folder(tomogram: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    shutil.copy(tomogram, folder / "first.mrc")
    return folder


@pytest.fixture
def beamtime(
    window: MainWindow, toy_model: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, shown
) -> BeamtimeDialog:
    """The dialog with the toy model chosen; the 3D picture is drawn by other tests."""
    for variable in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path / "data"))
    monkeypatch.setattr(watch, "STABLE_S", 0.02)
    monkeypatch.setattr(watch, "GIVE_UP_S", 0.1)
    monkeypatch.setitem(run_watch.__kwdefaults__, "poll_s", 0.05)
    monkeypatch.setattr(pictures, "_write_surface", lambda *args: False)
    user_folder().mkdir(parents=True)
    shutil.copy(toy_model, user_folder() / "toy.onnx")
    window.actions_.by_name["tools.beamtime"].trigger()
    dialog = window.context.dialogs.find(BeamtimeDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.form.batch.segment.ready, timeout=20_000)
    model = dialog.form.batch.segment.model
    model.setCurrentIndex(model.findData(str(user_folder() / "toy.onnx")))
    return dialog


def test_a_model_that_is_none_is_said_before_the_page_is_made(
    beamtime: BeamtimeDialog, folder: Path, qtbot: QtBot, shown
) -> None:
    beamtime.form.watched.setText(str(folder))
    beamtime.form.watched.editingFinished.emit()
    (user_folder() / "toy.onnx").write_bytes(b"")
    beamtime.start.click()
    qtbot.waitUntil(lambda: beamtime.job is None and shown != [], timeout=20_000)
    assert "toy.onnx" in str(shown[0]) and [path.name for path in folder.iterdir()] == ["first.mrc"]


def test_tomograms_arrive_on_the_wall(
    beamtime: BeamtimeDialog, window: MainWindow, folder: Path, tomogram: Path, qtbot: QtBot, shown
) -> None:
    form = beamtime.form
    assert not beamtime.start.isEnabled() and "Choose the folder to watch" in beamtime.headline.text()
    assert "folder to watch" in beamtime.start.toolTip() and beamtime.tabs.currentIndex() == 2
    form.watched.setText(str(folder))
    form.watched.editingFinished.emit()
    assert form.page.text() == str(folder / "beamtime")
    assert not beamtime.isModal() and window.isEnabled()
    beamtime.start.click()
    assert not beamtime.start.isEnabled() and not form.isEnabled() and beamtime.stop.isEnabled()

    def done() -> list[str]:
        return [record.name for record in records_of(beamtime) if record.state is TomogramState.DONE]

    qtbot.waitUntil(lambda: done() == ["first.mrc"], timeout=30_000)
    (folder / "bad.mrc").write_bytes(tomogram.read_bytes()[:20_000])
    shutil.copy(tomogram, folder / "second.mrc")
    qtbot.waitUntil(lambda: len(records_of(beamtime)) == 3 and len(done()) == 2, timeout=30_000)
    qtbot.waitUntil(
        lambda: {r.state for r in records_of(beamtime)} == {TomogramState.DONE, TomogramState.FAILED},
        timeout=30_000,
    )
    qtbot.waitUntil(lambda: beamtime.status.doing is Activity.LOOKING, timeout=10_000)
    qtbot.waitUntil(lambda: beamtime.sieve.kinds.button(2).text() == "Failed 1", timeout=5_000)
    with pytest.raises(UserError) as refused:
        check_free(window.context, "batch")
    said = f"“Beamtime (folder {folder.name})” is running, which goes on until it is stopped. Press Stop"
    assert str(refused.value).startswith(said) and "Wait" not in str(refused.value)
    beamtime.job.segments = True
    with pytest.raises(UserError, match="The beamtime is segmenting a tomogram now"):
        check_not_segmenting(window.context)
    beamtime.job.segments = False

    beamtime.sieve.kinds.button(2).click()
    assert beamtime.model.rowCount() == 1
    beamtime.wall.setFocus()
    qtbot.keyClick(beamtime.wall, Qt.Key.Key_Home)
    beamtime.wall.setCurrentIndex(beamtime.model.index(0))
    assert beamtime.details.name.text() == "bad.mrc"
    assert "Failed" in beamtime.details.text.toPlainText()
    beamtime.sieve.kinds.button(0).click()
    beamtime.tabs.setCurrentIndex(1)
    assert beamtime.days.table.columnCount() == 1 and beamtime.days.table.item(0, 0).text() == "3"

    beamtime.stop.click()
    qtbot.waitUntil(lambda: beamtime.job is None, timeout=20_000)
    assert beamtime.status.doing is Activity.STOPPED and beamtime.start.isEnabled()
    assert (folder / "beamtime" / "index.html").is_file() and (folder / "beamtime" / "beamtime.pdf").is_file()
    assert shown == []

    first = next(r for r in records_of(beamtime) if r.name == "first.mrc")
    row = beamtime.model.row_of(first.id)
    with qtbot.waitSignal(window.session.document_changed, timeout=20_000):
        beamtime.wall.activated.emit(beamtime.model.index(row))
    assert window.session.document.source == str(folder / "first.mrc")
    expected = tifffile.imread(folder / "first.labels.tif") != 0
    document = window.session.document
    qtbot.waitUntil(
        lambda: document.labels is not None and np.array_equal(np.asarray(document.labels) != 0, expected),
        timeout=20_000,
    )
    assert beamtime.windowHandle().transientParent() is None, "the window may come in front of it"


def test_it_is_said_that_a_tomogram_waits_for_other_work(
    beamtime: BeamtimeDialog, window: MainWindow, tmp_path: Path, tomogram: Path, qtbot: QtBot
) -> None:
    watched = tmp_path / "watched"
    watched.mkdir()
    beamtime.form.watched.setText(str(watched))
    beamtime.form.watched.editingFinished.emit()
    beamtime.begin()
    qtbot.waitUntil(lambda: (watched / "beamtime" / "now.js").is_file(), timeout=10_000)
    window.session.set_busy(Busy("Finding objects", EditKind.FIND_OBJECTS))
    shutil.copy(tomogram, watched / "first.mrc")
    qtbot.waitUntil(lambda: "“Finding objects” is running" in beamtime.headline.text(), timeout=20_000)
    assert beamtime.headline.text().startswith("1 tomogram waits. ")
    colours = {colour_of(mark, beamtime.palette()).name() for mark in (TomogramMark.GOOD, TomogramMark.BAD)}
    assert not any(colour in beamtime.headline.dot.styleSheet() for colour in colours)
    window.session.set_busy(None)
    qtbot.waitUntil(lambda: "Finding" not in beamtime.headline.text(), timeout=20_000)
    beamtime.stop.click()
    qtbot.waitUntil(lambda: beamtime.job is None, timeout=20_000)


def test_a_file_that_has_taken_the_place_of_another_is_not_shown_in_its_stead(
    beamtime: BeamtimeDialog, window: MainWindow, folder: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card is of the former file, even where program and page did not hear of the change."""
    path = folder / "first.mrc"
    record = replace(record_for(path, fingerprint(path), signature_of(path)), state=TomogramState.DONE)
    beamtime.model.show_all([record])
    path.write_bytes(path.read_bytes()[:-4] + b"\1\2\3\4")
    asked: list[str] = []
    answer = ["Cancel"]

    def ask(parent: object, title: str, text: str, *_: object, **more: object) -> str:
        assert more["default"] == "Cancel"
        asked.append(text)
        return answer[0]

    monkeypatch.setattr(questions, "ask", ask)
    beamtime.wall.opened.emit(record)
    qtbot.waitUntil(lambda: bool(asked) and not window.jobs.running, timeout=20_000)
    assert "Another file is called first.mrc now" in asked[0] and window.session.document is None
    answer[0] = "Open the other file"
    with qtbot.waitSignal(window.session.document_changed, timeout=20_000):
        beamtime.wall.opened.emit(record)
    again = record_for(path, fingerprint(path), signature_of(path))
    beamtime.model.take(replace(again, state=TomogramState.DONE))
    with qtbot.waitSignal(window.session.document_changed, timeout=20_000):
        beamtime.wall.opened.emit(beamtime.model.records[again.id])
    assert len(asked) == 2, "the file of the card itself opens without a question"


def test_a_killed_run_is_not_in_work_and_another_window_is_not_stopped(
    beamtime: BeamtimeDialog, make_page, qtbot: QtBot
) -> None:
    page = make_page(3)
    folder = RecordFolder(page)
    record = next(iter(folder))
    folder.write(replace(record, state=TomogramState.RUNNING))
    lock = FolderLock(page)
    beamtime.form.page.setText(str(page))
    beamtime.show_page()
    qtbot.waitUntil(lambda: beamtime.status.doing is Activity.ELSEWHERE, timeout=20_000)
    assert beamtime.model.records[record.id].state is TomogramState.RUNNING
    assert "Another window" in beamtime.headline.text() or not beamtime.form.watched.text()
    lock.release()
    beamtime._look_again()
    qtbot.waitUntil(lambda: beamtime.status.doing is Activity.STOPPED, timeout=20_000)
    assert beamtime.model.records[record.id].state is TomogramState.WAITING


def test_all_fits_a_small_screen_and_an_empty_wall_says_why(
    beamtime: BeamtimeDialog, make_page, qtbot: QtBot
) -> None:
    beamtime.form.page.setText(str(make_page(3)))
    beamtime.show_page()
    qtbot.waitUntil(lambda: beamtime.model.rowCount() == 3, timeout=20_000)
    beamtime.wall.setCurrentIndex(beamtime.model.index(1))
    for tab in range(3):
        beamtime.tabs.setCurrentIndex(tab)
        assert beamtime.layout().totalHeightForWidth(1100) < 650
    high = beamtime.splitter.y()
    beamtime.job = beamtime._context.jobs.start("x", lambda job: None, kind=module.JobKind.ELSEWHERE)
    beamtime._show_now(Status(Activity.WORKING, "a.mrc", "segmenting", 0.5))
    beamtime.layout().activate()
    assert beamtime.headline.bar.isVisible() and beamtime.splitter.y() == high, "the wall stays where it is"
    beamtime.job = None
    beamtime.sieve.search.setText("no such word")
    assert "None of 3 tomograms" in beamtime.wall.why_empty and beamtime.details.record is None


def test_enter_presses_the_button_that_has_the_focus(beamtime: BeamtimeDialog, qtbot: QtBot) -> None:
    pressed: list[str] = []
    beamtime.close_button.clicked.connect(lambda: pressed.append("close"))
    beamtime.activateWindow()
    beamtime.close_button.setFocus()
    qtbot.keyClick(beamtime.close_button, Qt.Key.Key_Return)
    assert pressed == ["close"] and not beamtime.isVisible()


def records_of(dialog: BeamtimeDialog):
    return list(dialog.model.records.values())


def test_an_earlier_beamtime_is_shown_before_it_goes_on(
    beamtime: BeamtimeDialog, make_page, tmp_path: Path, qtbot: QtBot
) -> None:
    page = make_page(40)
    beamtime.form.page.setText(str(page))
    beamtime.form.page.editingFinished.emit()
    qtbot.waitUntil(lambda: beamtime.model.rowCount() == 40, timeout=20_000)
    assert beamtime.open_page.isEnabled() and beamtime.save_pdf.isEnabled()
    beamtime.wall.setCurrentIndex(beamtime.model.index(5))
    chosen = beamtime.details.record
    beamtime.sieve.order.setCurrentIndex(2)
    assert beamtime.details.record == chosen, "sorting keeps what is chosen"
    assert beamtime.model.record(beamtime.wall.currentIndex()) == chosen
    asked = beamtime.thumbnails._kept
    qtbot.waitUntil(lambda: len(asked) > 3, timeout=10_000)
    cards = sum(edge < 400 for _, edge in asked)
    assert cards < 40, "only cards that are seen are read"


def test_names_of_strangers_are_no_markup(beamtime: BeamtimeDialog, make_page, qtbot: QtBot) -> None:
    page = make_page(1, "<img src=x> & <b>bold.mrc")
    beamtime.form.page.setText(str(page))
    beamtime.show_page()
    qtbot.waitUntil(lambda: beamtime.model.rowCount() == 1, timeout=20_000)
    beamtime.wall.setCurrentIndex(beamtime.model.index(0))
    text = beamtime.details.text.toPlainText()
    assert "Labels" in text and "<img src=x> & <b>bold.mrc.labels.tif" in text


def test_a_pdf_is_written_where_it_is_wanted(
    beamtime: BeamtimeDialog, make_page, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, shown
) -> None:
    beamtime.form.page.setText(str(make_page(3)))
    beamtime.show_page()
    qtbot.waitUntil(lambda: beamtime.model.rowCount() == 3, timeout=20_000)
    monkeypatch.setattr(questions, "save_file", lambda *args: tmp_path / "mine.pdf")
    beamtime.save_pdf.click()
    qtbot.waitUntil(lambda: (tmp_path / "mine.pdf").exists(), timeout=20_000)
    monkeypatch.setattr(questions, "save_file", lambda *args: tmp_path / "missing" / "mine.pdf")
    beamtime.save_pdf.click()
    qtbot.waitUntil(lambda: bool(shown), timeout=20_000)
    assert "missing" in str(shown[0])


def test_what_was_entered_is_remembered(
    beamtime: BeamtimeDialog, window: MainWindow, folder: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    from sxtstudio.app.beamtime.form import BeamtimeForm

    form = beamtime.form
    form.watched.setText(str(folder))
    form.title.setText("U41")
    form.present.setChecked(False)
    form.classifier.setText(str(tmp_path / "mine.json"))
    request = form.request()
    assert form.objects.isChecked(), "classes need objects"
    assert request.beamtime.classifier == tmp_path / "mine.json" and request.beamtime.title == "U41"
    assert request.beamtime.page == folder / "beamtime" and request.watched == folder
    assert request.batch.contact_sheet is None and request.batch.summary == () and not request.present
    again = BeamtimeForm(window.context)
    qtbot.addWidget(again)
    qtbot.waitUntil(lambda: again.batch.segment.ready, timeout=20_000)
    assert again.request().beamtime == request.beamtime and not again.present.isChecked()


def test_thousands_are_arranged_at_once(beamtime: BeamtimeDialog, make_records) -> None:
    """A ratio, not a time: sorting 2,000 takes no more than a few times as long as reading their names."""
    beamtime.model.show_all(make_records(2000))

    def took(work) -> float:
        return min(_measured(work) for _ in range(3))

    names = took(lambda: [r.name.casefold() for r in records_of(beamtime) for _ in range(20)])
    arranged = took(lambda: beamtime.model.set_order(Order.NAME))
    assert arranged < 5 * names


def _measured(work) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


@pytest.fixture
def make_records():
    from dataclasses import replace as changed

    from sxtstudio.workflow.beamtime.record import record_for

    def records(number: int, name: str = "cell {:04}.mrc"):
        made = [
            record_for(
                Path("/in") / (name.format(n) if "{" in name else name), {"n": n}, (1, 1, 1e9 + n, 1e9)
            )
            for n in range(number)
        ]
        return [
            changed(
                r,
                state=TomogramState.DONE,
                labels=f"{r.path}.labels.tif",
                pictures=(PictureKind.SMALL, PictureKind.SLICE),
            )
            for r in made
        ]

    return records


@pytest.fixture
def make_page(tmp_path: Path, make_records):
    from PIL import Image

    def page(number: int, name: str = "cell {:04}.mrc") -> Path:
        folder = RecordFolder(tmp_path / "page")
        for record in make_records(number, name):
            folder.write(record)
            for kind in record.pictures:
                Image.new("L", (64, 48), 120).save(folder.folder / (record.picture(kind) or ""))
        return folder.folder

    return page
