"""Cleaning labels in ranges: each with the slices around it that have a say, objects joined at seams."""

from __future__ import annotations

import platform
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from sxtstudio import __version__
from sxtstudio.core.cleanup import (
    CleanReport,
    CleanStepResult,
    clean_slab,
    reach_of,
    stages_of,
)
from sxtstudio.core.cleanup_steps import crop_borders
from sxtstudio.core.geometry import Box
from sxtstudio.core.labels import count_labels
from sxtstudio.core.lock import FolderLock
from sxtstudio.core.objects import join_slices, number_slices
from sxtstudio.core.pace import Work
from sxtstudio.core.progress import Progress
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.temporary import remove
from sxtstudio.core.volume import ArrayVolume, Volume
from sxtstudio.core.walk import walk
from sxtstudio.io import export_volume, open_volume
from sxtstudio.io.zarr_layers import LAYER_SLICES, write_layers
from sxtstudio.segment.checkpoint import explained
from sxtstudio.workflow.document.views import VolumeView
from sxtstudio.workflow.jobs.cleaning import (
    CleanJob,
    CleanResult,
    auto_mask,
    check_clean_up,
    check_mask,
    check_same_shape,
    clean_file,
)
from sxtstudio.workflow.jobs.outputs import VOLUME_SUFFIXES, OutputFile, check_outputs
from sxtstudio.workflow.jobs.unchanged import KnownInput
from sxtstudio.workflow.ranges.clean_plan import CLEANED, CleanPlan, CleanRecord
from sxtstudio.workflow.ranges.folder import RangesFolder
from sxtstudio.workflow.ranges.label_plan import OpenedLabels
from sxtstudio.workflow.ranges.places import check_places
from sxtstudio.workflow.ranges.plan import InputPlan, absolute
from sxtstudio.workflow.ranges.running import (
    RESULT,
    all_records,
    check_images,
    checksums_of,
    do_range,
    is_planned,
    make_images,
)
from sxtstudio.workflow.ranges.seam import read_numbered, write_numbered
from sxtstudio.workflow.ranges.segment_plan import CleanUpPlan
from sxtstudio.workflow.ranges.split import SLICES_PER_RANGE, Range
from sxtstudio.workflow.ranges.state import RangesState, begin_plan, read_state

MASK = "mask"


@dataclass(frozen=True)
class CleanRange:
    """One range to clean; ``mask`` is where its file lies on this computer, if not where the plan says."""

    folder: Path
    number: int
    mask: Path | None = None


def plan_cleaning(
    job: CleanJob,
    slices_per_range: int = SLICES_PER_RANGE,
    progress: Progress | None = None,
    *,
    restart: bool = False,
) -> RangesState:
    """Plan a clean-up in ranges: copy the labels, and make the mask where it is an automatic one.

    Parameters
    ----------
    job
        As for ``clean_file``.
    slices_per_range
        Is rounded up to whole layers of chunks.
    restart
        Discard what is there; else the same plan goes on.

    Raises
    ------
    UserError
        If the job cannot be done, or the folder holds another plan.
    """
    progress = progress or Progress()
    check_outputs(
        [OutputFile(job.output, "labels", VOLUME_SUFFIXES)], [job.labels, job.clean_up.mask, job.tomogram]
    )
    with ExitStack() as stack:
        source = OpenedLabels(job.labels, job.voxel_nm, stack)
        check_clean_up(job.clean_up, source.file.shape, source.voxel_nm)
        tomogram = stack.enter_context(open_volume(job.tomogram)) if job.tomogram else None
        mask = None
        if job.clean_up.mask is not None:
            opened = stack.enter_context(open_volume(job.clean_up.mask))
            mask = KnownInput.of(job.clean_up.mask, opened)
        for other, name in ((tomogram, "tomogram"), (None if mask is None else mask.volume, "mask")):
            if other is not None:
                check_same_shape(other, name, source.file.shape)
        if mask is not None:
            check_mask(mask.volume, job.clean_up.mask)
        folder = begin_plan(job.output, stack)
        plan = CleanPlan(
            program=__version__,
            output=absolute(job.output),
            slices_per_range=slices_per_range,
            labels=InputPlan.of(source.known),
            label=job.label,
            bytes_each=1,
            given_nm=job.voxel_nm,
            voxel_nm=source.voxel_nm,
            clean_up=CleanUpPlan.of(job.clean_up),
            tomogram=None if job.tomogram is None else absolute(job.tomogram),
            polarity=job.polarity,
            mask=None if mask is None else InputPlan.of(mask),
            mask_notes=[],
            mask_warnings=[],
        )
        if restart or not is_planned(folder, plan):
            folder.discard()
            voxels, _ = source.copied(folder, job.label, progress)
            if job.clean_up.auto_mask:
                stages = Stages(
                    progress,
                    [Stage(Work.POLARITY, voxels[0].size, "polarity")] * (job.polarity == "auto")
                    + [Stage(Work.CELL_MASK, voxels.size, "cell mask")],
                )
                found, notes, warnings = auto_mask(ArrayVolume(voxels), tomogram, job.polarity, stages)
                export_volume(folder.store(MASK), found)
                plan = msgspec.structs.replace(plan, mask_notes=list(notes), mask_warnings=list(warnings))
            with explained(folder.path):
                make_images(folder, plan)
            folder.write_plan(plan)
    return read_state(folder.path)


def clean_range(job: CleanRange) -> CleanRecord:
    """Clean one range of a plan; done already, it is done at once. Raises as ``segment_range``."""
    folder = RangesFolder(job.folder)
    plan, checksum = folder.read_plan(CleanPlan)
    plan.check_program()
    part = plan.part(job.number)

    def work(attempt: Path) -> CleanRecord:
        with explained(folder.path):
            return _clean(job, folder, plan, checksum, part, attempt / RESULT)

    return do_range(folder, plan, checksum, part, CleanRecord, work)[0]


def _clean(
    job: CleanRange, folder: RangesFolder, plan: CleanPlan, checksum: str, part: Range, result: Path
) -> CleanRecord:
    begin = time.monotonic()
    remove(result)
    result.mkdir()
    voxels, parameters = plan.voxels(folder), plan.clean_up.parameters
    depth = plan.shape[0]
    # The slice after the last one shows which objects go on in the next range.
    after = min(part.last + (plan.min_voxels > 1), depth)
    reach = reach_of(parameters)
    low, high = max(0, part.first - reach), min(depth, after + reach)
    labels = np.array(voxels[low:high])
    own = slice(part.first - low, part.last - low)
    before = count_labels(labels[own])
    with ExitStack() as stack:
        mask = _mask(job, folder, plan, (low, high), stack)
        steps = clean_slab(labels, own, parameters, mask=mask)
    write_layers(result / CLEANED, plan.shape, part.first, labels[own])
    if plan.min_voxels > 1:
        write_numbered(result, number_slices(labels[own.start : after - low], part.depth))
    return CleanRecord(
        plan=checksum,
        first=part.first,
        depth=part.depth,
        checksums={CLEANED: checksums_of(labels[own])},
        sources=[],
        seconds=round(time.monotonic() - begin, 3),
        computer=platform.node(),
        before=before,
        steps=steps,
    )


def _mask(
    job: CleanRange, folder: RangesFolder, plan: CleanPlan, slices: tuple[int, int], stack: ExitStack
) -> Volume | None:
    if plan.clean_up.auto_mask:
        return VolumeView(stack.enter_context(open_volume(folder.store(MASK))), slices)
    if plan.mask is None:
        return None
    path = job.mask or Path(plan.mask.path)
    volume = stack.enter_context(open_volume(path))
    plan.mask.check(KnownInput.of(path, volume))
    return VolumeView(volume, slices)


def finish_cleaning(path: Path, progress: Progress | None = None) -> CleanResult:
    """Join the ranges of a plan: take away small objects and the border, write, and remove the folder.

    The labels and the numbers of each step are those of ``clean_file``.

    Raises
    ------
    RangesMissing
        If ranges are missing or damaged.
    InputChangedError
        If the labels were changed since the plan was made.
    UserError
        If the output cannot be written; the ranges are kept.
    Cancelled
        If the job was cancelled through ``progress``; the ranges are kept.
    """
    folder = RangesFolder(path)
    plan, _ = folder.read_plan(CleanPlan)
    job = plan.job()
    check_places(folder, plan)

    def joined(
        labels: NDArray[np.uint8], counter: Progress
    ) -> tuple[CleanReport, tuple[str, ...], tuple[str, ...]]:
        return join_cleaning(path, labels, counter)

    with ExitStack() as stack:
        stack.callback(FolderLock(path).release, remove=True)
        all_cleaned(path)
        with open_volume(job.labels) as labels:
            plan.labels.check(KnownInput.of(job.labels, labels))
        result = clean_file(job, progress, cleaned_by=joined)
    folder.discard()
    return result


def all_cleaned(path: Path) -> tuple[RangesFolder, CleanPlan, list[CleanRecord]]:
    """Return the records of all ranges of a plan; raises RangesMissing where some are not finished."""
    folder = RangesFolder(path)
    plan, checksum = folder.read_plan(CleanPlan)
    plan.check_program()
    return folder, plan, all_records(folder, plan, checksum, CleanRecord)


def join_cleaning(
    path: Path, labels: NDArray[np.uint8], progress: Progress
) -> tuple[CleanReport, tuple[str, ...], tuple[str, ...]]:
    """Replace labels (z, y, x), from which the ranges were planned, by what is left of them.

    Returns
    -------
    report, notes, warnings
        As of ``run_clean_up``.

    Raises
    ------
    RangesMissing
        If ranges are missing or damaged.
    InputChangedError
        If these are other labels.
    """
    folder, plan, records = all_cleaned(path)
    plan.check_copy(folder, labels)
    with open_volume(folder.store(CLEANED)) as image:
        check_images(folder, plan, records, {CLEANED: image}, Progress())
        report = _join(folder, plan, records, image, labels, progress)
    return report, tuple(plan.mask_notes), tuple(plan.mask_warnings)


def _join(
    folder: RangesFolder,
    plan: CleanPlan,
    records: list[CleanRecord],
    image: Volume,
    labels: NDArray[np.uint8],
    progress: Progress,
) -> CleanReport:
    """Fill ``labels`` with what is left after all steps, and say what each of them did."""
    before = sum(record.before for record in records)
    each = zip(*(record.steps for record in records), strict=True)
    local = [(sum(n for n, _ in step), sum(seconds for _, seconds in step)) for step in each]
    steps: list[CleanStepResult] = []
    voxels = before
    for stage in stages_of(plan.clean_up.parameters, plan.shape, masked=plan.masked)[1:]:
        begin, found, removed = time.perf_counter(), None, None
        if stage.work is Work.SMALL_OBJECTS:
            if plan.min_voxels <= 1:
                continue  # less than a voxel
            found, removed, after = _without_small(folder, plan, image, labels, progress)
            seconds = time.perf_counter() - begin
        elif stage.work is Work.CROP:
            if plan.min_voxels <= 1:
                _fill(plan, image, labels, progress)
            crop_borders(labels, plan.clean_up.parameters.crop, progress)
            after, seconds = count_labels(labels), time.perf_counter() - begin
        else:
            after, seconds = local.pop(0)
        steps.append(CleanStepResult(stage.name, voxels, after, seconds, found, removed))
        voxels = after
    if plan.min_voxels <= 1 and not any(plan.clean_up.parameters.crop):
        _fill(plan, image, labels, progress)
    return CleanReport(labels, before, voxels, tuple(steps))


def _fill(plan: CleanPlan, image: Volume, labels: NDArray[np.uint8], progress: Progress) -> None:
    for box in walk(plan.shape, labels, progress=progress, slices=LAYER_SLICES):
        labels[box.slices] = image.read(box)


def _without_small(
    folder: RangesFolder, plan: CleanPlan, image: Volume, labels: NDArray[np.uint8], progress: Progress
) -> tuple[int, int, int]:
    """Fill ``labels`` but for small objects; returns objects found and removed, and voxels left."""
    parts = [read_numbered(folder.final(part.number)) for part in plan.ranges]
    numbers, sizes = join_slices(parts)
    stays = sizes >= plan.min_voxels
    del parts
    progress.begin(plan.shape[0], "small objects")
    left = 0
    for part, objects in zip(plan.ranges, numbers, strict=True):
        last = min(part.last + 1, plan.shape[0])
        here = image.read(Box.slab(part.first, last, plan.shape))
        own = here[: part.depth]
        local = np.empty(own.shape, np.uint32)
        number_slices(here, part.depth, local)
        own[~np.concatenate([[True], stays[objects - 1]])[local]] = 0
        labels[part.first : part.last] = own
        left += count_labels(own)
        progress.step(part.depth)
    return len(sizes), int(np.count_nonzero(~stays)), left
