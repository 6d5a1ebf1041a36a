"""What was measured of the objects: saved, opened and recovered with the document."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.core.measure.columns import Column, Measurements, Quantity
from sxtstudio.core.measure.contacts import ContactRule
from sxtstudio.core.measure.kept import KeptMeasurements
from sxtstudio.core.measure.measure import measure_objects
from sxtstudio.core.measure.relations import relations_group
from sxtstudio.core.measure.size import SIZE
from sxtstudio.core.object_table import ObjectRow
from sxtstudio.io.measurements import measurements_bytes, read_measurements
from sxtstudio.workflow.document import autosave
from sxtstudio.workflow.document import measurements as log_of_measurements
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.measurements import LOG, VALUES
from sxtstudio.workflow.document.project import adopt, open_project, save, snapshot
from sxtstudio.workflow.document.recovered import recover

BOXES = {2: Box((1, 2, 3), (4, 9, 20)), 7: Box((2, 20, 22), (3, 30, 33))}
RULE = ContactRule("Vesicle", "ER", 40.0)
VOXEL = (10.0, 10.0, 10.0)


@pytest.fixture
def document(tomogram: Path) -> Iterator[Document]:
    """A tomogram with two objects."""
    document = Document.open(tomogram)
    document.voxel_nm = VOXEL
    for number, box in BOXES.items():
        draw(document, number, box)
    yield document
    document.discard()
    document.close()


def draw(document: Document, number: int, box: Box) -> None:
    recorder = document.recorder(EditKind.NEW_OBJECT, "objects", {})
    recorder.write(box, np.full(box.shape, number, np.uint32))
    recorder.rows = document.object_table.change({number: ObjectRow("Vesicle")})
    edit = recorder.finish()
    assert edit is not None
    if edit.rows is not None:
        document.change_table(edit.rows)
    document.gain("objects", edit.gained)
    document.modified = True
    document.autosave(wait=True)


def measured(document: Document) -> KeptMeasurements:
    """The true values of the objects, with a contact and a place that could not be measured."""
    objects = document.objects
    assert objects is not None
    groups = (SIZE, relations_group(dict.fromkeys(BOXES, "Vesicle")))
    value = measure_objects(objects, VOXEL, groups=groups)
    area, patches = RULE.columns()
    value.add(area, np.array([1200.0, np.nan]))
    value.add(patches, np.array([3, 0]))
    value.notes += ("by hand",)
    return KeptMeasurements(value, voxel_nm=VOXEL, contacts=(RULE,))


def same(one: KeptMeasurements | None, other: KeptMeasurements) -> bool:
    if one is None or one.value.columns != other.value.columns or one.value.notes != other.value.notes:
        return False
    values = all(
        np.array_equal(one.value.values[k], v, equal_nan=True) for k, v in other.value.values.items()
    )
    facts = (one.voxel_nm, one.contacts, one.value.calibrated)
    return (
        values
        and facts == (other.voxel_nm, other.contacts, other.value.calibrated)
        and np.array_equal(one.value.numbers, other.value.numbers)
    )


def reopened(document: Document, folder: Path) -> tuple[Document, tuple[str, ...]]:
    found = open_project(folder, lock=document.project_lock)
    return found.document, found.notes


def test_a_project_has_the_measurements_and_what_is_out_of_date(document: Document, tmp_path: Path) -> None:
    kept = measured(document)
    document.keep_measurements(kept)
    document.measurements.mark({7})
    folder = tmp_path / "cell.sxt"
    adopt(document, save(snapshot(document), folder))
    assert not document.modified and document.measurements.kept is not None
    again, notes = reopened(document, folder)
    assert notes == () and same(again.measurements.kept, kept) and not again.modified
    assert again.measurements.kept is not None and again.measurements.kept.stale == {7}
    volume = again.measurements.kept.value.values["volume"]  # in µm³
    assert volume == pytest.approx([np.prod(box.shape) * 1e-6 for box in BOXES.values()])
    before = sorted(path.name for path in folder.iterdir() if path.name.startswith("measurements"))
    adopt(again, save(snapshot(again), folder))
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith("measurements")) == before
    again.measurements.keep(None)
    adopt(again, save(snapshot(again), folder))
    assert not [path for path in folder.iterdir() if path.name.startswith("measurements")]
    again.discard()
    again.close()


def test_measuring_is_something_to_save(document: Document, tmp_path: Path) -> None:
    folder = tmp_path / "cell.sxt"
    adopt(document, save(snapshot(document), folder))
    document.keep_measurements(measured(document))
    what = snapshot(document)
    document.keep_measurements(measured(document))
    adopt(document, save(what, folder))
    assert document.modified, "what was measured while it was saved is not in the project"


def test_a_killed_session_has_them(document: Document) -> None:
    kept = measured(document)
    document.keep_measurements(measured(document))
    document.measurements.mark({2})  # of a former measuring
    document.keep_measurements(kept)
    document.measurements.mark({7})
    document.measurements.wait()
    document.let_go()
    again = recover(document.folder)
    assert same(again.measurements.kept, kept) and again.notes == ()
    assert again.measurements.kept is not None and again.measurements.kept.stale == {7}
    again.measurements.mark({2})
    again.let_go()
    again = recover(document.folder)
    assert again.measurements.kept is not None and again.measurements.kept.stale == {2, 7}
    again.measurements.keep(None)
    again.let_go()
    assert (document.folder / VALUES).exists()
    again = recover(document.folder)
    assert again.measurements.kept is None and again.notes == ()
    again.discard()
    again.close()
    assert not document.folder.exists()


def test_a_killed_session_knows_by_how_much_objects_differ(document: Document) -> None:
    document.keep_measurements(measured(document))
    recorder = document.recorder(EditKind.ERASE_OBJECT, "objects", {})
    inner = Box((2, 22, 24), (3, 24, 26))
    recorder.write(inner, np.zeros(inner.shape, np.uint32))
    edit = recorder.finish()
    assert edit is not None and document.measurements.kept is not None
    assert document.measurements.kept.stale == {7}
    document.gain("objects", edit.gained)
    draw(document, 9, Box((5, 2, 2), (6, 4, 4)))  # so that the eraser is not the last thing
    document.measurements.wait()
    document.let_go()
    again = recover(document.folder)
    kept, objects = again.measurements.kept, again.objects
    assert kept is not None and objects is not None and 7 in kept.stale and 2 not in kept.stale
    again.moved(edit, edit.toggle(objects, again.listener(edit.kind, "objects")))
    assert again.measurements.kept is not None and 7 not in again.measurements.kept.stale
    again.let_go()
    again = recover(document.folder)
    assert again.measurements.kept is not None and 7 not in again.measurements.kept.stale
    again.discard()
    again.close()


def test_an_older_program_takes_nothing_for_valid(document: Document, tmp_path: Path) -> None:
    """It knows only the list of what is out of date."""
    kept = measured(document).changed({7: 5}).marked({2})
    (tmp_path / "m.bin").write_bytes(measurements_bytes(kept))
    header = json.loads((tmp_path / "m.bin").read_bytes().partition(b"\n")[0])
    assert header["stale"] == [2, 7] and header["differ"] == [[7, "5"]]
    again, _, _ = read_measurements(tmp_path / "m.bin", "It")
    assert again.doubtful == {2} and again.differences == {7: 5} and again.stale == {2, 7}


def test_what_was_changed_right_before_the_crash_is_out_of_date(document: Document) -> None:
    document.keep_measurements(measured(document))
    recorder = document.recorder(EditKind.ERASE_OBJECT, "objects", {})
    inner = Box((2, 22, 24), (3, 24, 26))
    recorder.write(inner, np.zeros(inner.shape, np.uint32))
    recorder.finish()  # nobody has heard of it yet
    document.measurements.wait()
    document.let_go()
    again = recover(document.folder)
    assert again.measurements.kept is not None
    objects = again.objects
    assert objects is not None and not objects[inner.slices].any()
    assert again.measurements.kept.stale == {7}
    again.discard()
    again.close()


def test_objects_that_are_no_more_are_dropped_and_others_are_out_of_date(
    document: Document, tmp_path: Path
) -> None:
    document.keep_measurements(measured(document))
    folder = tmp_path / "cell.sxt"
    draw(document, 2, BOXES[7])  # without a word to the measurements
    document.object_boxes.find_all(document.volume("objects"))
    document.set_table(document.object_table)
    saved = save(snapshot(document), folder)
    adopt(document, saved)
    record = json.loads((folder / "project.json").read_text())
    record["volumes"]["objects"]["crc32"] ^= 1
    (folder / "project.json").write_text(json.dumps(record))
    again, notes = reopened(document, folder)
    kept = again.measurements.kept
    assert kept is not None and kept.value.numbers.tolist() == [2] and 2 in kept.stale
    assert kept.value.values["volume"].shape == (1,) and len(notes) == 1
    again.discard()
    again.close()


@pytest.mark.parametrize("damage", ["cut", "flip", "gone", "long", "json"])
def test_a_damaged_file_costs_only_the_measurements(document: Document, tmp_path: Path, damage: str) -> None:
    document.keep_measurements(measured(document))
    folder = tmp_path / "cell.sxt"
    adopt(document, save(snapshot(document), folder))
    (path,) = folder.glob("measurements-*.bin")
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        flipped = content[:-3] + bytes([content[-3] ^ 1]) + content[-2:]
        others = {"cut": content[:-1], "flip": flipped, "long": content + b"x", "json": b"{" + content}
        path.write_bytes(others[damage])
    again, notes = reopened(document, folder)
    assert again.measurements.kept is None and again.object_table == document.object_table
    assert again.objects is not None and len(notes) == 1
    assert notes[0].startswith("The measurements in cell.sxt") and notes[0].endswith(
        "Measure the objects again."
    )
    again.discard()
    again.close()


def test_a_project_without_measurements_opens(document: Document, tmp_path: Path) -> None:
    folder = tmp_path / "cell.sxt"
    document.keep_measurements(measured(document))
    adopt(document, save(snapshot(document), folder))
    record = json.loads((folder / "project.json").read_text())
    assert record["schema"] == "sxtstudio-project/2"
    del record["measurements"]
    (folder / "project.json").write_text(json.dumps(record))
    again, notes = reopened(document, folder)
    assert again.measurements.kept is None and notes == ()
    again.discard()
    again.close()


def test_columns_are_known_by_their_keys_alone(tmp_path: Path) -> None:
    value = Measurements(np.array([1, 5]))
    volume = next(column for column in SIZE.columns if column.key == "volume")
    value.add(Column("strange", "<b>Strange</b>", Quantity.NM, "A stranger's."), np.array([1.0, 2.0]))
    value.add(Column("volume", "Forged", Quantity.NM, "Forged."), np.array([0.5, np.nan]))
    value.add(Column("words", "Words", Quantity.TEXT, ""), np.array(["a", "b"], object))
    path = tmp_path / "measurements-1.bin"
    path.write_bytes(measurements_bytes(KeptMeasurements(value, voxel_nm=VOXEL)))
    kept, _, _ = read_measurements(path, "They")
    assert kept.value.columns == (volume,)
    assert np.array_equal(kept.value.values["volume"], [0.5, np.nan], equal_nan=True)


def test_what_one_slice_left_empty_is_empty_when_it_is_read(tmp_path: Path) -> None:
    found = measure_objects(np.ones((1, 5, 6), np.uint8), VOXEL)
    path = tmp_path / "values"
    path.write_bytes(measurements_bytes(KeptMeasurements(found, frozenset(), VOXEL)))
    value = read_measurements(path, "They")[0].value
    assert value.columns == found.columns and value.notes == found.notes
    assert np.isnan(value.values["euler_number"]).all() and value.values["voxels"].tolist() == [30]


def erase(document: Document, box: Box) -> None:
    """Erase voxels of objects, as a complete edit."""
    recorder = document.recorder(EditKind.ERASE_OBJECT, "objects", {})
    recorder.write(box, np.zeros(box.shape, np.uint32))
    edit = recorder.finish()
    assert edit is not None
    document.gain("objects", edit.gained)
    document.autosave(wait=True)


@pytest.mark.parametrize("how", ["stroke", "settling", "doubt"])
def test_what_a_full_disk_did_not_take_is_out_of_date_after_a_crash(
    document: Document, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    document.keep_measurements(measured(document))
    document.measurements.wait()
    erase(document, Box((2, 22, 24), (3, 23, 26)))  # of 7, in the log
    full = {"now": how != "settling"}
    append = log_of_measurements.append_lines

    def append_lines(path: Path, lines: bytes, *, to_disk: bool) -> None:
        if full["now"] or b"differ" in lines:
            raise OSError(errno.ENOSPC, "No space left on device")
        append(path, lines, to_disk=to_disk)

    monkeypatch.setattr(log_of_measurements, "append_lines", append_lines)
    if how == "doubt":
        document.measurements.mark({2})
    else:
        erase(document, Box((1, 2, 3), (2, 4, 6)))  # of 2
    monkeypatch.undo()  # there is room again
    erase(document, Box((2, 24, 24), (3, 25, 26)))  # of 7, which the log hears of
    document.measurements.wait()
    document.let_go()
    again = recover(document.folder)
    kept = again.measurements.kept
    assert kept is None or kept.stale == {2, 7}
    assert kept is not None, "the values are written again as soon as there is room"
    again.discard()
    again.close()


def test_a_log_that_is_gone_makes_no_row_valid(document: Document) -> None:
    document.keep_measurements(measured(document))
    document.measurements.mark({2})
    document.measurements.wait()
    (document.folder / LOG).unlink()
    document.measurements.mark({7})
    document.measurements.wait()
    document.let_go()
    again = recover(document.folder)
    assert again.measurements.kept is not None and again.measurements.kept.stale == {2, 7}
    again.discard()
    again.close()


@pytest.mark.parametrize("times", [1, 2])
def test_a_line_that_the_power_cut_off_makes_no_row_valid(document: Document, times: int) -> None:
    document.keep_measurements(measured(document))
    document.measurements.mark({2})
    document.measurements.wait()
    document.let_go()
    log = document.folder / LOG
    log.write_bytes(log.read_bytes()[:-5])
    again = recover(document.folder)
    for _ in range(times - 1):
        again.measurements.mark({7})
        again.let_go()
        again = recover(document.folder)
    assert again.measurements.kept is not None and again.measurements.kept.stale == {2, 7}
    again.discard()
    again.close()


def test_what_follows_a_cut_off_line_is_read(document: Document) -> None:
    document.keep_measurements(measured(document))
    document.measurements.wait()
    log = document.folder / LOG
    log.write_bytes(log.read_bytes()[:-1])  # only the end of the line is missing
    document.measurements.mark({7})
    document.let_go()
    again = recover(document.folder)
    assert again.measurements.kept is not None and again.measurements.kept.stale == {7}
    again.discard()
    again.close()


# -- after a power cut ---------------------------------------------------------------------------


def correct(document: Document) -> None:
    """Take some voxels of object 7, and make another one, so that the eraser is not the last thing."""
    erase(document, Box((2, 22, 24), (3, 24, 26)))
    draw(document, 9, Box((5, 2, 2), (6, 4, 4)))


def after_a_power_cut(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> tuple[frozenset[int], tuple[str, ...]]:
    """Return what is out of date, and what is said, once the computer was started again; twice the same."""
    document.measurements.wait()
    document.let_go()
    monkeypatch.setattr(log_of_measurements, "boot_id", lambda: "another one")
    again = recover(document.folder)
    assert again.measurements.kept is not None
    stale, notes = again.measurements.kept.stale, again.notes
    again.measurements.wait()
    again.let_go()
    again = recover(document.folder)  # the program crashed, and the computer did not
    assert again.measurements.kept is not None and again.measurements.kept.stale == stale
    assert not any("computer stopped" in note for note in again.notes)
    again.let_go()
    return stale, notes


def test_a_power_cut_before_the_voxels_are_on_the_disk_makes_all_out_of_date(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    document.keep_measurements(measured(document))
    correct(document)
    stale, notes = after_a_power_cut(document, monkeypatch)
    assert stale == {2, 7, 9} and any("computer stopped" in note for note in notes)


def test_a_power_cut_after_voxels_and_log_are_on_the_disk_costs_nothing(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    document.keep_measurements(measured(document))
    correct(document)
    document._flush("objects")
    stale, notes = after_a_power_cut(document, monkeypatch)
    assert stale == {7, 9} and not any("computer stopped" in note for note in notes)


def test_the_first_change_after_that_is_on_the_disk_before_anything_else(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What follows in the log may be lost: that there is something is not."""
    document.keep_measurements(measured(document))
    document._flush("objects")
    synced: list[bytes] = []
    log, fsync = document.folder / LOG, os.fsync

    def to_disk(descriptor: int) -> None:
        fsync(descriptor)
        if log.exists() and os.path.sameopenfile(descriptor, there := os.open(log, os.O_RDONLY)):
            synced.append(log.read_bytes())
            os.close(there)

    monkeypatch.setattr(os, "fsync", to_disk)
    correct(document)
    assert len(synced) == 1 and b'"changing":[7]' in synced[0]
    document.measurements.wait()
    document.let_go()
    log.write_bytes(synced[0])
    monkeypatch.setattr(log_of_measurements, "boot_id", lambda: "another one")
    again = recover(document.folder)
    assert again.measurements.kept is not None and again.measurements.kept.stale == {2, 7, 9}
    again.discard()
    again.close()


def test_the_log_says_that_voxels_are_there_only_when_they_are(document: Document) -> None:
    document.keep_measurements(measured(document))
    log, seen = document.folder / LOG, []
    document.measurements.sync(lambda: seen.append(log.read_bytes()))
    assert b"synced" not in seen[0] and b'"synced":true' in log.read_bytes()
    correct(document)
    lines = log.read_bytes()
    document.measurements.sync(lambda: document.measurements.mark({2}))  # a change meanwhile
    assert log.read_bytes().count(b"synced") == lines.count(b"synced") == 1


def test_voxels_are_brought_to_the_disk_although_nobody_changes_anything_more(
    tomogram: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autosave, "_FLUSH_EVERY_S", 0.2)
    document = Document.open(tomogram)
    draw(document, 2, BOXES[2])
    document.keep_measurements(KeptMeasurements(Measurements(np.array([2]))))
    document.autosave(wait=True)
    ends = time.monotonic() + 60
    while b"synced" not in (document.folder / LOG).read_bytes() and time.monotonic() < ends:
        time.sleep(0.02)
    assert b'"synced":true' in (document.folder / LOG).read_bytes()
    document.discard()
    document.close()
