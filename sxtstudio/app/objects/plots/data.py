"""From the table and the measurements to a figure: which objects are drawn, by which columns; no Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.app.objects.colouring import NEUTRAL, ColourBy, column_scale, object_colours
from sxtstudio.app.objects.table.columns import TableColumn, columns_of
from sxtstudio.app.objects.table.listing import Listing
from sxtstudio.app.states import ObjectsState
from sxtstudio.core.figures import Category, Figure, FigureKind, dot_plot, histogram, scatter_plot
from sxtstudio.core.measure.counted import (
    Counted,
    at_border,
    counted,
    flagged,
    open_bodies,
    open_text,
    sheets_text,
)
from sxtstudio.core.object_table import ObjectFlag
from sxtstudio.core.wording import count, grouped

NO_CLASS = "No class"
ALL = "All objects"
#: A plot begins with the first of these that was measured.
_FIRST = ("volume", "equivalent_diameter", "slice_area_mean")
_SECOND = ("surface", "surface_mesh", "sphericity", "axis_1", "slice_perimeter_mean")


@dataclass(frozen=True)
class PlotChoice:
    """What is plotted.

    Attributes
    ----------
    x, y
        Keys of columns: a scatter plot has both, others have ``y`` alone.
    by_class
        A category for each class.
    border
        Objects at the border are drawn as well.
    """

    kind: FigureKind = FigureKind.DOTS
    x: str = ""
    y: str = ""
    by_class: bool = True
    border: bool = False


@dataclass(frozen=True)
class Plotted:
    """A figure, and in words what is in it and what is not."""

    figure: Figure
    words: str


def number_columns(listing: Listing) -> tuple[TableColumn, ...]:
    """Return the measured columns that hold numbers; of volumes of one slice, none that is empty."""
    measured = listing.measurements
    if measured is None:
        return ()
    return tuple(
        column
        for column in columns_of(measured)
        if column.measured
        and not column.empty
        and np.issubdtype(measured.values[column.key].dtype, np.number)
    )


def with_columns(choice: PlotChoice, columns: tuple[TableColumn, ...]) -> PlotChoice:
    """Return a choice whose columns there are."""
    keys = [column.key for column in columns]
    if not keys:
        return choice

    def one(key: str, usual: tuple[str, ...], other: int) -> str:
        if key in keys:
            return key
        return next((name for name in usual if name in keys), keys[min(other, len(keys) - 1)])

    y = one(choice.y, _FIRST, 0)
    return PlotChoice(choice.kind, one(choice.x, _SECOND, 1), y, choice.by_class, choice.border)


def plot_of(listing: Listing, choice: PlotChoice, state: ObjectsState) -> Plotted:
    """Return the figure of a choice whose columns were measured."""
    titles = {column.key: column.title for column in number_columns(listing)}
    count_of = _counted(listing, choice, state)
    drawn = count_of.rows
    categories = _categories(listing, drawn, choice, state)
    y_title = titles[choice.y]
    if choice.kind is FigureKind.SCATTER:
        x = listing.values(choice.x)
        pairs = [(category, x[np.searchsorted(listing.numbers, category.numbers)]) for category in categories]
        figure = scatter_plot(pairs, titles[choice.x], y_title)
    elif choice.kind is FigureKind.HISTOGRAM:
        figure = histogram(categories, y_title)
    else:
        figure = dot_plot(categories, y_title)
    figure = replace(figure, bar=_bar(listing, choice, state, titles))
    return Plotted(figure, _words(listing, choice, count_of, int((~_drawn(listing, state)).sum())))


def within(listing: Listing, key: str, low: float, high: float, state: ObjectsState) -> frozenset[int]:
    """Return the objects that are drawn and whose value lies between two ends, these included."""
    values = listing.values(key)
    kept = _drawn(listing, state) & np.isfinite(values) & ~(values < low) & ~(values > high)
    return frozenset(listing.numbers[kept].tolist())


def _drawn(listing: Listing, state: ObjectsState) -> NDArray[np.bool_]:
    drawn = np.ones(len(listing), np.bool_)
    if state.only is not None:
        drawn = np.isin(listing.numbers, np.fromiter(state.only, np.int64, len(state.only)))
    if state.hidden:
        drawn &= ~np.isin(listing.numbers, np.fromiter(state.hidden, np.int64, len(state.hidden)))
    return drawn


def _counted(listing: Listing, choice: PlotChoice, state: ObjectsState) -> Counted:
    """Return which objects are drawn, by the rule of the table: sheets only where nothing else is shown."""
    shown, rows = _drawn(listing, state), listing.table.rows
    border = at_border(listing.numbers, listing.values("touches_border"), rows)
    sheets = flagged(listing.numbers, rows, ObjectFlag.SHEET)
    return counted(shown, border, sheets, with_border=choice.border, with_sheets=bool(sheets[shown].all()))


def _categories(
    listing: Listing, drawn: NDArray[np.bool_], choice: PlotChoice, state: ObjectsState
) -> list[Category]:
    values = listing.values(choice.y)
    colours: NDArray[Any] | None = None
    if state.colour_by not in tuple(ColourBy):
        colours = object_colours(listing.numbers, state.colour_by, listing.table, listing.measurements)[0]

    def category(name: str, rgb: tuple[int, int, int], where: NDArray[np.bool_]) -> Category:
        own = None if colours is None else colours[where]
        return Category(name, rgb, listing.numbers[where], values[where], own)

    if not choice.by_class:
        return [category(ALL, (47, 129, 247), drawn)]
    names = np.array([row.class_name for row in listing.rows], object)
    known = [(one.name, one.rgb) for one in listing.table.classes]
    found = [category(name, rgb, drawn & (names == name)) for name, rgb in known]
    others = ~np.isin(names, np.array([name for name, _ in known], object))
    found.append(category(NO_CLASS, NEUTRAL, drawn & others))
    return [one for one in found if len(one.numbers)]


def _bar(
    listing: Listing, choice: PlotChoice, state: ObjectsState, titles: dict[str, str]
) -> tuple[float, float, str] | None:
    """Return the ends and the title of the colour bar, where a column colours the dots."""
    key, measured = state.colour_by, listing.measurements
    if choice.kind is FigureKind.HISTOGRAM or key not in titles or measured is None:
        return None
    scale = column_scale(measured.values[key], key)
    return scale.low, scale.high, titles[key]


def _words(listing: Listing, choice: PlotChoice, count_of: Counted, unseen: int) -> str:
    """Say how many objects are drawn, and why others are not; ``unseen`` are hidden, as by a lasso."""
    drawn = count_of.rows
    known = np.isfinite(listing.values(choice.y))
    if choice.kind is FigureKind.SCATTER:
        known &= np.isfinite(listing.values(choice.x))
    among = drawn & known
    parts = [f"n = {count(int(among.sum()), 'object')}"]
    if unseen:
        parts.append(f"{grouped(unseen)} of {count(len(listing), 'object')} not shown")
    if not choice.border and (left := int(count_of.border.sum())):
        parts.append(f"{count(left, 'object')} at the border left out")
    if sheets := int(count_of.sheets.sum()):
        parts.append(f"{sheets_text(sheets)} left out")
    if is_open := int((among & open_bodies(listing.numbers, listing.table.rows)).sum()):
        parts.append(open_text(is_open, int(among.sum())))
    if without := int((drawn & ~known).sum()):
        parts.append(f"{without} without a value")
    if choice.kind is FigureKind.DOTS:
        parts.append("line: mean, bars: SD")
    return "  ·  ".join(parts)
