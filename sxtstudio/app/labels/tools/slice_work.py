"""Work on whole slices: interpolate between them, clear one, clear all."""

from __future__ import annotations

import numpy as np

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.labels.tools.tool import labels_of
from sxtstudio.app.labels.tools.work import start
from sxtstudio.app.objects.tools import work
from sxtstudio.core.edit_kind import EditKind, Target
from sxtstudio.core.edits import Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.interpolation import interpolate_slices, nearest_gap
from sxtstudio.core.planes import IN_PLANE
from sxtstudio.core.walk import walk
from sxtstudio.core.wording import slice_number


def interpolate(
    context: Context, target: Target, axis: int, first: int, last: int, *, only_here: bool = False
) -> None:
    """Fill in the slices between two labelled ones, in a job.

    Parameters
    ----------
    target
        "labels" or "mask".
    axis
        The slices are perpendicular to this axis of (z, y, x).
    only_here
        Continue only the shapes at the crosshair.
    """
    session = context.session
    labels = labels_of(session, target)
    row, column = (session.cursor[own] for own in IN_PLANE[axis])
    at = (row, column) if only_here else None

    def work(job: Job, recorder: Recorder) -> None:
        interpolate_slices(labels, axis, first, last, at=at, recorder=recorder, progress=job.progress)

    start(
        context,
        EditKind.INTERPOLATE,
        target,
        work,
        lambda _: f"Filled in between the slices {slice_number(first)} and {slice_number(last)}",
        axis="zyx"[axis],
        first=first,
        last=last,
        at=at,
    )


def interpolate_nearest(context: Context, target: Target, axis: int = 0) -> None:
    """Fill in the empty slices that are nearest to the crosshair, in a job; of objects for the chosen one."""
    session = context.session
    if target == "objects":
        work.interpolate(context, axis)
        return
    labels = labels_of(session, target)
    around = session.cursor[axis]

    def fill_in(job: Job, recorder: Recorder) -> None:
        gap = nearest_gap(labels, axis, around, progress=job.progress)
        if gap is None:
            raise UserError(
                "There are no empty slices between labelled ones nearby. Draw the shape on two slices that "
                "are some slices apart, then interpolate."
            )
        interpolate_slices(labels, axis, *gap, recorder=recorder, progress=job.progress)

    start(
        context,
        EditKind.INTERPOLATE,
        target,
        fill_in,
        lambda _: "The empty slices are filled in",
        axis="zyx"[axis],
        around=around,
    )


def clear_slice(context: Context, target: Target, axis: int = 0) -> None:
    """Erase the slice at the crosshair."""
    session = context.session
    labels = labels_of(session, target)
    z, y, x = labels.shape
    low, high = [0, 0, 0], [z, y, x]
    low[axis], high[axis] = session.cursor[axis], session.cursor[axis] + 1
    box = Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))
    parameters = {"axis": "zyx"[axis], "slice": session.cursor[axis]}
    with session.edit(EditKind.CLEAR_SLICE, target, **parameters) as recorder:
        recorder.write(box, np.zeros(box.shape, np.uint8))


def clear_all(context: Context, target: Target) -> None:
    """Erase all labels, in a job."""
    labels = labels_of(context.session, target)
    z, y, x = labels.shape

    def work(job: Job, recorder: Recorder) -> None:
        for box in walk((z, y, x), recorder.labels, progress=job.progress):
            recorder.write(box, np.zeros(box.shape, np.uint8))

    start(
        context,
        EditKind.CLEAR,
        target,
        work,
        lambda _: "Everything is erased; Undo brings it back",
    )
