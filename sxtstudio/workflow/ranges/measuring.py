"""Measuring objects in ranges: each object is measured as a whole, by the range in which it begins.

So the values are those of the whole to the last bit. What needs all objects (neighbours, contacts), what
hardly takes time (sums over voxels), and the grey values of a calibrated tomogram are measured once, when the
ranges are joined.
"""

from __future__ import annotations

import platform
import time
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio import __version__
from sxtstudio.core.checked_volume import InputChangedError
from sxtstudio.core.errors import UserError
from sxtstudio.core.lock import FolderLock
from sxtstudio.core.measure.grey import GREY, grey_group
from sxtstudio.core.measure.inventory import Inventory, SliceSums, take_inventory
from sxtstudio.core.measure.measure import measure_objects
from sxtstudio.core.measure.shape import SHAPE
from sxtstudio.core.measure.skeleton import SKELETON
from sxtstudio.core.measure.slices import SLICE_COLUMNS, SLICES, SliceMeasurements, measure_slices
from sxtstudio.core.measure.subject import ColumnGroup
from sxtstudio.core.progress import Progress
from sxtstudio.core.temporary import remove
from sxtstudio.core.walk import walk
from sxtstudio.core.watched_volume import Seen, WatchedVolume
from sxtstudio.io import open_volume
from sxtstudio.segment.checkpoint import explained
from sxtstudio.workflow.jobs.cleaning import check_same_shape
from sxtstudio.workflow.jobs.measuring import (
    KnownMeasurements,
    MeasureJob,
    MeasureResult,
    check_measure_outputs,
    check_values,
    measure_file,
    voxel_size_of,
)
from sxtstudio.workflow.jobs.objects import TakenAs
from sxtstudio.workflow.jobs.unchanged import KnownInput
from sxtstudio.workflow.ranges.arrays import read_arrays, write_arrays
from sxtstudio.workflow.ranges.folder import RangesFolder
from sxtstudio.workflow.ranges.label_plan import OpenedLabels
from sxtstudio.workflow.ranges.measure_plan import MeasurePlan, MeasureRecord
from sxtstudio.workflow.ranges.plan import InputPlan, absolute
from sxtstudio.workflow.ranges.running import RESULT, all_records, do_range, is_planned
from sxtstudio.workflow.ranges.split import SLICES_PER_RANGE, Range
from sxtstudio.workflow.ranges.state import RangesState, begin_plan, read_state

_INVENTORY, _MEASURED = "inventory.npz", "measured.npz"
_PLANES = {field.name: np.int64 for field in fields(SliceSums)}
_NUMBERS, _OBJECT, _SLICE = "numbers", "object.", "slice."


@dataclass(frozen=True)
class MeasureRange:
    """One range to measure; ``image`` is where the tomogram lies on this computer, if not where planned."""

    folder: Path
    number: int
    image: Path | None = None


def plan_measuring(
    job: MeasureJob,
    slices_per_range: int = SLICES_PER_RANGE,
    progress: Progress | None = None,
    *,
    restart: bool = False,
) -> RangesState:
    """Plan a measurement in ranges: copy the objects, and find out where they are.

    Parameters
    ----------
    job
        As for ``measure_file``.
    slices_per_range
        Is rounded up to whole layers of chunks.
    restart
        Discard what is there; else the same plan goes on.

    Raises
    ------
    UserError
        If the job cannot be done, the file holds labels and no objects, or the folder holds another plan.
    """
    progress = progress or Progress()
    check_measure_outputs(job)
    with ExitStack() as stack:
        source = OpenedLabels(job.source, job.voxel_nm, stack)
        image = None
        if job.image is not None:
            image = KnownInput.of(job.image, stack.enter_context(open_volume(job.image)))
            check_same_shape(image.volume, "tomogram", source.file.shape)
        voxel_nm, _ = voxel_size_of(job, source.file, None if image is None else image.volume)
        folder = begin_plan(job.table, stack)
        plan = MeasurePlan(
            program=__version__,
            output=absolute(job.table),
            slices_per_range=slices_per_range,
            labels=InputPlan.of(source.known),
            label=job.label,
            bytes_each={1: 1, 2: 2}.get(source.file.dtype.itemsize, 4),
            given_nm=job.voxel_nm,
            voxel_nm=voxel_nm,
            image=None if image is None or job.more.calibrates else InputPlan.of(image),
            rim_nm=job.more.rim_nm,
            per_slice=job.per_slice is not None,
        )
        if restart or not is_planned(folder, plan):
            folder.discard()
            voxels, values = source.copied(
                folder, job.label, progress.part(0.5, "reading objects"), keep=True
            )
            check_values(values, job.source.name, voxels.size)
            if TakenAs.of(values, job.taken_as, job.label) is TakenAs.LABELS:
                raise UserError(
                    f"{job.source.name} holds labels, in which objects have to be found first: find them "
                    "with 'sxtstudio objects', or in ranges, and measure the file of objects."
                )
            values.check_objects()
            planes = take_inventory(voxels, progress.part(0.5, "finding objects")).planes
            with explained(folder.path):
                write_arrays(folder.path / _INVENTORY, dict(zip(_PLANES, planes.columns(), strict=True)))
            folder.write_plan(plan)
    return read_state(folder.path)


def measure_range(job: MeasureRange, progress: Progress | None = None) -> MeasureRecord:
    """Measure the objects of one range of a plan, unless it is done. Raises as ``segment_range``."""
    progress = progress or Progress()
    folder = RangesFolder(job.folder)
    plan, checksum = folder.read_plan(MeasurePlan)
    plan.check_program()
    part = plan.part(job.number)

    def work(attempt: Path) -> MeasureRecord:
        remove(attempt / RESULT)
        with explained(folder.path):
            (attempt / RESULT).mkdir()
        return _measure(job, folder, plan, checksum, part, attempt / RESULT, progress)

    return do_range(folder, plan, checksum, part, MeasureRecord, work)[0]


def _measure(
    job: MeasureRange,
    folder: RangesFolder,
    plan: MeasurePlan,
    checksum: str,
    part: Range,
    result: Path,
    progress: Progress,
) -> MeasureRecord:
    begin = time.monotonic()
    voxels = plan.voxels(folder)
    inventory = _inventory(folder, plan)
    first = inventory.first[:, 0]
    own = inventory.only(inventory.numbers[(part.first <= first) & (first < part.last)].tolist())
    seen = Seen()
    arrays: dict[str, NDArray[Any]] = {_NUMBERS: own.numbers}
    with ExitStack() as stack:
        image = None
        if plan.image is not None:
            path = job.image or Path(plan.image.path)
            known = KnownInput.of(path, stack.enter_context(open_volume(path)))
            plan.image.check(known)
            image = WatchedVolume(known.volume, path.name)
        if len(own.numbers):
            measured = measure_objects(
                voxels, plan.voxel_nm, image=image, groups=_groups(plan), inventory=own, progress=progress
            )
            arrays |= {_OBJECT + key: values for key, values in measured.values.items()}
            if plan.per_slice:
                each = measure_slices(voxels, plan.voxel_nm, inventory=own)
                arrays |= {_SLICE + "number": each.numbers, _SLICE + "z": each.slices}
                arrays |= {_SLICE + key: values for key, values in each.values.items()}
        if image is not None:
            seen = image.seen
            known.check()
    with explained(folder.path):
        write_arrays(result / _MEASURED, arrays)
    return MeasureRecord(
        plan=checksum,
        first=part.first,
        depth=part.depth,
        checksums={},
        sources=[],
        seconds=round(time.monotonic() - begin, 3),
        computer=platform.node(),
        objects=len(own.numbers),
        seen=seen,
    )


def finish_measuring(path: Path, job: MeasureJob, progress: Progress | None = None) -> MeasureResult:
    """Join the ranges of a plan, measure what needs all objects, write the tables, and remove the folder.

    Parameters
    ----------
    path
        The folder of the plan.
    job
        The one that was planned; what it asks for beyond what ranges measure may differ.
    progress
        Reports and takes the cancel.

    Raises
    ------
    RangesMissing
        If ranges are missing.
    InputChangedError
        If objects or tomogram are not those of the plan.
    UserError
        If the job is another one, or an output cannot be written; the ranges are kept.
    """
    folder = RangesFolder(path)
    plan, checksum = folder.read_plan(MeasurePlan)
    plan.check_program()
    with ExitStack() as stack:
        stack.callback(FolderLock(path).release, remove=True)
        _check_job(folder, plan, job)
        records = all_records(folder, plan, checksum, MeasureRecord)
        result = measure_file(job, progress, known=_joined(folder, plan, records))
    folder.discard()
    return result


def _check_job(folder: RangesFolder, plan: MeasurePlan, job: MeasureJob) -> None:
    """Raise UserError unless the job measures what the ranges have measured."""
    with ExitStack() as stack:
        source = stack.enter_context(open_volume(job.source))
        plan.labels.check(KnownInput.of(job.source, source))
        image = None
        if job.image is not None:
            image = KnownInput.of(job.image, stack.enter_context(open_volume(job.image)))
            if plan.image is not None:
                plan.image.check(image)
        voxel_nm, _ = voxel_size_of(job, source, None if image is None else image.volume)
        asked = (absolute(job.table), job.label, voxel_nm, job.more.rim_nm)
        if asked != (plan.output, plan.label, plan.voxel_nm, plan.rim_nm):
            raise UserError(
                f"The ranges in {folder.path} measure something else: give the table, the label, the "
                "voxel size and the rim that they were planned with, or plan anew."
            )
        copy = plan.voxels(folder)
        for box in walk(plan.shape, copy):
            part = source.read(box)
            now = np.where(part == plan.label, part, 0) if plan.label is not None else part
            if not np.array_equal(now.astype(copy.dtype), copy[box.slices]):
                raise InputChangedError(
                    f"{job.source} was changed after the ranges were planned. Plan anew, and restart."
                )


def _joined(folder: RangesFolder, plan: MeasurePlan, records: list[MeasureRecord]) -> KnownMeasurements:
    """Return the values of all objects, ascending by number."""
    parts = [
        read_arrays(folder.final(part.number) / _MEASURED)
        for part, record in zip(plan.ranges, records, strict=True)
        if record.objects
    ]
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(whole[_NUMBERS], kind="stable")
    values = {name.removeprefix(_OBJECT): of[order] for name, of in whole.items() if name.startswith(_OBJECT)}
    each = None
    if plan.per_slice:
        rows = np.lexsort((whole[_SLICE + "z"], whole[_SLICE + "number"]))
        each = SliceMeasurements(
            whole[_SLICE + "number"][rows],
            whole[_SLICE + "z"][rows],
            {column.key: whole[_SLICE + column.key][rows] for column in SLICE_COLUMNS},
            plan.voxel_nm is not None,
        )
    seen = Seen()
    for record in records:
        seen |= record.seen
    return KnownMeasurements(values, each, seen)


def _groups(plan: MeasurePlan) -> tuple[ColumnGroup, ...]:
    """Return the columns that need nothing but an object and what lies around it."""
    grey = GREY if plan.rim_nm is None else grey_group(plan.rim_nm)
    return (SHAPE, SKELETON, SLICES, *((grey,) if plan.image is not None else ()))


def _inventory(folder: RangesFolder, plan: MeasurePlan) -> Inventory:
    arrays = read_arrays(folder.path / _INVENTORY, _PLANES)
    return Inventory(plan.shape, SliceSums(**arrays))
