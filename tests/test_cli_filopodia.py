"""``sxtstudio filopodia``, ``compare`` and ``robustness`` from files to files."""

from __future__ import annotations

import csv
import json
import os
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PySide6.QtWidgets import QApplication
from scipy import ndimage

from sxtstudio.cli import main
from sxtstudio.core.geometry import Box
from tests.installer.scripts import INSTALLER, loaded

METADATA = {"axes": "ZYX", "unit": "um", "spacing": 0.01}


def write(path: Path, volume: np.ndarray) -> Path:
    tifffile.imwrite(path, volume, imagej=True, resolution=(100, 100), metadata=METADATA)
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Membranes of a cell above y = 30 with two filopodia of 40 px, the second cut by the last slice."""
    labels = loaded(INSTALLER / "linux" / "make_data.py").cell_with_filopodia()
    return write(tmp_path_factory.mktemp("filopodia") / "labels.tif", labels)


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main([str(word) for word in words])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_filopodia_are_cut_measured_and_listed(
    cell: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seeds = tmp_path / "seeds.csv"
    seeds.write_text("x,y,z,cut\n25,50,12,\n65,50,22,\n25,60,12,\n80,10,5,\n25,50,12,\n", encoding="utf-8")
    output, table, profiles = tmp_path / "o.tif", tmp_path / "t.csv", tmp_path / "p.csv"
    code, out, _ = run(
        capsys, "filopodia", cell, "--seeds", seeds, "-o", output, "--table", table, "--profiles", profiles
    )
    assert code == 0, out
    assert "2 filopodia, 1 of them whole" in out and "not whole: cut by the last slice (z)" in out
    assert "Seed 3 lies on filopodium 1 again" in out and "Seed 4: There is no filopodium" in out
    assert "1 seed at the same voxel as an earlier one left out" in out and "Seed 5" not in out
    objects = tifffile.imread(output)
    truth = np.pi * 36 * 34 + 2 / 3 * np.pi * 216
    assert objects.dtype == np.uint16 and (objects == 1).sum() == pytest.approx(truth, rel=0.08)
    first, second = rows_of(table)
    assert (first["class"], first["flags"], second["flags"]) == ("Filopodium", "", "border")
    assert float(first["filopodium_length_nm"]) == pytest.approx(400, abs=40)
    assert float(first["volume_um3"]) == pytest.approx(truth * 1e-6, rel=0.08)
    assert float(first["axis_1_nm"]) > float(first["axis_2_nm"]) > 0
    assert "filopodium_length_nm" in (tmp_path / "t.dictionary.csv").read_text(encoding="utf-8")
    middle = [float(row["width_nm"]) for row in rows_of(profiles) if row["object"] == "1"]
    assert np.median(middle) == pytest.approx(120, rel=0.12)


def test_two_rows_of_one_name_are_its_base_and_its_tip(
    cell: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The labels are empty and the tomogram is pale in one half: without it there is nothing."""
    labels = tifffile.imread(cell)
    z, y, x = np.meshgrid(*(np.arange(n, dtype=float) for n in labels.shape), indexing="ij")
    tube = np.sqrt((z - 12) ** 2 + (y - np.clip(y, 0, 64)) ** 2 + (x - 25) ** 2) - 6
    absorbs = ndimage.gaussian_filter(0.2 * (np.minimum(y - 30, tube) <= 0) + 0.1 * (labels > 0), 1.0)
    absorbs += np.random.default_rng(1).normal(0, 0.03, labels.shape)
    image = write(tmp_path / "image.tif", -absorbs.astype(np.float32))
    empty = write(tmp_path / "empty.tif", np.zeros_like(labels))
    seeds, output = tmp_path / "seeds.csv", tmp_path / "o.tif"
    seeds.write_text("x,y,z,filopodium\n25,33,12,a\n25,67,12,a\n25,50,12,\n25,67,12,b\n", encoding="utf-8")
    arguments = ("filopodia", empty, "--seeds", seeds, "-o", output)
    code, _, error = run(capsys, *arguments)
    assert code != 0 and "No seed" in error
    code, out, _ = run(capsys, *arguments, "--image", image)
    assert code == 0, out
    assert "1 filopodium" in out and "Seed 3 lies on filopodium 1 again" in out
    assert "1 seed at the same voxel as an earlier one left out" in out
    mine, truth = tifffile.imread(output) == 1, (tube <= 0) & (y > 33)
    assert (mine & truth).sum() / (mine | truth).sum() > 0.85


def test_the_cut_of_a_seed_holds(cell: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seeds = tmp_path / "seeds.csv"
    seeds.write_text("X,Y,Z,cut\n25,50,12,200\n", encoding="utf-8")
    code, out, _ = run(capsys, "filopodia", cell, "--seeds", seeds, "-o", tmp_path / "o.tif")
    assert code == 0 and "filopodium 1:" in out
    assert (tifffile.imread(tmp_path / "o.tif") == 1).sum() == pytest.approx(
        np.pi * 36 * 14 + 2 / 3 * np.pi * 216, rel=0.12
    )


def test_a_cut_that_cannot_be_is_said(cell: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first one is 40 px (400 nm) long and 6 px (60 nm) thick: 1e9 nm is no place on it, nor is 1 nm."""
    seeds = tmp_path / "seeds.csv"
    seeds.write_text("x,y,z,cut\n25,50,12,1e9\n65,50,22,1\n", encoding="utf-8")
    words = ("filopodia", cell, "--seeds", seeds, "-o", tmp_path / "o.tif")
    code, out, _ = run(capsys, *words)
    assert code == 0
    end = re.search(
        r"Seed 1: the cut at 1e\+09 nm from the tip lies beyond the end, which is at (\d+) nm", out
    )
    assert end is not None and 350 <= int(end[1]) <= 600, out
    assert "Seed 2: the cut at 1 nm from the tip lies too near the tip: it was cut at " in out
    seeds.write_text("x,y,z,cut\n25,50,12,200\n", encoding="utf-8")
    assert "from the tip lies" not in run(capsys, *words)[1]


def test_a_later_seed_takes_no_voxels_of_an_earlier_filopodium(
    cell: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sxtstudio.core.filopodia import several
    from sxtstudio.workflow.jobs import filopodia

    find = filopodia.find_filopodium

    def moved(labels: Any, seed: Any, *more: Any, **options: Any) -> Any:
        """The second one lies 7 px beside the first one, and reaches into it."""
        candidate = find(labels, (12, 50, 25), *more, **options)
        if seed[1] == 50:
            return candidate
        box = candidate.box
        start, stop = box.start, box.stop
        aside = Box((start[0], start[1], start[2] + 7), (stop[0], stop[1], stop[2] + 7))
        return replace(candidate, box=aside)

    monkeypatch.setattr(filopodia, "find_filopodium", moved)
    monkeypatch.setattr(several, "_SAME", 0.9)
    seeds, alone, both = tmp_path / "seeds.csv", tmp_path / "alone.tif", tmp_path / "both.tif"
    seeds.write_text("x,y,z\n25,50,12\n", encoding="utf-8")
    assert run(capsys, "filopodia", cell, "--seeds", seeds, "-o", alone)[0] == 0
    seeds.write_text("x,y,z\n25,50,12\n25,60,12\n", encoding="utf-8")
    code, out, _ = run(capsys, "filopodia", cell, "--seeds", seeds, "-o", both)
    assert code == 0, out
    assert "with filopodium 1, which keeps them" in out
    first, later = tifffile.imread(alone), tifffile.imread(both)
    assert ((later == 1) == (first == 1)).all() and (later == 2).any()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x,y\n1,2\n", "lacks the column z"),
        ("x,y,z\n", "holds no seed"),
        ("x,y,z\na,2,3\n", "must be numbers"),
        ("x,y,z\n80,10,5\n", "No seed of seeds.csv lies on a filopodium"),
        ("x,y,z\n900,10,5\n", "outside of the volume"),
        ("x,y,z,cut\n25,50,12,\n65,50,22,-50\n", "the cut of row 2 is -50. It is a length from the tip"),
        ("x,y,z,cut\n25,50,12,inf\n", "the cut of row 1 is inf."),
        ("x,y,z,cut\n25,50,12,1e999\n", "the cut of row 1 is inf."),
    ],
)
def test_wrong_seeds_are_one_sentence(
    cell: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    seeds = tmp_path / "seeds.csv"
    seeds.write_text(text, encoding="utf-8")
    code, _, err = run(capsys, "filopodia", cell, "--seeds", seeds, "-o", tmp_path / "o.tif")
    assert code == 2 and words in err and not (tmp_path / "o.tif").exists()


@pytest.fixture(scope="module")
def screen() -> None:
    """The command line draws without a screen; what other tests draw on must not be that."""
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def test_groups_are_compared_and_drawn(
    screen: None, qapp: QApplication, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = []
    for group, first in (("a", 1), ("b", 20)):
        for cell in range(3):
            path = tmp_path / f"{group}{cell}.csv"
            path.write_text(f"object,volume_um3\n1,{first + cell}\n2,{first + cell + 1}\n", encoding="utf-8")
            names.append(path)
    report, plot = tmp_path / "r.json", tmp_path / "r.svg"
    words = ["--group", "control", *names[:3], "--group", "infected", *names[3:]]
    code, out, _ = run(capsys, "compare", *words, "--column", "volume", "-o", report, "--plot", plot)
    assert code == 0 and "Mann-Whitney U test, two-sided, on cell means (n = 3, 3): U = 0, p = 0.1" in out
    assert json.loads(report.read_text(encoding="utf-8"))["groups"][1]["cells"]["mean"] == 21.5
    assert "3 cells, 6 objects" in plot.read_text(encoding="utf-8")
    code, _, err = run(capsys, "compare", "-o", report, "--column", "volume")
    assert code == 2 and "There is no group" in err
    code, _, err = run(capsys, "compare", "--group", "a", "-o", report, "--column", "volume")
    assert code == 2 and "has no table" in err
    code, _, err = run(capsys, "compare", *words, "-o", names[0].with_suffix(".json"))
    assert code == 2 and "It is not said what is compared" in err


def test_robustness_is_a_table_and_a_plot(
    screen: None, qapp: QApplication, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = np.zeros((6, 20, 20), np.uint8)
    output[1:5, 2:8, 2:8], output[1:5, 12:18, 12:18] = 250, 150
    path = write(tmp_path / "p.tif", output)
    table, plot = tmp_path / "r.csv", tmp_path / "r.png"
    words = ("--thresholds", 0, 0.5, "--erosions", 0, "--min-sizes", 0, 200, "--plot", plot)
    code, _, err = run(capsys, "robustness", path, "-o", table, *words)
    assert code == 0, err
    found = [(row["threshold"], row["min_size_voxels"], row["objects"]) for row in rows_of(table)]
    assert found == [("0.0", "0", "2"), ("0.0", "200", "0"), ("0.5", "0", "1"), ("0.5", "200", "0")]
    assert float(rows_of(table)[0]["volume_um3"]) == pytest.approx(288e-6)
    assert plot.read_bytes()[:4] == b"\x89PNG"
    code, _, err = run(
        capsys, "robustness", write(tmp_path / "f.tif", output.astype(np.float32)), "-o", table
    )
    assert code == 2 and "not the network's output" in err


@pytest.fixture(scope="module")
def grey(cell: Path) -> np.ndarray:
    """Membranes that are dark in ice of 100 ± 3."""
    labels = tifffile.imread(cell)
    noise = np.random.default_rng(0).normal(100, 3, labels.shape)
    return np.asarray(noise - 40 * (labels > 0), np.float32)


@pytest.mark.parametrize(
    ("value", "said"),
    [(5.0, "image.tif (tomogram) is 5 everywhere it was read"), (0.0, "is 0 everywhere it was read"),
     (np.nan, "(all is NaN)")],
    ids=["constant", "zero", "NaN"],
)  # fmt: skip
@pytest.mark.parametrize("command", ["filopodia", "objects"])
def test_a_tomogram_without_anything_in_it_is_named(
    cell: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, value: float, said: str
) -> None:
    image = write(tmp_path / "image.tif", np.full(tifffile.imread(cell).shape, value, np.float32))
    (tmp_path / "seeds.csv").write_text("x,y,z\n25,50,12\n", encoding="utf-8")
    seeds = ("--seeds", tmp_path / "seeds.csv") if command == "filopodia" else ()
    code, out, _ = run(capsys, command, cell, *seeds, "-o", tmp_path / "o.tif", "--image", image)
    assert code == 0
    assert said in " ".join(out.split())


def test_a_filopodium_is_the_same_in_a_tomogram_turned_round(
    cell: Path, grey: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """How absorbing structures look is found by itself."""
    (tmp_path / "seeds.csv").write_text("x,y,z\n25,50,12\n", encoding="utf-8")
    found = []
    for name, image in (("dark", grey), ("bright", 200 - grey)):
        path = write(tmp_path / f"{name}.tif", image)
        output = tmp_path / f"{name}.o.tif"
        code, _, _ = run(
            capsys, "filopodia", cell, "--seeds", tmp_path / "seeds.csv", "-o", output, "--image", path
        )
        assert code == 0
        found.append(tifffile.imread(output))
    assert found[0].any() and np.array_equal(*found)


def test_a_seed_beyond_all_numbers_is_named(
    cell: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "seeds.csv").write_text("x,y,z\n25,50,12\n1e400,50,12\n", encoding="utf-8")
    code, _, told = run(
        capsys, "filopodia", cell, "--seeds", tmp_path / "seeds.csv", "-o", tmp_path / "o.tif"
    )
    assert code == 2 and "x, y or z of row 2 is larger than any number" in told
