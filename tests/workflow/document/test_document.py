"""Working folders: what survives a crash, what is removed, and a disk without room."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sxtstudio.core import reserved
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.measure.calibration import LacCalibration
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.workflow.document import state as document_state
from sxtstudio.workflow.document import workplace
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.recovered import recover
from sxtstudio.workflow.document.recovery import discard, leftovers
from sxtstudio.workflow.document.saver import Saver
from sxtstudio.workflow.document.state import (
    STATE_NOW,
    FolderState,
    append_steps,
    read_state,
    read_steps,
    write_state,
)

# Paints voxel after voxel along a line, each a stroke of its own, and says which one is done.
STROKES = """
import sys
from sxtstudio.core import reserved
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Recorder
from sxtstudio.core.geometry import Box
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.workflow.document.document import Document
import numpy as np
document = Document.open(sys.argv[1])
for number in range(64 * 80):
    y, x = divmod(number, 80)
    recorder = Recorder(EditKind.BRUSH, document.volume("labels"))
    recorder.paint(Box((2, y, x), (3, y + 1, x + 1)), np.ones((1, 1, 1), bool), 255)
    recorder.finish()
    document.add_step(Step(StepKind.EDIT, EditKind.BRUSH, parameters={"number": number}))
    document.autosave()
    print(number, flush=True)
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for working folders, empty."""
    monkeypatch.setenv(workplace.VARIABLE, str(tmp_path / "sessions"))
    return tmp_path / "sessions"


@pytest.fixture
def document(root: Path, tomogram: Path) -> Iterator[Document]:
    document = Document.open(tomogram)
    yield document
    document.discard()
    document.close()


def test_kill_in_the_middle_of_strokes_loses_at_most_the_last(root: Path, tomogram: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", STROKES, str(tomogram)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) >= 150:
            break
    child.send_signal(signal.SIGKILL)
    said = [int(line) for line in child.stdout.read().split()]
    child.wait()
    child.stdout.close()
    last = max([150, *said[:-1]])  # the last line may be cut off

    (left,) = leftovers()
    assert left.name == "cell.mrc" and not left.damaged
    document = recover(left.folder)
    try:
        assert document.labels is not None
        painted = np.flatnonzero(document.labels[2])
        assert len(painted) > last and np.array_equal(painted, np.arange(len(painted)))
        # The record of what was done may lag behind by what the thread was just writing.
        assert [s.parameters["number"] for s in document.steps] == list(range(len(document.steps)))
        assert len(document.steps) >= 1
        assert document.modified and document.voxel_nm == pytest.approx((10, 10, 10))
        assert not leftovers(), "the folder is in use again"
    finally:
        document.discard()
        document.close()
    assert not list(root.iterdir())


def test_work_without_changes_leaves_nothing(root: Path, tomogram: Path) -> None:
    document = Document.open(tomogram)
    document.volume("labels")
    document.autosave(wait=True)
    assert (document.folder / "state.json").exists()
    document.close()
    assert not list(root.iterdir())


def test_unsaved_work_stays_until_it_is_discarded(root: Path, tomogram: Path) -> None:
    document = Document.open(tomogram)
    document.volume("mask")[1] = 255
    document.recount("mask")
    document.add_step(
        Step(StepKind.OTHER, unknown="Cell mask", parameters={"method": "brush", "where": np.int64(3)})
    )
    document.view = {"slices": {"zoom": 2.0}}
    document.close()
    (left,) = leftovers()
    assert left.steps == 1 and left.bytes > 0
    again = recover(left.folder)
    assert again.mask is not None and again.mask[1].all() and not again.mask[0].any()
    assert again.labels is None
    assert again.steps[0].parameters == {"method": "brush", "where": 3}
    assert again.view == {"slices": {"zoom": 2.0}}
    again.close()
    (left,) = leftovers()
    discard(left)
    assert not leftovers() and not list(root.iterdir())


def test_unfinished_segmentation_survives(root: Path, tomogram: Path) -> None:
    document = Document.open(tomogram)
    document.segmentation_folder.mkdir()
    (document.bulk / "output.raw").write_bytes(bytes(100))
    (document.segmentation_folder / "finished.log").write_text("0 00000000\n")
    document.autosave(wait=True)
    document.close()
    (left,) = leftovers()
    assert left.segmentation
    document = recover(left.folder)
    assert document.unfinished_segmentation
    document.discard()
    document.close()
    assert not list(root.iterdir())


def test_moved_tomogram_is_named_and_can_be_given(root: Path, tomogram: Path, tmp_path: Path) -> None:
    document = Document.open(tomogram)
    document.add_step(Step(StepKind.OTHER, unknown="Something"))
    document.close()
    moved = tomogram.rename(tmp_path / "elsewhere.mrc")
    (left,) = leftovers()
    with pytest.raises(UserError, match=r"cell\.mrc does not exist"):
        recover(left.folder)
    assert leftovers(), "nothing is lost by trying"
    document = recover(left.folder, moved)
    assert [step.name for step in document.steps] == ["Something"]
    document.discard()
    document.close()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"schema": "sxtstudio-state/1"}', "[" * 100_000])
def test_damaged_state_is_told_and_nothing_is_removed(root: Path, tomogram: Path, content: str) -> None:
    document = Document.open(tomogram)
    document.volume("labels")
    document.add_step(Step(StepKind.EDIT, EditKind.BRUSH))
    document.close()
    (folder,) = root.iterdir()
    (folder / "state.json").write_text(content)
    (left,) = leftovers()
    assert "damaged" in left.damaged
    assert (folder / "labels.raw").exists()
    with pytest.raises(UserError, match="damaged"):
        recover(folder)
    assert (folder / "labels.raw").exists()


def edit_state(folder: Path, **changes: object) -> None:
    content = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps({**content, **changes}))


@pytest.mark.parametrize(
    "changes",
    [
        {"targets": [["labels"]]},
        {"targets": 5},
        {"targets": {"labels": 1, "more": 2}},
        {"record": []},
        {"record": {}},
        {"project": 7},
        {"project": "a\0b"},
        {"bulk": ["x"]},
        {"bulk": "\ud800"},
        {"source": "\ud800\0"},
        {"schema": None},
    ],
    ids=str,
)
def test_one_damaged_state_hides_no_other_work(
    root: Path, tomogram: Path, changes: dict[str, object]
) -> None:
    for _ in range(2):
        document = Document.open(tomogram)
        document.volume("labels")
        document.add_step(Step(StepKind.EDIT, EditKind.BRUSH))
        document.close()
    spoilt, good = root.iterdir()
    edit_state(spoilt, **changes)
    found = {left.folder: left for left in leftovers()}
    assert set(found) == {spoilt, good} and not found[good].damaged
    with contextlib.suppress(UserError):
        closed = recover(spoilt)
        closed.close()
    assert (spoilt / "labels.raw").exists() and (good / "labels.raw").exists()
    for left in found.values():
        discard(left)
    assert not leftovers()


@pytest.mark.parametrize("kind", ["folder", "pipe", "binary"])
def test_a_state_that_is_no_text_hides_no_other_work(root: Path, tomogram: Path, kind: str) -> None:
    for _ in range(2):
        document = Document.open(tomogram)
        document.add_step(Step(StepKind.OTHER, unknown="Something"))
        document.close()
    spoilt, good = root.iterdir()
    (spoilt / "state.json").unlink()
    if kind == "folder":
        (spoilt / "state.json").mkdir()
    elif kind == "pipe":
        os.mkfifo(spoilt / "state.json")
    else:
        (spoilt / "state.json").write_bytes(bytes(range(256)))
    found = {left.folder: left for left in leftovers()}
    assert set(found) == {spoilt, good} and found[spoilt].damaged and not found[good].damaged


@pytest.mark.parametrize("modified", ["true", 1, None, "gone", 0, [False]])
def test_only_a_clear_word_that_all_is_saved_deletes_a_session(
    root: Path, tomogram: Path, modified: object
) -> None:
    document = Document.open(tomogram)
    document.volume("labels")[0] = 255
    document.add_step(Step(StepKind.EDIT, EditKind.BRUSH))
    document.close()
    (folder,) = root.iterdir()
    edit_state(folder, modified=modified)
    if modified == "gone":
        content = json.loads((folder / "state.json").read_text())
        del content["modified"]
        (folder / "state.json").write_text(json.dumps(content))
    (left,) = leftovers()
    again = recover(left.folder)
    assert again.labels is not None and (again.labels[0] == 255).all()
    again.discard()
    again.close()


def test_strokes_that_the_state_does_not_know_yet_are_kept(root: Path, tomogram: Path) -> None:
    """As after a kill while the state was being written."""
    document = Document.open(tomogram)
    labels = document.volume("labels")
    document.autosave(wait=True)
    (folder,) = root.iterdir()
    state = (folder / "state.json").read_bytes()
    labels[1] = 255
    document.add_step(Step(StepKind.EDIT, EditKind.BRUSH))
    document.close()
    (folder / "state.json").write_bytes(state)
    assert json.loads(state)["modified"] is False
    now = (folder / "labels.raw").stat().st_mtime_ns
    os.utime(folder / "state.json", ns=(now - 1, now - 1))
    assert [left.folder for left in leftovers()] == [folder]
    os.utime(folder / "state.json", ns=(now + 1, now + 1))
    assert not leftovers() and not folder.exists()


def test_who_looks_for_work_removes_nothing_that_is_being_taken_up(root: Path, tomogram: Path) -> None:
    document = Document.open(tomogram)
    document.add_step(Step(StepKind.OTHER, unknown="Something"))
    document.lac = LacCalibration(-0.02, 1.5)
    document.close()
    (left,) = leftovers()
    again = recover(left.folder)
    assert again.lac == LacCalibration(-0.02, 1.5)
    discard(left)
    assert not leftovers() and (left.folder / "state.json").exists()
    again.discard()
    again.close()
    assert not list(root.iterdir())


def test_cut_off_last_step_does_not_count(root: Path, tomogram: Path) -> None:
    document = Document.open(tomogram)
    document.add_step(Step(StepKind.OTHER, unknown="One"))
    document.add_step(Step(StepKind.OTHER, unknown="Two"))
    document.close()
    (folder,) = root.iterdir()
    steps = folder / "steps.jsonl"
    steps.write_bytes(steps.read_bytes()[:-9])
    again = recover(folder)
    assert [step.name for step in again.steps] == ["One"]
    again.add_step(Step(StepKind.OTHER, unknown="Three"))
    again.close()
    again = recover(folder)
    assert [step.name for step in again.steps] == ["One", "Three"]
    again.discard()
    again.close()


def test_full_disk_is_told_before_anything_is_mapped(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(reserved, "reserve", full)
    with pytest.raises(UserError, match="disk is too full"):
        document.volume("labels")
    assert document.labels is None and not document.file_of("labels").exists()
    monkeypatch.undo()


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="another way of reserving")
def test_room_of_labels_is_reserved(document: Document) -> None:
    document.volume("labels")
    stat = document.file_of("labels").stat()
    assert stat.st_blocks * 512 >= stat.st_size == 6 * 64 * 80


def test_small_state_disk_makes_voxels_lie_beside_the_tomogram(
    root: Path, tomogram: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = {root: 1000, tomogram.parent: 1 << 40}
    monkeypatch.setattr(workplace, "_free", lambda folder: free.get(folder, free.get(folder.parent, 1 << 40)))
    document = Document.open(tomogram)
    document.volume("labels")[0] = 255
    document.recount("labels")
    document.add_step(Step(StepKind.EDIT, EditKind.BRUSH))
    assert document.file_of("labels").parent.parent == tomogram.parent
    document.close()
    (left,) = leftovers()
    document = recover(left.folder)
    assert document.labels is not None and document.labels[0].all()
    document.discard()
    document.close()
    assert sorted(p.name for p in tomogram.parent.iterdir()) == ["cell.mrc", "sessions"]


def test_nothing_is_written_beside_the_sample(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = Path(__file__).resolve().parents[3] / "resources" / "sample.tif"
    before = sorted(sample.parent.iterdir())
    monkeypatch.setattr(workplace, "_free", lambda folder: 0 if folder.parent == root else 1 << 40)
    document = Document.open(sample)
    assert document.bulk == document.folder
    assert sorted(sample.parent.iterdir()) == before
    document.close()


def test_failing_autosave_is_told_once(document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("sxtstudio.workflow.document.state.write_state", full)
    document.add_step(Step(StepKind.EDIT, EditKind.BRUSH))
    with pytest.raises(UserError, match="could not be saved"):
        document.autosave(wait=True)
    document.add_step(Step(StepKind.EDIT, EditKind.BRUSH))
    document.autosave(wait=True)  # not with every stroke
    monkeypatch.undo()
    document.autosave(wait=True)
    saved = json.loads((document.folder / "state.json").read_text())
    assert saved["modified"] is True


def test_the_first_stroke_is_recoverable_before_any_thread_has_run(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Saver, "submit", lambda saver, job: None)
    document.volume("labels")
    document.add_step(Step(StepKind.EDIT, EditKind.BRUSH))
    document.autosave()
    state = read_state(document.folder)
    assert state.modified and state.targets == ("labels",)
    assert [step.name for step in read_steps(document.folder)] == ["Brush"]


def test_the_first_stroke_waits_for_no_disk_and_is_recoverable_meanwhile(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk stands still, as it does for seconds after a large project was opened: none is asked here."""
    free, flushed = threading.Event(), []

    def slow(descriptor: int) -> None:
        flushed.append(threading.current_thread())
        assert threading.current_thread() is not threading.main_thread(), "a stroke waits for the disk"
        assert free.wait(30)

    monkeypatch.setattr("os.fsync", slow)
    try:
        for target in ("labels", "mask"):
            document.volume(target)
            document.add_step(Step(StepKind.EDIT, EditKind.BRUSH))
            document.autosave()
            state = read_state(document.folder)
            assert state.modified and target in state.targets and state.record.steps
    finally:
        free.set()
    document.autosave(wait=True)
    assert flushed and not (document.folder / STATE_NOW).exists()
    assert read_state(document.folder).targets == ("labels", "mask")


@pytest.mark.parametrize("left", ["", '{"schema"', "\0" * 100], ids=["empty", "half", "zeros"])
def test_what_a_power_cut_kept_off_the_disk_does_not_count(document: Document, left: str) -> None:
    document.volume("labels")
    document.add_step(Step(StepKind.EDIT, EditKind.BRUSH))
    document.autosave(wait=True)
    (document.folder / STATE_NOW).write_text(left)
    state = read_state(document.folder)
    assert state.modified and state.targets == ("labels",) and len(state.record.steps) == 1


def test_a_state_that_is_older_takes_no_newer_one_away(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the disk is waited for, the next stroke is made, in another volume."""
    begun, free = threading.Event(), threading.Event()

    def slow(folder: Path, state: FolderState) -> None:
        begun.set()
        assert free.wait(30)
        write_state(folder, state)

    monkeypatch.setattr("sxtstudio.workflow.document.state.write_state", slow)
    document.volume("labels")
    assert begun.wait(30)
    document.volume("mask")
    document.add_step(Step(StepKind.EDIT, EditKind.BRUSH))
    monkeypatch.setattr(Saver, "submit", lambda saver, job: None)
    document.autosave()
    free.set()
    document._autosave._saver.wait()
    state = read_state(document.folder)
    assert state.modified and state.targets == ("labels", "mask") and len(state.record.steps) == 1


def test_what_leaves_no_work_is_closed_while_others_go_on(
    root: Path, tomogram: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk stands still while the voxels are removed; a crash then leaves nothing that is offered."""
    free, removing = threading.Event(), []
    remove = document_state.remove_files

    def slow(*arguments: Any) -> None:
        removing.append(threading.current_thread())
        assert free.wait(30)
        remove(*arguments)

    document = Document.open(tomogram)
    document.volume("labels")
    document.autosave(wait=True)
    monkeypatch.setattr(document_state, "remove_files", slow)
    assert not document.leaves_work
    document.close_soon()
    assert (document.folder / "discarded").exists() and not leftovers()
    free.set()
    (thread,) = [one for one in threading.enumerate() if one.name == "closing a document"]
    thread.join(30)
    assert not document.folder.exists() and removing == [thread]


def test_autosave_does_not_hold_up_strokes(document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the disk is: here it stands still until all strokes are made."""
    labels = document.volume("labels")
    document.add_step(Step(StepKind.EDIT, EditKind.BRUSH))
    document.autosave(wait=True)  # with the first one, that there is something to recover is waited for
    made = threading.Event()

    def slow(folder: Path, state: FolderState) -> None:
        assert made.wait(20), "a stroke waits for the disk"
        write_state(folder, state)

    monkeypatch.setattr("sxtstudio.workflow.document.state.write_state", slow)
    for number in range(50):
        recorder = Recorder(EditKind.BRUSH, labels)
        recorder.write(Box((0, number, 0), (1, number + 1, 1)), np.full((1, 1, 1), 255, np.uint8))
        document.add_step(Step(StepKind.EDIT, EditKind.BRUSH, parameters={"number": number}))
        document.autosave()
    made.set()
    document.autosave(wait=True)
    assert len(read_steps(document.folder)) == 51


def test_steps_after_a_line_that_the_power_cut_off_are_read(tmp_path: Path) -> None:
    first, last = Step(StepKind.EDIT, EditKind.BRUSH), Step(StepKind.EDIT, EditKind.ERASER)
    append_steps(tmp_path, [first, first], anew=True)
    path = tmp_path / "steps.jsonl"
    path.write_bytes(path.read_bytes()[:-9])
    append_steps(tmp_path, [last], anew=False)
    assert [step.name for step in read_steps(tmp_path)] == [first.name, last.name]


def test_folder_that_another_window_has_just_made_is_left_alone(root: Path) -> None:
    (root / "young").mkdir(parents=True)
    assert not leftovers() and (root / "young").exists()
    assert not list((root / "young").iterdir()), "its lock is about to be taken by that window"
    os.utime(root / "young", (0, 0))
    assert not leftovers() and not (root / "young").exists()


def test_what_others_put_there_is_never_removed(root: Path, tomogram: Path) -> None:
    document = Document.open(tomogram)
    (document.folder / "notes.txt").write_text("mine")
    document.close()
    assert [p.name for p in root.rglob("*") if p.is_file() and p.suffix == ".txt"] == ["notes.txt"]
