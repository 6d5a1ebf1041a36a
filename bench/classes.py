"""Judges the classifier of objects on phantoms whose kinds are known: few clicks in one, bodies of others.

    python -m bench.classes

Packed bodies of tests/judges with the textbook tomogram of each, the bodies as they are and as they are found
in their outlines; and crowded tomograms of ``sxtstudio simulate``, all of one microscope, whose cells differ
in what their organelles absorb, so that a lipid droplet here is a dense body there. The classifier is trained
with some bodies of each kind, drawn by chance, of one phantom alone, and asked of the bodies of phantoms of
other seeds; those at the border of the volume are left out. Each line is the mean over draws. Beside its
accuracy (the mean over the kinds) stands what it said of itself out of bag, and the accuracy among the half
that it was surest of.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.judges import packed_bodies
from sxtstudio.core.bodies.find import BodyParameters, find_bodies
from sxtstudio.core.classes.classifier import Examples, examples_of
from sxtstudio.core.classes.features import FeatureTable, features_of
from sxtstudio.core.classes.fitting import train
from sxtstudio.core.measure.measure import GROUPS, measure_objects
from sxtstudio.core.measure.relations import relations_group
from sxtstudio.core.object_classes import ObjectClass
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.training.microscope import random_microscope
from sxtstudio.training.simulate import simulate

CLICKS = (3, 5, 10, 20)
DRAWS = 10
SEEDS = (31, 32, 33)
SIMULATED = (910, 911, 912)
#: What ``simulate`` numbers and nobody calls a body.
NO_BODIES = {"cytosol", "nanoparticle", "gold", "granule", "filament"}
FEWEST = 4  # bodies of a kind in the phantom that it is trained with; rarer kinds are left out
VOXEL_NM = (10.0, 10.0, 10.0)


@dataclass(frozen=True)
class Bodies:
    """The features of the bodies of a phantom that lie wholly within it, and the kind of each."""

    features: FeatureTable
    kind: dict[int, str]


def measured(numbers: NDArray[np.integer], kinds: dict[int, str], image: NDArray[np.generic]) -> Bodies:
    groups = (*GROUPS, relations_group())
    found = measure_objects(numbers, VOXEL_NM, image=ArrayVolume(image, VOXEL_NM), groups=groups)
    whole = found.numbers[found.values["touches_border"] == 0].tolist()
    return Bodies(features_of(found, "dark"), {n: kinds[n] for n in whole if n in kinds})


def packed(touching: bool, seed: int) -> tuple[Bodies, Bodies]:
    """Return the bodies of a packed phantom as they are, and as they are found in its outlines."""
    phantom = packed_bodies.pack(
        seed, touching=touching, shape=(64, 256, 256), scale=1.5, many=110 if touching else 60
    )
    kinds = dict(enumerate(phantom.kinds, 1))
    image = packed_bodies.tomogram(seed, phantom)
    found = np.zeros(phantom.bodies.shape, np.uint32)
    find_bodies(phantom.outlines.astype(np.uint8), found, BodyParameters())
    return measured(phantom.bodies, kinds, image), measured(
        found, matched(found, phantom.bodies, kinds), image
    )


def matched(found: NDArray[np.integer], truth: NDArray[np.integer], kinds: dict[int, str]) -> dict[int, str]:
    """Return the kind of each body that was found and is, for more than half of both together, a true one."""
    width = int(truth.max()) + 1
    pairs = np.bincount(found.ravel().astype(np.int64) * width + truth.ravel(), minlength=width)
    pairs = pairs[: len(pairs) // width * width].reshape(-1, width)
    of_found = np.bincount(found.ravel(), minlength=len(pairs))[: len(pairs)]
    of_true = np.bincount(truth.ravel(), minlength=width)
    share = pairs / np.maximum(1, of_found[:, None] + of_true[None] - pairs)
    share[0], share[:, 0] = 0, 0
    return {n: kinds[int(share[n].argmax())] for n in range(len(share)) if share[n].max() >= 0.5}


def simulated(seed: int) -> Bodies:
    microscope = random_microscope(np.random.default_rng(0), VOXEL_NM[0])
    phantom = simulate(seed, (64, 288, 288), microscope=microscope, scene="crowded")
    kinds = {int(n): kind for n, kind in phantom.facts["objects"].items() if kind not in NO_BODIES}
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
        name = "touching" if touching else "scattered"
        bodies = [packed(touching, seed) for seed in SEEDS]
        for place, how in enumerate(("true", "found")):
            first, *others = (both[place] for both in bodies)
            judge(f"{name}, {how}", first, others)
    first, *others = (simulated(seed) for seed in SIMULATED)
    judge("simulated, true", first, others)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
