"""Which tracks are bodies, which pairs of them are one, and which balls are droplets: logistic rules.

They were fitted to phantoms whose bodies are known, with perfect outlines and with a network's
(``python -m bench.bodies fit``); ``bench.bodies`` judges them on others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.bodies import balls, joining, tracks

#: A feature farther from its mean than so many deviations says no more than one that is so far.
_FAR = 4.0


@dataclass(frozen=True)
class LogisticRule:
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
#: The same, and ``darkness`` (evidence.py), where there is a tomogram.
DARK_DROPLET_FEATURES = (*DROPLET_FEATURES, "darkness")


def droplet_features(found: tracks.Tracks, near: NDArray[np.float64], half_px: float) -> NDArray[np.float64]:
    """Return (tracks, DROPLET_FEATURES); ``near`` as of ``near_share``."""
    column = dict(zip(tracks.FEATURES, found.features.T, strict=True))
    thick = np.log(np.maximum(found.radius, 1) / half_px)
    tall = np.log(found.slices / (2 * np.maximum(found.radius, 1)))
    columns = [column[name] for name in DROPLET_FEATURES[:6]]
    return np.stack([*columns, near, thick, tall], 1)


# fmt: off
IS_BODY = LogisticRule(
    tracks.FEATURES,
    (0.8514, 0.328, 0.835, 0.8443, 0.002011, 0.4165, 0.3316, 5.039, 2.12, 0.2498, 0.02245),
    (0.1493, 0.1544, 0.1119, 0.2085, 0.01553, 0.3263, 0.4567, 1.265, 0.8976, 0.1693, 0.1651),
    (0.4409, -1.02, 1.644, -0.01403, 0.03812, -0.8514, 0.06325, 0.4978, 1.419, 0.1517, -0.04241),
    1.64,
    (0.1651, 0.138, 0.1105, -0.008611, -0.1889, -0.05054, 0.1389, -0.1063, -0.2044, -0.1117, -0.14, -0.08671,
     0.2187, -0.1627, 0.0008006, -0.2758, 0.116, 0.1759, 0.1598, -0.0778, -0.01966, -0.07294, 0.1875,
     -0.09819, 0.1839, 0.2378, -0.08009, 0.0959, 0.143, -0.1076, 0.04094, 0.01564, 0.00012, -0.1497,
     -0.2474, -0.3248, -0.04731, 0.06864, -0.0002473, -0.05524, -0.2783, -0.06565, -0.2135, -0.09722,
     0.01397, -0.276, -0.001136, 0.2151, 0.1045, -0.05209, -0.01759, 0.03994, -0.001177, -0.08788,
     -0.145, -0.1503, -0.0684, -0.1506, 0.2015, -0.08875, -0.3985, -0.06923, -0.2742, -0.113, -0.02177,
     -0.01097),
)
IS_ONE = LogisticRule(
    joining.FEATURES,
    (1.073, 0.1508, 0.6349, 0.794, -0.06477, 4.515, 0.8516, 0.208),
    (0.5684, 0.1324, 0.3274, 0.08268, 0.07157, 1.009, 0.4093, 0.3987),
    (0.6476, -1.961, 0.5673, 0.3355, -0.2806, 0.1576, -0.7961, 0.398),
    -2.046,
    (-0.0095, -0.4352, 0.06075, 0.5278, -0.3319, 0.01941, 0.1463, -0.1936, 0.4569, 0.06995, -0.3235, 0.2197,
     -0.0009783, 0.03988, 0.2089, -0.4332, 0.1244, -0.1427, -0.001201, -0.3051, -0.07137, -0.1776,
     0.2179, 0.1368, 0.2322, 0.1464, -0.03783, -0.06963, -0.2041, -0.2739, 0.05749, 0.0328, -0.006566,
     0.3024, -0.08855, 0.2957),
)
IS_DROPLET = LogisticRule(
    DROPLET_FEATURES,
    (0.8706, 0.9221, 0.1713, 0.3952, 0.2455, 1.692, 0.7554, 0.711, -0.7517),
    (0.1004, 0.03472, 0.1214, 0.2692, 0.1473, 0.5283, 0.3254, 0.1663, 0.4849),
    (0.88, 0.2262, -0.3484, -0.05647, -0.859, 0.391, -1.454, 1.15, -0.01865),
    -3.666,
)
IS_DARK_DROPLET = LogisticRule(
    DARK_DROPLET_FEATURES,
    (0.8757, 0.9241, 0.1715, 0.3811, 0.2383, 1.679, 0.7558, 0.7151, -0.7569, 1.055),
    (0.09717, 0.03557, 0.1285, 0.2609, 0.1404, 0.5107, 0.325, 0.1601, 0.4766, 1.293),
    (0.4658, 0.5057, -0.8067, 0.09849, -0.5099, -0.01047, -1.48, 0.9925, 0.3071, 0.9305),
    -3.453,
)
IS_BALL = LogisticRule(
    balls.FEATURES,
    (1.288, 0.8332, 0.3971, 0.1876, 1.985, 0.9932, 0.02769, 2.323, 0.7263, 0.2922, 0.9182, 0.3905, 1.258,
     0.9571),
    (0.4412, 0.1103, 0.2207, 0.1631, 0.8578, 0.5251, 0.7542, 0.712, 0.1074, 0.3136, 0.06036, 0.1164, 0.3881,
     0.7375),
    (0.8856, 0.1103, 0.2542, 0.3981, -0.4797, -0.4294, -0.2637, 0.6805, 1.567, 1.904, 0.8911, -0.4838, 0.595,
     -0.9491),
    -4.101,
)
# fmt: on
