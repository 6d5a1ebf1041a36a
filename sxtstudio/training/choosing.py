"""What a training chooses its best weights by, and when a difference between two is no more than chance.

A few slices of one simulated tomogram have called the wrong weights the best twice (docs/models.md). So as
many windows are judged as a small share of the training's arithmetic allows, from all kinds of labels and
from as many tomograms as there are; each kind counts alike; and two networks differ only where their
difference, window by window, is larger than what its own scatter explains.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.evaluation.agreement import Agreement
from sxtstudio.training.config import Training
from sxtstudio.training.dataset import SliceReader, SliceRef

#: So many windows are judged at least, where there are so many, and at most.
FEWEST, MOST = 6, 64
#: An evaluation takes at most this share of the arithmetic of the steps before it, but for the fewest.
SHARE = 0.05
#: Looking at a pixel is a third of learning from it, forwards and backwards.
_PASSES = 3
#: All windows together: they are kept for the pictures at the end.
_MOST_PX = 5_000_000
#: Of each window, and how it is cut into tiles along both sides.
JUDGED_PX, TILES = 640, 4
#: Fewer parts tell too little of how a figure scatters.
_ENOUGH_PARTS = 8
#: Standard errors of a difference that chance explains.
_CHANCE = 2.0
#: Smaller differences in F1 never count, however little they scatter: another seed changes as much. Later
#: weights, learned at a lower rate and averaged for longer, did better elsewhere than those of such a peak.
AS_GOOD_F1 = 0.005

#: And larger ones always do: a collapse that few parts show is one all the same.
CLEAR_F1 = 0.05

Counts = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class JudgedSlices:
    """The slices that a training judges itself by, and which parts of them belong together.

    ``groups`` (windows, tiles) are the parts whose scatter tells what chance does: tomograms, windows or
    tiles of windows, whichever are enough. ``kinds`` has the kind of labels of each group.
    """

    refs: tuple[SliceRef, ...]
    groups: NDArray[np.intp]
    kinds: NDArray[np.intp]

    def counts(self, windows: Counts) -> Counts:
        """Return the pixels (groups, 4) of an evaluation's windows (windows, tiles, 4)."""
        found = np.zeros((len(self.kinds), windows.shape[-1]), np.int64)
        np.add.at(found, self.groups, windows)
        return found

    def f1(self, counts: Counts) -> float:
        """Return F1 of the groups' counts, the mean of the kinds that show membranes; 0 without any."""
        return float(np.mean([_f1(counts[mine].sum(0)) for mine in self._telling(counts)] or [0.0]))

    def chance(self, one: Counts, other: Counts) -> float:
        """Return by how much the F1 of two networks on the same groups may differ by chance.

        Twice the standard error of the difference, by the jackknife: the difference is told anew without
        each of the groups (Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter 11). Both
        networks see the same pixels, so that what makes a slice difficult for both cancels out.
        """
        kinds = self._telling(one)
        variance = 0.0
        for mine in kinds:
            mine = mine & (one.any(1) | other.any(1))
            n = int(mine.sum())
            if n < 2:
                continue
            without = [
                _f1(one[mine].sum(0) - one[group]) - _f1(other[mine].sum(0) - other[group])
                for group in np.flatnonzero(mine)
            ]
            variance += (n - 1) * float(np.var(without))
        scatter = _CHANCE * float(np.sqrt(variance)) / max(1, len(kinds))
        return min(max(AS_GOOD_F1, scatter), CLEAR_F1)

    def key(self, *more: object) -> str:
        """Return what tells the counts of this panel, and of ``more``, from those of others."""
        names = [(ref.stack.name, ref.z) for ref in self.refs]
        return hashlib.sha256(repr((names, self.groups.tolist(), more)).encode()).hexdigest()[:16]

    def _telling(self, counts: Counts) -> list[NDArray[np.bool_]]:
        kinds = [self.kinds == kind for kind in np.unique(self.kinds)]
        return [mine for mine in kinds if counts[mine, 2].any()]


def choose_panel(refs: Sequence[SliceRef], reader: SliceReader, plan: Training) -> JudgedSlices:
    """Return what a training of this plan judges itself by, out of the slices that were kept aside."""
    chosen = spread(refs, MOST)
    pixels = [float(np.prod(np.minimum(reader.truth(ref).shape, JUDGED_PX))) for ref in chosen]
    learned = plan.evaluate_every * plan.crops * plan.crop_px**2
    affordable = min(SHARE * _PASSES * learned, _MOST_PX) / max(1.0, float(np.mean(pixels or [1.0])))
    refs = spread(refs, max(FEWEST, min(MOST, int(affordable))))
    return JudgedSlices(tuple(refs), *_grouped(refs))


def spread(refs: Sequence[SliceRef], most: int) -> list[SliceRef]:
    """Return at most so many slices, in their order: of all kinds, and of many tomograms of each.

    Kinds are the sources of labels, which are served alike. The rare ones come first, and what they do not
    use the others get: labels drawn by hand are few, simulated ones come by the hundred.
    """
    kinds: dict[Hashable, list[SliceRef]] = {}
    for ref in refs:
        kinds.setdefault(_kind(ref), []).append(ref)
    found: set[int] = set()
    for served, members in enumerate(sorted(kinds.values(), key=len)):
        share = -(-(most - len(found)) // (len(kinds) - served))
        found |= {id(ref) for ref in _of_one_kind(members, min(share, most - len(found)))}
    return [ref for ref in refs if id(ref) in found]


def tile_counts(predicted: Mask, right: Mask, truth: Mask, found: Mask) -> Counts:
    """Return how many pixels of these masks (y, x) each tile of a window holds: (tiles, 4).

    ``right`` are the predicted pixels near a true one, ``found`` the true ones near a predicted one.
    """
    rows, columns = (np.arange(TILES) * n // TILES for n in truth.shape)
    masks = np.stack([predicted, right, truth, found]).astype(np.int64)
    tiles = np.add.reduceat(np.add.reduceat(masks, rows, axis=1), columns, axis=2)
    return np.ascontiguousarray(tiles.reshape(len(masks), -1).T)


def pooled(counts: Counts) -> Agreement:
    """Return the agreement that counts (…, 4) of tiles make together."""
    predicted, right, truth, found = (int(n) for n in counts.reshape(-1, counts.shape[-1]).sum(0))
    return Agreement(predicted, right, truth, found)


def _kind(ref: SliceRef) -> Hashable:
    return ref.stack.source


def _grouped(refs: Sequence[SliceRef]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the group of each tile of each slice's window (windows, tiles), and the kind of each group."""
    groups = np.zeros((len(refs), TILES**2), np.intp)
    of_kind: list[int] = []
    for number, kind in enumerate(dict.fromkeys(map(_kind, refs))):
        windows = [i for i, ref in enumerate(refs) if _kind(ref) == kind]
        tomograms = list(dict.fromkeys(id(refs[i].stack) for i in windows))
        for place, i in enumerate(windows):
            if len(tomograms) >= _ENOUGH_PARTS:
                own = np.full(TILES**2, tomograms.index(id(refs[i].stack)))
            elif len(windows) >= _ENOUGH_PARTS:
                own = np.full(TILES**2, place)
            else:
                own = place * TILES**2 + np.arange(TILES**2)
            groups[i] = len(of_kind) + own
        of_kind += [number] * (int(groups[windows].max()) + 1 - len(of_kind))
    return groups, np.array(of_kind, np.intp)


def _of_one_kind(refs: Sequence[SliceRef], most: int) -> list[SliceRef]:
    """Return at most so many slices, from as many tomograms as possible, spread evenly over each."""
    stacks: dict[int, list[SliceRef]] = {}
    for ref in refs:
        stacks.setdefault(id(ref.stack), []).append(ref)
    tomograms = [stacks[key] for key in stacks]
    if len(tomograms) > most:
        tomograms = [tomograms[(2 * i + 1) * len(tomograms) // (2 * most)] for i in range(most)]
    chosen: list[SliceRef] = []
    left = most
    for served, members in enumerate(sorted(tomograms, key=len)):
        share = min(len(members), -(-left // (len(tomograms) - served)))
        # The middles of equal parts: the slices near top and bottom are the noisiest.
        chosen += [members[(2 * i + 1) * len(members) // (2 * share)] for i in range(share)]
        left -= share
    return chosen


def _f1(counts: Counts) -> float:
    return pooled(counts).f1
