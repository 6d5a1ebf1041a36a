"""``sxtstudio classify`` from file to file: rules, a classifier, and one that is trained with a table."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from sxtstudio.cli import main

Out = pytest.CaptureFixture[str]
SHAPE = (20, 60, 300)
# Balls and rods alternate; every other pair absorbs.
RODS, DARK = (2, 4, 6, 8, 10, 12), (3, 4, 7, 8, 11, 12)


def run(*words: object) -> int:
    return main([str(word) for word in words])


def rows(path: Path) -> dict[int, dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return {int(row["object"]): row for row in csv.DictReader(file)}


def bodies(seed: int) -> NDArray[np.uint16]:
    rng = np.random.default_rng(seed)
    found = np.zeros(SHAPE, np.uint16)
    for number in range(1, 13):
        z, y, x = (np.arange(n, dtype=float) for n in SHAPE)
        row, place = divmod(number - 1, 6)
        radius = rng.uniform(4.5, 6)
        along = 14 if number in RODS else radius
        level = (
            ((z - 9.5)[:, None, None] / radius) ** 2
            + ((y - 15 - 30 * row)[:, None] / radius) ** 2
            + ((x - 26 - 49 * place) / along) ** 2
        )
        found[level <= 1] = number
    return found


def image(objects: NDArray[np.uint16], seed: int, *, bright: bool = False) -> NDArray[np.float32]:
    absorbed = np.where(np.isin(objects, DARK), 3.0, np.where(objects > 0, 1.0, 0.0))
    noisy = absorbed + np.random.default_rng(seed).normal(0, 0.3, SHAPE)
    return (noisy if bright else -noisy).astype(np.float32)


def save(path: Path, array: NDArray[np.generic]) -> Path:
    tifffile.imwrite(path, array, photometric="minisblack")
    return path


def name_of(number: int) -> str:
    return ("rod" if number in RODS else "ball") + (" dark" if number in DARK else "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tomograms with their objects, and a classifier trained with all classes of the first."""
    folder = tmp_path_factory.mktemp("classify")
    for name, seed in (("a", 1), ("b", 2)):
        objects = bodies(seed)
        save(folder / f"{name}.objects.tif", objects)
        save(folder / f"{name}.tif", image(objects, seed, bright=name == "b"))
    with open(folder / "named.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("object", "class"))
        writer.writerows((number, name_of(number)) for number in range(1, 13) if number != 6)
    words = ("--image", folder / "a.tif", "--train", folder / "named.csv", "--save", folder / "c.json")
    options = ("-o", folder / "a.csv", "--voxel", 10, "--polarity", "dark")
    assert run("classify", folder / "a.objects.tif", *words, *options) == 0
    return folder


def test_a_classifier_trained_with_a_table_names_the_rest(folder: Path) -> None:
    found = rows(folder / "a.csv")
    assert found[6]["class"] == "rod" and found[6]["class_by"] == "classifier"
    assert 0.3 < float(found[6]["class_sure"]) <= 1
    assert found[5]["class"] == "ball" and found[5]["class_by"] == "hand" and found[5]["class_sure"] == ""
    assert float(found[1]["volume_um3"]) > 0


def test_it_applies_to_another_tomogram_of_the_other_polarity(
    folder: Path, tmp_path: Path, capsys: Out
) -> None:
    table = tmp_path / "b.csv"
    words = ("--classifier", folder / "c.json", "--image", folder / "b.tif", "--voxel", 10)
    assert run("classify", folder / "b.objects.tif", *words, "-o", table, "--polarity", "bright") == 0
    found = rows(table)
    assert sum(found[n]["class"] == name_of(n) for n in range(1, 13)) >= 11
    assert {row["class_by"] for row in found.values()} == {"classifier"}
    said = capsys.readouterr().out
    assert "12 objects" in said and "rod dark:" in said and str(table) in said
    assert run("classify", folder / "b.objects.tif", *words, "-o", table, "--polarity", "dark") == 0
    wrong = rows(table)
    assert sum(wrong[n]["class"] == name_of(n) for n in range(1, 13)) < 9


def test_what_is_missing_is_said_before_anything_is_written(
    folder: Path, tmp_path: Path, capsys: Out
) -> None:
    table, classifier = tmp_path / "t.csv", ("--classifier", folder / "c.json")
    assert run("classify", folder / "b.objects.tif", *classifier, "-o", table) == 2
    assert "c.json goes by grey values: give the tomogram, too (--image)" in capsys.readouterr().err
    with_image = (*classifier, "--image", folder / "b.tif", "--polarity", "bright")
    assert run("classify", folder / "b.objects.tif", *with_image, "-o", table) == 2
    assert "sizes in µm³, but here the voxel size is unknown: give it (--voxel)" in capsys.readouterr().err
    assert not table.exists()


RULES = {
    "format": "sxtstudio class rules",
    "version": 1,
    "classes": [{"name": "Rod", "rgb": [1, 2, 3]}],
    "rules": [{"class": "Rod", "ranges": [{"column": "axis_1", "unit": "nm", "low": 200}]}],
}


def test_rules_need_no_tomogram_and_come_before_a_classifier(
    folder: Path, tmp_path: Path, capsys: Out
) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps(RULES))
    words = ("--rules", path, "--voxel", 10)
    assert run("classify", folder / "b.objects.tif", *words, "-o", tmp_path / "t.csv") == 0
    found = rows(tmp_path / "t.csv")
    assert {n for n, row in found.items() if row["class"] == "Rod" and row["class_by"] == "rule"} == set(RODS)
    assert {found[n]["class"] for n in found if n not in RODS} == {""}
    assert "no class:" in capsys.readouterr().out
    words = (*words, "--classifier", folder / "c.json", "--image", folder / "b.tif", "--polarity", "bright")
    assert run("classify", folder / "b.objects.tif", *words, "-o", tmp_path / "t.csv") == 0
    found = rows(tmp_path / "t.csv")
    assert {n for n, row in found.items() if row["class"] == "Rod"} == set(RODS)
    assert all(row["class"].startswith("ball") for n, row in found.items() if n not in RODS)
    assert run("classify", folder / "b.objects.tif", "--rules", path, "-o", tmp_path / "u.csv") == 2
    assert "'axis_1' in nm, but these objects are measured in px" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--train", "--flags"])
@pytest.mark.parametrize("place", ["named.csv", "out/b.classes.csv", "t.dictionary.csv"])
def test_no_table_that_is_read_is_written_over(
    option: str, place: str, folder: Path, tmp_path: Path, capsys: Out
) -> None:
    """The table itself, the one that is made in a folder, and the dictionary beside it."""
    table = tmp_path / place
    table.parent.mkdir(exist_ok=True)
    by_hand = "".join(f"{number},{name_of(number)},open\n" for number in range(1, 13))
    table.write_text(f"object,class,flags\n{by_hand}", encoding="utf-8")
    before = table.read_bytes()
    output = {"named.csv": table, "t.dictionary.csv": tmp_path / "t.csv"}.get(place, table.parent)
    named = () if option == "--train" else ("--train", folder / "named.csv")
    words = ("--image", folder / "b.tif", option, table, *named, "--voxel", 10, "--polarity", "bright")
    assert run("classify", folder / "b.objects.tif", *words, "-o", output) == 2
    said = capsys.readouterr().err
    assert f"{table} is both input and output, and the input would be lost: give another name" in said
    assert table.read_bytes() == before
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [table]


@pytest.mark.parametrize("number", ["1.5", "nan", "", "99999999999999999999", "seven"])
@pytest.mark.parametrize("option", ["--train", "--flags"])
def test_the_row_of_an_object_without_a_number_is_named(
    number: str, option: str, folder: Path, tmp_path: Path, capsys: Out
) -> None:
    table = tmp_path / "named.csv"
    table.write_text(f"object,class,flags\n1,ball,open\n{number},rod,open\n", encoding="utf-8")
    named = () if option == "--train" else ("--train", folder / "named.csv")
    assert run("classify", folder / "b.objects.tif", option, table, *named, "-o", tmp_path / "t.csv") == 2
    said = capsys.readouterr().err
    assert "named.csv: the column “object” holds “" in said and "” in row 2. Write the number" in said


def test_several_files_get_a_table_each_and_one_that_fails_stops_no_other(
    folder: Path, tmp_path: Path, capsys: Out
) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps(RULES))
    empty = save(tmp_path / "empty.tif", np.zeros((3, 4, 5), np.uint8))
    files = (folder / "a.objects.tif", empty, folder / "b.objects.tif")
    assert run("classify", *files, "--rules", path, "--voxel", 10, "-o", tmp_path / "out") == 2
    tables = sorted(found.name for found in (tmp_path / "out").glob("*.classes.csv"))
    assert tables == ["a.classes.csv", "b.classes.csv"]
    said = capsys.readouterr()
    assert "2 of 3" in said.out and "empty.tif holds no object" in said.err and "1 file of 3" in said.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param((), "give --classifier, --rules or --train", id="nothing"),
        pytest.param(("--rules", "none.json"), "none.json cannot be read", id="no-rules"),
        pytest.param(("--rules", "{a}.objects.tif"), "no text in UTF-8", id="rules-are-a-tomogram"),
        pytest.param(("--train", "{a}.tif"), "is no table", id="table-is-a-tomogram"),
        pytest.param(("--save", "x.json", "--rules", "x"), "Only a classifier that is trained", id="save"),
        pytest.param(("--image", "x", "y", "--rules", "x"), "1 file of objects and 2 tomograms", id="images"),
        pytest.param(
            ("{a}.objects.tif", "--rules", "x"), "give a folder with -o, not t.csv", id="a-table-of-two-files"
        ),
    ],
)
def test_bad_usage_is_one_sentence(
    words: tuple[str, ...], said: str, folder: Path, tmp_path: Path, capsys: Out
) -> None:
    given = [word.replace("{a}", str(folder / "a")) for word in words]
    assert run("classify", folder / "a.objects.tif", *given, "-o", tmp_path / "t.csv") == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "t.csv").exists()


def test_a_table_of_other_objects_trains_nothing(folder: Path, tmp_path: Path, capsys: Out) -> None:
    table = tmp_path / "other.csv"
    table.write_text("object,class\n500,ball\n501,rod\n")
    words = ("--train", table, "-o", tmp_path / "t.csv", "--voxel", 10)
    assert run("classify", folder / "a.objects.tif", *words) == 2
    assert "names no object of a.objects.tif" in capsys.readouterr().err
    table.write_text("object,class\n1,\n2,\n")
    assert run("classify", folder / "a.objects.tif", *words) == 2
    assert "gives no object a class by hand" in capsys.readouterr().err
    table.write_text("number,name\n1,ball\n")
    assert run("classify", folder / "a.objects.tif", *words) == 2
    assert "has no columns “object” and “class”" in capsys.readouterr().err
