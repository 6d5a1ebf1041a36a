"""Which tracks are bodies, and which pairs of them are one: two logistic rules of a few features.

Both were fitted to phantoms whose bodies are known, with perfect outlines and with a network's
(``python -m bench.bodies fit``); ``bench.bodies`` judges them on others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.bodies import joining, tracks


@dataclass(frozen=True)
class Rule:
    """The odds of an answer: exp(Σ weight · (feature - mean) / deviation + constant)."""

    features: tuple[str, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    weight: tuple[float, ...]
    constant: float

    def probability(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how probable "yes" is, 0…1, for each row of features (n, features)."""
        scaled = (features - np.array(self.mean)) / np.array(self.deviation)
        odds = scaled @ np.array(self.weight) + self.constant
        result: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(odds, -50, 50)))
        return result


#: A piece of thick outline is flat, or lies in a slice or two; a droplet is round in several.
_ROUND, _SOLIDITY, _SLICES = 0.7, 0.85, 3


def is_droplet(features: NDArray[np.float64], slices: NDArray[np.int64], depth: int) -> NDArray[np.bool_]:
    """Return which tracks of label voxels alone are round bodies in a volume of ``depth`` slices."""
    column = dict(zip(tracks.FEATURES, features.T, strict=True))
    found: NDArray[np.bool_] = (column["round"] >= _ROUND) & (column["solidity"] >= _SOLIDITY)
    return found & (slices >= min(_SLICES, depth))


IS_BODY = Rule(
    tracks.FEATURES,
    (0.854, 0.332, 0.844, 0.8338, 0.003167, 0.4326, 0.3322, 5.062, 2.067, 0.254),
    (0.1508, 0.1617, 0.1062, 0.2304, 0.01996, 0.326, 0.458, 1.571, 0.9994, 0.1992),
    (0.3907, -0.7453, 1.361, -0.3625, -0.1761, -0.6549, 0.0907, 0.2019, 0.4555, -0.07316),
    1.486,
)
IS_ONE = Rule(
    joining.FEATURES,
    (1.112, 0.1531, 0.624, 0.7908, -0.06531, 4.581, 0.8302),
    (0.6205, 0.1416, 0.3369, 0.08723, 0.07742, 1.393, 0.4123),
    (0.434, -1.367, 0.6142, 0.3257, -0.2226, -0.1645, -1.308),
    -1.178,
)
