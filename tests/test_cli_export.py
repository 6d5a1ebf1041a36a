"""``sxtstudio export``: the words of the window's dialog on the command line."""

from __future__ import annotations

import shutil
from pathlib import Path

import imodmodel
import mrcfile
import numpy as np
import polars
import pytest
import scipy.io
import tifffile

from sxtstudio.cli import main
from sxtstudio.core import reserved
from sxtstudio.core.object_table import Decided, ObjectRow, ObjectTable
from sxtstudio.workflow.document import workplace
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.project import save, snapshot
from sxtstudio.workflow.handover.programs import routes


@pytest.fixture
def project(tomogram: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A saved project with two objects of a class each."""
    monkeypatch.setenv(workplace.VARIABLE, str(tmp_path / "sessions"))
    made = Document.open(tomogram)
    made.volume("labels")[1:4, 5:25, 10:50] = 255
    objects = made.volume("objects")
    objects[1:4, 5:15, 10:50] = 2
    objects[2:5, 30:44, 60:70] = 9
    for target in ("labels", "objects"):
        made.recount(target)
    rows = {2: ObjectRow("Vesicle", Decided.HAND), 9: ObjectRow("Mitochondrion", Decided.HAND)}
    made.set_table(ObjectTable(rows))
    folder = tmp_path / "cell.sxt"
    save(snapshot(made), folder).lock.release()
    made.discard()
    made.close()
    return folder


def test_objects_and_classes_of_a_project(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "objects.tif"
    assert main(["export", str(project), "--what", "objects", "--for", "fiji", "-o", str(out)]) == 0
    found = tifffile.imread(out)
    assert found.dtype == np.uint8 and np.unique(found).tolist() == [0, 2, 9]
    printed = capsys.readouterr().out
    assert "for: Fiji, ImageJ" in " ".join(printed.split()) and str(out) in printed
    out = tmp_path / "mask.mrc"
    assert main(["export", str(project), "--what", "mask", "--for", "imod", "-o", str(out)]) == 2
    assert "no cell mask yet" in capsys.readouterr().err and not out.exists()
    out = tmp_path / "part.mrc"
    words = ["--what", "labels", "--for", "imod", "--slices", "1:3", "-o", str(out)]
    assert main(["export", str(project), *words]) == 0
    with mrcfile.open(out) as file:
        assert file.data.shape == (2, 64, 80) and file.data.max() == 127
    assert not list((tmp_path / "sessions").iterdir()), "the working folder goes"


def test_a_table_of_a_project_is_measured_where_it_was_not(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "table.parquet"
    assert main(["export", str(project), "--what", "table", "-o", str(out)]) == 0
    frame = polars.read_parquet(out)
    assert frame["object"].to_list() == [2, 9] and frame["class"].to_list() == ["Vesicle", "Mitochondrion"]
    assert frame["volume_um3"].to_list() == pytest.approx([1200 * 1e-6, 420 * 1e-6], rel=1e-6)


def test_plots_without_a_window(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "plots.svg"
    assert main(["export", str(project), "--what", "plots", "-o", str(out)]) == 0
    assert "Vesicle" in out.read_text(encoding="utf-8")


def test_several_files_go_into_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = []
    for name in ("a.tif", "b.tif"):
        data = np.zeros((3, 8, 9), np.uint8)
        data[1, 2:4, 3:7] = 4
        data[2, 6, 1] = 5
        files.append(str(tmp_path / name))
        tifffile.imwrite(tmp_path / name, data, photometric="minisblack")
    folder = tmp_path / "out"
    words = ["--what", "objects", "--for", "chimerax", "-o", str(folder)]
    assert main(["export", *files, *words]) == 2 and "give a folder" in capsys.readouterr().err
    folder.mkdir()
    assert main(["export", *files, *words]) == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        f"{name}.objects{end}" for name in "ab" for end in (".cxc", ".cxc.mrc")
    ]
    with mrcfile.open(folder / "a.objects.cxc.mrc") as file:
        assert np.unique(file.data).tolist() == [0, 4, 5]


def test_the_list_shows_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--list"]) == 0
    printed = capsys.readouterr().out
    for route in routes():
        assert route.shows.whole in printed or route.content == "picture"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a.tif"], "without -o"),
        (["-o", "x.tif"], "without an INPUT"),
        (["a.tif", "-o", "x.tif"], "without --what"),
        (["a.tif", "-o", "x.tif", "--what", "table", "--for", "blender"], "takes no table"),
        (["a.tif", "-o", "x.doc", "--what", "labels"], "is no name for labels"),
        (["nothing.sxt", "-o", "x.tif", "--what", "labels"], "nothing.sxt"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    words: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", *words]) == 2
    assert said in capsys.readouterr().err


def test_results_of_a_project(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "home"
    assert main(["export", str(project), "--results", "-o", str(folder)]) == 0
    assert f"sxtstudio rerun {folder}" in capsys.readouterr().out
    for name in ("ro-crate-metadata.json", "plots/objects.png", "plots/objects.svg", "tables/objects.xlsx"):
        assert (folder / name).stat().st_size > 100
    assert main(["export", str(tmp_path / "cell.mrc"), "--results", "-o", str(tmp_path / "no")]) == 2
    assert "no project" in capsys.readouterr().err


def test_results_without_the_objects_of_the_project_are_none(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They were written without a word but a note, and ended well."""
    damaged = tmp_path / "damaged.sxt"
    shutil.copytree(project, damaged)
    for chunk in damaged.glob("objects-*.zarr/**/*"):
        if chunk.is_file() and not chunk.name.startswith(".") and chunk.suffix != ".json":
            chunk.write_bytes(b"no chunk")
    folder = tmp_path / "results"
    assert main(["export", str(damaged), "--results", "-o", str(folder)]) == 2
    assert "objects were left out" in capsys.readouterr().err and not folder.exists()


@pytest.mark.parametrize(("program", "suffix"), [("blender", ".glb"), ("povray", ".pov")])
def test_surfaces_of_objects_keep_number_and_class(
    project: Path, tmp_path: Path, program: str, suffix: str
) -> None:
    out = tmp_path / f"cell{suffix}"
    words = ["--what", "surfaces", "--for", program, "-o", str(out)]
    assert main(["export", str(project), *words]) == 0
    text = out.read_bytes()
    assert b"Vesicle 2" in text and b"Mitochondrion 9" in text


def test_classes_of_a_file_keep_their_names_and_colours(project: Path, tmp_path: Path) -> None:
    """From a project to a segmentation of 3D Slicer, and from that to a model of MIB."""
    middle, last = tmp_path / "classes.seg.nrrd", tmp_path / "classes.model"
    words = ["--what", "classes", "-o"]
    assert main(["export", str(project), *words, str(middle), "--for", "slicer"]) == 0
    assert main(["export", str(middle), *words, str(last), "--for", "mib"]) == 0
    found = scipy.io.loadmat(last)
    names = [str(name[0]) for name in found["modelMaterialNames"].ravel()]
    assert names == ["Mitochondrion", "Vesicle"]
    assert found["modelMaterialColors"] * 255 == pytest.approx(np.array([[230, 85, 75], [75, 160, 235]]))
    voxels = np.moveaxis(found["mibModel"], 2, 0)  # y, x, z in MATLAB
    assert (voxels == 2).sum() == 3 * 10 * 40 and (voxels[2:5, 30:44, 60:70] == 1).all()


def test_a_voxel_size_that_is_given_is_not_called_unknown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels, out = tmp_path / "a.labels.tif", tmp_path / "out.tif"
    voxels = np.zeros((5, 20, 20), np.uint8)
    voxels[1:3, 5:9, 5:9] = 255
    tifffile.imwrite(labels, voxels, photometric="minisblack")
    words = ["export", str(labels), "--what", "labels", "--for", "fiji", "-o", str(out)]
    assert main([*words, "--voxel", "10"]) == 0
    printed = capsys.readouterr().out
    assert "10 × 10 × 10 nm" in printed and "unknown" not in printed
    out.unlink()
    assert main(words) == 0
    assert "unknown" in capsys.readouterr().out


def labels_of_a_tomogram(tmp_path: Path) -> tuple[Path, Path, np.ndarray]:
    """An MRC with voxel size and origin, and labels of it that say neither, in TIFF."""
    image, labels = tmp_path / "cell.mrc", tmp_path / "labels.tif"
    values = np.zeros((5, 20, 30), np.uint8)
    values[1:4, 2:6, 3:20] = 2
    values[1, 6:12, 3:5] = 2
    with mrcfile.new(image) as file:
        file.set_data(np.zeros(values.shape, np.float32))
        file.voxel_size = (100, 125, 250)  # x, y, z in Å
        file.header.origin = (2500, -2600, 10000)
    tifffile.imwrite(labels, values)
    return image, labels, values


def test_labels_of_a_file_lie_over_the_tomogram_that_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """IMOD shows rows of MRC from the bottom, of TIFF from the top, and ChimeraX needs the origin."""
    image, labels, values = labels_of_a_tomogram(tmp_path)
    words = ["export", str(labels), "--what", "labels"]
    assert main([*words, "--for", "imod", "-o", str(tmp_path / "alone.mod")]) == 0
    assert "a TIFF: first row at the top" in capsys.readouterr().out
    words += ["--tomogram", str(image)]
    assert main([*words, "--for", "imod", "-o", str(tmp_path / "over.mod")]) == 0
    assert "an MRC: first row at the bottom" in capsys.readouterr().out
    for name, top in (("alone", True), ("over", False)):
        contours = imodmodel.read(tmp_path / f"{name}.mod")
        y = contours["y"].to_numpy()
        edges = (values.shape[1] - 12, values.shape[1] - 2) if top else (2, 12)
        assert (y.min(), y.max()) == edges
    assert main([*words, "--for", "chimerax", "-o", str(tmp_path / "over.cxc")]) == 0
    assert 'open "cell.mrc"' in (tmp_path / "over.cxc").read_text()
    with mrcfile.open(tmp_path / "over.cxc.mrc") as file:
        assert [float(file.header.origin[axis]) for axis in "xyz"] == [2500, -2600, 10000]
        assert [float(file.voxel_size[axis]) for axis in "xyz"] == [100, 125, 250]


def test_neither_the_tomogram_nor_labels_beside_it_are_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image, labels, _ = labels_of_a_tomogram(tmp_path)
    words = ["export", str(labels), "--what", "labels", "--tomogram", str(image)]
    mine, before = tmp_path / "cell_labels.mrc", image.read_bytes()
    mine.write_bytes(b"of the user")
    assert main([*words, "--for", "imod", "-o", str(image)]) == 2
    assert "both input and output" in capsys.readouterr().err and image.read_bytes() == before
    assert main([*words, "--for", "chimerax", "-o", str(tmp_path / "cell.cxc")]) == 0
    assert mine.read_bytes() == b"of the user"


def test_a_tomogram_of_another_size_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image, _, _ = labels_of_a_tomogram(tmp_path)
    other = tmp_path / "other.tif"
    tifffile.imwrite(other, np.ones((5, 20, 31), np.uint8))
    words = ["export", str(other), "--what", "labels", "--tomogram", str(image), "--for", "imod"]
    assert main([*words, "-o", str(tmp_path / "a.mod")]) == 2
    assert "give the tomogram of these labels" in capsys.readouterr().err
    assert not (tmp_path / "a.mod").exists()


def test_classes_of_a_table_have_colours_of_their_own_whoever_gave_them(tmp_path: Path) -> None:
    """Names that only the table has were all grey, and classes of rules and classifiers were left out."""
    values = np.zeros((5, 10, 24), np.uint16)
    for number, first in ((4, 1), (7, 7), (300, 13), (301, 19)):
        values[1:3, 2:7, first : first + 4] = number
    tifffile.imwrite(tmp_path / "objects.tif", values)
    rows = "4,Dröppel,rules\n7,Käfer,hand\n300,dröppel,classifier\n301,VESICLE,rules\n"
    (tmp_path / "classes.csv").write_text(f"object,class,class_by\n{rows}", "utf-8")
    words = ["export", str(tmp_path / "objects.tif"), "--table", str(tmp_path / "classes.csv")]
    assert main([*words, "--what", "classes", "--for", "mib", "-o", str(tmp_path / "a.model")]) == 0
    found = scipy.io.loadmat(tmp_path / "a.model")
    names = [str(one[0][0]) for one in found["modelMaterialNames"]]
    assert sorted(names) == ["Dröppel", "Käfer", "Vesicle"]
    colours = {tuple(one) for one in found["modelMaterialColors"]}
    assert len(colours) == 3 and all(len(set(colour)) > 1 for colour in colours)
    voxels = found["mibModel"].transpose(2, 0, 1)
    of_value = {name: voxels == value for value, name in enumerate(names, 1)}
    assert (of_value["Dröppel"] == ((values == 4) | (values == 300))).all()
    assert (of_value["Vesicle"] == (values == 301)).all()


def test_what_cannot_be_written_is_said_before_anything_is_read_and_by_its_own_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by the name of a temporary file; and a table of classes is no output."""
    image, labels, values = labels_of_a_tomogram(tmp_path)
    table = tmp_path / "classes.csv"
    table.write_text("object,class\n2,Vesicle\n")
    words = ["export", str(labels), "--table", str(table), "--tomogram", str(image), "--what"]
    assert main([*words, "table", "-o", str(table)]) == 2
    assert "both input and output" in capsys.readouterr().err and "2,Vesicle" in table.read_text()
    assert main([*words, "objects", "--for", "mib", "-o", str(tmp_path / "missing" / "a.model")]) == 2
    assert "create it first" in capsys.readouterr().err
    monkeypatch.setattr(reserved, "_free", lambda folder: values.size // 2)
    assert main([*words, "objects", "--for", "mib", "-o", str(tmp_path / "a.model")]) == 2
    said = capsys.readouterr().err
    assert "too full" in said and f"{tmp_path / 'a.model'} needs" in said and ".part" not in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cell.mrc", "classes.csv", "labels.tif"]
