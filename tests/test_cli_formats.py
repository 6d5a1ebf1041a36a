"""What files of other programs become in the commands: the kinds that were seen to go wrong."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import mrcfile
import numpy as np
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


def test_axes_that_the_user_names(
    tomogram: Path, toy_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The labels of a tomogram in x, y, z with z backwards are those of the tomogram itself."""
    run(
        "segment",
        tomogram,
        "--model",
        toy_model,
        "-o",
        tmp_path / "right.tif",
        "--report",
        tmp_path / "r.json",
    )
    right = tifffile.imread(tmp_path / "right.tif")
    with mrcfile.open(tomogram) as file:
        turned = np.ascontiguousarray(file.data[::-1].transpose(2, 1, 0))
    with h5py.File(tmp_path / "turned.h5", "w") as file:
        file["data"] = turned
        file["data"].attrs["voxel_size_nm"] = 10.0
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["input"]["axes"] == {"stored": "zyx", "named_by": "format"}

    how = ("--axes", "xyz-", "--model", toy_model)
    report_file = tmp_path / "t.json"
    run("segment", tmp_path / "turned.h5", *how, "-o", tmp_path / "turned.tif", "--report", report_file)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "turned.tif"), right)
    report = json.loads(report_file.read_text())
    assert report["input"]["axes"] == {"stored": "xyz-", "named_by": "user"}
    run("batch", tmp_path / "turned.h5", *how)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "turned.labels.tif"), right)

    capsys.readouterr()
    run("info", tmp_path / "turned.h5")
    assert "read as z, y, x (the file does not name them)" in capsys.readouterr().out
    run("info", tmp_path / "turned.h5", "--axes", "xyz-")
    out = capsys.readouterr().out
    assert "stored as x, y, z, z backwards (as you say)" in out and "6 × 64 × 80 (z × y × x)" in out

    tifffile.imwrite(tmp_path / "labels.tif", right[::-1].transpose(2, 1, 0), photometric="minisblack")
    run("clean", tmp_path / "labels.tif", "--axes", "xyz-", "-o", tmp_path / "clean.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "clean.tif") > 0, right > 0)
    mask = f"{tmp_path / 'labels.tif'}::axes=xyz-"
    run("clean", tmp_path / "right.tif", "--mask", mask, "-o", tmp_path / "masked.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "masked.tif") > 0, right > 0)
    assert (
        main(["clean", str(tmp_path / "right.tif"), "--mask", str(tmp_path / "labels.tif"), "-o", "x.tif"])
        == 2
    )
    assert "FILE::axes=xyz" in capsys.readouterr().err
    meshes = [tmp_path / "right.ply", tmp_path / "turned.ply"]
    run("surface", tmp_path / "right.tif", "-o", meshes[0])
    run("surface", tmp_path / "labels.tif", "--axes", "xyz-", "--voxel", 10, "-o", meshes[1])
    assert meshes[0].read_bytes() == meshes[1].read_bytes()


def test_axes_that_are_none(tomogram: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(tomogram), "--axes", "zyy"]) == 2
    assert "no order of axes: name z, y and x once each" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["cell.st", "cell.ali"])
def test_a_tilt_series_is_told_as_such(
    tomogram: Path, toy_model: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    series = tomogram.rename(tmp_path / name)
    words = ["segment", str(series), "--model", str(toy_model), "-o", str(tmp_path / "labels.tif")]
    assert main(words) == 2
    told = capsys.readouterr().err
    assert "looks like a tilt series" in told and "--force" in told and "reconstruction" in told
    assert not (tmp_path / "labels.tif").exists() and not (tmp_path / "labels.tif.partial").exists()
    run("info", series)
    assert "these are projections, not a tomogram" in capsys.readouterr().out
    run("info", series, "--json")
    assert "its name ends in" in json.loads(capsys.readouterr().out)["tilt_series"]
    assert main(["batch", str(series), "--model", str(toy_model)]) == 2
    assert "looks like a tilt series" in capsys.readouterr().out
    run(*words, "--force")
    run("batch", series, "--model", toy_model, "--force")
    assert (tmp_path / "cell.labels.tif").is_file()
