"""``sxtstudio measure`` with LAC, classes, contact sites and Table S1."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from sxtstudio.cli import main
from sxtstudio.commands.measure_more import MaterialOption, material

Out = pytest.CaptureFixture[str]
VOXEL = ("--voxel", "10")


def run(*words: object) -> int:
    return main([str(word) for word in words])


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def cell() -> NDArray[np.uint16]:
    """A nucleus (1) in a plasma membrane (2); two vesicles, of which one (3) lies 20 nm from the nucleus."""
    z, y, x = (np.arange(n) - n // 2 for n in (40, 90, 90))
    r = np.sqrt((z[:, None, None] * 2.0) ** 2 + y[:, None] ** 2 + x**2)
    found = np.zeros(r.shape, np.uint16)
    found[r <= 15] = 1
    found[(r > 38) & (r <= 42)] = 2
    for number, place in ((3, 22), (4, 31)):
        near = np.sqrt(z[:, None, None] ** 2 + y[:, None] ** 2 + (x - place) ** 2) <= 5
        found[near & (found == 0)] = number
    return found


@pytest.fixture
def files(cell: NDArray[np.uint16], tmp_path: Path) -> dict[str, Path]:
    """Objects; a tomogram with 20 for 0.1 1/µm (ice) and 70 for 0.6 1/µm; classes; a mask of the ice."""
    lac = np.choose(np.minimum(cell, 4), [0.1, 0.3, 0.5, 0.6, 0.4])
    found = {name: tmp_path / name for name in ("objects.tif", "image.tif", "mask.tif", "classes.csv")}
    tifffile.imwrite(found["objects.tif"], cell, photometric="minisblack")
    tifffile.imwrite(found["image.tif"], (100 * lac + 10).astype(np.float32), photometric="minisblack")
    tifffile.imwrite(found["mask.tif"], (cell == 0).astype(np.uint8), photometric="minisblack")
    found["classes.csv"].write_text(
        "object,class,class_by\n1,Nucleus,rule\n2,Plasma membrane,hand\n"
        "3,Vesicle,hand\n4,Vesicle,classifier\n"
    )
    return found


@pytest.mark.parametrize(
    ("ice", "known"),
    [
        ("20", "70=0.6"),
        ("box:0-3,0-5,0-5", "object:3=0.6"),
        ("mask:{mask.tif}=0.10", "40=.3"),
        ("2e1=0.1", "mask:{mask.tif}=0.6"),
    ],
)
def test_lac_by_two_materials(
    ice: str, known: str, files: dict[str, Path], tmp_path: Path, capsys: Out
) -> None:
    table = tmp_path / "t.csv"
    ice, known = (text.replace("{mask.tif}", str(files["mask.tif"])) for text in (ice, known))
    code = run(
        *("measure", files["objects.tif"], "--image", files["image.tif"], "-o", table, *VOXEL),
        *("--ice", ice, "--known", known),
    )
    if known.startswith("mask"):
        assert code == 2 and "have the same grey value, 20" in capsys.readouterr().err
        return
    assert code == 0
    found = rows(table)
    assert [float(row["lac_mean_per_um"]) for row in found] == pytest.approx([0.3, 0.5, 0.6, 0.4], rel=1e-4)
    for row in found:
        integrated = float(row["lac_mean_per_um"]) * float(row["volume_um3"])
        assert float(row["lac_integrated_um2"]) == pytest.approx(integrated, rel=1e-4)
    out = capsys.readouterr().out
    assert "LAC = 0.01 × grey − 0.1 1/µm: a straight line through ice with 0.1 1/µm" in " ".join(out.split())
    said = {row["column"]: row["definition"] for row in rows(tmp_path / "t.dictionary.csv")}
    assert any("a straight line through" in text for text in said.values())


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("-0.5", MaterialOption(grey=-0.5)),
        ("-0.5=0.1", MaterialOption(grey=-0.5, lac=0.1)),
        ("object:12", MaterialOption(number=12)),
        ("box:1-2,3-4,5-5=0.6", MaterialOption(box=((1, 2), (3, 4), (5, 5)), lac=0.6)),
        ("mask:a=b.tif", MaterialOption(mask="a=b.tif")),
        ("mask:a=b.tif=0.6", MaterialOption(mask="a=b.tif", lac=0.6)),
    ],
)
def test_places_of_materials(text: str, where: MaterialOption) -> None:
    assert material(text) == where


def test_both_ends_of_a_box_are_in_it(files: dict[str, Path], tmp_path: Path, capsys: Out) -> None:
    image = tifffile.imread(files["image.tif"])
    image[:] = np.arange(90)
    tifffile.imwrite(files["image.tif"], image, photometric="minisblack")
    words = ("measure", files["objects.tif"], "--image", files["image.tif"], "-o", tmp_path / "t.csv", *VOXEL)
    assert run(*words, "--ice", "box:3-3,7-8,10-14", "--known", "80=0.6") == 0
    assert "0.1 1/µm at grey 12 (a box, 10 voxels," in " ".join(capsys.readouterr().out.split())


def test_lac_of_a_known_unit_and_a_rim(files: dict[str, Path], tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    words = ("measure", files["objects.tif"], "--image", files["image.tif"], "-o", table, *VOXEL)
    assert run(*words, "--grey-unit", "1/voxel", "--rim", "30") == 0
    assert float(rows(table)[0]["lac_mean_per_um"]) == pytest.approx(40 * 100, rel=1e-4)
    assert any("shells of 30 nm" in row["definition"] for row in rows(tmp_path / "t.dictionary.csv"))


def test_classes_neighbours_and_contact_sites(files: dict[str, Path], tmp_path: Path) -> None:
    table, sites = tmp_path / "t.csv", tmp_path / "sites.csv"
    words = ("measure", files["objects.tif"], "-o", table, *VOXEL, "--classes", files["classes.csv"])
    code = run(*words, "--shells", 2, "--contacts", "Vesicle:Nucleus:45", "--contact-sites", sites)
    assert code == 0
    found = rows(table)
    assert [row["class"] for row in found] == ["Nucleus", "Plasma membrane", "Vesicle", "Vesicle"]
    assert [row["nearest_number"] for row in found] == ["3", "4", "4", "3"]
    assert float(found[2]["distance_to_nucleus_nm"]) == pytest.approx(20, abs=11)
    assert [row["cell_shell"] for row in found] == ["0", "0", "1", "2"]
    assert found[3]["contact_patches_vesicle_nucleus"] == "0"
    assert float(found[2]["contact_area_vesicle_nucleus_nm2"]) > 1000
    (site,) = rows(sites)
    assert (site["first_number"], site["second_number"]) == ("3", "1")
    assert site["contact_of"] == "Vesicle and Nucleus"
    assert site["patch_area_nm2"] == found[2]["contact_area_vesicle_nucleus_nm2"]
    assert (tmp_path / "sites.dictionary.csv").exists()
    assert run("measure", files["objects.tif"], "-o", table, *VOXEL, "--neighbours") == 0
    assert "distance_to_nucleus_nm" not in rows(table)[0] and rows(table)[0]["nearest_number"] == "3"


@pytest.mark.parametrize("suffix", ["md", "csv"])
def test_table_s1(suffix: str, files: dict[str, Path], tmp_path: Path, capsys: Out) -> None:
    path = tmp_path / f"s1.{suffix}"
    words = ("measure", files["objects.tif"], "-o", tmp_path / "t.csv", *VOXEL, "--table-s1", path)
    assert run(*words) == 0
    text = path.read_text(encoding="utf-8")
    assert "Mean ± SD over 3 objects" in text and "1 object at the border of the volume is left out" in text
    volumes = [float(row["volume_um3"]) for row in rows(tmp_path / "t.csv") if row["touches_border"] == "0"]
    if suffix == "csv":
        line = next(row for row in rows(path) if row["measure"] == "Volume")
        assert float(line["mean"]) == pytest.approx(np.mean(volumes) * 1e9, rel=1e-5)
        assert float(line["paper_mean"]) == 2.28e7
    assert str(path) in capsys.readouterr().out
    assert run(*words, "--include-border") == 0
    assert "over 4 objects" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--ice", "20"), "give both --ice and --known"),
        (("--ice", "20", "--known", "70=0.6"), "give it with --image"),
        (("--known", "70"), "write 70=0.6"),
        (("--ice", "somewhere"), "is no place of a material"),
        (("--ice", "box:5-3,0-1,0-1"), "is no place of a material"),
        (("--ice", "20=much"), "'much' is no LAC"),
        (("--ice", "20", "--known", "object:9=0.6", "--image", "{image.tif}"), "There is no object 9"),
        (
            ("--ice", "box:0-1,0-1,0-900", "--known", "70=0.6", "--image", "{image.tif}"),
            "does not lie within the tomogram",
        ),
        (("--ice", "20", "--known", "70=600", "--image", "{image.tif}"), "must lie between 0 and 100"),
        (
            ("--ice", "20", "--known", "70=.6", "--grey-unit", "1/um", "--image", "{image.tif}"),
            "not with both",
        ),
        (("--rim", "30"), "give it with --image"),
        (("--rim", "-3"), "is no length"),
        (("--contacts", "A:B"), "is no contact"),
        (("--contacts", "A:B:50"), "with --classes"),
        (("--contacts", "Vesicle:Gold:50", "--classes", "{classes.csv}"), "No object has the class “Gold”"),
        (("--contact-sites", "s.csv"), "needs --contacts"),
        (("--classes", "{image.tif}"), "is no table"),
        (("--classes", "{classes.csv}", "-o", "{classes.csv}"), "both input and output"),
        (("--table-s1", "s1.png"), ".md, .txt"),
    ],
)
def test_what_does_not_go_together_is_a_sentence(
    words: tuple[str, ...], says: str, files: dict[str, Path], tmp_path: Path, capsys: Out
) -> None:
    given = [str(files[word[1:-1]]) if word.startswith("{") else word for word in words]
    table = tmp_path / "t.csv"
    try:
        code = run("measure", files["objects.tif"], "-o", table, *VOXEL, *given)
    except SystemExit as stopped:
        code = stopped.code
    assert code == 2
    assert says in " ".join(capsys.readouterr().err.split())
    assert not table.exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1,Nucleus\n3,Vesicle\n3,Droplet\n", "gives object 3 two classes, “Vesicle” and “Droplet”"),
        (f"1,{'x' * 101}\n", "a class of 101 letters"),
        ("".join(f"{n},c{n}\n" for n in range(1, 202)), "201 classes, and 200 are the most"),
        ("1e300,Nucleus\n", "the column “object” holds “1e+300” in row "),
    ],
    ids=["two classes", "long", "many", "huge"],
)
def test_classes_that_nobody_has_are_a_sentence(
    text: str, says: str, files: dict[str, Path], tmp_path: Path, capsys: Out
) -> None:
    files["classes.csv"].write_text(f"object,class\n{text}")
    assert (
        run("measure", files["objects.tif"], "-o", tmp_path / "t.csv", "--classes", files["classes.csv"]) == 2
    )
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1 and len(error) < 300


def test_objects_of_classes_that_are_not_there_are_counted(
    files: dict[str, Path], tmp_path: Path, capsys: Out
) -> None:
    files["classes.csv"].write_text("object,class\n1,Nucleus\n1,Nucleus\n77,Vesicle\n78,Vesicle\n")
    assert (
        run("measure", files["objects.tif"], "-o", tmp_path / "t.csv", "--classes", files["classes.csv"]) == 0
    )
    assert "2 objects of classes.csv not in objects.tif: left out" in capsys.readouterr().out


def test_distances_in_nm_need_the_voxel_size(files: dict[str, Path], tmp_path: Path, capsys: Out) -> None:
    words = ("measure", files["objects.tif"], "-o", tmp_path / "t.csv", "--classes", files["classes.csv"])
    assert run(*words, "--contacts", "Vesicle:Nucleus:45") == 2
    assert "give it with --voxel" in capsys.readouterr().err


def test_a_calibration_that_means_nothing_is_warned_of(
    files: dict[str, Path], cell: NDArray[np.uint16], tmp_path: Path, capsys: Out
) -> None:
    words = ("measure", files["objects.tif"], "--image", files["image.tif"], "-o", tmp_path / "t.csv", *VOXEL)
    assert run(*words, "--ice", "20", "--known", "70=0.6") == 0
    assert "⚠" not in capsys.readouterr().out
    assert run(*words, "--ice", "60", "--known", "20=0.6") == 0
    assert "Of 4 objects there are 1 with a negative LAC, which cannot be" in capsys.readouterr().out
    assert run(*words, "--ice", "20", "--known", "21=0.6") == 0
    assert "4 with more than 3 1/µm, as only minerals and metals have" in capsys.readouterr().out
    noisy = (np.random.default_rng(1).normal(50, 10, cell.shape) + (cell == 1)).astype(np.float32)
    tifffile.imwrite(files["image.tif"], noisy, photometric="minisblack")
    assert run(*words, "--ice", f"mask:{files['mask.tif']}", "--known", "object:1=0.6") == 0
    out = capsys.readouterr().out
    assert "The grey values of ice and known material differ by" in out and "less than their SD of" in out
