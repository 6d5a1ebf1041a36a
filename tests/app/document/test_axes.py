"""Axes that a file does not name are asked for, and a tilt series is told as such before it is segmented."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from sxtstudio.app.document.axes import AxesDialog
from sxtstudio.app.document.label_files import load_labels
from sxtstudio.app.main_window import MainWindow
from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.geometry import Box
from sxtstudio.core.polarity import chosen_polarity
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.methods import methods_text
from sxtstudio.workflow.document.project import open_project, save, snapshot

Open = Callable[[Path], MainWindow]
DATA = np.random.default_rng(5).integers(1, 200, (6, 30, 40)).astype(np.uint8)  # z, y, x


@pytest.fixture
def unnamed(open_file: Open, tmp_path: Path) -> MainWindow:
    """A file that stores x, y, z and does not say so."""
    with h5py.File(tmp_path / "cell.h5", "w") as file:
        file["data"] = DATA.transpose(2, 1, 0)
    return open_file(tmp_path / "cell.h5")


def dialog_of(window: MainWindow) -> AxesDialog:
    (dialog,) = [
        one for one in QApplication.topLevelWidgets() if isinstance(one, AxesDialog) and one.isVisible()
    ]
    return dialog


def document_of(window: MainWindow) -> Document:
    assert window.session.document is not None
    return window.session.document


def voxels(document: Document) -> NDArray[np.uint8]:
    return document.tomogram.read(Box.whole(document.shape))


def choose(dialog: AxesDialog, row: int, letter: str) -> None:
    kind = dialog.kinds[row]
    kind.setCurrentIndex(kind.findData(letter))
    kind.activated.emit(kind.currentIndex())


def test_axes_are_exchanged_and_flipped_and_stay_so(
    unnamed: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    window, strip, panel = unnamed, unnamed.context.parts.first_look, unnamed.context.parts.image
    assert document_of(window).shape == (40, 30, 6)
    assert "axes read as z, y, x (the file does not name them)" in strip.line.text()
    strip.line.linkActivated.emit("file.axes")
    dialog = dialog_of(window)
    assert not dialog.open_button.isEnabled()
    choose(dialog, 0, "x")  # what was x becomes z
    assert dialog.order == AxisOrder.from_text("xyz") and "40 × 30 × 6 voxels" in dialog.result_line.text()
    assert [kind.currentData() for kind in dialog.kinds] == ["x", "y", "z"]
    dialog.backwards[2].setChecked(True)
    with qtbot.waitSignal(window.session.document_changed, timeout=20_000):
        qtbot.mouseClick(dialog.open_button, Qt.MouseButton.LeftButton)
    document = document_of(window)
    np.testing.assert_array_equal(voxels(document), DATA[::-1])
    assert "stored as x, y, z, z backwards (as you say)" in strip.line.text()
    assert panel.axes.text() == "Stored as x, y, z, z backwards (as you say)"

    # Projects, recovered work and the list of recent files keep them.
    assert window.settings.recent[0].endswith("cell.h5::axes=xyz-")
    assert "Its stored axes were read as xyz- (a minus: backwards)." in methods_text(document)
    document.volume("labels")[2, 3, 4] = 255
    document.autosave(wait=True)
    save(snapshot(document), tmp_path / "cell.sxt").lock.release()
    opened = open_project(tmp_path / "cell.sxt", work_root=tmp_path / "work").document
    np.testing.assert_array_equal(voxels(opened), DATA[::-1])
    opened.discard()
    opened.close()

    # Changed again, from the panel, they are those of the file.
    document.modified = False
    panel.change_axes.click()
    dialog = dialog_of(window)
    assert dialog.order == AxisOrder.from_text("xyz-")
    dialog.backwards[2].setChecked(False)
    with qtbot.waitSignal(window.session.document_changed, timeout=20_000):
        dialog.accept()
    np.testing.assert_array_equal(voxels(document_of(window)), DATA)


def test_a_file_that_names_its_axes_is_not_asked_about(open_file: Open, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "cell.h5", "w") as file:
        file["data"] = DATA
        file["data"].attrs["axes"] = "zyx"
    window = open_file(tmp_path / "cell.h5")
    assert "axes" not in window.context.parts.first_look.line.text()


def test_axes_of_a_tiff_are_offered_in_the_menu_only(sample: MainWindow) -> None:
    assert "axes" not in sample.context.parts.first_look.line.text()
    assert sample.context.parts.image.axes.text() == "Slices are z, rows y, columns x"
    sample.actions_.by_name["file.axes"].trigger()
    dialog = dialog_of(sample)
    assert dialog.order == AxisOrder.from_text("zyx") and not dialog.open_button.isEnabled()
    dialog.reject()


@pytest.mark.parametrize("answer", ["Read as x, y, z", "Cancel"])
def test_labels_that_are_stored_in_another_order(
    open_file: Open, tmp_path: Path, qtbot: QtBot, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tifffile.imwrite(tmp_path / "cell.tif", DATA, photometric="minisblack")
    tifffile.imwrite(tmp_path / "labels.tif", (DATA > 100).transpose(2, 1, 0).astype(np.uint8))
    window = open_file(tmp_path / "cell.tif")
    asked: list[str] = []
    monkeypatch.setattr("sxtstudio.app.questions.ask", lambda *args: asked.append(args[2]) or answer)
    load_labels(window.context, tmp_path / "labels.tif")
    qtbot.waitUntil(lambda: bool(asked) and not window.jobs.running, timeout=20_000)
    assert "40 × 30 × 6 voxels (z × y × x), but the tomogram has 6 × 30 × 40" in asked[0]
    labels = document_of(window).labels
    if answer == "Cancel":
        assert labels is None
    else:
        assert labels is not None
        np.testing.assert_array_equal(labels > 0, DATA > 100)


@pytest.fixture
def series(open_file: Open, tmp_path: Path) -> MainWindow:
    """Projections with their angles."""
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file["TomoNormalized/TomoNormalized"] = DATA.astype(np.float32)
        file["TomoNormalized/rotation_angle"] = np.linspace(-60, 60, 6)
    return open_file(tmp_path / "scan.h5")


def test_a_tilt_series_is_told_as_such_when_it_is_opened(series: MainWindow, open_file: Open) -> None:
    strip = series.context.parts.first_look
    assert strip.warning.isVisible()
    assert "scan.h5 looks like a tilt series" in strip.warning.text()
    assert "rotation_angle gives an angle for each of its 6 images" in strip.warning.text()


@pytest.mark.parametrize("answer", ["Cancel", "Segment all the same"])
def test_a_tilt_series_is_asked_about_before_it_is_segmented(
    series: MainWindow, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    begun: list[object] = []
    panel = series.context.parts.segment
    monkeypatch.setattr("sxtstudio.app.questions.ask", lambda *args, **more: asked.append(args[2]) or answer)
    monkeypatch.setattr(panel, "_start", lambda choice, *, resume: begun.append(choice))
    series.session.set_polarity(chosen_polarity("dark"))
    panel.start()
    panel.start()
    assert "looks like a tilt series" in asked[0]
    assert (len(asked), len(begun)) == ((2, 0) if answer == "Cancel" else (1, 2))


def test_a_tomogram_is_no_tilt_series(sample: MainWindow) -> None:
    assert not sample.context.parts.first_look.warning.isVisible()
