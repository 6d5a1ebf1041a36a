"""How ranges of any kind are done: attempts that may be killed, and a look at the whole at last."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from sxtstudio.core.atomic import publish_folder
from sxtstudio.core.checked_volume import InputChangedError
from sxtstudio.core.errors import UserError
from sxtstudio.core.progress import Progress
from sxtstudio.core.temporary import remove, temporary_name
from sxtstudio.core.volume import Volume
from sxtstudio.core.walk import walk
from sxtstudio.io.zarr_layers import LAYER_SLICES, create_image
from sxtstudio.segment.checkpoint import explained
from sxtstudio.workflow.ranges.attempts import begin_attempt, give_up
from sxtstudio.workflow.ranges.folder import NoPlan, RangesFolder
from sxtstudio.workflow.ranges.plan import RangePlan, RangeRecord
from sxtstudio.workflow.ranges.split import Range, numbers_text

#: Where in an attempt all is written that becomes the finished range.
RESULT = "result"
Record = TypeVar("Record", bound=RangeRecord)


class RangesMissing(UserError):
    """Ranges that are not finished, or are damaged: ``numbers`` have to be done, or done again."""

    def __init__(self, text: str, numbers: Sequence[int]) -> None:
        super().__init__(text)
        self.numbers = tuple(numbers)


def make_images(folder: RangesFolder, plan: RangePlan) -> None:
    """Make the images that all ranges write, where they are missing."""
    for image in plan.images:
        store = folder.store(image.name)
        if store.is_dir():
            continue
        new = temporary_name(store)
        create_image(new, image.shape, np.dtype(image.dtype), image.title, image.voxel_nm, image.origin_nm)
        if not publish_folder(new, store):
            remove(new)


def is_planned(folder: RangesFolder, plan: RangePlan) -> bool:
    """Whether there is a plan already; raises UserError if that is another one."""
    try:
        earlier, _ = folder.read_plan(type(plan))
    except NoPlan:
        return False
    folder.check_plain()
    changes = plan.changes_from(earlier)
    if changes:
        raise UserError(
            f"Other ranges were planned in {folder.path}: {'; '.join(changes)}. Choose the same file and "
            "settings to go on with them, or restart to discard them."
        )
    return True


def finished_record(
    folder: RangesFolder, plan: RangePlan, checksum: str, part: Range, kind: type[Record]
) -> Record | None:
    """Return the record of a range, whose layers then are at their place; None if it is not finished.

    What lies there without a record that fits is removed.
    """
    record = folder.record(part.number, kind)
    with explained(folder.path):
        if record is not None and record.is_of(checksum, part):
            make_images(folder, plan)
            folder.install(part, plan.names)
            return record
        if folder.final(part.number).is_dir():
            folder.forget_range(part, plan.names)
    return None


def do_range(
    folder: RangesFolder,
    plan: RangePlan,
    checksum: str,
    part: Range,
    kind: type[Record],
    work: Callable[[Path], Record],
) -> tuple[Record, bool]:
    """Do a range unless it is done.

    Parameters
    ----------
    work
        Is given the folder of an attempt; writes the layers of all images, and whatever else the finished
        range holds, to the folder ``RESULT`` in it, and returns the record.

    Returns
    -------
    record, done_now
        False where it was done already, or somebody else was quicker.

    Raises
    ------
    InputChangedError
        If ``work`` does: nothing is kept of the attempt.
    """
    folder.check_plain()
    record = finished_record(folder, plan, checksum, part, kind)
    if record is not None:
        return record, False
    attempt = begin_attempt(folder.final(part.number))
    done_now = False
    try:
        made = work(attempt)
        with explained(folder.path):
            make_images(folder, plan)
            done_now = folder.finish(part, attempt / RESULT, made)
    except BaseException as error:
        if isinstance(error, InputChangedError):
            remove(attempt)  # what it has is of no input
        give_up(attempt)
        if not isinstance(error, UserError | OSError):
            raise
        record = finished_record(folder, plan, checksum, part, kind)
        if record is None:  # else somebody else was quicker, and has cleared up
            raise
    record = finished_record(folder, plan, checksum, part, kind)
    if record is None:
        raise UserError(f"Range {part.number} has vanished from {folder.path}: do it again.")
    return record, done_now


def all_records(folder: RangesFolder, plan: RangePlan, checksum: str, kind: type[Record]) -> list[Record]:
    """Return the records of all ranges, whose layers then are at their place.

    Raises
    ------
    RangesMissing
        If some are not finished.
    LinkRefused
        If something in the folder is a link.
    """
    folder.check_plain()
    found = [finished_record(folder, plan, checksum, part, kind) for part in plan.ranges]
    missing = [number for number, record in enumerate(found) if record is None]
    if missing:
        raise RangesMissing(
            f"{len(missing)} of {len(found)} ranges in {folder.path} are not finished: "
            f"{numbers_text(missing)}. Do these, and finish again.",
            missing,
        )
    return [record for record in found if record is not None]


def check_images(
    folder: RangesFolder,
    plan: RangePlan,
    records: Sequence[RangeRecord],
    images: Mapping[str, Volume],
    progress: Progress,
) -> None:
    """Read all slices of all images back.

    Raises
    ------
    RangesMissing
        If some are not as they were written; their ranges are forgotten.
    """
    damaged = set()
    per_range = plan.ranges[0].depth
    progress.begin(len(images) * plan.shape[0])
    for image, volume in images.items():
        for box in walk(plan.shape, progress=progress, begin=False, slices=LAYER_SLICES):
            number = box.start[0] // per_range
            record = records[number]
            first = box.start[0] - record.first
            try:
                slices = volume.read(box)
            except UserError:  # a chunk cannot be unpacked
                damaged.add(number)
                continue
            if checksums_of(slices) != record.checksums[image][first : first + box.shape[0]]:
                damaged.add(number)
    if damaged:
        for number in damaged:
            folder.forget_range(plan.part(number), plan.names)
        raise RangesMissing(
            f"Ranges in {folder.path} are damaged and have to be done again: "
            f"{numbers_text(sorted(damaged))}. Check the disk.",
            sorted(damaged),
        )


def checksums_of(slices: Iterable[np.ndarray]) -> list[int]:
    """Return the CRC-32 of each slice."""
    return [zlib.crc32(np.ascontiguousarray(plane).data) for plane in slices]
