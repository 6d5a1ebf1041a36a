"""Objects and their table: saved, found again after a crash, and never one without the other."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sxtstudio.core import edits
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Edit, NotAsItWas
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_classes import CLASSES, ObjectClass
from sxtstudio.core.object_table import ObjectFlag, ObjectRow, ObjectTable, TableChange
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io.edit_journal import journals
from sxtstudio.workflow.document import workplace
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.objects import LOG, replace_objects
from sxtstudio.workflow.document.project import open_project
from tests.workflow.document.window import ROW, Window

ONE, TWO = Box((1, 2, 3), (4, 9, 20)), Box((2, 20, 22), (3, 30, 33))


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


def opened(window: Window, folder: Path) -> tuple[Window, tuple[str, ...]]:
    found = open_project(folder, lock=window.document.project_lock)
    return Window(found.document), found.notes


def objects_of(window: Window) -> np.ndarray:
    return np.array(window.document.volume("objects"))


def test_objects_are_numbers_of_four_bytes_beside_the_labels(window: Window) -> None:
    document = window.document
    assert document.objects is None and document.object_table == ObjectTable()
    window.draw(3_000_000_000, ONE)
    assert document.objects is not None and document.objects.dtype == np.uint32
    assert document.file_of("objects").stat().st_size == 4 * np.prod(document.shape)
    assert document.voxels("objects") == np.prod(ONE.shape) and document.labels is None
    assert document.box_of(3_000_000_000) == ONE and document.box_of(1) is None
    window.history.undo(document)
    assert document.objects is None and document.object_table.rows == {}
    window.history.redo(document)
    assert document.object_table.rows == {3_000_000_000: ROW}


def test_after_a_crash_objects_table_and_undo_are_there(window: Window) -> None:
    window.draw(1, ONE)
    window.draw(2, TWO)
    window.change({2: ObjectRow("Gold")})
    before, table = objects_of(window), window.document.object_table
    again = window.crash()
    document = again.document
    assert np.array_equal(objects_of(again), before) and document.object_table == table
    assert document.voxels("objects") == np.count_nonzero(before)
    assert document.box_of(2) == TWO and document.notes == ()
    for rows in ({1: ROW, 2: ROW}, {1: ROW}, {}):
        assert again.history.undo(document) is not None
        assert document.object_table.rows == rows
    assert document.objects is None
    again.close()


def test_who_is_killed_before_the_thread_wrote_anything_loses_nothing(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.draw(1, ONE)
    window.document.undo.wait()
    monkeypatch.setattr(window.document.undo, "_soon", lambda _: None)
    monkeypatch.setattr(window.document._autosave._saver, "submit", lambda _: None)
    window.draw(2, TWO)
    window.change({1: ObjectRow("Gold")})
    again = window.crash()
    assert again.document.object_table.rows == {1: ObjectRow("Gold"), 2: ROW}
    assert again.history.undo_name == "New object"
    again.close()


def test_who_is_killed_between_the_voxels_and_the_table_gets_both(window: Window) -> None:
    window.draw(1, ONE)
    window.drawing(2, TWO).finish()  # the journal is at its end; the table was not reached
    assert 2 not in window.document.object_table.rows
    again = window.crash()
    assert again.document.object_table.rows == {1: ROW, 2: ROW}
    assert again.document.notes == ()
    again.history.undo(again.document)
    assert again.document.object_table.rows == {1: ROW} and not (objects_of(again) == 2).any()
    again.close()


class Killed(BaseException):
    """The program ends here."""


@pytest.mark.parametrize("again", ["Undo", "Redo"])
def test_who_is_killed_between_the_voxels_and_the_table_of_an_undo_or_redo_gets_both(
    window: Window, monkeypatch: pytest.MonkeyPatch, again: str
) -> None:
    def killed(_: object) -> None:
        raise Killed

    window.draw(1, ONE)
    window.draw(2, TWO)
    if again == "Redo":
        window.undo()
    monkeypatch.setattr(window.document, "change_table", killed)
    with pytest.raises(Killed):
        (window.history.undo if again == "Undo" else window.history.redo)(window.document)
    after = window.crash()
    assert after.document.object_table.rows == ({1: ROW} if again == "Undo" else {1: ROW, 2: ROW})
    assert (objects_of(after) == 2).any() == (again == "Redo") and after.document.notes == ()
    while after.history.next_undo is not None:
        after.history.undo(after.document)
    assert after.document.object_table.rows == {} and not objects_of(after).any()
    after.close()


def test_half_a_change_of_objects_is_taken_back(window: Window) -> None:
    window.draw(1, ONE)
    before = objects_of(window)
    recorder = window.document.recorder(EditKind.FIND_OBJECTS, "objects", {})
    for first in (2, 3, 2):
        box = Box.slab(first, first + 1, window.document.shape)
        recorder.write(box, np.full(box.shape, 70_000 + first, np.uint32))
    again = window.crash()
    assert np.array_equal(objects_of(again), before)
    assert again.document.object_table.rows == {1: ROW}
    assert again.history.undo_name == "New object"
    assert any("Find objects" in note and "taken back" in note for note in again.document.notes)
    assert journals(again.document.undo.folder) == []
    again.close()


def test_a_lost_or_damaged_log_costs_classes_and_no_voxels(window: Window) -> None:
    window.draw(1, ONE)
    window.draw(5, TWO)
    before = objects_of(window)
    window.document.undo.wait()
    (window.document.folder / LOG).write_text("{}\n")
    again = window.crash()
    assert np.array_equal(objects_of(again), before)
    assert again.document.object_table.rows == {1: ObjectRow(), 5: ObjectRow()}
    assert any("table" in note for note in again.document.notes)
    with pytest.raises(NotAsItWas, match="table"):
        again.history.undo(again.document)
    assert np.array_equal(objects_of(again), before)
    again.close()


def test_a_project_keeps_objects_table_and_undo(window: Window, tmp_path: Path) -> None:
    folder = tmp_path / "a.sxt"
    own = (*CLASSES, ObjectClass("Golgi", (1, 2, 3)))
    window.draw(1, ONE)
    window.draw(70_000, TWO, ObjectRow())
    window.finish(
        Edit(EditKind.EDIT_CLASSES, (), "objects", rows=window.document.object_table.change({}, own))
    )
    window.keep(folder)
    assert json.loads((folder / "project.json").read_text())["schema"] == "sxtstudio-project/2"
    again, notes = opened(window, folder)
    document = again.document
    assert notes == () and not document.modified
    assert np.array_equal(objects_of(again), objects_of(window))
    assert document.object_table == window.document.object_table and document.object_table.classes == own
    assert document.box_of(70_000) == TWO
    again.history.undo(document)
    assert document.object_table.classes == CLASSES
    again.history.undo(document)
    assert document.object_table.rows == {1: ROW} and document.box_of(70_000) is None
    again.close()


def test_only_what_changed_is_written(window: Window, tmp_path: Path) -> None:
    folder = tmp_path / "a.sxt"

    def there() -> set[str]:
        return {path.name for path in folder.iterdir() if path.name.startswith("objects")}

    window.draw(1, ONE)
    window.keep(folder)
    assert there() == {"objects-1.zarr", "objects-1.json"}
    window.change({1: ObjectRow("Gold")})
    window.keep(folder)
    assert there() == {"objects-1.zarr", "objects-2.json"}
    window.keep(folder)
    assert there() == {"objects-1.zarr", "objects-2.json"}
    window.draw(1, TWO, ObjectRow("Gold"))
    window.keep(folder)
    assert there() == {"objects-2.zarr", "objects-2.json"}
    while window.history.undo(window.document):
        pass
    window.keep(folder)
    assert there() == set()
    assert json.loads((folder / "project.json").read_text())["schema"] == "sxtstudio-project/1"


def test_a_saving_that_fails_leaves_the_former_table(
    window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a.sxt"
    window.draw(1, ONE)
    window.keep(folder)
    window.change({1: ObjectRow("Gold")})
    with monkeypatch.context() as context:
        context.setattr(
            "sxtstudio.workflow.document.project.write_record",
            lambda *_: (_ for _ in ()).throw(UserError("The disk is full.")),
        )
        with pytest.raises(UserError, match="full"):
            window.keep(folder)
    again, notes = opened(window, folder)
    assert notes == () and again.document.object_table.rows == {1: ROW}
    assert not (folder / "objects-2.json").exists()
    again.close()


def test_classes_of_ones_own_are_kept_before_there_is_any_object(window: Window, tmp_path: Path) -> None:
    own = (ObjectClass("Golgi", (1, 2, 3)),)
    window.finish(Edit(EditKind.EDIT_CLASSES, (), "objects", rows=TableChange(classes=(CLASSES, own))))
    window.keep(tmp_path / "a.sxt")
    again, notes = opened(window, tmp_path / "a.sxt")
    assert notes == () and again.document.object_table == ObjectTable({}, own)
    again.close()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        (b"{", "is no JSON"),
        (b'{"schema": "sxtstudio-objects/9"}', "newer"),
        (b'{"schema": "sxtstudio-objects/1", "classes": [], "rows": {}}', "changed by another program"),
    ],
)
def test_a_damaged_table_of_a_project_is_said_and_the_objects_are_there(
    window: Window, tmp_path: Path, content: bytes | None, words: str
) -> None:
    folder = tmp_path / "a.sxt"
    window.draw(4, ONE)
    window.keep(folder)
    if content is None:
        (folder / "objects-1.json").unlink()
    else:
        (folder / "objects-1.json").write_bytes(content)
    again, notes = opened(window, folder)
    assert len(notes) == 1 and words in notes[0]
    assert np.array_equal(objects_of(again), objects_of(window))
    assert again.document.object_table.rows == {4: ObjectRow()}
    again.close()


def test_objects_that_cannot_be_read_are_left_out_and_the_rest_opens(window: Window, tmp_path: Path) -> None:
    folder, other = tmp_path / "a.sxt", tmp_path / "b.sxt"
    window.draw(4, ONE)
    window.document.volume("labels")[ONE.slices] = 255
    window.document.recount("labels")
    window.keep(folder)
    for chunk in folder.glob("objects-2.zarr/**/*"):
        if chunk.is_file() and not chunk.name.startswith(".") and chunk.suffix != ".json":
            chunk.write_bytes(b"no chunk")
    again, notes = opened(window, folder)
    assert len(notes) == 1 and "objects were left out" in notes[0] and "also when you save" in notes[0]
    assert again.document.objects is None and again.document.object_table.rows == {}
    assert again.document.voxels("labels") == np.prod(ONE.shape) and again.document.kept_edits == []
    again.keep(other)
    again.close()
    third, notes = opened(window, other)
    third.close()
    assert notes == () and (folder / "objects-2.zarr").is_dir()


def spoilt(folder: Path, pattern: str) -> None:
    """Make files of a project unreadable."""
    for chunk in folder.glob(pattern):
        if chunk.is_file() and not chunk.name.startswith(".") and chunk.name != "zarr.json":
            chunk.write_bytes(b"no chunk")


def contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("crashed", [False, True], ids=["at once", "after a crash"])
def test_objects_that_cannot_be_read_stay_in_the_project_that_is_saved(
    window: Window, tmp_path: Path, crashed: bool
) -> None:
    folder = tmp_path / "a.sxt"
    window.draw(4, ONE)
    window.keep(folder)
    spoilt(folder, "objects-1.zarr/**/*")
    before = contents(folder / "objects-1.zarr")
    window.close()
    found = open_project(folder)
    again = Window(found.document)
    assert len(found.notes) == 1 and "objects were left out" in found.notes[0]
    again.stroke(3)
    if crashed:
        assert found.document.project_lock is not None
        found.document.project_lock.release()
        again = again.crash()
    again.draw(9, TWO)  # and others are made
    saved = again.keep(folder)
    assert len(saved.notes) == 1 and "unread-objects-1.zarr, unread-objects-1.json" in saved.notes[0]
    kept = folder / "unread-objects-1.zarr"
    assert contents(kept) == before and (folder / "unread-objects-1.json").is_file()
    again.stroke(9)
    assert again.keep(folder).notes == () and kept.is_dir()
    again.close()
    third, notes = opened(window, folder)
    third.close()
    assert notes == () and third.document.object_table.rows.keys() == {9}


def test_a_table_that_cannot_be_read_stays_in_the_project_that_is_saved(
    window: Window, tmp_path: Path
) -> None:
    folder = tmp_path / "a.sxt"
    window.draw(4, ONE)
    window.keep(folder)
    (folder / "objects-1.json").write_bytes(b"{")
    again, notes = opened(window, folder)
    assert len(notes) == 1
    saved = again.keep(folder)
    again.close()
    assert "unread-objects-1.json" in saved.notes[0]
    assert (folder / "unread-objects-1.json").read_bytes() == b"{"


def test_what_was_read_and_is_no_more_wanted_goes(window: Window, tmp_path: Path) -> None:
    folder = tmp_path / "a.sxt"
    window.draw(4, ONE)
    window.keep(folder)
    window.history.undo(window.document)
    window.stroke(3)
    assert window.keep(folder).notes == ()
    assert not [entry for entry in folder.iterdir() if "objects" in entry.name]


def test_a_table_that_leads_elsewhere_is_refused(window: Window, tmp_path: Path) -> None:
    folder = tmp_path / "a.sxt"
    window.draw(4, ONE)
    window.keep(folder)
    (folder / "objects-1.json").rename(tmp_path / "secret.json")
    (folder / "objects-1.json").symlink_to(tmp_path / "secret.json")
    again, notes = opened(window, folder)
    assert len(notes) == 1 and "refused" in notes[0]
    assert again.document.object_table.rows == {4: ObjectRow()}
    again.close()


@pytest.mark.parametrize("name", ["objects-1.json", "../objects-1.json", "labels-1.json", "objects-1.zarr"])
def test_only_a_table_is_named_in_a_project(window: Window, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "a.sxt"
    window.draw(4, ONE)
    window.keep(folder)
    content = json.loads((folder / "project.json").read_text())
    content["object_table"]["name"] = name
    (folder / "project.json").write_text(json.dumps(content))
    if name == "objects-1.json":
        again, _ = opened(window, folder)
        again.close()
    else:
        with pytest.raises(UserError, match="object_table"):
            opened(window, folder)


def test_labels_do_not_pass_for_objects(window: Window, tmp_path: Path) -> None:
    folder = tmp_path / "a.sxt"
    window.draw(4, ONE)
    labels = window.document.recorder(EditKind.BRUSH, "labels", {})
    labels.write(TWO, np.full(TWO.shape, 255, np.uint8))
    window.finish(labels.finish())
    window.keep(folder)
    stored = json.loads((folder / "project.json").read_text())["volumes"]
    shutil.rmtree(folder / stored["objects"]["name"])
    (folder / stored["labels"]["name"]).rename(folder / stored["objects"]["name"])
    shutil.copytree(folder / stored["objects"]["name"], folder / stored["labels"]["name"])
    again, notes = opened(window, folder)
    again.close()
    assert again.document.objects is None
    assert re.search(r"objects were left out.* type uint8 instead of .* type uint32", notes[0])


def test_other_objects_replace_all_as_one_edit(window: Window) -> None:
    document = window.document
    window.draw(1, ONE)
    window.draw(2, TWO)
    before = objects_of(window)
    found = np.zeros(document.shape, np.uint16)
    found[4:6, 10:20, 10:20], found[0, :5, :5] = 2, 9
    recorder = document.recorder(EditKind.FIND_OBJECTS, "objects", {})
    table = ObjectTable({2: ObjectRow(flags=frozenset({ObjectFlag.OPEN})), 9: ObjectRow()})
    replace_objects(recorder, ArrayVolume(found), document.object_table, table, document.object_boxes)
    window.finish(recorder.finish())
    assert np.array_equal(objects_of(window), found)
    border = frozenset({ObjectFlag.BORDER})  # both lie at a face of the volume
    rows = {2: ObjectRow(flags=border | {ObjectFlag.OPEN}), 9: ObjectRow(flags=border)}
    assert document.object_table == ObjectTable(rows)
    assert document.box_of(2) == Box((4, 10, 10), (6, 20, 20)) and document.box_of(1) is None
    window.history.undo(document)
    assert np.array_equal(objects_of(window), before)
    assert document.object_table.rows == {1: ROW, 2: ROW} and document.box_of(1) == ONE


# -- a crash in the middle of a change of the table alone ----------------------------------------------


def rows_of(window: Window) -> dict[int, ObjectRow]:
    return dict(window.document.object_table.rows)


@pytest.fixture
def classed(window: Window) -> Window:
    """Two objects, and then a class for each of them, which is a change of the table alone."""
    window.draw(1, ONE)
    window.draw(2, TWO)
    window.change({1: ObjectRow("Gold")})
    window.change({1: ObjectRow("Nucleus"), 2: ObjectRow("Gold")})
    window.document.undo.wait()
    return window


def test_an_undo_of_rows_whose_edit_is_on_disk_still_leaves_all_steps_below(
    classed: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classed.document.undo, "_soon", lambda work: None)  # the thread comes to nothing
    classed.history.undo(classed.document)
    assert rows_of(classed) == {1: ObjectRow("Gold"), 2: ROW}
    again = classed.crash()
    assert rows_of(again) == {1: ObjectRow("Gold"), 2: ROW}
    for rows in ({1: ROW, 2: ROW}, {1: ROW}, {}):
        assert again.history.undo(again.document) is not None
        assert rows_of(again) == rows
    again.close()


def test_an_undo_of_rows_that_was_written_down_and_not_done_is_done(
    classed: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """The program ends here."""

    def killed(change: TableChange) -> None:
        raise Killed

    monkeypatch.setattr(classed.document, "change_table", killed)
    with pytest.raises(Killed):
        classed.history.undo(classed.document)
    again = classed.crash()
    assert rows_of(again) == {1: ObjectRow("Gold"), 2: ROW}
    assert again.history.undo(again.document) is not None
    assert rows_of(again) == {1: ROW, 2: ROW} and len(again.history) == 2
    again.close()


def test_a_redo_of_rows_whose_edit_is_not_on_disk_yet_can_be_taken_back(
    classed: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    classed.history.undo(classed.document)
    classed.document.undo.wait()
    monkeypatch.setattr(classed.document.undo, "_soon", lambda work: None)
    classed.history.redo(classed.document)
    again = classed.crash()
    assert rows_of(again) == {1: ObjectRow("Nucleus"), 2: ObjectRow("Gold")}
    for rows in ({1: ObjectRow("Gold"), 2: ROW}, {1: ROW, 2: ROW}, {1: ROW}):
        assert again.history.undo(again.document) is not None
        assert rows_of(again) == rows
    again.close()


def test_changes_of_rows_leave_no_journal(classed: Window) -> None:
    classed.history.undo(classed.document)
    classed.history.redo(classed.document)
    classed.document.undo.wait()
    assert journals(classed.document.undo.folder) == []


def test_rows_of_thousands_of_objects_are_not_written_twice_while_the_window_waits(
    classed: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edits, "_ROWS_WRITTEN_FIRST", 1)  # the latest change is of two
    monkeypatch.setattr(classed.document.undo, "_soon", lambda work: None)
    classed.history.undo(classed.document)
    assert journals(classed.document.undo.folder) == []
    classed.history.undo(classed.document)
    assert len(journals(classed.document.undo.folder)) == 1
    assert rows_of(classed) == {1: ROW, 2: ROW}
