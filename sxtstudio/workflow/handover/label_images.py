"""Labels, mask, objects and classes of a document as a label image: numbers, and what each of them means."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.handover import Content
from sxtstudio.core.label_image import LabelImage, Legend, LegendEntry
from sxtstudio.core.numbering import NumberedObjects
from sxtstudio.core.object_colours import Colours, number_colours
from sxtstudio.core.object_table import ObjectTable
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume
from sxtstudio.io.place import Place
from sxtstudio.workflow.document.exporting import ExportSource, PartOfVoxels, voxels_of

NO_CLASS, NO_CLASS_RGB = "No class", (232, 235, 240)
#: What an object without a class is called.
OBJECT = "Object"


class MappedNumbers:
    """A volume whose numbers of objects are exchanged for those of their classes, block by block."""

    def __init__(self, volume: Volume, numbers: NDArray[np.int64], values: NDArray[Any]) -> None:
        """Look at ``volume``; ``numbers`` (n,) ascending become ``values`` (n,), all others 0."""
        self._volume, self._numbers, self._values = volume, numbers, values
        self.shape: Triple = volume.shape
        self.voxel_nm = volume.voxel_nm
        self.dtype = values.dtype

    def read(self, box: Box) -> NDArray[Any]:
        """Return the values in ``box``."""
        found = self._volume.read(box)
        out = np.zeros(found.shape, self.dtype)
        there = found != 0
        if len(self._numbers) and there.any():
            wanted = found[there].astype(np.int64)
            place = np.minimum(np.searchsorted(self._numbers, wanted), len(self._numbers) - 1)
            out[there] = np.where(self._numbers[place] == wanted, self._values[place], 0)
        return out


class Ones:
    """A volume of labels of which every voxel that is not 0 is 1."""

    dtype = np.dtype(np.uint8)

    def __init__(self, volume: Volume) -> None:
        """Look at ``volume``."""
        self._volume = volume
        self.shape: Triple = volume.shape
        self.voxel_nm = volume.voxel_nm

    def read(self, box: Box) -> NDArray[np.uint8]:
        """Return 0 and 1 in ``box``."""
        ones: NDArray[np.uint8] = (self._volume.read(box) != 0).astype(np.uint8)
        return ones


def label_image(
    source: ExportSource,
    content: Content,
    slices: tuple[int, int],
    *,
    inside_mask: bool = False,
    progress: Progress | None = None,
) -> LabelImage:
    """Return labels, mask, objects or classes of a document.

    Parameters
    ----------
    source
        The document.
    slices
        The first one, and the one after the last; the origin moves with them.
    inside_mask
        Voxels outside of the cell mask are 0.
    progress
        Of the numbering, where there are no objects and the pieces of the labels are counted.

    Raises
    ------
    UserError
        If there is nothing of that kind, or a mask is wanted and there is none.
    """
    volume: Volume
    if content is Content.CLASSES:
        volume, legend = _classes(source, slices, inside_mask)
    elif content is Content.OBJECTS and source.objects is not None:
        volume = PartOfVoxels(source.objects, slices, source, inside_mask)
        legend = objects_legend(source.table, source.colours)
    elif content is Content.OBJECTS:
        numbered = NumberedObjects(
            PartOfVoxels(voxels_of(source, "labels"), slices, source, inside_mask), progress
        )
        volume = numbered
        legend = objects_legend(ObjectTable.of(range(1, numbered.count + 1)))
    elif content is Content.MASK:
        volume = Ones(PartOfVoxels(voxels_of(source, "mask"), slices, source, inside_mask=False))
        legend = (LegendEntry(1, "Cell", source.mask_rgb),)
    else:
        volume = Ones(PartOfVoxels(voxels_of(source, "labels"), slices, source, inside_mask))
        legend = (LegendEntry(1, "Labels", source.label_rgb),)
    place = Place() if source.voxel_nm is None else source.place.moved(slices[0], source.voxel_nm)
    return LabelImage(source.stem, volume, legend, source.voxel_nm, place.origin_nm)


def objects_legend(table: ObjectTable, colours: Colours | None = None) -> Legend:
    """Return "Mitochondrion 12", or "Object 12" without a class, for each object; in colours (n, 3)."""
    numbers = np.fromiter(table.rows, np.int64, len(table.rows))
    if colours is None or len(colours) != len(numbers):
        colours = number_colours(numbers)
    each = zip(table.rows.items(), colours.tolist(), strict=True)
    entries = (
        LegendEntry(number, f"{row.class_name or OBJECT} {number}", (rgb[0], rgb[1], rgb[2]))
        for (number, row), rgb in each
    )
    return tuple(sorted(entries, key=lambda entry: entry.value))


def class_values(table: ObjectTable) -> tuple[dict[int, int], Legend]:
    """Return the value of each object's class, and what the values mean.

    Classes count from 1 in the order of the window's list, those that no object has left out; objects without
    a class get the value after the last.
    """
    used = {row.class_name for row in table.rows.values()}
    known = [one for one in table.classes if one.name in used]
    legend = [LegendEntry(value, one.name, one.rgb) for value, one in enumerate(known, 1)]
    values = {entry.name: entry.value for entry in legend}
    if used - values.keys():
        legend.append(LegendEntry(len(known) + 1, NO_CLASS, NO_CLASS_RGB))
    return {n: values.get(row.class_name, len(known) + 1) for n, row in table.rows.items()}, tuple(legend)


def _classes(source: ExportSource, slices: tuple[int, int], inside_mask: bool) -> tuple[Volume, Legend]:
    if source.objects is None:
        raise UserError("There are no objects, so there are no classes. Find them first (panel “Objects”).")
    of_object, legend = class_values(source.table)
    numbers = np.array(sorted(of_object), np.int64)
    dtype = np.uint8 if len(legend) <= 0xFF else np.uint16
    values = np.array([of_object[number] for number in numbers.tolist()], dtype)
    part = PartOfVoxels(source.objects, slices, source, inside_mask)
    return MappedNumbers(part, numbers, values), legend
