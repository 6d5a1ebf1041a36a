"""How well the shipped model outlines what it has not seen, measured through the shipped inference.

Judges: held-out tomograms of the simulator it was trained with, tomograms of two simulators that share no
code with it, a plain one from the textbook and one with all that makes real tomograms hard, and, where
../shared holds them, four hand-labelled patches of real cells and six slices of another microscope (B24) in
which the mitochondria alone are labelled: of their borders only recall can be given. A pixel is right within
2 px; what a phantom marks as invisible to a human counts neither way.
Run ``python -m bench.accuracy``. With ``--uses`` it measures the thresholds for each use of labels
(``core.evaluation.calibration``), and ``--write`` puts these, their figures and the balanced threshold as the
model's own into its card; with ``--json`` it prints JSON. The mitochondria choose no threshold.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bench import judges
from bench.cards import put_into_card
from sxtstudio.core.evaluation.agreement import Agreement, compare
from sxtstudio.core.evaluation.calibration import PrecisionRecallCurve, card_entry
from sxtstudio.core.geometry import Box
from sxtstudio.core.uses import Use
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import open_volume
from sxtstudio.segment import SegmentParameters, load_card, make_runner, segment_slice
from sxtstudio.segment.device import choose_device
from sxtstudio.segment.parameters import PolarityChoice
from sxtstudio.training.simulate import simulate

ROOT = Path(__file__).parents[1]
REAL = ROOT.parent / "shared" / "data" / "real"
PATCHES = REAL / "deep_sxt"
HELD_OUT_SEEDS = range(1990, 1996)
HELD_OUT_SHAPE = (56, 224, 256)
BORDERS = "mitochondria of a real slab"
OTHER_SEEDS = range(300, 306)
OTHER_SHAPE = (24, 320, 320)
TEXTBOOK_SEEDS = range(400, 404)

Mask = NDArray[np.bool_]
Image = NDArray[np.float32]


class Outlined(NamedTuple):
    """Slice ``z`` of a tomogram (z, y, x) with its outlines (y, x), and where these are doubtful (y, x)."""

    tomogram: NDArray[Any]
    z: int
    truth: Mask
    doubtful: Mask


def held_out() -> Iterator[Outlined]:
    """Yield slices of tomograms that the simulator makes from seeds kept out of all training."""
    for seed in HELD_OUT_SEEDS:
        simulated = simulate(seed, HELD_OUT_SHAPE)
        for z in range(11, 45, 8):
            yield Outlined(simulated.tomogram, z, simulated.outline[z], simulated.hidden[z])


def textbook_simulator() -> Iterator[Outlined]:
    """Yield slices of tomograms from the simulator of the textbook, with their outlines."""
    for seed in TEXTBOOK_SEEDS:
        tomogram, truth, lying = judges.textbook_simulator.simulate(seed)
        for z in range(4, len(tomogram), 8):
            yield Outlined(tomogram, z, truth[z], lying[z])


def other_simulator() -> Iterator[Outlined]:
    """Yield slices of tomograms from the second simulator, with their outlines."""
    for seed in OTHER_SEEDS:
        tomogram, truth, notes = judges.other_simulator.simulate(seed, OTHER_SHAPE)
        for z in range(4, OTHER_SHAPE[0] - 3, 5):
            yield Outlined(tomogram, z, truth[z], notes["doubtful"][z])


def real_patches() -> Iterator[Outlined]:
    """Yield the hand-labelled real patches, each a tomogram of one slice."""
    for path in sorted(PATCHES.glob("labelled_*.image.png")):
        with (
            open_volume(path) as image,
            open_volume(path.with_name(path.name.replace("image", "label"))) as label,
        ):
            outlined = label.read(Box.whole(label.shape))[0] > 127
            yield Outlined(image.read(Box.whole(image.shape)), 0, outlined, np.zeros_like(outlined))


def mitochondria() -> Iterator[Outlined]:
    """Yield slices with the borders of their mitochondria; all else is doubtful, for it has no labels."""
    slab = REAL / "contour" / "slab_img.tif"
    with open_volume(slab) as image, open_volume(slab.with_name("slab_mito_mask.tif")) as mask:
        inside = mask.read(Box.whole(mask.shape)) > 0
        tomogram = image.read(Box.whole(image.shape))
        for z in range(len(tomogram)):
            border = inside[z] & ~ndimage.binary_erosion(inside[z])
            yield Outlined(tomogram, z, border, ~border)


def outputs(
    slices: Iterable[Outlined], parameters: SegmentParameters
) -> Iterator[tuple[Outlined, Image, Mask]]:
    """Yield each slice with the network's output (y, x), and its labels at the parameters' threshold."""
    runner = make_runner(load_card(parameters.model), choose_device("cpu"))
    try:
        for one in slices:
            done = segment_slice(ArrayVolume(one.tomogram), one.z, parameters, runner=runner)
            if done.values is None or done.labels is None:
                yield one, np.full(one.truth.shape, -1, np.float32), np.zeros(one.truth.shape, bool)
            else:
                yield one, done.values, done.labels > 0
    finally:
        runner.close()


def score(slices: Iterable[Outlined], parameters: SegmentParameters) -> dict[str, float]:
    """Return precision, recall and F1 of a model's labels, pooled over the slices."""
    agreement = Agreement()
    for one, _, labels in outputs(slices, parameters):
        agreement += compare(labels, one.truth, doubtful=one.doubtful)
    figures = {"precision": agreement.precision, "recall": agreement.recall, "f1": agreement.f1}
    return {name: round(value, 3) for name, value in figures.items()}


def curve(slices: Iterable[Outlined], parameters: SegmentParameters) -> PrecisionRecallCurve:
    """Return what a model's output is worth at each threshold, pooled over the slices."""
    found = PrecisionRecallCurve()
    for one, values, _ in outputs(slices, parameters):
        found.add(values, one.truth, one.doubtful)
    return found


def all_judges() -> dict[str, tuple[Callable[[], Iterator[Outlined]], PolarityChoice]]:
    """Return the judges that there are here, by name, with what is known of their polarity."""
    judges_here: dict[str, tuple[Callable[[], Iterator[Outlined]], PolarityChoice]] = {
        "held-out phantoms": (held_out, "dark"),
        "phantoms of the textbook": (textbook_simulator, "dark"),
        "phantoms of another simulator": (other_simulator, "dark"),
    }
    if PATCHES.is_dir():
        # Dark in all four; whether the program finds that by itself, bench.polarity tries.
        judges_here["4 labelled real patches"] = (real_patches, "dark")
        judges_here[BORDERS] = (mitochondria, "dark")
    return judges_here


def measured_uses(parameters: SegmentParameters) -> dict[str, Any]:
    """Return the entry ``uses`` of a model's card."""
    curves = {
        name: curve(slices(), replace(parameters, polarity=polarity))
        for name, (slices, polarity) in all_judges().items()
    }
    borders = {name: curves.pop(name) for name in (BORDERS,) if name in curves}
    return card_entry(curves, borders)


def write_uses(card: Path, uses: dict[str, Any]) -> None:
    """Put the uses into a card; its own threshold and scores become those of the balanced use."""
    balanced = uses[Use.BALANCED.value]
    put_into_card(card, {"threshold": balanced["threshold"], "scores": balanced["scores"], "uses": uses})


def main() -> None:
    """Print the scores of a model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="compact")
    parser.add_argument("--threshold", type=float, help="network output, −1…1 (default: the model's own)")
    parser.add_argument("--neighbours", type=int, choices=(0, 1), default=1, help="on each side (default: 1)")
    parser.add_argument(
        "--label-artefacts", dest="leave_out", action="store_false", help="frames and gold too"
    )
    parser.add_argument("--noisy", action="store_true", help="slices are shown in four fifths of their size")
    parser.add_argument("--uses", action="store_true", help="measure the thresholds for each use of labels")
    parser.add_argument("--write", action="store_true", help="put them into the model's card")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    wanted = SegmentParameters(
        options.model,
        device="cpu",
        threshold=options.threshold,
        neighbours=options.neighbours,
        leave_out=options.leave_out,
        noisy=options.noisy,
    )
    if options.uses or options.write:
        show_uses(options.model, measured_uses(wanted), write=options.write, as_json=options.json)
        return
    scores = {
        name: score(slices(), replace(wanted, polarity=polarity))
        for name, (slices, polarity) in all_judges().items()
    }
    if BORDERS in scores:
        scores[BORDERS] = {"recall": scores[BORDERS]["recall"]}
    if options.json:
        print(json.dumps(scores, indent=2))
        return
    for name, figures in scores.items():
        print(f"{options.model}, {name}: {_text(figures)}")


def show_uses(model: str, uses: dict[str, Any], *, write: bool, as_json: bool) -> None:
    """Print the entry ``uses`` of a card, and put it into the card."""
    if write:
        card = load_card(model).card_path
        if card is None:
            raise SystemExit(f"{model} has no card.")
        write_uses(card, uses)
    if as_json:
        print(json.dumps(uses, indent=2))
        return
    for name, entry in uses.items():
        print(f"{model}, {name}: threshold {entry['threshold']:g}")
        for judge, figures in entry["scores"].items():
            print(f"    {judge}: {_text(figures)}")


def _text(figures: dict[str, float]) -> str:
    return ", ".join(f"{key} {value:.3f}" for key, value in figures.items())


if __name__ == "__main__":
    main()
