"""The colours of objects by number, class or a measured column; no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.app.slices.colour_maps import colours_of
from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.object_colours import Colours, number_colours
from sxtstudio.core.object_table import ObjectTable

#: What has no value is drawn in, and in plots what has no class.
NEUTRAL = (150, 155, 162)
#: An object without a class, on a tomogram: lighter than what is around it.
UNCLASSED = (232, 235, 240)
MAP = "viridis"
# A few odd objects must not take all the colours: the ends of a bar are these percentiles.
_ENDS = (1, 99)


class ColourBy(StrEnum):
    """What the colours mean, as in ``ObjectsState.colour_by``; anything else is the key of a column."""

    NUMBER = "number"
    CLASS = "class"


@dataclass(frozen=True)
class ColumnScale:
    """The ends of the colour bar of a column."""

    key: str
    low: float
    high: float


def column_scale(values: NDArray[Any], key: str) -> ColumnScale:
    """Return the ends of a bar for the values (n,) of a column; NaN is left out."""
    known = values[np.isfinite(values)]
    if not len(known):
        return ColumnScale(key, 0.0, 1.0)
    low, high = (float(end) for end in np.percentile(known, _ENDS))
    return ColumnScale(key, low, high if high > low else low + 1.0)


def column_colours(values: NDArray[Any], scale: ColumnScale) -> Colours:
    """Return the colours (n, 3) of values on a bar; what is NaN is neutral."""
    shown = np.empty((len(values), 3), np.uint8)
    shown[:] = NEUTRAL
    known = np.isfinite(values)
    share = np.clip((values[known] - scale.low) / (scale.high - scale.low), 0, 1)
    packed = colours_of(MAP)
    assert packed is not None
    picked = packed[np.round(255 * share).astype(np.intp)]
    shown[known] = np.stack([picked >> 16 & 255, picked >> 8 & 255, picked & 255], axis=1)
    return shown


def class_colours(numbers: NDArray[Any], table: ObjectTable) -> Colours:
    """Return the colours (n, 3) of the classes of objects."""
    known = {found.name: found.rgb for found in table.classes}
    rows = table.rows
    found = [known.get(rows[n].class_name, UNCLASSED) if n in rows else UNCLASSED for n in numbers.tolist()]
    return np.array(found, np.uint8).reshape(-1, 3)


def object_colours(
    numbers: NDArray[Any], colour_by: str, table: ObjectTable, measurements: Measurements | None
) -> tuple[Colours, ColumnScale | None]:
    """Return the colours (n, 3) of objects, and the scale of a colour bar where a column gives them."""
    if colour_by == ColourBy.NUMBER:
        return number_colours(numbers), None
    if colour_by == ColourBy.CLASS:
        return class_colours(numbers, table), None
    if measurements is None or colour_by not in measurements.values:
        return number_colours(numbers), None
    measured = np.asarray(measurements.values[colour_by], np.float64)
    scale = column_scale(measured, colour_by)
    return column_colours(at_numbers(measurements, measured, numbers), scale), scale


def at_numbers(
    measurements: Measurements, values: NDArray[Any], numbers: NDArray[Any]
) -> NDArray[np.float64]:
    """Return the measured values (n,) of objects, NaN where one was not measured."""
    found = np.full(len(numbers), np.nan)
    if len(measurements.numbers):
        place = np.minimum(np.searchsorted(measurements.numbers, numbers), len(measurements.numbers) - 1)
        same = measurements.numbers[place] == numbers
        found[same] = np.asarray(values, np.float64)[place[same]]
    return found
