"""The list of changes: what it says, and where it goes."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PySide6.QtCore import QTimer

from sxtstudio.app.labels import travel
from sxtstudio.app.labels.history import HistoryDialog
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Edit
from sxtstudio.core.geometry import Box
from sxtstudio.core.patches import Patch


@pytest.fixture
def strokes(hand):
    """Four strokes, and the labels after each of them and before the first."""
    hand.take("brush", brush_px=4)
    states = []
    for z in (3, 5, 7, 9):
        if states:
            states.append(hand.voxels().copy())
        else:
            states.append(np.zeros((64, 384, 384), bool))
        hand.stroke("xy", z, (50, 50), (50, 60))
    states.append(hand.voxels().copy())
    return hand, states


def rows(dialog: HistoryDialog) -> list[str]:
    return [dialog.list.item(row).text() for row in range(dialog.list.count())]


@pytest.mark.parametrize("large", [False, True], ids=["single steps at once", "all in jobs"])
def test_any_point_of_the_history_is_reached(strokes, monkeypatch: pytest.MonkeyPatch, large: bool) -> None:
    hand, states = strokes
    if large:
        monkeypatch.setattr(travel, "LARGE_BYTES", 1)
    hand.window.actions_.by_name["edit.history"].trigger()
    dialog = hand.window.context.dialogs.find(HistoryDialog)
    assert [text.split(",")[:2] for text in rows(dialog)[1:]] == [
        ["Brush", " slice 4"], ["Brush", " slice 6"], ["Brush", " slice 8"], ["Brush", " slice 10"],
    ]  # fmt: skip
    assert rows(dialog)[4].endswith("(now)") and not dialog.go_button.isEnabled()
    for kept in (1, 3, 0, 4, 2):
        dialog.list.setCurrentRow(kept)
        dialog.go_button.click()
        hand.wait()
        assert np.array_equal(hand.voxels(), states[kept])
        assert rows(dialog)[kept].endswith("(now)") and len(rows(dialog)) == 5
    assert len(hand.session.history) == 2


def test_of_many_steps_each_is_announced_in_a_turn_of_its_own(strokes) -> None:
    hand, _ = strokes
    session, heard = hand.session, []

    def on_undone(edit: Edit) -> None:
        heard.append((edit.box.start[0], session.busy is not None))
        QTimer.singleShot(0, lambda: heard.append("turn"))

    session.edit_undone.connect(on_undone)
    travel.go_to(hand.window.context, 1)
    assert session.busy is not None and heard == []
    hand.wait()
    hand.qtbot.waitUntil(lambda: len(heard) == 6)
    assert heard == [(9, True), "turn", (7, True), "turn", (5, False), "turn"]


def test_many_small_patches_are_taken_back_in_a_job(hand, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are few bytes, and yet thousands of scattered objects took a second."""
    session, threads = hand.session, set()
    recorder = session.record(EditKind.DELETE_OBJECT, "objects")
    one = np.full((1, 1, 1), 7, np.uint32)
    places = [(z, 16 * y, 16 * x) for z in (0, 63) for y in range(20) for x in range(20)]
    for z, y, x in places:
        recorder.write(Box((z, y, x), (z + 1, y + 1, x + 1)), one)
    session.commit(recorder)
    objects = session.labels_of("objects")
    assert objects is not None and np.count_nonzero(objects) == len(places)
    apply = Patch.apply

    def watched(self: Patch, *args: object) -> int:
        threads.add(threading.current_thread())
        return apply(self, *args)

    monkeypatch.setattr(Patch, "apply", watched)
    hand.window.actions_.by_name["edit.undo"].trigger()
    hand.wait()
    assert not objects.any() and threads and threading.main_thread() not in threads


def test_undo_says_what_it_will_take_back(strokes) -> None:
    hand, states = strokes
    undo = hand.window.actions_.by_name["edit.undo"]
    added = int(states[4].sum() - states[3].sum())
    assert undo.text() == "Undo: Brush"
    assert undo.toolTip().startswith(f"Undo: Brush, slice 10, +{added} voxels")
    undo.trigger()
    assert undo.toolTip().startswith("Undo: Brush, slice 8")
    assert hand.window.actions_.by_name["edit.redo"].toolTip().startswith("Redo: Brush, slice 10")
