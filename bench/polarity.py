"""Fits the rule that distinguishes dark membranes from bright ones, and checks it on every real image.

    python -m bench.polarity            # check the rule in the model's card, on real images
    python -m bench.polarity --fit      # fit it to simulated tomograms first (half an hour of one core)
    python -m bench.polarity --fit --write      # and put it into the model's card
    python -m bench.polarity --fit --keep tests/data/polarity_signs.csv    # for the tests of the weights

Learned from are slices of tomograms of three simulators, as they are, in one of 19 appearances that spoil
them (``bench.trust_appearances``), and in a random one of the training. Each slice counts in both polarities,
which is why the rule has no constant: signs that turn with the image need none. The weight of every sign is
at least zero in the direction that its meaning has, and drawn towards zero by a ridge.

The real images lie in ../shared/data/real; nothing was fitted to them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from bench.accuracy import REAL
from bench.cards import put_into_card
from bench.judges import other_simulator, textbook_simulator
from bench.trust_appearances import CHOSEN_ON, HELD_OUT
from sxtstudio.core.geometry import Box
from sxtstudio.core.image_polarity import detect_polarity
from sxtstudio.core.normalise import normalise_slice
from sxtstudio.core.polarity import Polarity
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import open_volume
from sxtstudio.segment import ModelCard, SliceRunner, load_card, make_runner
from sxtstudio.segment.card import PolarityRule
from sxtstudio.segment.device import choose_device
from sxtstudio.segment.polarity import Signs, ask_network, signs_of
from sxtstudio.training.augment import random_appearance
from sxtstudio.training.simulate import simulate

Image = NDArray[np.float32]
SEEDS = range(5000, 5120)
SHAPE = (12, 320, 320)
APPEARANCES = {name: spoil for name, spoil in (CHOSEN_ON | HELD_OUT).items() if name != "wrong polarity"}
#: Signs of the image and of the network, and in which direction they speak for dark.
IMAGE = {"tails": -1, "texture": -1}
NETWORK = {"tails": -1, "certainty": 1, "firmness": 1, "valleys": 1, "saddles": 1}
RIDGE = 0.01


class Real(NamedTuple):
    """A real image (z, y, x) whose polarity its README gives."""

    name: str
    image: Image
    dark: bool


def phantoms() -> Iterator[Image]:
    """Yield two slices (2, y, x) of each simulated tomogram, dense structures dark."""
    for seed in SEEDS:
        match seed % 4:
            case 0 | 1:
                tomogram = simulate(seed, SHAPE).tomogram
            case 2:
                tomogram = other_simulator.simulate(seed, SHAPE)[0]
            case _:
                tomogram = textbook_simulator.simulate(seed)[0]
        depth = len(tomogram)
        yield tomogram[[depth // 3, 2 * depth // 3]].astype(np.float32)


def appearances(rng: np.random.Generator, image: Image) -> Iterator[Image]:
    """Yield a slice (y, x) as it is, spoilt, and with a random appearance of the training."""
    yield image
    normal = normalise_slice(image)
    if normal is None:
        return
    spoil = APPEARANCES[str(rng.choice(list(APPEARANCES)))]
    yield np.asarray(spoil(rng, normal, float(rng.uniform())), np.float32)
    other = random_appearance(rng, normal, [])
    # That may have turned it around.
    yield other if float(np.sum(other * normal)) > 0 else -other


def learn(slices: Iterable[Image], card: ModelCard, runner: SliceRunner) -> list[Signs]:
    """Return the signs of slices, all of which have dark structures."""
    found = []
    for number, pair in enumerate(slices):
        rng = np.random.default_rng(number)
        for image in pair:
            found += [signs_of(seen, card, runner) for seen in appearances(rng, image)]
        print(f"{number + 1} tomograms", end="\r", flush=True)
    return [signs for signs in found if signs is not None]


def table(signs: Iterable[Signs]) -> dict[str, NDArray[np.float64]]:
    """Return each sign of all slices, under its name."""
    signs = list(signs)
    columns = {name: np.array([asdict(one)[name] for one in signs]) for name in NETWORK if name != "tails"}
    return columns | {name: np.array([asdict(one.image)[name] for one in signs]) for name in IMAGE}


def fit(columns: Mapping[str, NDArray[np.float64]], directions: Mapping[str, int]) -> NDArray[np.float64]:
    """Return the weights of signs under which dark is most probable: a logistic rule without constant."""
    signed = np.stack([columns[name] * direction for name, direction in directions.items()], axis=1)
    scale = np.sqrt((signed**2).mean(axis=0))
    scaled = signed / scale

    def loss(weights: NDArray[np.float64]) -> float:
        return float(np.logaddexp(0, -scaled @ weights).mean() + RIDGE * weights @ weights)

    ones = np.ones(len(directions))
    found = optimize.minimize(loss, ones, bounds=[(0, None)] * len(ones))
    weights: NDArray[np.float64] = found.x / scale * list(directions.values())
    return weights


def report_fit(columns: Mapping[str, NDArray[np.float64]]) -> PolarityRule:
    """Print the weights of both rules, and how right each sign and rule is, and how right it says to be.

    Returned is the rule of the network, the second one.
    """
    for directions in (IMAGE, NETWORK):
        weights = fit(columns, directions)
        print(", ".join(f"{name} {weight:.2f}" for name, weight in zip(directions, weights, strict=True)))
        odds = np.stack([columns[name] for name in directions], axis=1) @ weights
        print(f"  right in {np.mean(odds > 0):.3f} of {len(odds)} slices")
        says = 1 / (1 + np.exp(-np.abs(odds)))
        for low, high in pairwise((0.5, 0.7, 0.85, 0.95, 0.99, 1.0001)):
            there = (says >= low) & (says < high)
            if there.any():
                right = np.mean(odds[there] > 0)
                print(f"  where it says {low:.2f} to {min(high, 1):.2f}: {right:.2f} ({there.sum()} slices)")
    for name, direction in (IMAGE | NETWORK).items():
        print(f"{name} alone is right in {np.mean(columns[name] * direction > 0):.3f}")
    return PolarityRule(**{name: round(float(one), 2) for name, one in zip(NETWORK, weights, strict=True)})


def real_images() -> Iterator[Real]:
    """Yield the real images of cells; berkeley and the uninfected cell of ALBA are bright."""
    for path in sorted(REAL.rglob("*")):
        used = path.suffix in (".tif", ".png") and path.parent.name in _CELLS
        if used and ".label." not in path.name and "mask" not in path.name:
            with open_volume(path) as volume:
                image = volume.read(Box.whole(volume.shape)).astype(np.float32)
            bright = path.parent.name == "berkeley" or "_NI-" in path.name
            yield Real(f"{path.parent.name}/{path.stem}", image, not bright)


_CELLS = ("alba", "berkeley", "contour", "deep_sxt", "survos")


def check(card: ModelCard, runner: SliceRunner) -> None:
    """Print what is said of each real image, and of the same turned around."""
    for real in real_images():
        for sign in (1, -1):
            volume = ArrayVolume(sign * real.image)
            truth = "dark" if real.dark == (sign > 0) else "bright"
            verdicts = (detect_polarity(volume), ask_network(volume, card, runner))
            said = "; ".join(_said(verdict, truth) for verdict in verdicts)
            print(f"{real.name[-34:]:34} {truth:6}  image: {said.replace('; ', '  network: ')}")


def _said(verdict: Polarity, truth: str) -> str:
    right = "" if verdict.value == truth else " WRONG"
    return f"{verdict.value} {100 * verdict.probability:.1f} %{right}{'' if verdict.sure else ' (unsure)'}"


def main() -> None:
    """Fit, if that is wanted, and check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="compact")
    parser.add_argument("--fit", action="store_true", help="learn from simulated tomograms first")
    parser.add_argument("--write", action="store_true", help="put the fitted rule into the model's card")
    parser.add_argument("--keep", type=Path, help="write the signs of the simulated slices into a table")
    options = parser.parse_args()
    card = load_card(options.model)
    runner = make_runner(card, choose_device("cpu"))
    try:
        if options.fit:
            signs = table(learn(phantoms(), card, runner))
            rule = report_fit(signs)
            card = replace(card, polarity_rule=rule)
            if options.write and card.card_path is not None:
                put_into_card(card.card_path, {"polarity_rule": asdict(rule)})
            if options.keep:
                names = [*IMAGE, *(name for name in NETWORK if name not in IMAGE)]
                columns = np.stack([signs[name] for name in names], axis=1)
                header = ",".join(names)
                np.savetxt(options.keep, columns, fmt="%.3f", delimiter=",", header=header, comments="")
        if card.polarity_rule is None:
            raise SystemExit(f"The card of {card.name} has no rule; --fit makes one.")
        check(card, runner)
    finally:
        runner.close()


if __name__ == "__main__":
    main()
