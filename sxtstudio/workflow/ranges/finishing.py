"""Finishing a segmentation in ranges: are all of them there and as they were written? Then as one process."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sxtstudio.core.cleanup import CleanReport
from sxtstudio.core.lock import FolderLock
from sxtstudio.core.pace import Work
from sxtstudio.core.progress import Progress
from sxtstudio.core.reserved import create_array
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.volume import ArrayVolume, Volume
from sxtstudio.core.walk import walk
from sxtstudio.io import open_volume
from sxtstudio.io.zarr_layers import LAYER_SLICES
from sxtstudio.segment.parameters import SegmentParameters
from sxtstudio.workflow.document.views import notes_of
from sxtstudio.workflow.jobs.outputs import check_outputs
from sxtstudio.workflow.jobs.report import segment_report, write_report
from sxtstudio.workflow.jobs.segmenting import (
    Notes,
    SegmentationInput,
    SegmentJob,
    SegmentResult,
    check_unchanged,
    clean_labels,
    inputs_of,
    last_stages,
    open_source,
    outputs_of,
    write_results,
)
from sxtstudio.workflow.ranges.clean_up import clean_up_folder, is_plan
from sxtstudio.workflow.ranges.cleaning import join_cleaning
from sxtstudio.workflow.ranges.folder import CLEANED, RangesFolder
from sxtstudio.workflow.ranges.places import check_places
from sxtstudio.workflow.ranges.running import all_records, check_images
from sxtstudio.workflow.ranges.segment_plan import LABELS, PROBABILITY, SegmentPlan
from sxtstudio.workflow.ranges.segment_records import SegmentRecord, facts_of


def finish_segmentation(
    path: Path,
    progress: Progress | None = None,
    *,
    tomogram: Path | None = None,
    model: str | Path | None = None,
    parameters: SegmentParameters | None = None,
) -> SegmentResult:
    """Join the ranges of a plan: clean up, write labels, probabilities and report, and remove the folder.

    Labels, figures and report are those of ``segment_file``, but for times and computers; under "ranges" the
    report says what was done where.

    Parameters
    ----------
    path
        The folder of the plan.
    progress
        Counts the whole job.
    tomogram, model
        Where these lie on this computer, if not where the plan says.
    parameters
        As they were asked for on this computer, for the report; else as the plan has them.

    Raises
    ------
    RangesMissing
        If ranges are missing or damaged.
    InputChangedError
        If the tomogram was changed since the plan was made.
    UserError
        If an input cannot be used, or an output cannot be written; the ranges are kept.
    Cancelled
        If the job was cancelled through ``progress``; the ranges are kept.
    """
    progress = progress or Progress()
    folder = RangesFolder(path)
    plan, checksum = folder.read_plan(SegmentPlan)
    plan.check_program()
    check_places(folder, plan)
    job = plan.job(tomogram, model)
    check_outputs(outputs_of(job), inputs_of(job))
    with ExitStack() as stack:
        stack.callback(FolderLock(path).release, remove=True)
        records = all_records(folder, plan, checksum, SegmentRecord)
        facts = facts_of(plan, plan.check_model(model), records)
        facts = replace(facts, parameters=parameters or facts.parameters)
        source = open_source(job, stack)
        plan.tomogram.check(source.tomogram)
        voxels = math.prod(source.shape)
        stages = Stages(
            progress, [Stage(Work.COPY, voxels, "checking the ranges"), *last_stages(job, source.shape)]
        )
        images: dict[str, Volume] = {
            image: stack.enter_context(open_volume(folder.store(image))) for image in plan.names
        }
        with stages.stage(Work.COPY) as counter:
            check_images(folder, plan, records, images, counter)
        plan.tomogram.check_slices(source.tomogram, records, progress)
        seconds = {"segmentation": sum(record.seconds for record in records)}
        cleaned: CleanReport | None = None
        notes: Notes = ()
        labels = images[LABELS]
        if job.clean_up.wanted:
            with _timed(seconds, "clean-up"), stages.stage(Work.CLEAN_UP) as counter:
                cleaned, notes = _clean(job, source, labels, folder, plan, counter)
            labels = ArrayVolume(cleaned.labels, source.voxel_nm)
        check_unchanged(job, source, facts.sources)
        with _timed(seconds, "writing"):
            receipt, probability = write_results(job, source, labels, images.get(PROBABILITY), stages)
        receipts = [receipt] if probability is None else [receipt, probability]
        report = segment_report(job, source.tomogram, source.voxel_nm, facts, cleaned, receipts, seconds)
        report["notes"] += notes
        report["ranges"] = [_entry(plan, record) for record in records]
        if job.report:
            write_report(job.report, report)
        input_notes = notes_of(source.tomogram.volume, job.voxel_nm)
    folder.discard()
    return SegmentResult(facts, cleaned, receipt, probability, report, tuple(input_notes), tuple(notes))


def _clean(
    job: SegmentJob,
    source: SegmentationInput,
    labels: Volume,
    folder: RangesFolder,
    plan: SegmentPlan,
    progress: Progress,
) -> tuple[CleanReport, Notes]:
    out = create_array(folder.path / CLEANED, source.shape, "write to another disk")
    parts = clean_up_folder(folder.path)
    for box in walk(source.shape, out, slices=LAYER_SLICES):
        progress.check()
        out[box.slices] = labels.read(box) != 0  # as labels of a file are copied
    if is_plan(parts):
        report, notes, _ = join_cleaning(parts, out, progress)
        return report, notes
    return clean_labels(job, source, out, out, plan.polarity.value, progress)


def _entry(plan: SegmentPlan, record: SegmentRecord) -> dict[str, Any]:
    """Return what the report says of a range; its slices are counted as those of the tomogram, from 0."""
    first = plan.slices[0] + record.first
    return {
        "slices": [first, first + record.depth],
        "kept_from_earlier_attempt": record.kept,
        "computer": record.computer,
        "device": record.device,
        "seconds": record.seconds,
    }


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    begin = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - begin
