"""Judges the classifier of objects on phantoms whose kinds are known: few clicks in one, bodies of others.

    python -m bench.classes

Packed bodies of tests/judges with the textbook tomogram of each, and tomograms of ``sxtstudio simulate``. The
classifier is trained with so many bodies of each kind, drawn by chance, of one phantom alone, and asked of
the bodies of phantoms of other seeds; those at the border of the volume are left out. Each line is the mean
over draws. Beside its accuracy (the mean over the kinds) stands what it said of itself out of bag, and the
accuracy among the half that it was surest of.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.judges import packed_bodies
from sxtstudio.core.classes.classifier import Examples, examples_of
from sxtstudio.core.classes.features import FeatureTable, features_of
from sxtstudio.core.classes.fitting import train
from sxtstudio.core.measure.measure import measure_objects
from sxtstudio.core.object_classes import ObjectClass
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.training.simulate import simulate

CLICKS = (3, 5, 10, 20)
DRAWS = 10
SEEDS = (31, 32, 33)
SCENES = (("cytoplasm", (900, 901, 902)), ("crowded", (900, 901, 902)))
FEWEST = 4  # bodies of a kind in the phantom that it is trained with; rarer kinds are left out
VOXEL_NM = (10.0, 10.0, 10.0)


@dataclass(frozen=True)
class Bodies:
    """The features of the bodies of a phantom that lie wholly within it, and the kind of each."""

    features: FeatureTable
    kind: dict[int, str]


def measured(numbers: NDArray[np.integer], kinds: dict[int, str], image: NDArray[np.generic]) -> Bodies:
    found = measure_objects(numbers, VOXEL_NM, image=ArrayVolume(image, VOXEL_NM))
    whole = found.numbers[found.values["touches_border"] == 0].tolist()
    return Bodies(features_of(found, "dark"), {n: kinds[n] for n in whole if n in kinds})


def packed(touching: bool, seed: int) -> Bodies:
    phantom = packed_bodies.pack(
        seed, touching=touching, shape=(64, 256, 256), scale=1.5, many=110 if touching else 60
    )
    kinds = dict(enumerate(phantom.kinds, 1))
    return measured(phantom.bodies, kinds, packed_bodies.tomogram(seed, phantom))


def simulated(scene: str, seed: int) -> Bodies:
    phantom = simulate(seed, (64, 256, 256), scene=scene)
    kinds = {int(n): kind for n, kind in phantom.facts["objects"].items()}
    return measured(phantom.instances, kinds, phantom.tomogram)


def judge(name: str, first: Bodies, others: list[Bodies]) -> None:
    """Print how well a classifier of few clicks in ``first`` names the bodies of the others."""
    counts = {kind: list(first.kind.values()).count(kind) for kind in sorted(set(first.kind.values()))}
    kinds = [kind for kind, count in counts.items() if count >= FEWEST]
    classes = [ObjectClass(kind, (0, 0, 0)) for kind in kinds]
    for clicks in CLICKS:
        lines = []
        for draw in range(DRAWS):
            examples = clicked(first, classes, clicks, draw)
            begin = time.perf_counter()
            classifier = train(examples)
            spent = time.perf_counter() - begin
            right = [asked for other in others for asked in _asked(classifier, other, kinds)]
            lines.append((*_accuracies(right, kinds), classifier.scores.accuracy, spent, len(right)))
        accuracy, sure, own, spent, asked = np.mean(lines, axis=0)
        print(
            f"{name:22} {len(kinds)} kinds {clicks:3} clicks of each: {accuracy:.3f}, the surer half "
            f"{sure:.3f}; out of bag {own:.3f}; {asked:.0f} bodies asked; trained in {spent:.2f} s",
            flush=True,
        )


def clicked(bodies: Bodies, classes: list[ObjectClass], clicks: int, draw: int) -> Examples:
    rng = np.random.default_rng([draw, clicks])
    named = {}
    for one in classes:
        own = [number for number, kind in bodies.kind.items() if kind == one.name]
        for number in rng.permutation(own)[:clicks].tolist():
            named[number] = one.name
    return examples_of(bodies.features, classes, named)


def _asked(classifier, bodies: Bodies, kinds: list[str]):
    said = classifier.predict(bodies.features)
    for number, name, sure in zip(said.numbers.tolist(), said.class_names, said.sure, strict=True):
        if bodies.kind.get(number) in kinds:
            yield bodies.kind[number], name, sure


def _accuracies(asked: list[tuple[str, str, float]], kinds: list[str]) -> tuple[float, float]:
    """Mean over the kinds of the share that was named rightly, and among the surer half of all."""
    middle = np.median([sure for *_, sure in asked])
    of_kind = [[one == said for one, said, _ in asked if one == kind] for kind in kinds]
    surer = [one == said for one, said, sure in asked if sure >= middle]
    return float(np.mean([np.mean(right) for right in of_kind if right])), float(np.mean(surer))


def main() -> int:
    for touching in (False, True):
        first, *others = (packed(touching, seed) for seed in SEEDS)
        judge("touching" if touching else "scattered", first, others)
    for scene, seeds in SCENES:
        first, *others = (simulated(scene, seed) for seed in seeds)
        judge(f"simulated, {scene}", first, others)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
