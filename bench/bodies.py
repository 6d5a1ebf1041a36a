"""Judges the bodies made of outlines on packed phantoms, and fits the two rules behind them.

    python -m bench.bodies          # F1 and volume error, from perfect outlines and from the shipped model's
    python -m bench.bodies --fit    # fit the rules first, and print them for core/bodies/rule.py (minutes)

Fitted to other seeds than judged: packed bodies of tests/judges with the textbook tomogram of each, and
tomograms of ``sxtstudio simulate``; half of the outlines are perfect, half are the model's. Beside it stands
the plain way: fill the holes of each slice, number what hangs together, and grow it by 4 px.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize
from skimage.segmentation import expand_labels

from bench.judges import packed_bodies
from sxtstudio.core.bodies.find import BodyParameters, find_bodies
from sxtstudio.core.bodies.joining import Pairs
from sxtstudio.core.bodies.regions import find_regions, wall_half_px
from sxtstudio.core.bodies.tracks import Linker, Tracks
from sxtstudio.core.objects import label_objects
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.segment import SegmentParameters, load_card, make_runner, segment_slice
from sxtstudio.segment.device import choose_device
from sxtstudio.training.simulate import simulate

JUDGED = {"scattered": (False, (11, 12)), "touching": (True, (11, 12))}
FITTED = ((False, 21, 1.3), (True, 22, 1.3), (True, 23, 1.8), (False, 24, 1.8), (True, 25, 1.5))
SCENES = (("crowded", 900), ("crowded", 901), ("cytoplasm", 900), ("cytoplasm", 901), ("edge", 900))
SHAPE = (64, 256, 256)
RIDGE = 0.01
#: Part of a track that lies in one true body, and size, from which it is known what it is.
KNOWN, LEAST_PX = 0.7, 30
#: What ``simulate`` numbers and nobody calls a body.
NO_BODIES = {"cytosol", "nanoparticle", "gold", "granule", "filament"}

Outlines = NDArray[np.uint8]
Numbers = NDArray[np.integer]


class Case(NamedTuple):
    """Outlines, and the true number of the body at each voxel."""

    name: str
    outlines: Outlines
    bodies: Numbers


def packed(touching: bool, seed: int, shape: tuple[int, int, int], scale: float, many: int) -> list[Case]:
    """Return a packed phantom with its perfect outlines and with the model's."""
    phantom = packed_bodies.pack(seed, touching=touching, shape=shape, scale=scale, many=many)
    name = f"{'touching' if touching else 'scattered'} {seed}"
    shown = packed_bodies.tomogram(seed, phantom)
    return [
        Case(f"{name}, perfect", phantom.outlines.astype(np.uint8), phantom.bodies),
        Case(f"{name}, model", outlined(shown), phantom.bodies),
    ]


def simulated(scene: str, seed: int) -> list[Case]:
    """Return a tomogram of the program's own simulator, likewise."""
    phantom = simulate(seed, (48, 256, 256), scene=scene)
    bodies = phantom.instances.copy()
    others = [int(number) for number, kind in phantom.facts["objects"].items() if kind in NO_BODIES]
    bodies[np.isin(bodies, others)] = 0
    return [
        Case(f"{scene} {seed}, perfect", (phantom.outline & ~phantom.hidden).astype(np.uint8), bodies),
        Case(f"{scene} {seed}, model", outlined(phantom.tomogram), bodies),
    ]


def outlined(tomogram: NDArray[np.generic]) -> Outlines:
    """Return the shipped model's labels of a tomogram (dark membranes), uint8."""
    card = load_card("compact")
    runner = make_runner(card, choose_device("cpu"))
    volume = ArrayVolume(tomogram.astype(np.float32), (10.0, 10.0, 10.0))
    parameters = SegmentParameters("compact", device="cpu", polarity="dark")
    slices = (segment_slice(volume, z, parameters, runner=runner).labels for z in range(len(tomogram)))
    return np.stack([np.zeros(tomogram.shape[1:], np.uint8) if one is None else one for one in slices])


def plain_way(outlines: Outlines) -> Numbers:
    """Fill the holes of each slice, number what hangs together, and grow it over the membranes."""
    holes = np.stack([ndimage.binary_fill_holes(plane) & (plane == 0) for plane in outlines])
    numbers = expand_labels(label_objects(holes)[0], 4)
    return np.where(holes | (outlines != 0), numbers, 0)


def judge() -> None:
    """Print how well bodies are found, and how long it takes."""
    print("phantom, outlines                precision recall    F1  volume error   s | plain way F1")
    for touching, seeds in JUDGED.values():
        for seed in seeds:
            for case in packed(touching, seed, SHAPE, 1.5, 110 if touching else 60):
                found = np.zeros(case.outlines.shape, np.uint32)
                begin = time.perf_counter()
                find_bodies(case.outlines, found, BodyParameters())
                spent = time.perf_counter() - begin
                score = packed_bodies.judge(found, case.bodies)
                plain = packed_bodies.judge(plain_way(case.outlines), case.bodies)
                print(
                    f"{case.name:33} {score.precision:8.3f} {score.recall:6.3f} {score.f1:6.3f} "
                    f"{score.volume_error:10.3f} {spent:6.1f} | {plain.f1:.3f}",
                    flush=True,
                )


def fit() -> None:
    """Fit both rules and print them."""
    cases = [case for touching, seed, scale in FITTED
             for case in packed(touching, seed, (48, 224, 224), scale, 90 if touching else 60)]  # fmt: skip
    cases += [case for scene, seed in SCENES for case in simulated(scene, seed)]
    is_body, is_one = zip(*(examples(case) for case in cases), strict=True)
    for name, parts, features in (
        ("IS_BODY", is_body, "tracks.FEATURES"),
        ("IS_ONE", is_one, "joining.FEATURES"),
    ):
        rows = np.concatenate([part[0] for part in parts])
        answers = np.concatenate([part[1] for part in parts])
        mean, deviation, weight, constant = logistic(rows, answers)
        print(f"{name} = Rule(\n    {features},")
        for values in (mean, deviation, weight):
            print(f"    ({', '.join(f'{value:.4g}' for value in values)}),")
        print(f"    {constant:.4g},\n)  # {len(rows)} examples", flush=True)


Examples = tuple[NDArray[np.float64], NDArray[np.bool_]]


def examples(case: Case) -> tuple[Examples, Examples]:
    """Return tracks with whether each is a body, and pairs of tracks with whether both are one."""
    half = wall_half_px(case.outlines[::4] != 0)
    linker, planes = Linker(), []
    parameters = BodyParameters()
    for plane in case.outlines:
        regions = find_regions(plane != 0, gap_px=parameters.gap_px, split=parameters.split, half_px=half)
        linker.add(regions)
        planes.append(regions.numbers)
    found = linker.finish()
    every = painted(found, planes, np.arange(1, found.count + 1))
    common = np.zeros((found.count + 1, int(case.bodies.max()) + 1))
    np.add.at(common, (every.ravel(), case.bodies.ravel()), 1)
    of, part = common[1:].argmax(1), common[1:].max(1) / common[1:].sum(1)
    hollow = ~found.solid & (found.area >= LEAST_PX)
    known = hollow & (part > KNOWN)
    in_bodies = np.where(hollow & (of > 0) & (part > 0.6), np.arange(1, found.count + 1), 0)
    pairs = Pairs(half, found.begin, found.end)
    for z, plane in enumerate(painted(found, planes, in_bodies)):
        pairs.add(z, plane, case.outlines[z] != 0)
    both, features = pairs.finish()
    return (found.features[known], of[known] > 0), (features, of[both[:, 0]] == of[both[:, 1]])


def painted(found: Tracks, planes: list[NDArray[np.int32]], number: Numbers) -> NDArray[np.int32]:
    """Return the number of its track at each voxel (z, y, x)."""
    return np.stack(list(_painted(found, planes, number)))


def _painted(found: Tracks, planes: list[NDArray[np.int32]], number: Numbers) -> Iterator[NDArray[np.int32]]:
    for z, plane in enumerate(planes):
        own = number[found.of_region[found.first[z] : found.first[z + 1]]]
        yield np.concatenate([[0], own]).astype(np.int32)[plane]


def logistic(
    rows: NDArray[np.float64], answers: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
    """Return mean, deviation and weight of each feature and the constant of a rule with a ridge."""
    mean, deviation = rows.mean(0), rows.std(0)
    scaled = np.c_[(rows - mean) / deviation, np.ones(len(rows))]
    sign = np.where(answers, 1.0, -1.0)

    def loss(weight: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = sign * (scaled @ weight)
        slope = -(scaled * (sign / (1 + np.exp(odds)))[:, None]).mean(0)
        slope[:-1] += 2 * RIDGE * weight[:-1]
        return float(np.logaddexp(0, -odds).mean() + RIDGE * (weight[:-1] ** 2).sum()), slope

    weight = optimize.minimize(loss, np.zeros(scaled.shape[1]), jac=True).x
    return mean, deviation, weight[:-1], float(weight[-1])


def main() -> int:
    """Judge, or fit."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fit", action="store_true")
    fit() if parser.parse_args().fit else judge()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
