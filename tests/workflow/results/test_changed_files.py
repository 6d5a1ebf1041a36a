"""Files of a folder of results that somebody has changed: which, and what that means for the check."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import tifffile

from sxtstudio.core.geometry import Box
from sxtstudio.workflow.results import layout
from sxtstudio.workflow.results.changed_files import ADVICE, CHANGED
from sxtstudio.workflow.results.compare import Verdict
from sxtstudio.workflow.results.rerun import rerun
from tests.workflow.results.test_rerun import Window, everything, window, write_folder

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
    assert [one.name for one in found.results] == ["labels", "cell mask", "objects"]
    assert [one.name for one in found.results if one in found.apart] == ["labels"]
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
