"""Undo after a crash and after reopening."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from sxtstudio.core import edits
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Edit, NotAsItWas, Recorder
from sxtstudio.core.evaluation.judgement import Evaluation, JudgedSlice, JudgementChange
from sxtstudio.core.evaluation.marks import JudgedPixels
from sxtstudio.core.geometry import Box
from sxtstudio.core.history import EditHistory
from sxtstudio.core.patches import OnWrite, Patch
from sxtstudio.core.trust import SliceTrust
from sxtstudio.io import edit_journal
from sxtstudio.io.edit_file import edit_files
from sxtstudio.io.edit_journal import journals
from sxtstudio.workflow.document import undo_store, workplace
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.project import open_project
from sxtstudio.workflow.document.recovery import leftovers
from tests.workflow.document.window import Window

Labels = np.ndarray


@pytest.fixture(autouse=True)
def root(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("sessions")
    monkeypatch.setenv(workplace.VARIABLE, str(folder))
    return folder


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
    heard: list[str] = []
    window.document.undo.on_lost = lambda: heard.append("lost")
    states.append(window.stroke(9))
    window.document.undo.wait()
    assert edit_files(window.document.undo.folder) == [], "with a gap in them the older ones are of no use"
    for expected in reversed(states):
        assert np.array_equal(window.undo(), expected)
    monkeypatch.undo()
    window.stroke(12)
    window.document.undo.wait()
    assert edit_files(window.document.undo.folder) == []
    assert heard == ["lost"], "it is said once"


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


# -- ended by a crash half-way ------------------------------------------------------------------------


def begin(window: Window) -> tuple[Labels, Recorder]:
    """A row drawn by hand in slice 2, and a job that has replaced slices 1 to 3; as they were before it."""
    window.stroke(3)
    labels = window.document.volume("labels")
    before = np.array(labels)
    journal = window.document.undo.journal(EditKind.SEGMENT, "labels", {"model": "own"})
    recorder = Recorder(EditKind.SEGMENT, labels, "labels", journal)
    rng = np.random.default_rng(1)
    for z in (1, 2, 3, 2):  # one of them twice
        box = Box.slab(z, z + 1, window.document.shape)
        recorder.write(box, rng.choice(np.array([0, 255], np.uint8), box.shape))
    return before, recorder


def journal_file(window: Window) -> Path:
    window.document.undo.wait()
    (found,) = journals(window.document.undo.folder)
    return found


def test_a_job_that_a_crash_ended_is_a_step_that_can_be_taken_back_and_so_is_what_lies_below(
    window: Window,
) -> None:
    hand_made, _ = begin(window)
    written = np.array(window.document.volume("labels"))
    again = window.crash()
    assert again.history.undo_name == "Segment (part)"
    assert np.array_equal(again.document.volume("labels"), written), "it can be gone on with"
    assert again.document.voxels("labels") == np.count_nonzero(written)
    step = again.document.steps[-1]
    assert (step.edit, step.partial, step.parameters["model"]) == (EditKind.SEGMENT, True, "own")
    assert any("Segment" in text for text in again.document.notes)
    assert np.array_equal(again.undo(), hand_made)
    assert not again.undo().any()
    again.close()


def test_it_is_there_after_a_second_crash(window: Window) -> None:
    hand_made, _ = begin(window)
    again = window.crash().crash()
    assert [edit.name for edit in again.history.done] == ["Brush", "Segment (part)"]
    assert np.array_equal(again.undo(), hand_made)
    again.close()


@pytest.mark.parametrize("reached", ["nothing", "half of it", "one slice too few"])
def test_voxels_that_were_written_down_and_not_changed_are_no_harm(window: Window, reached: str) -> None:
    hand_made, _ = begin(window)
    labels = window.document.volume("labels")
    if reached == "one slice too few":
        labels[3] = hand_made[3]
    else:
        labels[2, : None if reached == "nothing" else labels.shape[1] // 2] = hand_made[2, 0]
    again = window.crash()
    assert np.array_equal(again.undo(), hand_made)
    assert not again.undo().any()
    again.close()


@pytest.mark.parametrize("torn", [1, 40, 300])
def test_what_was_being_written_down_was_not_begun(window: Window, torn: int) -> None:
    hand_made, recorder = begin(window)
    box = Box.slab(4, 5, window.document.shape)
    path = journal_file(window)
    complete, labels = path.stat().st_size, np.array(window.document.volume("labels"))
    recorder.write(box, np.full(box.shape, 255, np.uint8))
    content = path.read_bytes()
    path.write_bytes(content[: min(complete + torn, len(content) - 1)])
    window.document.volume("labels")[:] = labels
    again = window.crash()
    assert np.array_equal(again.undo(), hand_made)
    again.close()


def test_what_was_being_taken_back_can_be_taken_back(window: Window) -> None:
    hand_made, recorder = begin(window)
    recorder._patches.pop().apply(recorder.labels)  # the first of four, then the program ends
    again = window.crash()
    assert np.array_equal(again.undo(), hand_made)
    again.close()


@pytest.mark.parametrize("kept", [True, False])
def test_a_job_that_ended_leaves_nothing_that_is_being_changed(window: Window, kept: bool) -> None:
    hand_made, recorder = begin(window)
    if kept:
        edit = recorder.finish()
        assert edit is not None
        window.history.push(edit)
        window.document.gain("labels", edit.gained)
    else:
        recorder.roll_back()
    window.document.undo.wait()
    assert journals(window.document.undo.folder) == []
    again = window.crash()
    assert again.history.undo_name == ("Segment" if kept else "Brush") and again.document.notes == ()
    assert np.array_equal(again.undo(), hand_made) is kept
    again.close()


def test_a_stroke_after_a_job_whose_file_was_not_written_yet_stays(window: Window) -> None:
    _, recorder = begin(window)
    assert recorder.finish() is not None  # and handed to a thread that has not come to it
    labels = window.document.volume("labels")
    labels[2, 1, 1] ^= 255
    drawn = np.array(labels)
    again = window.crash()
    assert np.array_equal(again.document.volume("labels"), drawn)
    again.close()


def test_a_full_disk_while_labels_change_costs_no_labels(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.document.volume("labels")
    monkeypatch.setattr(edit_journal.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 0))
    hand_made, recorder = begin(window)
    assert np.count_nonzero(window.document.volume("labels")) > 1000
    assert not window.document.undo.folder.exists() or journals(window.document.undo.folder) == []
    recorder.roll_back()
    assert np.array_equal(window.document.volume("labels"), hand_made)


def test_saved_work_that_was_being_changed_is_found_again(window: Window, tmp_path: Path) -> None:
    window.stroke(3)
    window.keep(tmp_path / "cell.sxt")
    window.document.autosave(wait=True)
    begin_again = Recorder(
        EditKind.CLEAN_UP,
        window.document.volume("labels"),
        "labels",
        window.document.undo.journal(EditKind.CLEAN_UP, "labels", {}),
    )
    box = Box.slab(1, 2, window.document.shape)
    begin_again.write(box, np.full(box.shape, 255, np.uint8))
    state = window.document.folder / "state.json"
    os.utime(window.document.file_of("labels"), ns=(0, 0))  # as after a copy, or on a file system without
    window.document.let_go()
    (left,) = leftovers()
    assert left.folder == window.document.folder and state.exists()


def test_a_saved_project_with_nothing_but_an_unfinished_segmentation_is_called_that(
    window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.stroke(3)
    monkeypatch.setattr("sxtstudio.workflow.document.state.has_unfinished_segmentation", lambda _: True)
    window.keep(tmp_path / "cell.sxt")
    window.document.close()
    (left,) = leftovers()
    assert left.segmentation and left.saved


def test_what_is_being_changed_reaches_the_disk_while_it_is_changed(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: dict[int, int] = {}  # how much of a file was there when it was last brought to the disk

    def fsync(descriptor: int) -> None:
        facts = os.fstat(descriptor)
        synced[facts.st_ino] = facts.st_size

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(edit_journal, "SYNC_EVERY_S", 0.0)
    recorder = window.document.recorder(EditKind.BRUSH, "labels", {})
    for row in (3, 9):
        for thread in threading.enumerate():
            if thread.name == "edit journal":
                thread.join()
        recorder.write(Box((1, row, 2), (2, row + 1, 7)), np.full((1, 1, 5), 255, np.uint8))
    for thread in threading.enumerate():
        if thread.name == "edit journal":
            thread.join()
    (journal,) = journals(window.document.bulk / "undo")
    facts = journal.stat()
    assert synced[facts.st_ino] == facts.st_size
    recorder.roll_back()


# -- ended by a crash in the middle of Undo and Redo --------------------------------------------------


class Killed(BaseException):
    """The program ends here."""


def killed(after: int, do: Callable[[], object]) -> None:
    """Do something; the program ends in the middle of the patch that follows ``after`` others."""
    apply, applied = Patch.apply, 0

    def half(patch: Patch, volume: Labels, on_write: OnWrite | None = None) -> int:
        nonlocal applied
        applied += 1
        if applied <= after:
            return apply(patch, volume, on_write)
        if applied == after + 1:
            rows = volume[patch.box.slices]
            rows[:, ::2] ^= patch.unpack()[:, ::2]
        raise Killed

    def nothing(*_: object, **__: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Patch, "apply", half)
        patched.setattr(edit_journal.EditJournal, "end", nothing)
        with pytest.raises(Killed):
            do()


@pytest.fixture
def big(window: Window, monkeypatch: pytest.MonkeyPatch) -> list[Labels]:
    """The labels before a stroke, before a job that changed slices 1 to 3 in four patches, and after it."""
    monkeypatch.setattr(edits, "_JOINED_BYTES", 0)
    hand_made, recorder = begin(window)
    window.finish(recorder.finish())
    window.document.undo.wait()
    return [np.zeros_like(hand_made), hand_made, np.array(window.document.volume("labels"))]


@pytest.mark.parametrize("after", [0, 1, 3])
@pytest.mark.parametrize("earlier", [False, True])
def test_half_an_undo_leaves_what_was_there_and_all_steps(
    window: Window, big: list[Labels], after: int, earlier: bool
) -> None:
    window = window.crash() if earlier else window
    killed(after, lambda: window.history.undo(window.document))
    again = window.crash()
    assert np.array_equal(again.document.array("labels"), big[2])
    assert again.document.voxels("labels") == np.count_nonzero(big[2])
    assert any("Undo of “Segment”" in note for note in again.document.notes)
    assert journals(again.document.undo.folder) == []
    assert np.array_equal(again.undo(), big[1]) and np.array_equal(again.undo(), big[0])
    again.close()


@pytest.mark.parametrize("after", [0, 1, 3])
def test_half_a_redo_leaves_what_was_there_and_all_steps_below(
    window: Window, big: list[Labels], after: int
) -> None:
    window.undo()
    killed(after, lambda: window.history.redo(window.document))
    again = window.crash()
    assert np.array_equal(again.document.array("labels"), big[1])
    assert any("Redo of “Segment”" in note for note in again.document.notes)
    assert journals(again.document.undo.folder) == []
    assert again.history.undo_name == "Brush" and np.array_equal(again.undo(), big[0])
    again.close()


def test_an_undo_whose_edit_was_still_on_disk_is_done_and_the_steps_below_are_there(
    window: Window, big: list[Labels], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window.document.undo, "_soon", lambda work: None)  # the thread comes to nothing
    window.undo()
    again = window.crash()
    assert np.array_equal(again.document.array("labels"), big[1]) and again.document.notes == ()
    assert np.array_equal(again.undo(), big[0]) and again.history.next_undo is None
    again.close()


def test_a_redo_whose_edit_was_not_on_disk_yet_can_be_taken_back(
    window: Window, big: list[Labels], monkeypatch: pytest.MonkeyPatch
) -> None:
    window.undo()
    window.document.undo.wait()
    monkeypatch.setattr(window.document.undo, "_soon", lambda work: None)
    window.history.redo(window.document)
    again = window.crash()
    assert np.array_equal(again.document.array("labels"), big[2]) and again.document.notes == ()
    assert np.array_equal(again.undo(), big[1]) and np.array_equal(again.undo(), big[0])
    again.close()


def test_undo_and_redo_leave_no_journal(window: Window, big: list[Labels]) -> None:
    window.undo()
    window.history.redo(window.document)
    window.document.undo.wait()
    assert journals(window.document.undo.folder) == []
    assert np.array_equal(window.document.array("labels"), big[2])


@pytest.mark.parametrize("length", [0, 5, 8, 20])
def test_what_ended_before_its_first_bytes_had_begun_nothing(
    window: Window, length: int, caplog: pytest.LogCaptureFixture
) -> None:
    begin(window)[1].roll_back()
    drawn = np.array(window.document.volume("labels"))
    window.document.undo.wait()
    content = b'SXTPART1\x60\0\0\0{"kind": "segment"'
    name = f"{edit_files(window.document.undo.folder)[0].name.replace('000001', '000002')}.part-of-edit"
    (window.document.undo.folder / name).write_bytes(content[:length])
    again = window.crash()
    assert np.array_equal(again.document.volume("labels"), drawn) and again.document.notes == ()
    assert len(again.history) == 1 and journals(again.document.undo.folder) == []
    assert not [record for record in caplog.records if "cannot be taken back" in record.message]
    again.close()


def test_the_evaluation_has_a_history_of_its_own_in_the_same_files(window: Window) -> None:
    document, evaluation = window.document, EditHistory()
    evaluation.begin(document.undo)
    states = [window.stroke(3)]
    marks = document.recorder(EditKind.MARK_FALSE, "marks", {})
    marks.paint(Box((2, 3, 5), (3, 4, 9)), np.ones((1, 1, 4), bool), 1)
    edit = marks.finish()
    assert edit is not None
    evaluation.push(edit)
    document.gain("marks", edit.gained)
    states.append(window.stroke(9))
    judged = Evaluation((2, 4)).with_judged(2, JudgedSlice(JudgedPixels(60, 10, 20, 0), 7, "2026"))
    change = JudgementChange.of(Evaluation((2, 4)), judged, 2)
    evaluation.push(Edit(EditKind.JUDGE, (), "marks", judged=change))
    window.undo()  # the stroke, which lies between the two
    document.autosave(wait=True)

    again = window.crash()
    kept = again.document.kept_edits
    assert [(edit.target, edit.name) for edit in kept] == [
        ("labels", "Brush"),
        ("marks", "Mark as false positive"),
        ("marks", "Slice 3 judged"),
    ]
    assert kept[-1].judged == change
    again.history.begin(again.document.undo, kept[:1])
    evaluation.begin(again.document.undo, kept[1:])
    assert np.array_equal(again.undo(), states[0])
    last = evaluation.undo(again.document)
    assert last is not None and last.judged == change
    evaluation.undo(again.document)
    assert not np.any(again.document.array("marks"))
    again.document.undo.wait()
    assert again.document.undo.names == () and not edit_files(again.document.undo.folder)
    again.close()


def test_the_oldest_of_one_history_goes_and_the_other_keeps_all(window: Window) -> None:
    evaluation = EditHistory(budget_bytes=0)
    evaluation.begin(window.document.undo)
    window.stroke(3)
    for slices in ((1,), (1, 2)):
        change = JudgementChange.of(Evaluation(), Evaluation(slices))
        evaluation.push(Edit(EditKind.JUDGE, (), "marks", judged=change))
    again = window.crash()
    assert [edit.target for edit in again.document.kept_edits] == ["labels", "marks"]
    assert again.document.kept_edits[1].judged == change
    again.close()


def test_a_judgement_of_slices_that_are_not_there_ends_undo(window: Window) -> None:
    change = JudgementChange.of(Evaluation(), Evaluation((window.document.shape[0],)))
    window.history.push(Edit(EditKind.JUDGE, (), "marks", judged=change))
    window.stroke(3)
    again = window.crash()
    assert [edit.target for edit in again.document.kept_edits] == ["labels"]
    again.close()
