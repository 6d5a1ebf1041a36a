"""Finding objects in ranges: components are joined at the seams; for bodies each slice is looked at alone.

What outlines enclose in a slice needs no other slice, and is most of the work of the method "bodies". All
else of it looks at the whole and is done once, when the ranges are joined: linking the slices, telling bodies
from what lies between them, sharing walls, ends, sheets, membranes.
"""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from sxtstudio import __version__
from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.bodies.find import BodyParameters, half_px_of, regions_in
from sxtstudio.core.bodies.found import FoundBodies, find_at_border, flag_bodies
from sxtstudio.core.bodies.method import Method
from sxtstudio.core.bodies.regions import REGION, Regions
from sxtstudio.core.errors import UserError
from sxtstudio.core.lock import FolderLock
from sxtstudio.core.objects import NumberedSlices, join_slices, number_slices
from sxtstudio.core.progress import Progress
from sxtstudio.core.temporary import remove
from sxtstudio.core.volume import Volume, VoxelSize
from sxtstudio.core.walk import walk
from sxtstudio.io import open_volume
from sxtstudio.io.tables import TABLE_SUFFIXES
from sxtstudio.io.zarr_layers import LAYER_SLICES, write_layers
from sxtstudio.segment.checkpoint import explained
from sxtstudio.workflow.jobs.objects import (
    ObjectsJob,
    ObjectsResult,
    TakenAs,
    keep_inside,
    number_objects,
    objects_file,
    parameters_of,
)
from sxtstudio.workflow.jobs.outputs import VOLUME_SUFFIXES, OutputFile, check_outputs
from sxtstudio.workflow.jobs.unchanged import KnownInput
from sxtstudio.workflow.ranges.arrays import read_arrays, write_arrays
from sxtstudio.workflow.ranges.attempts import SLICES, take_over
from sxtstudio.workflow.ranges.folder import RangesFolder
from sxtstudio.workflow.ranges.label_plan import OpenedLabels
from sxtstudio.workflow.ranges.objects_plan import NUMBERS, ObjectsPlan, ObjectsRecord
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
from sxtstudio.workflow.ranges.split import SLICES_PER_RANGE, Range
from sxtstudio.workflow.ranges.state import RangesState, begin_plan, read_state

_REGIONS = {"numbers": np.int32, "table": REGION}


@dataclass(frozen=True)
class ObjectsRange:
    """One range in which objects are to be found."""

    folder: Path
    number: int


def plan_objects(
    job: ObjectsJob,
    slices_per_range: int = SLICES_PER_RANGE,
    progress: Progress | None = None,
    *,
    restart: bool = False,
) -> RangesState:
    """Plan to find objects in ranges: copy the labels within the mask, and measure how wide outlines are.

    Parameters
    ----------
    job
        As for ``objects_file``.
    slices_per_range
        Is rounded up to whole layers of chunks.
    restart
        Discard what is there; else the same plan goes on.

    Raises
    ------
    UserError
        If the job cannot be done, the file holds objects already, or the folder holds another plan.
    """
    progress = progress or Progress()
    outputs = [OutputFile(job.output, "objects", VOLUME_SUFFIXES)]
    if job.table is not None:
        outputs.append(OutputFile(job.table, "a table", TABLE_SUFFIXES))
    check_outputs(outputs, (job.labels, job.mask, job.image, job.probability))
    with ExitStack() as stack:
        source = OpenedLabels(job.labels, job.voxel_nm, stack)
        parameters_of(job, source.voxel_nm)  # refuses lengths without a voxel size
        folder = begin_plan(job.output, stack)
        plan = ObjectsPlan(
            program=__version__,
            output=absolute(job.output),
            slices_per_range=slices_per_range,
            labels=InputPlan.of(source.known),
            label=job.label,
            bytes_each=1,
            given_nm=job.voxel_nm,
            voxel_nm=source.voxel_nm,
            method=job.method,
            gap_nm=job.gap_nm,
            split=job.split,
            min_voxels=job.min_voxels,
            min_nm3=job.min_nm3,
            mask=_name(job.mask),
            membrane_nm=job.membrane_nm,
            sheets=job.sheets,
            caps=job.caps,
            image=_name(job.image),
            probability=_name(job.probability),
            table=_name(job.table),
            taken_as=job.taken_as,
            half_px=0.0,
        )
        if restart or not is_planned(folder, plan):
            folder.discard()
            voxels, values = source.copied(folder, job.label, progress)
            if not values.voxels:
                raise UserError(f"{job.labels.name} holds no label: every voxel is 0, so there is no object.")
            if TakenAs.of(values, job.taken_as, job.label) is TakenAs.OBJECTS:
                raise UserError(
                    f"{job.labels.name} holds objects already, so there is nothing to find in ranges. Use "
                    "'sxtstudio objects', or say that it holds labels."
                )
            if job.mask is not None:
                keep_inside(voxels, job.mask, progress)
            if job.method is Method.BODIES:
                plan = msgspec.structs.replace(plan, half_px=half_px_of(voxels))
            with explained(folder.path):
                make_images(folder, plan)
            folder.write_plan(plan)
    return read_state(folder.path)


def find_in_range(job: ObjectsRange, progress: Progress | None = None) -> ObjectsRecord:
    """Look for objects in one range of a plan, unless it is done already. Raises as ``segment_range``."""
    progress = progress or Progress()
    folder = RangesFolder(job.folder)
    plan, checksum = folder.read_plan(ObjectsPlan)
    plan.check_program()
    part = plan.part(job.number)

    def work(attempt: Path) -> ObjectsRecord:
        begin = time.monotonic()
        remove(attempt / RESULT)
        with explained(folder.path):
            (attempt / RESULT).mkdir()
            if plan.method is Method.BODIES:
                _look_at_slices(folder, plan, part, attempt, progress)
                checksums = {}
            else:
                checksums = {NUMBERS: _number(folder, plan, part, attempt / RESULT)}
        return ObjectsRecord(
            plan=checksum,
            first=part.first,
            depth=part.depth,
            checksums=checksums,
            sources=[],
            seconds=round(time.monotonic() - begin, 3),
            computer=platform.node(),
        )

    return do_range(folder, plan, checksum, part, ObjectsRecord, work)[0]


def _number(folder: RangesFolder, plan: ObjectsPlan, part: Range, result: Path) -> list[int]:
    """Number the components of a range; returns the checksums of its slices."""
    labels = np.array(plan.voxels(folder)[part.first : part.last + 1])
    numbers = np.empty((part.depth, *plan.shape[1:]), np.uint32)
    write_numbered(result, number_slices(labels, part.depth, numbers))
    write_layers(result / NUMBERS, plan.shape, part.first, numbers)
    return checksums_of(numbers)


def _look_at_slices(
    folder: RangesFolder, plan: ObjectsPlan, part: Range, attempt: Path, progress: Progress
) -> None:
    """Write what the outlines of each slice enclose; slices that other attempts have finished are taken."""
    others = take_over(folder.final(part.number), attempt)
    own = attempt / SLICES
    own.mkdir(exist_ok=True)
    voxels, parameters = plan.voxels(folder), plan.parameters
    progress.begin(part.depth, "looking for what the outlines enclose")
    for z in range(part.first, part.last):
        path = own / _slice_name(z)
        for other in others:
            if not path.exists():
                with suppress(OSError):
                    shutil.copy(other / _slice_name(z), path.with_suffix(".copy"))
                    os.replace(path.with_suffix(".copy"), path)
        if not _is_whole(path):
            regions = regions_in(voxels[z], parameters, plan.half_px)
            with atomic_write(path, own=True) as temporary:
                write_arrays(temporary, {"numbers": regions.numbers, "table": regions.table})
        progress.step()
    os.rename(own, attempt / RESULT / SLICES)


def _is_whole(path: Path) -> bool:
    """Whether a slice is there and not damaged."""
    if not path.exists():
        return False
    try:
        read_arrays(path, _REGIONS)
    except UserError:
        return False
    return True


def finish_objects(path: Path, progress: Progress | None = None) -> ObjectsResult:
    """Join the ranges of a plan, write objects and table, and remove the folder.

    Objects, flags and table are those of ``objects_file``.

    Raises
    ------
    RangesMissing
        If ranges are missing or damaged.
    InputChangedError
        If the labels or their mask were changed since the plan was made.
    UserError
        If an input cannot be used, or an output cannot be written; the ranges are kept.
    Cancelled
        If the job was cancelled through ``progress``; the ranges are kept.
    """
    folder = RangesFolder(path)
    plan, checksum = folder.read_plan(ObjectsPlan)
    plan.check_program()
    check_places(folder, plan)
    with ExitStack() as stack:
        stack.callback(FolderLock(path).release, remove=True)
        records = all_records(folder, plan, checksum, ObjectsRecord)
        images: dict[str, Volume] = {
            name: stack.enter_context(open_volume(folder.store(name))) for name in plan.names
        }
        check_images(folder, plan, records, images, Progress())
        with open_volume(Path(plan.labels.path)) as labels:
            plan.labels.check(KnownInput.of(Path(plan.labels.path), labels))

        def joined(
            labels: NDArray[np.uint8],
            numbers: NDArray[np.uint32],
            method: Method,
            parameters: BodyParameters,
            voxel_nm: VoxelSize | None,
            counter: Progress,
            image: Volume | None,
            probability: Volume | None,
        ) -> FoundBodies:
            plan.check_copy(folder, labels)
            if method is Method.COMPONENTS:
                return _join(folder, plan, images[NUMBERS], numbers, counter)

            def regions_of(z: int) -> Regions:
                number = z // plan.ranges[0].depth
                arrays = read_arrays(folder.final(number) / SLICES / _slice_name(z), _REGIONS)
                return Regions(arrays["numbers"], arrays["table"])

            return number_objects(
                labels,
                numbers,
                method,
                parameters,
                voxel_nm,
                counter,
                image,
                probability,
                regions_of=regions_of,
            )

        result = objects_file(plan.job(), progress, numbered_by=joined)
    folder.discard()
    return result


def _join(
    folder: RangesFolder,
    plan: ObjectsPlan,
    local: Volume,
    numbers: NDArray[np.uint32],
    progress: Progress,
) -> FoundBodies:
    """Give the components of all ranges the numbers that they have in the whole."""
    parts: Sequence[NumberedSlices] = [read_numbered(folder.final(part.number)) for part in plan.ranges]
    objects, sizes = join_slices(parts)
    tables = [np.concatenate([[0], names]).astype(np.uint32) for names in objects]
    per_range = plan.ranges[0].depth
    for box in walk(plan.shape, numbers, progress=progress, slices=LAYER_SLICES):
        numbers[box.slices] = tables[box.start[0] // per_range][local.read(box)]
    return flag_bodies(len(sizes), len(sizes), at_border=find_at_border(numbers, len(sizes))[1])


def _slice_name(z: int) -> str:
    return f"{z:05d}.npz"


def _name(path: Path | None) -> str | None:
    return None if path is None else absolute(path)
