"""A real SLURM on this machine, and batches that run on it as a user starts them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import mrcfile
import numpy as np
import psutil
import pytest

ROOT = Path(__file__).parents[3]
SCRIPT = Path(__file__).with_name("slurm-local.sh")
# Of a test that hangs; what is waited for is a state, however long a busy machine takes to come to it.
LIMIT_S = 600.0
NEEDED = ("slurmctld", "slurmd", "sbatch", "munged")


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A partition "main" of this machine alone; the folder with its logs."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing or os.getuid() != 0:
        pytest.skip(f"needs root, and SLURM and munge (missing: {', '.join(missing) or 'nothing'})")
    folder = tmp_path_factory.mktemp("slurm")
    subprocess.run(["bash", SCRIPT, "start", folder], check=True, stdout=subprocess.DEVNULL, timeout=60)
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
    yield folder
    subprocess.run(["scancel", "--user", "root"], check=False)
    subprocess.run(["bash", SCRIPT, "stop", folder], check=True, timeout=60)
    del os.environ["SLURM_CONF"]


@dataclass(frozen=True)
class Queue:
    """What SLURM has of ours."""

    def jobs(self) -> dict[str, str]:
        """Return the state of each job that waits or runs."""
        done = subprocess.run(
            ["squeue", "--noheader", "--name=sxtstudio", "--format=%i %T"],
            capture_output=True,
            text=True,
            check=True,
        )
        return dict(line.split() for line in done.stdout.splitlines())

    def cancel(self, job: str) -> None:
        """Cancel a job, as an administrator would."""
        subprocess.run(["scancel", job], check=True)

    def end_time(self, job: str) -> None:
        """Let the time of a job be over after one minute, which is the shortest that SLURM knows."""
        subprocess.run(["scontrol", "update", f"JobId={job}", "TimeLimit=1"], check=True)


@pytest.fixture
def jobs(slurm: Path) -> Queue:
    """What SLURM has of ours."""
    return Queue()


def _workers() -> list[psutil.Process]:
    """Return the processes of workers that are jobs of SLURM; others may run on this machine."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        words = process.info["cmdline"] or []
        is_job = "SLURM_JOB_ID" in (process.info["environ"] or {})
        if is_job and words[1:5] == ["-m", "sxtstudio", "cluster", "worker"]:
            found.append(process)
    return found


class Batch:
    """``sxtstudio batch`` in a process of its own."""

    def __init__(self, words: list[str], log: Path) -> None:
        self.log = log
        with open(log, "wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sxtstudio", "batch", *words],
                cwd=ROOT,
                stdout=file,
                stderr=file,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )

    def said(self) -> str:
        return self.log.read_text()

    def wait(self) -> int:
        try:
            return self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(self.said()) from None

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


@pytest.fixture
def start(slurm: Path, tmp_path: Path, write_profile: Callable[..., Path]) -> Iterator[Callable[..., Batch]]:
    """The function that starts a batch; none outlives its test."""
    begun: list[Batch] = []

    def begin(*words: str | Path, profile: Path | None = None) -> Batch:
        given = ["--profile", str(profile or write_profile()), *map(str, words)]
        begun.append(Batch(given, tmp_path / f"log-{len(begun)}.txt"))
        return begun[-1]

    yield begin
    for batch in begun:
        if batch.process.poll() is None:
            batch.process.kill()
            batch.process.wait()


@pytest.fixture
def write_profile(tmp_path: Path) -> Callable[..., Path]:
    """The function that writes a profile, with more lines."""

    def write(*lines: str, workers: int = 2, walltime: str = "00:10:00") -> Path:
        path = tmp_path / "slurm.toml"
        text = [
            'kind = "slurm"', f"workers = {workers}", "cores = 1", 'memory = "1200 MB"', 'queue = "main"',
            f'walltime = "{walltime}"', *lines,
        ]  # fmt: skip
        if not any(line.startswith("scratch") for line in lines):
            text.append(f'scratch = "{tmp_path / "scratch"}"')
        if not any(line.startswith("prologue") for line in lines):
            text.append(f'prologue = ["export PYTHONPATH={ROOT}"]')
        path.write_text("\n".join(text))
        return path

    return write


@pytest.fixture
def make_tomogram(tmp_path: Path) -> Callable[..., Path]:
    """The function that writes a tomogram: some 0.15 s a slice with the slow model on one processor."""

    def make(name: str, slices: int = 60, seed: int = 0) -> Path:
        path = tmp_path / "data" / name
        path.parent.mkdir(exist_ok=True)
        _, y, x = np.indices((slices, 96, 128))
        image = np.random.default_rng(seed).normal(0, 0.05, y.shape)
        image -= np.abs(np.hypot(y - 48, x - 64) - 30) < 1.5
        with mrcfile.new(path) as file:
            file.set_data(image.astype(np.float32))
            file.voxel_size = 100.0
        return path

    return make


def _until(condition: Callable[[], object], said: Callable[[], str] = lambda: "") -> None:
    """Wait for something."""
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end, said()
        time.sleep(0.2)


@pytest.fixture
def until() -> Callable[..., None]:
    """The function that waits for something."""
    return _until


@pytest.fixture
def workers() -> Callable[[], list[psutil.Process]]:
    """The function that finds the processes of workers."""
    return _workers
