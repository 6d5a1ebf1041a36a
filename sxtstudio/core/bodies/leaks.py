"""Slices in which the outline of a body has a gap that is too wide to be closed: cut as their neighbours are.

What leaks there is one region with what lies around it, or with another body. Where the slice before shows a
body, and one of the next slices shows it again at the same place, it is there in between::

    before            now              behind           cut
    ╭────╮ ╭───╮    ╭────╮ ╭───╮     ╭────╮ ╭───╮     ╭────╮ ╭───╮
    │ 1  │ │ 2 │    │  1       │     │ 1  │ │ 2 │     │ 1  ┊ ┊ 2 │
    ╰────╯ ╰───╯    ╰────╯ ╰───╯     ╰────╯ ╰───╯     ╰────╯ ╰───╯

Its section is taken between both of theirs (shape-based interpolation by signed distances, Raya and Udupa
1990, doi:10.1109/42.52980).
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import NamedTuple

import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.bodies.basins import Numbers
from sxtstudio.core.bodies.regions import Regions, measure_again

#: So many slices on end may leak.
MOST_SLICES = 3
#: What is smaller, px, or takes more of the slice, is not looked for.
_SMALLEST, _LARGEST = 30, 0.1
#: A region goes on in the next slice where both share so much of what both cover; it leaks where it lies to
#: that part in one that has so many times its area.
_SAME, _INSIDE, _LEAKED = 0.7, 0.7, 1.2
#: It is found again where it shares so much with one behind, and by so much more than with what leaks.
_AGAIN, _BETTER = 0.6, 0.15
#: What was cut takes all of a region of which it leaves less than that part.
_REST = 0.25
#: Where there is no outline, its membrane lies so much farther beside its lumen than half an outline, px.
_BESIDE_PX = 1.0

Box = tuple[slice, slice]


class RegionPart(NamedTuple):
    """A part of a region: its number, a box around the part, and how far inside of it a pixel lies, px."""

    number: int
    box: Box
    inside: NDArray[np.float32]


class Leaks:
    """Takes the regions of slice after slice, and gives them back cut, ``MOST_SLICES`` later."""

    def __init__(self, half_px: float) -> None:
        """Begin with no slice; ``half_px`` as for ``find_regions``."""
        self._half = half_px
        self._before: Regions | None = None
        self._ahead: deque[Regions] = deque()

    def add(self, regions: Regions) -> list[Regions]:
        """Take the regions of the next slice; return those of an earlier one, if it is known by now."""
        self._ahead.append(regions)
        return [self._next()] if len(self._ahead) > MOST_SLICES else []

    def finish(self) -> list[Regions]:
        """Return the regions of the last slices."""
        return [self._next() for _ in range(len(self._ahead))]

    def _next(self) -> Regions:
        if self._before is not None and len(self._ahead) > 1:
            slices = list(self._ahead)
            for n, cuts in find_cuts(self._before, slices, self._half).items():
                self._ahead[n] = cut_regions(slices[n], cuts, self._half)
        self._before = self._ahead.popleft()
        return self._before


def find_cuts(before: Regions, slices: list[Regions], half_px: float) -> dict[int, list[RegionPart]]:
    """Return what leaks in the first slice on, and is there in the one before and again: cuts by slice."""
    now = slices[0]
    largest = _LARGEST * now.numbers.size
    areas = before.table["area"]
    boxes = ndimage.find_objects(before.numbers)
    cuts: dict[int, list[RegionPart]] = defaultdict(list)
    for one in np.flatnonzero(~before.table["solid"] & (areas >= _SMALLEST) & (areas <= largest)).tolist():
        area, box = float(areas[one]), boxes[one]
        own = before.numbers[box] == one + 1
        shares = _shares(own, box, now)
        if shares is None:
            continue
        _, shared, size = shares
        same = shared / (area + size - shared)
        if same >= _SAME or shared < _INSIDE * area or size < _LEAKED * area:
            continue
        again = _again(own, box, slices, max(_AGAIN, same + _BETTER))
        if again is None:
            continue
        behind, found = again
        for n in range(behind):
            leaking = _shares(own, box, slices[n])
            if leaking is not None:
                share = (n + 1) / (behind + 1)
                wide, between = _between(before.numbers, one + 1, box, slices[behind].numbers, found, share)
                cuts[n].append(RegionPart(leaking[0], wide, between + np.float32(half_px + _BESIDE_PX)))
    return cuts


def _shares(own: NDArray[np.bool_], box: Box, regions: Regions) -> tuple[int, float, float] | None:
    """Return the region that shares most with a place: its number, what it shares, and its area, px."""
    there = np.bincount(regions.numbers[box][own], minlength=2)
    there[0] = 0
    found = int(there.argmax())
    if not there[found] or regions.table["solid"][found - 1]:
        return None
    return found, float(there[found]), float(regions.table["area"][found - 1])


def _again(own: NDArray[np.bool_], box: Box, slices: list[Regions], least: float) -> tuple[int, int] | None:
    """Return in which slice behind the first one a region is there again, and its number in it."""
    area = float(own.sum())
    for n, regions in enumerate(slices):
        shares = _shares(own, box, regions) if n else None
        if shares is not None and shares[1] / (area + shares[2] - shares[1]) >= least:
            return n, shares[0]
    return None


def _between(
    before: Numbers, one: int, box: Box, behind: Numbers, other: int, share: float
) -> tuple[Box, NDArray[np.float32]]:
    """Return a box, and how far inside of the section between two regions its pixels lie, px."""
    margin = max(side.stop - side.start for side in box)
    rows, columns = (
        slice(max(0, side.start - margin), min(length, side.stop + margin))
        for side, length in zip(box, before.shape, strict=True)
    )
    first, last = (_signed(part[rows, columns] == n) for part, n in ((before, one), (behind, other)))
    return (rows, columns), np.float32(1 - share) * first + np.float32(share) * last


def _signed(own: NDArray[np.bool_]) -> NDArray[np.float32]:
    result: NDArray[np.float32] = edt.edt(own, black_border=False) - edt.edt(~own, black_border=False)
    return result


def cut_regions(regions: Regions, cuts: list[RegionPart], half_px: float) -> Regions:
    """Return the regions of a slice with parts cut from some of them; ``half_px`` as for ``find_regions``."""
    numbers, table = regions.numbers.copy(), regions.table
    count = len(table)
    own: dict[int, list[int]] = {}
    inside = np.zeros(numbers.shape, np.float32)
    for cut in cuts:
        place, best = numbers[cut.box], inside[cut.box]
        free = (cut.inside > best) & (regions.numbers[cut.box] == cut.number)
        if free.any():
            count += 1
            place[free], best[free] = count, cut.inside[free]
            own.setdefault(cut.number, []).append(count)
    new = np.zeros(count, table.dtype)
    new[: len(table)] = table
    parents = {part: int(table["parent"][number - 1]) for number, parts in own.items() for part in parts}
    changed = [part for parts in own.values() for part in parts]
    for number, parts in own.items():
        left = numbers == number
        if left.sum() < _REST * table["area"][number - 1]:
            where = np.isin(numbers, parts)
            rows, columns = ndimage.distance_transform_edt(
                ~where, return_distances=False, return_indices=True
            )
            numbers[left] = numbers[rows[left], columns[left]]
        else:
            changed.append(number)
    there = np.bincount(numbers.ravel(), minlength=count + 1) > 0
    there[0] = False
    renamed = np.where(there, np.cumsum(there), 0).astype(np.int32)
    new["parent"][[part - 1 for part in parents]] = list(parents.values())
    new["parent"] = renamed[new["parent"]]
    numbers, new = renamed[numbers], new[there[1:]]
    measure_again(numbers, new, [int(renamed[n]) for n in changed if there[n]], half_px)
    return Regions(numbers, new)
