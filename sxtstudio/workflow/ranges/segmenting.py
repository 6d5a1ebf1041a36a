"""Segmenting one range of a tomogram, on whatever computer, and however often it takes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sxtstudio.core.progress import Progress
from sxtstudio.core.temporary import remove
from sxtstudio.io import open_volume
from sxtstudio.io.zarr_layers import write_layers
from sxtstudio.segment import Segmentation, segment
from sxtstudio.segment.checkpoint import explained
from sxtstudio.segment.keeper import RunnerKeeper
from sxtstudio.workflow.jobs.segmenting import OnSlice, Pixels
from sxtstudio.workflow.jobs.unchanged import KnownInput
from sxtstudio.workflow.ranges.attempts import SLICES, take_over
from sxtstudio.workflow.ranges.folder import RangesFolder
from sxtstudio.workflow.ranges.running import RESULT, checksums_of, do_range
from sxtstudio.workflow.ranges.segment_plan import LABELS, PROBABILITY, SegmentPlan
from sxtstudio.workflow.ranges.segment_records import SegmentRecord, record_of_range
from sxtstudio.workflow.ranges.split import Range


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
    computed = 0

    def work(attempt: Path) -> SegmentRecord:
        nonlocal computed
        record = _attempt(
            job, folder, plan, checksum, part, attempt, progress or Progress(), on_slice, keeper
        )
        computed = record.depth - record.kept
        return record

    record, done_now = do_range(folder, plan, checksum, part, SegmentRecord, work)
    return RangeResult(
        number=part.number,
        first=plan.first_slice + part.first,
        last=plan.first_slice + part.last,
        computed=computed if done_now else 0,
        voxels=sum(record.voxels),
        device=record.device,
        seconds=record.seconds,
    )


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
) -> SegmentRecord:
    """Segment a range, and write its layers to the result of the attempt."""
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
        plan.tomogram.check(known)
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
            with explained(folder.path):
                return _write(found, plan, checksum, part, attempt / RESULT, begin)


def _write(
    found: Segmentation, plan: SegmentPlan, checksum: str, part: Range, result: Path, begin: float
) -> SegmentRecord:
    """Write the layers of a range, and return its record."""
    remove(result)
    result.mkdir()
    images = {LABELS: found.labels.array}
    if found.probability is not None:
        images[PROBABILITY] = found.probability.array
    for name, array in images.items():
        write_layers(result / name, plan.shape, part.first, array)
    return record_of_range(
        found,
        found.checkpoint.trust(),
        plan=checksum,
        first=part.first,
        checksums={name: checksums_of(array) for name, array in images.items()},
        voxels=[int(np.count_nonzero(plane)) for plane in found.labels.array],
        seconds=time.monotonic() - begin,
        known_notes=plan.notes,
    )
