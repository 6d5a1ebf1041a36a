"""The list of filopodia: which there are, whether each is whole, and what of them is listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sxtstudio.core.measure.columns import Column, Measurements, Quantity
from sxtstudio.core.measure.table import NUMBER, FileColumn, Table
from sxtstudio.core.object_classes import FILOPODIUM
from sxtstudio.core.object_table import ObjectFlag, ObjectTable

#: The keys of what is listed of each, as far as it was measured.
LISTED = (
    "skeleton_length",
    "width_mean",
    "axis_1",
    "axis_2",
    "axis_3",
    "volume",
    "surface_mesh",
    "surface",
    "surface_to_volume",
)
_WHOLE = Column(
    "whole", "Whole", Quantity.TEXT, "yes, or no with the reason; those that are whole count in Table S1."
)


@dataclass(frozen=True)
class ListedFilopodium:
    """An object of the class Filopodium, and why it is not whole ("" where it is)."""

    number: int
    why: str

    @property
    def complete(self) -> bool:
        """Whether it counts in Table S1."""
        return not self.why

    @property
    def whole(self) -> str:
        """What the list says: "yes", or "no: cut by a border"."""
        return "yes" if self.complete else f"no: {self.why}"


def filopodia_of(table: ObjectTable) -> tuple[ListedFilopodium, ...]:
    """Return the filopodia of a table; one with a flag is not whole, whoever set it."""
    found = []
    for number, row in table.rows.items():
        if row.class_name == FILOPODIUM.name:
            cut = ObjectFlag.BORDER in row.flags or ObjectFlag.OPEN in row.flags
            usual = "cut by a border" if ObjectFlag.BORDER in row.flags else "its outline is open"
            found.append(ListedFilopodium(number, (row.notes or usual) if cut else ""))
    return tuple(found)


def filopodium_table(measured: Measurements, rows: ObjectTable, about: Mapping[str, str]) -> Table:
    """Return the list as a table for a file: the filopodia that were measured, by their numbers."""
    listed = {one.number: one for one in filopodia_of(rows)}
    there = np.isin(measured.numbers, np.fromiter(listed, np.int64, len(listed)))
    numbers = measured.numbers[there]
    whole = np.array([listed[number].whole for number in numbers.tolist()], object)
    columns = [FileColumn(NUMBER.key, numbers, NUMBER), FileColumn(_WHOLE.key, whole, _WHOLE)]
    known = {what.key: what for what in measured.columns}
    columns += [
        FileColumn(known[key].name(calibrated=measured.calibrated), measured.values[key][there], known[key])
        for key in LISTED
        if key in known
    ]
    return Table(tuple(columns), dict(about), measured.calibrated)
