"""Groups of cells compared: mean, SD, median, and a rank test whose unit of analysis is named.

Objects of one cell resemble each other more than those of another. A test that takes them for independent
(pseudo-replication) finds differences that are none; so the cell is the unit, its value the mean of its
objects, and objects are taken only where the user asks for it, with a warning.
Source: Lord, Velle, Mullins, Fritz-Laylin, J. Cell Biol. 219 (2020) e202001064, "SuperPlots".
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.wording import count

Values = NDArray[np.float64]

#: No test with fewer cells (objects) than this in a group.
LEAST = 3
#: Up to so many values in a group ranks have their exact distribution, where no two values are equal.
_EXACT = 8
_LEVEL = 0.05


class AnalysisUnit(StrEnum):
    """What counts as one observation; the values stand in files and never change."""

    CELLS = "cells"
    OBJECTS = "objects"


@dataclass(frozen=True)
class Cell:
    """A cell: its name, and the values (n,) of its objects; those that are not finite do not count."""

    name: str
    values: Values


@dataclass(frozen=True)
class CellGroup:
    """Cells under one condition."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Spread:
    """Mean, standard deviation (of a sample, n - 1; NaN for one value) and median of n values."""

    n: int
    mean: float
    sd: float
    median: float

    @classmethod
    def of(cls, values: Values) -> Spread:
        """Describe values (n,), all of them finite."""
        if not len(values):
            return cls(0, math.nan, math.nan, math.nan)
        sd = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
        return cls(len(values), float(np.mean(values)), sd, float(np.median(values)))


@dataclass(frozen=True)
class GroupSummary:
    """A group: over the means of its cells, and over all of its objects.

    ``left_out`` counts objects without a value, and ``empty`` cells without an object that has one.
    """

    name: str
    cells: Spread
    objects: Spread
    cell_names: tuple[str, ...]
    cell_means: Values
    object_values: Values
    left_out: int
    empty: int

    def values(self, unit: AnalysisUnit) -> Values:
        """Return the observations (n,)."""
        return self.cell_means if unit is AnalysisUnit.CELLS else self.object_values

    def spread(self, unit: AnalysisUnit) -> Spread:
        """Return what describes the observations."""
        return self.cells if unit is AnalysisUnit.CELLS else self.objects


class RankTest(StrEnum):
    """Which rank test; the value is its name in a report."""

    MANN_WHITNEY = "Mann-Whitney U test"
    KRUSKAL_WALLIS = "Kruskal-Wallis test"


@dataclass(frozen=True)
class RankResult:
    """A two-sided test of groups: U or H, p, and whether p is exact or from an approximation.

    ``adjusted`` is p after Holm's correction for the number of pairs, where there are several.
    """

    test: RankTest
    groups: tuple[str, ...]
    statistic: float
    p: float
    exact: bool
    adjusted: float | None = None


@dataclass(frozen=True)
class Comparison:
    """What a comparison of groups found.

    Attributes
    ----------
    result
        Of all groups; None where there are too few observations, or nothing differs: ``why_not`` says so.
    pairs
        Of three groups and more, each pair, corrected by Holm.
    cautions
        What a reader must know before believing p, in sentences.
    """

    unit: AnalysisUnit
    groups: tuple[GroupSummary, ...]
    result: RankResult | None
    why_not: str
    pairs: tuple[RankResult, ...]
    cautions: tuple[str, ...]


def compare_groups(groups: Sequence[CellGroup], unit: AnalysisUnit = AnalysisUnit.CELLS) -> Comparison:
    """Describe and test groups: Mann-Whitney for two, Kruskal-Wallis and all pairs for more."""
    summaries = tuple(summarise(group) for group in groups)
    samples = [summary.values(unit) for summary in summaries]
    why_not = _why_no_test(summaries, unit)
    result: RankResult | None = None
    pairs: tuple[RankResult, ...] = ()
    if not why_not:
        names = [summary.name for summary in summaries]
        if len(groups) == 2:
            result = _mann_whitney(names, samples)
        else:
            result, pairs = _kruskal_wallis(names, samples), _all_pairs(names, samples)
    return Comparison(unit, summaries, result, why_not, pairs, _cautions(summaries, unit, result))


def summarise(group: CellGroup) -> GroupSummary:
    """Describe a group, by cells and by objects."""
    finite = [cell.values[np.isfinite(cell.values)] for cell in group.cells]
    counted = [(cell.name, values) for cell, values in zip(group.cells, finite, strict=True) if len(values)]
    means = np.array([values.mean() for _, values in counted], np.float64)
    pooled = np.concatenate([np.empty(0), *finite])
    return GroupSummary(
        name=group.name,
        cells=Spread.of(means),
        objects=Spread.of(pooled),
        cell_names=tuple(name for name, _ in counted),
        cell_means=means,
        object_values=pooled,
        left_out=sum(len(cell.values) for cell in group.cells) - len(pooled),
        empty=len(group.cells) - len(counted),
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values after Holm's step-down correction.

    Source: Holm, Scand. J. Statist. 6 (1979) 65–70: the k-th smallest of m is multiplied by m - k + 1, and
    none may be smaller than the one before it.
    """
    order = np.argsort(p_values, kind="stable")
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def smallest_p(n: int, m: int) -> float:
    """Return the smallest two-sided p that Mann-Whitney can give for n and m observations without ties."""
    return min(1.0, 2 / math.comb(n + m, n))


def _why_no_test(groups: Sequence[GroupSummary], unit: AnalysisUnit) -> str:
    what = unit.value[:-1]
    if len(groups) < 2:
        return "There is one group only: a test compares two or more."
    few = [group for group in groups if group.spread(unit).n < LEAST]
    if few:
        counts = ", ".join(f"'{group.name}' has {count(group.spread(unit).n, what)}" for group in few)
        return f"Too few {unit.value} for a test: {counts}, and {LEAST} in each group are the least."
    values = np.concatenate([group.values(unit) for group in groups])
    if (values == values[0]).all():
        return "All values are equal: there is nothing to test."
    return ""


def _mann_whitney(names: Sequence[str], samples: Sequence[Values]) -> RankResult:
    from scipy import stats  # a second of loading, which nobody waits for who compares nothing

    first, second = samples
    ties = len(np.unique(np.concatenate(samples))) < len(first) + len(second)
    exact = not ties and max(len(first), len(second)) <= _EXACT
    found = stats.mannwhitneyu(
        first, second, alternative="two-sided", method="exact" if exact else "asymptotic"
    )
    statistic = min(float(found.statistic), len(first) * len(second) - float(found.statistic))
    return RankResult(RankTest.MANN_WHITNEY, tuple(names), statistic, float(found.pvalue), exact)


def _kruskal_wallis(names: Sequence[str], samples: Sequence[Values]) -> RankResult:
    from scipy import stats

    found = stats.kruskal(*samples)
    return RankResult(
        RankTest.KRUSKAL_WALLIS, tuple(names), float(found.statistic), float(found.pvalue), exact=False
    )


def _all_pairs(names: Sequence[str], samples: Sequence[Values]) -> tuple[RankResult, ...]:
    found = [
        _mann_whitney((names[i], names[j]), (samples[i], samples[j]))
        for i, j in itertools.combinations(range(len(names)), 2)
        if not (samples[i] == samples[i][0]).all() or not (samples[j] == samples[i][0]).all()
    ]
    adjusted = holm([pair.p for pair in found])
    return tuple(
        RankResult(pair.test, pair.groups, pair.statistic, pair.p, pair.exact, p)
        for pair, p in zip(found, adjusted, strict=True)
    )


def _cautions(
    groups: Sequence[GroupSummary], unit: AnalysisUnit, result: RankResult | None
) -> tuple[str, ...]:
    said = []
    if unit is AnalysisUnit.OBJECTS and any(
        len(group.cell_means) < len(group.object_values) for group in groups
    ):
        cells, objects = (sum(n) for n in zip(*((g.cells.n, g.objects.n) for g in groups), strict=True))
        said.append(
            f"Pseudo-replication: {count(objects, 'object')} of {count(cells, 'cell')} are no "
            f"{objects} independent observations. Objects of one cell resemble each other, so that p is "
            "too small. Take cell means as the unit of analysis, or say this beside p."
        )
    if result is not None and result.test is RankTest.MANN_WHITNEY:
        least = smallest_p(*(group.spread(unit).n for group in groups))
        numbers = f"{groups[0].spread(unit).n} and {groups[1].spread(unit).n} {unit.value}"
        if least > _LEVEL and result.exact:
            said.append(f"With {numbers} p cannot be below {least:.2g}, however large the difference is.")
        elif least > _LEVEL:
            said.append(f"Of {numbers} some have equal values, so that p is a rough approximation only.")
    if result is not None and result.test is RankTest.KRUSKAL_WALLIS:
        if min(group.spread(unit).n for group in groups) < 5:
            said.append(f"With fewer than 5 {unit.value} in a group p of this test is a rough approximation.")
    for group in groups:
        if group.empty:
            said.append(f"'{group.name}': {count(group.empty, 'cell')} without any measured object left out.")
    return tuple(said)
