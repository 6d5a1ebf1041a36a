"""Label files that hold instances or materials become objects and classes."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.label_image import LabelImage, LegendEntry
from sxtstudio.core.label_values import LabelValues, ValueCounter
from sxtstudio.core.object_classes import CLASSES, ObjectClass
from sxtstudio.core.object_table import Decided, ObjectRow, ObjectTable
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import open_volume
from sxtstudio.io.handover.amira import write_amira_labels
from sxtstudio.io.handover.mib_model import write_mib_model
from sxtstudio.io.handover.nifti import write_nifti_labels
from sxtstudio.io.handover.nrrd import write_seg_nrrd
from sxtstudio.io.legend import read_legend
from sxtstudio.workflow.document import workplace
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.object_input import ReadAs, names_in, objects_of, read_objects

SHAPE = (6, 30, 40)


def values_of(labels: np.ndarray) -> LabelValues:
    counter = ValueCounter("a.tif")
    counter.add(labels)
    return counter.found()


def blocks(dtype: str, *values: float) -> np.ndarray:
    """A block of each value, apart from the others; the last value twice."""
    labels = np.zeros(SHAPE, dtype)
    for i, value in enumerate((*values, values[-1])):
        labels[1:4, 2:8, 6 * i : 6 * i + 4] = value
    return labels


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("u1", (3, 9)),
        ("u2", (3, 65_535)),
        ("i4", (3, 70_000)),
        ("f4", (3, 70_000)),
        ("u4", (2**31, 2**32 - 1)),
    ],
)
def test_numbers_stay_what_they_are(dtype: str, values: tuple[int, ...]) -> None:
    labels = blocks(dtype, *values)
    objects, table = objects_of(ArrayVolume(labels), values_of(labels), ReadAs.NUMBERS, CLASSES)
    read = objects.read(Box.whole(SHAPE))
    assert read.dtype == np.uint32
    np.testing.assert_array_equal(read.astype(np.float64), labels.astype(np.float64))
    assert table == ObjectTable.of(values)


@pytest.mark.parametrize(("dtype", "values"), [("i4", (-5, 9)), ("i8", (7, 2**40)), ("f8", (7, 2**40))])
def test_numbers_that_no_object_can_have_are_numbered_anew(dtype: str, values: tuple[int, ...]) -> None:
    labels = blocks(dtype, *values)
    objects, table = objects_of(ArrayVolume(labels), values_of(labels), ReadAs.NUMBERS, CLASSES)
    expected = np.select([labels == values[0], labels == values[1]], [1, 2], 0)
    np.testing.assert_array_equal(objects.read(Box.whole(SHAPE)), expected)
    assert table == ObjectTable.of((1, 2))


def test_a_material_is_a_class_and_each_piece_of_it_an_object() -> None:
    labels = blocks("u1", 4, 7)
    objects, table = objects_of(
        ArrayVolume(labels),
        values_of(labels),
        ReadAs.MATERIALS,
        CLASSES,
        (LegendEntry(4, "vesicle", (1, 2, 3)), LegendEntry(9, "Nothing", (1, 2, 3))),
    )
    read = objects.read(Box.whole(SHAPE))
    assert [int(read[2, 4, x]) for x in (1, 7, 13)] == [1, 2, 3]
    np.testing.assert_array_equal(read > 0, labels > 0)
    assert {number: row.class_name for number, row in table.rows.items()} == {
        1: "Vesicle",
        2: "Material 7",
        3: "Material 7",
    }
    assert all(row.decided is Decided.HAND for row in table.rows.values())
    assert [found.name for found in table.classes] == [*(c.name for c in CLASSES), "Material 7"]


WRITERS = {
    "a.model": write_mib_model,
    "a.am": write_amira_labels,
    "a.seg.nrrd": write_seg_nrrd,
    "a.nii.gz": write_nifti_labels,
}


@pytest.mark.parametrize("name", WRITERS)
def test_labels_of_other_programs_are_classes_with_names_and_colours(tmp_path: Path, name: str) -> None:
    labels = blocks("u1", 4, 7)
    legend = (LegendEntry(4, "Golgi", (1, 2, 3)), LegendEntry(7, "vesicle", (200, 100, 50)))
    WRITERS[name](tmp_path / name, LabelImage("a", ArrayVolume(labels), legend), Progress())
    with open_volume(tmp_path / name) as volume:
        objects, table = objects_of(
            volume, values_of(labels), ReadAs.MATERIALS, CLASSES, read_legend(tmp_path / name)
        )
        np.testing.assert_array_equal(objects.read(Box.whole(SHAPE)) > 0, labels > 0)
    assert [row.class_name for row in table.rows.values()] == ["Golgi", "Vesicle", "Vesicle"]
    assert table.classes == (*CLASSES, ObjectClass("Golgi", (1, 2, 3)))


def test_materials_that_touch_stay_apart() -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[2, 5:10, 5:10], labels[2, 5:10, 10:15] = 1, 2
    objects, _ = objects_of(ArrayVolume(labels), values_of(labels), ReadAs.MATERIALS, ())
    assert set(np.unique(objects.read(Box.whole(SHAPE)))) == {0, 1, 2}


def test_an_empty_file_is_a_sentence() -> None:
    with pytest.raises(UserError, match="empty"):
        objects_of(ArrayVolume(np.zeros(SHAPE)), LabelValues("a.tif", {}), ReadAs.NUMBERS, CLASSES)


def model(path: Path, names: list[str]) -> Path:
    """A model as MIB saves it, as far as its materials go: a cell array of MATLAB 7.3."""
    with h5py.File(path, "w", userblock_size=512) as file:
        cells = file.create_dataset("modelMaterialNames", (1, len(names)), h5py.ref_dtype)
        for i, name in enumerate(names):
            letters = np.frombuffer(name.encode("utf-16-le"), np.uint16)
            cells[0, i] = file.create_dataset(f"#refs#/{i}", data=letters[:, None]).ref
        file["mibModel"] = np.zeros((3, 4, 5), np.uint8)
    return path


def test_names_of_materials_of_mib(tmp_path: Path) -> None:
    path = model(tmp_path / "Labels.model", ["Mitochondria", "Größe", " "])
    assert names_in(path) == {1: "Mitochondria", 2: "Größe"}
    assert names_in(tmp_path / "missing.model") == {}
    (tmp_path / "elsewhere").mkdir()
    for name, inside in (("outside.model", tmp_path / "elsewhere"), ("beside.model", tmp_path)):
        with h5py.File(inside / name, "w") as file:
            file["modelMaterialNames"] = h5py.ExternalLink(str(path), "/modelMaterialNames")
    assert names_in(tmp_path / "elsewhere" / "outside.model") == {}, "a link out of the folder"
    assert names_in(tmp_path / "beside.model") == {1: "Mitochondria", 2: "Größe"}
    with h5py.File(tmp_path / "odd.h5", "w") as file:
        file["modelMaterialNames"] = np.arange(4)
    assert names_in(tmp_path / "odd.h5") == {}
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2, 3), np.uint8))
    assert names_in(tmp_path / "a.tif") == {}


def test_they_replace_the_objects_of_a_document(
    tomogram: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(workplace.VARIABLE, str(tmp_path / "work"))
    document = Document.open(tomogram)
    labels = np.zeros(document.shape, np.uint16)
    labels[1:3, 2:9, 3:10], labels[4, 5, 6] = 700, 3
    tifffile.imwrite(tmp_path / "a.tif", labels)
    own = (ObjectClass("Golgi", (1, 2, 3)),)
    document.change_table(document.object_table.change({}, own))
    recorder = document.recorder(EditKind.OPEN_OBJECTS, "objects", {})
    read_objects(
        tmp_path / "a.tif",
        recorder,
        values_of(labels),
        ReadAs.NUMBERS,
        document.object_table,
        document.object_boxes,
        Progress(),
    )
    edit = recorder.finish()
    assert edit is not None and edit.rows is not None
    document.change_table(edit.rows)
    np.testing.assert_array_equal(document.array("objects"), labels)
    assert document.object_table == ObjectTable({3: ObjectRow(), 700: ObjectRow()}, own)
    assert document.box_of(700) == Box((1, 2, 3), (3, 9, 10))
    document.discard()
    document.close()
