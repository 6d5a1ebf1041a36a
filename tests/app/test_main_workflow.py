"""The main job from the first click to the exported file, with the shipped model, in one window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from pytestqt.qtbot import QtBot
from scipy import ndimage

from sxtstudio.app import questions
from sxtstudio.app.exports.receipt import ReceiptDialog
from sxtstudio.app.exports.volume import VolumeDialog
from sxtstudio.app.labels.tools.base import PointerEvent
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.states import Panel

TRUTH = Path(__file__).resolve().parents[1] / "data" / "sample.labels.tif"
LONG_MS = 120_000


def idle(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.wait(50)
    qtbot.waitUntil(lambda: not window.jobs.running and window.session.busy is None, timeout=LONG_MS)


def act(window: MainWindow, name: str) -> None:
    action = window.actions_.by_name[name]
    assert action.isEnabled(), name
    action.trigger()


def test_open_segment_clean_paint_undo_look_export_save(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = window.session
    act(window, "file.open_sample")
    qtbot.waitUntil(lambda: session.document is not None, timeout=LONG_MS)
    idle(window, qtbot)
    document = session.document
    assert document is not None and document.polarity is not None and document.polarity.value == "dark"

    # Six slices, enough to be compared with the truth, quick enough for a test.
    panel = window.context.parts.segment
    window.context.parts.side.show_panel(Panel.SEGMENT)
    panel.form.slices.set_range(28, 34)
    seen: list[int] = []
    session.labels_changed.connect(lambda box: seen.append(int(session.busy is not None)))
    act(window, "segment.start")
    qtbot.waitUntil(lambda: session.busy is not None, timeout=LONG_MS)
    idle(window, qtbot)
    assert 1 in seen, "no slice appeared while the rest was running"
    labels = document.labels
    assert labels is not None and labels.any(axis=(1, 2)).nonzero()[0].tolist() == list(range(28, 34))
    truth = tifffile.imread(TRUTH)[28:34] > 0
    near = ndimage.binary_dilation(truth, np.ones((1, 5, 5)))
    assert np.mean(near[labels[28:34] > 0]) > 0.7, "most of what was found lies at a membrane"

    clean = window.context.parts.clean
    window.context.parts.side.show_panel(Panel.CLEAN)
    clean.form.smallest.setValue(200)
    clean.form.crop_x.setValue(6)
    before = labels.copy()
    act(window, "segment.clean_all")
    idle(window, qtbot)
    objects, count = ndimage.label(before, np.ones((3, 3, 3)))
    sizes = np.bincount(objects.ravel())
    expected = np.where((sizes >= 200)[objects] & (objects > 0), 255, 0).astype(np.uint8)
    expected[:, :, :6] = expected[:, :, -6:] = 0
    assert count > 1 and np.array_equal(labels, expected)

    window.context.parts.side.show_panel(Panel.LABELS)
    session.tool.set(tool="brush", brush_px=5)
    session.set_cursor((40, 100, 100))
    toolbox = window.context.parts.toolbox
    toolbox.press(PointerEvent("xy", 100, 100, 40, "left"))
    toolbox.move(PointerEvent("xy", 100, 130, 40, "left"))
    toolbox.release(PointerEvent("xy", 100, 130, 40, "left"))
    assert labels[40, 100, 100:131].all() and not labels[40, 110].any()
    act(window, "edit.undo")
    assert np.array_equal(labels, expected)
    act(window, "edit.redo")

    view = window.context.parts.view3d
    act(window, "surface.show")
    qtbot.waitUntil(lambda: bool(view.status.value.summary or view.status.value.message), timeout=LONG_MS)
    idle(window, qtbot)
    if view.status.value.ready:  # there is OpenGL of some kind
        assert "faces" in view.status.value.summary and not view.status.value.message

    monkeypatch.setattr(questions, "save_file", lambda *_: tmp_path / "cell.tif")
    act(window, "file.export_tiff")
    (dialog,) = window.findChildren(VolumeDialog)
    dialog.accept()
    qtbot.waitUntil(lambda: bool(window.findChildren(ReceiptDialog)), timeout=LONG_MS)
    for receipt in window.findChildren(ReceiptDialog):
        receipt.close()
    with tifffile.TiffFile(tmp_path / "cell.tif") as file:
        assert np.array_equal(file.asarray(), labels)
        assert file.imagej_metadata is not None and file.imagej_metadata["spacing"] == pytest.approx(10)

    monkeypatch.setattr(questions, "save_file", lambda *_: tmp_path / "cell.sxt")
    act(window, "file.save")
    qtbot.waitUntil(lambda: document.project is not None, timeout=LONG_MS)
    idle(window, qtbot)
    assert not window.isWindowModified()
    names = [step.name for step in document.steps]
    assert names[:3] == ["Segment", "Clean up", "Brush"] and "Export" in names
