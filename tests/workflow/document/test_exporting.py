"""Exports as other programs read them, and the methods text."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pytest
import pyvista as pv
import tifffile

from sxtstudio.core.classes.rules import Among, ClassRule, RuleSet, ValueRange, values_of
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.measure.calibration import GreyUnit, of_unit
from sxtstudio.core.object_table import ObjectRow
from sxtstudio.core.polarity import chosen_polarity
from sxtstudio.core.progress import Progress
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.io import open_volume
from sxtstudio.io.steps import step_of
from sxtstudio.surface import SurfaceParameters
from sxtstudio.workflow.document import workplace
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.exporting import (
    SurfaceChoice,
    VolumeChoice,
    export_surface,
    export_voxels,
    source_of,
)
from sxtstudio.workflow.document.methods import grouped_steps, methods_text, write_methods
from sxtstudio.workflow.document.network_output import keep_output


@pytest.fixture
def document(tomogram: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Document]:
    """Two boxes as labels, the second outside the mask; voxels of 20 × 10 × 10 nm."""
    monkeypatch.setenv(workplace.VARIABLE, str(tmp_path / "sessions"))
    document = Document.open(tomogram)
    document.voxel_nm = (20.0, 10.0, 10.0)
    labels = document.volume("labels")
    labels[1:4, 5:25, 10:50] = 255
    labels[2:5, 50:60, 70:78] = 255
    document.recount("labels")
    document.volume("mask")[:, :40] = 255
    document.recount("mask")
    yield document
    document.discard()
    document.close()


def test_tiff_opens_in_imagej_with_voxel_size_and_orientation(document: Document, tmp_path: Path) -> None:
    path = tmp_path / "labels.tif"
    receipt = export_voxels(path, source_of(document), VolumeChoice())
    with tifffile.TiffFile(path) as file:
        assert file.is_imagej
        assert file.imagej_metadata is not None
        assert file.imagej_metadata["spacing"] == 20.0 and file.imagej_metadata["unit"] == "nm"
        assert file.imagej_metadata["slices"] == 6
        top, bottom = file.pages[0].tags["XResolution"].value
        assert bottom / top == pytest.approx(10)
        assert np.array_equal(file.asarray(), document.labels)
    rows = dict(receipt.rows)
    assert rows["Voxel size"] == "20 × 10 × 10 nm (z × y × x)"
    assert rows["Size"].startswith("6 × 64 × 80 voxels")
    assert receipt.verified.endswith(": every voxel, voxel size")


def test_only_inside_the_mask(document: Document, tmp_path: Path) -> None:
    export_voxels(tmp_path / "in.tif", source_of(document), VolumeChoice(inside_mask=True))
    found = tifffile.imread(tmp_path / "in.tif")
    assert found[:, :40].sum() == 3 * 20 * 40 * 255 and not found[:, 40:].any()


def test_range_of_slices_keeps_its_place(document: Document, tmp_path: Path) -> None:
    receipt = export_voxels(tmp_path / "part.mrc", source_of(document), VolumeChoice("labels", 2, 5))
    with mrcfile.open(tmp_path / "part.mrc") as file:
        assert file.data.shape == (3, 64, 80) and file.data.max() == 127
        assert float(file.header.origin.z) == pytest.approx(2 * 20 * 10)  # Å
        assert float(file.voxel_size.z) == pytest.approx(200)
    assert ("Slices", "3 to 5") in receipt.rows


def test_objects_have_numbers(document: Document, tmp_path: Path) -> None:
    receipt = export_voxels(tmp_path / "objects.tif", source_of(document), VolumeChoice("objects"))
    found = tifffile.imread(tmp_path / "objects.tif")
    assert found.dtype == np.uint16
    assert [int((found == n).sum()) for n in (1, 2, 3)] == [3 * 20 * 40, 3 * 10 * 8, 0]
    assert "2 objects" in receipt.notes[0]


@pytest.mark.parametrize(("number", "dtype"), [(65_535, np.uint16), (65_536, np.uint32)])
@pytest.mark.parametrize("name", ["a.tif", "a.ome.zarr", "a.mrc"])
def test_the_objects_of_the_document_keep_their_numbers(
    document: Document, tmp_path: Path, number: int, dtype: type, name: str
) -> None:
    recorder = document.recorder(EditKind.NEW_OBJECT, "objects", {})
    recorder.write(Box((1, 30, 5), (3, 60, 9)), np.full((2, 30, 4), number, np.uint32))
    recorder.write(Box((1, 2, 3), (2, 4, 6)), np.full((1, 2, 3), 7, np.uint32))
    edit = recorder.finish()
    assert edit is not None
    document.gain("objects", edit.gained)
    document.change_table(document.object_table.change({7: ObjectRow(), number: ObjectRow()}))
    path, choice = tmp_path / name, VolumeChoice("objects", 1, 4, inside_mask=True)
    if name == "a.mrc" and dtype is np.uint32:
        with pytest.raises(UserError, match="MRC files cannot hold"):
            export_voxels(path, source_of(document), choice)
        return
    receipt = export_voxels(path, source_of(document), choice)
    assert document.objects is not None
    expected = np.array(document.objects[1:4])
    expected[:, 40:] = 0  # outside the mask
    with open_volume(path) as found:
        assert found.dtype == dtype
        np.testing.assert_array_equal(found.read(Box.whole(found.shape)), expected)
    assert ("In objects", f"{np.count_nonzero(expected)} voxels") in receipt.rows
    assert "table" in receipt.notes[0]


def test_mask_and_tomogram(document: Document, tmp_path: Path) -> None:
    export_voxels(tmp_path / "mask.tif", source_of(document), VolumeChoice("mask"))
    assert np.array_equal(tifffile.imread(tmp_path / "mask.tif"), document.mask)
    export_voxels(tmp_path / "grey.mrc", source_of(document), VolumeChoice("tomogram", 1, 3))
    with mrcfile.open(tmp_path / "grey.mrc") as file, mrcfile.open(document.tomogram.path) as original:
        assert np.array_equal(file.data, original.data[1:3])


def test_kept_output_of_some_slices(document: Document, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Keep the network"):
        export_voxels(tmp_path / "none.tif", source_of(document), VolumeChoice("output"))
    depth, rows, columns = document.shape
    values = np.random.default_rng(0).integers(0, 256, (2, rows, columns), np.uint8)
    work = tmp_path / "work"
    work.mkdir()
    values.tofile(work / "probability.raw")
    keep_output((work / "probability.raw").rename, document.bulk, document.shape, (1, 3), 0.0, "toy")
    receipt = export_voxels(tmp_path / "output.tif", source_of(document), VolumeChoice("output"))
    found = tifffile.imread(tmp_path / "output.tif")
    assert found.dtype == np.uint8 and np.array_equal(found[1:3], values)
    assert found.shape == (depth, rows, columns) and not found[0].any() and not found[3:].any()
    assert "slices 2 to 3" in receipt.notes[0]


@pytest.mark.parametrize("suffix", [".ply", ".stl", ".obj"])
def test_surface_has_real_lengths(document: Document, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cell{suffix}"
    choice = SurfaceChoice(SurfaceParameters(objects=True, min_faces=0, smooth=0), inside_mask=True)
    receipt = export_surface(path, source_of(document), choice)
    mesh = pv.read(path)
    # x, y, z of the first box alone, in nm: half a voxel around the labelled centres.
    assert np.allclose(mesh.bounds, [95, 495, 45, 245, 10, 70], atol=1)
    assert dict(receipt.rows)["Objects"] == "1" and "triangles" in receipt.verified


def test_tomogram_is_never_overwritten(document: Document) -> None:
    before = document.tomogram.path.read_bytes()
    with pytest.raises(UserError, match="input"):
        export_voxels(document.tomogram.path, source_of(document), VolumeChoice())
    assert document.tomogram.path.read_bytes() == before


def test_cancel_and_missing_labels_leave_no_file(document: Document, tmp_path: Path) -> None:
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        export_voxels(tmp_path / "a.tif", source_of(document), VolumeChoice(), progress)
    document.volume("labels")[:] = 0
    document.recount("labels")
    with pytest.raises(UserError, match="no labels yet"):
        export_voxels(tmp_path / "a.tif", source_of(document), VolumeChoice())
    assert not (tmp_path / "a.tif").exists()


def test_the_receipt_counts_label_voxels_and_none_is_a_warning(document: Document, tmp_path: Path) -> None:
    written = export_voxels(tmp_path / "a.tif", source_of(document), VolumeChoice())
    voxels = int(np.count_nonzero(tifffile.imread(tmp_path / "a.tif")))
    assert voxels == 3 * 20 * 40 + 3 * 10 * 8
    assert dict(written.rows)["Labelled"].replace("\u202f", "") == f"{voxels} voxels" and not written.notes
    document.volume("mask")[:] = 0
    document.volume("mask")[:, 62:] = 255  # beside all labels
    document.recount("mask")
    empty = export_voxels(tmp_path / "b.tif", source_of(document), VolumeChoice(inside_mask=True))
    assert dict(empty.rows)["Labelled"] == "0 voxels"
    assert any("only background" in note and "cell mask" in note for note in empty.notes)
    slices = export_voxels(tmp_path / "c.tif", source_of(document), VolumeChoice(first=0, last=1))
    assert any("only background" in note and "these slices" in note for note in slices.notes)


def test_an_empty_mask_is_no_mask(document: Document, tmp_path: Path) -> None:
    document.volume("mask")[:] = 0
    document.recount("mask")
    assert document.mask is None and source_of(document).mask is None
    with pytest.raises(UserError, match="no cell mask yet"):
        export_voxels(tmp_path / "a.tif", source_of(document), VolumeChoice(inside_mask=True))
    export_voxels(tmp_path / "a.tif", source_of(document), VolumeChoice())
    assert tifffile.imread(tmp_path / "a.tif").any()


def test_methods_say_what_was_done_and_not_undone(document: Document, tmp_path: Path) -> None:
    document.polarity = chosen_polarity("dark")
    document.lac = of_unit(GreyUnit.PER_UM, None)
    document.add_step(
        Step(
            StepKind.EDIT,
            EditKind.SEGMENT,
            parameters={"model": "compact", "sha256": "ab12", "threshold": 0.5},
        )
    )
    document.add_step(Step(StepKind.EDIT, EditKind.BRUSH, parameters={"size_px": 4}))
    document.add_step(Step(StepKind.EDIT, EditKind.BRUSH, parameters={"size_px": 8}))
    document.add_step(Step(StepKind.EDIT, EditKind.CLEAN_UP, parameters={"smallest_object_nm3": 2e6}))
    document.add_step(Step(StepKind.UNDO, EditKind.CLEAN_UP))
    document.note(Step(StepKind.EXPORT, parameters={"file": "a.tif"}))
    text = methods_text(document)
    assert "cell.mrc (6 × 64 × 80 voxels (z × y × x) of 20 × 10 × 10 nm" in text
    assert "Linear absorption coefficients: LAC = 1 × grey 1/µm: the grey values are absorption" in text
    assert "1. Segment – model: compact; sha256: ab12; threshold: 0.5" in text
    assert "2. Brush (2 times) – size (pixels): 8" in text
    assert "Clean up" not in text and "Export" not in text and "doi:10.1073" in text
    write_methods(tmp_path / "m.md", document.record(), document.identify())
    content = json.loads((tmp_path / "m.json").read_text())
    assert [step["name"] for step in content["steps"]][3:] == ["Clean up", "Undo: Clean up", "Export"]
    assert len(content["tomogram"]["fingerprint"]["value"]) == 64


def test_methods_are_written_as_a_whole_or_not(
    document: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.write_bytes

    def write_bytes(path: Path, *args: Any, **more: Any) -> int:
        if path.suffix == ".json":
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, *args, **more)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UserError, match="The disk is full"):
        write_methods(tmp_path / "m.md", document.record(), document.identify())
    assert sorted(tmp_path.iterdir()) == before


def test_methods_count_slices_as_the_window_does(document: Document, tmp_path: Path) -> None:
    document.add_step(
        Step(StepKind.EDIT, EditKind.SEGMENT, parameters={"model": "compact", "slices": [0, 6]})
    )
    document.add_step(Step(StepKind.EDIT, EditKind.BRUSH, parameters={"plane": "xy", "slice": 4}))
    document.add_step(
        Step(
            StepKind.EDIT,
            EditKind.INTERPOLATE,
            parameters={"axis": "z", "first": 1, "last": 5, "at": None},
        )
    )
    document.add_step(Step(StepKind.EDIT, EditKind.DELETE_OBJECT, parameters={"voxel": [2, 30, 40]}))
    document.add_step(Step(StepKind.COMPLETE, parameters={"complete_slices": [0, 1, 4]}))
    document.add_step(
        Step(StepKind.OTHER, unknown="Mark as it was once written", parameters={"slices": [0, 3]})
    )
    lines = methods_text(document).splitlines()
    assert "1. Segment – model: compact; slices: 1 to 6" in lines
    assert "2. Brush – plane: xy; slice: 5" in lines
    assert "3. Interpolate – axis: z; first: 2; last: 6; at: none" in lines
    assert "4. Delete object – voxel: slice 3, y 30, x 40" in lines
    assert "5. Mark slices as complete – complete slices: 1-2, 5" in lines
    assert lines[-3].startswith("6. ") and lines[-3].endswith(": 1, 4")
    assert lines[-1].startswith("Slices are counted from 1")
    write_methods(tmp_path / "m.md", document.record(), document.identify())
    content = json.loads((tmp_path / "m.json").read_text())
    assert content["counted_from"] == 0 and content["steps"][1]["parameters"]["slice"] == 4


def test_methods_with_foreign_values_say_them_as_they_stand(document: Document) -> None:
    document.add_step(
        Step(StepKind.EDIT, EditKind.BRUSH, parameters={"slice": "top", "voxel": [1, 2], "first": {"a": 1}})
    )
    assert "slice: top; voxel: 1, 2; first: (a: 1)" in methods_text(document)


def test_rules_are_said_in_words(document: Document) -> None:
    ranges = (ValueRange("volume", 0.01, 2.0, "um3"), ValueRange("sphericity", 0.8))
    rules = RuleSet((ClassRule("Vesicle", ranges), ClassRule("ER", (ValueRange("sphericity", None, 0.2),))))
    words = {}
    for name, said in (("ours", values_of(rules)), ("another", {"format": "another"})):
        document.add_step(Step(StepKind.EDIT, EditKind.CLASS_BY_RULE, "objects", parameters={"rules": said}))
        words[name] = methods_text(document)
    expected = "rules: Vesicle: volume 0.01 to 2 um3, sphericity ≥ 0.8; ER: sphericity ≤ 0.2"
    assert expected in words["ours"] and "rules: (format: another)" in words["another"]


def test_what_a_rule_is_about_is_said_in_words_that_leave_open_bodies_in(document: Document) -> None:
    """Open bodies are bodies: neither "closed bodies" nor "open membranes" would be right."""
    low = (ValueRange("volume", 0.01, None, "um3"),)
    rules = RuleSet((ClassRule("Vesicle", low, Among.BODIES), ClassRule("ER", low, Among.SHEETS)))
    parameters = {"rules": values_of(rules)}
    document.add_step(Step(StepKind.EDIT, EditKind.CLASS_BY_RULE, "objects", parameters=parameters))
    expected = (
        "rules: Vesicle: bodies (no pieces of membrane), volume ≥ 0.01 um3; "
        "ER: pieces of membrane (no bodies), volume ≥ 0.01 um3"
    )
    assert expected in methods_text(document)


def test_the_receipt_counts_the_steps_that_the_text_lists(document: Document, tmp_path: Path) -> None:
    for name in ("Segment", *["Brush"] * 30, "Undo: Brush", "Redo: Brush", "Export"):
        document.add_step(step_of({"name": name}))
    receipt = write_methods(tmp_path / "m.md", document.record(), document.identify())
    rows = dict(receipt.rows)
    listed = [line for line in (tmp_path / "m.md").read_text().splitlines() if line[:1].isdigit()]
    assert rows["Steps in the text"] == str(len(listed)) == "2"
    assert "34 recorded steps, also what was undone" in rows["With all parameters"]


def test_redo_brings_a_step_back() -> None:
    names = ["A", "B", "Undo: B", "Undo: A", "Redo: A", "C"]
    steps = [step_of({"name": name}) for name in names]
    assert [done.name for done in grouped_steps(steps, 4)] == ["A", "C"]
