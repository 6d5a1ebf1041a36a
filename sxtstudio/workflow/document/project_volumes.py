"""The voxels of a project: written only where they changed, with a checksum, and read back."""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.edit_kind import Target, dtype_of
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.labels import as_labels
from sxtstudio.core.mapped_memory import PageReleaser
from sxtstudio.core.measure.kept import KeptMeasurements
from sxtstudio.core.object_table import ObjectTable
from sxtstudio.core.pace import Work
from sxtstudio.core.patches import Voxels
from sxtstudio.core.paths import resolved
from sxtstudio.core.plain_files import open_own
from sxtstudio.core.progress import Progress
from sxtstudio.core.reserved import open_numbers
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.volume import VoxelSize
from sxtstudio.core.walk import slab_slices, walk
from sxtstudio.core.wording import shape_text
from sxtstudio.io import export_volume, open_volume
from sxtstudio.io.measurements import measurements_bytes, read_measurements, write_measurements
from sxtstudio.io.object_table import read_table, table_bytes, write_table
from sxtstudio.io.project import (
    OUTPUT,
    Record,
    StoredMeasurements,
    StoredOutput,
    StoredTable,
    StoredVolume,
    next_measurements_name,
    next_table_name,
    next_volume_name,
    volume_path,
)
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.network_output import KeptOutput, keep_output
from sxtstudio.workflow.document.workplace import create_file
from sxtstudio.workflow.jobs.outputs import check_space

_EXACT: tuple[Target, ...] = ("objects", "marks")
_WORDS: dict[Target, str] = {"mask": "cell mask", "marks": "marks of the evaluation"}
OUTPUT_WORDS = "the network's output"


class _Checked:
    """Labels as they are saved (0 or 255), with the checksum of all that was read, in order.

    ``exact`` leaves the values as they are: numbers of objects, kinds of marks, or the network's output.
    """

    def __init__(self, voxels: Voxels, voxel_nm: VoxelSize | None = None, *, exact: bool = False) -> None:
        self._voxels = voxels
        self._exact = exact
        self._pages = PageReleaser(voxels)
        self.voxel_nm = voxel_nm
        self.dtype = voxels.dtype if exact else np.dtype(np.uint8)
        z, y, x = voxels.shape
        self.shape: Triple = (z, y, x)
        self.crc32 = 0

    def read(self, box: Box) -> Voxels:
        found = self._voxels[box.slices]
        part = np.ascontiguousarray(found) if self._exact else as_labels(found)
        self.crc32 = zlib.crc32(part.data, self.crc32)
        self._pages.read(part.nbytes)
        return part


def save_volume(
    folder: Path,
    target: Target,
    voxels: Voxels,
    record: Record,
    former: StoredVolume | None,
    progress: Progress,
) -> StoredVolume:
    """Write a volume under a new name, unless that of the project is the same."""
    stages = Stages(progress, saving(Work.SAVE, f"the {target}", voxels.size, compare=former is not None))
    exact = target in _EXACT
    if former is not None and _checksum(_Checked(voxels, exact=exact), stages) == former.crc32:
        return former
    name = next_volume_name(folder, target)
    checked = _Checked(voxels, record.voxel_nm, exact=exact)
    check_space(folder, voxels.nbytes // 50)  # labels shrink to a fiftieth and less
    with stages.stage(Work.SAVE) as counter:
        export_volume(
            folder / name, checked, kind="objects" if exact else "labels", zstd=True, progress=counter
        )
    return StoredVolume(name, checked.crc32)


def save_output(
    folder: Path,
    kept: KeptOutput,
    values: NDArray[np.uint8],
    record: Record,
    former: StoredOutput | None,
    progress: Progress,
) -> StoredOutput:
    """Write the network's output, ``values`` (z, y, x), unless that of the project is the same."""
    facts = (kept.first, kept.last, kept.threshold, kept.model)
    stages = Stages(progress, saving(Work.SAVE_OUTPUT, OUTPUT_WORDS, values.size, compare=former is not None))
    if former is not None and (former.first, former.last) == (kept.first, kept.last):
        if _checksum(_Checked(values, exact=True), stages) == former.volume.crc32:
            return StoredOutput(former.volume, *facts)
    name = next_volume_name(folder, OUTPUT)
    checked = _Checked(values, record.voxel_nm, exact=True)
    check_space(folder, values.size)  # it hardly shrinks
    with stages.stage(Work.SAVE_OUTPUT) as counter:
        export_volume(folder / name, checked, kind="probability", zstd=True, progress=counter)
    return StoredOutput(StoredVolume(name, checked.crc32), *facts)


def saving(work: Work, what: str, voxels: int, *, compare: bool) -> tuple[Stage, ...]:
    """Return what saving a volume consists of; ``compare``: with that of the project, perhaps the same."""
    comparing = (Stage(Work.COMPARE, voxels, f"Comparing {what}"),) if compare else ()
    return (*comparing, Stage(work, voxels, f"Saving {what}"))


def _checksum(checked: _Checked, stages: Stages) -> int:
    with stages.stage(Work.COMPARE) as counter:
        for box in walk(checked.shape, progress=counter):
            checked.read(box)
    return checked.crc32


def load_output(document: Document, folder: Path, stored: StoredOutput, progress: Progress) -> None:
    """Copy the network's output into the working folder.

    Raises
    ------
    UserError
        If it is missing, damaged, or the disk has no room for it; nothing of it is left then.
    """
    shape = (stored.last - stored.first, document.shape[1], document.shape[2])

    def copy(path: Path) -> None:
        with open_volume(volume_path(folder, stored.volume)) as source:
            if source.shape != shape or source.dtype != np.uint8:
                raise UserError(f"{stored.volume.name} is of another size or type than it should be.")
            create_file(path, math.prod(shape))
            crc32 = 0
            with open_own(path, "r+b") as file:
                for box in walk(shape, progress=progress, slices=slab_slices(shape, multiple=16)):
                    part = source.read(box)
                    crc32 = zlib.crc32(part.data, crc32)
                    file.write(part.data)
        if crc32 != stored.volume.crc32:
            raise UserError(f"{stored.volume.name} was changed by another program, or is damaged.")

    slices = (stored.first, stored.last)
    keep_output(copy, document.bulk, document.shape, slices, stored.threshold, stored.model)


def save_table(folder: Path, table: ObjectTable, former: StoredTable | None) -> StoredTable:
    """Write the table of the objects under a new name, unless that of the project is the same.

    Raises
    ------
    UserError
        If it cannot be written.
    """
    crc32 = zlib.crc32(table_bytes(table))
    if former is not None and former.crc32 == crc32:
        return former
    name = next_table_name(folder)
    return StoredTable(name, write_table(folder / name, table))


def load_table(document: Document, folder: Path, stored: StoredTable | None) -> str:
    """Read the table of the objects, which are loaded already; return what the user should know, or "".

    Objects without a row get one, and rows without an object go: the voxels say which there are.
    """
    table, note = ObjectTable(), ""
    what = f"The table of the objects in {folder.name}"
    try:
        if stored is None:
            raise UserError(f"{what} is missing.")
        path = folder / stored.name
        if not resolved(path).is_relative_to(resolved(folder)):
            raise UserError(f"{what} leads to another folder, which is refused.")
        table, crc32 = read_table(path, what)
        if crc32 != stored.crc32:
            note = f"{what} was changed by another program: look at it before you go on."
    except UserError as error:
        note = f"{error} The objects are there without their classes and notes."
        document.unread += () if stored is None else (stored.name,)
    document.set_table(table)
    if not note and document.object_table.rows.keys() != table.rows.keys():
        note = f"{what} was of other objects: those that are there have a row each now."
    return note


def save_measurements(
    folder: Path, kept: KeptMeasurements, former: StoredMeasurements | None
) -> StoredMeasurements:
    """Write the measurements of the objects, unless those of the project are the same."""
    content = measurements_bytes(kept)
    if former is not None and zlib.crc32(content) == former.crc32:
        return former
    name = next_measurements_name(folder)
    return StoredMeasurements(name, write_measurements(folder / name, content))


def load_measurements(document: Document, folder: Path, stored: StoredMeasurements, *, changed: bool) -> str:
    """Read the measurements of the objects, which are loaded already; return what to know, or "".

    ``changed``: the objects are others than those that were saved, so that all of them are out of date.
    """
    what = f"The measurements in {folder.name}"
    try:
        path = folder / stored.name
        if not resolved(path).is_relative_to(resolved(folder)):
            raise UserError(f"{what} lead to another folder, which is refused.")
        kept, _, crc32 = read_measurements(path, what)
        if crc32 != stored.crc32:
            raise UserError(f"{what} were changed by another program, or are damaged.")
    except UserError as error:
        document.unread += (stored.name,)
        return f"{error} Measure the objects again."
    kept = kept.only(document.object_table.rows.keys())
    document.measurements.keep(kept.all_marked() if changed else kept)
    return ""


def load_volumes(
    document: Document, folder: Path, volumes: Mapping[Target, StoredVolume], stages: Stages
) -> tuple[set[Target], set[Target], list[str]]:
    """Copy the volumes into the working folder.

    Returns
    -------
    others, lost, notes
        Those that are not as they were saved; those that could not be read and were left out, objects and
        marks, without which labels and mask are good; what the user should know.
    """
    others: set[Target] = set()
    lost: set[Target] = set()
    notes = []
    for target, stored in volumes.items():
        try:
            with stages.stage(Work.LOAD) as counter:
                crc32 = load_volume(document, folder, target, stored, counter)
        except UserError as error:
            if target not in _EXACT:
                raise
            lost.add(target)
            document.unread += (stored.name,)
            document.file_of(target).unlink(missing_ok=True)
            notes.append(
                f"The {_WORDS.get(target, target)} were left out, and the undo history with them: {error} "
                f"What is left of them stays in {folder.name}, also when you save."
            )
            continue
        if crc32 != stored.crc32:
            others.add(target)
            what = _WORDS.get(target, target)
            notes.append(
                f"The {what} in {folder.name} were changed by another program, or are damaged: "
                "look at them before you go on."
            )
    return others, lost, notes


def load_volume(
    document: Document, folder: Path, target: Target, stored: StoredVolume, progress: Progress
) -> int:
    """Copy a volume into the working folder; return its checksum."""
    dtype = dtype_of(target)
    with open_volume(volume_path(folder, stored)) as source:
        if source.shape != document.shape or source.dtype != dtype:
            raise UserError(
                f"The project {folder.name} is damaged: {stored.name} has {shape_text(source.shape)} voxels "
                f"of type {source.dtype} instead of {shape_text(document.shape)} of type {dtype}."
            )
        path = document.file_of(target)
        create_file(path, math.prod(source.shape) * dtype.itemsize)
        # As deep as the chunks, so that each is unpacked once.
        deep = slab_slices(source.shape, multiple=16)
        crc32 = 0
        with open_own(path, "r+b") as file:  # twice as fast as through a memory map
            for box in walk(source.shape, progress=progress, slices=deep):
                read = source.read(box)
                part = np.ascontiguousarray(read, dtype) if target in _EXACT else as_labels(read)
                crc32 = zlib.crc32(part.data, crc32)
                if part.any():
                    file.write(part.data)
                else:  # the file is of zeros already
                    file.seek(part.nbytes, os.SEEK_CUR)
    document.set_array(target, open_numbers(path, document.shape, dtype.itemsize))
    return crc32
