"""The folder of results: whole or not at all, read by another reader of RO-Crate, nothing foreign lost."""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from rocrate.rocrate import ROCrate

from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.handover import Content
from sxtstudio.core.measure.kept import KeptMeasurements
from sxtstudio.core.measure.measure import measure_objects
from sxtstudio.core.object_table import ObjectFlag, ObjectRow, ObjectTable
from sxtstudio.core.progress import Progress
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.io.tables import read_table
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.exporting import source_of
from sxtstudio.workflow.document.project import adopt, save, snapshot
from sxtstudio.workflow.handover.figures import ColumnPlot
from sxtstudio.workflow.handover.sources import opened_source
from sxtstudio.workflow.jobs.project_table import project_columns
from sxtstudio.workflow.results import layout, write
from sxtstudio.workflow.results.changed_files import changed_files
from sxtstudio.workflow.results.layout import read_results, refuse_foreign
from sxtstudio.workflow.results.paragraph import DOI, paragraph
from sxtstudio.workflow.results.write import write_results


@pytest.fixture(autouse=True)
def quick_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are drawn in a process of their own, which takes seconds; the test of the command does so."""

    def draw(plots: Sequence[ColumnPlot], *paths: Path, progress: Progress) -> None:
        for path in paths:
            path.write_text(" ".join(plot.title for plot in plots))

    monkeypatch.setattr(write, "draw_plots", draw)


@pytest.fixture
def results(document: Document, tmp_path: Path) -> Path:
    """The folder of a document with labels, mask, objects and measurements."""
    document.add_step(
        Step(
            StepKind.EDIT,
            EditKind.SEGMENT,
            parameters={"model": "compact", "model_sha256": "ab" * 32, "threshold": 0.1, "slices": [0, 6]},
        )
    )
    folder = tmp_path / "zelle-results"
    source = source_of(document)
    write_results(folder, source)
    return folder


def test_another_reader_finds_every_file(results: Path) -> None:
    crate = ROCrate(results)
    on_disk = {path.relative_to(results).as_posix() for path in results.rglob("*") if path.is_file()}
    named = {entity.id for entity in crate.get_entities() if entity.type == "File"}
    assert named == on_disk - {layout.CRATE}
    assert {"volumes/labels.tif", "volumes/mask.tif", "volumes/objects.tif", "tables/objects.csv"} <= named
    assert {
        "surfaces/labels.ply",
        "surfaces/objects.glb",
        "pictures/slice-xz.png",
        "plots/objects.svg",
        "methods.md",
    } <= named
    root = crate.root_dataset
    assert {"name", "description", "datePublished", "license", "hasPart"} <= root.properties().keys()
    assert root["citation"].id == DOI and "e2209938120" in root["citation"]["name"]
    for name in named:
        entity = crate.get(name)
        content = (results / name).read_bytes()
        assert entity["sha256"] == hashlib.sha256(content).hexdigest()
        assert int(entity["contentSize"]) == len(content) and entity["description"]
    metadata = json.loads((results / layout.CRATE).read_text(encoding="utf-8"))
    reached = {"./"}
    while True:  # every file is reached from the root by hasPart
        more = {
            part["@id"]
            for entity in metadata["@graph"]
            if entity["@id"] in reached
            for part in entity.get("hasPart", [])
        }
        if more <= reached:
            break
        reached |= more
    assert named <= reached


def test_the_receipt_says_where_each_file_is_and_how_to_check_them(
    document: Document, tmp_path: Path
) -> None:
    folder = tmp_path / "Jörgs Zelle-results"
    rows = dict(write_results(folder, source_of(document)).rows)
    words = f"{' '.join(rows.values())} ".replace(",", " ").replace(":", " ").split()
    for path in (path for path in folder.rglob("*") if path.is_file()):
        assert path.name in words, "each file is named"
    for name, text in rows.items():
        inner, _, files = text.partition("/: ")
        if files:
            assert name == inner.capitalize()
            assert {path.name for path in (folder / inner).iterdir()} == set(files.split(", "))
    assert "File > Check results again…" in rows["Check"] and "Open labels…" in rows["Go on"]
    command = shlex.split(rows["Check"].partition("terminal: ")[2])
    assert command == ["sxtstudio", "rerun", str(folder)]


def test_volumes_tables_and_pictures_are_those_of_the_document(document: Document, results: Path) -> None:
    np.testing.assert_array_equal(tifffile.imread(results / "volumes/objects.tif"), document.objects)
    np.testing.assert_array_equal(tifffile.imread(results / "volumes/labels.tif"), document.labels)
    table = read_table(results / layout.TABLE)
    assert table["object"].tolist() == [3, 7, 300]
    assert table["class"].tolist() == ["Mitochondrion", "Körperchen", ""]
    assert table["volume_um3"][1] == pytest.approx(3 * 9 * 7 * 2400 * 1e-9)
    with Image.open(results / "pictures/slice-xz.png") as picture:
        wide, high = picture.size  # 50 × 12 nm, 6 × 20 nm
        assert wide / high == pytest.approx(600 / 120, rel=0.02)


@pytest.mark.parametrize("measured", ["before-the-flags", "never", "out-of-date"])
def test_open_bodies_count_as_cut_by_the_missing_wedge(
    document: Document, tmp_path: Path, measured: str
) -> None:
    """Their caps hide the flat end; so it is in the window, and so it must be in all that is exported."""
    objects = document.volume("objects")
    objects[4, 0, 40:48] = 9
    objects[4, 2, 40:48] = 10  # alike, but not flagged
    document.recount("objects")
    rows = {**document.object_table.rows, 9: ObjectRow(flags=frozenset({ObjectFlag.OPEN})), 10: ObjectRow()}
    document.set_table(ObjectTable(rows, document.object_table.classes))
    kept = measure_objects(objects, document.voxel_nm, image=document.tomogram)
    assert kept.values["cut_by_wedge"][-3:-1].tolist() == [0, 0]
    document.keep_measurements(
        None if measured == "never" else KeptMeasurements(kept, voxel_nm=document.voxel_nm)
    )
    if measured == "out-of-date":
        document.measurements.mark([9])
    write_results(tmp_path / "r", source_of(document))
    table = read_table(tmp_path / "r" / layout.TABLE)
    assert dict(zip(table["object"].tolist(), table["cut_by_wedge"].tolist(), strict=True))[9] == 1
    assert dict(zip(table["object"].tolist(), table["cut_by_wedge"].tolist(), strict=True))[10] == 0
    adopt(document, save(snapshot(document), tmp_path / "cell.sxt"))
    with opened_source(tmp_path / "cell.sxt", Content.TABLE, tmp_path / "t.csv") as (source, _):
        assert source.measured is not None
        if measured == "never":
            assert source.measured.value.values["cut_by_wedge"][-3:-1].tolist() == [1, 0]
    columns = project_columns(tmp_path / "cell.sxt")
    assert columns["cut_by_wedge"][columns["object"] == 9].tolist() == [1]
    assert columns["cut_by_wedge"][columns["object"] == 10].tolist() == [0]


def test_filopodia_are_listed_with_table_s1(document: Document, tmp_path: Path) -> None:
    """As their tab lists them: the volume is known, and none that is cut is in the means."""
    plain = tmp_path / "plain"
    write_results(plain, source_of(document))
    assert not [path.name for path in (plain / "tables").iterdir() if path.name.startswith(("filo", "table"))]
    objects = document.volume("objects")
    objects[2, 4, 20:40] = 11  # whole
    objects[4, 4, 20:40] = 12  # cut, says its flag
    document.recount("objects")
    cut = ObjectRow("Filopodium", notes="cut by the last slice (z)", flags=frozenset({ObjectFlag.BORDER}))
    rows = {**document.object_table.rows, 11: ObjectRow("Filopodium"), 12: cut}
    document.set_table(ObjectTable(rows, document.object_table.classes))
    document.keep_measurements(None)
    folder = tmp_path / "r"
    receipt = write_results(folder, source_of(document))
    listed = read_table(folder / layout.FILOPODIA)
    assert listed["object"].tolist() == [11, 12]
    assert listed["whole"].tolist() == ["yes", "no: cut by the last slice (z)"]
    volume = 20 * 2400 * 1e-9
    every = read_table(folder / layout.TABLE)
    assert listed["volume_um3"][0] == pytest.approx(volume)
    assert {"skeleton_length_nm", "width_mean_nm", "axis_1_nm"} <= listed.keys() <= every.keys() | {"whole"}
    with open(folder / layout.TABLE_S1, encoding="utf-8", newline="") as file:
        s1 = list(csv.DictReader(file))
    assert {row["n"] for row in s1[:-1]} == {"1"}, "one of the two is whole"
    (long,) = [row for row in s1 if row["measure"].lower().startswith("volume")]
    assert float(long["mean"]) == pytest.approx(volume * (1 if long["unit"] == "µm³" else 1e9), rel=1e-6)
    text = (folder / layout.TABLE_S1_TEXT).read_text(encoding="utf-8")
    assert text.startswith("Mean ± SD over 1 object. ") and "| Paper" in text
    names = {layout.FILOPODIA, "tables/filopodia.dictionary.csv", layout.TABLE_S1, layout.TABLE_S1_TEXT}
    known = read_results(folder)
    readme = (folder / layout.README).read_text(encoding="utf-8")
    for name in names:
        assert known.files[name] == hashlib.sha256((folder / name).read_bytes()).hexdigest()
        assert f"{name}: " in readme and name.rpartition("/")[2] in dict(receipt.rows)["Tables"]
    assert "list of filopodia, Table S1" in dict(receipt.rows)["Holds"]
    (folder / layout.TABLE_S1).write_text("mine", encoding="utf-8")
    assert set(changed_files(folder, known)) == {layout.TABLE_S1}
    del rows[11]
    objects[objects == 11] = 0
    document.recount("objects")
    document.set_table(ObjectTable(rows, document.object_table.classes))
    document.keep_measurements(None)
    receipt = write_results(tmp_path / "cut", source_of(document))
    assert (tmp_path / "cut" / layout.FILOPODIA).is_file() and not (
        tmp_path / "cut" / layout.TABLE_S1
    ).exists()
    assert any("none of the filopodia is whole" in note for note in receipt.notes)


def test_parameters_are_read_again(document: Document, results: Path) -> None:
    found = read_results(results)
    assert found.record.voxel_nm == (20.0, 10.0, 12.0)
    assert [step.name for step in found.record.steps] == ["Segment"]
    assert found.record.tomogram.fingerprint == document.identify().fingerprint
    text = (results / layout.METHODS).read_text(encoding="utf-8")
    assert "Membranes were segmented with the model “compact” (SHA-256 abababababab…)" in text
    assert "voxels of 20 × 10 × 12 nm" in text and DOI in text and "3 objects were measured" in text
    assert "1. Segment" in text


def test_writing_again_replaces_former_results_and_nothing_else(document: Document, results: Path) -> None:
    source = source_of(document)
    (results / "plots" / "objects.svg").unlink()
    write_results(results, source)
    assert (results / "plots" / "objects.svg").exists()
    (results / "volumes" / "mine.txt").write_text("kept")
    with pytest.raises(UserError, match=r"volumes/mine.txt, which is no part of the results"):
        write_results(results, source)
    assert (results / "volumes" / "mine.txt").read_text() == "kept"


@pytest.mark.parametrize("there", ["file", "folder", "link"])
def test_what_is_no_results_stays(document: Document, tmp_path: Path, there: str) -> None:
    # Beside the session of the document, which is written to by itself.
    place = tmp_path / "place"
    place.mkdir()
    folder = place / "mine"
    if there == "file":
        folder.write_text("kept")
    else:
        (place / "other").mkdir()
        (place / "other" / "kept.txt").write_text("kept")
        if there == "link":
            folder.symlink_to(place / "other")
        else:
            (place / "other").rename(folder)
    before = sorted(place.rglob("*"))
    with pytest.raises(UserError, match="another name"):
        refuse_foreign(folder)
    source = source_of(document)
    with pytest.raises(UserError, match="another name"):
        write_results(folder, source)
    assert sorted(place.rglob("*")) == before


Fault = Callable[..., None]


@pytest.mark.parametrize("at", ["export_voxels", "write_table", "crate_text"])
def test_a_full_disk_leaves_nothing(
    document: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(write, at, full)
    source = source_of(document)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UserError, match="disk is full"):
        write_results(tmp_path / "out", source)
    assert sorted(tmp_path.iterdir()) == before


def test_cancelled_results_leave_nothing(document: Document, tmp_path: Path) -> None:
    source = source_of(document)
    progress = Progress()
    progress.cancel()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(Cancelled):
        write_results(tmp_path / "out", source, progress=progress)
    assert sorted(tmp_path.iterdir()) == before


def test_a_missing_folder_and_nothing_to_write_are_said(document: Document, tmp_path: Path) -> None:
    source = source_of(document)
    with pytest.raises(UserError, match="create it first"):
        write_results(tmp_path / "no" / "out", source)
    for target in ("labels", "mask", "objects"):
        document.volume(target)[:] = 0
        document.recount(target)
    source = source_of(document)
    with pytest.raises(UserError, match="no labels, no cell mask and no objects"):
        write_results(tmp_path / "out", source)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"../x": "0" * 64}, "within the folder"),
        ({"/etc/x": "0" * 64}, "within the folder"),
        ({"a": "zz"}, "files"),
    ],
)
def test_strangers_parameters_do_no_harm(results: Path, files: dict[str, str], said: str) -> None:
    content = json.loads((results / layout.PARAMETERS).read_text(encoding="utf-8"))
    content["files"] = files
    (results / layout.PARAMETERS).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UserError, match=said):
        read_results(results)


def test_the_paragraph_says_each_kind_of_step_once(document: Document) -> None:
    for _ in range(3):
        document.add_step(Step(StepKind.EDIT, EditKind.BRUSH))
    document.add_step(Step(StepKind.EDIT, EditKind.CLEAN_UP, parameters={"erode": 2, "min_size_nm3": 2e6}))
    document.add_step(Step(StepKind.EDIT, EditKind.FIND_OBJECTS, "objects", parameters={"gap_px": 6.0}))
    document.add_step(Step(StepKind.EDIT, EditKind.BRUSH))
    document.add_step(Step(StepKind.UNDO, EditKind.BRUSH))
    document.add_step(Step(StepKind.EDIT, EditKind.MARK_FALSE, "marks"))
    text = paragraph(document.record(), "zelle.mrc")
    assert text.count("changed by hand") == 1
    assert "eroded by 2 voxels; objects smaller than 2e+06 nm³ were removed" in text
    assert "gaps of up to 6 px closed." in text
    for _ in range(2):
        document.add_step(Step(StepKind.EDIT, EditKind.FILOPODIUM, "objects"))
    text = paragraph(document.record(), "zelle.mrc")
    assert text.count("Filopodia were chosen by hand; each was cut from the cell at its base") == 1
    assert text.count("changed by hand") == 1
    said = {"gap_px": 6.0, "network_output": True}
    document.add_step(Step(StepKind.EDIT, EditKind.FIND_OBJECTS, "objects", parameters=said))
    assert "closed, and wider ones of large bodies where the network's output" in paragraph(
        document.record(), "zelle.mrc"
    )
