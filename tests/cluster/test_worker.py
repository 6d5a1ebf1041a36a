"""What a worker does with a job that was sent: it checks versions, model and paths itself."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from sxtstudio.cluster.mapping import PathMapping
from sxtstudio.cluster.models import (
    ModelMissing,
    model_files,
    model_here,
    model_record,
    sent_file,
    store_model,
)
from sxtstudio.cluster.records import Division, WorkerStep, job_from, job_record, outcome_from, to_bytes
from sxtstudio.cluster.versions import own_versions
from sxtstudio.cluster.worker import stop_all, work
from sxtstudio.core.classes.classifier_file import write_classifier
from sxtstudio.core.classes.fitting import train
from sxtstudio.core.errors import UserError
from sxtstudio.core.progress import Progress
from sxtstudio.core.records import RecordError
from sxtstudio.segment import SegmentParameters
from sxtstudio.segment.checkpoint import read_unfinished
from sxtstudio.workflow.jobs.batch_objects import ObjectsWanted, find_objects, object_tables, objects_path
from sxtstudio.workflow.jobs.segmenting import SegmentJob, partial_folder
from sxtstudio.workflow.ranges.state import ranges_folder
from tests.core.classes.conftest import Specimens


def sent(job: SegmentJob, paths: dict[str, str] | None = None, **changes: Any) -> bytes:
    mapping = PathMapping(paths or {})
    record, _ = model_record(job.parameters.model, mapping)
    values = {"key": "0", "topic": "t", "versions": own_versions(), "model": record, "slices_from": 0}
    return to_bytes(job_record(job, mapping=mapping, **{**values, **changes}))


@pytest.fixture
def job(tomogram: Path, toy_model: Path, tmp_path: Path) -> SegmentJob:
    parameters = SegmentParameters(model=toy_model, device="cpu", polarity="dark")
    return SegmentJob(tomogram, tmp_path / "out.tif", parameters, report=tmp_path / "out.json")


def run(content: bytes, models: Path) -> tuple[Any, list[dict[str, Any]]]:
    messages: list[dict[str, Any]] = []
    return outcome_from(work(content, messages.append, lambda: True, models)), messages


def test_a_job_is_plain_data_that_comes_back_as_it_was(job: SegmentJob, tmp_path: Path) -> None:
    record = job_from(sent(job))
    assert record.job(job.parameters.model) == job
    odd = SegmentJob(tmp_path / "fr\udce9 %2F ü.h5::/a", job.output, job.parameters)
    assert job_from(sent(odd)).job(job.parameters.model).tomogram == odd.tomogram
    values = json.loads(sent(job))
    for key, value in (("tomogram", 3), ("clean", {"erode": "x"}), ("segmentation", {}), ("more", 1)):
        with pytest.raises(RecordError, match="The job that was sent"):
            job_from(json.dumps({**values, key: value}).encode())


def test_a_worker_says_who_it_is_and_how_far_it_got(job: SegmentJob, tmp_path: Path) -> None:
    found, messages = run(sent(job), tmp_path)
    assert found.state == "done" and found.details["model"] == "toy" and "CPU" in found.worker
    assert messages[0]["what"] == "begin" and messages[0]["who"] == found.worker
    assert (messages[-1]["finished"], messages[-1]["total"]) == (6, 6)
    assert tifffile.imread(job.output).shape == (6, 64, 80)


def test_slices_of_earlier_workers_are_told_as_one_and_the_first_new_one_at_once(
    deep: Path, job: SegmentJob, tmp_path: Path
) -> None:
    job = replace(job, tomogram=deep)

    def stop_soon(message: dict[str, Any]) -> None:
        if message["what"] == "slices":
            stop_all()

    work(sent(replace(job, resume=True)), stop_soon, lambda: True, tmp_path)
    left = read_unfinished(partial_folder(job.output))
    assert left is not None and 1 <= left.finished < 22
    _, messages = run(sent(replace(job, resume=True)), tmp_path)
    told = [message["finished"] for message in messages if message["what"] == "slices"]
    assert told[:2] == [left.finished, left.finished + 1] and told[-1] == 23


def test_why_somebody_should_look_at_labels_comes_back_from_the_worker(
    job: SegmentJob, tmp_path: Path
) -> None:
    tifffile.imwrite(tmp_path / "noise.tif", np.random.default_rng(0).normal(size=(2, 64, 64)).astype("f4"))
    noise = replace(job, tomogram=tmp_path / "noise.tif", parameters=replace(job.parameters, polarity="auto"))
    outcome = run(sent(noise), tmp_path / "models")[0].outcome()
    said = json.loads((tmp_path / "out.json").read_text())["warnings"]
    assert list(outcome.doubts) == said and any("is not sure" in text for text in said)
    assert outcome.message.startswith("; ".join(said))


def test_other_versions_are_refused_with_a_sentence(job: SegmentJob, tmp_path: Path) -> None:
    found, messages = run(sent(job, versions={**own_versions(), "SXT Studio": "9.9"}), tmp_path)
    assert found.state == "refused" and not messages and not job.output.exists()
    assert "instead of 9.9, and its results could differ: install the same version" in found.message


def test_a_folder_that_is_called_otherwise_there_is_mapped_and_the_report_speaks_of_here(
    job: SegmentJob, tomogram: Path, toy_model: Path, tmp_path: Path
) -> None:
    """The batch knows its results again by the path in the report."""
    there, here = tmp_path, tmp_path.parent / f"{tmp_path.name}-here"
    given = SegmentJob(here / tomogram.name, here / "out.tif", job.parameters, report=here / "out.json")
    found, _ = run(sent(given, {str(here): str(there)}), tmp_path / "models")
    assert found.state == "done", found.message
    report = json.loads((there / "out.json").read_text())
    assert report["input"]["path"] == str(given.tomogram)
    assert [entry["path"] for entry in report["outputs"]] == [str(given.output)]
    assert not here.exists()


def test_a_model_that_is_not_there_is_asked_for_and_checked(job: SegmentJob, tmp_path: Path) -> None:
    models, model = tmp_path / "models", Path(str(job.parameters.model))
    record, card = model_record(model, PathMapping({str(model.parent): "/nowhere"}))
    with pytest.raises(ModelMissing):
        model_here(record, models)
    content, entries = model_files(card)
    with pytest.raises(UserError, match="arrived damaged"):
        store_model(models, record, content[:-1] + b"x", entries)
    assert not sent_file(models, record).exists()
    store_model(models, record, content, entries)
    found = model_here(record, models)
    assert found == sent_file(models, record) and found.read_bytes() == content
    # One of the same name with other content does not count.
    sent_file(models, record).write_bytes(content + b"\n")
    with pytest.raises(ModelMissing):
        model_here(record, models)


def test_a_shipped_model_is_that_of_the_worker() -> None:
    for asked in (None, "compact"):
        record, _ = model_record(asked, PathMapping({}))
        assert model_here(record, Path("/nowhere")) == asked


def test_a_bad_tomogram_and_work_that_is_not_wanted(job: SegmentJob, tmp_path: Path) -> None:
    missing = SegmentJob(tmp_path / "none.mrc", job.output, job.parameters)
    found, _ = run(sent(missing), tmp_path)
    assert found.state == "failed" and "none.mrc" in found.message
    stopped = work(sent(job), lambda message: stop_all(), lambda: True, tmp_path)
    assert outcome_from(stopped).state == "stopped"
    assert not list(tmp_path.glob(".*.worker"))


def test_whether_the_tomogram_is_to_blame_comes_back_from_the_worker(job: SegmentJob, tmp_path: Path) -> None:
    """A watched folder tries those again that failed by device, option, model or disk."""
    damaged = tmp_path / "damaged.mrc"
    damaged.write_bytes(job.tomogram.read_bytes()[:3000])
    wanted = {
        "the file": SegmentJob(damaged, job.output, job.parameters),
        "device": replace(job, parameters=replace(job.parameters, device="cuda:7")),
        "tiles": replace(job, parameters=replace(job.parameters, tile_px=-1)),
    }
    found = {name: run(sent(one), tmp_path)[0] for name, one in wanted.items()}
    assert {name: one.state for name, one in found.items()} == dict.fromkeys(wanted, "failed")
    assert {name: one.outside for name, one in found.items()} == {
        "the file": False,
        "device": True,
        "tiles": True,
    }
    assert all(one.outcome().outside is one.outside for one in found.values())


def test_objects_are_those_that_the_batch_would_find_and_the_classifier_is_sent_along(
    job: SegmentJob, tmp_path: Path
) -> None:
    """It lies where the batch runs, in a folder that no worker sees."""
    assert run(sent(job), tmp_path)[0].state == "done"
    classifier = tmp_path / "mine.json"
    write_classifier(classifier, train(Specimens().examples([0] * 5 + [2] * 5)))
    wanted = ObjectsWanted(classifier, (10.0, 10.0, 10.0))
    here = find_objects(wanted, job.tomogram, job.output, Progress())
    tables = [path.read_bytes() for path in object_tables(job.output)]
    content = sent(job, step=WorkerStep.OBJECTS, objects=wanted)
    for path in (classifier, objects_path(job.output), *object_tables(job.output)):
        path.unlink()
    found, messages = run(content, tmp_path)
    assert (found.state, found.found()) == ("objects", here), found.message
    assert sum(here.counts.values()) > 0
    assert [path.read_bytes() for path in object_tables(job.output)] == tables
    assert [message["what"] for message in messages] == ["begin"]
    broken = content.replace(b"trees", b"weeds")
    assert run(broken, tmp_path)[0].state == "failed" and "mine.json" in run(broken, tmp_path)[0].message


def test_a_worker_loads_nothing_of_window_surfaces_and_training() -> None:
    """VTK takes as long to load as all that a worker needs."""
    code = (
        "import sys\nfrom sxtstudio.cli import main\n"
        "import sxtstudio.cluster.process, sxtstudio.cluster.task, sxtstudio.commands.cluster\n"
        "print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    needless = {"vtkmodules", "pyvista", "PySide6", "torch", "dask_jobqueue", "sklearn", "matplotlib"}
    assert not needless & set(loaded.split()) and "distributed" in loaded.split()


def test_a_tomogram_goes_on_as_it_was_begun(deep: Path, toy_model: Path, tmp_path: Path) -> None:
    """In ranges, though it is not to be divided any more; or as a whole, though it is to be divided now."""
    models, divided = tmp_path / "models", Division(16)
    parameters = SegmentParameters(toy_model, "cpu", polarity="dark")
    job = SegmentJob(deep, tmp_path / "out.tif", parameters, resume=True)
    begun, _ = run(sent(job, division=divided), models)
    assert begun.state == "planned" and [part.slices for part in begun.ranges] == [16, 7]
    assert run(sent(job, step=WorkerStep.RANGE, range_number=1), models)[0].state == "range-done"
    early, _ = run(sent(job, step=WorkerStep.FINISH), models)
    assert (early.state, early.missing) == ("missing", (0,)) and not job.output.exists()
    again, _ = run(sent(job), models)
    assert [(part.finished, part.done) for part in again.ranges] == [(0, False), (7, True)]
    _, messages = run(sent(job, step=WorkerStep.RANGE, range_number=0), models)
    assert [m["total"] for m in messages if m["what"] == "slices"][-1] == 16
    assert run(sent(job, step=WorkerStep.FINISH), models)[0].state == "done" and job.output.exists()
    assert run(sent(job, step=WorkerStep.RANGE, range_number=0), models)[0].state == "no-plan"

    def stop(message: dict[str, Any]) -> None:
        if message["what"] == "slices":
            stop_all()

    assert outcome_from(work(sent(job), stop, lambda: True, models)).state == "stopped"
    assert partial_folder(job.output).is_dir()
    whole, _ = run(sent(job, division=divided), models)
    assert whole.state == "done" and not ranges_folder(job.output).exists()


def test_a_fresh_start_forgets_what_was_begun_and_small_ones_are_not_divided(
    deep: Path, toy_model: Path, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    parameters = SegmentParameters(toy_model, "cpu", polarity="dark")
    job = SegmentJob(deep, tmp_path / "out.tif", parameters, resume=False)
    run(sent(job, division=Division(16)), models)
    assert ranges_folder(job.output).is_dir()
    for division in (None, Division(23), Division(16, 23 * 64 * 80 + 1)):
        assert run(sent(job, division=division), models)[0].state == "done"
        assert not ranges_folder(job.output).exists()


def test_a_tomogram_that_changed_between_its_ranges_leaves_nothing(
    deep: Path, toy_model: Path, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    parameters = SegmentParameters(toy_model, "cpu", polarity="dark")
    job = SegmentJob(deep, tmp_path / "out.tif", parameters, resume=True)
    run(sent(job, division=Division(16)), models)
    content = bytearray(deep.read_bytes())
    content[-1] ^= 1
    deep.write_bytes(content)
    found, _ = run(sent(job, step=WorkerStep.RANGE, range_number=0), models)
    assert found.state == "failed" and "changed" in found.message
    assert not ranges_folder(job.output).exists()
