"""Measurements as a table: what a file of it holds, and the dictionary of its columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sxtstudio
from sxtstudio.core.measure.columns import Column, Measurements, Quantity
from sxtstudio.core.measure.slices import SLICE_COLUMNS, SliceMeasurements
from sxtstudio.core.measure.units import unit_text
from sxtstudio.core.object_table import ObjectFlag, ObjectRow, ObjectTable
from sxtstudio.core.volume import VoxelSize

NUMBER = Column(
    "object",
    "Object",
    Quantity.NUMBER,
    "Number of the object, which is the value of its voxels in the object volume.",
    integer=True,
)
CLASS = Column("class", "Class", Quantity.TEXT, "Class of the object, empty where it has none.")
DECIDED = Column("class_by", "Class given by", Quantity.TEXT, "Who gave the class: hand, rule or classifier.")
SURE = Column(
    "class_sure", "Sure", Quantity.NUMBER, "How sure the classifier was of the class, 0 to 1; else empty."
)
FLAGS = Column(
    "flags",
    "Flags",
    Quantity.TEXT,
    "Why the object may not be whole or not be one: border (touches a face of the volume, or the edge of "
    "what was measured in it), open (its outlines end while it is wide: more than a fifth of it is missing "
    "above or below them, or no more than a cap), "
    "doubtful (the network was not sure of its outline), sheet (encloses nothing).",
)
NOTES = Column("notes", "Notes", Quantity.TEXT, "What the user wrote.")
SLICE = Column("slice", "Slice", Quantity.NUMBER, "Slice, counted from 0.", integer=True)

#: Columns of an object besides its measurements.
OBJECT_COLUMNS: tuple[Column, ...] = (NUMBER, CLASS, DECIDED, SURE, FLAGS, NOTES)


@dataclass(frozen=True)
class FileColumn:
    """A column of a file: its name there, its values (n,) and what they mean."""

    name: str
    values: NDArray[Any]
    explained: Column


@dataclass(frozen=True)
class Table:
    """A table for a file.

    Attributes
    ----------
    columns
        In their order; values are int64, float64 (NaN: not measured) or text (object).
    about
        What else is known, by name: tomogram, voxel size, program.
    calibrated
        The voxel size is known; without it lengths are in voxels.
    """

    columns: tuple[FileColumn, ...]
    about: Mapping[str, str]
    calibrated: bool

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.columns[0].values)

    def dictionary(self) -> Iterator[dict[str, str]]:
        """Yield a row of the dictionary for each column, then one for all that is in ``about``."""
        for column in self.columns:
            what = column.explained
            yield {
                "column": column.name,
                "title": what.title,
                "unit": unit_text(what.quantity, calibrated=self.calibrated),
                "definition": what.definition,
                "formula": what.formula,
                "source": what.source,
            }
        for name, value in self.about.items():
            empty = dict.fromkeys(("unit", "formula", "source"), "")
            yield {"column": f"({name})", "title": "", "definition": value, **empty}


DICTIONARY_NAMES = ("column", "title", "unit", "definition", "formula", "source")


def about(file: str, voxel_nm: VoxelSize | None, **more: str) -> dict[str, str]:
    """Return what is said of a table as a whole."""
    size = (
        "unknown: lengths are in voxels"
        if voxel_nm is None
        else " × ".join(f"{edge:g}" for edge in voxel_nm) + " nm (z × y × x)"
    )
    return {
        "measured in": file,
        "voxel size": size,
        "program": f"SXT Studio {sxtstudio.__version__}",
        **more,
    }


def out_of_date(warnings: Sequence[str]) -> dict[str, str]:
    """Return what is said of a table whose values do not all hold any more, as ``about``."""
    return {"out of date": " ".join(warnings)} if warnings else {}


def object_table(measured: Measurements, rows: ObjectTable | None, about: Mapping[str, str]) -> Table:
    """Return the table of objects: their rows, where there are such, and all that was measured."""
    columns = [FileColumn(NUMBER.key, measured.numbers, NUMBER)]
    if rows is not None:
        nothing = ObjectRow()
        each = [rows.rows.get(number, nothing) for number in measured.numbers.tolist()]
        texts = {
            CLASS: [row.class_name for row in each],
            DECIDED: [row.decided.value if row.class_name else "" for row in each],
            FLAGS: [" ".join(flag.value for flag in ObjectFlag if flag in row.flags) for row in each],
            NOTES: [row.notes for row in each],
        }
        columns += [FileColumn(what.key, np.array(text, object), what) for what, text in texts.items()]
        sure = np.array([np.nan if row.sure is None else row.sure for row in each], np.float64)
        columns.insert(3, FileColumn(SURE.key, sure, SURE))
    for what in measured.columns:
        name = what.name(calibrated=measured.calibrated)
        columns.append(FileColumn(name, measured.values[what.key], what))
    notes = {f"note {number}": note for number, note in enumerate(measured.notes, start=1)}
    return Table(tuple(columns), {**about, **notes}, measured.calibrated)


def slice_table(measured: SliceMeasurements, about: Mapping[str, str]) -> Table:
    """Return the table of objects in each of their slices."""
    columns = [
        FileColumn(NUMBER.key, measured.numbers, NUMBER),
        FileColumn(SLICE.key, measured.slices, SLICE),
    ]
    for what in SLICE_COLUMNS:
        name = what.name(calibrated=measured.calibrated)
        columns.append(FileColumn(name, measured.values[what.key], what))
    return Table(tuple(columns), dict(about), measured.calibrated)
