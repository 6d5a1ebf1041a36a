"""The weights of both rules of polarity, against slices of simulated tomograms whose polarity is known.

``tests/data/polarity_signs.csv`` holds the signs of 719 slices of three simulators, spoilt in many ways, all
with dark membranes; ``python -m bench.polarity --fit --keep FILE`` makes it. Turned around, their signs turn.
``image_polarity_signs.csv`` holds those of the image alone, of the 570 slices of former versions of the
simulator to which the rule of the image was fitted. On the 719 it is right in 0.897, fitted anew in 0.894.
"""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sxtstudio.core import image_polarity
from sxtstudio.core.image_polarity import ImageSigns
from sxtstudio.core.polarity import SURE, SURE_BY_IMAGE
from sxtstudio.segment import load_card
from sxtstudio.segment.card import PolarityRule
from sxtstudio.segment.polarity import Signs

DATA = Path(__file__).parents[1] / "data"
TABLE = np.genfromtxt(DATA / "polarity_signs.csv", delimiter=",", names=True)
OF_IMAGES = np.genfromtxt(DATA / "image_polarity_signs.csv", delimiter=",", names=True)
OF_IMAGE = ("TAILS", "TEXTURE")
OF_NETWORK = tuple(one.name for one in fields(PolarityRule))


@pytest.fixture(scope="module")
def rule() -> PolarityRule:
    shipped = load_card("compact").polarity_rule
    assert shipped is not None
    return shipped


def odds_by_image(sign: int = 1) -> NDArray[np.float64]:
    """Return what the rule of the image says of every slice, or of every slice turned around."""
    return np.array([ImageSigns(sign * row["tails"], sign * row["texture"]).log_odds for row in OF_IMAGES])


def odds_by_network(rule: PolarityRule, sign: int = 1) -> NDArray[np.float64]:
    """Return what a rule of the network says of every slice, or of every slice turned around."""
    found = []
    for row in TABLE:
        image = ImageSigns(sign * row["tails"], sign * row["texture"])
        signs = Signs(image, *(sign * row[name] for name in ("certainty", "firmness", "valleys", "saddles")))
        found.append(signs.log_odds(rule))
    return np.array(found)


def cost(odds: NDArray[np.float64], weights: dict[str, float], table: NDArray[np.void] = TABLE) -> float:
    """Return the mean surprise at the truth, and a little for the size of what each sign says (a ridge)."""
    size = sum(float(np.mean((weight * table[name]) ** 2)) for name, weight in weights.items())
    return float(np.logaddexp(0, -odds).mean()) + 0.01 * size


@pytest.mark.parametrize("weight", OF_IMAGE)
def test_another_weight_of_the_image_makes_the_probabilities_worse(
    weight: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def now() -> float:
        weights = {name.lower(): getattr(image_polarity, name) for name in OF_IMAGE}
        return cost(odds_by_image(), weights, OF_IMAGES)

    best, value = now(), getattr(image_polarity, weight)
    for factor in (-1, 0, 0.7, 1.4, 3):
        monkeypatch.setattr(image_polarity, weight, factor * value)
        assert now() > best + 1e-4, factor


@pytest.mark.parametrize("weight", OF_NETWORK)
def test_another_weight_of_the_network_makes_the_probabilities_worse(rule: PolarityRule, weight: str) -> None:
    best = cost(odds_by_network(rule), asdict(rule))
    for factor in (-1, 0, 0.7, 1.4, 3):
        other = replace(rule, **{weight: factor * getattr(rule, weight)})
        assert cost(odds_by_network(other), asdict(other)) > best + 1e-4, factor


@pytest.mark.parametrize(("by", "right", "sure"), [("image", 0.9, SURE_BY_IMAGE), ("network", 0.94, SURE)])
def test_how_often_a_rule_is_right_and_sure(rule: PolarityRule, by: str, right: float, sure: float) -> None:
    odds, turned = (odds_by_image(sign) if by == "image" else odds_by_network(rule, sign) for sign in (1, -1))
    np.testing.assert_allclose(turned, -odds)
    assert np.mean(odds > 0) >= right
    says = 1 / (1 + np.exp(-np.abs(odds)))
    assert np.mean((odds > 0)[says >= sure]) >= 0.97 and np.mean(says >= sure) > 0.25
    assert np.mean((odds > 0)[says < sure]) < 0.92
