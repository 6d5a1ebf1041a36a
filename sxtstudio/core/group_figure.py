"""Groups of cells as a figure: objects as small dots, cell means as large ones, mean and SD of these."""

from __future__ import annotations

import numpy as np

from sxtstudio.core.figures import GROUP_COLOURS, Dots, Figure, FigureKind, MeanBar, short_name, swarm
from sxtstudio.core.statistics import AnalysisUnit, Comparison
from sxtstudio.core.wording import count


def group_figure(comparison: Comparison, y_title: str, *, per_cell: bool = False) -> Figure:
    """Return the figure of a comparison; mean and SD are those of the unit of analysis.

    ``per_cell``: the values are one of each cell, such as a count, and there are no dots of objects.

    Source: Lord et al., J. Cell Biol. 219 (2020) e202001064, "SuperPlots".
    """
    dots, means, ticks = [], [], []
    for place, group in enumerate(comparison.groups, 1):
        rgb = GROUP_COLOURS[(place - 1) % len(GROUP_COLOURS)]
        objects, cells = group.object_values, group.cell_means
        nothing = np.zeros(len(objects), np.int64)
        pale = (_pale(rgb[0]), _pale(rgb[1]), _pale(rgb[2]))
        if not per_cell:
            dots.append(Dots(group.name, pale, nothing, place + swarm(objects), objects))
        if comparison.unit is AnalysisUnit.CELLS:
            spread = np.linspace(-0.18, 0.18, len(cells)) if len(cells) > 1 else np.zeros(len(cells))
            x = place + spread[np.argsort(np.argsort(cells, kind="stable"), kind="stable")]
            dots.append(Dots(group.name, rgb, np.zeros(len(cells), np.int64), x, cells, large=True))
        observed = group.spread(comparison.unit)
        if observed.n:
            means.append(MeanBar(float(place), observed))
        objects_too = "" if per_cell else f", {count(group.objects.n, 'object')}"
        words = f"{short_name(group.name)}\n{count(group.cells.n, 'cell')}{objects_too}"
        ticks.append((float(place), words))
    return Figure(FigureKind.DOTS, "", y_title, dots=tuple(dots), means=tuple(means), ticks=tuple(ticks))


def _pale(part: int) -> int:
    """Return a part of a colour half-way to white, on which the dots of the cells stand out."""
    return (part + 255) // 2
