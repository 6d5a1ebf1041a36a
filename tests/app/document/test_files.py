"""Opening, saving, closing and recovering, in the real window."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QLabel, QMessageBox
from pytestqt.qtbot import QtBot

from sxtstudio.app import questions
from sxtstudio.app.document import recovering
from sxtstudio.app.document.opening import open_path, open_recovered
from sxtstudio.app.document.recovering import RecoveryDialog, offer_recovery, offer_with_tomograms
from sxtstudio.app.labels.history import HistoryDialog
from sxtstudio.app.main_window import MainWindow
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.lock import FolderLock
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import export_volume
from sxtstudio.io.project_marker import NAME as MARKER
from sxtstudio.workflow.document import project, workplace
from sxtstudio.workflow.document.recovered import recover
from sxtstudio.workflow.document.recovery import discard, leftovers

Open = Callable[[Path], MainWindow]


class Answers:
    """What the user will say, in this order; and what was asked."""

    def __init__(self) -> None:
        self.buttons: list[str] = []
        self.paths: list[Path | None] = []
        self.asked: list[str] = []
        self.defaults: list[object] = []

    def ask(self, parent: object, title: str, text: str, buttons: object, *_: object, **more: object) -> str:
        self.asked.append(text)
        self.defaults.append(more.get("default"))
        assert self.buttons, f"an unexpected question: {text}"
        answer = self.buttons.pop(0)
        assert answer in list(buttons)
        return answer

    def path(self, *_: object) -> Path | None:
        assert self.paths, "an unexpected file dialog"
        return self.paths.pop(0)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    answers = Answers()
    monkeypatch.setattr(questions, "ask", answers.ask)
    for name in ("open_file", "open_folder", "save_file", "save_into_folder"):
        monkeypatch.setattr(questions, name, answers.path)
    yield answers
    assert not answers.buttons and not answers.paths, "something was not asked"


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(workplace.VARIABLE, str(tmp_path / "sessions"))
    return tmp_path / "sessions"


@pytest.fixture
def cell(open_file: Open, tomogram: Path, answers: Answers) -> MainWindow:
    """The window with a small tomogram and no changes."""
    return open_file(tomogram)


def do(window: MainWindow, name: str) -> None:
    action = window.actions_.by_name[name]
    assert action.isEnabled(), name
    action.trigger()


def paint(window: MainWindow, z: int = 1) -> None:
    with window.session.edit(EditKind.BRUSH, size_px=4) as recorder:
        recorder.write(Box((z, 2, 3), (z + 1, 4, 6)), np.full((1, 2, 3), 255, np.uint8))


def idle(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=10_000)


def save_as(window: MainWindow, qtbot: QtBot, answers: Answers, path: Path) -> None:
    answers.paths.append(path)
    with qtbot.waitSignal(window.session.message, timeout=10_000):
        do(window, "file.save_as")
    idle(window, qtbot)


def dialog_text(window: MainWindow, qtbot: QtBot) -> str:
    """The sentence of the dialog that is open, which is closed."""
    qtbot.waitUntil(lambda: bool(window.findChildren(QMessageBox)), timeout=10_000)
    (box,) = window.findChildren(QMessageBox)
    text = box.text()
    box.close()
    qtbot.waitUntil(lambda: not window.findChildren(QMessageBox))
    return text


def test_save_is_grey_until_something_changed(cell: MainWindow, qtbot: QtBot, answers: Answers) -> None:
    save = cell.actions_.by_name["file.save"]
    assert not save.isEnabled() and not cell.isWindowModified()
    paint(cell)
    assert save.isEnabled() and cell.isWindowModified()


def test_project_is_saved_and_opens_in_another_window_of_the_day(
    cell: MainWindow, qtbot: QtBot, answers: Answers, tmp_path: Path
) -> None:
    paint(cell)
    save_as(cell, qtbot, answers, tmp_path / "cell.sxt")
    assert not cell.isWindowModified() and "cell.sxt" in cell.windowTitle()
    assert cell.settings.recent[0] == str(tmp_path / "cell.sxt")
    do(cell, "file.close")
    qtbot.waitUntil(lambda: cell.session.document is None)
    answers.paths.append(tmp_path / "cell.sxt")
    with qtbot.waitSignal(cell.session.document_changed, timeout=10_000):
        do(cell, "file.open_project")
    document = cell.session.document
    assert document is not None and document.labels is not None
    assert document.labels.sum() == 6 * 255 and document.labels[1, 3, 5] == 255
    assert not cell.isWindowModified()
    assert [step.name for step in document.steps] == ["Brush"]


def test_save_goes_to_the_same_project_without_a_question(
    cell: MainWindow, qtbot: QtBot, answers: Answers, tmp_path: Path
) -> None:
    paint(cell)
    save_as(cell, qtbot, answers, tmp_path / "cell.sxt")
    paint(cell, z=3)
    with qtbot.waitSignal(cell.session.message, timeout=10_000):
        do(cell, "file.save")
    idle(cell, qtbot)
    assert not cell.isWindowModified()


def test_settings_of_a_panel_that_changed_after_a_save_are_saved_too(
    cell: MainWindow, qtbot: QtBot, answers: Answers, tmp_path: Path
) -> None:
    form = cell.context.parts.segment.form
    paint(cell)
    save_as(cell, qtbot, answers, tmp_path / "cell.sxt")
    form.noisy.setChecked(True)
    form.slices.set_range(2, 4)
    form.set_use("few-false")
    assert not cell.session.document.modified and cell.actions_.by_name["file.save"].isEnabled()
    with qtbot.waitSignal(cell.session.message, timeout=10_000):
        do(cell, "file.save")
    idle(cell, qtbot)
    state = json.loads((tmp_path / "cell.sxt" / "project.json").read_text())["view"]["segment"]
    assert (state["noisy"], state["slices"], state["use"]) == (True, ["range", 3, 4], "few-false")


def test_closing_with_unsaved_work_asks(
    cell: MainWindow, qtbot: QtBot, answers: Answers, tmp_path: Path, root: Path
) -> None:
    paint(cell)
    answers.buttons.append("Cancel")
    assert not cell.close() and cell.isVisible()
    answers.buttons.append("Save")
    answers.paths.append(tmp_path / "cell.sxt")
    assert not cell.close(), "it closes by itself when it is saved"
    qtbot.waitUntil(lambda: not cell.isVisible(), timeout=10_000)
    assert (tmp_path / "cell.sxt" / "project.json").is_file()
    cell.session.closing.wait()
    assert not list(root.iterdir())
    assert len(answers.asked) == 2


def test_closing_and_discarding_leaves_nothing(cell: MainWindow, answers: Answers, root: Path) -> None:
    paint(cell)
    answers.buttons.append("Discard")
    assert cell.close()
    cell.session.closing.wait()
    assert not list(root.iterdir())


def test_closing_with_a_running_job_asks(cell: MainWindow, qtbot: QtBot, answers: Answers) -> None:
    def work(job: object) -> None:
        while True:
            job.progress.step(0)

    cell.jobs.start("Counting sheep", work)
    answers.buttons.append("Keep working")
    assert not cell.close()
    assert cell.jobs.running and "Counting sheep" in answers.asked[0]
    assert answers.defaults == ["Keep working"], "Return without reading loses nothing"
    answers.buttons.append("Stop it and close the program")
    assert not cell.close()
    qtbot.waitUntil(lambda: not cell.isVisible(), timeout=10_000)
    assert not cell.jobs.running


def test_opening_another_asks_and_keeps_the_document_on_cancel(
    cell: MainWindow, qtbot: QtBot, answers: Answers, tmp_path: Path
) -> None:
    paint(cell)
    before = cell.session.document
    answers.buttons.append("Cancel")
    open_path(cell.context, tmp_path / "cell.mrc")
    idle(cell, qtbot)
    assert cell.session.document is before
    answers.buttons.append("Discard")
    with qtbot.waitSignal(cell.session.document_changed, timeout=10_000):
        open_path(cell.context, tmp_path / "cell.mrc")
    assert cell.session.document is not before and not cell.isWindowModified()
    assert not leftovers()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.mrc", b"", "empty"),
        ("text.tif", b"hello, this is no tomogram", "no tomogram that SXT Studio can read"),
        ("cell.mrc.xz", b"\xfd7zXZ" + bytes(100), "unxz"),
        ("gone.mrc", None, "does not exist"),
    ],
)
def test_bad_files_give_one_sentence_and_the_document_stays(
    cell: MainWindow,
    qtbot: QtBot,
    tmp_path: Path,
    root: Path,
    name: str,
    content: bytes | None,
    sentence: str,
) -> None:
    before = cell.session.document
    bad = tmp_path / name
    if content is not None:
        bad.write_bytes(content)
    cell.settings.add_recent(bad)
    open_path(cell.context, bad)
    assert sentence in dialog_text(cell, qtbot)
    assert cell.session.document is before and cell.session.document is not None
    assert cell.session.document.tomogram.read(Box((0, 0, 0), (1, 1, 1))).shape == (1, 1, 1)
    assert str(bad) in cell.settings.recent  # its drive may come back
    file = next(file for file in cell.context.parts.recent_files.files if file.path == str(bad))
    assert file.there == (content is not None)
    assert len(list(root.iterdir())) == 1


def test_discard_is_not_final_when_the_other_file_is_bad(
    cell: MainWindow, qtbot: QtBot, answers: Answers, tmp_path: Path
) -> None:
    paint(cell)
    (tmp_path / "bad.mrc").write_bytes(b"")
    answers.buttons.append("Discard")
    open_path(cell.context, tmp_path / "bad.mrc")
    assert "empty" in dialog_text(cell, qtbot)
    document = cell.session.document
    assert document is not None and document.modified and not document.discarded


def test_moved_tomogram_of_a_project_is_asked_for(
    cell: MainWindow, qtbot: QtBot, answers: Answers, tmp_path: Path, tomogram: Path
) -> None:
    paint(cell)
    save_as(cell, qtbot, answers, tmp_path / "cell.sxt")
    do(cell, "file.close")
    qtbot.waitUntil(lambda: cell.session.document is None)
    (tmp_path / "archive").mkdir()
    moved = Path(shutil.move(tomogram, tmp_path / "archive" / "renamed.mrc"))
    answers.buttons.append("Choose the tomogram…")
    answers.paths.append(moved)
    with qtbot.waitSignal(cell.session.document_changed, timeout=10_000):
        open_path(cell.context, tmp_path / "cell.sxt")
    document = cell.session.document
    assert document is not None and document.tomogram.path == moved
    assert str(tomogram) in answers.asked[-1]


def test_second_window_is_told_and_saves_elsewhere(
    cell: MainWindow, qtbot: QtBot, answers: Answers, tmp_path: Path
) -> None:
    paint(cell)
    save_as(cell, qtbot, answers, tmp_path / "cell.sxt")
    second = MainWindow(cell.settings)
    qtbot.addWidget(second)
    second.show()
    with qtbot.waitSignal(second.session.document_changed, timeout=10_000):
        open_path(second.context, tmp_path / "cell.sxt")
    assert "open in another window" in dialog_text(second, qtbot)
    paint(second, z=4)
    answers.paths.append(tmp_path / "cell2.sxt")
    with qtbot.waitSignal(second.session.message, timeout=10_000):
        do(second, "file.save")
    idle(second, qtbot)
    document = second.session.document
    assert document is not None and document.project == tmp_path / "cell2.sxt" and not document.read_only
    second.close()


@pytest.mark.parametrize("save_first", [True, False])
def test_the_open_project_can_be_opened_anew(
    save_first: bool, cell: MainWindow, qtbot: QtBot, answers: Answers, tmp_path: Path
) -> None:
    """In its own window it is in use by nobody else, so that it stays writable and locked."""
    place = tmp_path / "cell.sxt"
    paint(cell)
    save_as(cell, qtbot, answers, place)
    paint(cell, z=4)
    answers.buttons.append(questions.Answer.SAVE if save_first else questions.Answer.DISCARD)
    with qtbot.waitSignal(cell.session.document_changed, timeout=10_000):
        open_path(cell.context, place / "project.json")
    idle(cell, qtbot)
    document = cell.session.document
    assert document is not None and not document.read_only and document.labels is not None
    assert bool(document.labels[4].any()) is save_first
    with pytest.raises(UserError):
        FolderLock(place)
    paint(cell, z=2)
    with qtbot.waitSignal(cell.session.message, timeout=10_000):
        do(cell, "file.save")
    idle(cell, qtbot)
    cell.session.show(None)
    FolderLock(place).release()


def test_opening_the_open_project_anew_can_be_cancelled(
    cell: MainWindow, qtbot: QtBot, answers: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "cell.sxt"
    paint(cell)
    save_as(cell, qtbot, answers, place)
    former = cell.session.document
    open_path(cell.context, place)
    for job in cell.jobs.running:
        job.cancel()
    idle(cell, qtbot)
    assert cell.session.document is former
    with pytest.raises(UserError):
        FolderLock(place)


def test_recovered_work_of_the_open_project_can_be_saved_in_it(
    cell: MainWindow, qtbot: QtBot, answers: Answers, tmp_path: Path
) -> None:
    place = tmp_path / "cell.sxt"
    paint(cell)
    save_as(cell, qtbot, answers, place)
    paint(cell, z=4)
    left = cell.session.document
    assert left is not None
    left.autosave(wait=True)
    left.let_go()  # as a crash leaves it
    cell.session.document = None
    with qtbot.waitSignal(cell.session.document_changed, timeout=10_000):
        open_path(cell.context, place)
    with qtbot.waitSignal(cell.session.document_changed, timeout=10_000):
        open_recovered(cell.context, lambda beside: recover(left.folder, beside=beside))
    document = cell.session.document
    assert document is not None and document.project == place and not document.read_only
    assert document.labels is not None and document.labels[4].any()
    document.modified = False


def drop(window: MainWindow, path: Path) -> None:
    """Drop a file on a window."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    keys, buttons = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
    window.dropEvent(QDropEvent(QPoint(10, 10), Qt.DropAction.CopyAction, data, buttons, keys))


def test_dropped_file_opens(window: MainWindow, qtbot: QtBot, tomogram: Path) -> None:
    with qtbot.waitSignal(window.session.document_changed, timeout=10_000):
        drop(window, tomogram)
    assert "cell.mrc" in window.windowTitle()


@pytest.mark.parametrize("door", ["dropped", "chosen"])
def test_the_file_in_a_project_that_is_double_clicked_opens_it(
    door: str, cell: MainWindow, qtbot: QtBot, answers: Answers, tmp_path: Path
) -> None:
    place = tmp_path / "cell.sxt"
    paint(cell)
    save_as(cell, qtbot, answers, place)
    with qtbot.waitSignal(cell.session.document_changed, timeout=10_000):
        if door == "chosen":
            answers.paths.append(place / MARKER)
            do(cell, "file.open")
        else:
            drop(cell, place / MARKER)
    document = cell.session.document
    assert document is not None and document.project == place and document.voxels("labels")
    assert cell.settings.recent[0] == str(place)


def test_recent_files_are_listed_and_missing_ones_are_grey(
    cell: MainWindow, qtbot: QtBot, tmp_path: Path, tomogram: Path
) -> None:
    cell.settings.add_recent(tmp_path / "gone.mrc")
    recent = cell.context.parts.recent
    with qtbot.waitSignal(cell.context.parts.recent_files.changed, timeout=10_000):
        recent.menu.aboutToShow.emit()
    shown = {action.text().split(" – ")[0]: action for action in recent.menu.actions() if action.text()}
    assert list(shown) == ["gone.mrc", "cell.mrc", "Clear list"]
    assert not shown["gone.mrc"].isEnabled()
    with qtbot.waitSignal(cell.session.document_changed, timeout=10_000):
        shown["cell.mrc"].trigger()
    do(cell, "file.clear_recent")
    recent.rebuild()
    assert [a.text() for a in recent.menu.actions() if a.text()] == ["Clear list"]


def test_sample_opens_and_is_left_alone(window: MainWindow, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.session.document_changed, timeout=10_000):
        do(window, "file.open_sample")
    document = window.session.document
    assert document is not None and document.shape == (64, 384, 384)
    assert not document.folder.is_relative_to(document.tomogram.path.parent)


def labels_file(path: Path, shape: tuple[int, int, int] = (6, 64, 80)) -> np.ndarray:
    labels = np.zeros(shape, np.uint8)
    labels[2, 5:9, 7:20] = 255
    if path.suffix == ".h5":
        import h5py

        with h5py.File(path, "w") as file:
            file["labels"] = labels
    else:
        export_volume(path, ArrayVolume(labels), kind="labels")
    return labels


@pytest.mark.parametrize("name", ["labels.tif", "labels.mrc", "labels.zarr", "labels.h5"])
def test_labels_of_a_file_can_be_undone(
    cell: MainWindow, qtbot: QtBot, answers: Answers, tmp_path: Path, name: str
) -> None:
    paint(cell)
    expected = labels_file(tmp_path / name)
    answers.paths.append(tmp_path / name)
    with qtbot.waitSignal(cell.session.labels_changed, timeout=10_000):
        do(cell, "file.open_labels")
    assert np.array_equal(cell.session.labels_of("labels"), expected)
    assert cell.session.busy is None
    cell.session.undo()
    labels = cell.session.labels_of("labels")
    assert labels is not None and labels.sum() == 6 * 255 and labels[1, 2, 3] == 255


@pytest.mark.parametrize("kind", ["other size", "image", "no background"])
def test_labels_that_do_not_fit_change_nothing(
    cell: MainWindow, qtbot: QtBot, answers: Answers, tmp_path: Path, kind: str
) -> None:
    paint(cell)
    path = tmp_path / "labels.tif"
    if kind == "other size":
        labels_file(path, (5, 64, 80))
        sentence = "5 × 64 × 80 voxels (z × y × x), but the tomogram has 6 × 64 × 80"
    elif kind == "image":
        image = np.zeros((6, 64, 80), np.float32)
        image[5] = 0.5
        tifffile.imwrite(path, image)
        sentence = "fractional grey values"
    else:
        tifffile.imwrite(path, np.ones((6, 64, 80), np.uint8))
        sentence = "no background"
    answers.paths.append(path)
    do(cell, "file.open_labels")
    assert sentence in dialog_text(cell, qtbot)
    labels = cell.session.labels_of("labels")
    assert labels is not None and labels.sum() == 6 * 255
    assert cell.session.busy is None and cell.session.history.undo_name == "Brush"


# A real window, in which a stroke is made every few milliseconds.
PAINTING = """
import sys
from pathlib import Path
import numpy as np
from PySide6.QtCore import QSettings, QTimer
from PySide6.QtWidgets import QApplication
app = QApplication([])
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.document.opening import open_path, open_recovered
from sxtstudio.app.settings import Settings
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
window = MainWindow(Settings(QSettings(sys.argv[2], QSettings.Format.IniFormat)))
window.show()
done = 0
def stroke():
    global done
    y, x = divmod(done, 80)
    with window.session.edit(EditKind.BRUSH, number=done) as recorder:
        recorder.write(Box((2, y, x), (3, y + 1, x + 1)), np.full((1, 1, 1), 255, np.uint8))
    done += 1
    print(done, flush=True)
timer = QTimer(interval=3)
timer.timeout.connect(stroke)
window.session.document_changed.connect(timer.start)
open_path(window.context, sys.argv[1])
app.exec()
"""


def test_kill_of_the_painting_window_loses_at_most_the_last_stroke(
    window: MainWindow, qtbot: QtBot, tomogram: Path, tmp_path: Path, answers: Answers
) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", PAINTING, str(tomogram), str(tmp_path / "child.ini")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    for line in child.stdout:
        if line.strip().isdigit() and int(line) >= 60:
            break
    child.send_signal(signal.SIGKILL)
    rest = [int(word) for word in child.stdout.read().split()[:-1] if word.isdigit()]
    child.wait()
    child.stdout.close()
    told = max([60, *rest])
    dialog = recovery_dialog(window, qtbot)
    (left,) = leftovers()
    with qtbot.waitSignal(window.session.document_changed, timeout=10_000):
        dialog.recover(left)
    labels = window.session.labels_of("labels")
    assert labels is not None
    painted = np.flatnonzero(labels[2])
    assert len(painted) >= told and np.array_equal(painted, np.arange(len(painted)))


CRASH = """
import sys, time
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.workflow.document.document import Document
document = Document.open(sys.argv[1])
document.volume("labels")[3, 10:20] = 255
document.recount("labels")
document.add_step(Step(StepKind.EDIT, EditKind.BRUSH, parameters={"size_px": 4}))
document.autosave(wait=True)
print("ready", flush=True)
time.sleep(60)
"""


def crash(tomogram: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", CRASH, str(tomogram)], stdout=subprocess.PIPE)
    assert child.stdout is not None and child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()


def recovery_dialog(window: MainWindow, qtbot: QtBot) -> RecoveryDialog:
    offer_recovery(window.context)
    qtbot.waitUntil(lambda: bool(window.findChildren(RecoveryDialog)), timeout=10_000)
    (dialog,) = window.findChildren(RecoveryDialog)
    return dialog


def test_work_is_offered_after_a_crash_and_recovered(
    window: MainWindow, qtbot: QtBot, tomogram: Path, answers: Answers
) -> None:
    crash(tomogram)
    dialog = recovery_dialog(window, qtbot)
    (left,) = leftovers()
    with qtbot.waitSignal(window.session.document_changed, timeout=10_000):
        dialog.recover(left)
    document = window.session.document
    assert document is not None and document.labels is not None
    assert document.labels.sum() == 10 * 80 * 255 and document.labels[3, 10:20].all()
    assert window.isWindowModified()


DRAWING = """
import sys, time
import numpy as np
from PySide6.QtCore import QCoreApplication
from sxtstudio.app.session import Session
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.workflow.document.document import Document
app = QCoreApplication([])
session = Session()
session.show(Document.open(sys.argv[1]))
for row in range(9):
    with session.edit(EditKind.BRUSH) as recorder:
        recorder.write(Box((3, row, 0), (4, row + 1, 80)), np.full((1, 1, 80), 255, np.uint8))
for _ in range(4):
    session.undo()
session.redo()
session.set_voxel_nm((12.0, 12.0, 12.0))
session.document.add_step(Step(StepKind.EXPORT))
session.document.autosave(wait=True)
session.document.undo.wait()
print(len(session.document.steps), flush=True)
time.sleep(60)
"""


def test_as_many_steps_are_offered_as_the_history_lists(
    window: MainWindow, qtbot: QtBot, tomogram: Path
) -> None:
    """Not all that the record has: what was undone, or exported, is nothing that comes back."""
    child = subprocess.Popen(
        [sys.executable, "-c", DRAWING, str(tomogram)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert int(child.stdout.readline()) == 9 + 4 + 1 + 1 + 1
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    dialog = recovery_dialog(window, qtbot)
    (left,) = leftovers()
    (text,) = [one.text() for one in dialog.findChildren(QLabel) if "on disk" in one.text()]
    assert ", 6 steps, " in text
    with qtbot.waitSignal(window.session.document_changed, timeout=10_000):
        dialog.recover(left)
    window.actions_.by_name["edit.history"].trigger()
    history = window.context.dialogs.find(HistoryDialog)
    assert history.list.count() == 6 + 1  # and the row above all


def test_what_is_unfinished_of_a_tomogram_is_offered_when_it_is_opened(
    open_file: Callable[[Path], MainWindow], window: MainWindow, qtbot: QtBot, tomogram: Path, tmp_path: Path
) -> None:
    """The window runs on for days: nobody waits for its next start."""
    crash(tomogram)
    other = shutil.copy(tomogram, tmp_path / "other.tif")
    offer_with_tomograms(window.context)
    open_file(Path(other))
    qtbot.wait(50)
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=10_000)
    assert not window.findChildren(RecoveryDialog), "nothing is left of this one"
    open_file(tomogram)
    qtbot.waitUntil(lambda: bool(window.findChildren(RecoveryDialog)), timeout=10_000)
    (dialog,) = window.findChildren(RecoveryDialog)
    (left,) = leftovers()
    assert set(dialog.rows) == {left.folder}
    with qtbot.waitSignal(window.session.document_changed, timeout=10_000):
        dialog.recover(left)
    labels = window.session.labels_of("labels")
    assert labels is not None and labels[3, 10:20].all()
    qtbot.wait(50)
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=10_000)
    assert not [one for one in window.findChildren(RecoveryDialog) if one.isVisible()]


def test_unsaved_work_is_offered_once_no_other_dialog_is_in_front(
    window: MainWindow, qtbot: QtBot, tomogram: Path
) -> None:
    crash(tomogram)
    other = QMessageBox(window)
    other.open()
    offer_recovery(window.context)
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=10_000)
    qtbot.wait(50)
    assert not window.findChildren(RecoveryDialog)
    other.close()
    qtbot.waitUntil(lambda: bool(window.findChildren(RecoveryDialog)), timeout=10_000)


def test_what_is_discarded_is_not_offered_again(
    window: MainWindow,
    qtbot: QtBot,
    tomogram: Path,
    answers: Answers,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crash(tomogram)
    dialog = recovery_dialog(window, qtbot)
    (left,) = leftovers()
    answers.buttons.append("Cancel")
    dialog.discard(left)
    assert leftovers()
    answers.buttons.append("Discard")
    removing = []
    monkeypatch.setattr(
        recovering, "discard", lambda left: (removing.append(threading.current_thread()), discard(left))
    )
    dialog.discard(left)
    assert not dialog.isVisible()
    idle(window, qtbot)
    assert not list(root.iterdir())
    assert removing != [threading.main_thread()], "gigabytes are removed while the window goes on"


def test_work_that_is_left_for_later_stays(
    window: MainWindow, qtbot: QtBot, tomogram: Path, answers: Answers
) -> None:
    crash(tomogram)
    recovery_dialog(window, qtbot).reject()
    assert len(leftovers()) == 1


@pytest.mark.parametrize(
    ("name", "chosen", "expected"),
    [
        ("a", "", "a.tif"),
        ("a.tiff", "", "a.tiff"),
        ("a.TIF", "", "a.TIF"),
        ("a.b", "MRC (*.mrc *.rec)", "a.b.mrc"),
        ("a.mrc", "TIFF (*.tif *.tiff)", "a.mrc"),
    ],
)
def test_missing_suffix_is_added(name: str, chosen: str, expected: str) -> None:
    filters = "TIFF (*.tif *.tiff);;MRC (*.mrc *.rec)"
    assert questions.with_suffix(name, filters, chosen) == Path(expected)


def test_undo_is_there_after_recovery_and_after_reopening(
    cell: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    session = cell.session
    for row in (3, 9):
        with session.edit(EditKind.BRUSH) as edit:
            box = Box((0, row, 0), (1, row + 1, 30))
            edit.write(box, np.full(box.shape, 255, np.uint8))
    former = session.document
    assert former is not None
    former.autosave(wait=True)
    former.undo.wait()
    former.let_go()  # as a crash leaves it
    session.show(recover(former.folder))
    undo = cell.actions_.by_name["edit.undo"]
    assert undo.isEnabled() and undo.text() == "Undo: Brush"
    undo.trigger()
    document = session.document
    assert document is not None and document.labels is not None
    assert document.labels[0, 3, 5] == 255 and not document.labels[0, 9].any()
    project.adopt(document, project.save(project.snapshot(document), tmp_path / "cell.sxt"))
    with qtbot.waitSignal(session.document_changed, timeout=20_000):
        open_path(cell.context, tmp_path / "cell.sxt")
    undo.trigger()
    assert session.document is not None and session.document.labels is None and not undo.isEnabled()
    session.document.modified = False


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cell", "cell.sxt"),
        ("cell.sxtproj", "cell.sxt"),
        ("cell.SXTProject", "cell.sxt"),
        ("cell.1.sxt", "cell.1.sxt"),
        ("cell.sxt2", "cell.sxt2.sxt"),
        ("cell.tomogram", "cell.tomogram.sxt"),
    ],
)
def test_what_was_meant_to_be_the_suffix_is_not_added_to(name: str, expected: str) -> None:
    assert questions.with_suffix(name, "SXT Studio project (*.sxt)") == Path(expected)
