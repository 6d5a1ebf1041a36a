"""What was not labelled is hatched in the slice, with a legend; only where labels were made without it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import QRectF
from pytestqt.qtbot import QtBot
from scipy import ndimage

from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.slice_preview import Preview
from sxtstudio.app.slices import overlays
from sxtstudio.app.slices.left_out import gold_left_out
from sxtstudio.app.slices.plane_view import PlaneView
from sxtstudio.app.states import LeavesOut
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.steps import Step, StepKind

Open = Callable[[Path], MainWindow]
SHAPE = (5, 130, 140)
Y, X = np.indices(SHAPE[1:])


def segmented(**parameters: object) -> Step:
    return Step(StepKind.EDIT, EditKind.SEGMENT, parameters={"polarity": "dark", **parameters})


def record(window: MainWindow, step: Step) -> None:
    assert window.session.document is not None
    window.session.document.steps.append(step)
    window.session.history_changed.emit()


@pytest.fixture
def framed(open_file: Open, tmp_path: Path, qtbot: QtBot) -> MainWindow:
    """Grain with a frame of 7 px on the left, and a bead in slice 3."""
    slices = ndimage.gaussian_filter(np.random.default_rng(1).normal(size=SHAPE), (0, 0.8, 0.8)) - 5.0 * (
        X < 7
    )
    slices[3] -= 40 * (np.hypot(Y - 60, X - 80) < 6)
    tifffile.imwrite(tmp_path / "framed.tif", slices.astype(np.float32))
    window = open_file(tmp_path / "framed.tif")
    window.session.set_cursor((1, 20, 100))
    return window


def view_of(window: MainWindow) -> PlaneView:
    view: PlaneView = window.context.parts.slices.views["xy"]
    return view


def test_frame_and_gold_are_hatched_and_said_in_words(framed: MainWindow, qtbot: QtBot) -> None:
    view = view_of(framed)
    assert view.left_out.labels is None
    record(framed, segmented(leave_out=True))
    text = "▨ Not labelled: frame of 7 px on the left"
    qtbot.waitUntil(lambda: view.left_out_text == text, timeout=20_000)
    hatched = view.left_out.labels
    assert hatched is not None and np.array_equal(hatched > 0, X < 7)
    assert set(np.unique(hatched)) == {0, 1, 2}
    framed.session.set_cursor((3, 20, 100))
    text = "▨ Not labelled: at least 1 gold bead, frame of 7 px on the left"
    qtbot.waitUntil(lambda: view.left_out_text == text, timeout=20_000)
    assert view.left_out.labels is not None and view.left_out.labels[60, 80] > 0
    framed.session.display.set(left_out=False)
    assert view.left_out.labels is None and view.left_out_text == ""


def test_labels_made_with_them_have_no_hatching(framed: MainWindow, qtbot: QtBot) -> None:
    view = view_of(framed)
    record(framed, segmented(leave_out=True))
    qtbot.waitUntil(lambda: view.left_out_text != "", timeout=20_000)
    record(framed, segmented(leave_out=False))
    assert view.left_out.labels is None and view.left_out_text == ""


def test_the_latest_segmentation_that_stands_decides() -> None:
    with_it, without = segmented(leave_out=True, polarity="bright"), segmented()
    assert gold_left_out([]) is None and gold_left_out([without]) is None
    assert gold_left_out([without, with_it]) is False and gold_left_out([segmented(leave_out=True)]) is True
    undone = Step(StepKind.UNDO, EditKind.SEGMENT)
    assert gold_left_out([with_it, without, undone]) is False


def test_a_trial_shows_what_it_leaves_out(framed: MainWindow, qtbot: QtBot) -> None:
    view, session = view_of(framed), framed.session
    nothing = np.zeros(SHAPE[1:], np.uint8)
    session.set_preview(Preview(1, nothing, "Try", leaves_out=LeavesOut.DARK_GOLD))
    qtbot.waitUntil(lambda: view.left_out_text.endswith("frame of 7 px on the left"), timeout=20_000)
    session.set_preview(None)
    assert view.left_out.labels is None and view.left_out_text == ""
    record(framed, segmented(leave_out=True))
    qtbot.waitUntil(lambda: view.left_out_text != "", timeout=20_000)
    session.set_preview(Preview(1, nothing, "Try", leaves_out=LeavesOut.NOTHING))
    assert view.left_out.labels is None and view.left_out_text == ""
    session.set_preview(Preview(1, nothing, "Clean-up"))
    qtbot.waitUntil(lambda: view.left_out_text != "", timeout=20_000)


def test_the_legend_lies_where_nothing_is_hatched(framed: MainWindow, qtbot: QtBot) -> None:
    view = view_of(framed)
    hatched = np.zeros(SHAPE[1:], np.uint8)
    size = QRectF(0, 0, 0.3 * view.width(), 40)
    top, low = (
        size.translated(0.6 * view.width(), 20),
        size.translated(0.6 * view.width(), view.height() - 60),
    )
    hatched[SHAPE[1] // 2 :] = 1
    view.show_left_out(hatched, "Not labelled: a test")
    assert overlays.legend_place([low, top], view) == top
    view.show_left_out(hatched[::-1].copy(), "Not labelled: a test")
    assert overlays.legend_place([top, low], view) == low
