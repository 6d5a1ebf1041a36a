"""A comparison of groups in the words in which it is reported."""

from __future__ import annotations

import math

from sxtstudio.core.statistics import AnalysisUnit, Comparison, RankResult, RankTest, Spread
from sxtstudio.core.wording import count

_UNIT = {
    AnalysisUnit.CELLS: "cell (one value per cell: the mean of its objects)",
    AnalysisUnit.OBJECTS: "single object",
}


def number(value: float) -> str:
    """Return a value with four digits, "n/a" where there is none."""
    if not math.isfinite(value):
        return "n/a"
    return f"{value:.4g}"


def p_text(p: float) -> str:
    """Return "p = 0.032", "p = 0.00012", or "p < 0.0001"."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"


def report(comparison: Comparison, title: str, unit: str = "", *, per_cell: bool = False) -> str:
    """Return the report of a comparison of the column ``title``, whose values have ``unit``.

    It says n of cells and n of objects, what mean and SD are of, the test with its unit of analysis, and
    what to be careful about. ``per_cell``: the values are one of each cell, such as a count.
    """
    what = f"{title} ({unit})" if unit else title
    observed = "cell" if per_cell else _UNIT[comparison.unit]
    lines = [f"{what}. Unit of analysis: the {observed}. Mean ± SD, median."]
    for group in comparison.groups:
        if per_cell:
            lines.append(f"{group.name}: {count(group.cells.n, 'cell')}; {_spread(group.cells)}.")
            continue
        lines.append(
            f"{group.name}: {count(group.cells.n, 'cell')}, {count(group.objects.n, 'object')}; "
            f"of cell means {_spread(group.cells)}; of all objects {_spread(group.objects)}."
        )
    lines.append(comparison.why_not or _test(comparison.result, comparison, per_cell=per_cell))
    lines += [_pair(pair) for pair in comparison.pairs]
    if comparison.pairs:
        lines.append("p of pairs is corrected for their number by Holm's method.")
    lines += [f"Note: {caution}" for caution in comparison.cautions]
    return "\n".join(lines)


def _spread(spread: Spread) -> str:
    return f"{number(spread.mean)} ± {number(spread.sd)}, median {number(spread.median)}"


def _test(result: RankResult | None, comparison: Comparison, *, per_cell: bool) -> str:
    if result is None:
        return ""
    unit = comparison.unit
    sizes = ", ".join(str(group.spread(unit).n) for group in comparison.groups)
    symbol = "U" if result.test is RankTest.MANN_WHITNEY else f"H({len(result.groups) - 1})"
    observed = "cells" if per_cell else "cell means" if unit is AnalysisUnit.CELLS else "objects"
    how = "exact" if result.exact else "approximate, corrected for ties"
    sided = "two-sided, " if result.test is RankTest.MANN_WHITNEY else ""
    return (
        f"{result.test.value}, {sided}on {observed} (n = {sizes}): "
        f"{symbol} = {number(result.statistic)}, {p_text(result.p)} ({how})."
    )


def _pair(pair: RankResult) -> str:
    corrected = pair.p if pair.adjusted is None else pair.adjusted
    return (
        f"{pair.groups[0]} against {pair.groups[1]}: {pair.test.value}, U = {number(pair.statistic)}, "
        f"{p_text(corrected)} (corrected; {p_text(pair.p)} before)."
    )
