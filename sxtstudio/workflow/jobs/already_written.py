"""Labels that were written though whoever wrote them was lost before it could say so."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from msgspec import Meta, Struct

from sxtstudio.core.errors import UserError
from sxtstudio.core.records import read_json, record_of
from sxtstudio.core.walk import walk
from sxtstudio.io import open_volume
from sxtstudio.workflow.jobs.batch_files import APART
from sxtstudio.workflow.jobs.batch_jobs import JobOutcome
from sxtstudio.workflow.jobs.segmenting import SegmentJob, partial_folder

_Facts = tuple[int, int, int] | None
_Size = Annotated[int, Meta(ge=1)]


@dataclass(frozen=True)
class Before:
    """What labels and report were before a tomogram was begun; None where there were none."""

    labels: _Facts = None
    report: _Facts = None

    @classmethod
    def of(cls, job: SegmentJob) -> Before:
        """Return what there is now."""
        return cls(_facts(job.output), None if job.report is None else _facts(job.report))


class _Named(Struct):
    name: str
    sha256: str = ""


class _Polarity(Struct):
    value: str
    probability: float


class _Parameters(Struct):
    threshold: float


class _Voxels(Struct):
    written: int


class _Output(Struct):
    shape_zyx: tuple[_Size, _Size, _Size]


class _Report(Struct):
    model: _Named
    device: _Named
    polarity: _Polarity
    parameters: _Parameters
    voxels_labelled: _Voxels
    outputs: Annotated[tuple[_Output, ...], Meta(min_length=1)]
    warnings: tuple[str, ...]


def written_outcome(job: SegmentJob, before: Before) -> JobOutcome | None:
    """Return how a job has ended that has left all that it writes; None where something is missing.

    What it writes last is the report; then it removes the finished slices.
    """
    now = Before.of(job)
    if now.labels in (None, before.labels) or partial_folder(job.output).exists():
        return None
    if job.report is None:
        with suppress(UserError):
            return _counted(job.output)
        return None
    return None if now.report in (None, before.report) else said_in(job.report)


def said_in(report: Path) -> JobOutcome | None:
    """Return what a report says of the labels beside it; None where it is none, or there is none."""
    with suppress(UserError):
        return _outcome(record_of(read_json(report, "The report"), _Report, "The report"))
    return None


def _counted(labels: Path) -> JobOutcome:
    """Return what the labels themselves say of such a result: how much is labelled."""
    with open_volume(labels) as file:
        voxels = sum(int(np.count_nonzero(file.read(box))) for box in walk(file.shape))
        return JobOutcome(
            "done", labelled=voxels / math.prod(file.shape), details={"voxels_labelled": voxels}
        )


def _outcome(report: _Report) -> JobOutcome:
    """Return what ``batch_jobs.done`` says of such a result, without its notes."""
    voxels = report.voxels_labelled.written
    details: dict[str, int | float | str] = {
        "voxels_labelled": voxels,
        "model": report.model.name,
        "model_sha256": report.model.sha256,
        "device": report.device.name,
        "polarity": report.polarity.value,
        "polarity_probability": round(report.polarity.probability, 3),
        "threshold": report.parameters.threshold,
    }
    labelled = voxels / math.prod(report.outputs[0].shape_zyx)
    return JobOutcome("done", APART.join(report.warnings), labelled, details, doubts=report.warnings)


def _facts(path: Path) -> _Facts:
    """Return by what a file is told from another one of its name; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
