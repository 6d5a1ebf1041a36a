"""The window does not wait until what it has closed is gone from the disk; nothing is lost by that."""

from __future__ import annotations

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
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.core.lock import FolderLock
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
    document.view = {"slices": {"cursor": [1, 2, 3]}}
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
