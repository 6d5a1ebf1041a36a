"""The list of changes: what it says, and where it goes."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.app.labels import travel
from sxtstudio.app.labels.history import HistoryDialog


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


@pytest.mark.parametrize("large", [False, True], ids=["at once", "in a job"])
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


def test_undo_says_what_it_will_take_back(strokes) -> None:
    hand, states = strokes
    undo = hand.window.actions_.by_name["edit.undo"]
    added = int(states[4].sum() - states[3].sum())
    assert undo.text() == "Undo: Brush"
    assert undo.toolTip().startswith(f"Undo: Brush, slice 10, +{added} voxels")
    undo.trigger()
    assert undo.toolTip().startswith("Undo: Brush, slice 8")
    assert hand.window.actions_.by_name["edit.redo"].toolTip().startswith("Redo: Brush, slice 10")
