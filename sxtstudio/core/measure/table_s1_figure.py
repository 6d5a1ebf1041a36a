"""The dot plots beside Table S1, as in Figure 3 of the paper: a dot per object, mean, SD, and the paper's."""

from __future__ import annotations

import numpy as np

from sxtstudio.core.figures import GROUP_COLOURS, Dots, Figure, FigureKind, MeanBar, swarm
from sxtstudio.core.measure.table_s1 import S1Row, TableS1
from sxtstudio.core.statistics import Spread

#: The rows that share a plot, by what their titles end with: axes have one scale.
_AXIS = "axis"
_SHORT = {"First axis": "1st", "Second axis": "2nd", "Third axis": "3rd"}


def s1_figures(table: TableS1) -> tuple[Figure, ...]:
    """Return a figure for each measure; the axes of a dimension are one figure."""
    figures = []
    for dimensions in (3, 2):
        rows = [row for row in table.rows if row.dimensions == dimensions]
        axes = [row for row in rows if row.title.endswith(_AXIS)]
        for group in [[row] for row in rows if row not in axes] + ([axes] if axes else []):
            figures.append(_figure(group))
    return tuple(figures)


def _figure(rows: list[S1Row]) -> Figure:
    """Return the plot of rows side by side, the paper's mean and SD beside each."""
    first = rows[0]
    several = len(rows) > 1
    dots, means, ticks = [], [], []
    place = 1
    for row in rows:
        name = _SHORT.get(row.title, row.title) if several else "these"
        rgb = GROUP_COLOURS[2]
        values = np.asarray(row.values, np.float64)
        dots.append(Dots(name, rgb, np.zeros(len(values), np.int64), place + swarm(values), values))
        means.append(MeanBar(float(place), Spread.of(values)))
        ticks.append((float(place), f"{name}\nn = {row.n}"))
        place += 1
        if row.paper is not None:
            mean, sd = row.paper
            means.append(MeanBar(float(place), Spread(60, mean, sd, mean)))
            ticks.append((float(place), "paper" if several else "paper\nn = 60"))
            place += 1
    title = "Axes" if several else first.title
    unit = f" ({first.unit})" if first.unit else ""
    return Figure(
        FigureKind.DOTS,
        "",
        f"{title}, {first.dimensions}D{unit}",
        dots=tuple(dots),
        means=tuple(bar for bar in means if bar.spread.n),
        ticks=tuple(ticks),
    )
