"""Measurements of three kinds of objects that overlap a little."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.core.classes.classifier import Examples, examples_of
from sxtstudio.core.classes.features import FEATURES, FeatureTable, features_of
from sxtstudio.core.measure.columns import Column, Measurements, Quantity
from sxtstudio.core.object_classes import DROPLET, MITOCHONDRION, VESICLE

CLASSES = (MITOCHONDRION, VESICLE, DROPLET)
KEYS = sorted({key for feature in FEATURES for key in feature.columns})
# The middle of each kind in the columns that tell them apart; in all others 1.
KINDS = {
    "volume": (0.9, 0.1, 0.02),
    "axis_1": (3.0, 1.1, 1.1),
    "grey_mean": (3.0, 2.0, 6.0),
    "grey_inside_mean": (3.0, 1.2, 6.0),
}


class Specimens:
    """Objects 10, 12, 14, … of kinds 0, 1 or 2, numbers from ``CLASSES``."""

    classes = CLASSES

    def measured(
        self, kinds: list[int], seed: int = 0, *, calibrated: bool = True, spread: float = 0.25
    ) -> Measurements:
        rng = np.random.default_rng(seed)
        found = Measurements(np.arange(len(kinds), dtype=np.int64) * 2 + 10, calibrated=calibrated)
        for key in KEYS:
            middle = np.array([KINDS.get(key, (1, 1, 1))[kind] for kind in kinds], float)
            quantity = Quantity.UM3 if key == "volume" else Quantity.NUMBER
            found.add(Column(key, key, quantity, ""), middle * np.exp(rng.normal(0, spread, len(kinds))))
        return found

    def features(self, kinds: list[int], seed: int = 0, *, calibrated: bool = True) -> FeatureTable:
        return features_of(self.measured(kinds, seed, calibrated=calibrated), "bright")

    def examples(self, kinds: list[int], seed: int = 0, *, calibrated: bool = True) -> Examples:
        table = self.features(kinds, seed, calibrated=calibrated)
        names = [CLASSES[kind].name for kind in kinds]
        return examples_of(table, CLASSES, dict(zip(table.numbers.tolist(), names, strict=True)))


@pytest.fixture(scope="session")
def specimens() -> Specimens:
    return Specimens()
