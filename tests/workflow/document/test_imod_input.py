"""Models of IMOD are opened as labels and as objects of a document, with their names as classes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.label_image import LabelImage, LegendEntry
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import open_labels, open_volume
from sxtstudio.io.handover.imod import write_imod
from sxtstudio.workflow.document import workplace
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.label_input import inspect_labels, name_over, write_labels
from sxtstudio.workflow.document.object_input import ReadAs, names_in, read_objects


@pytest.fixture
def document(tomogram: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Document]:
    monkeypatch.setenv(workplace.VARIABLE, str(tmp_path / "work"))
    document = Document.open(tomogram)
    yield document
    document.close()


@pytest.fixture
def labels(document: Document) -> np.ndarray:
    labels = np.zeros(document.shape, np.uint16)
    labels[1:3, 2:9, 3:10], labels[1:3, 4:6, 5:7] = 5, 0  # with a hole
    labels[4, 20:30, 40:60], labels[1, 40:42, 5:9] = 8, 8
    return labels


@pytest.fixture(params=["size said", "size unknown"])
def model(request: pytest.FixtureRequest, tmp_path: Path, labels: np.ndarray) -> Path:
    legend = LegendEntry(5, "Mitochondrium", (9, 8, 7)), LegendEntry(8, "Lipidtröpfchen", (1, 2, 3))
    path = tmp_path / "cell.mod"
    write_imod(path, LabelImage("cell", ArrayVolume(labels), legend))
    if request.param == "size unknown":  # as imodmodel and others leave it
        raw = bytearray(path.read_bytes())
        struct.pack_into(">3i", raw, 8 + 128, 0, 0, 0)
        path.write_bytes(raw)
    return path


def test_as_labels(document: Document, labels: np.ndarray, model: Path) -> None:
    values = inspect_labels(model, document.shape, Progress())
    assert values.voxels == {1: np.count_nonzero(labels == 5), 2: np.count_nonzero(labels == 8)}
    recorder = document.recorder(EditKind.OPEN_LABELS, "labels", {})
    write_labels(model, recorder, Progress())
    recorder.finish()
    np.testing.assert_array_equal(document.array("labels") != 0, labels != 0)


def test_as_objects_with_classes(document: Document, labels: np.ndarray, model: Path) -> None:
    assert names_in(model) == {1: "Mitochondrium", 2: "Lipidtröpfchen"}
    values = inspect_labels(model, document.shape, Progress())
    recorder = document.recorder(EditKind.OPEN_OBJECTS, "objects", {})
    read_objects(
        model,
        recorder,
        values,
        ReadAs.MATERIALS,
        document.object_table,
        document.object_boxes,
        Progress(),
    )
    edit = recorder.finish()
    assert edit is not None and edit.rows is not None
    document.change_table(edit.rows)
    objects = document.array("objects")
    classes = np.array(["", *(row.class_name for _, row in sorted(document.object_table.rows.items()))])
    expected = np.where(labels == 5, "Mitochondrium", np.where(labels == 8, "Lipidtröpfchen", ""))
    np.testing.assert_array_equal(classes[objects], expected)
    assert len(np.unique(objects)) == 4


def test_of_another_tomogram(document: Document, tmp_path: Path) -> None:
    path = tmp_path / "other.mod"
    write_imod(path, LabelImage("other", ArrayVolume(np.ones((2, 3, 4), np.uint8)), ()))
    with pytest.raises(UserError, match=r"has 2 × 3 × 4 voxels .* Choose the labels that belong"):
        inspect_labels(path, document.shape, Progress())


@pytest.mark.parametrize("rows_from_top", [True, False])
def test_a_model_of_ours_says_over_what_it_lies_right(
    document: Document, labels: np.ndarray, tmp_path: Path, rows_from_top: bool
) -> None:
    path = tmp_path / "cell.mod"
    legend = LegendEntry(5, "Mitochondrium", (9, 8, 7)), LegendEntry(8, "Lipid droplet", (1, 2, 3))
    write_imod(path, LabelImage("cell", ArrayVolume(labels), legend), rows_from_top=rows_from_top)
    with open_volume(path) as back:  # as on the command line, where no tomogram is known
        np.testing.assert_array_equal(back.read(Box.whole(back.shape)) != 0, labels != 0)
    assert name_over(path, document.tomogram) == path
    silent = bytearray(path.read_bytes())
    silent[8:136] = bytes(128)  # as of any other program
    path.write_bytes(silent)
    with open_volume(path) as back:
        turned = labels[:, ::-1] if rows_from_top else labels
        np.testing.assert_array_equal(back.read(Box.whole(back.shape)) != 0, turned != 0)
        assert any("backwards" in note for note in back.notes)
    over_mrc = document.tomogram.place.frame is not None
    name = name_over(path, document.tomogram)
    with open_labels(name, document.shape) as back:
        found = back.read(Box.whole(back.shape)) != 0
    expected = labels if over_mrc is not rows_from_top else labels[:, ::-1]
    np.testing.assert_array_equal(found, expected != 0)
    assert over_mrc or str(name).endswith("axes=zy-x")
