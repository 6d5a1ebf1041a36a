"""The usual plots of measured objects: size, shape and grey values by class, as Figure 3 of the paper."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from msgspec import Meta, Struct

from sxtstudio.core.errors import UserError
from sxtstudio.core.figures import Category, Figure, dot_plot
from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.measure.units import heading
from sxtstudio.core.object_classes import Rgb
from sxtstudio.core.object_table import ObjectFlag, ObjectRow, ObjectTable
from sxtstudio.workflow.document.exporting import ExportSource

#: The columns that are plotted, as far as they were measured.
COLUMNS = ("volume", "surface_mesh", "surface_to_volume", "sphericity", "axis_1", "grey_mean")
NO_CLASS, NEUTRAL = "No class", (150, 155, 162)
_Text = Annotated[str, Meta(max_length=1000)]


class PlottedClass(Struct, frozen=True):
    """The values of the objects of a class; those that could not be measured are left out."""

    name: _Text
    rgb: tuple[int, int, int]
    values: tuple[float, ...]


class ColumnPlot(Struct, frozen=True):
    """A dot plot of a column; it goes to the process that draws it as JSON."""

    title: _Text
    classes: tuple[PlottedClass, ...]

    def figure(self) -> Figure:
        """Return what is drawn."""
        each = [
            Category(one.name, one.rgb, np.zeros(len(one.values), np.int64), np.array(one.values, np.float64))
            for one in self.classes
        ]
        return dot_plot(each, self.title)


def plots_of(source: ExportSource) -> tuple[ColumnPlot, ...]:
    """Return a dot plot with mean and SD for each of ``COLUMNS``; objects at the border are left out.

    Raises
    ------
    UserError
        If the objects have not been measured.
    """
    if source.measured is None:
        raise UserError(
            "The objects have not been measured, so there is nothing to plot. Measure them first."
        )
    return measured_plots(source.measured.value, source.table)


def measured_plots(measured: Measurements, table: ObjectTable) -> tuple[ColumnPlot, ...]:
    """Return the plots of measurements; none where no object lies off the border."""
    nothing = ObjectRow()
    rows = [table.rows.get(number, nothing) for number in measured.numbers.tolist()]
    whole = np.array([ObjectFlag.BORDER not in row.flags for row in rows], np.bool_)
    names = np.array([row.class_name for row in rows], object)
    known: list[tuple[str, Rgb]] = [(one.name, one.rgb) for one in table.classes]
    known.append(("", NEUTRAL))
    columns = {column.key: column for column in measured.columns}
    plots = []
    for key in (key for key in COLUMNS if key in columns):
        values = measured.values[key].astype(np.float64)
        there = whole & np.isfinite(values)
        classes = tuple(
            PlottedClass(name or NO_CLASS, rgb, tuple(values[where].tolist()))
            for name, rgb in known
            if (where := there & (names == name)).any()
        )
        if classes:
            plots.append(ColumnPlot(heading(columns[key], calibrated=measured.calibrated), classes))
    return tuple(plots)
