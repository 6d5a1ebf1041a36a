"""``sxtstudio measure`` from file to file; the tables are read with other libraries."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import openpyxl
import polars
import pytest
import pyvista
import tifffile
from numpy.typing import NDArray

from sxtstudio.cli import main
from sxtstudio.workflow.jobs.measuring import write_meshes

Out = pytest.CaptureFixture[str]


def run(*words: object) -> int:
    return main([str(word) for word in words])


def save(path: Path, array: NDArray[np.generic]) -> Path:
    tifffile.imwrite(path, array, photometric="minisblack")
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def ball(shape: tuple[int, int, int], middle: tuple[float, float, float], radius: float) -> NDArray[np.bool_]:
    z, y, x = (np.arange(n) - m for n, m in zip(shape, middle, strict=True))
    return z[:, None, None] ** 2 + y[:, None] ** 2 + x**2 <= radius**2


@pytest.fixture(scope="module")
def volume() -> NDArray[np.uint32]:
    """Two whole balls with sparse numbers, and a third that the border cuts."""
    shape = (30, 40, 60)
    found = np.zeros(shape, np.uint32)
    found[ball(shape, (14, 20, 14), 10)] = 3
    found[ball(shape, (15, 19, 38), 8)] = 2**31
    found[ball(shape, (15, 20, 59), 7)] = 70_000
    return found


@pytest.fixture
def objects(volume: NDArray[np.uint32], tmp_path: Path) -> Path:
    return save(tmp_path / "objects.tif", volume)


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "parquet"])
def test_objects_in_every_kind_of_table(
    suffix: str, volume: NDArray[np.uint32], objects: Path, tmp_path: Path, capsys: Out
) -> None:
    table = tmp_path / f"t.{suffix}"
    assert run("measure", objects, "-o", table, "--voxel", "20,10,10") == 0
    out = capsys.readouterr().out
    assert "objects, one per number" in out and "2 147 483 648" not in out
    assert "3 objects, 1 of them cut by the border: left out of the means" in out and "n = 2" in out
    assert str(table) in out
    if suffix == "csv":
        found = [{name: row[name] for name in row} for row in rows(table)]
    elif suffix == "parquet":
        found = polars.read_parquet(table).to_dicts()
    else:
        sheet = list(openpyxl.load_workbook(table).worksheets[0].iter_rows(values_only=True))
        found = [dict(zip(sheet[0], row, strict=True)) for row in sheet[1:]]
    assert [int(row["object"]) for row in found] == [3, 70_000, 2**31]
    for row in found:
        voxels = np.count_nonzero(volume == int(row["object"]))
        assert float(row["volume_um3"]) == pytest.approx(voxels * 2000e-9, rel=1e-6)
        assert int(row["touches_border"]) == (int(row["object"]) == 70_000)
        assert row["flags"] == ("border" if int(row["object"]) == 70_000 else row["flags"])


def test_border_objects_count_if_they_are_asked_for(objects: Path, tmp_path: Path, capsys: Out) -> None:
    assert run("measure", objects, "-o", tmp_path / "t.csv", "--voxel", "10", "--include-border") == 0
    out = capsys.readouterr().out
    assert "n = 3" in out and "1 of them cut by the border: with them" in out
    mean = np.mean([float(row["volume_um3"]) for row in rows(tmp_path / "t.csv")])
    assert f"{mean:.4g} ±" in out


def test_an_unknown_voxel_size_is_said_and_measures_voxels(
    volume: NDArray[np.uint32], objects: Path, tmp_path: Path, capsys: Out
) -> None:
    assert run("measure", objects, "-o", tmp_path / "t.csv", "--per-slice", tmp_path / "s.csv") == 0
    assert "measured in voxels" in capsys.readouterr().out
    first = rows(tmp_path / "t.csv")[0]
    assert int(float(first["volume_voxels"])) == np.count_nonzero(volume == 3)
    assert not any("nm" in name or "um" in name.split("_") for name in first)
    each = [row for row in rows(tmp_path / "s.csv") if row["object"] == "3"]
    assert [int(row["slice"]) for row in each] == list(range(4, 25))
    assert [int(float(row["area_px2"])) for row in each] == [
        np.count_nonzero(volume[z] == 3) for z in range(4, 25)
    ]
    explained = {row["column"] for row in rows(tmp_path / "t.dictionary.csv")}
    assert set(first) <= explained and set(each[0]) <= {
        row["column"] for row in rows(tmp_path / "s.dictionary.csv")
    }


def test_outlines_become_objects_first(tmp_path: Path, capsys: Out) -> None:
    shape = (20, 50, 60)
    outline = ball(shape, (10, 25, 30), 9) & ~ball(shape, (10, 25, 30), 6.5)
    labels = save(tmp_path / "labels.tif", (outline * 255).astype(np.uint8))
    assert run("measure", labels, "-o", tmp_path / "t.csv") == 0
    assert "in which objects were found first" in capsys.readouterr().out
    (body,) = rows(tmp_path / "t.csv")
    filled = np.count_nonzero(ball(shape, (10, 25, 30), 9))
    assert float(body["volume_voxels"]) == pytest.approx(filled, rel=0.15)
    assert run("measure", labels, "-o", tmp_path / "t.csv", "--method", "components") == 0
    (wall,) = rows(tmp_path / "t.csv")
    assert int(float(wall["volume_voxels"])) == np.count_nonzero(outline)
    assert wall["euler_number"] == "2"
    # A single object has a single number, too.
    assert run("measure", labels, "-o", tmp_path / "t.csv", "--as", "objects") == 0
    assert rows(tmp_path / "t.csv")[0]["object"] == "255"


def test_one_material_of_several_is_a_label(
    volume: NDArray[np.uint32], objects: Path, tmp_path: Path
) -> None:
    words = ("--label", "70000", "--method", "components")
    assert run("measure", objects, "-o", tmp_path / "t.csv", *words) == 0
    (only,) = rows(tmp_path / "t.csv")
    assert only["object"] == "1" and int(only["voxels"]) == np.count_nonzero(volume == 70_000)


def test_grey_values_come_from_the_tomogram(
    volume: NDArray[np.uint32], objects: Path, tmp_path: Path, capsys: Out
) -> None:
    image = save(tmp_path / "cell.tif", np.where(volume == 3, 5.0, 2.0).astype(np.float32))
    assert run("measure", objects, "-o", tmp_path / "t.csv", "--image", image) == 0
    means = {row["object"]: float(row["grey_mean"]) for row in rows(tmp_path / "t.csv")}
    assert means["3"] == 5 and means["70000"] == 2
    capsys.readouterr()
    save(image, np.zeros((30, 40, 61), np.float32))
    assert run("measure", objects, "-o", tmp_path / "u.csv", "--image", image) == 2
    error = capsys.readouterr().err
    assert "30 × 40 × 61" in error and error.count("\n") == 1
    assert not (tmp_path / "u.csv").exists()


@pytest.mark.parametrize("suffix", ["ply", "stl"])
def test_a_mesh_of_each_object(suffix: str, objects: Path, tmp_path: Path, capsys: Out) -> None:
    words = ("--mesh-dir", tmp_path / "meshes", "--mesh-format", suffix, "--voxel", "10")
    assert run("measure", objects, "-o", tmp_path / "t.csv", *words) == 0
    assert "3 meshes" in capsys.readouterr().out
    names = [f"object_{n:05d}.{suffix}" for n in (3, 70_000, 2**31)]
    assert sorted(path.name for path in (tmp_path / "meshes").iterdir()) == sorted(names)
    mesh = pyvista.read(tmp_path / "meshes" / names[0])
    volumes = {row["object"]: float(row["volume_um3"]) for row in rows(tmp_path / "t.csv")}
    assert mesh.volume * 1e-9 == pytest.approx(volumes["3"], rel=0.02)
    assert mesh.center == pytest.approx((140, 200, 140), abs=2)  # x, y, z of the volume


def test_meshes_lie_where_the_volume_lies_and_touching_objects_stay_apart(tmp_path: Path) -> None:
    numbers = np.zeros((20, 24, 40), np.uint32)
    numbers[5:15, 6:18, 4:20] = 7
    numbers[5:15, 6:18, 20:34] = 9
    assert write_meshes(numbers, (10.0, 20.0, 5.0), tmp_path, (1000.0, 2000.0, 3000.0)) == 2
    left, right = (pyvista.read(tmp_path / f"object_0000{n}.ply") for n in (7, 9))
    assert left.is_manifold and right.is_manifold
    assert left.center == pytest.approx((3000 + 11.5 * 5, 2000 + 11.5 * 20, 1000 + 9.5 * 10), abs=1)
    assert right.center == pytest.approx((3000 + 26.5 * 5, 2000 + 11.5 * 20, 1000 + 9.5 * 10), abs=1)
    assert left.volume == pytest.approx(10 * 12 * 16 * 1000, rel=0.06)


def test_objects_of_one_voxel_and_specks(tmp_path: Path, capsys: Out) -> None:
    one = np.zeros((5, 20, 20), np.uint8)
    one[2, 10, 10] = 1
    words = ("-o", tmp_path / "t.csv", "--as", "objects")
    assert run("measure", save(tmp_path / "one.tif", one), *words) == 0
    (speck,) = rows(tmp_path / "t.csv")
    assert speck["voxels"] == "1" and speck["solidity"] == "1.0"
    many = np.zeros((10, 60, 60), np.uint16)
    many[::2, ::2, ::2] = np.arange(1, 5 * 30 * 30 + 1).reshape(5, 30, 30)
    assert run("measure", save(tmp_path / "many.tif", many), "-o", tmp_path / "t.parquet") == 0
    table = polars.read_parquet(tmp_path / "t.parquet")
    assert table.height == 4500 and (table["voxels"] == 1).all()


BAD = {
    "empty": (np.zeros((4, 30, 30), np.uint8), (), "holds no object and no label"),
    "an image": (np.random.default_rng(0).normal(size=(4, 30, 30)).astype(np.float32), (), "fractional"),
    "an image of whole numbers": (
        np.random.default_rng(0).normal(0, 900, (4, 30, 30)).astype(np.int16),
        (),
        "hardly any background",
    ),
    "without background": (np.arange(1, 3601, dtype=np.uint16).reshape(4, 30, 30), (), "no background"),
    "no such label": (np.eye(30, dtype=np.uint8)[None].repeat(4, 0), ("--label", "7"), "holds no label 7"),
    "numbers too large": (
        np.array([0, 2**33, 2**34, 0] * 225, np.float64).reshape(1, 30, 30).repeat(4, 0),
        (),
        "and objects are numbered from 1 to 4294967295",
    ),
    "numbers beyond 32 bit": (
        np.array([0, 7, 2**32 + 7, 0] * 225, np.uint64).reshape(1, 30, 30).repeat(4, 0),
        (),
        "and objects are numbered from 1 to 4294967295",
    ),
    "negative numbers": (
        np.array([0, -1, 7, 0] * 225, np.int32).reshape(1, 30, 30).repeat(4, 0),
        (),
        "holds -1, and objects are numbered from 1",
    ),
    "NaN in one slice": (
        np.where(np.arange(4)[:, None, None] == 2, np.nan, np.eye(30)[None] * 7).astype(np.float32),
        (),
        "holds NaN (voxels without a number), and labels are whole numbers",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(name: str, tmp_path: Path, capsys: Out) -> None:
    array, words, sentence = BAD[name]
    precious = tmp_path / "t.csv"
    precious.write_text("hours of work")
    assert run("measure", save(tmp_path / "bad.tif", array), "-o", precious, *words) == 2
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1
    assert precious.read_text() == "hours of work"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.tif", "t.csv"]


@pytest.mark.parametrize("name", ["numbers too large", "numbers beyond 32 bit", "negative numbers"])
def test_objects_makes_numbers_that_measure_takes_and_says_so(name: str, tmp_path: Path, capsys: Out) -> None:
    """What ``measure`` refuses for its numbers it takes from ``objects``, to which its sentence leads."""
    source = save(tmp_path / "bad.tif", np.repeat(BAD[name][0], 4, axis=2))
    assert run("measure", source, "-o", tmp_path / "t.csv") == 2
    assert "Number the objects anew with 'sxtstudio objects'." in capsys.readouterr().err
    assert run("objects", source, "-o", tmp_path / "o.tif") == 0
    assert "are none of objects: the new ones are in their order" in capsys.readouterr().out
    assert run("measure", tmp_path / "o.tif", "-o", tmp_path / "t.csv") == 0
    assert [row["object"] for row in rows(tmp_path / "t.csv")] == ["1", "2"]


def test_bad_outputs_are_told_before_the_work(objects: Path, tmp_path: Path, capsys: Out) -> None:
    (tmp_path / "file").write_text("")
    for words, sentence in (
        (("-o", tmp_path / "t.ods"), "end it in one of .csv, .xlsx, .parquet"),
        (("-o", tmp_path / "t.csv", "--per-slice", tmp_path / "t.csv"), "Two outputs"),
        (("-o", tmp_path / "t.csv", "--per-slice", tmp_path / "t.dictionary.csv"), "Two outputs"),
        (("-o", tmp_path / "none" / "t.csv"), "is no folder"),
        (("-o", tmp_path / "t.csv", "--mesh-dir", tmp_path / "file"), "is a file"),
        (("-o", tmp_path / "t.csv", "--mesh-dir", tmp_path / "none" / "m"), "is no folder"),
        (("-o", tmp_path / "t.csv", "--image", tmp_path / "none.tif"), "none.tif"),
    ):
        assert run("measure", objects, *words) == 2
        assert sentence in capsys.readouterr().err
    assert not list(tmp_path.glob("t.*"))


def test_a_single_slice_has_areas_and_no_volumes(
    volume: NDArray[np.uint32], tmp_path: Path, capsys: Out
) -> None:
    slice_file, table = save(tmp_path / "one.tif", volume[14:15]), tmp_path / "t.csv"
    assert run("measure", slice_file, "-o", table, "--voxel", "10", "--axes", "ZYX", "--as", "objects") == 0
    out = capsys.readouterr().out
    assert "One slice: 3D columns are left empty" in out
    assert "Area per slice, mean" in out and "Volume" not in out
    first = rows(table)[0]
    assert first["volume_um3"] == first["equivalent_diameter_nm"] == first["euler_number"] == ""
    assert float(first["slice_area_mean_nm2"]) == 100 * int((volume[14] == 3).sum())
    for other in ("t.xlsx", "t.parquet"):
        assert run("measure", slice_file, "-o", tmp_path / other, "--voxel", "10", "--as", "objects") == 0
    assert polars.read_parquet(tmp_path / "t.parquet")["volume_um3"].is_nan().all()
    assert first["flags"] == "", "the faces above and below are no borders that cut it"


def test_flags_of_a_table_are_kept_and_sheets_left_out_of_means(
    volume: NDArray[np.uint32], objects: Path, tmp_path: Path, capsys: Out
) -> None:
    flags, table = tmp_path / "flags.csv", tmp_path / "t.csv"
    flags.write_text("object,flags,class\n3,open doubtful,Vesicle\n70000,,\n2147483648,sheet,ER\n")
    words = ("-o", table, "--voxel", "10", "--flags", flags, "--table-s1", tmp_path / "s1.md")
    assert run("measure", objects, *words) == 0
    out = capsys.readouterr().out
    first, border, sheet = rows(table)
    assert first["flags"].split() == ["open", "doubtful"] and first["cut_by_wedge"] == "1"
    assert border["flags"] == "border" and sheet["flags"] == "sheet" and sheet["cut_by_wedge"] == "0"
    assert (first["class"], border["class"], sheet["class"]) == ("Vesicle", "", "ER")
    assert "1 sheet that encloses nothing: left out of the means" in out and "n = 1)" in out
    assert "not known" not in out
    caption = (tmp_path / "s1.md").read_text(encoding="utf-8")
    assert "over 1 object" in caption and "1 sheet that encloses nothing is left out" in caption
    assert run("measure", objects, "-o", table) == 0
    assert "which objects are open, doubtful or sheets is not known" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("object,class\n3,Vesicle\n", "has no columns “object” and “flags” in the first row"),
        ("object,flags\n3,opened\n", "gives object 3 the flag “opened”: flags are border, open"),
        ("object,flags\n1,open\n", "names no object of objects.tif"),
    ],
)
def test_a_table_of_other_flags_is_refused(
    text: str, said: str, objects: Path, tmp_path: Path, capsys: Out
) -> None:
    (tmp_path / "f.csv").write_text(text, encoding="utf-8")
    assert run("measure", objects, "-o", tmp_path / "t.csv", "--flags", tmp_path / "f.csv") == 2
    assert said in capsys.readouterr().err and not (tmp_path / "t.csv").exists()
