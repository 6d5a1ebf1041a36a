"""A batch on several workers: the same rows and the same files as on this machine alone."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace as changed
from pathlib import Path

import pytest
from msgspec.structs import replace

from sxtstudio.cluster.local_process import worker_words
from sxtstudio.cluster.machines import Machines
from sxtstudio.cluster.profile import Profile
from sxtstudio.cluster.runner import ClusterRunner
from sxtstudio.cluster.versions import own_versions
from sxtstudio.core.cleanup import CleanParameters
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.progress import Progress
from sxtstudio.segment import SegmentParameters
from sxtstudio.workflow.jobs.batch import BatchParameters, run_batch
from sxtstudio.workflow.jobs.batch_files import BatchRow
from sxtstudio.workflow.jobs.cleaning import CleanUp
from sxtstudio.workflow.jobs.segmenting import partial_folder
from sxtstudio.workflow.jobs.worker_mark import mark_of
from tests.cluster.conftest import until, write_deep

TWO = Profile("local", workers=2)


def holder(file: Path) -> int:
    """Return the process that a file names, as that of a lease and that of an attempt at a range do."""
    return int(json.loads(file.read_text())["process"])


def kill_holder(file: Path) -> int:
    """Kill the process that a file names."""
    process = holder(file)
    os.kill(process, signal.SIGKILL)
    return process


def parameters(model: Path, folder: Path | None, **more: object) -> BatchParameters:
    segmentation = SegmentParameters(model=model, device="cpu", polarity="dark")
    return BatchParameters(segmentation, folder=folder, **more)


def contents(folder: Path) -> dict[str, str]:
    """Return the checksum of every file but the reports, in which the time stands."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.suffix != ".json"
    }


def as_told(row: BatchRow) -> tuple[object, ...]:
    details = {name: value for name, value in (row.details or {}).items() if name != "device"}
    return row.tomogram, row.state, row.output and row.output.name, row.labelled, row.message, details


def test_rows_and_files_are_those_of_one_machine(
    three: list[Path], toy_model: Path, tmp_path: Path, machines: Machines
) -> None:
    wanted = {"clean_up": CleanUp(CleanParameters(min_size_voxels=20)), "suffix": ".mrc"}
    alone, many = tmp_path / "alone", tmp_path / "many"
    seen: list[tuple[int, str]] = []
    states: list[str] = []
    fractions: list[float] = []
    rows = {
        alone: run_batch(three, parameters(toy_model, alone, contact_sheet=alone / "s.png", **wanted)),
        many: run_batch(
            three,
            parameters(toy_model, many, contact_sheet=many / "s.png", summary=(many / "s.csv",), **wanted),
            lambda number, row: seen.append((number, row.state)),
            Progress(listener=lambda state: fractions.append(state.fraction)),
            runner=ClusterRunner(TWO, states.append, machines),
        ),
    }
    assert [as_told(row) for row in rows[many]] == [as_told(row) for row in rows[alone]]
    assert [row.state for row in rows[many]] == ["done", "failed", "done"]
    found = contents(many)
    assert "sxtstudio" not in " ".join(found) and found.pop("s.csv") and found.pop("s.png")
    made = contents(alone)
    assert made.pop("s.png") and found == made and len(made) == 2
    assert (0, "running") in seen and all("CPU (1 thread)" in row.worker for row in rows[many])
    assert fractions == sorted(fractions) and states[-1] == "2 workers run"
    reports = [json.loads((place / "a.labels.json").read_text()) for place in (alone, many)]
    for report in reports:
        for name in ("finished", "seconds", "device", "outputs", "clean_up"):
            report.pop(name)
    assert reports[0] == reports[1]
    assert not [path for path in many.iterdir() if path.name.startswith(".") or "partial" in path.name]


def test_namesakes_and_existing_results_are_named_as_on_one_machine(
    three: list[Path], toy_model: Path, tmp_path: Path, machines: Machines
) -> None:
    other = tmp_path / "tuesday" / "a.mrc"
    other.parent.mkdir()
    other.write_bytes(three[0].read_bytes())
    given = [three[0], other, three[0]]
    names = {}
    for place, runner in (("one", None), ("two", ClusterRunner(TWO, machines=machines))):
        wanted = parameters(toy_model, tmp_path / place)
        run_batch(given[:1], wanted)
        rows = run_batch(given, wanted, runner=runner)
        again = run_batch(given, changed(wanted, existing="skip"), runner=runner)
        names[place] = [(r.state, r.output and r.output.name, r.message) for r in [*rows, *again]]
    assert names["one"] == names["two"]
    assert names["two"][0][1] == "a.labels-2.tif" and names["two"][1][1] == "tuesday-a.labels.tif"


@pytest.mark.parametrize(("in_flight", "most"), [(None, 2), (1, 1)])
def test_never_more_tomograms_are_in_flight_than_the_profile_says(
    slow_model: Path, tmp_path: Path, machines: Machines, in_flight: int | None, most: int
) -> None:
    given = [write_deep(tmp_path / f"{name}.mrc", 4) for name in "abcd"]
    states: dict[int, str] = {}
    running: list[int] = []

    def look(number: int, row: BatchRow) -> None:
        states[number] = row.state
        running.append(sum(state == "running" for state in states.values()))

    profile = replace(TWO, in_flight=in_flight, slices_per_task=0)
    rows = run_batch(
        given,
        parameters(slow_model, tmp_path / "out"),
        look,
        runner=ClusterRunner(profile, machines=machines),
    )
    assert [row.state for row in rows] == ["done"] * 4
    assert max(running) == most


def test_a_cancelled_batch_goes_on_where_it_stopped(
    deep: Path, slow_model: Path, tmp_path: Path, machines: Machines
) -> None:
    out, progress = tmp_path / "out", Progress()
    rows: dict[int, BatchRow] = {}
    held: list[int] = []

    def stop(number: int, row: BatchRow) -> None:
        rows[number] = row
        if row.slices is not None and row.slices[0] >= 2 and row.state == "running" and not held:
            # Held, so that it is not done before the cancel reaches it.
            held.append(holder(mark_of(out / "deep.labels.tif")))
            os.kill(held[0], signal.SIGSTOP)
            progress.cancel()

    wanted = parameters(slow_model, out)
    try:
        with pytest.raises(Cancelled):
            run_batch([deep], wanted, stop, progress, runner=ClusterRunner(TWO, machines=machines))
    finally:
        for process in held:
            os.kill(process, signal.SIGCONT)
    assert rows[0].state == "stopped" and partial_folder(out / "deep.labels.tif").is_dir()
    (row,) = run_batch([deep], wanted, runner=ClusterRunner(TWO, machines=machines))
    assert row.state == "done"
    report = json.loads((out / "deep.labels.json").read_text())
    assert report["slices"]["kept_from_earlier_run"] >= 1
    assert [path.name for path in sorted(out.iterdir())] == ["deep.labels.json", "deep.labels.tif"]


def test_a_killed_worker_costs_the_slices_in_hand_and_the_other_one_goes_on(
    deep: Path, slow_model: Path, toy_model: Path, tmp_path: Path, machines: Machines
) -> None:
    """The model is sent to the workers as well: they are told that it lies in a folder that is not there."""
    out = tmp_path / "out"
    killed: list[int] = []
    before: list[int] = []
    rows: list[BatchRow] = []

    def kill(number: int, row: BatchRow) -> None:
        rows.append(row)
        if row.slices is not None and row.slices[0] >= 3 and not killed:
            before.append(row.slices[0])
            killed.append(kill_holder(mark_of(out / "deep.labels.tif")))

    moved = replace(TWO, paths={str(slow_model.parent / slow_model.name): "/nowhere/slow.onnx"})
    (row,) = run_batch(
        [deep], parameters(slow_model, out), kill, runner=ClusterRunner(moved, machines=machines)
    )
    assert killed and row.state == "done", row.message
    assert "its worker was lost; it goes on where that one stopped" in {row.message for row in rows}
    report = json.loads((out / "deep.labels.json").read_text())
    assert report["slices"]["kept_from_earlier_run"] >= before[0]
    assert report["model"]["path"].endswith("/slow.onnx") and report["model"]["path"] != str(slow_model)
    (alone,) = run_batch([deep], parameters(toy_model, tmp_path / "alone"))
    assert row.output.read_bytes() == alone.output.read_bytes()


def test_a_worker_of_another_version_stops_the_batch_with_a_sentence(
    three: list[Path], toy_model: Path, tmp_path: Path, machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = {**own_versions(), "SXT Studio": "9.9"}
    monkeypatch.setattr("sxtstudio.cluster.runner.own_versions", lambda: versions)
    rows: dict[int, str] = {}
    with pytest.raises(UserError, match=r"The worker on .* has SXT Studio .* instead of 9\.9"):
        run_batch(
            three,
            parameters(toy_model, tmp_path / "out"),
            lambda number, row: rows.update({number: row.state}),
            runner=ClusterRunner(TWO, machines=machines),
        )
    assert set(rows.values()) <= {"stopped", "waiting"} and not list((tmp_path / "out").iterdir())


@pytest.fixture
def of_another_version(machines: Machines, tmp_path: Path) -> Iterator[None]:
    """One more worker, of another version."""
    code = (
        "import sxtstudio, sys\nsxtstudio.__version__ = '0.0.1'\n"
        "from sxtstudio.cli import main\nmain(sys.argv[1:])"
    )
    address = machines.client.scheduler_info()["address"]
    words = worker_words(address, "old", tmp_path / "old", machines.tls)
    process = subprocess.Popen([sys.executable, "-c", code, *words], cwd=Path(__file__).parents[2])
    until(lambda: len(machines.workers) == 3 or process.poll() is not None)
    assert process.poll() is None
    yield
    process.kill()
    process.wait()


def test_a_worker_of_another_version_is_left_out_alone_with_a_sentence(
    three: list[Path], toy_model: Path, tmp_path: Path, machines: Machines, of_another_version: None
) -> None:
    notes: list[str] = []
    progress: list[str] = []
    rows = run_batch(
        three,
        parameters(toy_model, tmp_path / "out"),
        progress=Progress(listener=lambda state: progress.append(state.stage)),
        runner=ClusterRunner(TWO, machines=machines, on_note=notes.append),
    )
    assert [row.state for row in rows] == ["done", "failed", "done"]
    (note,) = notes
    assert "has SXT Studio 0.0.1 instead of" in note and note.endswith("It is left out.")
    assert "1 worker of another version is left out" in " ".join(progress)


def test_too_little_memory_is_refused_before_anything_starts(
    three: list[Path], toy_model: Path, tmp_path: Path
) -> None:
    little = Profile("local", workers=1, memory="300 MB")
    with pytest.raises(
        UserError, match=r"gives 0\.3 GB of memory to each worker, and the model toy needs at"
    ):
        run_batch(three, parameters(toy_model, tmp_path), runner=ClusterRunner(little))
