"""The columns of the table in the window: those of the table itself, and the measured ones."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.measure.columns import Column, Measurements
from sxtstudio.core.measure.units import heading
from sxtstudio.core.object_table import ObjectFlag


class Own(StrEnum):
    """The columns that every table has, by their keys."""

    NUMBER = "number"
    CLASS = "class"
    FLAGS = "flags"
    NOTES = "notes"


@dataclass(frozen=True)
class TableColumn:
    """A column of the window's table: its key, its heading with unit, and what it means.

    ``integer`` numbers are written without decimals; ``measured`` is False for the table's own columns;
    ``empty`` ones hold no value, as volumes do where the tomogram has one slice.
    """

    key: str
    title: str
    tip: str
    measured: bool = False
    integer: bool = False
    empty: bool = False


OWN: tuple[TableColumn, ...] = (
    TableColumn(Own.NUMBER, "Object", "The number of the object, in its colour; it never changes"),
    TableColumn(Own.CLASS, "Class", "What it is, as you, a rule or a classifier said"),
    TableColumn(Own.FLAGS, "Flags", "Why an object may not be whole, or not be one"),
    TableColumn(Own.NOTES, "Notes", "What you write down; F2 edits it"),
)

#: Shown at first, where they were measured.
USUAL = (
    "volume",
    "equivalent_diameter",
    "axis_1",
    "axis_2",
    "axis_3",
    "surface_mesh",
    "surface_to_volume",
    "sphericity",
    "skeleton_length",
    "grey_inside_mean",
    "lac_inside",
)
_OF_SLICE = (
    "slice_area_mean",
    "slice_axis_1_mean",
    "slice_axis_2_mean",
    "slice_perimeter_mean",
    "slice_eccentricity_mean",
)
_AT_FIRST = 6

#: In the table, and in a sentence.
FLAGS: dict[ObjectFlag, tuple[str, str]] = {
    ObjectFlag.BORDER: (
        "border",
        "touches the border of the volume, or of what was measured in it, so part of it may be missing",
    ),
    ObjectFlag.OPEN: (
        "open",
        "its outlines end while it is wide: more than a fifth is missing above or below them",
    ),
    ObjectFlag.DOUBTFUL: ("doubtful", "the network was not sure of its outline"),
    ObjectFlag.CHECKED: ("checked", "it was looked at while checking, and is right as it is"),
    ObjectFlag.SHEET: (
        "sheet",
        "an open sheet of membrane that encloses nothing; a lasso drawn around a part of "
        "it, while no object is chosen, makes a body of that part",
    ),
}


def flags_text(flags: frozenset[ObjectFlag]) -> str:
    """Return "border, open"; "" where there are none."""
    return ", ".join(FLAGS[flag][0] for flag in ObjectFlag if flag in flags) if flags else ""


def flags_sentence(flags: frozenset[ObjectFlag]) -> str:
    """Return what the flags of an object mean, a line each."""
    lines = [FLAGS[flag][1] for flag in ObjectFlag if flag in flags]
    return "\n".join(line[:1].upper() + line[1:] + "." for line in lines)


def table_column(column: Column, *, calibrated: bool, empty: bool = False) -> TableColumn:
    """Return a measured column as the window shows it; its tip is what the dictionary says."""
    lines = [column.definition]
    lines += [f"= {column.formula}"] if column.formula else []
    lines += [f"Source: {column.source}"] if column.source else []
    lines.append(f"In files: {column.name(calibrated=calibrated)}")
    title = heading(column, calibrated=calibrated)
    return TableColumn(column.key, title, "\n".join(lines), True, column.integer, empty)


def columns_of(measurements: Measurements | None) -> tuple[TableColumn, ...]:
    """Return all columns that there are now, the table's own first."""
    if measurements is None:
        return OWN
    measured = (
        table_column(one, calibrated=measurements.calibrated, empty=_is_empty(measurements.values[one.key]))
        for one in measurements.columns
    )
    return (*OWN, *measured)


def _is_empty(values: NDArray[Any]) -> bool:
    # The first value decides nearly always, whatever the number of objects.
    if values.dtype.kind != "f" or not values.size:
        return False
    return bool(np.isnan(values[0]) and np.isnan(values).all())


def usual_keys(columns: tuple[TableColumn, ...]) -> tuple[str, ...]:
    """Return the keys of the columns that are shown as long as the user has not chosen others."""
    measured = [column.key for column in columns if column.measured and not column.empty]
    flat = any(column.empty and column.key == "volume" for column in columns)
    usual = (*_OF_SLICE, *USUAL) if flat else USUAL
    shown = [key for key in usual if key in measured] or measured[:_AT_FIRST]
    return (Own.NUMBER, Own.CLASS, Own.FLAGS, *shown, Own.NOTES)
