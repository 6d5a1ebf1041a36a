"""Tomograms that several workers share, range by range: the same rows and files as one machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from sxtstudio.cluster import batch_run as run_module
from sxtstudio.cluster import runner as runner_module
from sxtstudio.cluster.assignments import BegunTomogram
from sxtstudio.cluster.machines import Machines
from sxtstudio.cluster.profile import Profile
from sxtstudio.cluster.records import JobRecord, PlannedRange, WorkerStep, job_record
from sxtstudio.cluster.runner import ClusterRunner
from sxtstudio.core.cleanup import CleanParameters
from sxtstudio.core.progress import Progress
from sxtstudio.segment import SegmentParameters
from sxtstudio.workflow.jobs.batch import run_batch
from sxtstudio.workflow.jobs.batch_files import BatchRow
from sxtstudio.workflow.jobs.cleaning import CleanUp
from sxtstudio.workflow.jobs.segmenting import SegmentJob
from sxtstudio.workflow.ranges.state import ranges_folder, read_state
from tests.cluster.test_runner import as_told, contents, kill_holder, parameters
from tests.conftest import MakeContextModel

SHARED = Profile("local", workers=2, slices_per_task=16)


def report_of(folder: Path, but: tuple[str, ...] = ("clean_up",)) -> dict[str, Any]:
    """Return a report but for times and places."""
    report: dict[str, Any] = json.loads((folder / "deep.labels.json").read_text())
    for entry in ("finished", "seconds", "device", "outputs", *but):
        report.pop(entry)
    return report


@pytest.fixture
def given_out(monkeypatch: pytest.MonkeyPatch) -> list[tuple[WorkerStep, int | None]]:
    """What was given to workers."""
    found: list[tuple[WorkerStep, int | None]] = []

    def noted(job: SegmentJob, **values: Any) -> JobRecord:
        found.append((values["step"], values["range_number"]))
        return job_record(job, **values)

    monkeypatch.setattr(runner_module, "job_record", noted)
    return found


def test_a_tomogram_in_odd_ranges_is_that_of_one_machine(
    deep: Path,
    toy_model: Path,
    tmp_path: Path,
    machines: Machines,
    given_out: list[tuple[WorkerStep, int | None]],
) -> None:
    """A range of 16 slices, and one of seven; both are cleaned as well."""
    broken = tmp_path / "broken.mrc"
    broken.write_bytes(deep.read_bytes()[:5000])
    wanted = {"clean_up": CleanUp(CleanParameters(min_size_voxels=20, smooth_z=1)), "suffix": ".mrc"}
    alone, many = tmp_path / "alone", tmp_path / "many"
    seen: list[BatchRow] = []
    fractions: list[float] = []
    given = [deep, broken]
    rows = {
        alone: run_batch(given, parameters(toy_model, alone, **wanted)),
        many: run_batch(
            given,
            parameters(toy_model, many, **wanted),
            lambda number, row: seen.append(row),
            Progress(listener=lambda state: fractions.append(state.fraction)),
            runner=ClusterRunner(SHARED, machines=machines),
        ),
    }
    assert [as_told(row) for row in rows[many]] == [as_told(row) for row in rows[alone]]
    assert [row.state for row in rows[many]] == ["done", "failed"]
    assert contents(many) == contents(alone) and len(contents(many)) == 1
    ranges_done = (
        [WorkerStep.RANGE] * 2 + [WorkerStep.PLAN_CLEANING] + [WorkerStep.CLEAN] * 2 + [WorkerStep.FINISH]
    )
    assert [step for step, _ in given_out if step is not WorkerStep.BEGIN] == ranges_done
    assert {number for step, number in given_out if step is WorkerStep.CLEAN} == {0, 1}
    reports = [report_of(folder, but=()) for folder in (alone, many)]
    for report in reports:
        for step in report["clean_up"]["steps"]:
            del step["seconds"]
    ranges = reports[1].pop("ranges")
    assert reports[0] == reports[1]
    assert [entry["slices"] for entry in ranges] == [[0, 16], [16, 23]]
    counted = [row.slices for row in seen if row.slices is not None and row.state == "running"]
    assert counted == sorted(counted) and counted[-1] == (23, 23)
    assert rows[many][0].worker.startswith("2 workers (") and "CPU (1 thread)" in rows[many][0].worker
    assert fractions == sorted(fractions)
    assert sorted(path.name for path in many.iterdir()) == ["deep.labels.json", "deep.labels.mrc"]


def test_a_network_for_several_slices_sees_beyond_the_ends_of_a_range(
    deep: Path, make_context_model: MakeContextModel, tmp_path: Path, machines: Machines
) -> None:
    """Beyond the end of a range lie three slices that the network sees there, and one that has a say."""
    model = make_context_model(tmp_path / "net.onnx", np.random.default_rng(0).normal(-0.1, 0.3, (7, 3, 3)))
    alone, many = tmp_path / "alone", tmp_path / "many"
    run_batch([deep], parameters(model, alone, suffix=".mrc"))
    runner = ClusterRunner(SHARED, machines=machines)
    (row,) = run_batch([deep], parameters(model, many, suffix=".mrc"), runner=runner)
    assert row.state == "done", row.message
    assert [entry["slices"] for entry in report_of(many)["ranges"]] == [[0, 16], [16, 23]]
    assert contents(many) == contents(alone) and len(contents(many)) == 1


def test_a_worker_that_is_killed_in_a_range_costs_the_slices_in_hand(
    deep: Path, slow_model: Path, toy_model: Path, tmp_path: Path, machines: Machines
) -> None:
    out = tmp_path / "out"
    killed: list[int] = []

    def kill(number: int, row: BatchRow) -> None:
        folder = ranges_folder(out / "deep.labels.tif")
        if row.slices is not None and not killed and read_state(folder).ranges[0].slices_finished >= 2:
            (owner,) = folder.glob(".range-0000.*.part/owner.json")
            killed.append(kill_holder(owner))

    (row,) = run_batch(
        [deep], parameters(slow_model, out), kill, runner=ClusterRunner(SHARED, machines=machines)
    )
    assert killed and row.state == "done", row.message
    kept = [entry["kept_from_earlier_attempt"] for entry in report_of(out)["ranges"]]
    assert kept[0] >= 2
    (alone,) = run_batch([deep], parameters(toy_model, tmp_path / "alone"))
    assert row.output is not None and alone.output is not None
    assert row.output.read_bytes() == alone.output.read_bytes()


def test_a_large_tomogram_is_divided_where_workers_would_idle(
    deep: Path, toy_model: Path, tmp_path: Path, machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "SLICES_PER_RANGE", 16)
    by_itself = replace(SHARED, slices_per_task=None)
    out = {}
    for name, least in (("large", 23 * 64 * 80), ("small", 23 * 64 * 80 + 1)):
        monkeypatch.setattr(run_module, "LARGE_VOXELS", least)
        out[name] = tmp_path / name
        run_batch(
            [deep], parameters(toy_model, out[name]), runner=ClusterRunner(by_itself, machines=machines)
        )
    assert "ranges" in report_of(out["large"]) and "ranges" not in report_of(out["small"])
    assert contents(out["large"]) == contents(out["small"])


def test_only_ranges_that_are_left_are_given_out_and_joined_at_last(
    deep: Path, toy_model: Path, tmp_path: Path
) -> None:
    tomogram = BegunTomogram(0, SegmentJob(deep, tmp_path / "out.tif", SegmentParameters(toy_model)))
    tomogram.begin()
    tomogram.todo.clear()
    tomogram.divide(
        WorkerStep.BEGIN, [PlannedRange(16, 16, True), PlannedRange(16, 3, False), PlannedRange(8, 0, False)]
    )
    assert tomogram.slices == (19, 40)
    assert [(task.step, task.range) for task in tomogram.todo] == [
        (WorkerStep.RANGE, 1),
        (WorkerStep.RANGE, 2),
    ]
    tomogram.todo.clear()
    tomogram.go_on_if_done()
    assert [task.step for task in tomogram.todo] == [WorkerStep.FINISH]


def test_the_clean_up_is_planned_once_all_ranges_are_done_and_anew_where_one_was_damaged(
    deep: Path, toy_model: Path, tmp_path: Path
) -> None:
    clean_up = CleanUp(CleanParameters(erode=1))
    job = SegmentJob(deep, tmp_path / "out.tif", SegmentParameters(toy_model), clean_up)
    tomogram = BegunTomogram(0, job)

    def steps() -> list[tuple[WorkerStep, int | None]]:
        found = [(task.step, task.range) for task in tomogram.todo]
        tomogram.todo.clear()
        return found

    tomogram.divide(WorkerStep.BEGIN, [PlannedRange(16, 16, True), PlannedRange(7, 7, True)])
    assert steps() == [(WorkerStep.PLAN_CLEANING, None)]
    tomogram.divide(WorkerStep.PLAN_CLEANING, [PlannedRange(16, 0, False), PlannedRange(7, 7, True)])
    assert steps() == [(WorkerStep.CLEAN, 0)] and tomogram.slices == (23, 23)
    tomogram.go_on_if_done()
    assert steps() == [(WorkerStep.FINISH, None)]
    tomogram.again(WorkerStep.CLEAN, [1])
    assert steps() == [(WorkerStep.CLEAN, 1)]
    tomogram.again(WorkerStep.RANGE, [1])
    assert steps() == [(WorkerStep.RANGE, 1)]
    tomogram.go_on_if_done()
    assert steps() == [(WorkerStep.PLAN_CLEANING, None)]
    tomogram.divide(WorkerStep.PLAN_CLEANING, [])
    assert steps() == [(WorkerStep.FINISH, None)], "it is cleaned as a whole"
