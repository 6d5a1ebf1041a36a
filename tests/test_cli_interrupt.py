"""Ctrl-C, SIGTERM, SIGKILL in the middle of a segmentation, and going on afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from sxtstudio.cli import main

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX systems")

SHAPE = (24, 112, 128)
SLICES_BEFORE_SIGNAL = 3
PATIENCE_S = 120


@pytest.fixture
def cell(tmp_path: Path) -> Path:
    data = np.random.default_rng(3).normal(size=SHAPE).astype(np.float32)
    with mrcfile.new(tmp_path / "cell.mrc") as file:
        file.set_data(data)
    return tmp_path / "cell.mrc"


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    words = ["segment", "cell.mrc", "-o", "labels.tif", "--model", "slow.onnx", "--device", "cpu", *options]
    return subprocess.Popen(
        [sys.executable, "-m", "sxtstudio", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(folder: Path) -> int:
    try:
        return (folder / "labels.tif.partial" / "finished.log").read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def interrupted(folder: Path, number: signal.Signals) -> tuple[int, str]:
    """Start a segmentation, send it a signal after the first slices; return exit code and stderr."""
    process = start(folder)
    deadline = time.monotonic() + PATIENCE_S
    while finished(folder) < SLICES_BEFORE_SIGNAL:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    _, told = process.communicate(timeout=PATIENCE_S)
    return process.returncode, told


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)],
    ids=["ctrl-c", "terminate", "kill"],
)
def test_interrupted_and_resumed(
    number: signal.Signals,
    code: int,
    cell: Path,
    slow_model: Path,
    tmp_path: Path,
    expected_labels: Callable[[NDArray[np.float32]], NDArray[np.bool_]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "labels.tif").write_bytes(b"older result")
    returned, told = interrupted(tmp_path, number)
    assert returned == code
    if number != signal.SIGKILL:
        assert len(told.splitlines()) == 1 and "--resume" in told and "of 24 slices" in told
    assert (tmp_path / "labels.tif").read_bytes() == b"older result"
    kept = finished(tmp_path)
    assert SLICES_BEFORE_SIGNAL <= kept < SHAPE[0], "the toy model is too quick for this test"

    monkeypatch.chdir(tmp_path)
    words = ["segment", "cell.mrc", "-o", "labels.tif", "--model", "slow.onnx", "--report", "report.json"]
    assert main(words) == 2
    told = capsys.readouterr().err
    assert f"{kept} finished slices" in told and "--resume or --restart" in told

    assert main([*words, "--resume", "--threshold", "0.5"]) == 2
    assert "threshold" in capsys.readouterr().err

    assert main([*words, "--resume"]) == 0
    with mrcfile.open(cell) as file:
        np.testing.assert_array_equal(tifffile.imread("labels.tif") > 0, expected_labels(file.data))
    report = json.loads(Path("report.json").read_text(encoding="utf-8"))
    assert report["slices"] == {"all": SHAPE[0], "kept_from_earlier_run": kept}
    assert not (tmp_path / "labels.tif.partial").exists()


def test_restart_begins_anew(
    cell: Path, slow_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(tmp_path, signal.SIGKILL)
    monkeypatch.chdir(tmp_path)
    words = ["segment", "cell.mrc", "-o", "labels.tif", "--model", "slow.onnx", "--slices", ":2"]
    assert main([*words, "--restart", "--report", "report.json"]) == 0
    report = json.loads(Path("report.json").read_text(encoding="utf-8"))
    assert report["slices"] == {"all": 2, "kept_from_earlier_run": 0}


@pytest.mark.parametrize("command", ["segment", "batch"])
def test_of_two_runs_on_one_output_one_is_refused_and_harms_nothing(
    command: str,
    cell: Path,
    slow_model: Path,
    tmp_path: Path,
    expected_labels: Callable[[NDArray[np.float32]], NDArray[np.bool_]],
) -> None:
    words = [command, "cell.mrc", "--model", "slow.onnx", "--device", "cpu"]
    words += ["-o", "labels.tif"] if command == "segment" else []
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "sxtstudio", *words],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    ends = sorted((process.communicate(timeout=PATIENCE_S)[0], process.returncode) for process in both)
    told = [text for text, code in ends if code == 2]
    assert sorted(code for _, code in ends) == [0, 2], ends
    assert "Another window or command is working in" in told[0]
    name = "labels.tif" if command == "segment" else "cell.labels.tif"
    with mrcfile.open(cell) as file:
        np.testing.assert_array_equal(tifffile.imread(tmp_path / name) > 0, expected_labels(file.data))
    assert not (tmp_path / f"{name}.partial").exists()


def test_cancelled_before_the_first_slice(
    tomogram: Path,
    toy_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from sxtstudio.segment import job

    real = job.make_runner

    def cancel(*arguments: Any, **options: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return real(*arguments, **options)

    monkeypatch.setattr(job, "make_runner", cancel)
    before = sorted(tmp_path.iterdir())
    assert main(["segment", str(tomogram), "-o", str(tmp_path / "a.tif"), "--model", str(toy_model)]) == 130
    assert "before the first slice" in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before
