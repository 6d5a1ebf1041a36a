"""The usual plots of measured objects: size, shape and grey values by class, as Figure 3 of the paper."""

from __future__ import annotations

import numpy as np

from sxtstudio.core.errors import UserError
from sxtstudio.core.figures import Category, Figure, dot_plot
from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.measure.units import heading
from sxtstudio.core.object_classes import Rgb
from sxtstudio.core.object_table import Flag, ObjectRow, ObjectTable
from sxtstudio.workflow.document.exporting import ExportSource

#: The columns that are plotted, as far as they were measured.
COLUMNS = ("volume", "surface_mesh", "surface_to_volume", "sphericity", "axis_1", "grey_mean")
NO_CLASS, NEUTRAL = "No class", (150, 155, 162)


def figures_of(source: ExportSource) -> tuple[Figure, ...]:
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
    return measured_figures(source.measured.value, source.table)


def measured_figures(measured: Measurements, table: ObjectTable) -> tuple[Figure, ...]:
    """Return the plots of measurements."""
    nothing = ObjectRow()
    rows = [table.rows.get(number, nothing) for number in measured.numbers.tolist()]
    whole = np.array([Flag.BORDER not in row.flags for row in rows], np.bool_)
    names = np.array([row.class_name for row in rows], object)
    known: list[tuple[str, Rgb]] = [(one.name, one.rgb) for one in table.classes]
    known.append(("", NEUTRAL))
    titles = {column.key: column for column in measured.columns}
    figures = []
    for key in (key for key in COLUMNS if key in titles):
        values = measured.values[key].astype(np.float64)
        each = [
            Category(name or NO_CLASS, rgb, measured.numbers[where], values[where])
            for name, rgb in known
            if (where := whole & (names == name)).any()
        ]
        figures.append(dot_plot(each, heading(titles[key], calibrated=measured.calibrated)))
    return tuple(figures)
