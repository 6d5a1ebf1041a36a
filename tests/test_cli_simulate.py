"""``sxtstudio simulate``: what it writes, what it refuses, and going on after an interruption."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile

from sxtstudio.cli import main

SIZE = "8,64,64"
FIRST = ("--seed", "7", "--size", SIZE, "--scene", "edge", "--voxel", "12")


def simulate(folder: Path, *options: str) -> int:
    return main(["simulate", "-o", str(folder), *options])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_two_tomograms_in_both_polarities(tmp_path, capsys):
    assert simulate(tmp_path / "out", *FIRST, "--count", "2", "--polarity", "both") == 0
    out = capsys.readouterr().out
    assert "1 of 2" in out and "2 of 2" in out and "edge" in out and "12 nm" in out
    assert "bright" in out and "dark" in out
    names = {path.name for path in (tmp_path / "out").iterdir()}
    endings = (".tif", ".labels.tif", ".classes.tif", ".instances.tif", ".json")
    assert names == {f"phantom-000{n}{ending}" for n in (7, 8) for ending in endings}
    assert tifffile.imread(tmp_path / "out" / "phantom-0008.tif").shape == (8, 64, 64)
    labels = tifffile.imread(tmp_path / "out" / "phantom-0007.labels.tif")
    assert set(np.unique(labels)) <= {0, 128, 255}


def test_the_same_seed_gives_the_same_files(tmp_path):
    for name in ("a", "b"):
        assert simulate(tmp_path / name, *FIRST) == 0
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_what_is_complete_is_kept_and_what_differs_is_refused(tmp_path, capsys):
    assert simulate(tmp_path, *FIRST) == 0
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert simulate(tmp_path, *FIRST) == 0
    assert "complete already" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    assert simulate(tmp_path, *FIRST, "--polarity", "bright") == 2
    assert "--overwrite" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    dark = tifffile.imread(tmp_path / "phantom-0007.tif")
    assert simulate(tmp_path, *FIRST, "--polarity", "bright", "--overwrite") == 0
    assert np.array_equal(tifffile.imread(tmp_path / "phantom-0007.tif"), -dark)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(("--seed", "1", "--size", "16,96"), "Z,Y,X", id="two numbers"),
        pytest.param(("--seed", "1", "--size", "0,96,96"), "Z,Y,X", id="zero"),
        pytest.param(("--seed", "1", "--size", "2,96,96"), "8 to 512", id="too thin"),
        pytest.param(("--seed", "1", "--size", "16,96,9600"), "48 to 1600", id="too wide"),
        pytest.param(("--seed", "1", "--size", "500,1500,1500"), "million", id="too large"),
        pytest.param(("--seed", "-1"), "0 or more", id="negative seed"),
        pytest.param(("--seed", "1", "--voxel", "900"), "4 to 50", id="voxel"),
        pytest.param(("--seed", "1", "--count", "0"), "1 or more", id="none"),
        pytest.param((), "--seed", id="no seed"),
    ],
)
def test_bad_settings_are_one_sentence(tmp_path, capsys, options, words):
    assert simulate(tmp_path / "out", *options) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_file_in_place_of_the_folder(tmp_path, capsys):
    (tmp_path / "out").write_text("mine")
    assert simulate(tmp_path / "out", *FIRST) == 2
    assert "is a file" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX systems")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "killed"])
def test_an_interrupted_run_leaves_whole_tomograms_and_goes_on(tmp_path, number):
    options = ["--seed", "20", "--count", "400", "--size", SIZE, "--scene", "ice"]
    process = subprocess.Popen(
        [sys.executable, "-m", "sxtstudio", "simulate", "-o", str(tmp_path), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "phantom-0020.json").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    complete = {path.stem for path in tmp_path.glob("*.json")}
    for name in complete:
        assert len(list(tmp_path.glob(f"{name}.*"))) == 5
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert "The same command goes on" in error
        assert len(list(tmp_path.iterdir())) == 5 * len(complete)
    options[3] = str(len(complete) + 1)
    assert simulate(tmp_path, *options) == 0
    assert len(list(tmp_path.iterdir())) == 5 * (len(complete) + 1)
