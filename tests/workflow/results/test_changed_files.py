"""Files of a folder of results that somebody has changed: which, and what that means for the check."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import tifffile

from sxtstudio.core.geometry import Box
from sxtstudio.workflow.results import layout
from sxtstudio.workflow.results.changed_files import ADVICE, CHANGED
from sxtstudio.workflow.results.compare import Verdict
from sxtstudio.workflow.results.rerun import rerun
from tests.workflow.results.test_rerun import Window, by_name, everything, window, write_folder

__all__ = ["window", "write_folder"]


def test_files_are_no_results_and_each_says_what_it_means(
    window: Window, write_folder: Callable[[], Path]
) -> None:
    everything(window)
    folder = write_folder()
    labels, mask = (folder / layout.VOLUMES[part] for part in ("labels", "mask"))
    data = tifffile.imread(labels)
    data[0, 0, :7] = 255
    tifffile.imwrite(labels, data, photometric="minisblack")
    tifffile.imwrite(mask, tifffile.imread(mask), photometric="minisblack", compression="zlib", software="x")
    rows = (folder / layout.ROWS).read_text(encoding="utf-8")
    (folder / layout.ROWS).write_text(rows + "\n", encoding="utf-8")
    (folder / layout.README).write_text("Other words.", encoding="utf-8")
    (folder / layout.TABLE).unlink()
    found = rerun(folder)
    assert [one.name for one in found.results] == ["labels", "cell mask", "objects", "classes", "table"]
    assert [one.name for one in found.results if one in found.apart] == ["labels", "table"]
    assert {one.name: (one.verdict, one.words) for one in found.files} == {
        layout.VOLUMES["labels"]: (
            Verdict.APART,
            f"{CHANGED}; the labels made again were compared with it as it is now",
        ),
        layout.VOLUMES["mask"]: (
            Verdict.APART,
            f"{CHANGED}; what it says of the cell mask is still what was found again",
        ),
        layout.TABLE: (
            Verdict.MISSING,
            "the file is not there any more; there is nothing to compare the table with",
        ),
        layout.ROWS: (
            Verdict.APART,
            f"{CHANGED}; classes, notes and answers given by hand were taken from it as it is now",
        ),
        layout.README: (Verdict.APART, f"{CHANGED}; nothing else of this check goes by it"),
    }
    assert found.notes == (ADVICE,) and not found.same


def test_work_by_hand_that_was_changed_is_said_to_be_lost(
    window: Window, write_folder: Callable[[], Path]
) -> None:
    everything(window)
    window.paint("objects", Box((0, 0, 0), (2, 4, 4)), 1)
    folder = write_folder()
    path = folder / layout.VOLUMES["objects"]
    data = tifffile.imread(path)
    data[0, 0, 0] = 0
    tifffile.imwrite(path, data, photometric="minisblack")
    (objects,) = (one for one in rerun(folder).results if one.name == "objects")
    assert objects.verdict is Verdict.APART and "work by hand, which nothing makes again" in objects.words


@pytest.mark.parametrize("listed", [True, False])
def test_tables_that_a_link_leads_to_are_not_read(
    window: Window, write_folder: Callable[[], Path], tmp_path: Path, listed: bool
) -> None:
    """What lies outside of the folder is not taken as its own, be it the same or damaged."""
    everything(window)
    folder, outside = write_folder(), tmp_path / "outside"
    if not listed:
        path = folder / layout.PARAMETERS
        path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), "files": {}}))
    shutil.move(folder / "tables", outside)
    (folder / "tables").symlink_to(outside, target_is_directory=True)
    found = by_name(rerun(folder).outcomes)
    linked = (Verdict.MISSING, "a link is in its place")
    assert [(found[name].verdict, found[name].words) for name in ("classes", "table")] == [linked] * 2
    words = {name: found[name].words for name in (layout.TABLE, layout.ROWS)}
    assert words == {
        layout.TABLE: "a link is in its place; there is nothing to compare the table with",
        layout.ROWS: "a link is in its place; the classes in it cannot be compared",
    }
    for name in ("objects.csv", "objects.json"):
        (outside / name).write_text("no table", encoding="utf-8")
    assert by_name(rerun(folder).outcomes) == found, "not even opened"


def test_a_table_that_is_gone_is_said_and_the_classes_are_compared_without_it(
    window: Window, write_folder: Callable[[], Path]
) -> None:
    everything(window)
    folder = write_folder()
    (folder / layout.TABLE).unlink()
    found = rerun(folder)
    results = by_name(found.results)
    assert results["classes"].verdict is Verdict.SAME
    gone = (Verdict.MISSING, "the file is not there any more")
    assert (results["table"].verdict, results["table"].words) == gone
    assert [one.name for one in found.apart] == ["table", layout.TABLE]


def test_classes_that_are_gone_are_not_compared_with_nothing(
    window: Window, write_folder: Callable[[], Path]
) -> None:
    everything(window)
    folder = write_folder()
    (folder / layout.ROWS).unlink()
    results = by_name(rerun(folder).results)
    gone = (Verdict.MISSING, "the file is not there any more")
    assert (results["classes"].verdict, results["classes"].words) == gone
    assert results["table"].words == (
        "not measured again: distance_to_vesicle_nm, nearest_vesicle_number; "
        "measured without the classes of the folder, which are missing"
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_what_is_no_file_is_not_called_a_link(window: Window, write_folder: Callable[[], Path]) -> None:
    window.paint("labels", Box((1, 2, 2), (3, 9, 9)), 255)
    folder = write_folder()
    path = folder / layout.VOLUMES["labels"]
    path.unlink()
    os.mkfifo(path)
    found = by_name(rerun(folder).outcomes)
    assert found["labels"].verdict is Verdict.MISSING
    assert found["labels"].words == "what is in its place is not a file"
