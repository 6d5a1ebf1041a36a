"""Segmenting one range of a tomogram, on whatever computer, and however often it takes."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sxtstudio.core.checked_volume import InputChangedError
from sxtstudio.core.errors import UserError
from sxtstudio.core.progress import Progress
from sxtstudio.core.temporary import remove
from sxtstudio.io import open_volume
from sxtstudio.io.zarr_layers import write_layers
from sxtstudio.segment import Segmentation, segment
from sxtstudio.segment.checkpoint import explained
from sxtstudio.segment.keeper import RunnerKeeper
from sxtstudio.workflow.jobs.segmenting import OnSlice, Pixels
from sxtstudio.workflow.jobs.unchanged import KnownInput
from sxtstudio.workflow.ranges.attempts import SLICES, begin_attempt, give_up, take_over
from sxtstudio.workflow.ranges.folder import RangesFolder
from sxtstudio.workflow.ranges.plan import LABELS, PROBABILITY, SegmentPlan
from sxtstudio.workflow.ranges.planning import make_images
from sxtstudio.workflow.ranges.records import RangeRecord, record_of_range
from sxtstudio.workflow.ranges.split import Range

_RESULT = "result"


@dataclass(frozen=True)
class SegmentRange:
    """One range to segment.

    Attributes
    ----------
    folder
        Of the plan, as this computer knows it.
    number
        Of the range, from 0.
    device, tile_px
        As of ``SegmentParameters``; they are a matter of the computer, not of the plan.
    tomogram, model
        Where these lie on this computer, if not where the plan says; their contents must be the same.
    """

    folder: Path
    number: int
    device: str = "auto"
    tile_px: int | None = None
    tomogram: Path | None = None
    model: str | Path | None = None


@dataclass(frozen=True)
class RangeResult:
    """A finished range.

    Attributes
    ----------
    first, last
        Its slices in the tomogram, counted from 0; ``last`` is the one after the last.
    computed
        How many of these were computed now; an earlier attempt, or somebody else, has done the others.
    device
        What it was computed on.
    seconds
        How long the attempt took that finished it.
    """

    number: int
    first: int
    last: int
    computed: int
    voxels: int
    device: str
    seconds: float


def segment_range(
    job: SegmentRange,
    progress: Progress | None = None,
    on_slice: OnSlice | None = None,
    *,
    keeper: RunnerKeeper | None = None,
) -> RangeResult:
    """Segment one range of a plan; done already, it is done at once.

    It may be killed at any time, and begun again on any computer: it goes on from the slices that are
    finished. Several processes may do the same range; what one of them has finished first counts.

    Parameters
    ----------
    job
        Which one, and on what.
    progress
        Counts its slices; a cancel leaves the finished ones to the next attempt.
    on_slice
        As of ``segment_file``, with the numbers of finished and of all slices of the range.
    keeper
        Keeps the network for the next range.

    Raises
    ------
    DoesNotFit
        If program or model are not those of the plan.
    InputChangedError
        If the tomogram is not, or is changed meanwhile.
    UserError
        If an input cannot be used, or the disk is full.
    Cancelled
        If the job was cancelled through ``progress``.
    """
    folder = RangesFolder(job.folder)
    plan, checksum = folder.read_plan(SegmentPlan)
    plan.check_program()
    part = plan.part(job.number)
    record = finished_record(folder, plan, checksum, part)
    if record is not None:
        return _result(plan, part, record, 0)
    attempt = begin_attempt(folder.final(part.number))
    try:
        computed = _attempt(
            job, folder, plan, checksum, part, attempt, progress or Progress(), on_slice, keeper
        )
    except BaseException as error:
        if isinstance(error, InputChangedError):
            remove(attempt)  # what it has is of no tomogram
        give_up(attempt)
        done = isinstance(error, UserError | OSError) and finished_record(folder, plan, checksum, part)
        if not done:
            raise
        computed = 0  # somebody else was quicker, and has cleared up
    record = finished_record(folder, plan, checksum, part)
    if record is None:
        raise UserError(f"Range {part.number} has vanished from {folder.path}: do it again.")
    return _result(plan, part, record, computed)


def finished_record(
    folder: RangesFolder, plan: SegmentPlan, checksum: str, part: Range
) -> RangeRecord | None:
    """Return the record of a range, whose layers then are at their place; None if it is not finished.

    What lies there without a record that fits is removed.
    """
    record = folder.record(part.number, RangeRecord)
    with explained(folder.path):
        if record is not None and record.is_of(checksum, part):
            make_images(folder, plan)
            folder.install(part, plan.images)
            return record
        if folder.final(part.number).is_dir():
            folder.forget_range(part, plan.images)
    return None


def _attempt(
    job: SegmentRange,
    folder: RangesFolder,
    plan: SegmentPlan,
    checksum: str,
    part: Range,
    attempt: Path,
    progress: Progress,
    on_slice: OnSlice | None,
    keeper: RunnerKeeper | None,
) -> int:
    """Segment a range and finish it; returns how many slices were computed."""
    begin = time.monotonic()
    tomogram = job.tomogram or Path(plan.tomogram.path)
    slices = (plan.slices[0] + part.first, plan.slices[0] + part.last)
    parameters = plan.parameters(slices=slices, device=job.device, tile_px=job.tile_px, model=job.model)
    finished = 0

    def count(z: int, labels: Pixels) -> None:
        nonlocal finished
        finished += 1
        if on_slice is not None:
            on_slice(z, labels, finished, part.depth)

    with open_volume(tomogram) as volume:
        known = KnownInput.of(tomogram, volume)
        plan.check_tomogram(known)
        plan.check_model(job.model)
        others = take_over(folder.final(part.number), attempt)
        with segment(
            volume,
            parameters,
            attempt / SLICES,
            resume=True,
            progress=progress,
            on_slices=count,
            keeper=keeper,
            part_of=plan.whole,
            others=others,
        ) as found:
            known.check(found.sources, lambda: open_volume(tomogram))
            computed = part.depth - found.resumed
            with explained(folder.path):
                make_images(folder, plan)
                record = _write(found, plan, checksum, part, attempt / _RESULT, begin)
    with explained(folder.path):
        folder.finish(part, attempt / _RESULT, record, plan.images)
    return computed


def _write(
    found: Segmentation, plan: SegmentPlan, checksum: str, part: Range, result: Path, begin: float
) -> RangeRecord:
    """Write the layers of a range, and return its record."""
    remove(result)
    result.mkdir()
    write_layers(result / LABELS, plan.shape, part.first, found.labels.array)
    probability = None
    if found.probability is not None:
        write_layers(result / PROBABILITY, plan.shape, part.first, found.probability.array)
        probability = _checksums(found.probability.array)
    return record_of_range(
        found,
        found.checkpoint.trust(),
        plan=checksum,
        first=part.first,
        labels=_checksums(found.labels.array),
        probability=probability,
        voxels=[int(np.count_nonzero(plane)) for plane in found.labels.array],
        seconds=time.monotonic() - begin,
        known_notes=plan.notes,
    )


def _checksums(slices: Iterable[Pixels]) -> list[int]:
    return [zlib.crc32(np.ascontiguousarray(plane).data) for plane in slices]


def _result(plan: SegmentPlan, part: Range, record: RangeRecord, computed: int) -> RangeResult:
    return RangeResult(
        number=part.number,
        first=plan.slices[0] + part.first,
        last=plan.slices[0] + part.last,
        computed=computed,
        voxels=sum(record.voxels),
        device=record.device,
        seconds=record.seconds,
    )
