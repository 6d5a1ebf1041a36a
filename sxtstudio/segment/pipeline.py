"""Segment a tomogram: reading, inference and writing side by side, finished slices safe on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from sxtstudio.core.pace import Work
from sxtstudio.core.progress import Progress
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.volume import Volume
from sxtstudio.segment.job import SegmentationJob, prepare
from sxtstudio.segment.keeper import RunnerKeeper
from sxtstudio.segment.parameters import PartOf, Segmentation, SegmentParameters
from sxtstudio.segment.slices import Pixels

OnSlices = Callable[[int, Pixels], None]
OnBegun = Callable[[SegmentationJob], object]


def segment(
    volume: Volume,
    parameters: SegmentParameters,
    work_dir: Path,
    *,
    resume: bool | None = None,
    progress: Progress | None = None,
    on_slices: OnSlices | None = None,
    on_earlier: OnSlices | None = None,
    on_begun: OnBegun | None = None,
    keeper: RunnerKeeper | None = None,
    part_of: PartOf | None = None,
    others: Sequence[Path] = (),
) -> Segmentation:
    """Outline membranes in a tomogram.

    Parameters
    ----------
    volume
        The tomogram (z, y, x), of any dtype of real numbers.
    parameters
        What is asked for.
    work_dir
        Folder for the labels and the list of finished slices, made if need be. It survives a cancel
        and a crash, until ``Segmentation.discard``.
    resume
        True goes on with the finished slices in ``work_dir``, False discards them, None refuses where
        there are any.
    progress
        Counts the slices that are left to do. A cancel takes effect within about a second.
    on_slices
        Called with the index of a slice in the tomogram and its labels (y, x), 0 or 255, as soon as it
        is on disk; first for those of an interrupted run. It runs in the caller's thread.
    on_earlier
        Called in its place for the slices of an interrupted run.
    on_begun
        Called with what was decided, before the first slice of an interrupted run and before the first that
        is computed: only then the device is known for certain.
    keeper
        Keeps the network for the next tomogram; None loads it anew, and gives its memory back.
    part_of
        The whole segmentation where these slices are a part of it, so that they come out as in the whole.
    others
        Work folders of other runs, whose finished slices are copied where they fit.

    Returns
    -------
    Segmentation
        Labels and how they came about.

    Raises
    ------
    UserError
        If a parameter, the model or the tomogram is bad, the disk is full, the memory too small, or
        ``work_dir`` holds an interrupted run that does not fit; ``UndecidedError`` if it holds one and
        ``resume`` is None, ``InputChangedError`` if the tomogram has changed since slices were read.
    Cancelled
        If ``progress`` was cancelled; the finished slices stay in ``work_dir``.
    """
    progress = progress or Progress()
    depth, height, width = volume.shape
    looking_at = height * width if parameters.polarity == "auto" and part_of is None else 0
    stages = Stages(progress, (Stage(Work.POLARITY, looking_at), Stage(Work.SEGMENT, depth)))
    with stages.stage(Work.POLARITY) as looking:
        job = prepare(
            volume,
            parameters,
            looking,
            redraws=parameters.trust != "none",
            keeper=keeper,
            part_of=part_of,
            count_beads=True,
        )
    with (
        closing(job),
        (checkpoint := job.checkpoint(Path(work_dir), resume)).closed_on_error(),
        stages.stage(Work.SEGMENT) as counter,
    ):
        for other in others:
            checkpoint.adopt(other)
        for slices, report in (
            (job.earlier(checkpoint, counter), on_earlier or on_slices),
            (job.compute(checkpoint, counter), on_slices),
        ):
            for number, done in enumerate(slices):
                job.count(done)
                if number == 0 and on_begun is not None:
                    on_begun(job)
                if report is not None:
                    report(done.z, done.labels)
        job.refuse_if_all_blank(checkpoint)
        return job.result(checkpoint)
