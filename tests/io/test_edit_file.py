"""Changes of labels in files: back as they were, and nothing of a stranger's file does harm."""

from __future__ import annotations

import json
import random
import zlib
from pathlib import Path

import numpy as np
import pytest

from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Edit, NotAsItWas, Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.object_table import ObjectRow, ObjectTable
from sxtstudio.core.trust import SliceTrust
from sxtstudio.io.edit_file import copy_edits, edit_files, newest_edits, read_edit, write_edit

SHAPE: Triple = (5, 12, 16)
Labels = np.ndarray


@pytest.fixture
def labels() -> Labels:
    return ((np.random.default_rng(3).random(SHAPE) < 0.4) * 255).astype(np.uint8)


def change(labels: Labels, *boxes: Box, kind: EditKind = EditKind.BRUSH) -> Edit:
    """Turn the labels of boxes over, one after the other; they may overlap."""
    recorder = Recorder(kind, labels)
    for box in boxes:
        recorder.write(box, labels[box.slices] ^ 255)
    # Kept apart, as those of a large change are.
    return Edit(kind, tuple(recorder._patches), "labels", 7, True, earlier=False)


BOXES = (Box((0, 0, 0), (2, 6, 8)), Box((1, 3, 4), (4, 9, 12)), Box((4, 0, 0), (5, 12, 16)))


def test_an_edit_comes_back_and_can_be_taken_back(labels: Labels, tmp_path: Path) -> None:
    before = labels.copy()
    edit = change(labels, *BOXES, kind=EditKind.SEGMENT)
    figures = tuple(SliceTrust(z / 10, None) for z in range(5))
    for trust in (None, ((), figures), (figures, figures)):
        written = Edit(edit.kind, edit.patches, edit.target, edit.gained, edit.partial, trust)
        write_edit(tmp_path / "a.edit", written)
        read = read_edit(tmp_path / "a.edit", SHAPE)
        assert (read.kind, read.target, read.gained, read.partial) == (EditKind.SEGMENT, "labels", 7, True)
        assert read.trust == trust and read.earlier
        assert read.bytes == written.bytes and read.box == written.box
    after = labels.copy()
    gained = read.take_back(labels)
    assert np.array_equal(labels, before)
    assert gained == np.count_nonzero(before) - np.count_nonzero(after)
    read.toggle(labels)
    assert np.array_equal(labels, after)


def test_labels_that_were_changed_since_are_left_alone(labels: Labels, tmp_path: Path) -> None:
    write_edit(tmp_path / "a.edit", change(labels, *BOXES))
    labels[1, 3, 4] ^= 255  # in two patches that overlap
    now = labels.copy()
    with pytest.raises(NotAsItWas, match=r"“Brush \(part\)” of an earlier session cannot be taken back"):
        read_edit(tmp_path / "a.edit", SHAPE).take_back(labels)
    assert np.array_equal(labels, now), "entirely, or not at all"
    labels[1, 3, 4] ^= 255
    labels[3, 11, 15] ^= 255  # beside all patches
    read_edit(tmp_path / "a.edit", SHAPE).take_back(labels)


def test_a_file_that_is_gone_or_cut_off_is_said(labels: Labels, tmp_path: Path) -> None:
    path = tmp_path / "a.edit"
    write_edit(path, change(labels, *BOXES))
    read = read_edit(path, SHAPE)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(NotAsItWas, match="shorter than it was"):
        read.loaded()
    path.unlink()
    with pytest.raises(NotAsItWas):
        read.loaded()


def forged(path: Path, header: object, data: bytes) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(b"SXTEDIT1" + len(text).to_bytes(4, "little") + text + data)
    return path


def patch(**changes: object) -> dict[str, object]:
    return {"start": [0, 0, 0], "stop": [1, 2, 2], "crc": 0, "bytes": 12, **changes}


@pytest.mark.parametrize(
    "header",
    [
        b"{",
        b"[]",
        {},
        {"kind": "sorcery", "patches": [patch()]},
        {"kind": "brush", "patches": []},
        {"kind": "brush", "patches": [patch(stop=[9, 9, 9])]},
        {"kind": "brush", "patches": [patch(stop=[0, 2, 2])]},
        {"kind": "brush", "patches": [patch(start=[-1, 0, 0])]},
        {"kind": "brush", "patches": [patch(bytes=11)]},
        {"kind": "brush", "patches": [patch(bytes=-1)]},
        {"kind": "brush", "target": "/etc/passwd", "patches": [patch()]},
        {"kind": "brush", "patches": [patch()], "trust": [{"certainty": [1], "recognised": [1]}, None]},
    ],
    ids=lambda header: str(header)[:70],
)
def test_foreign_headers_are_refused(tmp_path: Path, header: object) -> None:
    with pytest.raises((ValueError, UserError)):
        read_edit(forged(tmp_path / "a.edit", header, b"x" * 12), SHAPE)


@pytest.mark.parametrize("unpacked", [10**7, 3, 0], ids=["a bomb", "too short", "empty"])
def test_data_of_another_size_are_not_unpacked(labels: Labels, tmp_path: Path, unpacked: int) -> None:
    data = zlib.compress(bytes(unpacked))
    crc = zlib.crc32(labels[:1, :2, :2].tobytes())
    header = {"kind": "brush", "patches": [patch(bytes=len(data), crc=crc)]}
    before = labels.copy()
    read = read_edit(forged(tmp_path / "a.edit", header, data), SHAPE)
    with pytest.raises(NotAsItWas):
        read.loaded().take_back(labels)
    assert np.array_equal(labels, before)


def test_damaged_files_are_noticed(labels: Labels, tmp_path: Path) -> None:
    path, dice = tmp_path / "a.edit", random.Random(5)
    write_edit(path, change(labels, *BOXES))
    whole, now = path.read_bytes(), labels.copy()
    for _ in range(150):
        damaged = bytearray(whole)
        damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
        path.write_bytes(damaged)
        try:
            read_edit(path, SHAPE).loaded().take_back(labels)
        except (ValueError, UserError):
            assert np.array_equal(labels, now)
        labels[:] = now  # a harmless bit, such as one of the name


def test_only_the_newest_that_fit_and_are_there(labels: Labels, tmp_path: Path) -> None:
    names = [f"{number:06d}-0123abcd.edit" for number in (7, 8, 999999, 1000000)]
    for name in names:
        (tmp_path / name).write_bytes(bytes(100))
    (tmp_path / "000001-0123abcd.edit.part").touch()
    assert [path.name for path in edit_files(tmp_path)] == names
    assert newest_edits(tmp_path, names, 1000) == names
    assert newest_edits(tmp_path, names, 250) == names[2:]
    (tmp_path / names[1]).unlink()
    assert newest_edits(tmp_path, names, 1000) == names[2:], "what was before a gap is of no use"
    (tmp_path / names[2]).unlink()
    (tmp_path / names[2]).symlink_to(tmp_path / names[0])
    assert newest_edits(tmp_path, names, 1000) == names[3:]


def test_copies_go_through_no_link(tmp_path: Path) -> None:
    source, target, victim = tmp_path / "a", tmp_path / "b", tmp_path / "victim"
    source.mkdir()
    target.mkdir()
    victim.write_text("mine")
    names = ["000001-0123abcd.edit", "000002-0123abcd.edit"]
    for name in names:
        (source / name).write_text(name)
    (target / names[0]).symlink_to(victim)
    (target / names[1]).write_text("there already")
    assert copy_edits(names, source, target) == [target / names[0]]
    assert victim.read_text() == "mine" and (target / names[0]).read_text() == names[0]
    assert (target / names[1]).read_text() == "there already"
    with pytest.raises(OSError):
        copy_edits(["000003-0123abcd.edit"], source, target)


def test_an_edit_of_objects_comes_back_with_its_rows(tmp_path: Path) -> None:
    objects = np.random.default_rng(5).choice(np.array([0, 4, 2**32 - 1], np.uint32), SHAPE)
    before = objects.copy()
    recorder = Recorder(EditKind.SPLIT_OBJECT, objects, "objects")
    for box in BOXES:
        recorder.write(box, np.full(box.shape, 70_000, np.uint32))
    recorder.rows = ObjectTable.of((4,)).change({4: None, 70_000: ObjectRow("Vesicle")})
    edit = recorder.finish()
    assert edit is not None
    write_edit(tmp_path / "a.edit", edit)
    read = read_edit(tmp_path / "a.edit", SHAPE)
    assert (read.target, read.rows, read.gained) == ("objects", edit.rows, edit.gained)
    read.take_back(objects)
    assert np.array_equal(objects, before)


def test_an_edit_of_the_table_alone_comes_back(tmp_path: Path) -> None:
    rows = ObjectTable.of((4,)).change({4: ObjectRow(notes="x")})
    write_edit(tmp_path / "a.edit", Edit(EditKind.NOTE, (), "objects", rows=rows))
    read = read_edit(tmp_path / "a.edit", SHAPE)
    assert read.rows == rows and read.patches == () and read.earlier
    read.check_rows(ObjectTable({4: ObjectRow(notes="x")}))
    with pytest.raises(NotAsItWas, match="table"):
        read.check_rows(ObjectTable.of((4,)))


@pytest.mark.parametrize(
    "damage",
    [
        lambda header, data: (header | {"rows": None}, data),
        lambda header, data: (header | {"rows": {"bytes": len(data) - 1, "size": 60}}, data),
        lambda header, data: (header | {"rows": {"bytes": len(data), "size": 5}}, data),
        lambda header, data: (header | {"rows": {"bytes": len(data), "size": 1 << 40}}, data),
        lambda header, data: (header, data[:-1] + b"x"),
        lambda header, data: (header, zlib.compress(bytes(1 << 20))[: len(data)].ljust(len(data))),
    ],
)
def test_damaged_rows_are_refused(damage, tmp_path: Path) -> None:
    path = tmp_path / "a.edit"
    write_edit(path, Edit(EditKind.NOTE, (), "objects", rows=ObjectTable.of((4,)).change({4: None})))
    content = path.read_bytes()
    length = int.from_bytes(content[8:12], "little")
    header, data = damage(json.loads(content[12 : 12 + length]), content[12 + length :])
    text = json.dumps(header).encode()
    path.write_bytes(content[:8] + len(text).to_bytes(4, "little") + text + data)
    with pytest.raises((UserError, ValueError)):
        read_edit(path, SHAPE)
