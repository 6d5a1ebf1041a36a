"""Colours of objects by number, class and column."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.app.objects.colouring import (
    NEUTRAL,
    UNCLASSED,
    ColumnScale,
    column_colours,
    column_scale,
    object_colours,
)
from sxtstudio.app.slices.colour_maps import colours_of
from sxtstudio.core.measure.columns import Column, Measurements, Quantity
from sxtstudio.core.object_classes import VESICLE
from sxtstudio.core.object_colours import number_colours
from sxtstudio.core.object_table import ObjectRow, ObjectTable

TABLE = ObjectTable({2: ObjectRow("Vesicle"), 5: ObjectRow(), 9: ObjectRow("gone")})
NUMBERS = np.array([2, 5, 9])


def ends() -> tuple[tuple[int, ...], tuple[int, ...]]:
    packed = colours_of("viridis")
    assert packed is not None
    low, high = ((int(p) >> 16 & 255, int(p) >> 8 & 255, int(p) & 255) for p in (packed[0], packed[-1]))
    return low, high


def test_by_number_and_by_class() -> None:
    colours, scale = object_colours(NUMBERS, "number", TABLE, None)
    assert scale is None and (colours == number_colours(NUMBERS)).all()
    colours, scale = object_colours(NUMBERS, "class", TABLE, None)
    assert [tuple(rgb) for rgb in colours.tolist()] == [VESICLE.rgb, UNCLASSED, UNCLASSED] and scale is None


def test_by_a_column_from_end_to_end_and_neutral_where_it_was_not_measured() -> None:
    measurements = Measurements(np.array([2, 4, 5]))
    measurements.add(Column("volume", "Volume", Quantity.UM3, "…"), np.array([1.0, 50.0, 100.0]))
    colours, scale = object_colours(NUMBERS, "volume", TABLE, measurements)
    low, high = ends()
    assert [tuple(rgb) for rgb in colours.tolist()] == [low, high, NEUTRAL]
    assert scale is not None and scale.low == pytest.approx(1.98) and scale.high == pytest.approx(99)
    # A column that is not there any more: by number, and no bar.
    colours, scale = object_colours(NUMBERS, "length", TABLE, measurements)
    assert scale is None and (colours == number_colours(NUMBERS)).all()


def test_one_odd_object_does_not_take_all_colours() -> None:
    values = np.concatenate([np.linspace(0, 1, 500), [1e9, np.nan]])
    scale = column_scale(values, "x")
    assert scale.high < 1.1
    assert column_scale(np.array([np.nan]), "x") == ColumnScale("x", 0.0, 1.0)
    assert column_scale(np.array([3.0, 3.0]), "x") == ColumnScale("x", 3.0, 4.0)
    assert tuple(column_colours(values, scale)[-2].tolist()) == ends()[1]
