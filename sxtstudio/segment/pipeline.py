"""Segment a tomogram: reading, inference and writing side by side, finished slices safe on disk."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from pathlib import Path

from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume
from sxtstudio.segment.job import prepare
from sxtstudio.segment.parameters import Segmentation, SegmentParameters
from sxtstudio.segment.slices import Pixels

OnSlices = Callable[[int, Pixels], None]


def segment(
    volume: Volume,
    parameters: SegmentParameters,
    work_dir: Path,
    *,
    resume: bool | None = None,
    progress: Progress | None = None,
    on_slices: OnSlices | None = None,
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
    job = prepare(volume, parameters, progress)
    checkpoint = job.checkpoint(Path(work_dir), resume)
    with checkpoint.closed_on_error():
        for done in chain(job.earlier(checkpoint, progress), job.compute(checkpoint, progress)):
            job.count(done)
            if on_slices is not None:
                on_slices(done.z, done.labels)
        job.refuse_if_all_blank(checkpoint)
        return job.result(checkpoint)
