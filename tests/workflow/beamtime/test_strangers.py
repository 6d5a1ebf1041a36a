"""Folders of a page that hold what others put there: it stays, and nothing is written through links."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.plain_files import LinkRefused
from sxtstudio.workflow.beamtime.follow import BeamtimeFollower, BeamtimeParameters
from sxtstudio.workflow.beamtime.record import RecordFolder, TomogramState
from sxtstudio.workflow.jobs.watch import FolderWatch


@pytest.mark.parametrize("name", ["index.html", "data.js", "now.js", "beamtime.pdf"])
def test_files_of_others_are_not_overwritten(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("<h1>My home</h1>")
    with pytest.raises(
        UserError, match=rf"{name} was not made by SXT Studio and would be overwritten: choose"
    ):
        BeamtimeFollower(BeamtimeParameters(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "<h1>My home</h1>"


def test_a_page_of_this_program_goes_on(tmp_path: Path) -> None:
    page, watched = tmp_path / "page", tmp_path / "in"
    watched.mkdir()
    for _ in range(2):
        follower = BeamtimeFollower(BeamtimeParameters(page))
        follower.begin(FolderWatch(watched))
        follower.stopped()
    assert {"index.html", "data.js", "now.js", "beamtime.pdf"} <= {path.name for path in page.iterdir()}


@pytest.mark.parametrize("part", ["records", "pictures"])
def test_nothing_is_written_through_a_linked_folder(part: str, tmp_path: Path, make_record) -> None:
    page, elsewhere = tmp_path / "page", tmp_path / "elsewhere"
    elsewhere.mkdir()
    page.mkdir()
    (page / part).symlink_to(elsewhere)
    with pytest.raises(LinkRefused, match=rf"{part} is a link, and nothing is written through it"):
        RecordFolder(page)
    (page / part).unlink()
    records = RecordFolder(page)
    (page / part).rmdir()
    (page / part).symlink_to(elsewhere)
    with pytest.raises(LinkRefused):
        records.write(make_record("a.mrc"))
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize("name", ["a\0b.mrc", "\ud800.mrc"])
def test_a_record_with_a_name_that_no_file_can_have_is_a_damaged_one(
    name: str, tmp_path: Path, make_record
) -> None:
    records = RecordFolder(tmp_path / "page")
    record = make_record("a.mrc", state=TomogramState.WAITING)
    records.write(record)
    file = records.folder / "records" / f"{record.id}.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "path": f"/data/{name}"}))
    follower = BeamtimeFollower(BeamtimeParameters(records.folder))
    (said,) = follower.records.damaged
    assert "holds a name that no file can have. It is left as it is" in said
    (tmp_path / "in").mkdir()
    follower.begin(FolderWatch(tmp_path / "in"))
    follower.stopped()
    assert file.is_file()
