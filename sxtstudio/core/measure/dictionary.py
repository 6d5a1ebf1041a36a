"""The dictionary of every column that a table can have, by what it is about: what the help shows."""

from __future__ import annotations

from dataclasses import dataclass

from sxtstudio.core.measure.calibration import COLUMNS as LAC_COLUMNS
from sxtstudio.core.measure.columns import Column
from sxtstudio.core.measure.contacts import SITE_COLUMNS, ContactRule
from sxtstudio.core.measure.grey import COLUMNS as GREY_COLUMNS
from sxtstudio.core.measure.measure import all_columns
from sxtstudio.core.measure.relations import NEAREST, POSITION, SHELL, class_columns
from sxtstudio.core.measure.shape import COLUMNS as SHAPE_COLUMNS
from sxtstudio.core.measure.size import COLUMNS as SIZE_COLUMNS
from sxtstudio.core.measure.skeleton import COLUMNS as SKELETON_COLUMNS
from sxtstudio.core.measure.slices import COLUMNS as OVER_SLICES
from sxtstudio.core.measure.slices import SLICE_COLUMNS
from sxtstudio.core.measure.table import NUMBER, OBJECT_COLUMNS, SLICE

_CONTACTS = ContactRule("class A", "class B", 30.0)


@dataclass(frozen=True)
class ColumnSection:
    """Columns that belong together, under a heading, and what is said of all of them ("" if nothing)."""

    title: str
    columns: tuple[Column, ...]
    note: str = ""


def sections() -> tuple[ColumnSection, ...]:
    """Return all columns; those of classes stand for a class of any name."""
    relations = (*NEAREST, *class_columns("class A"), *_CONTACTS.columns(), POSITION, SHELL)
    found = (
        ColumnSection("Object", OBJECT_COLUMNS),
        ColumnSection("Size and place", SIZE_COLUMNS),
        ColumnSection("Surface and shape", SHAPE_COLUMNS),
        ColumnSection("Skeleton", SKELETON_COLUMNS),
        ColumnSection("Over the slices of an object", OVER_SLICES),
        ColumnSection("Grey values", GREY_COLUMNS, "In the unit of the tomogram, where there is one."),
        ColumnSection("Absorption", LAC_COLUMNS, "Where the tomogram is calibrated."),
        ColumnSection(
            "Relations", relations, "For every class, and every pair of classes that is asked for."
        ),
        ColumnSection("A contact site", SITE_COLUMNS, "In the table of contact sites."),
        ColumnSection("An object in a slice", (NUMBER, SLICE, *SLICE_COLUMNS), "In the table of slices."),
    )
    known = {column.key for section in found for column in section.columns}
    others = tuple(column for column in all_columns() if column.key not in known)
    return (*found, ColumnSection("Others", others)) if others else found
