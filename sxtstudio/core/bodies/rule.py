"""Which tracks are bodies, with and without a lumen, and which pairs of them are one: three logistic rules.

They were fitted to phantoms whose bodies are known, with perfect outlines and with a network's
(``python -m bench.bodies fit``); ``bench.bodies`` judges them on others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.bodies import joining, tracks

#: A feature farther from its mean than so many deviations says no more than one that is so far.
_FAR = 4.0


@dataclass(frozen=True)
class Rule:
    """The odds of an answer: exp of a polynomial of second degree of features, scaled to mean and deviation.

    Attributes
    ----------
    weight
        Of each feature.
    pairs
        Of each feature times itself and those after it: the first one's row, the second one's …; none where
        the polynomial is of first degree.
    """

    features: tuple[str, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    weight: tuple[float, ...]
    constant: float
    pairs: tuple[float, ...] = ()

    def probability(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how probable "yes" is, 0…1, for each row of features (n, features)."""
        scaled = scaled_features(features, np.array(self.mean), np.array(self.deviation))
        odds = scaled @ np.array(self.weight) + self.constant
        if self.pairs:
            odds += products(scaled) @ np.array(self.pairs)
        result: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(odds, -50, 50)))
        return result


def scaled_features(
    features: NDArray[np.float64], mean: NDArray[np.float64], deviation: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return features (n, features) as deviations from their means."""
    return ((features - mean) / deviation).clip(-_FAR, _FAR)


def products(scaled: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the products of each feature with itself and those after it, (n, pairs)."""
    one, other = np.triu_indices(scaled.shape[1])
    return scaled[:, one] * scaled[:, other]


#: What is known of a track of label voxels alone: of those of ``tracks``, and ``near`` share of its voxels at
#: the walls of bodies; ``thick`` radius by half the width of outlines, ``tall`` slices by diameter (logs).
DROPLET_FEATURES = ("round", "solidity", "concave", "shared", "change", "log_slices", "near", "thick", "tall")


def droplet_features(found: tracks.Tracks, near: NDArray[np.float64], half_px: float) -> NDArray[np.float64]:
    """Return (tracks, DROPLET_FEATURES); ``near`` as of ``near_share``."""
    column = dict(zip(tracks.FEATURES, found.features.T, strict=True))
    thick = np.log(np.maximum(found.radius, 1) / half_px)
    tall = np.log(found.slices / (2 * np.maximum(found.radius, 1)))
    columns = [column[name] for name in DROPLET_FEATURES[:6]]
    return np.stack([*columns, near, thick, tall], 1)


# fmt: off
IS_BODY = Rule(
    tracks.FEATURES,
    (0.8602, 0.3282, 0.8351, 0.8462, 0.002009, 0.4041, 0.3324, 4.974, 2.126, 0.2614, 0.02451),
    (0.1485, 0.1543, 0.1123, 0.2125, 0.01551, 0.3242, 0.4576, 1.365, 0.9011, 0.1897, 0.1731),
    (0.7785, -0.8802, 1.566, -0.008322, 0.1098, -0.8722, 0.1426, 0.7479, 1.268, 0.1521, -0.04158),
    1.575,
    (-0.05521, 0.05403, -0.1985, -0.06099, -0.2332, -0.2161, -0.08284, -0.02581, -0.2505, -0.0733,
     -0.1223, -0.09245, 0.1924, -0.09773, 0.05045, -0.2594, 0.2408, 0.09961, 0.06491, -0.01761,
     -0.03719, -0.1527, 0.05595, -0.1044, 0.06245, 0.2554, 0.07222, 0.1013, 0.1585, -0.114, 0.06299,
     -0.09981, -0.1239, -0.1163, -0.2158, -0.2882, -0.002406, 0.0411, 0.02194, -0.1666, -0.08439,
     -0.02898, -0.1776, -0.1774, 0.02626, -0.2917, -0.07298, 0.3503, 0.06049, -0.07188, -0.0742, 0.1283,
     -0.07807, -0.1344, -0.101, -0.07952, -0.3338, 0.2612, 0.2683, -0.1099, -0.61, -0.006868, -0.2396,
     -0.163, -0.04394, -0.01093),
)
IS_ONE = Rule(
    joining.FEATURES,
    (1.07, 0.1496, 0.6377, 0.7935, -0.06435, 4.405, 0.8464),
    (0.5632, 0.134, 0.3288, 0.08312, 0.07342, 1.181, 0.4099),
    (0.5492, -1.952, 0.6092, 0.35, -0.3103, 0.1605, -1.104),
    -1.847,
    (-0.003606, -0.3872, 0.06612, 0.521, -0.357, 0.1522, 0.08617, 0.4746, 0.1019, -0.2963, 0.2736,
     -0.02402, 0.0197, -0.401, 0.1466, -0.1801, 0.07689, -0.3254, -0.128, 0.1621, 0.2007, 0.2159,
     0.005323, -0.1702, -0.1155, 0.1485, 0.0003638, 0.3916),
)
IS_DROPLET = Rule(
    DROPLET_FEATURES,
    (0.8738, 0.9246, 0.163, 0.3883, 0.2446, 1.698, 0.7733, 0.6672, -0.736),
    (0.1009, 0.03314, 0.1196, 0.2579, 0.1436, 0.5456, 0.3076, 0.1604, 0.4974),
    (0.1932, 1.733, -1.301, 0.1386, -0.3953, 0.2098, -1.168, 1.338, 0.2049),
    -5.625,
)
# fmt: on
