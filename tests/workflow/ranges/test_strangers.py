"""A folder of ranges from a stranger: its plan may name any file, and anything in it may be a link."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.plain_files import LinkRefused
from sxtstudio.workflow.ranges.any_range import AnyRange, any_range, finish_any
from sxtstudio.workflow.ranges.folder import RangesFolder
from sxtstudio.workflow.ranges.kinds import read_any_plan
from sxtstudio.workflow.ranges.planning import plan_segmentation
from sxtstudio.workflow.ranges.split import numbers_text
from sxtstudio.workflow.ranges.state import ranges_folder
from tests.workflow.ranges.conftest import MakeJob

MINE = b"mine"


@pytest.fixture
def folder(make_job: MakeJob) -> Path:
    """A planned folder of one range, not done yet."""
    job = make_job(4)
    plan_segmentation(job, 4)
    return ranges_folder(job.output)


def change(folder: Path, **values: Any) -> None:
    path = folder / "plan.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_folder_that_was_moved_writes_nowhere_else(folder: Path, tmp_path: Path) -> None:
    any_range(AnyRange(folder, 0))
    (tmp_path / "labels.tif").write_bytes(MINE)
    (tmp_path / "new").mkdir()
    moved = tmp_path / "new" / folder.name
    shutil.copytree(folder, moved)
    with pytest.raises(UserError, match="does not lie beside that folder"):
        finish_any(moved)
    renamed = folder.rename(tmp_path / "other.tif.ranges")
    with pytest.raises(UserError, match="does not lie beside that folder"):
        finish_any(renamed)
    assert (tmp_path / "labels.tif").read_bytes() == MINE
    renamed.rename(folder)
    finish_any(folder)
    assert (tmp_path / "labels.tif").read_bytes() != MINE


def test_a_folder_is_found_by_another_name_of_its_place(folder: Path, tmp_path: Path) -> None:
    linked = tmp_path.with_name(f"{tmp_path.name}-linked")
    linked.symlink_to(tmp_path)
    any_range(AnyRange(linked / folder.name, 0))
    finish_any(linked / folder.name)
    assert (tmp_path / "labels.tif").is_file()


@pytest.mark.parametrize(("key", "name"), [("probability", "mine.tif"), ("report", "mine.json")])
def test_no_file_of_another_folder_is_replaced(folder: Path, tmp_path: Path, key: str, name: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    mine = tmp_path / "elsewhere" / name
    mine.write_bytes(MINE)
    change(folder, **{key: str(mine)})
    any_range(AnyRange(folder, 0))
    with pytest.raises(UserError, match=f"would replace .*{name}"):
        finish_any(folder)
    assert mine.read_bytes() == MINE
    mine.unlink()
    finish_any(folder)
    assert mine.is_file()


@pytest.mark.parametrize(
    "name", ["labels.zarr", "labels.zarr/0", "probability.zarr/.zattrs", "plan.json", "range-0"]
)
def test_nothing_is_written_through_links(folder: Path, tmp_path: Path, name: str) -> None:
    theirs = tmp_path / "theirs"
    inside = folder / name
    if inside.exists():
        shutil.move(inside, theirs)
    else:
        theirs.mkdir()
    inside.symlink_to(theirs)
    before = sorted(path.name for path in theirs.iterdir()) if theirs.is_dir() else theirs.read_bytes()
    for work in (lambda: any_range(AnyRange(folder, 0)), lambda: finish_any(folder)):
        with pytest.raises(LinkRefused, match="is a link, and nothing is written through it") as caught:
            work()
        assert str(inside) in str(caught.value)
        assert "space" not in str(caught.value)
    assert before == (
        sorted(path.name for path in theirs.iterdir()) if theirs.is_dir() else theirs.read_bytes()
    )
    assert os.path.islink(inside)


def test_a_link_among_finished_chunks_is_named(folder: Path, tmp_path: Path) -> None:
    any_range(AnyRange(folder, 0))
    chunk = next(path for path in (folder / "labels.zarr/0/0").rglob("*") if path.is_file())
    content = chunk.read_bytes()
    chunk.unlink()
    chunk.symlink_to(tmp_path / "cell.mrc")
    with pytest.raises(LinkRefused, match=str(chunk)):
        finish_any(folder)
    chunk.unlink()
    chunk.write_bytes(content)
    finish_any(folder)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"slices": [0, 10**9]}, "'slices' is wrong; it must be two numbers, ascending, from 0 to 4"),
        ({"slices": [3, 1]}, "'slices' is wrong"),
        ({"output": "a\0b.tif"}, "'output' is wrong; it must be the name of a file"),
        ({"probability": ""}, "'probability' is wrong; it must be the name of a file or null"),
        ({"kind": "clean"}, 'it must be "segmentation" or "clean-up" or "objects" or "measurement"'),
    ],
)
def test_plans_that_make_no_sense_are_refused(folder: Path, values: dict[str, Any], reason: str) -> None:
    change(folder, **values)
    with pytest.raises(UserError, match=reason):
        read_any_plan(RangesFolder(folder))


def test_a_volume_without_bounds_is_refused(folder: Path) -> None:
    tomogram = json.loads((folder / "plan.json").read_text())["tomogram"]
    change(folder, tomogram={**tomogram, "shape": [10**9, 40, 40]}, slices=[0, 10**9])
    with pytest.raises(UserError, match=r"'tomogram.shape' is wrong"):
        read_any_plan(RangesFolder(folder))


def test_numbers_are_said_in_short() -> None:
    assert numbers_text([0]) == "0"
    assert numbers_text([0, 1, 3, 5, 6, 7]) == "0, 1, 3, 5 to 7"
    assert numbers_text(range(62500)) == "0 to 62499"
    assert numbers_text(range(0, 40, 2)).endswith("16, 18 and 10 more")
