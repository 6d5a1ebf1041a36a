from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from sxtstudio.core.statistics import (
    AnalysisUnit,
    Cell,
    CellGroup,
    RankTest,
    compare_groups,
    holm,
    smallest_p,
    summarise,
)
from sxtstudio.core.statistics_text import p_text, report

CELLS, OBJECTS = AnalysisUnit.CELLS, AnalysisUnit.OBJECTS


def group(name: str, *cells: tuple[float, ...]) -> CellGroup:
    return CellGroup(name, tuple(Cell(f"{name} {i}", np.array(values)) for i, values in enumerate(cells)))


def single(name: str, *values: float) -> CellGroup:
    return group(name, *((value,) for value in values))


def exact_p(first: list[float], second: list[float]) -> float:
    """Two-sided, by counting all ways to draw ranks: as the test is defined."""
    pooled = sorted(first + second)

    def u(chosen: tuple[float, ...]) -> float:
        rest = [value for value in pooled if value not in chosen]
        wins = sum(a > b for a in chosen for b in rest)
        return min(wins, len(chosen) * len(rest) - wins)

    observed = u(tuple(first))
    ways = [u(chosen) for chosen in itertools.combinations(pooled, len(first))]
    return sum(way <= observed for way in ways) / len(ways)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]),
        ([1.0, 5.0, 7.0, 9.0], [2.0, 3.0, 4.0, 8.0, 11.0]),
        ([6.1, 7.2, 9.3], [1.4, 2.5, 3.6, 8.7]),
    ],
    ids=["apart", "mixed", "above"],
)
def test_p_of_two_groups_is_the_share_of_all_drawings(first: list[float], second: list[float]) -> None:
    found = compare_groups([single("a", *first), single("b", *second)])
    assert found.result is not None and found.result.test is RankTest.MANN_WHITNEY and found.result.exact
    assert found.result.p == pytest.approx(exact_p(first, second))


def test_ties_take_the_corrected_approximation() -> None:
    """The normal approximation with tie and continuity correction, written out."""
    found = compare_groups([single("a", 1, 2, 2, 3), single("b", 2, 4, 5, 5)]).result
    assert found is not None and not found.exact
    n, m, u = 4, 4, 2.0  # ranks of a: 1, 3, 3, 5 = 12, less 10
    ties = (3**3 - 3) + (2**3 - 2)
    variance = n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
    z = (n * m / 2 - u - 0.5) / math.sqrt(variance)
    assert found.statistic == u and found.p == pytest.approx(math.erfc(z / math.sqrt(2)))


def test_three_groups_take_kruskal_wallis_and_corrected_pairs() -> None:
    groups = [single("a", 1, 2, 3, 4), single("b", 5, 6, 7, 8), single("c", 9, 10, 11, 12)]
    found = compare_groups(groups)
    assert found.result is not None and found.result.test is RankTest.KRUSKAL_WALLIS
    h = 12 / (12 * 13) * (10**2 / 4 + 26**2 / 4 + 42**2 / 4) - 3 * 13
    assert found.result.statistic == pytest.approx(h)
    assert found.result.p == pytest.approx(math.exp(-h / 2))  # chi², two degrees of freedom
    assert [pair.groups for pair in found.pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [pair.p for pair in found.pairs] == pytest.approx([2 / 70] * 3)
    assert [pair.adjusted for pair in found.pairs] == pytest.approx([6 / 70] * 3)


def test_holm_steps_down_and_never_falls() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_a_cell_counts_once_whatever_it_holds() -> None:
    """Two cells, one of them with nine in ten of the objects: the mean of cell means, not of objects."""
    found = summarise(group("a", (1.0,) * 9, (3.0,), (math.nan, math.inf)))
    assert (found.cells.n, found.cells.mean, found.cells.median) == (2, 2.0, 2.0)
    assert found.cells.sd == pytest.approx(math.sqrt(2))
    assert (found.objects.n, found.objects.mean, found.objects.median) == (10, pytest.approx(1.2), 1.0)
    assert (found.left_out, found.empty, found.cell_names) == (2, 1, ("a 0", "a 1"))


def test_objects_as_the_unit_come_with_a_warning() -> None:
    groups = [group("a", (1, 2, 3), (4, 5, 6)), group("b", (7, 8, 9), (10, 11, 12))]
    by_cell, by_object = compare_groups(groups), compare_groups(groups, OBJECTS)
    assert by_cell.result is None and "'a' has 2 cells" in by_cell.why_not
    assert by_object.result is not None and by_object.result.p == pytest.approx(2 / math.comb(12, 6))
    assert "Pseudo-replication: 12 objects of 4 cells" in " ".join(by_object.cautions)
    one_each = [single("a", 1, 2, 3, 4), single("b", 3.5, 4.5, 5.5, 6.5)]
    assert compare_groups(one_each, OBJECTS).cautions == ()


def test_what_no_difference_could_show_is_said() -> None:
    found = compare_groups([single("a", 1, 2, 3), single("b", 14, 15, 16)])
    assert found.result is not None and found.result.p == pytest.approx(0.1) == smallest_p(3, 3)
    assert "cannot be below 0.1" in found.cautions[0]
    assert compare_groups([single("a", 1, 2, 3, 4), single("b", 5, 6, 7, 8)]).cautions == ()


def test_what_an_exact_test_could_not_give_is_not_said_of_an_approximate_one() -> None:
    found = compare_groups([single("a", 1, 1, 2), single("b", 5, 5, 6)])
    assert found.result is not None and not found.result.exact and found.result.p < 0.1
    assert "below" not in found.cautions[0] and "rough approximation" in found.cautions[0]


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ([single("a", 1, 2, 3)], "one group only"),
        ([single("a", 1, 2), single("b", 1, 2, 3)], "'a' has 2 cells, and 3 in each"),
        ([single("a", 1, 1, 1), single("b", 1, 1, 1)], "All values are equal"),
        ([CellGroup("a", ()), single("b", 1, 1, 1)], "'a' has 0 cells"),
    ],
    ids=["one", "few", "equal", "empty"],
)
def test_no_test_where_there_can_be_none(groups: list[CellGroup], words: str) -> None:
    found = compare_groups(groups)
    assert found.result is None and words in found.why_not and words in report(found, "Volume")


def test_the_report_names_the_unit_of_analysis_and_both_numbers() -> None:
    groups = [group("control", (1, 3), (4,), (5,)), group("infected", (7,), (8,), (9, 11))]
    text = report(compare_groups(groups), "Volume", "µm³")
    assert text.splitlines() == [
        "Volume (µm³). Unit of analysis: the cell (one value per cell: the mean of its objects). "
        "Mean ± SD, median.",
        "control: 3 cells, 4 objects; of cell means 3.667 ± 1.528, median 4; "
        "of all objects 3.25 ± 1.708, median 3.5.",
        "infected: 3 cells, 4 objects; of cell means 8.333 ± 1.528, median 8; "
        "of all objects 8.75 ± 1.708, median 8.5.",
        "Mann-Whitney U test, two-sided, on cell means (n = 3, 3): U = 0, p = 0.1 (exact).",
        "Note: With 3 and 3 cells p cannot be below 0.1, however large the difference is.",
    ]
    assert p_text(3e-9) == "p < 0.0001" and p_text(0.03217) == "p = 0.032"
