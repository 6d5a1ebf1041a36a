"""The window does not wait until what it has closed is gone from the disk; nothing is lost by that."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from sxtstudio.app import questions
from sxtstudio.app.document.closing import close_document
from sxtstudio.app.document.opening import open_path
from sxtstudio.app.document.recovering import RecoveryDialog, offer_with_tomograms
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.questions import Answer
from sxtstudio.app.settings import Settings
from sxtstudio.app.settings_file import Values, change_settings, read_settings
from sxtstudio.app.states import Panel
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.core.lock import FolderLock
from sxtstudio.core.object_table import Decided, ObjectRow
from sxtstudio.workflow.document import project, workplace
from sxtstudio.workflow.document import state as document_state
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.recovered import recover
from sxtstudio.workflow.document.recovery import leftovers

Open = Callable[[Path], MainWindow]


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(workplace.VARIABLE, str(tmp_path / "sessions"))
    return tmp_path / "sessions"


class SlowDisk:
    """One function that meets the disk stands still until ``free`` is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self.free, self.began, self._do = threading.Event(), threading.Event(), getattr(document_state, name)
        monkeypatch.setattr(document_state, name, self._wait)

    def _wait(self, *arguments: Any) -> None:
        self.began.set()
        # In the thread of the window, nobody could set it any more.
        assert threading.current_thread() is not threading.main_thread(), "the window waits for the disk"
        assert self.free.wait(30)
        self._do(*arguments)


@pytest.fixture
def removing(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowDisk]:
    """Removing files of a working folder takes until it is freed."""
    disk = SlowDisk(monkeypatch, "remove_files")
    yield disk
    disk.free.set()


def paint(window: MainWindow, z: int = 1) -> None:
    with window.session.edit(EditKind.BRUSH) as recorder:
        recorder.write(Box((z, 2, 3), (z + 1, 4, 6)), np.full((1, 2, 3), 255, np.uint8))


def saved(window: MainWindow, place: Path) -> Document:
    document = window.session.document
    assert document is not None
    project.adopt(document, project.save(project.snapshot(document), place))
    return document


def test_the_window_does_not_wait_for_its_settings(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gigabytes are on their way to the disk, and the settings behind them."""
    free, written = threading.Event(), []

    def slow(file: str, change: Callable[[Values], None]) -> Values:
        free.wait(5)
        written.append(file)
        return change_settings(file, change)

    monkeypatch.setattr("sxtstudio.app.settings.change_settings", slow)
    with qtbot.waitSignal(window.closed, timeout=20_000):
        assert window.close()
    assert not written
    free.set()
    window.settings.sync()
    assert read_settings(window.settings.file)["window/panel"] == f'"{Panel.IMAGE.value}"'


@pytest.mark.parametrize("discards", [False, True])
def test_the_window_is_gone_before_the_voxels_are(
    discards: bool,
    open_file: Open,
    tomogram: Path,
    tmp_path: Path,
    removing: SlowDisk,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    window = open_file(tomogram)
    paint(window)
    document = saved(window, tmp_path / "cell.sxt")
    if discards:
        paint(window, 2)
        monkeypatch.setattr(questions, "ask", lambda *_, **__: Answer.DISCARD)
    with qtbot.waitSignal(window.closed, timeout=20_000):
        assert window.close()
    assert not window.isVisible() and removing.began.wait(20)
    FolderLock(tmp_path / "cell.sxt").release()  # the project is free at once
    assert (document.folder / "labels.raw").exists()
    assert not leftovers(), "killed now, nothing of it is offered"
    removing.free.set()
    window.session.closing.wait()
    assert not document.folder.exists()


def test_a_closed_document_goes_while_the_window_goes_on(
    open_file: Open, tomogram: Path, tmp_path: Path, removing: SlowDisk, qtbot: QtBot
) -> None:
    window = open_file(tomogram)
    paint(window)
    former = saved(window, tmp_path / "cell.sxt")
    close_document(window.context)
    qtbot.waitUntil(lambda: window.session.document is None)
    assert removing.began.wait(20)
    assert not open_file(tmp_path / "cell.sxt").session.document.read_only
    assert former.folder.exists()
    removing.free.set()
    window.session.closing.wait()
    assert not former.folder.exists()


def test_what_is_kept_is_offered_once_it_has_reached_the_disk(
    open_file: Open,
    tomogram: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The disk is busy, the window goes on, and a segmentation that was left is offered with its tomogram."""
    window = open_file(tomogram)
    offer_with_tomograms(window.context)
    paint(window)
    former = window.session.document
    assert former is not None
    former.autosave(wait=True)
    disk = SlowDisk(monkeypatch, "write_state")
    monkeypatch.setattr(Document, "can_be_gone_on_with", property(lambda self: self is former))
    window.session.set_cursor((2, 3, 4))
    window.session.collect_view()
    close_document(window.context)
    qtbot.waitUntil(lambda: window.session.document is None)
    assert disk.began.wait(20)
    with qtbot.waitSignal(window.session.document_changed, timeout=20_000):
        open_path(window.context, tomogram)
    qtbot.wait(100)
    assert not window.findChildren(RecoveryDialog) and not leftovers(), "its folder is still in use"
    disk.free.set()
    qtbot.waitUntil(lambda: bool(window.findChildren(RecoveryDialog)), timeout=20_000)
    (dialog,) = window.findChildren(RecoveryDialog)
    assert set(dialog.rows) == {former.folder}
    dialog.reject()
    window.session.closing.wait()


def with_objects(window: MainWindow) -> None:
    session = window.session
    assert session.document is not None
    rows = {1: ObjectRow("Vesicle", Decided.HAND), 2: ObjectRow(), 3: ObjectRow()}
    recorder = session.record(EditKind.NEW_OBJECT, "objects")
    for number in rows:
        box = Box((2, 10 * number, 5), (4, 10 * number + 5, 15))
        recorder.write(box, np.full(box.shape, number, np.uint32))
    session.commit(recorder, rows=session.document.object_table.change(rows))


def look_around(window: MainWindow) -> None:
    """As somebody does who changes nothing."""
    window.session.set_cursor((3, 21, 17))
    window.context.parts.slices.camera.zoom_to(3.5)
    window.session.display.set(low=-0.25, high=0.75, label_rgb=(1, 2, 3))
    window.session.objects.set(hidden=frozenset({2}), opacity=0.25)
    window.context.parts.view3d.scene.set(opacity=0.5)
    window.context.parts.complete.propose([4])  # a proposal is nobody's word yet


def looks(window: MainWindow) -> tuple[object, ...]:
    session, display = window.session, window.session.display.value
    zoom = window.context.parts.slices.camera.zoom
    scene = window.context.parts.view3d.scene.value
    shown = (display.low, display.high, display.label_rgb, scene.opacity)
    return session.cursor, zoom, session.objects.value.hidden, session.objects.value.opacity, shown


def close_by(how: str, window: MainWindow, qtbot: QtBot) -> None:
    if how == "window":
        with qtbot.waitSignal(window.closed, timeout=20_000):
            window.close()
    else:
        close_document(window.context)
        qtbot.waitUntil(lambda: window.session.document is None)
    window.session.closing.wait()


def at_rest(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.wait(50)
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=20_000)


@pytest.mark.parametrize("how", ["window", "document"])
def test_a_saved_project_opens_as_it_was_left(
    how: str, open_file: Open, settings: Settings, tomogram: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    window, file = open_file(tomogram), tmp_path / "cell.sxt" / "project.json"
    with_objects(window)
    saved(window, file.parent)
    before = json.loads(file.read_text())
    at_rest(window, qtbot)
    look_around(window)
    left = looks(window)
    close_by(how, window, qtbot)
    after = json.loads(file.read_text())
    view, former = after.pop("view"), before.pop("view")
    assert after == before, "nothing but the view"
    assert view.get("complete") == former.get("complete")
    FolderLock(file.parent).release()
    other = MainWindow(settings)
    other.show()
    qtbot.waitExposed(other)
    with qtbot.waitSignal(other.session.document_changed, timeout=20_000):
        open_path(other.context, file.parent)
    at_rest(other, qtbot)
    assert looks(other) == left
    assert not other.session.document.modified
    close_by("window", other, qtbot)
    other.deleteLater()


def test_a_project_that_was_only_looked_at_is_not_written(
    open_file: Open, tomogram: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    window, file = open_file(tomogram), tmp_path / "cell.sxt" / "project.json"
    paint(window)
    at_rest(window, qtbot)
    window.session.collect_view()
    saved(window, file.parent)
    before = file.stat()
    close_by("document", window, qtbot)
    at_rest(open_file(file.parent), qtbot)
    close_by("window", window, qtbot)
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("why", ["discarded", "for another time", "in use", "protected", "unread parts"])
def test_how_it_looks_is_not_written_into_a_project_that(
    why: str, open_file: Open, tomogram: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, file = open_file(tomogram), tmp_path / "cell.sxt" / "project.json"
    with_objects(window)
    document = saved(window, file.parent)
    before, lock = file.read_bytes(), None
    if why in ("discarded", "for another time"):
        monkeypatch.setattr(questions, "ask", lambda *_, **__: Answer.DISCARD)
        later = property(lambda self: why == "for another time")
        monkeypatch.setattr(Document, "can_be_gone_on_with", later)
        paint(window, 2)
    elif why == "in use":
        close_by("document", window, qtbot)
        before, lock = file.read_bytes(), FolderLock(file.parent)
        monkeypatch.setattr("sxtstudio.app.document.opening.show_error", lambda *_: None)
        document = open_file(file.parent).session.document
        assert document is not None and document.read_only
    elif why == "protected":
        file.chmod(0o444)
    else:
        document.unread = ("mask-1.zarr",)
    look_around(window)
    close_by("window", window, qtbot)
    assert file.read_bytes() == before
    if lock is not None:
        lock.release()


def test_a_project_that_is_opened_anew_in_its_window_looks_as_before(
    open_file: Open, tomogram: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    window, file = open_file(tomogram), tmp_path / "cell.sxt" / "project.json"
    with_objects(window)
    saved(window, file.parent)
    at_rest(window, qtbot)
    look_around(window)
    left, before = looks(window), file.read_bytes()
    at_rest(open_file(file.parent), qtbot)
    window.session.closing.wait()
    assert looks(window) == left
    assert file.read_bytes() == before, "it might be being saved just then"
    close_by("window", window, qtbot)
    assert json.loads(file.read_text())["view"]["slices"]["cursor"] == [3, 21, 17]


KILLED = """
import sys, threading
import numpy as np
from PySide6.QtCore import QCoreApplication
from sxtstudio.app.session import Session
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.workflow.document import state
from sxtstudio.workflow.document.document import Document
app = QCoreApplication([])
session = Session()
document = Document.open(sys.argv[1])
session.show(document)
with session.edit(EditKind.BRUSH) as recorder:
    recorder.write(Box((3, 0, 0), (4, 9, 80)), np.full((1, 9, 80), 255, np.uint8))
never = threading.Event()
if sys.argv[2] == "discards":
    document.discard()
    unlink = state.shutil.rmtree
    def stop(*arguments, **named):
        print("closing", flush=True)
        never.wait()
    state.shutil.rmtree = stop
else:
    document._autosave._saver.wait()
    def stop(*arguments):
        print("closing", flush=True)
        never.wait()
    state.write_state = stop
    class View:
        def view_state(self):
            return {"cursor": [1, 2, 3]}
    session.register_view("slices", View())  # the state is another one now
session.show(None)
print("closed", flush=True)
never.wait()
"""


@pytest.mark.parametrize(("how", "offered"), [("keeps", 1), ("discards", 0)])
def test_killed_while_it_closes(how: str, offered: int, tomogram: Path, root: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tomogram), how], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    given_up = threading.Timer(60, child.kill)
    given_up.start()
    assert {child.stdout.readline().strip() for _ in range(2)} == {"closing", "closed"}
    given_up.cancel()
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    found = leftovers()
    assert len(found) == offered and not any(left.damaged for left in found)
    if not offered:
        assert not list(root.iterdir()), "what nobody wants is removed at the next start"
        return
    recovered = recover(found[0].folder)
    try:
        labels = recovered.array("labels")
        assert labels is not None and labels[3, :9, :80].all() and np.count_nonzero(labels) == 9 * 80
        assert recovered.undo.names, "and can be taken back"
    finally:
        recovered.let_go()
