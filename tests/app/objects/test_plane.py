"""Splitting an object by a plane that is seen in 3D: fields, preview, split, undo."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.objects.tools.plane import PlaneDialog
from tests.app.objects.conftest import BOXES, quiet

HALF = 20 * 40 * 25  # of object 3


@pytest.fixture
def dialog(room: MainWindow, qtbot: QtBot) -> Iterator[PlaneDialog]:
    """The dialog with object 3, a box that is longest along x."""
    room.session.objects.set(selected=(3,))
    room.session.set_cursor((30, 120, 120))
    dialog = room.context.dialogs.bring_up(PlaneDialog)
    qtbot.waitExposed(dialog)
    qtbot.waitUntil(lambda: "comes off" in dialog.said.text())
    yield dialog
    dialog.close()


def counts(room: MainWindow) -> dict[int, int]:
    document = room.session.document
    assert document is not None and document.objects is not None
    numbers, voxels = np.unique(document.objects[BOXES[3].slices], return_counts=True)
    return dict(zip(numbers.tolist(), voxels.tolist(), strict=True))


def test_the_plane_lies_across_the_longest_axis_and_both_parts_are_seen(
    room: MainWindow, dialog: PlaneDialog
) -> None:
    cut = room.session.cut.value
    assert cut.place == pytest.approx((29.5, 119.5, 124.5))
    assert np.abs(cut.normal) == pytest.approx((0, 0, 1))
    assert cut.reach > 200  # nm: half of its longer edge across
    preview = room.session.preview
    assert preview is not None and preview is dialog.preview.shown and preview.z == 30
    values, voxels = np.unique(preview.labels, return_counts=True)
    assert values.tolist() == [0, 1, 2] and voxels[1:].tolist() == [40 * 25, 40 * 25]
    assert dialog.said.text().startswith("20\u202f000 and 20\u202f000 voxels (50 %")


def test_by_keys_alone_it_is_moved_split_and_undone(
    room: MainWindow, dialog: PlaneDialog, qtbot: QtBot
) -> None:
    assert dialog.place.hasFocus() or not dialog.isActiveWindow()
    QTest.keyClick(dialog.place, Qt.Key.Key_End)  # to the last column
    qtbot.waitUntil(lambda: "one side" in dialog.said.text())
    qtbot.waitUntil(lambda: not dialog.apply.isEnabled())
    dialog.place.setValue(0)
    qtbot.waitUntil(lambda: "50 %" in dialog.said.text())
    QTest.keyClick(dialog.apply, Qt.Key.Key_Space)
    quiet(room, qtbot)
    found = counts(room)
    assert sorted(found.values()) == [HALF, HALF] and 3 in found and len(found) == 2
    assert room.session.objects.value.selected == (3,), "another part of it may come off next"
    qtbot.waitUntil(lambda: "50 %" in dialog.said.text() and "10\u202f000" in dialog.said.text())
    room.session.undo()
    quiet(room, qtbot)
    assert counts(room) == {3: 2 * HALF}


def test_another_object_gets_a_plane_of_its_own_and_none_gets_none(
    room: MainWindow, dialog: PlaneDialog, qtbot: QtBot
) -> None:
    dialog.tilt.setValue(30)
    room.session.objects.set(selected=(5,))
    assert room.session.cut.value.place == pytest.approx((24.5, 204.5, 109.5)) and dialog.tilt.value() == 0
    room.session.objects.set(selected=())
    assert room.session.cut.value.place is None and not dialog.apply.isEnabled()
    assert "Choose an object" in dialog.said.text() and room.session.preview is None


def test_nothing_is_left_when_it_is_closed(room: MainWindow, dialog: PlaneDialog, qtbot: QtBot) -> None:
    dialog.close()
    quiet(room, qtbot)
    assert room.session.cut.value.place is None and room.session.preview is None
    room.session.objects.set(selected=(5,))
    assert room.session.cut.value.place is None


def test_the_action_says_what_is_missing(room: MainWindow, qtbot: QtBot) -> None:
    action = room.actions_.by_name["objects.split_plane"]
    room.session.objects.set(selected=())
    qtbot.waitUntil(lambda: not action.isEnabled())
    room.session.objects.set(selected=(5,))
    qtbot.waitUntil(action.isEnabled)
