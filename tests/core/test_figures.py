from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.core.figures import (
    Category,
    bins_of,
    dot_plot,
    histogram,
    inside_polygon,
    scatter_plot,
    swarm,
)


def category(name: str, values: list[float]) -> Category:
    return Category(name, (1, 2, 3), np.arange(1, len(values) + 1), np.array(values))


def test_dots_have_the_mean_and_sd_of_what_is_drawn() -> None:
    figure = dot_plot([category("a", [1, 2, 3, np.nan]), category("b", [])], "Volume (µm³)")
    assert figure.dots[0].numbers.tolist() == [1, 2, 3]
    assert [(bar.x, bar.spread.mean, bar.spread.sd, bar.spread.n) for bar in figure.means] == [(1, 2, 1, 3)]
    assert figure.ticks == ((1.0, "a\nn = 3"), (2.0, "b\nn = 0"))
    assert np.abs(figure.dots[0].x - 1).max() < 0.5 and figure.legend == ()


def test_names_of_any_length_are_cut() -> None:
    """A plot is as wide as its names ask for."""
    long = "W" * 300
    figure = dot_plot([category(long, [1, 2]), category("a" * 40, [1])], "Volume")
    assert figure.ticks == ((1.0, f"{'W' * 39}…\nn = 2"), (2.0, f"{'a' * 40}\nn = 1"))
    legend = histogram([category(long, [1, 2]), category("b", [1, 3])], "Volume").legend
    assert [name for name, _ in legend] == [f"{'W' * 39}…", "b"]


def test_equal_values_are_told_apart_and_stay_in_their_places() -> None:
    values = np.concatenate([np.full(200, 5.0), np.linspace(0, 10, 21)])
    aside = swarm(values)
    assert len(np.unique(aside[:200])) == 200 and np.abs(aside).max() <= 0.36
    assert np.abs(aside[200:205]).max() < np.abs(aside[:200]).max() / 4, "lonely ones stay in the middle"
    assert (swarm(values) == aside).all()
    assert swarm(np.array([3.0])).tolist() == [0.0] and len(swarm(np.empty(0))) == 0


def test_a_histogram_counts_every_value_once() -> None:
    values = np.random.default_rng(2).lognormal(0, 1, 500)
    figure = histogram([category("a", values[:200].tolist()), category("b", values[200:].tolist())], "x")
    assert [bars.counts.sum() for bars in figure.bars] == [200, 300]
    assert (figure.bars[0].edges == figure.bars[1].edges).all() and len(figure.legend) == 2


@pytest.mark.parametrize("values", [[], [4.0], [4.0, 4.0], [1, 2, 3, 4, 40], [0.0, 1e-9, 1e9]])
def test_bins_hold_all_values(values: list[float]) -> None:
    edges = bins_of(np.array(values, np.float64))
    assert (np.diff(edges) > 0).all() and len(edges) <= 70
    assert np.histogram(values, edges)[0].sum() == len(values)


def test_whole_numbers_lie_in_the_middle_of_bins() -> None:
    edges = bins_of(np.repeat(np.arange(1.0, 7), 5))
    assert (edges * 2 % 2 == 1).all()


def test_a_scatter_plot_leaves_out_what_lacks_either_value() -> None:
    figure = scatter_plot([(category("a", [1, np.nan, 3]), np.array([1.0, 2.0, np.inf]))], "x", "y")
    assert figure.dots[0].numbers.tolist() == [1] and not figure.empty


def test_a_polygon_may_bend_inwards() -> None:
    """A U: its gap is outside."""
    corners = [(0, 0), (6, 0), (6, 6), (4, 6), (4, 2), (2, 2), (2, 6), (0, 6)]
    x = np.array([1.0, 3.0, 5.0, 3.0, 7.0, -1.0])
    y = np.array([5.0, 5.0, 5.0, 1.0, 1.0, 1.0])
    assert inside_polygon(x, y, corners).tolist() == [True, False, True, True, False, False]
