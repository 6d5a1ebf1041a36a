"""Exports from the File menu, with their dialogs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from sxtstudio.app import questions
from sxtstudio.app.exports.receipt import ReceiptDialog
from sxtstudio.app.exports.surface import SurfaceDialog
from sxtstudio.app.exports.volume import VolumeDialog
from sxtstudio.app.main_window import MainWindow
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box


@pytest.fixture
def cell(open_file: Callable[[Path], MainWindow], tomogram: Path) -> MainWindow:
    """A tomogram with a box of labels."""
    window = open_file(tomogram)
    with window.session.edit(EditKind.BRUSH) as recorder:
        recorder.write(Box((1, 5, 10), (4, 25, 50)), np.full((3, 20, 40), 255, np.uint8))
    return window


@pytest.fixture
def save_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Answer the next file dialogs with this name."""

    def answer(name: str) -> Path:
        monkeypatch.setattr(questions, "save_file", lambda *_: tmp_path / name)
        return tmp_path / name

    return answer


def options(window: MainWindow, qtbot: QtBot, action: str, kind: type) -> VolumeDialog | SurfaceDialog:
    window.actions_.by_name[action].trigger()
    found = window.findChildren(kind)
    assert len(found) == 1 and found[0].isVisible()
    return found[0]


def receipt(window: MainWindow, qtbot: QtBot) -> ReceiptDialog:
    qtbot.waitUntil(lambda: bool(window.findChildren(ReceiptDialog)), timeout=20_000)
    (dialog,) = window.findChildren(ReceiptDialog)
    return dialog


def test_tiff_with_receipt(cell: MainWindow, qtbot: QtBot, save_to: Callable[[str], Path]) -> None:
    path = save_to("a.tif")
    dialog = options(cell, qtbot, "file.export_tiff", VolumeDialog)
    assert isinstance(dialog, VolumeDialog)
    assert [dialog.what.itemData(i) for i in range(dialog.what.count())] == ["labels", "objects", "tomogram"]
    assert not dialog.inside.isEnabled(), "there is no mask"
    before = cell.isWindowModified()
    dialog.accept()
    shown = receipt(cell, qtbot)
    assert np.array_equal(tifffile.imread(path), cell.session.labels_of("labels"))
    assert str(path) in shown.text and "10 × 10 × 10 nm" in shown.text and "compared" in shown.text
    shown.copy()
    assert QApplication.clipboard().text() == shown.text
    assert cell.session.document is not None and cell.session.document.steps[-1].name == "Export"
    assert cell.isWindowModified() == before
    shown.close()


def test_range_and_mask_of_the_dialog_are_used(
    cell: MainWindow, qtbot: QtBot, save_to: Callable[[str], Path]
) -> None:
    with cell.session.edit(EditKind.POLYGON, "mask") as recorder:
        recorder.write(Box((0, 0, 0), (6, 10, 80)), np.full((6, 10, 80), 255, np.uint8))
    path = save_to("b.tif")
    dialog = options(cell, qtbot, "file.export_tiff", VolumeDialog)
    assert isinstance(dialog, VolumeDialog)
    assert dialog.inside.isChecked(), "with a mask it is the default"
    dialog.whole.setChecked(False)
    dialog.first.setValue(3)
    dialog.last.setValue(4)
    dialog.accept()
    receipt(cell, qtbot).close()
    found = tifffile.imread(path)
    assert found.shape == (2, 64, 80) and found.sum() == 2 * 5 * 40 * 255


@pytest.mark.parametrize("emptied", ["undone", "cleared"])
def test_a_mask_without_voxels_hides_nothing(
    cell: MainWindow, qtbot: QtBot, save_to: Callable[[str], Path], emptied: str
) -> None:
    """A mask that was undone was exported as if it held nothing: a black file, called verified."""
    document, actions = cell.session.document, cell.actions_.by_name
    assert document is not None and document.labels is not None
    labelled = int(np.count_nonzero(document.labels))
    with cell.session.edit(EditKind.POLYGON, "mask") as edit:
        edit.write(Box.slab(0, 1, document.shape), np.full((1, *document.shape[1:]), 255, np.uint8))
    assert document.mask is not None and actions["segment.mask_cut"].isEnabled()
    if emptied == "undone":
        actions["edit.undo"].trigger()
    else:
        with cell.session.edit(EditKind.CLEAR, "mask") as edit:
            edit.write(Box.slab(0, 1, document.shape), np.zeros((1, *document.shape[1:]), np.uint8))
    assert document.mask is None and not actions["segment.mask_cut"].isEnabled()
    path = save_to("cell.tif")
    dialog = options(cell, qtbot, "file.export_tiff", VolumeDialog)
    assert not dialog.inside.isEnabled() and not dialog.inside.isChecked()
    assert dialog.what.findData("mask") == -1
    dialog.accept()
    assert int(np.count_nonzero(tifffile.imread(receipt(cell, qtbot).receipt.path))) == labelled
    assert path.exists()


def test_surface_picture_and_methods(cell: MainWindow, qtbot: QtBot, save_to: Callable[[str], Path]) -> None:
    path = save_to("cell.stl")
    dialog = options(cell, qtbot, "file.export_surface", SurfaceDialog)
    assert isinstance(dialog, SurfaceDialog)
    dialog.min_faces.setValue(0)
    dialog.accept()
    shown = receipt(cell, qtbot)
    assert "triangles" in shown.text and path.stat().st_size > 84
    shown.close()
    qtbot.waitUntil(lambda: not cell.findChildren(ReceiptDialog))

    path = save_to("slice.png")
    cell.actions_.by_name["file.export_picture"].trigger()
    receipt(cell, qtbot).close()
    assert QImage(str(path)).width() == cell.context.parts.slices.grab().width()
    qtbot.waitUntil(lambda: not cell.findChildren(ReceiptDialog))

    path = save_to("methods.md")
    cell.actions_.by_name["file.export_methods"].trigger()
    receipt(cell, qtbot).close()
    assert "1. Brush" in path.read_text(encoding="utf-8")


def test_cancel_in_the_dialogs_writes_nothing(
    cell: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "save_file", lambda *_: None)
    before = sorted(tmp_path.iterdir())
    options(cell, qtbot, "file.export_mrc", VolumeDialog).accept()
    assert not cell.jobs.visible and sorted(tmp_path.iterdir()) == before


def test_bad_place_gives_one_sentence(cell: MainWindow, qtbot: QtBot, save_to: Callable[[str], Path]) -> None:
    save_to("no such folder/a.tif")
    options(cell, qtbot, "file.export_tiff", VolumeDialog).accept()
    qtbot.waitUntil(lambda: bool(cell.findChildren(QMessageBox)), timeout=10_000)
    (box,) = cell.findChildren(QMessageBox)
    assert "create it first" in box.text()
    box.close()
