"""Planning the segmentation of one tomogram in ranges, and what is left to do of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sxtstudio.core.atomic import publish_folder
from sxtstudio.core.errors import UserError
from sxtstudio.core.lock import FolderLock
from sxtstudio.core.polarity import chosen_polarity
from sxtstudio.core.progress import Progress
from sxtstudio.core.temporary import remove, temporary_name
from sxtstudio.io.export import suffix_of
from sxtstudio.io.zarr_layers import create_image
from sxtstudio.segment.checkpoint import explained, read_unfinished
from sxtstudio.segment.job import prepare
from sxtstudio.segment.registry import load_card
from sxtstudio.workflow.jobs.outputs import check_outputs
from sxtstudio.workflow.jobs.segmenting import SegmentJob, open_source, outputs_of
from sxtstudio.workflow.ranges.attempts import SLICES, Worker, attempts_at, worker_of
from sxtstudio.workflow.ranges.folder import NoPlan, RangesFolder
from sxtstudio.workflow.ranges.plan import LABELS, PROBABILITY, SegmentPlan, plan_of
from sxtstudio.workflow.ranges.records import RangeRecord
from sxtstudio.workflow.ranges.split import SLICES_PER_RANGE, Range, split

#: All images that such a folder may hold.
IMAGES = (LABELS, PROBABILITY)


@dataclass(frozen=True)
class RangeState:
    """A range: whether it is finished, and how many slices of it the best attempt has."""

    range: Range
    finished: bool
    slices_finished: int


@dataclass(frozen=True)
class RangesState:
    """A plan and what is done of it; ``first_slice`` of the tomogram is slice 0 of the ranges."""

    folder: Path
    output: Path
    first_slice: int
    ranges: tuple[RangeState, ...]

    @property
    def unfinished(self) -> tuple[int, ...]:
        """The numbers of the ranges that are left."""
        return tuple(one.range.number for one in self.ranges if not one.finished)


def ranges_folder(output: Path) -> Path:
    """Return the folder in which the ranges of ``output`` are kept until it is written."""
    return output.with_name(output.name + ".ranges")


def plan_segmentation(
    job: SegmentJob, slices_per_range: int = SLICES_PER_RANGE, progress: Progress | None = None
) -> RangesState:
    """Plan a segmentation in ranges: check the job, decide on the polarity, and make the folder.

    Parameters
    ----------
    job
        As for ``segment_file``. ``resume`` None or True goes on with the same plan if it was made before;
        False discards what is there.
    slices_per_range
        Is rounded up to whole layers of chunks.
    progress
        Of the look at the polarity.

    Returns
    -------
    RangesState
        Where it lies (``ranges_folder``), and which ranges are left.

    Raises
    ------
    UserError
        If the job cannot be done, or the folder holds another plan.
    """
    check_outputs(outputs_of(job), [job.tomogram, job.clean_up.mask])
    split(1, slices_per_range)  # refuses what makes no sense
    with ExitStack() as stack:
        source = open_source(job, stack)
        card = load_card(job.parameters.model)
        folder = RangesFolder(ranges_folder(job.output))
        with explained(folder.path):
            folder.path.mkdir(exist_ok=True)
        stack.callback(FolderLock(folder.path).release)
        undecided = plan_of(job, source, card, chosen_polarity("dark"), slices_per_range, [])
        if job.resume is False or not _is_planned(folder, undecided):
            folder.discard(IMAGES)
            with closing(prepare(source.file, job.parameters, progress or Progress())) as decided:
                plan = plan_of(job, source, card, decided.polarity, slices_per_range, decided.notes)
            source.tomogram.check()
            with explained(folder.path):
                make_images(folder, plan)
            folder.write_plan(plan)
    return read_state(folder.path)


def make_images(folder: RangesFolder, plan: SegmentPlan) -> None:
    """Make the images that all ranges write, where they are missing."""
    outputs = {LABELS: plan.output, PROBABILITY: plan.probability}
    for image in plan.images:
        store, output = folder.store(image), Path(outputs[image] or "")
        if store.is_dir():
            continue
        name = output.name[: -len(suffix_of(output))].removesuffix(".ome")
        new = temporary_name(store)
        create_image(new, plan.shape, np.dtype(np.uint8), name, plan.spacing_nm, plan.origin_nm)
        if not publish_folder(new, store):
            remove(new)


def read_state(path: Path) -> RangesState:
    """Return what is planned in a folder, and what of it is done.

    Raises
    ------
    UserError
        If there is no plan, or it is damaged.
    """
    folder = RangesFolder(path)
    plan, checksum = folder.read_plan(SegmentPlan)
    states = []
    for part in plan.ranges:
        record = folder.record(part.number, RangeRecord)
        finished = record is not None and record.is_of(checksum, part)
        unfinished = [read_unfinished(one / SLICES) for one in attempts_at(folder.final(part.number))]
        most = max((one.finished for one in unfinished if one is not None), default=0)
        states.append(RangeState(part, finished, part.depth if finished else most))
    return RangesState(path, Path(plan.output), plan.slices[0], tuple(states))


def ranges_left(path: Path) -> Iterator[int]:
    """Yield the ranges that are left, one when the last is done; those come first that nobody works on.

    What another process of this computer works on is left to it.
    """
    folder = RangesFolder(path)
    yielded: set[int] = set()
    while left := [number for number in read_state(path).unfinished if number not in yielded]:
        workers = {number: _workers(folder.final(number)) for number in left}
        free = [number for number in left if Worker.HERE not in workers[number]]
        if not free:
            return
        number = min(free, key=lambda number: (len(workers[number]), number))
        yielded.add(number)
        yield number


def _workers(final: Path) -> list[Worker]:
    """Return who may be at work on a range."""
    found = [worker_of(attempt) for attempt in attempts_at(final)]
    return [worker for worker in found if worker is not Worker.NOBODY]


def _is_planned(folder: RangesFolder, plan: SegmentPlan) -> bool:
    """Whether there is a plan already; raises UserError if that is another one."""
    try:
        earlier, _ = folder.read_plan(SegmentPlan)
    except NoPlan:
        return False
    changes = plan.changes_from(earlier)
    if changes:
        raise UserError(
            f"Other ranges were planned in {folder.path}: {'; '.join(changes)}. Choose the same file and "
            "settings to go on with them, or restart to discard them."
        )
    return True
