"""The records of a beamtime: one file each, and what becomes of them when files are replaced."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.quality.record import CurveSource, QualityFlag, ResolutionCurve, SliceFigures
from sxtstudio.workflow.beamtime.record import PictureKind, RecordFolder, TomogramState, record_for


def test_a_record_is_written_and_read_as_it_was(make_record, tmp_path: Path) -> None:
    folder = RecordFolder(tmp_path / "page")
    record = make_record("cell.mrc")
    assert record.quality is not None
    curve = ResolutionCurve(CurveSource.HALVES, (0.1, 0.2), (0.9, 0.1), 0.5, 6.0)
    slices = (SliceFigures(0, 1.0, 2.0), SliceFigures(3, None, None))
    record = replace(record, quality=replace(record.quality, slices=slices, curve=curve))
    folder.write(record)
    again = RecordFolder(tmp_path / "page")
    assert again.whole(record.id) == record and not again.damaged
    light = again.get(record.id)
    assert light is not None and light.quality is not None
    assert light.quality.slices == () and light.quality.curve is None, "memory does not grow by them"
    assert replace(light, quality=None) == replace(record, quality=None)


def test_names_that_are_not_utf_8_and_odd_ones_survive(tmp_path: Path) -> None:
    folder = RecordFolder(tmp_path / "page")
    for name in (os.fsdecode(b"z\xe9lle.mrc"), "a" * 250 + ".mrc", "..mrc", "<b>\n.mrc", "細胞.mrc"):
        record = record_for(Path("/data") / name, {"value": 1}, (1, 2, 1e9, 1e9))
        folder.write(record)
        assert RecordFolder(tmp_path / "page").get(record.id) == record
        assert Path(record.id).name == record.id and record.id.isascii() and len(record.id) < 60


def test_arrival_is_the_time_of_the_file_unless_its_clock_was_wrong() -> None:
    entered = datetime(2026, 11, 29, 3).timestamp()
    for changed, day in (
        (datetime(2026, 11, 27, 23, 59).timestamp(), "2026-11-27"),
        (datetime(1970, 1, 1, 12).timestamp(), "2026-11-29"),
        (datetime(2031, 1, 1).timestamp(), "2026-11-29"),
    ):
        record = record_for(Path("/a.mrc"), {}, (1, 1, changed, entered))
        assert record.day == day
        assert datetime.fromisoformat(record.arrived).tzinfo is not None


def test_a_file_that_takes_the_place_of_another_is_another_tomogram(make_record, tmp_path: Path) -> None:
    folder = RecordFolder(tmp_path / "page")
    first, second = make_record("cell.mrc", 0), make_record("cell.mrc", 1)
    assert first.path == second.path and first.id != second.id
    for former, kept in ((first, True), (replace(first, state=TomogramState.FAILED), False)):
        folder = RecordFolder(tmp_path / str(kept))
        folder.write(former)
        picture = folder.folder / "pictures" / f"{first.id}-small.png"
        picture.write_bytes(b"png")
        folder.write(second)
        left = RecordFolder(folder.folder)
        assert [record.id for record in left] == ([first.id] if kept else []) + [second.id]
        assert [record.replaced for record in left] == ([True] if kept else []) + [False]
        assert picture.exists() is kept


def test_records_that_are_damaged_or_of_others_are_said_and_left(make_record, tmp_path: Path) -> None:
    folder = RecordFolder(tmp_path / "page")
    record = make_record("cell.mrc")
    folder.write(record)
    file = folder.folder / "records" / f"{record.id}.json"
    values = json.loads(file.read_text())
    (folder.folder / "records" / "cut.json").write_text(file.read_text()[:100])
    (folder.folder / "records" / "other.json").write_text(file.read_text())
    values["state"] = "gone"
    (folder.folder / "records" / "state.json").write_text(json.dumps(values))
    again = RecordFolder(folder.folder)
    assert len(again) == 1 and len(again.damaged) == 3
    assert any("'state'" in text for text in again.damaged)
    assert len(list((folder.folder / "records").iterdir())) == 4


def test_pictures_of_a_record_lie_in_their_folder(make_record) -> None:
    record = make_record("../../x.mrc", pictures=(PictureKind.SMALL,))
    assert record.picture(PictureKind.SMALL) == f"pictures/{record.id}-small.png" and "/.." not in record.id
    assert record.picture(PictureKind.SURFACE) is None
    assert make_record("a", flag=QualityFlag.LOOK).flag is QualityFlag.LOOK
    assert replace(record, state=TomogramState.FAILED).flag is QualityFlag.BAD


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="choose another"):
        RecordFolder(tmp_path / "file" / "page")
