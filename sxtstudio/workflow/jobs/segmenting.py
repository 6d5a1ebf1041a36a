"""From a tomogram file to a verified label file: segment, clean up, export, report."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.checked_volume import InputChangedError
from sxtstudio.core.cleanup import CleanReport
from sxtstudio.core.errors import SliceBase, UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.pace import Work
from sxtstudio.core.polarity import Value
from sxtstudio.core.progress import Progress
from sxtstudio.core.reserved import create_array
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.volume import ArrayVolume, Volume, VoxelSize
from sxtstudio.io import ExportReceipt, FileVolume, export_volume, open_volume
from sxtstudio.io.place import Place
from sxtstudio.segment import Segmentation, SegmentParameters, segment
from sxtstudio.segment.checkpoint import forget
from sxtstudio.segment.keeper import RunnerKeeper
from sxtstudio.segment.parameters import SegmentationFacts
from sxtstudio.segment.registry import files_of_model
from sxtstudio.workflow.document.views import VolumeView, notes_of
from sxtstudio.workflow.jobs.cleaning import (
    CleanUp,
    check_clean_up,
    check_mask,
    clean_up_stage,
    mask_for,
    run_clean_up,
)
from sxtstudio.workflow.jobs.inspecting import labels_text, tilt_series_text
from sxtstudio.workflow.jobs.outputs import VOLUME_SUFFIXES, OutputFile, check_outputs, check_space
from sxtstudio.workflow.jobs.report import segment_report, write_report
from sxtstudio.workflow.jobs.unchanged import KnownInput
from sxtstudio.workflow.jobs.worker_mark import forget_dead

Pixels = NDArray[np.uint8]
Notes = tuple[str, ...]
OnSlice = Callable[[int, Pixels, int, int], None]
CLEANED = "cleaned.raw"


@dataclass(frozen=True)
class SegmentJob:
    """One run of ``sxtstudio segment``.

    Attributes
    ----------
    tomogram, output
        The input, and the label file that is written.
    parameters
        Of the segmentation.
    clean_up
        What is done to the labels before they are written.
    probability
        Also write the network's output, which ``parameters`` must keep, to this file.
    resume
        True goes on from the slices that an interrupted run left, False discards them, None
        refuses to start where there are any.
    report
        Also write a JSON report to this file.
    voxel_nm
        Voxel size (z, y, x) in nm, where that of the file is missing or wrong.
    force
        Segment what looks like a tilt series, too.
    """

    tomogram: Path
    output: Path
    parameters: SegmentParameters
    clean_up: CleanUp = field(default_factory=CleanUp)
    probability: Path | None = None
    resume: bool | None = None
    report: Path | None = None
    voxel_nm: VoxelSize | None = None
    force: bool = False

    def __post_init__(self) -> None:
        """Check that what is to be written is also made."""
        if self.probability is not None and not self.parameters.probability:
            raise ValueError("the network's output is to be written, but the parameters do not keep it")


class LooksLikeTiltSeries(UserError):
    """What is to be segmented seems to be projections rather than a tomogram."""


@dataclass(frozen=True)
class SegmentResult:
    """What was found and written; ``report`` is the JSON report, whether it was written or not."""

    segmentation: SegmentationFacts
    clean_up: CleanReport | None
    labels: ExportReceipt
    probability: ExportReceipt | None
    report: dict[str, Any]
    input_notes: tuple[str, ...] = ()
    clean_up_notes: tuple[str, ...] = ()

    def notes_counted_from(self, first: SliceBase) -> tuple[str, ...]:
        """Return all notes, with the first slice as number 0 or 1."""
        return (*self.input_notes, *self.segmentation.notes_counted_from(first), *self.clean_up_notes)


def partial_folder(output: Path) -> Path:
    """Return the folder in which the finished slices of ``output`` are kept until it is written."""
    return output.with_name(output.name + ".partial")


def segment_file(
    job: SegmentJob,
    progress: Progress | None = None,
    on_slice: OnSlice | None = None,
    keeper: RunnerKeeper | None = None,
) -> SegmentResult:
    """Segment a tomogram file and write its labels.

    Parameters
    ----------
    job
        Files and parameters.
    progress
        Counts the whole job; its cancel leaves the finished slices in ``partial_folder(output)``.
    on_slice
        Called for every finished slice, those of an interrupted run included, with its index in the
        tomogram, its labels (y, x), and the numbers of finished and of all slices.
    keeper
        Keeps the network for the next job.

    Returns
    -------
    SegmentResult
        What was found, and the receipts of the verified outputs.

    Raises
    ------
    UserError
        If the input or a parameter is bad, an output cannot be written, there are slices of an
        interrupted run and ``job.resume`` is None, or an input was changed or replaced meanwhile. Existing
        outputs are then as they were.
    LooksLikeTiltSeries
        If the input is projections and not ``job.force``.
    Cancelled
        If the job was cancelled through ``progress``.
    """
    progress = progress or Progress()
    check_outputs(outputs_of(job), inputs_of(job))
    seconds: dict[str, float] = {}
    with ExitStack() as stack:
        source = open_source(job, stack)
        stages = Stages(
            progress,
            [Stage(Work.SEGMENT, math.prod(source.shape), "segmenting"), *last_stages(job, source.shape)],
        )
        with _timed(seconds, "segmentation"), stages.stage(Work.SEGMENT) as counter:
            found = _segment(job, source, counter, on_slice, keeper)
        stack.callback(found.close)
        cleaned: CleanReport | None = None
        notes: Notes = ()
        if job.clean_up.wanted:
            with _timed(seconds, "clean-up"), stages.stage(Work.CLEAN_UP) as counter:
                cleaned, notes = clean_labels(
                    job,
                    source,
                    found.labels.array,
                    # Not in place: an interrupted clean-up must not spoil the finished slices.
                    create_array(found.checkpoint.folder / CLEANED, source.shape, "write to another disk"),
                    found.polarity.value,
                    counter,
                )
        try:
            check_unchanged(job, source, found.sources)
        except InputChangedError:
            found.discard()
            raise
        with _timed(seconds, "writing"):
            labels = found.labels if cleaned is None else ArrayVolume(cleaned.labels, source.voxel_nm)
            receipt, probability = write_results(job, source, labels, found.probability, stages)
        receipts = [receipt] if probability is None else [receipt, probability]
        report = segment_report(job, source.tomogram, source.voxel_nm, found, cleaned, receipts, seconds)
        report["notes"] += notes
        if source.labels is not None:
            report["warnings"].append(source.labels)
        if job.report:
            write_report(job.report, report)
        found.discard()
        forget_dead(job.output)
    input_notes = notes_of(source.tomogram.volume, job.voxel_nm)
    return SegmentResult(found, cleaned, receipt, probability, report, tuple(input_notes), tuple(notes))


def last_stages(job: SegmentJob, shape: Triple) -> list[Stage]:
    """List what is to be done with labels of ``shape`` after the segmentation, for what it will take."""
    voxels = math.prod(shape)
    stages = []
    if job.clean_up.wanted:
        stages.append(clean_up_stage(job.clean_up, shape, polarity_known=True))
    return stages + [Stage(Work.EXPORT, voxels, "writing")] * (2 if job.probability else 1)


@dataclass(frozen=True)
class SegmentationInput:
    """An opened tomogram and what of it is segmented; the mask lies over these slices.

    ``labels`` is what to say if it looks like labels.
    """

    tomogram: KnownInput
    slices: tuple[int, int]
    voxel_nm: VoxelSize | None
    mask: Volume | None
    mask_file: KnownInput | None
    labels: str | None = None

    @property
    def file(self) -> FileVolume:
        """The tomogram's file."""
        return self.tomogram.volume

    @property
    def shape(self) -> Triple:
        """Of the slices that are segmented, (z, y, x)."""
        return (self.slices[1] - self.slices[0], *self.file.shape[1:])

    @property
    def place(self) -> Place:
        """Where the first of these slices lies."""
        return self.file.place.moved(self.slices[0], self.voxel_nm)


def open_source(job: SegmentJob, stack: ExitStack) -> SegmentationInput:
    """Open the inputs and check all that can be checked before the work begins."""
    file = stack.enter_context(open_volume(job.tomogram))
    if file.tilt_series and not job.force:
        raise LooksLikeTiltSeries(tilt_series_text(file))
    slices = job.parameters.checked(file.shape[0])
    mask, mask_file = None, None
    if job.clean_up.mask:
        opened = stack.enter_context(open_volume(job.clean_up.mask))
        mask, mask_file = mask_for(opened, file.shape, slices), KnownInput.of(job.clean_up.mask, opened)
        check_mask(mask, job.clean_up.mask)
    tomogram = KnownInput.of(job.tomogram, file)
    source = SegmentationInput(
        tomogram, slices, job.voxel_nm or file.voxel_nm, mask, mask_file, labels_text(file)
    )
    check_clean_up(job.clean_up, source.shape, source.voxel_nm)
    _check_disk(job, source.shape)
    return source


def _segment(
    job: SegmentJob,
    source: SegmentationInput,
    progress: Progress,
    on_slice: OnSlice | None,
    keeper: RunnerKeeper | None,
) -> Segmentation:
    work = partial_folder(job.output)
    total = source.shape[0]
    finished = 0

    def count(z: int, labels: Pixels) -> None:
        nonlocal finished
        finished += 1
        if on_slice is not None:
            on_slice(z, labels, finished, total)

    try:
        return segment(
            source.file,
            job.parameters,
            work,
            resume=job.resume,
            progress=progress,
            on_slices=count,
            keeper=keeper,
        )
    except UserError as error:
        try:
            source.tomogram.check()  # why it cannot be read, where somebody writes to it
        except InputChangedError:
            with suppress(UserError):
                forget(work)
            raise
        if source.labels is not None and type(error) is UserError:
            raise UserError(f"{error.text} {source.labels}", slices=error.slices) from error
        raise


def check_unchanged(job: SegmentJob, source: SegmentationInput, read: Mapping[int, int]) -> None:
    """Raise InputChangedError if an input is not what it was; ``read`` holds the CRC-32 of slices read.

    Labels of slices of two tomograms, or with the mask of another, are of no use to anybody.
    """
    source.tomogram.check(read, lambda: open_volume(job.tomogram))
    if source.mask_file is not None:
        source.mask_file.check()


def clean_labels(
    job: SegmentJob,
    source: SegmentationInput,
    labels: Pixels,
    out: Pixels,
    polarity: Value,
    progress: Progress,
) -> tuple[CleanReport, Notes]:
    """Clean the labels of the segmented slices into ``out``; returns what was done, and notes of the mask."""
    report, notes, _ = run_clean_up(  # of the polarity, the segmentation warns itself
        labels,
        job.clean_up,
        out=out,
        voxel_nm=source.voxel_nm,
        mask=source.mask,
        tomogram=VolumeView(source.file, source.slices),
        polarity=polarity,
        progress=progress,
    )
    return report, notes


def write_results(
    job: SegmentJob, source: SegmentationInput, labels: Volume, probability: Volume | None, stages: Stages
) -> tuple[ExportReceipt, ExportReceipt | None]:
    """Write labels, and probabilities if they are wanted, at their place in space."""

    def export(path: Path, volume: Volume, kind: Literal["labels", "probability"]) -> ExportReceipt:
        with stages.stage(Work.EXPORT) as counter:
            return export_volume(
                path,
                volume,
                voxel_nm=source.voxel_nm,
                place=source.place,
                kind=kind,
                progress=counter,
            )

    written = None
    if job.probability and probability is not None:
        written = export(job.probability, probability, "probability")
    return export(job.output, labels, "labels"), written


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    begin = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - begin


def outputs_of(job: SegmentJob) -> list[OutputFile]:
    """Return the files that a job writes."""
    outputs = [OutputFile(job.output, "labels", VOLUME_SUFFIXES)]
    if job.probability:
        outputs.append(OutputFile(job.probability, "probabilities", VOLUME_SUFFIXES))
    if job.report:
        outputs.append(OutputFile(job.report, "a report", (".json",)))
    return outputs


def inputs_of(job: SegmentJob) -> list[Path | None]:
    """Return the files that a job reads; a report must not be called like the model's card, either."""
    return [job.tomogram, job.clean_up.mask, *files_of_model(job.parameters.model)]


def _check_disk(job: SegmentJob, shape: Triple) -> None:
    """At most a byte per voxel each for finished slices, cleaned labels and the label file."""
    voxels = math.prod(shape)
    needed = (2 + job.clean_up.wanted) * voxels
    if job.probability:
        # MRC holds these values in two bytes.
        needed += 3 * voxels
        check_space(job.probability.parent, 2 * voxels)
    # What an interrupted run has taken is gone on with, or freed.
    check_space(job.output.parent, max(0, needed - _taken(partial_folder(job.output))))


def _taken(folder: Path) -> int:
    """Return the bytes that the files of a folder take on the disk; those of holes are still free."""
    taken = 0
    with suppress(OSError):
        for path in folder.iterdir():
            facts = path.lstat()
            taken += min(facts.st_size, facts.st_blocks * 512) if sys.platform != "win32" else facts.st_size
    return taken
