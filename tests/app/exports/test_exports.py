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
from sxtstudio.app.exports.dialog import ExportDialog
from sxtstudio.app.exports.receipt import ReceiptDialog
from sxtstudio.app.exports.volume import VolumeDialog
from sxtstudio.app.main_window import MainWindow
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.core.handover import Content, Form, Program
from sxtstudio.workflow.document.exporting import Receipt


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


def options(window: MainWindow, qtbot: QtBot, action: str, kind: type[VolumeDialog]) -> VolumeDialog:
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


@pytest.fixture
def window_of_exports(cell: MainWindow) -> ExportDialog:
    """The window of exports over a tomogram with labels."""
    cell.actions_.by_name["file.export"].trigger()
    dialog = cell.context.dialogs.find(ExportDialog)
    assert dialog is not None and dialog.isVisible()
    return dialog


def choose(dialog: ExportDialog, content: Content, program: Program, path: Path) -> None:
    dialog.what.setCurrentIndex(dialog.what.findData(content.value))
    dialog.program.setCurrentIndex(dialog.program.findData(program.value))
    assert (dialog.what.currentData(), dialog.program.currentData()) == (content.value, program.value)
    dialog.where.setText(str(path))
    dialog.where.textEdited.emit(str(path))


def written(window: MainWindow, dialog: ExportDialog, qtbot: QtBot) -> Receipt:
    dialog.go.click()
    shown = receipt(window, qtbot)
    found = shown.receipt
    shown.close()
    qtbot.waitUntil(lambda: not window.findChildren(ReceiptDialog))
    return found


def test_one_window_writes_surfaces_pictures_and_methods(
    cell: MainWindow, window_of_exports: ExportDialog, qtbot: QtBot, tmp_path: Path
) -> None:
    dialog = window_of_exports
    choose(dialog, Content.SURFACES, Program.BLENDER, tmp_path / "cell.stl")
    dialog.options.min_faces.setValue(0)
    found = written(cell, dialog, qtbot)
    assert "triangles" in dict(found.rows)["Size"] and found.path.stat().st_size > 84
    choose(dialog, Content.PICTURE, Program.OTHER, tmp_path / "slice.png")
    found = written(cell, dialog, qtbot)
    assert QImage(str(found.path)).width() == cell.context.parts.slices.grab().width()
    choose(dialog, Content.METHODS, Program.OTHER, tmp_path / "methods.md")
    found = written(cell, dialog, qtbot)
    assert "1. Brush" in found.path.read_text(encoding="utf-8")
    menu = dialog.receipts.menu()
    assert menu is not None
    assert [action.text() for action in menu.actions()] == [
        "Methods text: methods.md",
        "Picture of the slices: slice.png",
        "Surface: cell.stl",
    ]
    menu.actions()[2].trigger()
    shown = receipt(cell, qtbot)
    assert "triangles" in shown.text and "Blender" in shown.text
    shown.close()


def test_only_what_there_is_is_offered_and_said(
    cell: MainWindow, window_of_exports: ExportDialog, qtbot: QtBot
) -> None:
    dialog = window_of_exports

    def offered() -> set[str]:
        return {dialog.what.itemData(i) for i in range(dialog.what.count())}

    assert offered() == {"labels", "objects", "image", "surfaces", "picture", "methods"}
    for index in range(dialog.what.count()):
        dialog.what.setCurrentIndex(index)
        for row in range(dialog.program.count()):
            dialog.program.setCurrentIndex(row)
            route = dialog.route
            form = dialog.chosen_form
            assert route is not None and form is not None
            for label, said in (
                (dialog.shows, route.shows),
                (dialog.opening, route.opening),
                (dialog.loses, route.loses),
            ):
                assert label.text() == said.of(form, over_mrc=True)
            assert dialog.where.text().endswith(route.suffixes)
            sliced = route.content in ("labels", "objects", "image")
            assert dialog.options.slices.isVisible() == sliced
            assert dialog.options.unit.isVisible() == (route.content is Content.SURFACES)
    assert not dialog.options.inside.isVisible(), "there is no mask"
    with cell.session.edit(EditKind.POLYGON, "mask") as recorder:
        recorder.write(Box((0, 0, 0), (6, 10, 80)), np.full((6, 10, 80), 255, np.uint8))
    qtbot.waitUntil(lambda: "mask" in offered())
    dialog.what.setCurrentIndex(dialog.what.findData("labels"))
    assert dialog.options.inside.isVisible() and dialog.options.inside.isChecked()


def test_labels_are_offered_first_once_there_are_some(
    open_file: Callable[[Path], MainWindow], tomogram: Path
) -> None:
    window = open_file(tomogram)
    dialog = window.context.dialogs.bring_up(ExportDialog)
    assert dialog.what.currentData() == Content.IMAGE.value, "there is nothing else"
    dialog.close()
    with window.session.edit(EditKind.BRUSH) as recorder:
        recorder.write(Box((1, 5, 10), (2, 6, 11)), np.full((1, 1, 1), 255, np.uint8))
    assert window.context.dialogs.bring_up(ExportDialog) is dialog
    assert dialog.what.currentData() == Content.LABELS.value
    dialog.what.setCurrentIndex(dialog.what.findData(Content.IMAGE.value))
    with window.session.edit(EditKind.BRUSH) as recorder:
        recorder.write(Box((2, 5, 10), (3, 6, 11)), np.full((1, 1, 1), 255, np.uint8))
    assert dialog.what.currentData() == Content.IMAGE.value, "what was chosen stays"


def test_slices_and_choices_are_used_and_remembered(
    cell: MainWindow, window_of_exports: ExportDialog, qtbot: QtBot, tmp_path: Path
) -> None:
    dialog = window_of_exports
    choose(dialog, Content.LABELS, Program.FIJI, tmp_path / "b.tif")
    dialog.options.whole.setChecked(False)
    dialog.options.first.setValue(3)
    dialog.options.last.setValue(4)
    written(cell, dialog, qtbot)
    data = tifffile.imread(tmp_path / "b.tif")
    assert data.shape == (2, 64, 80) and np.count_nonzero(data) == 2 * 20 * 40
    again = ExportDialog(cell.context)
    assert (again.what.currentData(), again.program.currentData()) == ("labels", "fiji")
    assert Path(again.where.text()).parent == tmp_path
    again.close()
    again.deleteLater()


def test_what_is_there_is_replaced_only_when_asked(
    cell: MainWindow,
    window_of_exports: ExportDialog,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "labels.tif"
    path.write_text("kept")
    asked: list[Path] = []
    monkeypatch.setattr(questions, "may_replace", lambda context, place: bool(asked.append(place)))
    choose(window_of_exports, Content.LABELS, Program.FIJI, path)
    window_of_exports.go.click()
    assert asked == [path] and path.read_text() == "kept" and not cell.jobs.visible
    monkeypatch.setattr(questions, "may_replace", lambda context, place: True)
    written(cell, window_of_exports, qtbot)
    assert tifffile.imread(path).any()


def test_another_format_gives_another_ending_and_keeps_the_name(
    window_of_exports: ExportDialog, tmp_path: Path
) -> None:
    dialog = window_of_exports
    choose(dialog, Content.LABELS, Program.OTHER, tmp_path / "mine.tif")
    dialog.form.setCurrentIndex(dialog.form.findData(Form.ZARR.value))
    assert dialog.where.text() == str(tmp_path / "mine.ome.zarr")
    dialog.form.setCurrentIndex(dialog.form.findData(Form.MRC.value))
    assert dialog.where.text() == str(tmp_path / "mine.mrc")


def test_a_wrong_ending_is_said_and_nothing_written(
    cell: MainWindow, window_of_exports: ExportDialog, qtbot: QtBot, tmp_path: Path
) -> None:
    choose(window_of_exports, Content.LABELS, Program.IMOD, tmp_path / "a.doc")
    window_of_exports.go.click()
    qtbot.waitUntil(lambda: bool(cell.findChildren(QMessageBox)), timeout=10_000)
    (box,) = cell.findChildren(QMessageBox)
    assert "a.doc is no name for labels for IMOD" in box.text()
    box.close()


def test_results_go_into_a_folder_of_their_own(
    cell: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "home"
    place.mkdir()
    monkeypatch.setattr(questions, "save_into_folder", lambda *_: place)
    cell.actions_.by_name["file.export_results"].trigger()
    shown = receipt(cell, qtbot)
    assert shown.receipt.path == place / "cell-results"
    assert (place / "cell-results" / "ro-crate-metadata.json").is_file()
    shown.close()
    qtbot.waitUntil(lambda: not cell.findChildren(ReceiptDialog))
    (place / "cell-results" / "mine.txt").write_text("kept")
    cell.actions_.by_name["file.export_results"].trigger()
    qtbot.waitUntil(lambda: bool(cell.findChildren(QMessageBox)), timeout=10_000)
    (box,) = cell.findChildren(QMessageBox)
    assert "mine.txt" in box.text()
    box.close()


def test_cancel_in_the_dialogs_writes_nothing(
    cell: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "save_file", lambda *_: None)
    monkeypatch.setattr(questions, "save_into_folder", lambda *_: None)
    cell.context.settings.sync()  # a thread writes them, beside the tomogram in this test
    before = sorted(tmp_path.iterdir())
    options(cell, qtbot, "file.export_tiff", VolumeDialog).accept()
    cell.actions_.by_name["file.export_results"].trigger()
    cell.context.settings.sync()
    assert not cell.jobs.visible and sorted(tmp_path.iterdir()) == before


def test_bad_place_gives_one_sentence(cell: MainWindow, qtbot: QtBot, save_to: Callable[[str], Path]) -> None:
    save_to("no such folder/a.tif")
    options(cell, qtbot, "file.export_tiff", VolumeDialog).accept()
    qtbot.waitUntil(lambda: bool(cell.findChildren(QMessageBox)), timeout=10_000)
    (box,) = cell.findChildren(QMessageBox)
    assert "create it first" in box.text()
    box.close()
