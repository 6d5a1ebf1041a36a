"""Two runs over the same tomograms: what one finishes while a worker of the other waits is not done again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from sxtstudio.cluster import batch_run as run_module
from sxtstudio.cluster import worker as worker_module
from sxtstudio.cluster.lease import Lease
from sxtstudio.cluster.machines import Machines
from sxtstudio.cluster.profile import Profile
from sxtstudio.cluster.records import WorkerStep, job_from
from sxtstudio.cluster.runner import ClusterRunner
from sxtstudio.workflow.jobs.batch import BatchParameters, run_batch
from sxtstudio.workflow.jobs.batch_files import BatchRow
from sxtstudio.workflow.jobs.segmenting import SegmentJob, partial_folder, segment_file
from tests.cluster.test_results import KILLED, StandIn, StandInMachines
from tests.cluster.test_runner import TWO, parameters


def facts(path: Path) -> tuple[int, int, str]:
    """Return by what a file is told from another one of its name, also where that has the same content."""
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest()


def segmented_by_another_run(tomogram: Path, wanted: BatchParameters) -> dict[str, tuple[int, int, str]]:
    (row,) = run_batch([tomogram], wanted)
    assert row.state == "done" and row.output is not None and wanted.folder is not None
    return {path.name: facts(path) for path in wanted.folder.iterdir() if not path.name.startswith(".")}


def test_what_is_finished_while_a_worker_waits_for_it_is_not_segmented_again(
    deep: Path, toy_model: Path, tmp_path: Path, machines: Machines
) -> None:
    out = tmp_path / "out"
    wanted = parameters(toy_model, out, existing="skip")
    labels = out / "deep.labels.tif"
    other = Lease.take(labels, partial_folder(labels))  # that of a worker of the other run
    there: dict[str, tuple[int, int, str]] = {}

    def finish(number: int, row: BatchRow) -> None:
        if row.state == "running" and not there:
            there.update(segmented_by_another_run(deep, wanted))
            other.release()

    (row,) = run_batch([deep], wanted, finish, runner=ClusterRunner(TWO, machines=machines))
    assert (row.state, row.message) == ("skipped", "deep.labels.tif is there already")
    assert {path.name: facts(path) for path in out.iterdir()} == there and len(there) == 2


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "_WAIT_S", 0.01)


class Meanwhile(StandInMachines):
    """Machines of which something happens before the task with this number is done."""

    at: int
    happens: Callable[[], object]

    def submit(self, function: Any, content: bytes, *more: Any, **options: Any) -> StandIn:
        if len(self.given) == self.at:
            self.happens()
        return super().submit(function, content, *more, **options)


def run(
    machines: StandInMachines, given: list[Path], wanted: BatchParameters, profile: Profile = TWO
) -> list[BatchRow]:
    runner = ClusterRunner(profile, machines=machines)  # type: ignore[arg-type]
    return run_batch(given, wanted, runner=runner)


@pytest.mark.parametrize("reports", [True, False])
def test_under_another_name_labels_of_another_run_stay(
    reports: bool, deep: Path, toy_model: Path, tmp_path: Path, quick: None
) -> None:
    wanted = parameters(toy_model, tmp_path / "out", reports=reports)
    there: dict[str, tuple[int, int, str]] = {}
    machines = Meanwhile(tmp_path / "models")
    machines.at, machines.happens = 0, lambda: there.update(segmented_by_another_run(deep, wanted))
    (row,) = run(machines, [deep], wanted)
    assert row.state == "done" and row.output is not None and row.output.name == "deep.labels-2.tif"
    assert {name: facts(tmp_path / "out" / name) for name in there} == there


def test_who_replaces_replaces(deep: Path, toy_model: Path, tmp_path: Path, quick: None) -> None:
    wanted = parameters(toy_model, tmp_path / "out", existing="replace")
    there: dict[str, tuple[int, int, str]] = {}
    machines = Meanwhile(tmp_path / "models")
    machines.at, machines.happens = 0, lambda: there.update(segmented_by_another_run(deep, wanted))
    (row,) = run(machines, [deep], wanted)
    assert row.state == "done" and row.output is not None and row.output.name == "deep.labels.tif"
    assert facts(row.output) != there["deep.labels.tif"]


def test_what_is_finished_while_it_waits_for_a_worker_is_left_out(
    three: list[Path], toy_model: Path, tmp_path: Path, quick: None
) -> None:
    """The batch names the labels of as many tomograms ahead as there are workers."""
    wanted = parameters(toy_model, tmp_path / "out", existing="skip")
    there: dict[str, tuple[int, int, str]] = {}
    machines = Meanwhile(tmp_path / "models")
    machines.at, machines.happens = 0, lambda: there.update(segmented_by_another_run(three[2], wanted))
    rows = run(machines, [three[0], three[2]], wanted)
    assert [row.state for row in rows] == ["done", "skipped"] and len(machines.given) == 1
    assert {name: facts(tmp_path / "out" / name) for name in there} == there


def test_ranges_that_another_run_has_joined_are_not_planned_anew(
    deep: Path, toy_model: Path, tmp_path: Path, quick: None
) -> None:
    wanted = parameters(toy_model, tmp_path / "out", existing="skip")
    there: dict[str, tuple[int, int, str]] = {}
    steps: list[WorkerStep] = []

    def join() -> None:
        run(StandInMachines(tmp_path / "models"), [deep], wanted, in_ranges)
        there.update({path.name: facts(path) for path in (tmp_path / "out").iterdir()})

    class Noting(Meanwhile):
        def submit(self, function: Any, content: bytes, *more: Any, **options: Any) -> StandIn:
            steps.append(job_from(content).step)
            return super().submit(function, content, *more, **options)

    in_ranges = replace(TWO, slices_per_task=8)
    machines = Noting(tmp_path / "models")
    machines.at, machines.happens = 2, join
    (row,) = run(machines, [deep], wanted, in_ranges)
    assert row.state == "skipped" and steps.count(WorkerStep.RANGE) <= 2 and steps[-1] is WorkerStep.BEGIN
    assert {path.name: facts(path) for path in (tmp_path / "out").iterdir()} == there


def test_labels_of_a_worker_that_was_lost_and_lived_are_those_of_the_batch(
    deep: Path, toy_model: Path, tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It finishes while the next worker waits for its lease; the row has its figures."""
    wanted = parameters(toy_model, tmp_path / "out")
    machines = StandInMachines(tmp_path / "models", [KILLED])
    held = Lease.take

    def take(output: Path, *more: Any, **options: Any) -> Lease:
        jobs.append(segment_file(job_of_lost(output)))
        return held(output, *more, **options)

    def job_of_lost(output: Path) -> SegmentJob:
        return SegmentJob(deep, output, wanted.segmentation, report=output.with_suffix(".json"))

    jobs: list[object] = []
    monkeypatch.setattr(worker_module.Lease, "take", take)
    (row,) = run(machines, [deep], wanted)
    assert row.state == "done" and row.output is not None and row.output.name == "deep.labels.tif"
    assert len(jobs) == 1 and len(machines.given) == 2
    assert row.labelled and row.details and row.details["model"] == "toy"
