"""One range of whatever was planned, and the end of whatever was planned."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sxtstudio.core.errors import UserError
from sxtstudio.core.progress import Progress
from sxtstudio.segment.keeper import RunnerKeeper
from sxtstudio.workflow.jobs.cleaning import CleanResult
from sxtstudio.workflow.jobs.objects import ObjectsJob, ObjectsResult
from sxtstudio.workflow.jobs.segmenting import OnSlice, SegmentResult
from sxtstudio.workflow.ranges.clean_plan import CleanPlan
from sxtstudio.workflow.ranges.cleaning import CleanRange, clean_range, finish_cleaning
from sxtstudio.workflow.ranges.finishing import finish_segmentation
from sxtstudio.workflow.ranges.folder import RangesFolder
from sxtstudio.workflow.ranges.kinds import read_any_plan
from sxtstudio.workflow.ranges.measure_plan import MeasurePlan
from sxtstudio.workflow.ranges.measuring import MeasureRange, measure_range
from sxtstudio.workflow.ranges.objects import ObjectsRange, find_in_range, finish_objects
from sxtstudio.workflow.ranges.objects_plan import ObjectsPlan
from sxtstudio.workflow.ranges.segmenting import SegmentRange, segment_range


@dataclass(frozen=True)
class AnyRange(SegmentRange):
    """One range to do of whatever was planned; device, tile and model are those of a segmentation.

    ``tomogram`` is where that of the plan lies on this computer, also for a measurement.
    """


@dataclass(frozen=True)
class AnyResult:
    """A finished range: its slices in the input, from 0, ``last`` not included, and what was found in it."""

    first: int
    last: int
    seconds: float
    figures: dict[str, Any]


def any_range(
    job: AnyRange,
    progress: Progress | None = None,
    on_slice: OnSlice | None = None,
    *,
    keeper: RunnerKeeper | None = None,
) -> AnyResult:
    """Do a range of whatever was planned, unless it is done already.

    Raises
    ------
    UserError, Cancelled
        As ``segment_range``.
    """
    plan, _ = read_any_plan(RangesFolder(job.folder))
    part = plan.part(job.number)
    figures: dict[str, Any] = {}
    if isinstance(plan, CleanPlan):
        cleaned = clean_range(CleanRange(job.folder, job.number))
        seconds = cleaned.seconds
    elif isinstance(plan, ObjectsPlan):
        seconds = find_in_range(ObjectsRange(job.folder, job.number), progress).seconds
    elif isinstance(plan, MeasurePlan):
        measured = measure_range(MeasureRange(job.folder, job.number, job.tomogram), progress)
        seconds, figures = measured.seconds, {"objects": measured.objects}
    else:
        result = segment_range(job, progress, on_slice, keeper=keeper)
        seconds = result.seconds
        figures = {"computed": result.computed, "voxels_labelled": result.voxels, "device": result.device}
    first = plan.first_slice
    return AnyResult(first + part.first, first + part.last, seconds, figures)


def finish_any(
    path: Path,
    progress: Progress | None = None,
    *,
    tomogram: Path | None = None,
    model: str | Path | None = None,
) -> SegmentResult | CleanResult | tuple[ObjectsResult, ObjectsJob]:
    """Join the ranges of whatever was planned.

    Raises
    ------
    UserError
        If it is a measurement, which is joined by the command that writes its tables; else as
        ``finish_segmentation``.
    Cancelled
        If the job was cancelled through ``progress``; the ranges are kept.
    """
    plan, _ = read_any_plan(RangesFolder(path))
    if isinstance(plan, MeasurePlan):
        raise UserError(
            f"{path} holds a measurement: join it with 'sxtstudio measure' and --ranges, which writes its "
            "tables."
        )
    if isinstance(plan, CleanPlan):
        return finish_cleaning(path, progress)
    if isinstance(plan, ObjectsPlan):
        return finish_objects(path, progress), plan.job()
    return finish_segmentation(path, progress, tomogram=tomogram, model=model)
