"""What is measured: the objects, their voxel size and the tomogram; and its objects one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.mapped_memory import PageReleaser
from sxtstudio.core.measure.columns import Column
from sxtstudio.core.measure.inventory import Inventory
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Subject:
    """What a group of columns is given to measure.

    Attributes
    ----------
    objects
        Whole numbers (z, y, x), 0 is none; array or memory map.
    voxel
        Edge lengths of a voxel (z, y, x) in nm; 1 each where they are unknown.
    calibrated
        Whether ``voxel`` is known.
    inventory
        What objects there are, in the order of the rows, with their boxes, sizes and moments.
    image
        The tomogram of the same shape, where there is one.
    """

    objects: NDArray[Any]
    voxel: tuple[float, float, float]
    calibrated: bool
    inventory: Inventory
    image: Volume | None = None

    @property
    def shape(self) -> Triple:
        """Of the volume, (z, y, x)."""
        return self.inventory.shape

    def crops(self, margin: int, progress: Progress | None = None) -> Iterator[Crop]:
        """Yield the object of each row in its box, widened by ``margin`` voxels, from the first slice on.

        The box is cut at the faces of the volume. ``progress`` counts a step per object.
        """
        found = self.inventory
        pages = PageReleaser(self.objects)
        if progress is not None:
            progress.begin(len(found.numbers))
        for row in np.argsort(found.first[:, 0], kind="stable").tolist():
            box = found.box(row).grown((margin, margin, margin), self.shape)
            part = self.objects[box.slices]
            yield Crop(row, int(found.numbers[row]), box, part, self.image)
            pages.read(part.size * part.itemsize)
            if progress is not None:
                progress.step()


@dataclass(frozen=True)
class Crop:
    """One object in a box; ``objects`` are the numbers there (a view), also those of its neighbours."""

    row: int
    number: int
    box: Box
    objects: NDArray[Any]
    image: Volume | None

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The voxels of the object."""
        return np.asarray(self.objects == self.number)

    @property
    def grey(self) -> NDArray[Any]:
        """Grey values of the tomogram in the box, as they are stored there."""
        if self.image is None:
            raise ValueError("there is no tomogram")
        return self.image.read(self.box)


#: Measures the columns of a group: by their keys arrays (n,), one value per row of the inventory; lengths,
#: areas and volumes in nm, nm², nm³ (voxels where unknown): ``measure_objects`` makes the unit of the column.
Measure = Callable[[Subject, Progress], Mapping[str, NDArray[np.generic]]]


@dataclass(frozen=True)
class ColumnGroup:
    """Columns that are measured together.

    Attributes
    ----------
    columns
        In the order of the table.
    measure
        Gives their values.
    share
        Of the time that all takes, by experience; any unit.
    needs_image
        It is left out where there is no tomogram.
    notes
        Sentences that go with the values wherever they are shown or exported.
    """

    columns: tuple[Column, ...]
    measure: Measure
    share: float = 1.0
    needs_image: bool = False
    notes: Callable[[Subject], tuple[str, ...]] = lambda subject: ()
