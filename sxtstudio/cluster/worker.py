"""What a worker does: one tomogram, or range of one, after another, with the network loaded once."""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from sxtstudio.cluster.lease import Lease, Taken
from sxtstudio.cluster.mapping import PathMapping, mapped_texts
from sxtstudio.cluster.models import ModelMissing, model_here
from sxtstudio.cluster.objects import objects_in
from sxtstudio.cluster.ranges import (
    clean_range,
    do_range,
    is_written,
    join_ranges,
    plan_cleaning,
    plan_if_divided,
    what_is_missing,
)
from sxtstudio.cluster.records import JobRecord, OutcomeRecord, WorkerStep, job_from, planned_from, to_bytes
from sxtstudio.cluster.versions import check_versions, own_versions
from sxtstudio.core.errors import Cancelled, UserError, outside_the_file
from sxtstudio.core.progress import Progress
from sxtstudio.segment.checkpoint import read_unfinished
from sxtstudio.segment.device import choose_device
from sxtstudio.segment.keeper import RunnerKeeper
from sxtstudio.workflow.jobs.batch_jobs import JobOutcome, done, failed
from sxtstudio.workflow.jobs.report import write_report
from sxtstudio.workflow.jobs.segmenting import SegmentJob, SegmentResult, partial_folder, segment_file
from sxtstudio.workflow.ranges.any_range import any_range
from sxtstudio.workflow.ranges.folder import NoPlan
from sxtstudio.workflow.ranges.running import RangesMissing
from sxtstudio.workflow.ranges.state import ranges_folder, read_state

Send = Callable[[dict[str, Any]], None]
Wanted = Callable[[], bool]
# Between two messages about slices, and two looks whether the work is still wanted.
_SHORTEST_S, _LOOK_S = 0.5, 0.3

_keeper = RunnerKeeper()
_lock = threading.Lock()
_running: set[Progress] = set()


def describe_worker(device: str) -> str:
    """Return "node-3: CPU (8 threads)"."""
    return f"{platform.node()}: {choose_device(device).name}"


def stop_all() -> None:
    """Cancel what is running here; finished slices stay."""
    for progress in list(_running):
        progress.cancel()


def work(content: bytes, send: Send, wanted: Wanted, models: Path) -> bytes:
    """Run a job that was sent, and return what became of it.

    Parameters
    ----------
    content
        A JobRecord.
    send
        Takes messages for the batch: that it begins, and how many slices are finished.
    wanted
        Asked now and then whether the result is still wanted.
    models
        Where models lie that were sent to this worker.
    """
    record = job_from(content)
    try:
        check_versions(record.versions, own_versions(), platform.node())
    except UserError as refusal:
        return to_bytes(OutcomeRecord("refused", str(refusal)))
    try:
        model = None if record.step is WorkerStep.OBJECTS else model_here(record.model, models)
    except ModelMissing:
        return to_bytes(OutcomeRecord("no-model"))
    with _lock:  # whatever the number of threads: one network, and one tomogram in memory
        return to_bytes(_run(record, model, send, wanted))


def work_on_planned(content: bytes, wanted: Wanted) -> bytes:
    """Do a range of a plan that was sent (a PlannedRecord), and return what became of it; as ``work``."""
    record = planned_from(content)
    try:
        check_versions(record.versions, own_versions(), platform.node())
    except UserError as refusal:
        return to_bytes(OutcomeRecord("refused", str(refusal)))
    job = record.job()
    progress = Progress()
    with _lock, _followed(progress, wanted):
        try:
            found = any_range(job, progress, keeper=_keeper)
        except Cancelled:
            return to_bytes(OutcomeRecord("stopped"))
        except Exception as error:
            return to_bytes(_outcome(failed(error, 0)))
    figures = {name: value for name, value in found.figures.items() if isinstance(value, int | float | str)}
    details = {"first": found.first, "last": found.last, "seconds": found.seconds, **figures}
    return to_bytes(OutcomeRecord("range-done", worker=describe_worker(job.device), details=details))


@contextmanager
def _followed(progress: Progress, wanted: Wanted) -> Iterator[None]:
    """Cancel what is done meanwhile once it is not wanted any more, or this worker is to end."""
    ended = threading.Event()

    def follow() -> None:
        while not ended.wait(_LOOK_S):
            if not wanted():
                progress.cancel()

    _running.add(progress)
    follower = threading.Thread(target=follow, name="follower", daemon=True)
    follower.start()
    try:
        yield
    finally:
        ended.set()
        follower.join()
        _running.discard(progress)


def _run(record: JobRecord, model: str | Path | None, send: Send, wanted: Wanted) -> OutcomeRecord:
    progress = Progress()
    lease: Lease | None = None
    name = platform.node()
    with _followed(progress, lambda: wanted() and not (lease is not None and lease.lost)):
        try:
            job = record.job(model)
            with outside_the_file():
                name = describe_worker(job.parameters.device)
            send({"key": record.key, "what": "begin", "who": name})
            if record.step not in (WorkerStep.RANGE, WorkerStep.CLEAN):  # the same range twice is harmless
                lease = Lease.take(
                    job.output,
                    partial_folder(job.output),
                    progress.check,
                    on_wait=lambda host: send({"key": record.key, "what": "waits", "host": host}),
                )
            if record.step is WorkerStep.BEGIN and record.unless_there and is_written(job):
                return OutcomeRecord("there", worker=name)  # whoever had the lease before has done it
            return msgspec.structs.replace(_do(record, model, progress, send), worker=name)
        except RangesMissing as missing:
            step = what_is_missing(record.job(model))
            return OutcomeRecord("missing", str(missing), missing=missing.numbers, worker=name, step=step)
        except NoPlan as gone:
            return OutcomeRecord("no-plan", str(gone), worker=name)
        except Cancelled:
            if lease is not None and lease.lost:
                return OutcomeRecord("failed", str(Taken("Another worker has taken this tomogram over.")))
            return OutcomeRecord("stopped", worker=name)
        except UserError as error:
            outcome = failed(error, record.slices_from)
        except Exception as error:
            _keeper.close()
            outcome = failed(error, record.slices_from)
        finally:
            if lease is not None:
                lease.release()
    return _outcome(outcome, name)


def _outcome(outcome: JobOutcome, name: str = "") -> OutcomeRecord:
    details = None if outcome.details is None else dict(outcome.details)
    numbers = tuple(sorted(outcome.system_errors))
    return OutcomeRecord(
        outcome.state,
        outcome.message,
        outcome.labelled,
        details,
        numbers,
        name,
        outside=outcome.outside,
        doubts=outcome.doubts,
    )


def _kept(record: JobRecord, job: SegmentJob) -> int:
    """Return how many slices of it earlier workers have finished."""
    if record.step is WorkerStep.RANGE:
        states = read_state(ranges_folder(job.output)).ranges
        return next((one.slices_finished for one in states if one.range.number == record.range), 0)
    left = None if job.resume is False else read_unfinished(partial_folder(job.output))
    return 0 if left is None else left.finished


def _do(record: JobRecord, model: str | Path | None, progress: Progress, send: Send) -> OutcomeRecord:
    job = record.job(model)
    kept, last = _kept(record, job), 0.0

    def on_slice(z: int, labels: object, finished: int, total: int) -> None:
        nonlocal last
        # Those of earlier workers are told as one, and the first new one at once: whoever is lost thereafter
        # has got on.
        at_once = finished in (kept, kept + 1, total)
        if at_once or (finished > kept and time.monotonic() - last > _SHORTEST_S):
            last = time.monotonic()
            send({"key": record.key, "what": "slices", "finished": finished, "total": total})

    if record.step is WorkerStep.RANGE:
        do_range(job, record.range or 0, progress, on_slice, _keeper)
        return OutcomeRecord("range-done")
    if record.step is WorkerStep.CLEAN:
        clean_range(job, record.range or 0)
        return OutcomeRecord("range-done")
    if record.step is WorkerStep.OBJECTS:
        return objects_in(job, record.objects, progress)
    if record.step is WorkerStep.PLAN_CLEANING:
        return OutcomeRecord("planned", ranges=plan_cleaning(job, progress))
    back = PathMapping(record.back)
    report = job.report
    if back:
        job = replace(job, report=None)
    result: SegmentResult
    if record.step is WorkerStep.FINISH:
        result = join_ranges(job, progress)
    else:
        planned = plan_if_divided(job, record.division, progress)
        if planned is not None:
            return OutcomeRecord("planned", ranges=planned)
        result = segment_file(job, progress, on_slice, _keeper)
    if back and report is not None:
        # As the batch calls the files, so that it knows its results again.
        write_report(report, mapped_texts(result.report, back))
    return _outcome(done(result, record.slices_from))
