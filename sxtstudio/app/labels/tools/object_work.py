"""Work on whole objects: small ones are done at once, large ones in a job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job, JobKind
from sxtstudio.app.labels.tools.tool import labels_of
from sxtstudio.app.labels.tools.work import start
from sxtstudio.app.session import Selection
from sxtstudio.app.slice_preview import Labels
from sxtstudio.core.edit_kind import EditKind, Target
from sxtstudio.core.edits import Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.object_edits import (
    Cut,
    count_pieces,
    cut_object,
    delete_object,
    keep_object,
    merge_objects,
)
from sxtstudio.core.objects_at import FoundObject, Part, object_at, object_slabs, parts_of, slabs_of
from sxtstudio.core.progress import Progress
from sxtstudio.core.wording import grouped, share

# Objects within a window of this size are found (and changed) without anybody noticing a delay.
QUICK_VOXELS = 2_000_000
_QUICK_MERGE_VOXELS = 60_000
# Where an object is larger than this window, it is changed slab by slab instead of being held in memory.
_WINDOW_VOXELS = 50_000_000


def select_object(context: Context, seed: Triple, *, say: bool = True) -> None:
    """Highlight the label object at a voxel; where there is none, nothing is highlighted any more.

    A large object is searched for in a job. The search ends when another object is picked, and when labels
    change, so that what is highlighted is always what was picked last, as it is now.

    Parameters
    ----------
    seed
        Voxel (z, y, x).
    say
        Whether the status bar shows the object's size; not where it asks for the next click.
    """
    for job in context.jobs.running:
        if job.kind is JobKind.PICKING:
            job.cancel()
    session = context.session
    labels = session.labels_of("labels")
    if labels is None or not _labelled(labels, seed):
        session.select(None)
        return
    found = object_at(labels, seed, limit_voxels=QUICK_VOXELS)
    if found is None or found.complete:
        _show(context, found, say)
        return

    def done(larger: FoundObject | None) -> None:
        if not search.progress.cancelled:  # the cancel may have come after the last look at it
            _show(context, larger, say)

    work = partial(object_at, labels, seed)
    search = context.jobs.start(
        "Find the object", lambda job: work(progress=job.progress), on_done=done, kind=JobKind.PICKING
    )
    session.labels_changed.connect(search.cancel)
    session.document_changed.connect(search.cancel)


def _show(context: Context, found: FoundObject | None, say: bool) -> None:
    if found is None:
        context.session.select(None)
        return
    selection = Selection(found.seed, found.box, found.where, found.voxels, found.complete)
    context.session.select(selection)
    text = f"Object of {grouped(found.voxels)} voxels"
    document = context.session.document
    every = 0 if document is None else document.voxels("labels")
    if found.complete and every:
        text += f", {share(found.voxels / every)} of all labels"
    if not found.complete:
        text += "; it is larger, but only the part around the click is highlighted"
    if say:
        context.session.remark(text)


def delete(context: Context, target: Target, seed: Triple) -> None:
    """Delete the object at a voxel."""
    _change(
        context, EditKind.DELETE_OBJECT, target, seed, lambda recorder, parts: delete_object(recorder, parts)
    )


def keep_only(context: Context, target: Target, seed: Triple) -> None:
    """Delete everything but the object at a voxel; in a job, since all slices are looked at."""
    labels = _labels(context, target, seed)

    def work(job: Job, recorder: Recorder) -> int:
        found = object_at(labels, seed, limit_voxels=_WINDOW_VOXELS, progress=job.progress)
        if found is None or not found.complete:
            return keep_object(recorder, object_slabs(labels, seed, progress=job.progress))
        z, y, x = labels.shape
        return keep_object(recorder, _counted(slabs_of(found, (z, y, x)), z, job.progress))

    start(
        context,
        EditKind.KEEP_OBJECT,
        target,
        work,
        lambda gone: f"{grouped(gone)} voxels erased",
        voxel=seed,
    )


def cut(context: Context, target: Target, seed: Triple, line: Cut) -> None:
    """Cut the object at a voxel along a line."""
    parameters = {
        "axis": "zyx"[line.axis],
        "from": [round(value, 1) for value in line.start],
        "to": [round(value, 1) for value in line.end],
        "width_px": line.width_px,
    }

    def change(recorder: Recorder, parts: Iterator[Part]) -> int:
        return cut_object(recorder, parts, line)

    _change(context, EditKind.CUT_OBJECT, target, seed, change, count=True, **parameters)


def merge(context: Context, target: Target, first: Triple, second: Triple) -> None:
    """Join the objects at two voxels by a bridge as thick as the brush."""
    session = context.session
    labels = _labels(context, target, first)
    _labels(context, target, second)
    document = session.document
    assert document is not None
    join = partial(merge_objects, diameter_px=session.tool.value.brush_px, voxel_nm=document.voxel_nm)
    parameters = {"first": list(first), "second": list(second), "diameter_px": session.tool.value.brush_px}
    pair = [object_at(labels, seed, limit_voxels=QUICK_VOXELS) for seed in (first, second)]
    if all(found is not None and found.complete and found.voxels < _QUICK_MERGE_VOXELS for found in pair):
        with session.edit(EditKind.MERGE_OBJECTS, target, **parameters) as recorder:
            join(recorder, *pair)  # type: ignore[arg-type]
        return

    def work(job: Job, recorder: Recorder) -> None:
        larger = [object_at(labels, seed, progress=job.progress) for seed in (first, second)]
        job.progress.check()
        join(recorder, *larger)  # type: ignore[arg-type]

    start(
        context, EditKind.MERGE_OBJECTS, target, work, lambda _: "The two objects are one now", **parameters
    )


def _change(
    context: Context,
    kind: EditKind,
    target: Target,
    seed: Triple,
    change: Callable[[Recorder, Iterator[Part]], int],
    *,
    count: bool = False,
    **parameters: object,
) -> None:
    """Change the object at a voxel: at once if it is small, else in a job."""
    labels = _labels(context, target, seed)
    session = context.session
    found = object_at(labels, seed, limit_voxels=QUICK_VOXELS)
    if found is not None and found.complete:
        with session.edit(kind, target, voxel=list(seed), **parameters) as recorder:
            gone = change(recorder, parts_of(found))
        session.message.emit(_size_text(gone, count_pieces(labels, found) if count else None))
        return

    def work(job: Job, recorder: Recorder) -> tuple[int, int | None]:
        whole = object_at(labels, seed, limit_voxels=_WINDOW_VOXELS, progress=job.progress)
        if whole is not None and whole.complete:
            gone = change(recorder, _counted(parts_of(whole), whole.box.shape[0], job.progress))
            return gone, count_pieces(labels, whole) if count else None
        return change(recorder, object_slabs(labels, seed, progress=job.progress)), None

    start(context, kind, target, work, lambda result: _size_text(*result), voxel=list(seed), **parameters)


def _size_text(gone: int, pieces: int | None) -> str:
    if pieces == 1:
        return "The object is still in one piece. Draw the line all the way across it."
    if pieces == 0:
        return (
            f"The object was narrower than the cut and is gone ({grouped(gone)} voxels). Undo brings it back."
        )
    return f"{grouped(gone)} voxels erased" + (f"; the object is in {pieces} pieces now" if pieces else "")


def _counted(parts: Iterator[Part], slices: int, progress: Progress) -> Iterator[Part]:
    """Move the bar with each part."""
    progress.begin(slices, "changing the slices")
    for box, where in parts:
        yield box, where
        progress.step(box.shape[0])


def _labels(context: Context, target: Target, seed: Triple) -> Labels:
    """Return the labels that have an object at ``seed``."""
    labels = labels_of(context.session, target)
    if not _labelled(labels, seed):
        raise UserError("There is no label under the pointer. Click on the object itself.")
    return labels


def _labelled(labels: Labels, seed: Triple) -> bool:
    inside = all(0 <= s < n for s, n in zip(seed, labels.shape, strict=True))
    return inside and bool(np.any(labels[seed]))
