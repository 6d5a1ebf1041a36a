"""Retraining in the real window: with a stand-in for the training program, and once with the real one."""

from __future__ import annotations

import json
import shutil
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import tifffile
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from sxtstudio import __version__
from sxtstudio.app import questions
from sxtstudio.app.document.closing import may_close
from sxtstudio.app.help.reader import Documentation
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.models.default_model import use_model
from sxtstudio.app.notices import NoticeBar
from sxtstudio.app.retrain import missing
from sxtstudio.app.retrain.dialog import (
    LABELS,
    MISSING,
    MODEL,
    OTHERS,
    RESULT,
    TRAINING,
    RetrainDialog,
)
from sxtstudio.app.retrain.running import facts_text
from sxtstudio.app.session import Busy
from sxtstudio.app.settings import Settings
from sxtstudio.core.add_ons import FoundAddOn
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.core.polarity import Polarity, chosen_polarity
from sxtstudio.io import open_volume
from sxtstudio.segment import find_models
from sxtstudio.segment.registry import user_folder
from sxtstudio.workflow.document.project import save, snapshot
from sxtstudio.workflow.retraining import child
from sxtstudio.workflow.retraining.events import History
from sxtstudio.workflow.retraining.runs import CONFIG, find_runs, runs_folder

FAKE = Path(__file__).with_name("fake_training.py")
WAIT = 60_000


@pytest.fixture(autouse=True)
def own_folders_of_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("XDG_DATA_HOME", "XDG_STATE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the user will answer; the questions asked are collected."""
    given: dict[str, Any] = {"ask": "", "asked": []}

    def ask(parent: object, title: str, text: str, buttons: Any, *rest: Any, **more: Any) -> str:
        given["asked"].append(text)
        return str(given["ask"] or list(buttons)[-1])

    monkeypatch.setattr(questions, "ask", ask)
    return given


@pytest.fixture
def fake(toy_model: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """How the stand-in for the training program behaves."""
    script = {"steps": 8, "pause_s": 0.0, "f1": 0.8, "model": str(toy_model)}

    def command(config: Path, run: Path) -> list[str]:
        (config.parent / "fake.json").write_text(json.dumps({**script, "yields": None}))
        return [sys.executable, str(FAKE), "train", str(config), "-o", str(run), "--json", "--control"]

    monkeypatch.setattr(child, "command", command)
    monkeypatch.setattr(child, "can_train", lambda: True)
    monkeypatch.setattr("sxtstudio.workflow.retraining.models.why_not_trainable", lambda card: "")
    script["yields"] = []  # a process that steps back could starve beside other tests
    monkeypatch.setattr(child, "yield_to_window", script["yields"].append)
    return script


@pytest.fixture
def labelled(open_file: Callable[[Path], MainWindow], tomogram: Path) -> MainWindow:
    """Six slices, three of them drawn by hand."""
    window = open_file(tomogram)
    window.session.set_polarity(chosen_polarity("dark"))
    draw(window, 0, 2, 5)
    return window


def draw(window: MainWindow, *slices: int) -> None:
    for z in slices:
        for y in (20, 21):  # what was touched once is not proposed
            with window.session.edit(EditKind.BRUSH, plane="xy", slice=z) as edit:
                edit.write(Box((z, y, 10), (z + 1, y + 1, 40 + z)), np.full((1, 1, 30 + z), 255, np.uint8))


def opened(window: MainWindow, qtbot: QtBot) -> RetrainDialog:
    window.actions_.by_name["tools.retrain"].trigger()
    dialog: RetrainDialog = window.context.dialogs.find(RetrainDialog)
    qtbot.waitUntil(lambda: dialog.model.ready and not dialog.labels.looking, timeout=WAIT)
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=WAIT)
    return dialog


def start(dialog: RetrainDialog, qtbot: QtBot) -> None:
    while dialog.page < MODEL:
        dialog.next.click()
    assert dialog.next.isEnabled(), dialog.next.toolTip()
    dialog.next.click()
    qtbot.waitUntil(lambda: dialog.page == TRAINING and dialog.running.busy, timeout=WAIT)


def reached(dialog: RetrainDialog, step: int) -> Callable[[], bool]:
    return lambda: dialog.running.training is not None and dialog.running.training.history.step >= step


def finished(dialog: RetrainDialog) -> bool:
    return dialog.page == RESULT and dialog.before_after.outcome is not None


def latest(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=WAIT)


def error_text(dialog: RetrainDialog, qtbot: QtBot) -> str:
    boxes = lambda: [b for b in dialog.findChildren(QMessageBox) if b.isVisible()]  # noqa: E731
    qtbot.waitUntil(lambda: bool(boxes()), timeout=WAIT)
    text = str(boxes()[0].text())
    boxes()[0].close()
    return text


def test_from_labels_to_a_new_default_model_and_back(
    labelled: MainWindow, fake: dict[str, Any], qtbot: QtBot
) -> None:
    dialog = opened(labelled, qtbot)
    assert dialog.page == LABELS and not dialog.isModal() and labelled.isEnabled()
    row = dialog.labels.rows[0]
    assert row.field.text() == "1, 3, 6"  # those drawn by hand
    pixels = sum(2 * (30 + z) for z in (0, 2, 5))
    assert f"3 slices with {pixels} membrane pixels" in row.remark.text()
    qtbot.waitUntil(lambda: not row.picture.pixmap().isNull(), timeout=WAIT)
    assert "2 to learn from, 1 kept aside" in dialog.labels.summary.text()
    assert not dialog.labels.problems.isVisible()
    dialog.next.click()
    assert dialog.page == OTHERS and [n for n, _ in dialog.others.chosen] == [row.summary.source.tomogram]
    dialog.next.click()
    assert dialog.page == MODEL and dialog.model.name.text() == "compact-mine"
    start(dialog, qtbot)
    qtbot.waitUntil(lambda: finished(dialog), timeout=WAIT)
    latest(labelled, qtbot)
    history = dialog.running.training.history
    assert [x for x, _ in history.curves["label_loss"]] == list(range(1, 9))
    assert (
        history.curves["f1"][-1] == (8, pytest.approx(0.8)) and "F1 80 %" in dialog.running.metrics.in_words()
    )
    assert dialog.running.found.pixels is not None and dialog.running.found.pixels.shape == (64, 80, 3)

    page = dialog.before_after
    assert "rose from 0.50 to 0.80" in page.verdict.text()
    assert [page.cells["before", n].text() for n in ("precision", "recall", "f1")] == ["0.45", "0.56", "0.50"]
    assert page.truth.pixels is not None and page.before.pixels is not None and page.after.pixels is not None
    page.use.click()
    qtbot.waitUntil(lambda: page.back.isVisible(), timeout=WAIT)
    latest(labelled, qtbot)
    assert labelled.settings.get("model", "") == "compact-mine"
    assert {"compact", "compact-mine"} <= {card.name for card in find_models()}  # the old one stays
    assert labelled.context.parts.segment.form._settings.get("segment/model", "").startswith(
        str(user_folder() / "compact-mine")
    )
    assert find_runs() == []

    labelled.actions_.by_name["tools.former_model"].trigger()
    latest(labelled, qtbot)
    assert labelled.settings.get("model", "?") == ""  # that of the program
    assert labelled.settings.get("segment/model", "").endswith("compact.onnx")
    assert (user_folder() / "compact-mine.json").is_file()
    labelled.actions_.by_name["tools.former_model"].trigger()
    latest(labelled, qtbot)
    assert not labelled.actions_.by_name["tools.former_model"].isEnabled(), "there is no other one"


def test_figures_and_picture_follow_what_is_drawn_undone_and_made_again(
    labelled: MainWindow, fake: dict[str, Any], qtbot: QtBot
) -> None:
    row = opened(labelled, qtbot).labels.rows[0]

    def seen() -> tuple[str, str, bytes]:
        picture = row.picture.pixmap().toImage()
        return row.facts.text().split(" · ")[-1], row.remark.text(), bytes(picture.constBits())

    qtbot.waitUntil(lambda: not row.picture.pixmap().isNull())
    first = seen()
    assert first[:2] == ("labels in 3 slices", "3 slices with 194 membrane pixels")
    for _ in range(2):
        labelled.session.undo()
    # The strokes of slice 6 are gone; the picture is of another slice now.
    qtbot.waitUntil(lambda: seen()[:2] == ("labels in 2 slices", "3 slices with 124 membrane pixels"))
    qtbot.waitUntil(lambda: seen()[2] != first[2])
    for _ in range(2):
        labelled.session.redo()
    qtbot.waitUntil(lambda: seen() == first)
    draw(labelled, 3)
    qtbot.waitUntil(lambda: seen()[:2] == ("labels in 4 slices", first[1]))


def test_only_complete_slices_reach_the_training_program(
    labelled: MainWindow, fake: dict[str, Any], tomogram: Path, qtbot: QtBot
) -> None:
    dialog = opened(labelled, qtbot)
    dialog.labels.rows[0].field.setText("1, 6")
    expected = labelled.session.document.labels[[0, 5]].copy()
    start(dialog, qtbot)
    with labelled.session.edit(EditKind.BRUSH) as edit:  # the window stays usable, and the training unchanged
        edit.write(Box((0, 0, 0), (1, 9, 9)), np.full((1, 9, 9), 255, np.uint8))
    (run,) = list(runs_folder().iterdir())
    # The default model sees three slices: with each complete one goes its neighbour, which does not count.
    copied, complete = [0, 1, 4, 5], [0, 3]
    (entry,) = tomllib.loads((run / CONFIG).read_text(encoding="utf-8"))["labelled"]
    assert entry["slices"] == "0, 3"
    truth = tifffile.imread(run / "labels-1.labels.tif")
    assert np.array_equal(truth[complete], expected)
    with open_volume(tomogram) as volume:
        wanted = volume.read(Box((0, 0, 0), volume.shape))[copied]
    assert np.array_equal(tifffile.imread(run / "labels-1.tif"), wanted)
    qtbot.waitUntil(lambda: finished(dialog), timeout=WAIT)


def test_what_is_wrong_stands_in_sentences_before_the_start(
    labelled: MainWindow, fake: dict[str, Any], qtbot: QtBot
) -> None:
    dialog = opened(labelled, qtbot)
    row = dialog.labels.rows[0]
    dialog.pages.setCurrentIndex(MODEL)
    for text, said in (
        ("", "Say which slices are complete"),
        ("3, 7", "There is no slice 7: the slices are 1 to 6"),
        ("3 and 4", "names no slices"),
        ("2, 4", "labels are empty"),
    ):
        row.field.setText(text)
        assert said in dialog.model.problems.text() and not dialog.next.isEnabled(), text
    row.field.setText("3")
    assert "Only one slice is complete" in dialog.model.problems.text() and dialog.next.isEnabled()
    row.field.setText("1, 3")
    assert "2 complete slices are few" in dialog.model.problems.text() and dialog.next.isEnabled()
    for name, said in (("", "Give the new model a name"), ("a b", "no name"), ("compact", "already")):
        dialog.model.name.setText(name)
        assert said in dialog.model.name_note.text() and not dialog.next.isEnabled()
    dialog.begin()
    assert dialog.preparing is None and not runs_folder().exists()
    row.removed.emit(row)
    assert "no labels to learn from" in dialog.model.problems.text()


def test_slices_are_marked_where_one_looks_and_kept_with_the_project(
    labelled: MainWindow, fake: dict[str, Any], tmp_path: Path, qtbot: QtBot
) -> None:
    labelled.session.document.modified = False
    dialog = opened(labelled, qtbot)
    row = dialog.labels.rows[0]
    assert not labelled.session.document.modified  # a proposal is no change
    labelled.session.set_cursor((3, 5, 5))
    assert "Slice 4," in row.mark.text() and not row.mark.isChecked()
    row.mark.click()
    assert row.field.text() == "1, 3-4, 6" and labelled.session.document.modified
    assert "nothing is labelled in slice 4" in dialog.labels.problems.text()
    draw(labelled, 3)  # the list follows what is drawn
    qtbot.waitUntil(lambda: "nothing is labelled" not in dialog.labels.problems.text(), timeout=5000)
    labelled.actions_.by_name["tools.complete"].trigger()
    assert row.field.text() == "1, 3, 6" and not row.mark.isChecked()
    labelled.session.collect_view()
    saved = save(snapshot(labelled.session.document), tmp_path / "a.sxt")
    saved.lock.release()
    dialog.labels.add_project_folder(tmp_path / "a.sxt")
    qtbot.waitUntil(lambda: len(dialog.labels.rows) == 2, timeout=WAIT)
    assert dialog.labels.rows[1].field.text() == "1, 3, 6"
    labelled.session.set_busy(Busy("Segment", EditKind.SEGMENT))  # whose result nobody has looked at yet
    labelled.session.touched("labels", Box((2, 0, 0), (6, 64, 80)))
    labelled.session.set_busy(None)
    assert row.field.text() == "1"


def test_a_doubt_about_the_polarity_stands_in_the_row_until_it_is_chosen(
    labelled: MainWindow, fake: dict[str, Any], qtbot: QtBot
) -> None:
    labelled.session.set_polarity(Polarity("bright", 0.6, "60 % sure"))
    dialog = opened(labelled, qtbot)
    row = dialog.labels.rows[0]
    assert "membranes bright" in row.facts.text() and "choose dark" in row.doubt.text()
    labelled.session.set_polarity(chosen_polarity("dark"))
    assert "membranes dark" in row.facts.text() and not row.doubt.text() and row.doubt.isHidden()
    assert row.chosen.summary.polarity.value == "dark"


def test_more_labels_from_files_and_wrong_ones(
    labelled: MainWindow, fake: dict[str, Any], tomogram: Path, tmp_path: Path, qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    dialog = opened(labelled, qtbot)
    small, good = tmp_path / "small.tif", tmp_path / "good.tif"
    tifffile.imwrite(small, np.zeros((6, 64, 64), np.uint8), photometric="minisblack")
    labels = np.zeros((6, 64, 80), np.uint8)
    labels[1, 3, 3:9] = 1
    tifffile.imwrite(good, labels, photometric="minisblack")
    chosen = [tomogram, small]
    monkeypatch.setattr(questions, "open_file", lambda *_: chosen.pop(0))
    dialog.labels.add_pair.click()
    qtbot.waitUntil(lambda: "64 × 64 voxels" in dialog.labels.problems.text(), timeout=WAIT)
    assert len(dialog.labels.rows) == 1
    chosen += [tomogram, good]
    dialog.labels.add_pair.click()
    qtbot.waitUntil(lambda: len(dialog.labels.rows) == 2, timeout=WAIT)
    assert dialog.labels.rows[1].field.text() == "2" and dialog.labels.rows[1].mark.isHidden()
    assert "1 slice with 6 membrane pixels" in dialog.labels.rows[1].remark.text()
    monkeypatch.setattr(questions, "open_folder", lambda *_: tmp_path)
    dialog.labels.add_project.click()
    assert "no project" in dialog.labels.problems.text()
    labelled.session.document.discard()
    labelled.session.show(None)  # its labels are gone with it, the files stay
    assert [row.name for row in dialog.labels.rows] == ["cell.mrc"]


def test_pause_go_on_and_stop_with_the_best_so_far(
    labelled: MainWindow, fake: dict[str, Any], qtbot: QtBot
) -> None:
    fake.update(steps=100_000, pause_s=0.01)
    dialog = opened(labelled, qtbot)
    start(dialog, qtbot)
    page = dialog.running
    qtbot.waitUntil(reached(dialog, 3), timeout=WAIT)
    assert fake["yields"] == [page.training.process.processId()]  # the window comes first
    job = page.training.job
    # The bar of jobs says what the training says (half a second a step), not what its own clock would.
    qtbot.waitUntil(lambda: job.state is not None and job.state.remaining_s is not None, timeout=WAIT)
    assert 45_000 < job.state.remaining_s <= 50_000
    page.pause.click()
    qtbot.waitUntil(lambda: page.training.history.paused, timeout=WAIT)
    qtbot.waitUntil(lambda: job.state.stage == "paused" and job.state.remaining_s is None, timeout=WAIT)
    qtbot.wait(150)
    step = page.training.history.step
    qtbot.wait(300)
    assert page.training.history.step == step and "paused" in page.status.text()
    assert page.pause.text() == "Go on"
    page.pause.click()
    qtbot.waitUntil(reached(dialog, step + 3), timeout=WAIT)
    page.stop.click()
    qtbot.waitUntil(lambda: finished(dialog), timeout=WAIT)
    assert dialog.before_after.outcome.reason == "stopped"


def test_a_worse_model_is_not_offered_as_default(
    labelled: MainWindow, fake: dict[str, Any], qtbot: QtBot
) -> None:
    fake["f1"] = 0.3
    dialog = opened(labelled, qtbot)
    start(dialog, qtbot)
    qtbot.waitUntil(lambda: finished(dialog), timeout=WAIT)
    page = dialog.before_after
    assert not page.use.isEnabled() and "not better" in page.use.toolTip()
    assert "F1 fell" in page.verdict.text() and "not offered" in page.done_note.text()
    page.keep.click()
    qtbot.waitUntil(lambda: "installed beside" in page.done_note.text(), timeout=WAIT)
    latest(labelled, qtbot)
    assert labelled.settings.get("model", "") == ""
    assert {"compact", "compact-mine"} <= {card.name for card in find_models()}


def test_a_gain_within_chance_leaves_the_choice_to_people(
    labelled: MainWindow, fake: dict[str, Any], qtbot: QtBot
) -> None:
    fake["f1"] = 0.505
    dialog = opened(labelled, qtbot)
    start(dialog, qtbot)
    qtbot.waitUntil(lambda: finished(dialog), timeout=WAIT)
    page = dialog.before_after
    assert page.use.isEnabled() and page.keep.isEnabled() and page.use.property("role") != "main"
    assert "too little to tell" in page.verdict.text() and "Neither" in page.done_note.text()


def test_one_slice_is_learned_from_and_judged_in_parts() -> None:
    history = History()
    begin = {"event": "start", "step": 0, "of": 9, "labelled": 1, "held_out": 1, "unlabelled": 0}
    history.add({**begin, "judged_on": "strip"})
    text = "Learns from four fifths of one slice; the other fifth is kept aside to judge."
    assert facts_text(history) == text
    history.add(begin)
    assert facts_text(history) == "Learns from 1 slice; 1 kept aside to judge."


def test_cancelled_and_kept_for_later_or_thrown_away(
    labelled: MainWindow, fake: dict[str, Any], qtbot: QtBot, answers: dict[str, Any]
) -> None:
    fake.update(steps=60, pause_s=0.05)
    dialog = opened(labelled, qtbot)
    start(dialog, qtbot)
    qtbot.waitUntil(reached(dialog, 2), timeout=WAIT)
    dialog.running.cancel.click()  # "Keep training"
    assert dialog.running.busy and dialog.page == TRAINING
    answers["ask"] = "Keep it for later"
    dialog.running.cancel.click()
    qtbot.waitUntil(lambda: dialog.waiting.isVisible(), timeout=WAIT)
    assert dialog.page == LABELS and not dialog.running.busy
    assert (
        "compact-mine” of" in dialog.waiting.words.text() and "was interrupted" in dialog.waiting.words.text()
    )
    kept = dialog.running.training.history.step
    dialog.waiting.take.click()
    assert dialog.page == TRAINING
    qtbot.waitUntil(reached(dialog, kept + 1), timeout=WAIT)
    steps = [x for x, _ in dialog.running.training.history.curves["label_loss"]]
    assert steps == list(range(1, len(steps) + 1))  # goes on, and the curves are whole
    answers["ask"] = "Throw it away"
    dialog.running.cancel.click()
    qtbot.waitUntil(lambda: dialog.page == LABELS, timeout=WAIT)
    latest(labelled, qtbot)
    assert list(runs_folder().iterdir()) == [] and not dialog.waiting.isVisible()


def test_a_flood_of_events_leaves_the_window_its_turn_and_the_last_word_arrives(
    labelled: MainWindow, fake: dict[str, Any], qtbot: QtBot
) -> None:
    fake.update(steps=2, flood=4000)
    dialog = opened(labelled, qtbot)
    start(dialog, qtbot)
    read, most = 0, 0

    def on_event(event: object) -> None:
        nonlocal read
        read += 1

    def on_turn() -> None:
        nonlocal read, most
        read, most = 0, max(most, read)

    dialog.running.training.event_read.connect(on_event)
    turn = QTimer(interval=0)
    turn.timeout.connect(on_turn)
    turn.start()
    qtbot.waitUntil(lambda: finished(dialog), timeout=WAIT)
    turn.stop()
    assert 0 < most <= 100


def test_training_killed_in_the_middle_goes_on_and_its_model_can_be_thrown_away(
    labelled: MainWindow, fake: dict[str, Any], qtbot: QtBot, answers: dict[str, Any]
) -> None:
    fake.update(steps=20, die_at=13)
    dialog = opened(labelled, qtbot)
    start(dialog, qtbot)
    page = dialog.running
    qtbot.waitUntil(lambda: page.problem.isVisible(), timeout=WAIT)
    assert (
        "memory did not suffice" in page.problem.text() and page.again.isVisible() and page.pause.isHidden()
    )
    latest(labelled, qtbot)
    assert [run.state for run in find_runs()] == ["interrupted"]
    page.again.click()
    qtbot.waitUntil(lambda: finished(dialog), timeout=WAIT)
    assert [x for x, _ in page.training.history.curves["label_loss"]] == list(range(1, 21))
    latest(labelled, qtbot)
    dialog.before_after.drop.click()  # "Cancel"
    assert len(list(runs_folder().iterdir())) == 1
    answers["ask"] = "Throw away"
    dialog.before_after.drop.click()
    assert list(runs_folder().iterdir()) == [] and not user_folder().exists()


def test_after_a_crash_of_the_program_the_training_is_offered(
    labelled: MainWindow, fake: dict[str, Any], qtbot: QtBot, answers: dict[str, Any]
) -> None:
    fake.update(steps=2000, pause_s=0.01)
    dialog = opened(labelled, qtbot)
    start(dialog, qtbot)
    qtbot.waitUntil(reached(dialog, 7), timeout=WAIT)
    training = dialog.running.training
    process = psutil.Process(training.process.processId())
    training.process.finished.disconnect()
    training.process.closeWriteChannel()  # what the child sees when the program is killed
    qtbot.waitUntil(lambda: not process.is_running(), timeout=WAIT)
    training._let_go()
    latest(labelled, qtbot)
    again = MainWindow(labelled.settings)  # the next start, with nothing open
    again.show()
    dialog = opened(again, qtbot)
    assert dialog.waiting.isVisible() and "was interrupted" in dialog.waiting.words.text()
    fake["steps"] = 40
    dialog.waiting.take.click()
    qtbot.waitUntil(lambda: finished(dialog), timeout=WAIT)
    latest(again, qtbot)
    again.close()
    again.deleteLater()


def test_closing_the_program_saves_the_training(
    labelled: MainWindow, fake: dict[str, Any], qtbot: QtBot, answers: dict[str, Any], settings: Settings
) -> None:
    fake.update(steps=100_000, pause_s=0.01)
    dialog = opened(labelled, qtbot)
    start(dialog, qtbot)
    qtbot.waitUntil(reached(dialog, 7), timeout=WAIT)
    dialog.close()  # "Stay here"
    assert dialog.isVisible() and "goes on" in answers["asked"][0]
    answers["ask"] = "Close, and let it go on"
    dialog.close()
    assert not dialog.isVisible() and dialog.running.busy and len(labelled.jobs.visible) == 1
    answers["ask"] = "Keep working"
    assert not may_close(labelled.context) and "compact-mine" in answers["asked"][-1]
    answers["ask"] = "Stop it and close the program"
    labelled.session.document.modified = False
    labelled.close()
    qtbot.waitUntil(lambda: not labelled.isVisible(), timeout=WAIT)
    assert not dialog.running.busy
    (run,) = find_runs()
    assert run.state == "interrupted" and (run.run / "state.npz").is_file()


@pytest.mark.parametrize("fails", [False, True], ids=["done", "failed"])
def test_a_training_that_ends_out_of_sight_is_said_until_it_is_looked_at(
    labelled: MainWindow, fake: dict[str, Any], qtbot: QtBot, answers: dict[str, Any], fails: bool
) -> None:
    fake.update(steps=6, pause_s=0.05)
    if fails:
        fake["fail"] = "There is no room left."
    dialog = opened(labelled, qtbot)
    (bar,) = labelled.findChildren(NoticeBar)
    assert not bar.isVisible()
    start(dialog, qtbot)
    answers["ask"] = "Close, and let it go on"
    dialog.close()
    qtbot.waitUntil(lambda: bar.isVisible(), timeout=WAIT)
    labelled.statusBar().clearMessage()  # as after eight seconds
    assert ("ended without a model" if fails else "is done") in bar.words.text()
    bar.show_button.click()
    assert dialog.isVisible() and not bar.isVisible()
    assert dialog.running.problem.isVisible() if fails else dialog.page == RESULT
    latest(labelled, qtbot)


@pytest.mark.parametrize("last", ["done", "error"])
def test_nobody_is_asked_about_a_training_that_has_said_its_last_word(
    labelled: MainWindow, fake: dict[str, Any], qtbot: QtBot, answers: dict[str, Any], last: str
) -> None:
    """PyTorch needs a while to let go of a graphics card."""
    fake["linger_s"] = 60
    if last == "error":
        fake["fail"] = "There is no room left."
    dialog = opened(labelled, qtbot)
    start(dialog, qtbot)
    training = dialog.running.training
    qtbot.waitUntil(lambda: bool(training.history.done or training.history.error), timeout=WAIT)
    latest(labelled, qtbot)
    assert training.running and not training.at_work
    dialog.close()
    assert not dialog.isVisible()
    labelled.session.document.modified = False
    assert may_close(labelled.context) and answers["asked"] == []
    labelled.close()
    assert not labelled.isVisible() and not training.running


def test_errors_of_the_training_are_shown_in_their_own_words(
    labelled: MainWindow, fake: dict[str, Any], qtbot: QtBot, answers: dict[str, Any]
) -> None:
    fake["fail"] = "The disk is full: free some space and try again."
    dialog = opened(labelled, qtbot)
    while dialog.page < MODEL:
        dialog.next.click()
    dialog.next.click()
    qtbot.waitUntil(lambda: dialog.running.problem.isVisible(), timeout=WAIT)
    assert "The disk is full: free some space" in dialog.running.problem.text()
    assert "sxtstudio" not in dialog.running.problem.text()
    latest(labelled, qtbot)
    answers["ask"] = "Keep it for later"
    dialog.running.cancel.click()
    qtbot.waitUntil(lambda: dialog.waiting.isVisible(), timeout=WAIT)
    assert "stopped with an error" in dialog.waiting.words.text()
    answers["ask"] = "Discard"
    dialog.waiting.discard.click()
    assert list(runs_folder().iterdir()) == []


def test_full_disk_while_the_slices_are_copied(
    labelled: MainWindow, fake: dict[str, Any], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = opened(labelled, qtbot)
    full = shutil.disk_usage(".")._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    while dialog.page < MODEL:
        dialog.next.click()
    dialog.next.click()
    assert "too full" in error_text(dialog, qtbot)
    latest(labelled, qtbot)
    assert dialog.page == MODEL and dialog.next.isEnabled() and list(runs_folder().iterdir()) == []


def test_without_pytorch_the_way_to_add_it_is_shown(
    labelled: MainWindow, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setattr(child.importlib.util, "find_spec", lambda name: None)
    dialog = opened(labelled, qtbot)
    assert dialog.page == MISSING and not dialog.next.isVisible()
    line = dialog.missing.commands[0].text()
    assert line.startswith(f'"{sys.executable}" -m pip install "torch')
    copy = next(b for b in dialog.findChildren(QPushButton) if b.text() == "Copy" and b.isVisible())
    copy.click()
    assert QApplication.clipboard().text() == line
    dialog.missing.again.click()
    assert "not there yet" in dialog.missing.remark.text() and dialog.page == MISSING
    monkeypatch.undo()
    dialog.missing.again.click()
    assert dialog.page == LABELS


@pytest.mark.parametrize("problem", ["", "the one in the folder is of last year"], ids=["none", "misfit"])
def test_without_its_package_the_installed_program_names_the_file(
    labelled: MainWindow, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot, problem: str
) -> None:
    monkeypatch.setattr(missing, "is_packaged", lambda: True)
    monkeypatch.setattr(missing, "find", lambda add_on: FoundAddOn(problem=problem))
    monkeypatch.setattr(child, "can_train", lambda: False)
    monkeypatch.setattr(sys, "executable", "/opt/sxtstudio/sxtstudio")
    dialog = opened(labelled, qtbot)
    assert dialog.page == MISSING
    said = " ".join(label.text() for label in dialog.missing.findChildren(QLabel))
    file = f"sxtstudio-retrain_{__version__}_amd64.deb"
    assert file in said and problem in said and "pip" not in said
    assert [line.text() for line in dialog.missing.commands] == [f"sudo apt install ./{file}"]
    dialog.missing.again.click()
    assert (problem or "not there yet") in dialog.missing.remark.text()


def test_help_stands_beside_it(labelled: MainWindow, fake: dict[str, Any], qtbot: QtBot) -> None:
    dialog = opened(labelled, qtbot)
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow, timeout=5000)
    qtbot.keyClick(dialog, Qt.Key.Key_F1)
    qtbot.waitUntil(lambda: labelled.context.dialogs.find(Documentation) is not None, timeout=5000)
    text = labelled.context.dialogs.find(Documentation).page.toPlainText()
    for word in ("complete", "kept aside", "Go back to the model before", "PyTorch", "Ctrl+K"):
        assert word in text
    names = {info.text().rstrip("…") for info in labelled.actions_.by_name.values()}
    assert {"This slice is complete", "Go back to the model before"} <= names


def test_going_back_passes_over_models_that_are_gone(
    window: MainWindow, toy_model: Path, make_model: Callable[..., Path], tmp_path: Path, qtbot: QtBot
) -> None:
    from sxtstudio.segment.installing import install_model, remove_model

    cards = [install_model(make_model(tmp_path / f"{name}.onnx", layers=n)) for n, name in enumerate("abc")]
    for card in cards:
        use_model(window.context, card)
    remove_model(cards[1])
    latest(window, qtbot)
    window.actions_.by_name["tools.former_model"].trigger()
    latest(window, qtbot)
    assert window.settings.get("model", "") == "a"
    window.actions_.by_name["tools.former_model"].trigger()
    latest(window, qtbot)
    assert window.settings.get("model", "?") == ""


def test_a_tiny_training_with_the_real_program(
    labelled: MainWindow, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    """The one test that starts PyTorch: a network of base width 4 learns for some steps and is installed."""
    pytest.importorskip("torch")
    from sxtstudio.training.model_card import write_model
    from sxtstudio.training.network import DeepSXT

    user_folder().mkdir(parents=True)
    about = {"name": "tiny", "description": "For a test.", "trained_on": "Nothing.", "licence": "MIT"}
    write_model(DeepSXT(4).eval(), user_folder(), about)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(child, "yield_to_window", lambda process: None)
    labelled.settings.set("model", "tiny")
    dialog = opened(labelled, qtbot)
    assert dialog.model.start_from.currentText() == "tiny" and dialog.model.name.text() == "tiny-mine"
    start(dialog, qtbot)
    page = dialog.running
    qtbot.waitUntil(reached(dialog, 2), timeout=2 * WAIT)
    page.stop.click()
    qtbot.waitUntil(lambda: finished(dialog) or page.problem.isVisible(), timeout=2 * WAIT)
    assert page.problem.isHidden(), page.problem.text()
    history = page.training.history
    assert history.device == "cpu" and history.slices == (2, 1, 3)
    assert history.curves["label_loss"] and history.curves["f1"][0][0] == 0
    assert page.found.pixels is not None and page.found.pixels.shape == (64, 80, 3)
    outcome = dialog.before_after.outcome
    assert outcome.reason == "stopped" and len(outcome.pictures) == 1
    assert outcome.before is not None and 0 <= outcome.after.f1 <= 1
    truth = outcome.pictures[0].truth
    assert np.count_nonzero(truth == 255) in {2 * (30 + z) for z in (0, 2, 5)}
    dialog.before_after.keep.click()
    qtbot.waitUntil(lambda: "installed beside" in dialog.before_after.done_note.text(), timeout=WAIT)
    latest(labelled, qtbot)
    made = {card.name: card for card in find_models()}
    assert (
        made["tiny-mine"].base_width == 4 and "3 labelled slices of cell.mrc" in made["tiny-mine"].description
    )


@pytest.mark.skipif(sys.platform == "win32", reason="a script is a program by its mode")
@pytest.mark.parametrize(
    ("script", "mode", "said"),
    [
        ("#!/bin/sh\nexit 0", 0o644, "cannot be started"),
        ("#!/bin/sh\nexit 3", 0o755, "ended by itself with code 3 and said nothing."),
        ("#!/bin/sh\necho 'No card is free' >&2; exit 3", 0o755, "with code 3: No card is free"),
        ("#!/bin/sh\nkill -9 $$", 0o755, "it was stopped from outside, or the memory did not suffice"),
    ],
    ids=["cannot be started", "silent", "with a reason", "killed"],
)
def test_why_a_training_program_ended_is_said(
    labelled: MainWindow,
    fake: dict[str, Any],
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    mode: int,
    said: str,
) -> None:
    program = tmp_path / "program"
    program.write_text(script)
    program.chmod(mode)
    monkeypatch.setattr(child, "command", lambda config, run: [str(program)])
    dialog = opened(labelled, qtbot)
    while dialog.page < MODEL:
        dialog.next.click()
    dialog.next.click()
    qtbot.waitUntil(lambda: dialog.running.problem.isVisible(), timeout=WAIT)
    text = dialog.running.problem.text()
    assert said in text
    assert ("stopped from outside" in text) is ("kill" in script)
