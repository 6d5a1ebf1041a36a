"""Judges filopodia found by clicks on simulated cells, from perfect outlines and from the shipped model's.

    python -m bench.filopodia                       # seeds 41 to 44
    python -m bench.filopodia 17 18 19 20           # others
    python -m bench.filopodia --without-tomogram    # from labels alone

The cells are those of ``sxtstudio simulate --scene edge --size 48,224,224 --voxel 12``; the rules were chosen
by the seeds 11 to 16 and 31 to 36. The truth is the filopodium with its membrane, whether an outline was
drawn there or not. Each is clicked at three places: where its fullest slice is widest, and at a quarter and
three quarters of it there; and once at two, near its base and its tip. A filopodium is outlined where labels
cover a third of its surface: of others there is little to be found from labels.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import NamedTuple

import cc3d
import edt
import numpy as np
from numpy.typing import NDArray

from bench.bodies import outlined
from sxtstudio.core.errors import UserError
from sxtstudio.core.filopodia.find import find_filopodium
from sxtstudio.core.filopodia.grey import grey_around
from sxtstudio.core.filopodia.records import Incomplete
from sxtstudio.core.geometry import Triple
from sxtstudio.core.volume import ArrayVolume, Volume
from sxtstudio.training.simulate import simulate

SEEDS = tuple(range(41, 45))
SHAPE, VOXEL_NM = (48, 224, 224), (12.0, 12.0, 12.0)
#: Smaller ones are specks at the border; half a membrane, and its neighbourhood, in px.
LEAST_VOXELS, HALF_MEMBRANE_PX, RIM_PX = 1500, 1.01, 3.0
#: From this share of its surface labelled a filopodium is outlined; found is one that overlaps so much.
OUTLINED, FOUND = 0.35, 0.5

Mask = NDArray[np.bool_]


class Try(NamedTuple):
    """A click: overlap with the truth (0: refused), volume by the true one, seconds, said to be doubtful."""

    overlap: float
    volume: float
    seconds: float
    doubtful: bool


def filopodia(instances: NDArray[np.integer], objects: dict[str, str]) -> Iterator[tuple[int, Mask]]:
    """Yield each filopodium of a simulated cell: its number and its largest piece."""
    for number, kind in objects.items():
        if kind == "filopodium":
            piece = cc3d.largest_k(instances == int(number), k=1) > 0
            if piece.sum() >= LEAST_VOXELS:
                yield int(number), piece


def clicks_on(piece: Mask) -> list[Triple]:
    """Return three voxels (z, y, x) in the middle of a filopodium."""
    z = int(piece.sum(axis=(1, 2)).argmax())
    depth = edt.edt(piece[z], black_border=False)
    places = np.argwhere(piece[z])
    direction = np.linalg.svd(places - places.mean(axis=0), full_matrices=False)[2][0]
    along = (places - places.mean(axis=0)) @ direction
    chosen = [places[depth[tuple(places.T)].argmax()]]
    for percent in (25, 75):
        near = places[np.abs(along - np.percentile(along, percent)) < 3]
        chosen.append(near[depth[tuple(near.T)].argmax()])
    return [(z, int(y), int(x)) for y, x in chosen]


def ends_of(piece: Mask) -> tuple[Triple, Triple]:
    """Return a voxel (z, y, x) in the middle of a filopodium at each of its ends."""
    places = np.argwhere(piece)
    centre = places.mean(axis=0)
    direction = np.linalg.svd(places[::7] - centre, full_matrices=False)[2][0]
    along = (places - centre) @ direction
    reach = max(3.0, 0.6 * float(edt.edt(np.pad(piece, 1), black_border=True).max()))
    ends = []
    for near in (places[along <= along.min() + reach], places[along >= along.max() - reach]):
        z, y, x = near[np.linalg.norm(near - near.mean(axis=0), axis=1).argmin()].tolist()
        ends.append((z, y, x))
    return ends[0], ends[1]


def tried(labels: NDArray[np.uint8], tomogram: Volume | None, seeds: tuple[Triple, ...], truth: Mask) -> Try:
    """Click once or more, and compare."""
    begin = time.perf_counter()
    try:
        grey = None if tomogram is None else grey_around(tomogram, seeds, VOXEL_NM, absorbing_dark=True)
        found = find_filopodium(labels, seeds[0], VOXEL_NM, grey=grey, more=seeds[1:]).cut()
    except UserError:
        return Try(0.0, 0.0, time.perf_counter() - begin, False)
    seconds = time.perf_counter() - begin
    mine = np.zeros(truth.shape, np.bool_)
    mine[found.box.slices] = found.where
    doubtful = bool({Incomplete.GAPS, Incomplete.OPEN_TIP, Incomplete.DOUBTFUL} & set(found.incomplete))
    overlap = float((mine & truth).sum() / (mine | truth).sum())
    return Try(overlap, float(mine.sum() / truth.sum()), seconds, doubtful)


class Judged(NamedTuple):
    """A filopodium: whether it is outlined, what three single clicks give, and what two ends give."""

    outlined: bool
    clicks: list[Try]
    ends: Try


def judge_cell(
    name: str,
    instances: NDArray[np.integer],
    objects: dict[str, str],
    kinds: dict[str, NDArray[np.uint8]],
    tomogram: Volume | None,
) -> Iterator[tuple[str, Judged]]:
    """Judge and print all filopodia of a cell, from each kind of labels."""
    for number, piece in filopodia(instances, objects):
        away = edt.edt(~piece)
        truth = piece | ((away <= HALF_MEMBRANE_PX) & (instances == 0))
        rim = (away <= RIM_PX) & (edt.edt(piece) <= RIM_PX)
        for kind, labels in kinds.items():
            share = float((labels[rim] > 0).mean())
            clicks = [tried(labels, tomogram, (click,), truth) for click in clicks_on(piece)]
            ends = tried(labels, tomogram, ends_of(piece), truth)
            overlaps = "  ".join(
                f"{one.overlap:.2f}{'?' if one.doubtful else ' '}" for one in (*clicks, ends)
            )
            print(
                f"{name:4} {number:10} {piece.sum():8}  {kind:8}  {share:8.2f}  {overlaps:28} "
                f"{clicks[0].volume:7.2f}",
                flush=True,
            )
            yield kind, Judged(share >= OUTLINED, clicks, ends)


def judge(seeds: list[int], *, with_tomogram: bool) -> None:
    """Print the figures of each filopodium and of all."""
    found: dict[str, list[Judged]] = {"perfect": [], "model": []}
    print("seed filopodium   voxels  outlines  labelled  overlap: three clicks, two ends   volume")
    for seed in seeds:
        cell = simulate(seed, SHAPE, voxel_nm=VOXEL_NM[0], scene="edge")
        perfect = (cell.outline & ~cell.hidden).astype(np.uint8)
        kinds = {"perfect": perfect, "model": outlined(cell.tomogram, VOXEL_NM)}
        tomogram = ArrayVolume(cell.tomogram) if with_tomogram else None
        for kind, one in judge_cell(str(seed), cell.instances, cell.facts["objects"], kinds, tomogram):
            found[kind].append(one)
    print_summaries(found)


def print_summaries(found: dict[str, list[Judged]]) -> None:
    """Print how many are found, of all and of those that are outlined."""
    for kind, everything in found.items():
        for which, some in (("all", everything), ("outlined", [one for one in everything if one.outlined])):
            if some:
                print(f"{kind}, {which}: {summary([one.clicks for one in some])}")
                print(f"{kind}, {which}, two ends: {summary([[one.ends] for one in some])}")


def summary(results: list[list[Try]]) -> str:
    """Return in words how many are found."""
    first = [clicks[0] for clicks in results]
    every = [one for clicks in results for one in clicks]
    good = [one for one in every if one.overlap >= FOUND]
    wrong = [one for one in every if 0 < one.overlap < FOUND]
    error = np.median([abs(one.volume - 1) for one in good]) if good else np.nan
    return (
        f"{sum(one.overlap >= FOUND for one in first)} of {len(first)} found by the first click, "
        f"{sum(any(one.overlap >= FOUND for one in clicks) for clicks in results)} by one of three; of "
        f"{len(every)} clicks {len(good)} found one, {len(every) - len(good) - len(wrong)} were refused, "
        f"{len(wrong)} gave something else ({sum(one.doubtful for one in wrong)} said to be doubtful, as "
        f"{sum(one.doubtful for one in good)} of those found); volume error {error:.3f}, "
        f"{np.median([one.seconds for one in every]):.1f} s a click, "
        f"at most {max(one.seconds for one in every):.1f} s"
    )


def main() -> None:
    """Judge the seeds named on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("seeds", nargs="*", type=int, default=list(SEEDS), help="of simulated cells")
    parser.add_argument("--without-tomogram", action="store_true", help="look at labels alone")
    arguments = parser.parse_args()
    judge(arguments.seeds, with_tomogram=not arguments.without_tomogram)


if __name__ == "__main__":
    main()
