"""What a plot shows, whoever draws it: dots with mean and SD, histograms, scatter plots, curves."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from sxtstudio.core.object_classes import Rgb
from sxtstudio.core.statistics import Spread

Values = NDArray[np.float64]
Numbers = NDArray[np.int64]

#: Dots of a category spread over so much of its width to either side.
_SWARM = 0.36
_MOST_BINS = 60
_MOST_LETTERS = 40
#: Colours of groups (Okabe and Ito, told apart by colour-blind readers, too).
GROUP_COLOURS: tuple[Rgb, ...] = (
    (0, 114, 178),
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (230, 159, 0),
    (86, 180, 233),
)


class FigureKind(StrEnum):
    """The kinds of plots; the settings keep the value."""

    DOTS = "dots"
    HISTOGRAM = "histogram"
    SCATTER = "scatter"
    CURVES = "curves"
    BARS = "bars"


@dataclass(frozen=True)
class Dots:
    """Dots of one colour, or of a colour each.

    Attributes
    ----------
    numbers
        What each dot stands for (n,): the number of an object; 0 where it stands for none.
    x, y
        Their places (n,).
    colours
        uint8 (n, 3) in place of ``rgb``.
    large
        Cell means over dots of objects.
    """

    name: str
    rgb: Rgb
    numbers: Numbers
    x: Values
    y: Values
    colours: NDArray[np.uint8] | None = None
    large: bool = False


@dataclass(frozen=True)
class MeanBar:
    """A line at the mean and a bar of one SD to either side, at a place along x; ``half`` as wide there."""

    x: float
    spread: Spread
    half: float = 0.25


@dataclass(frozen=True)
class Bars:
    """A histogram: edges (n + 1,) and counts (n,); a bar of a bar chart has two edges and its height."""

    name: str
    rgb: Rgb
    edges: Values
    counts: Values


@dataclass(frozen=True)
class Curve:
    """Points joined by lines (n,)."""

    name: str
    rgb: Rgb
    x: Values
    y: Values


@dataclass(frozen=True)
class Figure:
    """A plot: its axes' titles, and what is drawn in it.

    Attributes
    ----------
    ticks
        Names of categories along x; empty: numbers.
    mark
        A place along x that is marked with a line and words.
    bar
        What the dots' own colours mean: lowest and highest value, and a title.
    """

    kind: FigureKind
    x_title: str
    y_title: str
    title: str = ""
    dots: tuple[Dots, ...] = ()
    means: tuple[MeanBar, ...] = ()
    bars: tuple[Bars, ...] = ()
    curves: tuple[Curve, ...] = ()
    ticks: tuple[tuple[float, str], ...] = ()
    mark: tuple[float, str] | None = None
    bar: tuple[float, float, str] | None = None

    @property
    def legend(self) -> tuple[tuple[str, Rgb], ...]:
        """Names and colours that need a legend: none where the axis says them, or each dot has its own."""
        if (self.ticks and self.kind is not FigureKind.BARS) or any(
            dots.colours is not None for dots in self.dots
        ):
            return ()
        drawn: tuple[Dots | Bars | Curve, ...] = (*self.dots, *self.bars, *self.curves)
        named = dict.fromkeys((short_name(one.name), one.rgb) for one in drawn if one.name)
        return tuple(named) if len(named) > 1 else ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not (any(len(dots.x) for dots in self.dots) or self.bars or self.curves)


@dataclass(frozen=True)
class Category:
    """Objects of a class or group: numbers and values (n,), and colours (n, 3) where they have their own."""

    name: str
    rgb: Rgb
    numbers: Numbers
    values: Values
    colours: NDArray[np.uint8] | None = None

    def finite(self) -> Category:
        """Return it without what has no value."""
        known = np.isfinite(self.values)
        colours = None if self.colours is None else self.colours[known]
        return Category(self.name, self.rgb, self.numbers[known], self.values[known], colours)


def short_name(name: str) -> str:
    """Return a name of a class or group as a plot shows it: a plot grows with its names, up to 40 letters."""
    return name if len(name) <= _MOST_LETTERS else f"{name[: _MOST_LETTERS - 1].rstrip()}…"


def dot_plot(categories: Sequence[Category], y_title: str, title: str = "") -> Figure:
    """Return a dot plot as Figure 3 of the paper: dots side by side, a line at the mean, bars of one SD."""
    shown = [category.finite() for category in categories]
    dots = tuple(
        Dots(c.name, c.rgb, c.numbers, place + swarm(c.values), c.values, c.colours)
        for place, c in enumerate(shown, 1)
    )
    means = tuple(MeanBar(place, Spread.of(c.values)) for place, c in enumerate(shown, 1) if len(c.values))
    ticks = tuple(
        (float(place), f"{short_name(c.name)}\nn = {len(c.values)}") for place, c in enumerate(shown, 1)
    )
    return Figure(FigureKind.DOTS, "", y_title, title, dots, means, ticks=ticks)


def histogram(categories: Sequence[Category], x_title: str, title: str = "") -> Figure:
    """Return histograms over the same bins (of Freedman and Diaconis, of all values together)."""
    shown = [category.finite() for category in categories]
    edges = bins_of(np.concatenate([np.empty(0), *(c.values for c in shown)]))
    bars = tuple(
        Bars(c.name, c.rgb, edges, np.histogram(c.values, edges)[0].astype(np.float64))
        for c in shown
        if len(c.values)
    )
    return Figure(FigureKind.HISTOGRAM, x_title, "Objects", title, bars=bars)


def scatter_plot(
    categories: Sequence[tuple[Category, Values]], x_title: str, y_title: str, title: str = ""
) -> Figure:
    """Return a scatter plot; each category comes with its places along x (n,), its values are those of y."""
    dots = []
    for category, x in categories:
        known = np.isfinite(category.values) & np.isfinite(x)
        colours = None if category.colours is None else category.colours[known]
        dots.append(
            Dots(
                category.name,
                category.rgb,
                category.numbers[known],
                x[known],
                category.values[known],
                colours,
            )
        )
    return Figure(FigureKind.SCATTER, x_title, y_title, title, tuple(dots))


def swarm(values: Values) -> Values:
    """Return how far aside each of the values (n,) is drawn, so that many equal ones are told apart.

    The same values always lie in the same places: the more of them are alike, the wider they spread, in the
    order of van der Corput's sequence.
    """
    count = len(values)
    if count < 2:
        return np.zeros(count)
    low, high = float(values.min()), float(values.max())
    if high > low:
        place = np.minimum(((values - low) / (high - low) * 64).astype(np.int64), 63)
    else:
        place = np.zeros(count, np.int64)
    dense = gaussian_filter1d(np.bincount(place, minlength=64).astype(np.float64), 2.0)
    aside = np.empty(count)
    aside[np.argsort(values, kind="stable")] = 2 * _van_der_corput(count) - 1
    result: Values = aside * _SWARM * np.minimum(1.0, dense[place] / dense.max()) * min(1.0, count / 12)
    return result


def bins_of(values: Values) -> Values:
    """Return the edges (n + 1,) of the bins of a histogram, at most 60; whole numbers get whole bins."""
    if not len(values):
        return np.array([0.0, 1.0])
    low, high = float(values.min()), float(values.max())
    if high == low:
        return np.array([low - 0.5, low + 0.5])
    quarter, three = np.percentile(values, (25, 75))
    width = 2 * (three - quarter) / len(values) ** (1 / 3)
    count = int(np.clip(np.ceil((high - low) / width), 1, _MOST_BINS)) if width > 0 else 10
    if (values == np.rint(values)).all():
        step = max(1.0, np.ceil((high - low + 1) / count))
        return np.arange(low - 0.5, high + step, step)
    return np.linspace(low, high, count + 1)


def inside_polygon(x: Values, y: Values, corners: Sequence[tuple[float, float]]) -> NDArray[np.bool_]:
    """Return which points (n,) lie in a polygon: a ray from there crosses it an odd number of times."""
    inside = np.zeros(len(x), np.bool_)
    for (x_from, y_from), (x_to, y_to) in itertools.pairwise([*corners, corners[0]]):
        if y_from == y_to:
            continue
        crosses = (y_from > y) != (y_to > y)
        at = x_from + (y - y_from) / (y_to - y_from) * (x_to - x_from)
        inside ^= crosses & (x < at)
    return inside


def _van_der_corput(count: int) -> Values:
    """Return the first numbers of van der Corput's sequence to base 2, 0…1."""
    numbers = np.arange(1, count + 1)
    result, share = np.zeros(count), 0.5
    while numbers.any():
        result += share * (numbers & 1)
        numbers = numbers >> 1
        share /= 2
    return result
