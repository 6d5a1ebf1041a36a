"""Objects from a label file that holds instances or materials already."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.edits import Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.label_image import Legend
from sxtstudio.core.label_values import LabelValues
from sxtstudio.core.labels import as_labels
from sxtstudio.core.numbering import NumberedObjects
from sxtstudio.core.object_boxes import ObjectBoxes
from sxtstudio.core.object_classes import ObjectClass, Rgb
from sxtstudio.core.object_table import MOST_NUMBER, Decided, ObjectRow, ObjectTable
from sxtstudio.core.pace import Work
from sxtstudio.core.progress import Progress
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.volume import Volume, VoxelSize
from sxtstudio.io import open_labels
from sxtstudio.io.legend import read_legend
from sxtstudio.workflow.document.objects import replace_objects
from sxtstudio.workflow.jobs.unchanged import KnownInput

# For materials of a file that no class is called like.
_COLOURS: tuple[Rgb, ...] = (
    (214, 96, 77),
    (67, 147, 195),
    (120, 180, 90),
    (230, 171, 2),
    (150, 110, 190),
    (102, 194, 165),
    (231, 138, 195),
    (166, 118, 29),
)


class ReadAs(Enum):
    """What the values of a label file are."""

    NUMBERS = "numbers"  # of objects: a value each
    MATERIALS = "materials"  # classes: a value for all objects of one, each of which is a connected piece


def objects_of(
    volume: Volume,
    values: LabelValues,
    read_as: ReadAs,
    classes: tuple[ObjectClass, ...],
    legend: Legend = (),
    progress: Progress | None = None,
) -> tuple[Volume, ObjectTable]:
    """Return the objects of a label file as a volume of numbers, and their table.

    Parameters
    ----------
    volume
        The labels (z, y, x), whole numbers of any type.
    values
        What they hold, as ``inspect_labels`` returns it.
    read_as
        What the values are. Numbers that do not fit into 32 bit are numbered anew.
    classes
        Those that there are; the materials of other names are added to them.
    legend
        Names and colours of the materials in the file.
    progress
        Counts slices; materials need a walk each.

    Raises
    ------
    UserError
        If it holds nothing.
    Cancelled
        If the user stopped it.
    """
    progress = progress or Progress()
    if not values.voxels:
        raise UserError(f"{values.name} is empty: all voxels are 0. Choose another file.")
    if read_as is ReadAs.NUMBERS:
        numbered = _Numbers(volume, sorted(values.voxels))
        return numbered, ObjectTable.of(numbered.numbers, classes)
    entries = {entry.value: entry for entry in legend}
    named = {
        value: entries[value].name if value in entries else f"Material {value}"
        for value in sorted(values.voxels)
    }
    colours = {name: entries[value].rgb for value, name in named.items() if value in entries}
    classes = with_classes(classes, named.values(), colours)
    pieces = _Pieces(volume, named, progress)
    known = {found.name.casefold(): found.name for found in classes}
    rows = {
        number: ObjectRow(known[named[value].casefold()], Decided.HAND)
        for value, first, last in pieces.ranges
        for number in range(first, last)
    }
    return pieces, ObjectTable(rows, classes)


def names_in(path: Path) -> dict[int, str]:
    """Return what a label file calls its materials, by their value; {} where it says nothing."""
    return {entry.value: entry.name for entry in read_legend(path)}


def with_classes(
    classes: tuple[ObjectClass, ...], names: Iterable[str], colours: Mapping[str, Rgb] | None = None
) -> tuple[ObjectClass, ...]:
    """Return ``classes`` and one more for each of ``names`` that none of them has, whatever its case.

    It has the colour of the file, if that gives one in ``colours``, else one of its own.
    """
    known = {found.name.casefold() for found in classes}
    for name in names:
        if name.casefold() not in known:
            known.add(name.casefold())
            own = _COLOURS[len(classes) % len(_COLOURS)]
            classes = (*classes, ObjectClass(name, (colours or {}).get(name, own)))
    return classes


class _Numbers:
    """A label volume whose values are numbers of objects."""

    def __init__(self, volume: Volume, values: list[int]) -> None:
        self._volume = volume
        self.shape: Triple = volume.shape
        self.voxel_nm: VoxelSize | None = volume.voxel_nm
        self.dtype = np.dtype(np.uint32)
        fit = values[0] >= 1 and values[-1] <= MOST_NUMBER
        self._values = None if fit else np.array(values, np.int64 if values[-1] < 1 << 63 else np.uint64)
        self.numbers = values if fit else list(range(1, len(values) + 1))

    def read(self, box: Box) -> NDArray[np.uint32]:
        part = self._volume.read(box)
        if self._values is None:
            return part.astype(np.uint32)
        whole = part.astype(self._values.dtype)
        return np.where(whole == 0, 0, np.searchsorted(self._values, whole) + 1).astype(np.uint32)


class _Pieces:
    """A label volume whose values are materials: each connected piece of one gets a number."""

    def __init__(self, volume: Volume, named: Mapping[int, str], progress: Progress) -> None:
        self.shape: Triple = volume.shape
        self.voxel_nm: VoxelSize | None = volume.voxel_nm
        self.dtype = np.dtype(np.uint32)
        self._pieces: list[tuple[NumberedObjects, int]] = []
        self.ranges: list[tuple[int, int, int]] = []  # value, first number, first of the next
        first = 1
        for value in named:
            pieces = NumberedObjects(_OneValue(volume, value), progress)
            self._pieces.append((pieces, first - 1))
            self.ranges.append((value, first, first + pieces.count))
            first += pieces.count

    def read(self, box: Box) -> NDArray[np.uint32]:
        out = np.zeros(box.shape, np.uint32)
        for pieces, offset in self._pieces:
            part = pieces.read(box).astype(np.uint32)
            np.add(part, np.uint32(offset), out=out, where=part > 0)
        return out


class _OneValue:
    """The voxels of one value of a label volume, as labels."""

    def __init__(self, volume: Volume, value: int) -> None:
        self._volume = volume
        self._value = value
        self.shape: Triple = volume.shape
        self.voxel_nm: VoxelSize | None = volume.voxel_nm
        self.dtype: np.dtype[Any] = np.dtype(np.uint8)

    def read(self, box: Box) -> NDArray[np.uint8]:
        return as_labels(self._volume.read(box) == self._value)


def read_objects(
    path: Path,
    recorder: Recorder,
    values: LabelValues,
    read_as: ReadAs,
    former: ObjectTable,
    boxes: ObjectBoxes,
    progress: Progress,
) -> None:
    """Replace all objects of a document by those of a label file of its shape.

    Parameters
    ----------
    path, values, read_as
        As of ``objects_of``.
    recorder
        Of the "objects".
    former, boxes
        The table of the document, and where its objects lie.
    progress
        Counts slices.

    Raises
    ------
    UserError
        If the file cannot be read, or was changed meanwhile.
    """
    with open_labels(path, recorder.labels.shape) as source:
        known = KnownInput.of(path, source)
        size = math.prod(source.shape)
        stages = Stages(
            progress,
            (
                Stage(Work.NUMBER, size, "Looking for the objects"),
                Stage(Work.LOAD, size, f"Reading {path.name}"),
            ),
        )
        with stages.stage(Work.NUMBER) as counter:
            objects, table = objects_of(source, values, read_as, former.classes, read_legend(path), counter)
        with stages.stage(Work.LOAD) as counter:
            replace_objects(recorder, objects, former, table, boxes, counter)
        known.check()
