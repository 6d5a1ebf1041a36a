"""Judges the bodies made of outlines on packed phantoms, and fits the rules behind them.

    python -m bench.bodies          # F1 and volume error of one seed, perfect outlines and the model's
    python -m bench.bodies --seeds 71 72      # of these phantoms alone (some 5 minutes each)
    python -m bench.bodies --fit    # fit the rules first, and print them for core/bodies/rule.py (minutes)

Fitted to other seeds than judged: packed bodies and cells of tests/judges, each with its tomogram, and
tomograms of ``sxtstudio simulate``; half of the outlines are perfect, half are the model's.

Beside it stand two other ways. The plain one fills the holes of each slice, numbers what hangs together, and
grows it by 4 px. The other one is how boundary maps are segmented elsewhere (GASP with average linkage, as in
PlantSeg and bioimage-cpp): a watershed in 3D, whose basins are merged while the mean of the outline between
two of them is below a half.
"""

from __future__ import annotations

import argparse
import itertools
import textwrap
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize
from skimage.segmentation import expand_labels

from bench.judges import packed_bodies, textbook_simulator
from sxtstudio.core.bodies.droplets import ball_in, find_balls
from sxtstudio.core.bodies.evidence import darkness
from sxtstudio.core.bodies.find import BodyParameters, enclosed_bodies, find_bodies
from sxtstudio.core.bodies.joining import Pairs
from sxtstudio.core.bodies.leaks import Leaks
from sxtstudio.core.bodies.membrane import membrane_in
from sxtstudio.core.bodies.regions import find_regions, wall_half_px
from sxtstudio.core.bodies.rule import droplet_features, products, scaled_features
from sxtstudio.core.bodies.tracks import Linker, Tracks
from sxtstudio.core.bodies.walls import near_share
from sxtstudio.core.objects import label_objects
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.segment import SegmentParameters, load_card, make_runner, segment_slice
from sxtstudio.segment.device import choose_device
from sxtstudio.training.simulate import simulate

#: By 11, 12 and 61 to 65 variants were chosen; 71 to 74, later 81 to 84, then 91 to 94 were looked at once at
#: the end of what was changed. All of them take more than an hour.
JUDGED = (91,)
FITTED = ((False, 21, 1.3), (True, 22, 1.3), (True, 23, 1.8), (False, 24, 1.8), (True, 25, 1.5))
SCENES = tuple(
    (scene, seed) for scene in ("crowded", "cytoplasm", "edge", "several cells") for seed in (900, 910)
)
CELLS = (5, 6)
#: Droplets are rare: what tells them by a tomogram is fitted to these, too, and to the model's labels alone.
BALLS = ((True, 13), (True, 14), (False, 13), (False, 14))
BALL_SCENES = (
    ("crowded", 910, 10.0), ("crowded", 911, 10.0), ("crowded", 912, 16.0), ("crowded", 913, 12.0),
    ("cytoplasm", 910, 10.0), ("cytoplasm", 911, 10.0), ("cytoplasm", 912, 20.0),
    ("edge", 910, 10.0), ("edge", 911, 10.0), ("several cells", 910, 10.0),
)  # fmt: skip
SHAPE = (64, 256, 256)
VOXEL_NM = (10.0, 10.0, 10.0)
#: Name and features in core/bodies/rule.py, place among the examples, second degree, and the ridge.
RULES = (
    ("IS_BODY", 0, "tracks.FEATURES", True, 0.003),
    ("IS_ONE", 1, "joining.FEATURES", True, 0.003),
    ("IS_DROPLET", 2, "DROPLET_FEATURES", False, 0.0001),
    ("IS_DARK_DROPLET", 3, "DARK_DROPLET_FEATURES", False, 0.0001),
)
#: Part of a track that lies in one true body, and of that in the track, from which it is known what it is.
KNOWN, COVERED, LEAST_PX = 0.7, 0.12, 30
#: How far the lines of ``simulate`` reach beyond the middle of a membrane, leaning ones included.
LINE_PX = 3.5
#: What ``simulate`` numbers and nobody calls a body.
NO_BODIES = {
    "cytosol", "nanoparticle", "gold", "granule", "filament", "virus", "endoplasmic reticulum",
    "Golgi cisterna", "vacuum", "carbon film", "glass",
}  # fmt: skip

Outlines = NDArray[np.uint8]
Numbers = NDArray[np.integer]
Rows = NDArray[np.float64]
Row = NDArray[np.float64]


class Case(NamedTuple):
    """Outlines, the true number of the body at each voxel, with its membrane, and the tomogram."""

    name: str
    outlines: Outlines
    bodies: Numbers
    tomogram: NDArray[np.generic] | None = None


def packed(touching: bool, seed: int, shape: tuple[int, int, int], scale: float, many: int) -> list[Case]:
    """Return a packed phantom with its perfect outlines and with the model's."""
    phantom = packed_bodies.pack(seed, touching=touching, shape=shape, scale=scale, many=many)
    name = f"{'touching' if touching else 'scattered'} {seed}"
    shown = packed_bodies.tomogram(seed, phantom)
    return [
        Case(f"{name}, perfect", phantom.outlines.astype(np.uint8), phantom.bodies, shown),
        Case(f"{name}, model", outlined(shown), phantom.bodies, shown),
    ]


def few(seed: int) -> list[Case]:
    """Return a small phantom of a few bodies, as one would cut out of a tomogram, with perfect outlines."""
    scale, many = (0.8, 1.0, 1.3)[seed % 3], (1, 2, 5, 8)[seed % 4]
    shape = (24, 72, 96)
    phantom = packed_bodies.pack(seed, touching=bool(seed % 2), shape=shape, scale=scale, many=many)
    return [Case(f"few {seed}, perfect", phantom.outlines.astype(np.uint8), phantom.bodies)]


def cell(seed: int) -> list[Case]:
    """Return a cell of the textbook simulator, whose plasma membrane is closed in some slices."""
    tomogram, outlines, _ = textbook_simulator.simulate(seed)
    bodies = textbook_simulator.bodies(seed)
    return [
        Case(f"cell {seed}, perfect", outlines.astype(np.uint8), bodies, tomogram),
        Case(f"cell {seed}, model", outlined(tomogram), bodies, tomogram),
    ]


def simulated(scene: str, seed: int, voxel_nm: float | None = None) -> list[Case]:
    """Return a tomogram of the program's own simulator, likewise."""
    phantom = simulate(seed, (48, 256, 256), scene=scene, voxel_nm=voxel_nm)
    bodies = phantom.instances.copy()
    others = [int(number) for number, kind in phantom.facts["objects"].items() if kind in NO_BODIES]
    bodies[np.isin(bodies, others)] = 0
    outlines = phantom.outline & ~phantom.hidden
    # The simulator numbers what lies inside of the middle of a membrane.
    away, nearest = ndimage.distance_transform_edt(bodies == 0, return_indices=True)
    bodies = np.where((away > 0) & (away <= LINE_PX) & outlines, bodies[tuple(nearest)], bodies)
    return [
        Case(f"{scene} {seed}, perfect", outlines.astype(np.uint8), bodies, phantom.tomogram),
        Case(f"{scene} {seed}, model", outlined(phantom.tomogram), bodies, phantom.tomogram),
    ]


def outlined(tomogram: NDArray[np.generic], voxel_nm: tuple[float, float, float] = VOXEL_NM) -> Outlines:
    """Return the shipped model's labels of a tomogram (dark membranes), uint8."""
    card = load_card("compact")
    runner = make_runner(card, choose_device("cpu"))
    volume = ArrayVolume(tomogram.astype(np.float32), voxel_nm)
    parameters = SegmentParameters("compact", device="cpu", polarity="dark")
    slices = (segment_slice(volume, z, parameters, runner=runner).labels for z in range(len(tomogram)))
    return np.stack([np.zeros(tomogram.shape[1:], np.uint8) if one is None else one for one in slices])


def plain_way(outlines: Outlines) -> Numbers:
    """Fill the holes of each slice, number what hangs together, and grow it over the membranes."""
    holes = np.stack([ndimage.binary_fill_holes(plane) & (plane == 0) for plane in outlines])
    numbers = expand_labels(label_objects(holes)[0], 4)
    return np.where(holes | (outlines != 0), numbers, 0)


def agglomerated(outlines: Outlines) -> Numbers:
    """Segment outlines as a boundary map: watershed in 3D, then average linkage of its basins."""
    from skimage import graph
    from skimage.segmentation import watershed

    depth = ndimage.gaussian_filter(edt.edt(outlines == 0, black_border=False), 1.0)
    tops, _ = ndimage.label((depth == ndimage.maximum_filter(depth, 7)) & (outlines == 0))
    basins = watershed(-depth, tops)
    linked = graph.rag_boundary(basins, (outlines != 0).astype(float))
    parts = graph.merge_hierarchical(
        basins, linked, 0.5, False, True, lambda *_: None, _average_linkage
    )  # nothing is copied, and nothing is to be done with what is merged
    return np.asarray(parts, np.int32) + 1


def _average_linkage(linked: Any, one: int, other: int, neighbour: int) -> dict[str, float]:
    """Return the mean outline between ``neighbour`` and both basins that are merged."""
    none = {"weight": 0.0, "count": 0}
    links = [linked[basin].get(neighbour, none) for basin in (one, other)]
    count = sum(link["count"] for link in links)
    return {"count": count, "weight": sum(link["count"] * link["weight"] for link in links) / count}


def judge(judged: Sequence[int]) -> None:
    """Print how well bodies are found, from labels alone and with the tomogram, and how long it takes."""
    columns = "precision recall F1 volume error s"
    print(f"phantom, outlines | labels alone: {columns} | with the tomogram: {columns} | F1: plain, GASP")
    for touching in (False, True):
        for seed in judged:
            for case in packed(touching, seed, SHAPE, 1.5, 110 if touching else 60):
                shown = ArrayVolume(case.tomogram.astype(np.float32)) if case.tomogram is not None else None
                print(f"{case.name:22} | {_judged(case, None)} | {_judged(case, shown)}", end="", flush=True)
                others = (way(case.outlines) for way in (plain_way, agglomerated))
                plain, gasp = (packed_bodies.judge(numbers, case.bodies).f1 for numbers in others)
                print(f" | {plain:.3f} {gasp:.3f}", flush=True)


def _judged(case: Case, image: ArrayVolume | None) -> str:
    found = np.zeros(case.outlines.shape, np.uint32)
    begin = time.perf_counter()
    parameters = BodyParameters(sheets=False, membrane=membrane_in(VOXEL_NM))
    find_bodies(case.outlines, found, parameters, image=image)
    spent = time.perf_counter() - begin
    score = packed_bodies.judge(found, case.bodies)
    parts = (score.precision, score.recall, score.f1, score.volume_error)
    return " ".join(f"{part:6.3f}" for part in parts) + f" {spent:6.1f}"


def fit() -> None:
    """Fit the rules and print them."""
    cases = [case for touching, seed, scale in FITTED
             for case in packed(touching, seed, (48, 224, 224), scale, 90 if touching else 60)]  # fmt: skip
    cases += [case for seed in range(31, 51) for case in few(seed)]
    cases += [case for seed in CELLS for case in cell(seed)]
    more = [case for case in cases if case.name.endswith("model")]
    cases += [case for scene, seed in SCENES for case in simulated(scene, seed)]
    examples = [examples_of(case) for case in cases]
    for name, of, features, pairs, ridge in RULES:
        _print_rule(name, features, [example[of] for example in examples], pairs, ridge)
    for touching, seed in BALLS:
        more.append(packed(touching, seed, SHAPE, 1.5, 110 if touching else 60)[1])
    more += [simulated(scene, seed, voxel_nm)[1] for scene, seed, voxel_nm in BALL_SCENES]
    _print_rule("IS_BALL", "balls.FEATURES", [balls_of(case) for case in more], False, 0.001)


def _print_rule(name: str, features: str, examples: list[Examples], pairs: bool, ridge: float) -> None:
    rows, answers = (np.concatenate([example[k] for example in examples]) for k in (0, 1))
    known = np.isfinite(rows).all(1)
    print(f"{name} = {text(features, *fitted(rows[known], answers[known], pairs, ridge))}", flush=True)


def balls_of(case: Case) -> Examples:
    """Return balls in the labels, and which are bodies (IoU of a half); what is partly so teaches nothing."""
    assert case.tomogram is not None
    half = wall_half_px(case.outlines[::2] != 0)
    balls = find_balls(case.outlines, ArrayVolume(case.tomogram.astype(np.float32)), half)
    whole = np.bincount(case.bodies.ravel())
    same = np.zeros(len(balls.radius))
    for n, (centre, radius) in enumerate(zip(balls.centre, balls.radius, strict=True)):
        place, inside = ball_in(case.outlines, centre, radius, half, 1.0)
        common = np.bincount(case.bodies[place][inside], minlength=len(whole))
        common[0] = 0
        body = common.argmax()
        same[n] = common[body] / (whole[body] + inside.sum() - common[body])
    known = (same >= 0.5) | (same < 0.3)
    return balls.features[known], same[known] >= 0.5


Examples = tuple[NDArray[np.float64], NDArray[np.bool_]]


def examples_of(case: Case) -> list[Examples]:
    """Return tracks with a lumen, pairs of them, and tracks without, twice; and the answers of each rule."""
    half = wall_half_px(case.outlines[::4] != 0)
    linker, leaks, planes = Linker(), Leaks(half), []
    parameters = BodyParameters()
    each = (
        find_regions(plane != 0, gap_px=parameters.gap_px, split=parameters.split, half_px=half)
        for plane in case.outlines
    )
    for regions in [*itertools.chain.from_iterable(map(leaks.add, each)), *leaks.finish()]:
        linker.add(regions)
        planes.append(regions.numbers)
    found = linker.finish()
    every = painted(found, planes, np.arange(1, found.count + 1))
    common = np.zeros((found.count + 1, int(case.bodies.max()) + 1))
    np.add.at(common, (every.ravel(), case.bodies.ravel()), 1)
    sizes, whole = common[1:].sum(1), np.bincount(case.bodies.ravel())
    of, part = common[1:].argmax(1), common[1:].max(1) / sizes
    covers = np.where(of > 0, common[1:].max(1) / whole[of], 1.0)
    hollow = ~found.solid & (found.area >= LEAST_PX)
    known = hollow & (part > KNOWN) & (covers > COVERED) & (found.sides < 3)
    in_bodies = np.where(hollow & (of > 0) & (part > 0.6), np.arange(1, found.count + 1), 0)
    pairs = Pairs(half, found)
    for z, plane in enumerate(painted(found, planes, in_bodies)):
        pairs.take(pairs.measure(z, plane, case.outlines[z] != 0))
    both, features = pairs.finish()
    nested = {tuple(sorted(pair)) for pair in found.inside.tolist()}
    apart = np.array([tuple(pair) not in nested for pair in both.tolist()], np.bool_)
    both, features = both[apart], features[apart]
    # Without a lumen: half in a body, of which it is a good part; what is partly so teaches nothing.
    in_body = common[1:, 1:].max(1) / sizes
    most = common[1:, 1:].max(1) / np.maximum(1, whole[1:][common[1:, 1:].argmax(1)])
    droplet, unclear = (in_body > 0.5) & (most > 0.35), (in_body > 0.4) & (most > 0.2)
    lone = found.solid & (found.slices >= 3)
    maybe = np.where(found.solid, lone, enclosed_bodies(found, parameters))
    numbers = painted(found, planes, np.where(maybe, np.arange(1, found.count + 1), 0)).astype(np.uint32)
    near = near_share(numbers, np.concatenate([[False], maybe & found.solid]), 2 * half)[1:]
    rows = droplet_features(found, near, half)
    dark = np.full(found.count, np.nan)
    if case.tomogram is not None:
        image = ArrayVolume(case.tomogram.astype(np.float32))
        dark = darkness(case.outlines, numbers, found.count, image)[1:]
    lone &= droplet | ~unclear
    return [
        (found.features[known], of[known] > 0),
        (features, of[both[:, 0]] == of[both[:, 1]]),
        (rows[lone], droplet[lone]),
        (np.c_[rows, dark][lone], droplet[lone]),
    ]


def painted(found: Tracks, planes: list[NDArray[np.int32]], number: Numbers) -> NDArray[np.int32]:
    """Return the number of its track at each voxel (z, y, x)."""
    return np.stack(list(_painted(found, planes, number)))


def _painted(found: Tracks, planes: list[NDArray[np.int32]], number: Numbers) -> Iterator[NDArray[np.int32]]:
    for z, plane in enumerate(planes):
        own = number[found.of_region[found.first[z] : found.first[z + 1]]]
        yield np.concatenate([[0], own]).astype(np.int32)[plane]


def fitted(rows: Rows, answers: NDArray[np.bool_], pairs: bool, ridge: float) -> tuple[Row, Row, Row, float]:
    """Return mean and deviation of each feature, the weights (of products behind them), and the constant."""
    mean, deviation = rows.mean(0), rows.std(0)
    scaled = scaled_features(rows, mean, deviation)
    columns = np.c_[scaled, products(scaled)] if pairs else scaled
    weight, constant = logistic(columns, answers, ridge)
    return mean, deviation, weight, constant


def logistic(rows: Rows, answers: NDArray[np.bool_], ridge: float) -> tuple[Row, float]:
    """Return the weight of each column and the constant of a logistic rule with a ridge."""
    mean, deviation = rows.mean(0), np.maximum(rows.std(0), 1e-6)
    scaled = np.c_[(rows - mean) / deviation, np.ones(len(rows))]
    sign = np.where(answers, 1.0, -1.0)

    def loss(weight: Row) -> tuple[float, Row]:
        odds = sign * (scaled @ weight)
        slope = -(scaled * (sign / (1 + np.exp(odds)))[:, None]).mean(0)
        slope[:-1] += 2 * ridge * weight[:-1]
        return float(np.logaddexp(0, -odds).mean() + ridge * (weight[:-1] ** 2).sum()), slope

    found = optimize.minimize(loss, np.zeros(scaled.shape[1]), jac=True).x
    weight = found[:-1] / deviation
    return weight, float(found[-1] - weight @ mean)


def text(features: str, mean: Row, deviation: Row, weight: Row, constant: float) -> str:
    """Return a rule as it stands in core/bodies/rule.py."""
    first, rest = weight[: len(mean)], weight[len(mean) :]
    rows = [f"    {_numbers(values)}," for values in (mean, deviation, first)]
    rows.append(f"    {constant:.4g},")
    rows += [f"    {_numbers(rest)},"] if len(rest) else []
    return "\n".join([f"Rule(\n    {features},", *rows, ")"])


def _numbers(values: Row) -> str:
    return textwrap.fill(f"({', '.join(f'{value:.4g}' for value in values)})", 105, subsequent_indent="     ")


def main() -> int:
    """Judge, or fit."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--seeds", type=int, nargs="+", default=JUDGED)
    arguments = parser.parse_args()
    fit() if arguments.fit else judge(arguments.seeds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
