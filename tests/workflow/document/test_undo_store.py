"""Undo after a crash and after reopening."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import EditHistory, NotAsItWas, Recorder
from sxtstudio.core.geometry import Box
from sxtstudio.core.trust import SliceTrust
from sxtstudio.io.edit_file import edit_files
from sxtstudio.workflow.document import undo_store, workplace
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.project import adopt, open_project, save, snapshot

Labels = np.ndarray


@pytest.fixture(autouse=True)
def root(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("sessions")
    monkeypatch.setenv(workplace.VARIABLE, str(folder))
    return folder


class Window:
    """A document with its history, as the window has them."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.history = EditHistory()
        self.history.begin(document.undo, document.kept_edits)

    def stroke(self, row: int) -> Labels:
        """Label a row of slice 2; return the labels as they were."""
        labels = self.document.volume("labels")
        before = np.array(labels)
        recorder = Recorder(EditKind.BRUSH, labels)
        box = Box((2, row, 5), (3, row + 1, 30))
        recorder.write(box, np.full(box.shape, 255, np.uint8))
        edit = recorder.finish()
        assert edit is not None
        self.history.push(edit)
        self.document.gain("labels", edit.gained)
        self.document.modified = True
        self.document.autosave(wait=True)
        return before

    def undo(self) -> Labels:
        assert self.history.undo(self.document) is not None
        return np.array(self.document.array("labels"))

    def crash(self) -> Window:
        """What is in the files is there; nothing is tidied up."""
        self.document.undo.wait()
        self.document.let_go()
        return Window(Document.recover(self.document.folder))

    def keep(self, folder: Path) -> None:
        adopt(self.document, save(snapshot(self.document), folder))

    def close(self) -> None:
        self.document.discard()
        self.document.close()


@pytest.fixture
def window(tomogram: Path) -> Iterator[Window]:
    window = Window(Document.open(tomogram))
    yield window
    window.close()


def test_after_a_crash_everything_can_be_taken_back(window: Window) -> None:
    states = [window.stroke(row) for row in (3, 9, 20)]
    again = window.crash()
    assert len(again.history) == 3 and again.history.undo_name == "Brush"
    for expected in reversed(states):
        assert np.array_equal(again.undo(), expected)
    assert again.history.redo(again.document) is not None
    assert np.count_nonzero(again.document.array("labels")) == 25 == again.document.voxels("labels")
    again.close()


def test_what_was_taken_back_is_gone_after_the_crash_and_new_strokes_follow(window: Window) -> None:
    first = window.stroke(3)
    second = window.stroke(9)
    window.undo()
    window.stroke(12)
    again = window.crash()
    assert len(again.history) == 2
    third = again.stroke(15)
    last = again.crash()
    for expected in (third, second, first):
        assert np.array_equal(last.undo(), expected)
    last.close()


def test_after_reopening_a_project(window: Window, tmp_path: Path) -> None:
    folder = tmp_path / "cell.sxt"
    states = [window.stroke(3), window.stroke(9)]
    window.keep(folder)
    window.document.close()
    again = Window(open_project(folder).document)
    assert np.array_equal(again.undo(), states[1])
    again.keep(folder)
    assert len(edit_files(folder / "undo")) == 1, "what was taken back is not kept"
    states[1] = again.stroke(17)
    again.keep(folder)
    again.close()
    last = Window(open_project(folder).document)
    assert [np.array_equal(last.undo(), expected) for expected in reversed(states)] == [True, True]
    last.keep(folder)
    assert not (folder / "undo").exists()
    last.close()


def test_the_figures_of_trust_come_back_too(window: Window) -> None:
    window.stroke(3)
    edit = window.history.next_undo
    assert edit is not None
    figures = tuple(SliceTrust(0.5) for _ in range(6))
    window.history.amend(edit, trust=((), figures))
    again = window.crash()
    kept = again.history.next_undo
    assert kept is not None and kept.trust == ((), figures)
    again.close()


def test_labels_changed_by_another_program_cannot_be_taken_back(window: Window, tmp_path: Path) -> None:
    window.stroke(3)
    window.stroke(9)
    again = window.crash()
    labels = again.document.volume("labels")
    labels[2, 9, 7] = 0
    with pytest.raises(NotAsItWas):
        again.history.undo(again.document)
    assert labels[2, 9, 6] == 255 and len(again.history) == 0
    again.document.undo.wait()
    assert edit_files(again.document.undo.folder) == []
    again.stroke(4)
    assert len(again.history) == 1
    again.close()


def test_a_gap_ends_what_can_be_taken_back(window: Window) -> None:
    states = [window.stroke(row) for row in (3, 9, 20, 24)]
    window.document.undo.wait()
    files = edit_files(window.document.undo.folder)
    files[1].write_bytes(b"damaged")
    again = window.crash()
    assert len(again.history) == 2
    assert np.array_equal(again.undo(), states[3]) and np.array_equal(again.undo(), states[2])
    assert again.history.undo(again.document) is None
    again.document.undo.wait()
    assert edit_files(again.document.undo.folder) == []
    again.close()


def test_the_budget_holds_on_disk_too(window: Window) -> None:
    window.stroke(3)
    edit = window.history.next_undo
    assert edit is not None
    window.history.budget_bytes = 2 * edit.bytes + 10
    for row in range(4, 9):
        window.stroke(row)
    window.document.undo.wait()
    assert len(window.history) == 2 == len(edit_files(window.document.undo.folder))
    again = window.crash()
    again.history.budget_bytes = 1
    again.history.begin(again.document.undo, again.document.kept_edits)
    again.document.undo.wait()
    assert len(again.history) == 1 == len(edit_files(again.document.undo.folder))
    again.close()


def test_a_full_disk_costs_only_the_undo_of_later_sessions(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = [window.stroke(3)]
    window.document.undo.wait()
    monkeypatch.setattr(undo_store.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 0))
    states.append(window.stroke(9))
    window.document.undo.wait()
    assert edit_files(window.document.undo.folder) == [], "with a gap in them the older ones are of no use"
    for expected in reversed(states):
        assert np.array_equal(window.undo(), expected)
    monkeypatch.undo()
    window.stroke(12)
    window.document.undo.wait()
    assert edit_files(window.document.undo.folder) == []


def test_nothing_is_left_of_a_closed_document(window: Window, root: Path) -> None:
    window.stroke(3)
    folder, bulk = window.document.folder, window.document.bulk
    window.close()
    assert not folder.exists() and not bulk.exists()


def test_a_project_with_links_for_its_undo_does_no_harm(window: Window, tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "cell.sxt", tmp_path / "elsewhere"
    window.stroke(3)
    window.keep(folder)
    window.document.close()
    shutil.move(folder / "undo", elsewhere)
    (folder / "undo").symlink_to(elsewhere)
    (elsewhere / "mine.txt").write_text("mine")
    before = {path.name: path.read_bytes() for path in elsewhere.iterdir()}
    again = Window(open_project(folder).document)
    assert len(again.history) == 0
    again.stroke(9)
    again.keep(folder)
    again.close()
    assert {path.name: path.read_bytes() for path in elsewhere.iterdir()} == before
