"""What a classifier goes by: features of objects, made of their measurements.

A fixed list with a version: a classifier in a file names the features that it asks for, and they mean the
same for ever. Shapes are ratios, which have no unit. Grey values are differences in units of the noise within
objects, and count upwards with the absorption, so that brightness, contrast and polarity of a tomogram do
not matter. The size alone has a unit: µm³, or voxels where the voxel size is unknown.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.polarity import Value

#: Counts changes after which a feature of the same key is another number.
VERSION = 1
#: A feature beyond this is none.
MOST = 1e12

Values = NDArray[np.float64]
_Columns = Mapping[str, Values]


class Need(Enum):
    """What must be measured for a feature."""

    SHAPE = "the shape of the objects"
    GREY = "grey values of the tomogram"
    NEIGHBOURS = "the distances of the objects"


@dataclass(frozen=True)
class Feature:
    """A feature: its key in files, its title for people, and how it is made of ``columns``."""

    key: str
    title: str
    need: Need
    columns: tuple[str, ...]
    value: Callable[[_Columns], Values]


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Features (keys) of objects (numbers): ``values`` (objects, features), NaN where there is none.

    ``calibrated``: sizes are in µm³, else in voxels.
    """

    numbers: NDArray[np.int64]
    keys: tuple[str, ...]
    values: Values
    calibrated: bool

    def rows(self, numbers: NDArray[np.int64]) -> Values:
        """Return the values of some of the objects, in the order asked for."""
        return self.values[np.searchsorted(self.numbers, numbers)]


def features_of(measurements: Measurements, absorbing: Value = "dark") -> FeatureTable:
    """Return the features of all objects, those of which all columns have been measured.

    Parameters
    ----------
    measurements
        Of all objects of one tomogram: the noise is what most of them have.
    absorbing
        Whether absorbing structures are "dark" or "bright" in the tomogram.
    """
    columns = {
        column.key: measurements.values[column.key].astype(np.float64)
        for column in measurements.columns
        if measurements.values[column.key].dtype.kind in "biuf"
    }
    for key, other in _SMALL.items():
        if key in columns and other in columns:
            columns[key] = np.where(np.isnan(columns[key]), columns[other], columns[key])
    columns[_SIGN] = np.array([-1.0 if absorbing == "dark" else 1.0])
    made = [feature for feature in FEATURES if set(feature.columns) <= columns.keys()]
    values = np.full((len(measurements.numbers), len(made)), np.nan)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for place, feature in enumerate(made):
            values[:, place] = feature.value(columns)
    values[np.abs(values) > MOST] = np.nan  # without bound as well: more than a float32 could tell apart
    return FeatureTable(
        measurements.numbers, tuple(feature.key for feature in made), values, measurements.calibrated
    )


def feature_named(key: str) -> Feature | None:
    """Return the feature of that key."""
    return _BY_KEY.get(key)


_SD = "grey_sd"
# A small object has no inside, deeper than its rim: what is measured of all of it stands for that. (A missing
# value would be filled with what the training objects have, and those may all be large.)
_SMALL = {
    "grey_inside_mean": "grey_mean",
    "grey_inside_sd": "grey_sd",
    "grey_gradient_inside": "grey_gradient_rim",
}
_SIGN = ""  # among the columns: 1 where absorbing structures are bright, else -1


_Made = tuple[Need, tuple[str, ...], Callable[[_Columns], Values]]


def _plain(key: str) -> _Made:
    return Need.SHAPE, (key,), lambda columns: columns[key]


def _log(key: str) -> Callable[[_Columns], Values]:
    return lambda columns: np.log10(np.where(columns[key] > 0, columns[key], np.nan))


def _ratio(upper: str, lower: str, *, need: Need = Need.SHAPE, logarithm: bool = True) -> _Made:
    """A ratio; its logarithm says that twice and half are equally far from one."""
    if not logarithm:
        return need, (upper, lower), lambda columns: columns[upper] / columns[lower]
    return need, (upper, lower), lambda columns: np.log2(columns[upper] / columns[lower])


def _difference(one: str, other: str) -> _Made:
    """How much more one absorbs than the other, in units of the noise."""
    return (
        Need.GREY,
        (one, other, _SD),
        lambda columns: columns[_SIGN] * (columns[one] - columns[other]) / _noise(columns),
    )


def _spread(key: str) -> _Made:
    return Need.GREY, (key, _SD), lambda columns: columns[key] / _noise(columns)


def _noise(columns: _Columns) -> Values:
    """The standard deviation of grey values within an object, as most have it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of none at all the median is NaN
        return np.nanmedian(np.where(columns[_SD] > 0, columns[_SD], np.nan), keepdims=True)


#: All features there are, in their order; a key is never used again for something else.
FEATURES: tuple[Feature, ...] = (
    Feature("size", "Volume", Need.SHAPE, ("volume",), _log("volume")),
    Feature("elongation", "First to second axis", *_ratio("axis_1", "axis_2")),
    Feature("flatness", "Second to third axis", *_ratio("axis_2", "axis_3")),
    Feature("sphericity", "Sphericity", *_plain("sphericity")),
    Feature("solidity", "Solidity", *_plain("solidity")),
    Feature("euler", "Euler number", *_plain("euler_number")),
    Feature("upright", "Angle to beam axis", *_plain("angle_to_beam")),
    Feature("feret", "Largest to smallest Feret diameter", *_ratio("feret_max", "feret_min")),
    Feature("slender", "Length along skeleton to width", *_ratio("skeleton_length", "width_mean")),
    Feature("even", "Width, SD to mean", *_ratio("width_sd", "width_mean", logarithm=False)),
    Feature("straight", "Straightness", *_plain("straightness")),
    Feature("round", "Eccentricity of slices, mean", *_plain("slice_eccentricity_mean")),
    Feature("grey", "Grey value against around", *_difference("grey_mean", "grey_around_mean")),
    Feature(
        "lumen", "Grey value inside against around", *_difference("grey_inside_mean", "grey_around_mean")
    ),
    Feature("rim", "Grey value at the rim against inside", *_difference("grey_rim_mean", "grey_inside_mean")),
    Feature(
        "edge", "Grey value at the rim against around", *_difference("grey_rim_mean", "grey_around_mean")
    ),
    Feature("texture", "Grey values inside, SD", *_spread("grey_inside_sd")),
    Feature("rim_texture", "Grey values at the rim, SD", *_spread("grey_rim_sd")),
    Feature(
        "gradient",
        "Grey gradient at the rim against inside",
        *_ratio("grey_gradient_rim", "grey_gradient_inside", need=Need.GREY),
    ),
    Feature(
        "apart",
        "Distance to nearest, in own diameters",
        *_ratio("nearest_distance", "equivalent_diameter", need=Need.NEIGHBOURS, logarithm=False),
    ),
)
_BY_KEY = {feature.key: feature for feature in FEATURES}
