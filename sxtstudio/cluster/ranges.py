"""What a worker does for a tomogram that several of them share: plan ranges, do or clean one, join them."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path

from sxtstudio.cluster.records import Division, PlannedRange, WorkerStep
from sxtstudio.core.checked_volume import InputChangedError
from sxtstudio.core.errors import UserError
from sxtstudio.core.lock import FolderLock
from sxtstudio.core.progress import Progress
from sxtstudio.io import open_volume
from sxtstudio.segment.checkpoint import forget, read_unfinished
from sxtstudio.segment.keeper import RunnerKeeper
from sxtstudio.segment.registry import load_card
from sxtstudio.workflow.jobs.segmenting import OnSlice, SegmentJob, SegmentResult, partial_folder
from sxtstudio.workflow.ranges.clean_up import clean_up_folder, forget_clean_up, plan_clean_up
from sxtstudio.workflow.ranges.cleaning import CleanRange
from sxtstudio.workflow.ranges.cleaning import clean_range as clean_one
from sxtstudio.workflow.ranges.finishing import finish_segmentation
from sxtstudio.workflow.ranges.folder import NoPlan, RangesFolder
from sxtstudio.workflow.ranges.planning import plan_segmentation
from sxtstudio.workflow.ranges.running import RangesMissing
from sxtstudio.workflow.ranges.segment_plan import SegmentPlan
from sxtstudio.workflow.ranges.segmenting import SegmentRange, segment_range
from sxtstudio.workflow.ranges.state import RangesState, ranges_folder, read_state


def plan_if_divided(
    job: SegmentJob, division: Division | None, progress: Progress
) -> tuple[PlannedRange, ...] | None:
    """Plan the ranges of a tomogram, or return None where it is to be segmented as a whole.

    What an earlier run has begun goes on as it was begun, in ranges of its size or as a whole.

    Raises
    ------
    UserError
        If the job cannot be done, or ranges were planned for another one.
    """
    goes_on = job.resume is not False
    per_range = _planned_before(job) if goes_on else None
    if per_range is None:
        left = read_unfinished(partial_folder(job.output)) if goes_on else None
        if division is None or (left is not None and left.finished) or not _is_worth_it(job, division):
            _discard(job)
            return None
        per_range = division.slices
    state = plan_segmentation(job, per_range, progress)
    with suppress(UserError):  # somebody works in it
        if partial_folder(job.output).is_dir():
            forget(partial_folder(job.output))
    return _planned(state)


def is_written(job: SegmentJob) -> bool:
    """Whether labels are there of which nothing is left to be written."""
    unfinished = partial_folder(job.output), ranges_folder(job.output)
    return job.output.exists() and not any(folder.exists() for folder in unfinished)


def do_range(
    job: SegmentJob, number: int, progress: Progress, on_slice: OnSlice, keeper: RunnerKeeper
) -> None:
    """Do a range.

    Raises
    ------
    NoPlan
        If its plan has gone.
    UserError, Cancelled
        As ``segment_range``; of a tomogram that was changed nothing is kept.
    """
    folder = ranges_folder(job.output)
    part = SegmentRange(
        folder, number, job.parameters.device, job.parameters.tile_px, job.tomogram, _model_of(job)
    )
    try:
        segment_range(part, progress, on_slice, keeper=keeper)
    except InputChangedError:
        _discard(job)
        raise


def plan_cleaning(job: SegmentJob, progress: Progress) -> tuple[PlannedRange, ...]:
    """Plan the clean-up of a tomogram whose ranges are done; none where it is cleaned as a whole.

    Raises
    ------
    RangesMissing, NoPlan, UserError
        As ``join_ranges``.
    """
    folder = ranges_folder(job.output)
    try:
        state = plan_clean_up(folder, progress, tomogram=job.tomogram, model=_model_of(job))
    except RangesMissing:
        forget_clean_up(folder)  # the labels will be others
        raise
    except InputChangedError:
        _discard(job)
        raise
    return () if state is None else _planned(state)


def clean_range(job: SegmentJob, number: int) -> None:
    """Clean a range; raises as ``do_range``."""
    clean_one(CleanRange(clean_up_folder(ranges_folder(job.output)), number, job.clean_up.mask))


def what_is_missing(job: SegmentJob) -> WorkerStep:
    """Return which ranges have to be done before they can be joined, known by the step that does them."""
    folder = ranges_folder(job.output)
    if read_state(folder).unfinished:
        forget_clean_up(folder)  # the labels will be others
        return WorkerStep.RANGE
    return WorkerStep.CLEAN


def join_ranges(job: SegmentJob, progress: Progress) -> SegmentResult:
    """Join the ranges, and write labels and report.

    Raises
    ------
    RangesMissing
        If some have to be done, or done again.
    NoPlan
        If their plan has gone.
    UserError, Cancelled
        As ``finish_segmentation``; of a tomogram that was changed nothing is kept.
    """
    folder = ranges_folder(job.output)
    try:
        return finish_segmentation(
            folder,
            progress,
            tomogram=job.tomogram,
            model=_model_of(job),
            parameters=job.parameters,
        )
    except InputChangedError:
        _discard(job)
        raise


def _discard(job: SegmentJob) -> None:
    """Remove ranges that are of no use to anybody, unless somebody is planning or joining them just now."""
    folder = RangesFolder(ranges_folder(job.output))
    if folder.path.is_dir():
        with suppress(UserError, OSError):
            FolderLock(folder.path).release(remove=True)
            folder.discard()


def _planned_before(job: SegmentJob) -> int | None:
    """Return how many slices each range has that was planned earlier; None without such a plan."""
    try:
        plan, _ = RangesFolder(ranges_folder(job.output)).read_plan(SegmentPlan)
    except NoPlan:
        return None
    return plan.slices_per_range


def _is_worth_it(job: SegmentJob, division: Division) -> bool:
    with open_volume(job.tomogram) as file:
        first, last = job.parameters.checked(file.shape[0])
        voxels = (last - first) * math.prod(file.shape[1:])
    return last - first > division.slices and voxels >= division.least_voxels


def _planned(state: RangesState) -> tuple[PlannedRange, ...]:
    return tuple(PlannedRange(one.range.depth, one.slices_finished, one.finished) for one in state.ranges)


def _model_of(job: SegmentJob) -> str | Path | None:
    """Return the model as this machine has it: the plan names that of the machine which made it."""
    return job.parameters.model or load_card(None).path
