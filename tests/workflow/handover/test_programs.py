"""The table of programs, and that each of its rows can be written."""

from __future__ import annotations

import gc
import resource
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvista as pv

from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.handover import SUFFIXES, Content, Form, MeshOf, Program
from sxtstudio.core.length_unit import LengthUnit
from sxtstudio.core.progress import Progress
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.core.verified import NotAsWritten
from sxtstudio.io.place import Place
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.exporting import ImageBeneath, receipts_of, source_of
from sxtstudio.workflow.handover import drawing
from sxtstudio.workflow.handover.programs import Route, route_for, routes
from sxtstudio.workflow.handover.request import Handover, MeshOptions
from sxtstudio.workflow.handover.write import hand_over

ALL = [(route, form) for route in routes() for form in route.forms]
#: What only the window has.
DRAWN = (Content.PICTURE,)
WRITTEN = [(route, form) for route, form in ALL if route.content not in DRAWN]
#: Each writer once.
EACH = list({(form, route.content is Content.IMAGE): (route, form) for route, form in WRITTEN}.values())


def name_of(value: object) -> str:
    return f"{value.program}-{value.content}" if isinstance(value, Route) else str(value)


def request_for(route: Route, form: Form, folder: Path) -> Handover:
    path = folder / f"aus gabe{SUFFIXES[form][0]}"
    mesh = MeshOptions(min_faces=0, smooth=0)
    return Handover(route.content, route.program, path, mesh=mesh)


@pytest.mark.parametrize(("route", "form"), WRITTEN, ids=name_of)
def test_every_row_of_the_table_can_be_written(
    document: Document, tmp_path: Path, route: Route, form: Form
) -> None:
    (tmp_path / "out").mkdir()
    request = request_for(route, form, tmp_path / "out")
    assert request.form is form
    receipt = hand_over(request, source_of(document))
    assert request.path.exists() and receipt.path == request.path
    rows = dict(receipt.rows)
    assert rows["There"] == route.shows.of(form, over_mrc=True)
    assert rows["Open it"] == route.opening.of(form, over_mrc=True)
    assert rows["There"].endswith(".") and rows["Open it"]
    assert receipt.verified.startswith("read back and compared: ")
    parts = {
        Form.IMOD_MODEL: "names and colours, voxel size along x and z, position, "
        "the number of all points and triangles",
        # Object 300 takes their names and colours from all of them in MIB.
        Form.MIB_MODEL: "every voxel, voxel size, position"
        + ("" if route.content is Content.OBJECTS else ", names and colours"),
        Form.MIB_MASK: "every voxel",
        Form.ROIS: "every voxel within the outlines, names and colours",
        Form.CSV: "every cell",
        Form.XLSX: "every cell",
        Form.PARQUET: "every cell",
        Form.SVG: "a whole SVG drawing",
    }
    assert receipt.verified.endswith(parts.get(form, ""))
    assert receipt.lines == (*receipt.rows, ("Verified", receipt.verified))
    loses = route.loses.of_each(form, over_mrc=True)
    assert [note for note in receipt.notes if note.startswith("What gets lost")] == (
        [f"What gets lost: {loses}"] if loses else []
    )


@pytest.mark.parametrize(("route", "form"), EACH, ids=name_of)
def test_nothing_is_left_of_what_was_cancelled(
    document: Document, tmp_path: Path, route: Route, form: Form
) -> None:
    if route.content in (Content.TABLE, Content.METHODS):
        pytest.skip("over before anybody could cancel")
    (tmp_path / "out").mkdir()
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        hand_over(request_for(route, form, tmp_path / "out"), source_of(document), progress)
    assert list((tmp_path / "out").iterdir()) == []


@contextmanager
def full_disk(most_bytes: int) -> Iterator[None]:
    """Files grow no larger than this, as on a disk that gets full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(("route", "form"), EACH, ids=name_of)
def test_a_full_disk_leaves_nothing_half_written(
    document: Document, tmp_path: Path, route: Route, form: Form
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    request, source = request_for(route, form, out), source_of(document)
    document.identify()
    with full_disk(100), pytest.raises(UserError) as raised:
        hand_over(request, source)
    said = str(raised.value)
    del raised
    with warnings.catch_warnings():  # XlsxWriter leaves a scratch file of its own open
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    assert list(out.iterdir()) == [], said
    assert "full" in said or form in (Form.PNG, Form.SVG)


@pytest.mark.parametrize(("route", "form"), EACH, ids=name_of)
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a folder that nobody can write to")
def test_a_folder_that_cannot_be_written_to_is_said_before_the_work(
    document: Document, route: Route, form: Form
) -> None:
    request = request_for(route, form, Path("/proc"))
    with pytest.raises(UserError, match=r"No file can be written to /proc|No permission|cannot be"):
        hand_over(request, source_of(document))


def test_the_table_is_complete_and_its_sentences_are_such() -> None:
    for program in Program:
        assert any(route.program is program for route in routes()), program
    assert len({(route.content, route.program) for route in routes()}) == len(routes())
    for content in Content:
        assert any(route.content is content for route in routes()), content
    for route in routes():
        for said in (route.shows, route.opening, route.loses):
            for one in said.parts:
                assert one.text.endswith((".", "…")) and set(one.forms) <= set(route.forms), (route, one)
        for form in route.forms:
            for over_mrc in (False, True):
                assert route.shows.of(form, over_mrc=over_mrc) and route.opening.of(form, over_mrc=over_mrc)
        assert len(set(route.suffixes)) == len(route.suffixes)


#: Words that are about these formats alone, or about a tomogram in MRC (where the second is True).
ABOUT = {
    "ROI": ({Form.ROIS}, False),
    "MRC": ({Form.CHIMERAX_SCRIPT}, True),
    "127": ({Form.MRC}, False),
    "65,535": ({Form.MRC, Form.COLOUR_TIFF, Form.MIB_MODEL}, False),
    "NIfTI": ({Form.NIFTI}, False),
    "GLB": ({Form.GLB}, False),
    "glTF": ({Form.GLB}, False),
    "STL": ({Form.STL}, False),
    "PLY": ({Form.PLY}, False),
    "second sheet": ({Form.XLSX}, False),
    "imodmesh": ({Form.IMOD_MODEL}, False),
    "script": ({Form.CHIMERAX_SCRIPT}, False),
}


@pytest.mark.parametrize(("route", "form"), ALL, ids=name_of)
@pytest.mark.parametrize("over_mrc", [False, True], ids=["over TIFF", "over MRC"])
def test_nothing_is_said_of_other_formats(route: Route, form: Form, over_mrc: bool) -> None:
    """A TIFF for Fiji was told the limits of MRC, and an MRC for IMOD those of models."""
    for said in (route.shows, route.opening, route.loses):
        text = said.of(form, over_mrc=over_mrc)
        assert "(." not in text
        for word, (forms, beneath) in ABOUT.items():
            fits = form in forms or (beneath and over_mrc) or (form is Form.MRC and word == "MRC")
            assert fits or word not in text, text


@pytest.mark.parametrize("beneath", ["mrc", "tif"])
def test_what_does_not_fit_over_the_tomogram_is_said_of_that_tomogram(
    document: Document, tmp_path: Path, beneath: str
) -> None:
    """Fiji turns the rows of an MRC round, and IMOD shows the first row of a TIFF at the top."""
    source = source_of(document)
    if beneath == "tif":
        source = replace(source, image=ImageBeneath(tmp_path / "cell.tif", Place()))

    def notes(program: Program, name: str, content: Content = Content.LABELS) -> str:
        return " ".join(hand_over(Handover(content, program, tmp_path / name), source).notes)

    for content in (Content.LABELS, Content.OBJECTS, Content.CLASSES, Content.MASK, Content.OUTPUT):
        assert ("rows" in notes(Program.FIJI, "a.tif", content)) == (beneath == "mrc")
    assert ("rows" in notes(Program.FIJI, "a.zip")) == (beneath == "mrc")
    assert "rows" not in notes(Program.FIJI, "b.tif", Content.IMAGE)
    assert ("first row" in notes(Program.IMOD, "a.mrc")) == (beneath == "tif")
    assert "first row" not in notes(Program.IMOD, "a.mod")
    assert "65,535" not in notes(Program.OTHER, "c.tif", Content.OBJECTS)


def test_a_pair_or_a_name_that_is_not_in_the_table_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Blender takes no table of objects: choose one of"):
        route_for(Content.TABLE, Program.BLENDER)
    with pytest.raises(UserError, match=r"a.doc is no name for labels for IMOD: end it in one of"):
        Handover(Content.LABELS, Program.IMOD, tmp_path / "a.doc").form  # noqa: B018


def test_slices_that_there_are_not_are_said(document: Document, tmp_path: Path) -> None:
    request = Handover(Content.LABELS, Program.FIJI, tmp_path / "a.tif", 4, 9)
    with pytest.raises(UserError, match=r"no slices 5 to 9 \(of 6\)"):
        hand_over(request, source_of(document))


def test_the_tomogram_is_never_overwritten(document: Document) -> None:
    before = document.tomogram.path.read_bytes()
    with pytest.raises(UserError, match="input"):
        hand_over(Handover(Content.LABELS, Program.IMOD, document.tomogram.path), source_of(document))
    assert document.tomogram.path.read_bytes() == before


@pytest.mark.parametrize("of", list(MeshOf))
def test_surfaces_are_those_that_were_asked_for(document: Document, tmp_path: Path, of: MeshOf) -> None:
    (tmp_path / "out").mkdir()
    options = MeshOptions(of, min_faces=0, smooth=0, unit=LengthUnit.NM)
    path = tmp_path / "out" / "cell.ply"
    receipt = hand_over(Handover(Content.SURFACES, Program.OTHER, path, mesh=options), source_of(document))
    assert receipt.path == (path.with_suffix("") if of.in_folder else path)
    names = sorted(file.name for file in (tmp_path / "out").rglob("*.*"))
    expected = {
        MeshOf.CLASS_FILES: ["K_rperchen.ply", "Mitochondrion.ply", "meshes.csv", "without_class.ply"],
        MeshOf.OBJECT_FILES: [
            "K_rperchen_00007.ply",
            "Mitochondrion_00003.ply",
            "meshes.csv",
            "object_00300.ply",
        ],
    }.get(of, ["cell.ply"])
    assert [unicodedata.normalize("NFC", name).replace("ö", "_") for name in names] == expected
    if not of.in_folder:
        mesh = pv.read(path)
        z, y, x = 300.0, 200.0, 100.0  # where the first voxel lies
        low, high = ((4, 3, 1), (30, 20, 4)) if not of.of_objects else ((4, 3, 0), (37, 38, 5))
        expected_bounds = [
            edge
            for axis, (first, size) in enumerate(((x, 12.0), (y, 10.0), (z, 20.0)))
            for edge in (first + (low[axis] - 0.5) * size, first + (high[axis] - 0.5) * size)
        ]
        assert np.allclose(mesh.bounds, expected_bounds, atol=1)


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_picture_that_is_cut_off_on_the_disk_is_found(
    document: Document, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    real = drawing._wait

    def cut(*given: Any) -> None:
        real(*given)
        (picture,) = (tmp_path / "out").iterdir()
        picture.write_bytes(picture.read_bytes()[:-200])

    monkeypatch.setattr(drawing, "_wait", cut)
    request = Handover(Content.PLOTS, Program.OTHER, tmp_path / "out" / f"plots{suffix}")
    with pytest.raises(NotAsWritten, match="which is damaged"):
        hand_over(request, source_of(document))
    assert list((tmp_path / "out").iterdir()) == []


def test_receipts_are_the_same_when_they_are_read_from_a_project(document: Document, tmp_path: Path) -> None:
    """Those of former versions, too, which had the words among the rows, or none."""
    receipt = hand_over(Handover(Content.LABELS, Program.IMOD, tmp_path / "a.mod"), source_of(document))
    facts = {"what": receipt.what, "file": str(receipt.path), **dict(receipt.lines)}
    former = {"what": "Labels", "file": "b.mod", "Format": "IMOD model"}
    notes = {"notes": "\n".join(receipt.notes)} if receipt.notes else {}
    back, old = receipts_of(Step(StepKind.EXPORT, parameters=one) for one in ({**facts, **notes}, former))
    assert back == receipt and back.lines == receipt.lines
    assert old.verified == "" and old.lines == (("Format", "IMOD model"),)
