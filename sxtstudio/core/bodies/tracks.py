"""Regions of neighbouring slices that are the same thing, linked to tracks; and what shape a track has."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sxtstudio.core.bodies.regions import REGION, Regions

#: Two regions are the same where they share this part of what both cover (intersection over union) …
SAME = 0.5
#: … or, where each is the other's best, this part, and most of the smaller one.
_SAME_IF_BEST, _INSIDE = 0.25, 0.7
#: A track goes on over so many slices in which its outline is missing.
_MISSING = 1
#: Where it is missing, the next one is no more than so many times as large, or as small.
_GROWN = 2.5

#: A space between bodies has its shape in more than that part of its slices.
_BETWEEN = 0.5

#: What is known of a track; the means count every slice by the width of the region in it.
FEATURES = (
    "walled",
    "concave",
    "solidity",
    "round",
    "holes",
    "shared",
    "at_border",
    "log_area",
    "log_slices",
    "change",
    "log_children",
)


class Linker:
    """Takes the regions of slice after slice, and links them; slices that were taken are not kept.

    Attributes
    ----------
    first
        Of every slice taken, the number of its first region; regions count through all slices, from 0.
    """

    def __init__(self) -> None:
        """Begin with no slice."""
        self.first = [0]
        self._tables: list[NDArray[np.void]] = []
        self._recent: deque[NDArray[np.int32]] = deque(maxlen=_MISSING + 1)
        self._one: list[NDArray[np.int64]] = []
        self._other: list[NDArray[np.int64]] = []
        self._continued: dict[int, NDArray[np.bool_]] = {}
        self._over: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]] = []

    def add(self, regions: Regions) -> None:
        """Take the regions of the next slice."""
        z, first = len(self._tables), self.first[-1]
        self._tables.append(regions.table)
        self.first.append(first + len(regions.table))
        begun = np.zeros(len(regions.table), np.bool_)
        for gap, former in enumerate(reversed(self._recent), 1):
            before = z - gap
            above, below, over = self._same(
                self._tables[before], former, regions, grown=np.inf if gap == 1 else _GROWN
            )
            if gap == 1:
                self._over.append((over[0] + self.first[before], over[1] + first, over[2]))
            if gap > 1:  # only what ends there and begins here
                lost = ~self._continued[before][above] & ~begun[below]
                above, below = above[lost], below[lost]
            if gap == 1:
                self._continued[before] = np.zeros(len(self._tables[before]), np.bool_)
            self._continued[before][above] = True
            begun[below] = True
            self._one.append(above + self.first[before])
            self._other.append(below + first)
        self._recent.append(regions.numbers)
        self._continued.pop(z - _MISSING - 1, None)

    def _same(
        self, table: NDArray[np.void], former: NDArray[np.int32], now: Regions, grown: float
    ) -> tuple[
        NDArray[np.int64],
        NDArray[np.int64],
        tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]],
    ]:
        """Return the pairs of regions, each from 0, of two slices that are the same thing.

        Behind them, pairs that lie over each other and are not, and how much of the smaller one is covered.
        """
        both = (former > 0) & (now.numbers > 0)
        width = len(now.table) + 1
        keys, common = np.unique(
            former[both].astype(np.int64) * width + now.numbers[both], return_counts=True
        )
        above, below = keys // width - 1, keys % width - 1
        area, other = table["area"][above], now.table["area"][below]
        share = common / (area + other - common)
        best_above, best_below = np.zeros(len(table)), np.zeros(len(now.table))
        np.maximum.at(best_above, above, share)
        np.maximum.at(best_below, below, share)
        best = (
            (np.maximum(area, other) <= grown * np.minimum(area, other))
            & (share >= best_above[above])
            & (share >= best_below[below])
            & (share > _SAME_IF_BEST)
        )
        same = (share >= SAME) | (best & (common > _INSIDE * np.minimum(area, other)))
        other_ones = ~same & (common > _INSIDE * np.minimum(area, other))
        covered = common / np.minimum(area, other)
        return above[same], below[same], (above[other_ones], below[other_ones], covered[other_ones])

    def finish(self) -> Tracks:
        """Return the tracks of all slices taken."""
        table = np.concatenate(self._tables) if self._tables else np.empty(0, REGION)
        one = np.concatenate([*self._one, np.empty(0, np.int64)])
        other = np.concatenate([*self._other, np.empty(0, np.int64)])
        count = len(table)
        links = coo_array((np.ones(len(one), np.bool_), (one, other)), shape=(count, count))
        number, track = connected_components(links, directed=False) if count else (0, np.empty(0, np.int32))
        none = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
        above, below, covered = (np.concatenate(part) for part in zip(none, *self._over, strict=True))
        over = Over(above, below, covered)
        return Tracks(int(number), np.asarray(track, np.int32), table, np.asarray(self.first), over)


class Over(NamedTuple):
    """Regions of two slices that lie over each other and are not the same thing, and how much of them."""

    above: NDArray[np.int64]
    below: NDArray[np.int64]
    covered: NDArray[np.float64]


class Tracks:
    """Regions that are one thing.

    Attributes
    ----------
    count
        How many there are.
    of_region
        The track, from 0, of every region of the volume.
    first
        Number of the first region of every slice, and one more at the end.
    area
        Voxels of each track, without its membrane.
    slices
        In how many each is found.
    begin, end
        First slice of each, and the one after its last.
    solid
        Whether a track consists of label voxels alone.
    children
        How many other tracks of two slices and more (or of all there are), not solid, lie in each, none
        between.
    sides
        How many of the four sides of a slice each touches, at most.
    between
        Whether each has, in most of its slices, the shape of a space between bodies, or of a bay of one.
    inside
        Pairs (n, 2) of tracks of which the first lies in the second.
    stacked
        Pairs of tracks, the lower number first, of which one ends where the other goes on, and how much of
        its last region lies on that, 0…1; 0 for all others.
    table
        ``REGION`` of every region of the volume.
    features
        (tracks, FEATURES) of each.
    """

    def __init__(
        self,
        count: int,
        of_region: NDArray[np.int32],
        table: NDArray[np.void],
        first: NDArray[np.int64],
        over: Over,
    ) -> None:
        """Measure the tracks; ``table`` and ``over`` have the regions of all slices."""
        self.count, self.of_region, self.first, self.table, self._over = count, of_region, first, table, over
        slices = np.repeat(np.arange(len(first) - 1), np.diff(first))
        self.area = np.bincount(of_region, table["area"], count)
        self.radius = np.zeros(count)
        np.maximum.at(self.radius, of_region, table["radius"])
        self.sides = np.zeros(count, np.int8)
        np.maximum.at(self.sides, of_region, table["sides"])
        self.slices = np.bincount(of_region, minlength=count)
        self.begin, self.end = np.full(count, np.iinfo(np.int64).max), np.zeros(count, np.int64)
        np.minimum.at(self.begin, of_region, slices)
        np.maximum.at(self.end, of_region, slices + 1)
        width = np.sqrt(table["area"])
        total = np.bincount(of_region, width, count)

        def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
            result: NDArray[np.float64] = np.bincount(of_region, values * width, count) / total
            return result

        log_area = np.log(table["area"])
        average = mean(log_area)
        columns = {name: mean(table[name].astype(np.float64)) for name in FEATURES[:7]}
        columns["log_area"] = average
        # What both faces of the volume cut goes on: in a thin slab, or a single slice, nobody knows how far.
        through = (self.begin == 0) & (self.end == len(first) - 1)
        columns["log_slices"] = np.log(
            np.where(through, np.maximum(self.slices, 2 * self.radius), self.slices)
        )
        columns["change"] = np.sqrt(np.maximum(0, mean(log_area**2) - average**2))
        # A droplet may have a lumen in some slices; what has none may be a piece of a thick outline.
        self.solid = mean(table["solid"].astype(np.float64)) == 1
        self.between = mean((table["between"] | table["bay"]).astype(np.float64)) > _BETWEEN
        of_parent = of_region[(self.first[slices] + table["parent"] - 1).clip(min=0)]
        nested = (table["parent"] > 0) & (of_parent != of_region)
        self.inside = np.unique(np.stack([of_region[nested], of_parent[nested]], 1), axis=0)
        child = self.inside[:, 0]
        counted = ~self.solid[child] & ((self.slices[child] > 1) | through[child])
        self.children = np.bincount(self.inside[counted, 1], minlength=count)
        columns["log_children"] = np.log1p(self.children)
        self.features = np.stack([columns[name] for name in FEATURES], 1)
        self.stacked = self._stacked(slices)

    def regrouped(self, of_region: NDArray[np.int32], count: int) -> Tracks:
        """Return the same regions in other tracks, 0…count - 1."""
        return Tracks(count, of_region, self.table, self.first, self._over)

    def _stacked(self, slices: NDArray[np.int64]) -> dict[tuple[int, int], float]:
        """Return the pairs of tracks of which one ends or begins on the other, and how much of it does."""
        above, below, covered = self._over
        one, other = self.of_region[above], self.of_region[below]
        ends = (self.end[one] == slices[above] + 1) | (self.begin[other] == slices[below])
        stacked: dict[tuple[int, int], float] = {}
        for a, b, share in zip(one[ends].tolist(), other[ends].tolist(), covered[ends], strict=True):
            pair = (min(a, b), max(a, b))
            stacked[pair] = max(stacked.get(pair, 0.0), float(share))
        return stacked
