"""Which tracks are one body, divided by an inner membrane: cristae of mitochondria, folds, stray lines.

Two bodies that touch differ from one that is divided at the ends of the wall between them: there the outline
of both bends inwards (a notch), and the wall is shorter than they are wide.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.bodies.basins import neighbours
from sxtstudio.core.bodies.hull import hull_area
from sxtstudio.core.bodies.nearest import expanded
from sxtstudio.core.bodies.tracks import Tracks

#: What is known of a pair of tracks; means over the slices in which they touch, by the smaller one's area.
#:
#: ``contact`` length of the wall between both by the width of the narrower one; ``notch`` how far their
#: common outline bends inwards at the wall's ends, by half that width; ``together`` share of the slices of
#: the shorter one in which they touch; ``solidity`` of both with the wall between; ``less_solid`` how much
#: less that is than theirs alone; ``log_area`` of the smaller one; ``thickness`` of the wall, where it is
#: thinnest, by the usual one: two bodies that touch have a membrane each; ``stacked`` as of ``Tracks``.
FEATURES = ("contact", "notch", "together", "solidity", "less_solid", "log_area", "thickness", "stacked")
#: What both tracks of one body have in common at least.
_LEAST_CONTACT_PX = 3
#: Of a long pair so many slices are measured, evenly; the others say the same.
_MOST_SLICES = 16
_CLOSING_PX = 10.0


class PairInSlice(NamedTuple):
    """Two tracks that touch in a slice, each from 0, and what was measured there, if anything."""

    pair: tuple[int, int]
    row: tuple[float, ...] | None


class Pairs:
    """Takes the tracks of slice after slice, and measures those that only a wall keeps apart."""

    def __init__(self, half_px: float, tracks: Tracks) -> None:
        """Begin with no slice."""
        self._reach = half_px + 1.2
        self._begin, self._end, self._stacked = tracks.begin, tracks.end, tracks.stacked
        self._rows: dict[tuple[int, int], list[tuple[float, ...]]] = defaultdict(list)
        self._touch: dict[tuple[int, int], int] = defaultdict(int)

    def measure(self, z: int, tracks: NDArray[np.int32], outline: NDArray[np.bool_]) -> list[PairInSlice]:
        """Return the pairs that touch in slice ``z``; several threads may ask for several slices.

        Parameters
        ----------
        z
            The slice, by which it depends what is measured.
        tracks
            Track + 1 at each pixel (y, x), 0 elsewhere.
        outline
            (y, x), where outlines are.
        """
        reach = expanded(tracks, self._reach)
        found = []
        for axis in (0, 1):
            one, other = neighbours(reach, axis)
            touch = (one != other) & (one > 0) & (other > 0)
            first, second = one[touch].astype(np.int64), other[touch]
            found.append(np.minimum(first, second) << 32 | np.maximum(first, second))
        keys, sides = np.unique(np.concatenate(found), return_counts=True)
        pairs = np.stack([keys >> 32, keys & 0xFFFFFFFF], 1)
        result: list[PairInSlice] = []
        if not len(pairs):
            return result
        boxes = ndimage.find_objects(tracks)
        depth = edt.edt(tracks, black_border=False)
        for (one, other), count in zip(pairs.tolist(), sides.tolist(), strict=True):
            length = count / 1.2  # sides of pixels per pixel of length, on average over directions
            if length < _LEAST_CONTACT_PX:
                continue
            pair = (one - 1, other - 1)
            both = min(self._end[list(pair)]) - max(self._begin[list(pair)])
            row = None
            if (z - max(self._begin[list(pair)])) % max(1, both // _MOST_SLICES) == 0:
                box = _around(boxes[one - 1], boxes[other - 1], 14, tracks.shape)
                sides_of = tracks[box] == one, tracks[box] == other
                row = self._measured(*sides_of, depth[box], outline[box], length)
            result.append(PairInSlice(pair, row))
        return result

    def take(self, pairs: list[PairInSlice]) -> None:
        """Take what was measured in the next slice."""
        for pair, row in pairs:
            self._touch[pair] += 1
            if row is not None:
                self._rows[pair].append(row)

    def _measured(
        self,
        one: NDArray[np.bool_],
        other: NDArray[np.bool_],
        depth: NDArray[np.float32],
        outline: NDArray[np.bool_],
        length: float,
    ) -> tuple[float, ...]:
        reach = self._reach
        radius = float(min(depth[one].max(), depth[other].max()))
        to_one, to_other = edt.edt(~one, black_border=False), edt.edt(~other, black_border=False)
        both = (to_one <= reach) | (to_other <= reach)
        closing = min(radius + reach - 1.2, _CLOSING_PX)
        # What lies in the middle and is closed is so near to both, and nothing farther away has a say in it.
        near = _bounds((to_one <= reach + closing + 1) & (to_other <= reach + closing + 1))
        closed = _closed(both, near, closing)
        middle = np.abs(to_one[near] - to_other[near]) <= 0.75
        notch = float((middle & closed & ~both[near]).sum()) / 3 / (radius + reach)
        bridge = outline & (to_one <= 2 * reach) & (to_other <= 2 * reach)
        together = one | other | bridge
        areas = np.array([one.sum(), other.sum()], np.float64)
        alone = np.array([areas[0] / hull_area(one), areas[1] / hull_area(other)]).clip(max=1.0)
        solidity = float(together.sum()) / hull_area(together)
        less = solidity - float((alone * areas).sum() / areas.sum())
        contact = length / (2 * (radius + reach - 1.2))
        thickness = float(to_other[one].min()) / (2 * (reach - 1.2))
        return (contact, notch, solidity, less, thickness, float(areas.min()))

    def finish(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the pairs of tracks (n, 2), each from 0, and their features (n, FEATURES)."""
        pairs = sorted(self._rows)
        features = np.empty((len(pairs), len(FEATURES)))
        for feature, pair in zip(features, pairs, strict=True):
            rows = np.array(self._rows[pair])
            weight = rows[:, 5] / rows[:, 5].sum()
            contact, notch, solidity, less, thickness = (rows[:, :5] * weight[:, None]).sum(0)
            shorter = min(self._end[list(pair)] - self._begin[list(pair)])
            area = np.log(rows[:, 5].mean())
            together, stacked = self._touch[pair] / shorter, self._stacked.get(pair, 0.0)
            feature[:] = (contact, notch, together, solidity, less, area, thickness, stacked)
        return np.array(pairs, np.int64).reshape(-1, 2), features


def _bounds(where: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return a box around the pixels that are True, of which there are some."""
    rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _closed(own: NDArray[np.bool_], box: tuple[slice, slice], radius: float) -> NDArray[np.bool_]:
    """Return which pixels in a box are in a region closed with a disk, as in a slice without borders."""
    margin = 2 * int(radius) + 3
    inner = tuple(slice(max(0, side.start - margin), side.stop + margin) for side in box)
    left = [(margin - (side.start - part.start), 0) for side, part in zip(box, inner, strict=True)]
    wide = np.pad(own[inner], [(before, margin) for before, _ in left])
    # Closed with a disk: what is as near to it, and as far from what is not.
    square = np.float64(radius**2)
    grown = edt.edtsq(~wide, black_border=False) <= square
    closed: NDArray[np.bool_] = edt.edtsq(grown, black_border=False) > square
    rows, columns = (slice(margin, margin + side.stop - side.start) for side in box)
    return closed[rows, columns]


def _around(
    one: tuple[slice, slice], other: tuple[slice, slice], margin: int, shape: tuple[int, ...]
) -> tuple[slice, slice]:
    """Return a box around two boxes, with a margin."""
    rows, columns = (
        slice(max(0, min(a.start, b.start) - margin), min(size, max(a.stop, b.stop) + margin))
        for a, b, size in zip(one, other, shape, strict=True)
    )
    return rows, columns
