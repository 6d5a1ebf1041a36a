"""Features: what of an object a classifier goes by does not change with the tomogram."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sxtstudio.core.classes.features import FEATURES, Need, feature_named, features_of
from sxtstudio.core.measure.columns import Measurements, Quantity

KINDS = [0, 1, 2, 1, 0, 2, 1]


def scaled(measurements: Measurements, grey: float, offset: float, length: float) -> Measurements:
    """The same objects in a tomogram of another contrast, brightness and size of voxels."""
    found = Measurements(measurements.numbers, calibrated=measurements.calibrated)
    for column in measurements.columns:
        key, values = column.key, measurements.values[column.key]
        if "grey" in key:
            spread = key.endswith("_sd") or "gradient" in key
            values = values * abs(grey) if spread else values * grey + offset
        elif key == "volume":
            values = values * length**3
        elif (
            key.startswith("axis")
            or "diameter" in key
            or "distance" in key
            or "length" in key
            or "width" in key
        ):
            values = values * length
        found.add(column, values)
    return found


@pytest.mark.parametrize(("grey", "absorbing"), [(3.0, "bright"), (-0.01, "dark")])
def test_contrast_brightness_and_polarity_do_not_matter(specimens: Any, grey: float, absorbing: Any) -> None:
    one = specimens.measured(KINDS)
    other = scaled(one, grey, 500.0, 1.0)
    assert np.allclose(features_of(one, "bright").values, features_of(other, absorbing).values)


def test_only_the_size_changes_with_the_size(specimens: Any) -> None:
    one = specimens.measured(KINDS)
    table, larger = features_of(one), features_of(scaled(one, 1.0, 0.0, 10.0))
    differ = ~np.isclose(table.values, larger.values).all(0)
    assert [key for key, differs in zip(table.keys, differ, strict=True) if differs] == ["size"]
    assert np.allclose(larger.values[:, 0] - table.values[:, 0], 3)


def test_what_has_not_been_measured_is_no_feature(specimens: Any) -> None:
    measured = specimens.measured(KINDS)
    measured.columns = tuple(one for one in measured.columns if "grey" not in one.key)
    assert {feature.need for feature in FEATURES} >= {Need.GREY, Need.SHAPE}
    expected = [feature.key for feature in FEATURES if feature.need is not Need.GREY]
    assert list(features_of(measured).keys) == expected


def test_what_is_no_number_is_none(specimens: Any) -> None:
    """Zero volume, zero noise, and values without bound give no feature, and no warning."""
    measured = specimens.measured(KINDS)
    for values in measured.values.values():
        values[0], values[1], values[2] = 0, np.nan, np.inf
    table = features_of(measured)
    assert not np.isinf(table.values).any() and np.isnan(table.values[1]).all()
    assert np.isfinite(table.values[3:]).all()
    for values in measured.values.values():
        values[:] = 0
    assert not np.isinf(features_of(measured).values).any()
    empty = Measurements(np.array([], np.int64))
    for column in measured.columns:
        empty.add(column, np.array([]))
    assert features_of(empty).values.shape == (0, len(FEATURES))


def test_of_a_small_object_all_stands_for_its_inside(specimens: Any) -> None:
    measured = specimens.measured(KINDS)
    for key in ("grey_inside_mean", "grey_inside_sd", "grey_gradient_inside"):
        measured.values[key][2] = np.nan
    table = features_of(measured, "bright")
    small = dict(zip(table.keys, table.values[2], strict=True))
    assert small["lumen"] == small["grey"] and small["gradient"] == 0 and np.isfinite(table.values).all()
    others = features_of(specimens.measured(KINDS), "bright").values
    assert np.array_equal(np.delete(table.values, 2, 0), np.delete(others, 2, 0))


def test_rows_are_found_by_the_number_of_the_object(specimens: Any) -> None:
    table = specimens.features(KINDS)
    assert np.array_equal(table.rows(np.array([14, 10])), table.values[[2, 0]])


def test_each_feature_has_a_key_of_its_own_and_a_title() -> None:
    assert len({feature.key for feature in FEATURES}) == len(FEATURES) == len({f.title for f in FEATURES})
    assert feature_named("size") is FEATURES[0] and feature_named("colour") is None
    assert Quantity.UM3.value == ("um3", "voxels")  # what the file of a classifier calls sizes
