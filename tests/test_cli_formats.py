"""What files of other programs become in the commands: the kinds that were seen to go wrong."""

from __future__ import annotations

import json
from pathlib import Path

import mrcfile
import pytest
import tifffile

from sxtstudio.cli import main


def run(*words: object) -> None:
    assert main([str(word) for word in words]) == 0


def test_double_colon_in_a_folder_is_no_dataset(
    tomogram: Path, toy_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "a::b"
    folder.mkdir()
    cell = tomogram.rename(folder / "cell.mrc")
    run("info", cell, "--json")
    assert json.loads(capsys.readouterr().out)["file_bytes"] == cell.stat().st_size
    report = folder / "report.json"
    run("segment", cell, "--model", toy_model, "-o", folder / "labels.tif", "--report", report)
    assert tifffile.imread(folder / "labels.tif").any()
    assert json.loads(report.read_text())["input"]["path"] == str(cell)
    run("batch", cell, "--model", toy_model)
    assert (folder / "cell.labels.tif").is_file()


def test_labels_keep_the_place_of_a_trimmed_tomogram(tomogram: Path, toy_model: Path, tmp_path: Path) -> None:
    with mrcfile.open(tomogram, mode="r+") as file:
        file.nstart = (40, 20, 4)
    run("segment", tomogram, "--model", toy_model, "-o", tmp_path / "all.mrc")
    run("segment", tomogram, "--model", toy_model, "-o", tmp_path / "part.mrc", "--slices", "2:5")
    run("clean", tmp_path / "part.mrc", "-o", tmp_path / "clean.mrc", "--min-size", "9")
    for name, first in (("all", 4), ("part", 6), ("clean", 6)):
        with mrcfile.open(tmp_path / f"{name}.mrc") as file:
            assert file.nstart.tolist() == (40, 20, first) and file.header.origin.tolist() == (0, 0, 0)
