"""What a column of a table of measurements means: definition, formula, source and unit."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray


class Quantity(Enum):
    """What is measured, which decides the unit: with a known voxel size, and without (in voxels)."""

    NUMBER = ("", "")  # a count, a ratio, a number of an object
    NM = ("nm", "px")
    NM2 = ("nm2", "px2")
    UM2 = ("um2", "px2")
    UM3 = ("um3", "voxels")
    PER_UM = ("per_um", "per_px")  # surface-to-volume
    DEGREES = ("deg", "deg")
    GREY = ("grey", "grey")  # as in the tomogram
    GREY_PER_NM = ("per_nm", "per_px")  # a gradient
    LAC = ("per_um", "per_um")  # linear absorption coefficient, of a calibrated tomogram
    SLICES = ("slices", "slices")
    TEXT = ("text", "text")


_WITHOUT_UNIT = (Quantity.NUMBER, Quantity.TEXT, Quantity.GREY, Quantity.SLICES)

#: A value in nm, nm², nm³ is multiplied by this for the unit of the column.
FROM_NM = {Quantity.NM: 1.0, Quantity.NM2: 1.0, Quantity.UM2: 1e-6, Quantity.UM3: 1e-9, Quantity.PER_UM: 1e3}


class DependsOn(Enum):
    """What must not have changed for the values of a column to hold, besides the voxels of the object."""

    NOTHING_ELSE = "nothing else"
    OBJECTS = "the voxels of other objects"
    CLASSES = "the voxels and the classes of other objects"


@dataclass(frozen=True)
class Column:
    """A column: its key for the program, what it measures, and what the user's dictionary says of it.

    Attributes
    ----------
    key
        Without unit, such as "volume"; unique.
    title
        As the window writes it, without unit, such as "Volume".
    definition, formula, source
        One sentence, plain text formula ("" where the definition is enough), and where it comes from.
    integer
        Whole numbers.
    depends_on
        What else than the object itself makes its values wrong.
    """

    key: str
    title: str
    quantity: Quantity
    definition: str
    formula: str = ""
    source: str = ""
    integer: bool = False
    depends_on: DependsOn = DependsOn.NOTHING_ELSE

    def name(self, *, calibrated: bool) -> str:
        """Return the name in files, such as ``volume_um3``, or ``volume_voxels`` without a voxel size."""
        if self.quantity in _WITHOUT_UNIT:
            return self.key
        return f"{self.key}_{self.quantity.value[0 if calibrated else 1]}"


@dataclass
class Measurements:
    """Measured values of objects.

    Attributes
    ----------
    numbers
        The objects (n,), int64, ascending.
    values
        By the key of the column, arrays (n,); in the units of the columns. NaN: could not be measured.
    columns
        Of ``values``, in their order.
    calibrated
        The voxel size is known; without it lengths are in voxels.
    notes
        Sentences that belong to the values, such as how LAC was calibrated; they go with every export.
    """

    numbers: NDArray[np.int64]
    values: dict[str, NDArray[np.generic]] = field(default_factory=dict)
    columns: tuple[Column, ...] = ()
    calibrated: bool = True
    notes: tuple[str, ...] = ()

    def add(self, column: Column, values: NDArray[np.generic]) -> None:
        """Add a column (n,)."""
        if values.shape != self.numbers.shape:
            raise ValueError(f"{column.key}: {values.shape} values for {self.numbers.shape} objects")
        self.values[column.key] = values
        self.columns = (*self.columns, column)
