"""Do the figures of trust rank slices by how right their labels are? On appearances outside of the training.

    python -m bench.trust [--model NAME|FILE]

Slices of two simulators are spoilt in 22 ways that no training has seen (``bench.trust_looks``), labelled
by the shipped inference and scored (F1, a pixel is right within 2 px; what the simulators call doubtful
counts neither way). Printed is Spearman's rank correlation of each figure with F1. *Certainty* is what the
strip along the slice slider shows; it must reach 0.6 on the appearances on which it was not chosen, with
tomograms that nothing was chosen on. *Recognised* is the published share
of pixels redrawn within one standard deviation.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bench.judges import other_simulator
from bench.trust_appearances import CHOSEN_ON, HELD_OUT, ZOOMS, zoomed
from sxtstudio.core.evaluation.agreement import compare
from sxtstudio.core.normalise import normalise_slice
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.segment import SegmentParameters, SliceRunner, load_card, make_runner, segment_slice
from sxtstudio.segment.device import choose_device
from sxtstudio.segment.trust import certainty, recognised, trust_map
from sxtstudio.training.simulate import simulate

SEEDS = range(720, 724)  # not those on which the figure was chosen
SHAPE = (16, 256, 256)
WANTED = 0.6
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Slice:
    """A slice (y, x) with the outlines that a human could see, and what is not to be judged."""

    simulator: str
    image: NDArray[np.float32]
    truth: Mask
    doubtful: Mask


@dataclass(frozen=True)
class Score:
    """What came out of one spoilt slice; the figures are None where nothing was labelled."""

    simulator: str
    appearance: str
    f1: float
    certainty: float | None
    recognised: float


def slices() -> list[Slice]:
    """Return two slices of each of four tomograms of both simulators."""
    found = []
    for seed in SEEDS:
        made = simulate(seed, SHAPE)
        tomogram, truth, notes = other_simulator.simulate(seed, SHAPE)
        for z in (SHAPE[0] // 3, 2 * SHAPE[0] // 3):
            found.append(Slice("ours", made.tomogram[z], made.outline[z], made.hidden[z]))
            found.append(Slice("the other", tomogram[z], truth[z], notes["doubtful"][z]))
    return [piece for piece in found if np.count_nonzero(piece.truth) >= 300]


def spoilt(pieces: list[Slice]) -> Iterator[tuple[str, Slice]]:
    """Yield slices in every appearance, three of each simulator, of random strength."""
    rng = np.random.default_rng(11)
    for number, name in enumerate([*CHOSEN_ON, *HELD_OUT, *ZOOMS]):
        for simulator in ("ours", "the other"):
            own = [piece for piece in pieces if piece.simulator == simulator]
            for k in range(3):
                piece = own[(3 * number + k) % len(own)]
                image = normalise_slice(piece.image)
                assert image is not None
                strength, masks = rng.uniform(), (piece.truth, piece.doubtful)
                if name in ZOOMS:
                    low, high = ZOOMS[name]
                    image, *masks = zoomed(image, masks, low + strength * (high - low))
                else:
                    image = (CHOSEN_ON | HELD_OUT)[name](rng, image, strength)
                yield name, Slice(simulator, np.asarray(image, np.float32), *masks)


def score(runner: SliceRunner, card: Any, appearance: str, piece: Slice) -> Score | None:
    """Label a slice and compare; None where there is nothing to be found."""
    image = normalise_slice(piece.image)
    if image is None or np.count_nonzero(piece.truth) < 300:
        return None
    parameters = SegmentParameters(card.path, device="cpu", polarity="dark")
    values = segment_slice(ArrayVolume(piece.image[np.newaxis]), 0, parameters, runner=runner).values
    assert values is not None
    redrawn = runner.run(image[np.newaxis])[card.image_output][0]
    f1 = compare(values > card.threshold, piece.truth, doubtful=piece.doubtful).f1
    return Score(
        piece.simulator, appearance, f1, certainty(values, card.threshold), recognised(redrawn, image)
    )


def rank(scores: list[Score], figure: str) -> float:
    """Return Spearman's correlation of a figure with F1, over the slices where it is known."""
    pairs = [(getattr(s, figure), s.f1) for s in scores if getattr(s, figure) is not None]
    return float(stats.spearmanr(*zip(*pairs, strict=True)).statistic)


def foreign_patches(runner: SliceRunner, card: Any, pieces: list[Slice]) -> float:
    """Return how well the map finds a patch of woven film: the area under its ROC curve, the mean."""
    areas = []
    for i, piece in enumerate(pieces[:8]):
        image = normalise_slice(piece.image)
        assert image is not None
        patch = np.zeros(image.shape, bool)
        y, x = 32 * (i % 4) + 16, 32 * (i // 4) + 48
        patch[y : y + 64, x : x + 64] = True
        spoilt_image = np.where(patch, CHOSEN_ON["woven film"](np.random.default_rng(i), image, 1.0), image)
        again = normalise_slice(spoilt_image)
        assert again is not None
        redrawn = runner.run(again[np.newaxis])[card.image_output][0]
        ranks = stats.rankdata(1 - trust_map(redrawn, again)).reshape(patch.shape)
        inside, n = ranks[patch], patch.sum()
        areas.append((inside.sum() - n * (n + 1) / 2) / (n * (patch.size - n)))
    return float(np.mean(areas))


def report(scores: list[Score]) -> bool:
    """Print the correlations; return whether the certainty holds on the held-out appearances."""
    unlabelled = sum(s.certainty is None for s in scores)
    print(
        f"{len(scores)} slices of {len({s.appearance for s in scores})} appearances; "
        f"in {unlabelled} nothing is labelled"
    )
    chosen_on = {*CHOSEN_ON, "magnified"}
    held_out = [s for s in scores if s.appearance not in chosen_on]
    groups = {
        "all": scores,
        "appearances it was chosen on": [s for s in scores if s.appearance in chosen_on],
        "held-out appearances": held_out,
        "held-out appearances, our simulator": [s for s in held_out if s.simulator == "ours"],
        "held-out appearances, the other simulator": [s for s in held_out if s.simulator != "ours"],
    }
    for name, group in groups.items():
        print(
            f"Spearman with F1, {name} ({len(group)} slices): certainty {rank(group, 'certainty'):.2f}, "
            f"recognised {rank(group, 'recognised'):.2f}"
        )
    for low, high in ((0.0, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (0.6, 0.7), (0.7, 1.01)):
        part = [s.f1 for s in scores if s.certainty is not None and low <= s.certainty < high]
        if part:
            tenth, half, most = np.percentile(part, [10, 50, 90])
            print(
                f"  certainty {low:.2f} to {min(high, 1):.2f}: {len(part)} slices, F1 {half:.2f} "
                f"({tenth:.2f} to {most:.2f})"
            )
    return rank(held_out, "certainty") >= WANTED


def main() -> None:
    """Print how well the figures of trust rank slices."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="compact")
    options = parser.parse_args()
    begin = time.process_time()
    name = options.model
    card = load_card(Path(name) if name.endswith(".onnx") else name)
    runner = make_runner(card, choose_device("cpu"), image=True, threads=1)
    try:
        pieces = slices()
        found = [score(runner, card, appearance, piece) for appearance, piece in spoilt(pieces)]
        holds = report([s for s in found if s is not None])
        area = foreign_patches(runner, card, pieces)
    finally:
        runner.close()
    print(f"a patch of foreign texture stands out in the map: area under the ROC curve {area:.2f}")
    print(f"{time.process_time() - begin:.0f} s of one core")
    if not holds:
        sys.exit(f"certainty does not reach {WANTED} on held-out appearances: do not claim it")


if __name__ == "__main__":
    main()
