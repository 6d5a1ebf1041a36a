"""Workers of a cluster: throughput of one and of two, as a ratio within one run, and what many would cost.

Each worker has one processor, so that a machine with two can be compared with itself. The time counts from
the first tomogram that begins, without the start of the workers, which is said apart.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import suppress
from pathlib import Path

import mrcfile
import numpy as np
import psutil

from sxtstudio.cluster.profile import Profile
from sxtstudio.cluster.runner import ClusterRunner
from sxtstudio.segment import SegmentParameters
from sxtstudio.segment.device import available_cpus
from sxtstudio.workflow.jobs.batch import BatchParameters, run_batch
from sxtstudio.workflow.jobs.batch_files import BatchRow

TOMOGRAMS, SHAPE = 6, (6, 384, 384)
# What the paper's tomograms have, and a cluster for many of them.
FULL, MANY = (350, 1324, 1284), 1000
# So many slices of that size are measured: reading, the start of the network and writing are in it.
FULL_SLICES = 8
NODES, CORES = 50, 32


def main() -> None:
    if available_cpus() < 2:
        print("one processor only: two workers would share it")
        return
    with tempfile.TemporaryDirectory() as folder:
        tomograms = [_tomogram(Path(folder, f"{number}.mrc"), number) for number in range(TOMOGRAMS)]
        # Twice each, in turn, and the better of both: others may use this machine.
        times: dict[int, list[float]] = {1: [], 2: []}
        spent: dict[int, list[float]] = {1: [], 2: []}
        for turn in range(2):
            for workers in (1, 2):
                start, seconds, cpu_s = _run(tomograms, workers, Path(folder, f"out-{workers}-{turn}"))
                times[workers].append(seconds)
                spent[workers].append(cpu_s)
                print(
                    f"{workers} worker(s): started in {start:.1f} s, {TOMOGRAMS} tomograms in {seconds:.1f} s"
                    f", {cpu_s:.1f} s of processors"
                )
    one, two = min(times[1]), min(times[2])
    print(
        f"efficiency of two workers (speed-up / 2), which others on this machine lower: {one / two / 2:.2f}"
    )
    cpu_one, cpu_two = min(spent[1]), min(spent[2])
    print(f"processor time of one worker / that of two, for the same tomograms: {cpu_one / cpu_two:.2f}")
    core_s = slice_seconds() * FULL[0]
    print(f"reckoned for {FULL} on one processor like this: {core_s / 3600:.2f} h")
    hours = MANY * core_s / 3600 / (NODES * CORES)
    print(f"reckoned for {MANY} of them on {NODES} nodes with {CORES} processors each: {hours:.1f} h")


def slice_seconds() -> float:
    """Measure the processor time of a slice of full size, as a worker with one processor takes it."""
    with tempfile.TemporaryDirectory() as folder:
        tomogram = _tomogram(Path(folder, "full.mrc"), 0, (FULL_SLICES, *FULL[1:]))
        _, _, cpu_s = _run([tomogram], 1, Path(folder, "out"))
    print(f"a slice of {FULL[1:]}: {cpu_s / FULL_SLICES:.1f} s of one processor (of {FULL_SLICES} slices)")
    return cpu_s / FULL_SLICES


def _tomogram(path: Path, seed: int, shape: tuple[int, int, int] = SHAPE) -> Path:
    """Noise with rings: what it shows does not matter for the time."""
    _, y, x = np.indices(shape)
    image = np.random.default_rng(seed).normal(0, 0.2, shape)
    image -= np.abs(np.hypot(y - shape[1] / 2, x - shape[2] / 2) - shape[1] / 3) < 2
    with mrcfile.new(path) as file:
        file.set_data(image.astype(np.float32))
        file.voxel_size = 100.0
    return path


def _run(tomograms: list[Path], workers: int, folder: Path) -> tuple[float, float, float]:
    """Return the seconds until the first tomogram began, those from then on, and those of processors."""
    begun: list[float] = []
    first: dict[int, float] = {}
    last: dict[int, float] = {}

    def on_row(number: int, row: BatchRow) -> None:
        if row.state == "running" and not begun:
            begun.append(time.perf_counter())
        for process in psutil.Process().children():
            with suppress(psutil.Error):
                times = process.cpu_times()
                last[process.pid] = times.user + times.system
                if row.state == "running":
                    first.setdefault(process.pid, last[process.pid])

    parameters = BatchParameters(SegmentParameters(device="cpu", polarity="dark"), folder=folder)
    asked = time.perf_counter()
    rows = run_batch(
        tomograms, parameters, on_row, runner=ClusterRunner(Profile("local", workers=workers, cores=1))
    )
    assert all(row.state == "done" for row in rows), [row.message for row in rows]
    spent = sum(last[pid] - at for pid, at in first.items())
    return begun[0] - asked, time.perf_counter() - begun[0], spent


if __name__ == "__main__":
    main()
