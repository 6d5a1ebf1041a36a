"""The weights of both rules of polarity, against 570 slices of simulated tomograms whose polarity is known.

``tests/data/polarity_signs.csv`` holds the signs of slices of three simulators, spoilt in many ways, all with
dark membranes; ``python -m bench.polarity --fit --keep FILE`` makes it. Turned around, their signs turn.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sxtstudio.core import image_polarity
from sxtstudio.core.image_polarity import ImageSigns
from sxtstudio.core.polarity import SURE, SURE_BY_IMAGE
from sxtstudio.segment import polarity
from sxtstudio.segment.polarity import Signs

TABLE = np.genfromtxt(Path(__file__).parents[1] / "data" / "polarity_signs.csv", delimiter=",", names=True)
RULES = {"image": image_polarity, "network": polarity}
WEIGHTS = [("image", name) for name in ("TAILS", "TEXTURE")]
WEIGHTS += [("network", name) for name in ("TAILS", "CERTAINTY", "FIRMNESS", "VALLEYS", "SADDLES")]


def odds_of_dark(rule: str, sign: int = 1) -> NDArray[np.float64]:
    """Return what a rule says of every slice, or of every slice turned around."""
    found = []
    for row in TABLE:
        row = {name: sign * row[name] for name in TABLE.dtype.names}
        image = ImageSigns(row["tails"], row["texture"])
        of_network = (row[name] for name in ("certainty", "firmness", "valleys", "saddles"))
        found.append((image if rule == "image" else Signs(image, *of_network)).log_odds)
    return np.array(found)


def cost(rule: str) -> float:
    """Return the mean surprise at the truth, and a little for the size of what each sign says (a ridge)."""
    weights = {name.lower(): getattr(RULES[rule], name) for of, name in WEIGHTS if of == rule}
    size = sum(float(np.mean((weight * TABLE[name]) ** 2)) for name, weight in weights.items())
    return float(np.logaddexp(0, -odds_of_dark(rule)).mean()) + 0.01 * size


@pytest.mark.parametrize(("rule", "weight"), WEIGHTS)
def test_another_weight_makes_the_probabilities_worse(
    rule: str, weight: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, value = cost(rule), getattr(RULES[rule], weight)
    for factor in (-1, 0, 0.7, 1.4, 3):
        monkeypatch.setattr(RULES[rule], weight, factor * value)
        assert cost(rule) > now + 1e-4, factor


@pytest.mark.parametrize(("rule", "right", "sure"), [("image", 0.9, SURE_BY_IMAGE), ("network", 0.94, SURE)])
def test_how_often_a_rule_is_right_and_sure(rule: str, right: float, sure: float) -> None:
    odds = odds_of_dark(rule)
    np.testing.assert_allclose(odds_of_dark(rule, -1), -odds)
    assert np.mean(odds > 0) >= right
    says = 1 / (1 + np.exp(-np.abs(odds)))
    assert np.mean((odds > 0)[says >= sure]) >= 0.97 and np.mean(says >= sure) > 0.25
    assert np.mean((odds > 0)[says < sure]) < 0.92
