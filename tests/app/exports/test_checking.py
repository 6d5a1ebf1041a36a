"""File > Check results again: all is done again from a folder of results, in a job, and said in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from pytestqt.qtbot import QtBot

from sxtstudio.app import questions
from sxtstudio.app.exports.checked import CheckedDialog
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.questions import Answer
from sxtstudio.app.segment.panel import SegmentPanel
from sxtstudio.core.errors import UserError
from sxtstudio.workflow.document.exporting import source_of
from sxtstudio.workflow.results.layout import METHODS, README, VOLUMES
from sxtstudio.workflow.results.write import write_results

Prepare = Callable[[Path, tuple[int, int]], SegmentPanel]


@pytest.fixture
def results(sample: MainWindow, segment_with: Prepare, toy_model: Path, tmp_path: Path, qtbot: QtBot) -> Path:
    """The results of a segmentation of some slices of the sample, with a model that is not installed."""
    panel = segment_with(toy_model, (10, 14))
    panel.start()
    qtbot.waitUntil(lambda: panel.run is None, timeout=30_000)
    document = sample.session.document
    assert document is not None
    write_results(tmp_path / "cell-results", source_of(document))
    return tmp_path / "cell-results"


def check(window: MainWindow, qtbot: QtBot) -> CheckedDialog:
    window.actions_.by_name["file.check_results"].trigger()
    qtbot.waitUntil(lambda: bool(window.findChildren(CheckedDialog)), timeout=60_000)
    (dialog,) = window.findChildren(CheckedDialog)
    return dialog


def test_each_result_is_said_to_be_the_same_or_not(
    sample: MainWindow,
    results: Path,
    toy_model: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def ask(parent: object, title: str, text: str, *_: object, **__: object) -> Answer:
        asked.append(text)
        return Answer.CHOOSE_MODEL

    monkeypatch.setattr(questions, "ask", ask)
    monkeypatch.setattr(questions, "open_folder", lambda *_: results)
    monkeypatch.setattr(questions, "open_file", lambda *_: toy_model)
    dialog = check(sample, qtbot)
    assert len(asked) == 1 and "which is not here." in asked[0] and "--model" not in asked[0]
    assert dialog.heading.text() == "All that was done again is the same."
    assert "Labels: ✓ The same, bit by bit" in dialog.text and "Done again: Segment" in dialog.text
    dialog.close()
    qtbot.waitUntil(lambda: not sample.findChildren(CheckedDialog))
    path = results / VOLUMES["labels"]
    changed = tifffile.imread(path)
    changed[12, 30:40, 30:40] ^= np.uint8(255)
    tifffile.imwrite(path, changed)
    dialog = check(sample, qtbot)
    assert "not the same." in dialog.heading.text() and "Labels: ⚠ Not the same" in dialog.text
    assert "100 voxels" in dialog.text
    dialog.close()
    qtbot.waitUntil(lambda: not sample.findChildren(CheckedDialog))
    (results / README).write_text("Other words.", encoding="utf-8")
    (results / METHODS).unlink()
    heading = check(sample, qtbot).heading.text()
    assert heading.startswith("1 of 1 result is not the same. 3 files are not as they were written: ")
    assert all(name in heading for name in (VOLUMES["labels"], README, METHODS))


def test_another_folder_is_refused_at_once(
    window: MainWindow, tmp_path: Path, errors: list[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Exception] = []
    monkeypatch.setattr("sxtstudio.app.menus.show_error", lambda parent, error: told.append(error))
    monkeypatch.setattr(questions, "open_folder", lambda *_: tmp_path)
    window.actions_.by_name["file.check_results"].trigger()
    assert isinstance(told[0], UserError) and "no folder of results" in str(told[0])
    assert not window.jobs.running


def test_who_stops_it_hears_no_more_of_it(
    sample: MainWindow, results: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "open_folder", lambda *_: results)
    sample.actions_.by_name["file.check_results"].trigger()
    (job,) = (one for one in sample.jobs.visible if one.name == "Checking cell-results")
    job.cancel()
    qtbot.waitUntil(lambda: not job.running, timeout=60_000)
    qtbot.wait(50)
    assert not sample.findChildren(CheckedDialog)
