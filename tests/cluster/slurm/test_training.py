"""A training in two tasks of SLURM (torchrun, gloo), and one that goes on after a task was killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
import tifffile

from sxtstudio.core.training_events import read_events

pytestmark = pytest.mark.cluster
ROOT = Path(__file__).parents[3]
SCRIPT = Path(__file__).with_name("train.sbatch")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Forty steps of a tiny network with one labelled tomogram."""
    _, y, x = np.indices((4, 64, 80))
    outline = np.abs(np.hypot(y - 32, x - 40) - 20) < 1.5
    image = np.random.default_rng(0).normal(0, 0.1, outline.shape) - outline
    tifffile.imwrite(tmp_path / "a.tif", image.astype(np.float32), photometric="minisblack")
    tifffile.imwrite(tmp_path / "a.labels.tif", outline.astype(np.uint8) * 255, photometric="minisblack")
    path = tmp_path / "train.toml"
    path.write_text(
        'name = "tiny"\ndescription = "A trial."\nbase_width = 2\n\n[training]\nprecision = "float32"\n'
        'device = "cpu"\nsteps = 40\ncrop_px = 32\ncrops = 1\nevaluate_every = 10\nsave_every = 2\n'
        "plateau = 0\npreview = false\n\n"
        '[[labelled]]\ntomogram = "a.tif"\nlabels = "a.labels.tif"\npolarity = "dark"\n'
    )
    return path


def submit(config: Path) -> str:
    log = config.with_name("train.log")
    done = subprocess.run(
        ["sbatch", "--parsable", f"--output={log}", "--open-mode=append", SCRIPT, config],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHON": sys.executable, "GLOO_SOCKET_IFNAME": "lo"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def is_over(job: str) -> bool:
    done = subprocess.run(["squeue", "--noheader", f"--jobs={job}"], capture_output=True, text=True)
    return not done.stdout.strip()


def test_two_tasks_train_as_one_and_go_on_after_one_was_killed(
    slurm: Path, config: Path, until: Callable[..., None]
) -> None:
    log, events = config.with_name("train.log"), config.with_suffix(".run") / "events.jsonl"

    def said() -> str:
        return log.read_text()[-3000:] if log.exists() else "nothing"

    def steps() -> list[int]:
        found = read_events(events) if events.exists() else []
        return [event["step"] for event in found if event["event"] == "step"]

    job = submit(config)
    until(lambda: any(step >= 6 for step in steps()) or is_over(job), said)
    tasks = [
        process
        for process in psutil.process_iter(["cmdline"])
        if process.info["cmdline"] and process.info["cmdline"][-2:] == ["train", str(config)]
        and "torch.distributed.run" not in process.info["cmdline"]
    ]  # fmt: skip
    assert len(tasks) == 2, said()
    tasks[-1].kill()
    until(lambda: is_over(job), said)
    reached = max(steps())
    assert reached < 40
    again = submit(config)
    until(lambda: is_over(again), said)
    found = read_events(events)
    assert (found[-1]["event"], found[-1]["step"]) == ("done", 40), said()
    resumed = [event["step"] for event in found if event["event"] == "start"]
    assert len(resumed) == 2 and resumed[1] > 0
    assert config.with_suffix(".run").joinpath("tiny.onnx").exists()
