"""Who ends the program in the middle of a segmentation is asked once, and can go on with it afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from sxtstudio.app import questions
from sxtstudio.app.document.closing import close_document
from sxtstudio.app.document.recovering import RecoveryDialog, offer_with_tomograms
from sxtstudio.app.document.undo_room import SHORT
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.notices import NoticeKind
from sxtstudio.app.questions import Answer
from sxtstudio.app.segment.panel import SegmentPanel
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.workflow.document import undo_store
from sxtstudio.workflow.document.recovered import recover
from sxtstudio.workflow.document.recovery import discard, leftovers
from sxtstudio.workflow.jobs.document_segmenting import read_interrupted

Prepare = Callable[[Path, tuple[int, int]], SegmentPanel]


class Asked:
    """Gives the answers one after the other, and keeps what was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.texts, self.details = list(answers), [], []

    def ask(self, parent: object, title: str, text: str, buttons: object, details: str, **_: object) -> str:
        self.texts.append(text)
        self.details.append(details)
        return self.answers.pop(0)


def begin(panel: SegmentPanel, window: MainWindow, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.session.labels_changed, timeout=60_000):
        panel.start()
    assert panel.run is not None


def draw(window: MainWindow, z: int = 3) -> None:
    corner = Box((z, 0, 0), (z + 1, 4, 4))
    with window.session.edit(EditKind.BRUSH) as edit:
        edit.write(corner, np.full(corner.shape, 255, np.uint8))


def test_what_is_finished_of_a_segmentation_stays_after_one_question(
    sample: MainWindow, segment_with: Prepare, slow_model: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel, asked = segment_with(slow_model, (20, 44)), Asked(Answer.STOP_AND_CLOSE)
    monkeypatch.setattr(questions, "ask", asked.ask)
    before = {one.folder for one in leftovers()}  # of tests before
    begin(panel, sample, qtbot)
    with qtbot.waitSignal(sample.closed, timeout=60_000):
        sample.close()
    sample.session.closing.wait()
    assert asked.texts == ["“Segment” is still running."] and "can be gone on with" in asked.details[0]
    (left,) = [one for one in leftovers() if one.folder not in before]
    assert left.segmentation and not left.damaged
    document = recover(left.folder)
    try:
        pending = read_interrupted(document.bulk, document.segmentation_folder)
        assert pending is not None and 0 < pending.finished < pending.wanted == 24
        assert document.array("labels")[20].any()
    finally:
        document.close()
    discard(left)


@pytest.mark.parametrize("saved_first", [False, True])
def test_edits_by_hand_are_asked_about_all_the_same(
    saved_first: bool,
    sample: MainWindow,
    segment_with: Prepare,
    slow_model: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those before the segmentation; what is in the project is not asked about."""
    panel, asked = segment_with(slow_model, (20, 44)), Asked(Answer.STOP_AND_CLOSE, Answer.CANCEL)
    monkeypatch.setattr(questions, "ask", asked.ask)
    draw(sample)
    document = sample.session.document
    assert document is not None
    if saved_first:
        document.mark_saved()
    begin(panel, sample, qtbot)
    sample.close()
    if saved_first:
        qtbot.waitSignal(sample.closed, timeout=60_000).wait()
        sample.session.closing.wait()
        assert len(asked.texts) == 1
        discard(leftovers()[0])
        return
    qtbot.waitUntil(lambda: not asked.answers, timeout=60_000)
    assert sample.session.document is document and not document.can_be_gone_on_with
    assert "changes that are not saved" in asked.texts[1]
    assert "its unfinished segmentation cannot be gone on with" in asked.details[1]
    assert panel.offers.pending is not None, "whoever stays can go on at once"


def test_work_after_it_and_work_that_was_undone_is_asked_about(
    sample: MainWindow, segment_with: Prepare, slow_model: Path, qtbot: QtBot
) -> None:
    panel = segment_with(slow_model, (20, 44))
    begin(panel, sample, qtbot)
    panel.run.cancel()
    qtbot.waitUntil(lambda: panel.run is None, timeout=60_000)
    document = sample.session.document
    assert document is not None and document.modified and document.can_be_gone_on_with
    draw(sample)
    assert not document.can_be_gone_on_with
    document.mark_saved()
    sample.session.undo()
    assert not document.can_be_gone_on_with, "what is in the project was taken back"


def test_closing_it_after_a_stop_asks_nothing_and_keeps_it(
    sample: MainWindow,
    segment_with: Prepare,
    slow_model: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    panel, asked = segment_with(slow_model, (20, 44)), Asked(Answer.CANCEL)
    monkeypatch.setattr(questions, "ask", asked.ask)
    former = [left.folder for left in leftovers()]  # of tests before this one
    begin(panel, sample, qtbot)
    panel.run.cancel()
    qtbot.waitUntil(lambda: panel.run is None, timeout=60_000)
    close_document(sample.context)
    sample.session.closing.wait()
    assert not asked.texts and sample.session.document is None
    (left,) = [left for left in leftovers() if left.folder not in former]
    assert left.segmentation and not left.damaged
    discard(left)


def test_the_window_says_once_that_undo_is_not_kept(
    sample: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    notices, said = sample.session.notices, []
    sample.session.message.connect(said.append)
    draw(sample, 4)
    sample.session.document.undo.wait()
    assert not notices.unseen
    monkeypatch.setattr(undo_store.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 0))
    draw(sample, 5)
    qtbot.waitUntil(lambda: bool(notices.unseen))
    assert [notice.text for notice in notices.unseen] == [SHORT]
    why = [text for text in said if "not after a crash" in text]
    assert len(why) == 1
    notices.seen(NoticeKind.UNDO)
    draw(sample, 6)
    sample.session.document.undo.wait()
    qtbot.wait(50)
    assert not notices.unseen


def test_a_segmentation_that_was_left_is_offered_with_its_tomogram_in_the_same_window(
    sample: MainWindow,
    open_file: Callable[[Path], MainWindow],
    segment_with: Prepare,
    slow_model: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    panel, asked = segment_with(slow_model, (20, 44)), Asked(Answer.STOP)
    monkeypatch.setattr(questions, "ask", asked.ask)
    offer_with_tomograms(sample.context)
    document = sample.session.document
    assert document is not None
    begin(panel, sample, qtbot)
    open_file(Path(document.source))
    assert sample.session.document is not document and panel.offers.pending is None
    qtbot.waitUntil(lambda: bool(sample.findChildren(RecoveryDialog)), timeout=10_000)
    (dialog,) = sample.findChildren(RecoveryDialog)
    (left,) = (one for one in leftovers() if one.folder == document.folder)
    assert left.folder in dialog.rows
    with qtbot.waitSignal(sample.session.document_changed, timeout=10_000):
        dialog.recover(left)
    assert panel.offers.pending is not None
    assert sample.session.document is not None
    sample.session.document.discard()
