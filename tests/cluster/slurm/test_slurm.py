"""A batch on a real SLURM, and all that can happen to it there (``make cluster-test``)."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.segment import SegmentParameters
from sxtstudio.segment.checkpoint import read_unfinished
from sxtstudio.workflow.jobs.segmenting import SegmentJob, partial_folder, segment_file
from sxtstudio.workflow.ranges.state import ranges_folder, read_state

pytestmark = pytest.mark.cluster
ROOT = Path(__file__).parents[3]
Start = Callable[..., Any]
Until = Callable[..., None]


@pytest.fixture
def alone(slow_model: Path, tmp_path: Path) -> Callable[[Path], str]:
    """The function that says what one machine makes of a tomogram: the checksum of the labels."""

    def made(tomogram: Path) -> str:
        output = tmp_path / "alone" / f"{tomogram.stem}.tif"
        output.parent.mkdir(exist_ok=True)
        segment_file(SegmentJob(tomogram, output, SegmentParameters(slow_model, "cpu", polarity="dark")))
        return checksum(output)

    return made


def checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def words_for(model: Path, out: Path, *tomograms: Path) -> list[str | Path]:
    return [*tomograms, "-o", out, "--model", model, "--polarity", "dark", "--skip-existing"]


def finished(out: Path, name: str) -> int:
    found = read_unfinished(partial_folder(out / f"{name}.labels.tif"))
    return 0 if found is None else found.finished


def kept(out: Path, name: str) -> int:
    report = json.loads((out / f"{name}.labels.json").read_text())
    return int(report["slices"]["kept_from_earlier_run"])


def test_results_are_those_of_one_machine_and_nothing_stays_behind(
    start: Start, make_tomogram, slow_model: Path, tmp_path: Path, alone, jobs, workers
) -> None:
    tomograms = [make_tomogram(f"{n}.mrc", 12, n) for n in range(3)]
    broken = tmp_path / "data" / "broken.mrc"
    broken.write_bytes(tomograms[0].read_bytes()[:5000])
    out = tmp_path / "out"
    batch = start(*words_for(slow_model, out, *tomograms, broken))
    assert batch.wait() == 2, batch.said()
    assert "3 of 4 tomograms segmented, 1 failed" in batch.said()
    for tomogram in tomograms:
        assert checksum(out / f"{tomogram.stem}.labels.tif") == alone(tomogram)
    assert jobs.jobs() == {} and workers() == [] and not list((tmp_path / "scratch").iterdir())
    assert not [path for path in out.iterdir() if path.name.startswith(".") or "partial" in path.name]


@pytest.mark.parametrize("how", ["scancel", "kill -9"])
def test_a_lost_worker_costs_the_slices_in_hand(
    how: str,
    start: Start,
    make_tomogram,
    slow_model: Path,
    tmp_path: Path,
    alone,
    jobs,
    workers,
    until: Until,
) -> None:
    tomogram, out = make_tomogram("a.mrc", 200), tmp_path / "out"
    batch = start(*words_for(slow_model, out, tomogram))
    until(lambda: finished(out, "a") >= 5, said=batch.said)
    before = finished(out, "a")
    if how == "scancel":
        for job in jobs.jobs():
            jobs.cancel(job)
    else:
        for worker in workers():
            worker.kill()
    assert batch.wait() == 0, batch.said()
    assert kept(out, "a") >= before - 1
    assert checksum(out / "a.labels.tif") == alone(tomogram)
    until(lambda: jobs.jobs() == {} and workers() == [])


def test_ranges_of_one_tomogram_are_shared_and_a_lost_worker_costs_the_slices_in_hand(
    start: Start, make_tomogram, slow_model: Path, tmp_path: Path, alone, jobs, workers, until: Until
) -> None:
    tomogram, out = make_tomogram("a.mrc", 75), tmp_path / "out"
    batch = start(*words_for(slow_model, out, tomogram), "--slices-per-task", "32")
    ranges = ranges_folder(out / "a.labels.tif")

    def slices() -> int:
        with suppress(UserError):  # it is not planned yet
            return sum(one.slices_finished for one in read_state(ranges).ranges)
        return 0

    until(lambda: slices() >= 5, said=batch.said)
    jobs.cancel(next(iter(jobs.jobs())))
    assert batch.wait() == 0, batch.said()
    report = json.loads((out / "a.labels.json").read_text())
    assert [entry["slices"] for entry in report["ranges"]] == [[0, 32], [32, 64], [64, 75]]
    assert checksum(out / "a.labels.tif") == alone(tomogram) and not ranges.exists()
    until(lambda: jobs.jobs() == {} and workers() == [])


def test_a_walltime_that_ends_is_gone_on_with(
    start: Start,
    make_tomogram,
    slow_model: Path,
    tmp_path: Path,
    alone,
    jobs,
    workers,
    write_profile,
    slurm: Path,
    until: Until,
) -> None:
    """However quick this machine is: the worker is halted until its time is over, which SLURM then ends."""
    tomogram, out = make_tomogram("a.mrc", 200), tmp_path / "out"
    batch = start(*words_for(slow_model, out, tomogram), profile=write_profile(workers=1))
    until(lambda: finished(out, "a") >= 5, said=batch.said)
    (first,) = jobs.jobs()
    (worker,) = workers()
    worker.suspend()
    before = finished(out, "a")
    jobs.end_time(first)
    until(lambda: first not in jobs.jobs(), said=batch.said)
    assert batch.wait() == 0, batch.said()
    said = "".join(path.read_text() for path in slurm.glob("*.log")).lower()
    assert "time limit" in said or "timelimit" in said
    assert kept(out, "a") >= before - 1
    assert checksum(out / "a.labels.tif") == alone(tomogram)


def test_a_killed_scheduler_leaves_no_jobs_and_the_same_command_goes_on(
    start: Start, make_tomogram, slow_model: Path, tmp_path: Path, alone, jobs, workers, until: Until
) -> None:
    tomogram, out = make_tomogram("a.mrc", 400), tmp_path / "out"
    batch = start(*words_for(slow_model, out, tomogram))
    until(lambda: finished(out, "a") >= 5, said=batch.said)
    before = finished(out, "a")
    batch.send(signal.SIGKILL)
    batch.process.wait()
    until(lambda: workers() == [] and jobs.jobs() == {})
    again = start(*words_for(slow_model, out, tomogram))
    assert again.wait() == 0, again.said()
    assert kept(out, "a") >= before
    assert checksum(out / "a.labels.tif") == alone(tomogram)


def test_jobs_that_wait_go_from_the_queue_when_the_batch_is_killed(
    start: Start, make_tomogram, slow_model: Path, tmp_path: Path, jobs, workers, write_profile, until: Until
) -> None:
    """What runs ends by itself; what waits would wait for hours, and start a worker that nobody wants."""
    subprocess.run(["scontrol", "update", "PartitionName=main", "State=DOWN"], check=True)
    try:
        words = words_for(slow_model, tmp_path / "out", make_tomogram("a.mrc", 6))
        batch = start(*words, profile=write_profile(workers=3))
        until(lambda: list(jobs.jobs().values()) == ["PENDING"] * 3, said=batch.said)
        batch.send(signal.SIGKILL)
        batch.process.wait()
        until(lambda: jobs.jobs() == {}, said=batch.said)
    finally:
        subprocess.run(["scontrol", "update", "PartitionName=main", "State=UP"], check=True)
    assert workers() == []


def test_ctrl_c_takes_the_jobs_out_of_the_queue(
    start: Start, make_tomogram, slow_model: Path, tmp_path: Path, jobs, workers, write_profile, until: Until
) -> None:
    """Also those that still wait: there is room for two workers only."""
    tomograms = [make_tomogram(f"{n}.mrc", 120, n) for n in range(5)]
    out = tmp_path / "out"
    batch = start(*words_for(slow_model, out, *tomograms), profile=write_profile(workers=5))
    until(lambda: finished(out, "0") >= 2 and "PENDING" in jobs.jobs().values(), said=batch.said)
    batch.send(signal.SIGINT)
    assert batch.wait() == 130, batch.said()
    assert "goes on" in batch.said()
    until(lambda: jobs.jobs() == {} and workers() == [])


def test_a_job_that_is_cancelled_while_it_waits_is_asked_for_again(
    start: Start, make_tomogram, slow_model: Path, tmp_path: Path, jobs, write_profile, until: Until
) -> None:
    subprocess.run(["scontrol", "update", "PartitionName=main", "State=DOWN"], check=True)
    try:
        out = tmp_path / "out"
        words = words_for(slow_model, out, make_tomogram("a.mrc", 6))
        batch = start(*words, profile=write_profile(workers=1))
        until(lambda: "PENDING" in jobs.jobs().values(), said=batch.said)
        (first,) = jobs.jobs()
        jobs.cancel(first)
        until(lambda: [job for job in jobs.jobs() if job != first], said=batch.said)
    finally:
        subprocess.run(["scontrol", "update", "PartitionName=main", "State=UP"], check=True)
    assert batch.wait() == 0, batch.said()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_fails_its_tomograms_alone_with_a_sentence(
    start: Start, make_tomogram, slow_model: Path, tmp_path: Path, small_disk: Path, jobs, until: Until
) -> None:
    fits, large = make_tomogram("fits.mrc", 20), make_tomogram("large.mrc", 200)
    batch = start(*words_for(slow_model, small_disk / "out", large, fits))
    assert batch.wait() == 2, batch.said()
    assert "1 of 2 tomograms segmented, 1 failed" in batch.said()
    said = batch.said()
    assert "free" in said and "large.mrc: failed" in said and "Something went wrong" not in said
    until(lambda: jobs.jobs() == {})


def test_a_full_scratch_disk_is_told(
    start: Start, make_tomogram, slow_model: Path, tmp_path: Path, small_disk: Path, write_profile, jobs
) -> None:
    with suppress(OSError), open(small_disk / "rest", "wb") as file:
        while True:
            file.write(bytes(4096))
            file.flush()
    profile = write_profile(f'scratch = "{small_disk}"')
    batch = start(*words_for(slow_model, tmp_path / "out", make_tomogram("a.mrc", 6)), profile=profile)
    assert batch.wait() == 2, batch.said()
    assert "No space left" in batch.said() or "disk is full" in batch.said()
    assert jobs.jobs() == {}


def test_a_network_disk_without_locks_is_no_different(
    start: Start, make_tomogram, slow_model: Path, tmp_path: Path, alone, jobs, workers, write_profile, until
) -> None:
    """As far as it can be simulated: flock fails, and what changes folders takes a while (LD_PRELOAD)."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    library = tmp_path / "no_locks.so"
    source = Path(__file__).with_name("no_locks.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    profile = write_profile(
        f'prologue = ["export PYTHONPATH={ROOT}", "export LD_PRELOAD={library}"]', workers=2
    )
    tomogram, out = make_tomogram("a.mrc", 200), tmp_path / "out"
    batch = start(*words_for(slow_model, out, tomogram), profile=profile)
    until(lambda: finished(out, "a") >= 5, said=batch.said)
    before = finished(out, "a")
    for worker in workers():
        worker.kill()
    assert batch.wait() == 0, batch.said()
    assert kept(out, "a") >= before - 1
    assert checksum(out / "a.labels.tif") == alone(tomogram)


def test_wrong_profiles_and_what_the_queue_refuses_are_sentences(
    start: Start, make_tomogram, slow_model: Path, tmp_path: Path, write_profile, jobs
) -> None:
    words = words_for(slow_model, tmp_path / "out", make_tomogram("a.mrc", 6))
    profile = write_profile()
    profile.write_text(profile.read_text().replace('"main"', '"nosuch"'))
    batch = start(*words, profile=profile)
    assert batch.wait() == 2 and batch.said().count("\n") == 1, batch.said()
    assert "invalid partition" in batch.said().lower() and "look at the profile" in batch.said()
    profile.write_text(profile.read_text().replace('"nosuch"', '"main"') + '\nprogram = ["/nosuch/program"]')
    batch = start(*words, profile=profile)
    assert batch.wait() == 2, batch.said()
    assert "The workers end again and again" in batch.said() and "nosuch/program" in batch.said()
    assert jobs.jobs() == {}
