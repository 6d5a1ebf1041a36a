"""Labels from a file with several kinds in it, and what the network said of the former ones."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from pytestqt.qtbot import QtBot

from sxtstudio.app.document.label_files import load_labels
from sxtstudio.app.document.label_kinds import LabelKindsDialog
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.slice_preview import Preview
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.trust import SliceTrust
from sxtstudio.workflow.document.object_input import ReadAs

SHAPE = (64, 384, 384)


@pytest.fixture
def materials(tmp_path: Path) -> Path:
    """Labels of the size of the sample with two materials."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[10, 20:30, 40:60], labels[11, 50:54, 40:60] = 1, 2
    tifffile.imwrite(tmp_path / "model.tif", labels, compression="zlib")
    return tmp_path / "model.tif"


def opened_dialog(window: MainWindow, qtbot: QtBot) -> LabelKindsDialog:
    qtbot.waitUntil(lambda: bool(window.findChildren(LabelKindsDialog)), timeout=20_000)
    (dialog,) = window.findChildren(LabelKindsDialog)
    return dialog


@pytest.mark.parametrize("value", [None, 2])
def test_several_kinds_are_asked_about(
    sample: MainWindow, materials: Path, qtbot: QtBot, value: int | None
) -> None:
    load_labels(sample.context, materials)
    dialog = opened_dialog(sample, qtbot)
    assert sample.session.document is not None and sample.session.document.labels is None
    assert dialog.value is None and not dialog.which.isEnabled()
    if value is not None:
        dialog.one.setChecked(True)
        dialog.which.setCurrentIndex(dialog.which.findData(value))
    dialog.accept()
    qtbot.waitUntil(lambda: sample.session.document.labels is not None, timeout=20_000)
    labels = sample.session.document.labels
    expected = tifffile.imread(materials)
    np.testing.assert_array_equal(labels > 0, expected > 0 if value is None else expected == value)
    step = sample.session.document.steps[-1]
    assert step.parameters.get("label") == value


def test_cancel_leaves_the_labels(sample: MainWindow, materials: Path, qtbot: QtBot) -> None:
    load_labels(sample.context, materials)
    opened_dialog(sample, qtbot).reject()
    qtbot.waitUntil(lambda: not sample.jobs.running, timeout=10_000)
    assert sample.session.document is not None and sample.session.document.labels is None
    assert not sample.session.history.undo_name


def test_certainty_goes_with_the_labels_that_it_is_of(
    sample: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    document = sample.session.document
    assert document is not None
    figures = tuple(SliceTrust(0.5 + z / 200) for z in range(64))
    sample.session.set_trust(figures, None)
    sample.session.set_preview(Preview(30, np.zeros(SHAPE[1:], np.uint8), "Violet: not recognised", True))
    labels = np.zeros(SHAPE, np.uint8)
    labels[5, 5, 5] = 255
    tifffile.imwrite(tmp_path / "labels.tif", labels)
    strip = sample.context.parts.slices.bar.strip
    assert strip.figures == figures
    load_labels(sample.context, tmp_path / "labels.tif")
    qtbot.waitUntil(lambda: document.labels is not None, timeout=20_000)
    assert document.trust == () and not strip.figures and sample.session.preview is None
    sample.session.undo()
    assert document.trust == figures and strip.figures == figures
    sample.session.redo()
    assert document.trust == () and not strip.figures


@pytest.mark.parametrize("read_as", list(ReadAs))
def test_several_kinds_may_be_objects(
    sample: MainWindow, materials: Path, qtbot: QtBot, read_as: ReadAs
) -> None:
    load_labels(sample.context, materials)
    dialog = opened_dialog(sample, qtbot)
    (dialog.numbers if read_as is ReadAs.NUMBERS else dialog.materials).setChecked(True)
    dialog.accept()
    document = sample.session.document
    qtbot.waitUntil(lambda: document.objects is not None and not sample.session.busy, timeout=20_000)
    np.testing.assert_array_equal(document.objects, tifffile.imread(materials))
    classes = [row.class_name for row in document.object_table.rows.values()]
    assert classes == (["", ""] if read_as is ReadAs.NUMBERS else ["Material 1", "Material 2"])
    assert document.labels is None and document.steps[-1].edit is EditKind.OPEN_OBJECTS
    sample.session.undo()
    assert document.objects is None and not document.object_table.rows


def test_a_model_of_mib_brings_the_names_of_its_materials(
    sample: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[10, 20:30, 40:60], labels[11, 50:54, 40:60] = 1, 2
    with h5py.File(tmp_path / "Labels.model", "w", userblock_size=512) as file:
        voxels = file.create_dataset("mibModel", data=labels.transpose(0, 2, 1))  # as MATLAB stores it
        voxels.attrs["MATLAB_class"] = np.bytes_("uint8")
        cells = file.create_dataset("modelMaterialNames", (1, 2), h5py.ref_dtype)
        for i, name in enumerate(("Vesicle", "Golgi")):
            letters = np.frombuffer(name.encode("utf-16-le"), np.uint16)
            cells[0, i] = file.create_dataset(f"#refs#/{i}", data=letters[:, None]).ref
    load_labels(sample.context, tmp_path / "Labels.model")
    dialog = opened_dialog(sample, qtbot)
    assert [dialog.which.itemText(i) for i in (0, 1)] == ["1  Vesicle (200 voxels)", "2  Golgi (80 voxels)"]
    dialog.materials.setChecked(True)
    dialog.accept()
    document = sample.session.document
    qtbot.waitUntil(lambda: document.objects is not None and not sample.session.busy, timeout=20_000)
    np.testing.assert_array_equal(document.objects, labels)
    assert [row.class_name for row in document.object_table.rows.values()] == ["Vesicle", "Golgi"]


def test_many_values_are_numbers_of_objects(sample: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    labels = np.zeros(SHAPE, np.uint16)
    labels[10, 0, :40] = np.arange(100, 140)
    tifffile.imwrite(tmp_path / "instances.tif", labels)
    load_labels(sample.context, tmp_path / "instances.tif")
    dialog = opened_dialog(sample, qtbot)
    assert dialog.read_as is ReadAs.NUMBERS and dialog.materials.isHidden()
    dialog.reject()
