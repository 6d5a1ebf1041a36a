"""The regions that outlines enclose in one slice, leaks through small gaps cut, and what shape they have.

::

      outline, a gap in it                 distance from it          cut where the neck is narrow
    ┌────────────  ──────┐                                          ┌────────────╌╌──────┐
    │   ●  far from it   │      ∙ ∙ ∙ ∙ ∙ ∙   half of the gap       │    1               │   2
    └────────────────────┘                                          └────────────────────┘

Distance from the outlines has a maximum in every body and a saddle in every gap. Basins of these maxima
(watershed) whose saddle is as narrow as a gap, and narrow beside what it joins, stay apart; all others are
one region. Nothing is dilated, so that an outline stays where it was drawn. Beside wide bodies a saddle may
be wider, where lines end at its sides: a closed body may have a waist as wide as that.
"""

from __future__ import annotations

from dataclasses import dataclass

import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.bodies.basins import Basins, Gaps, Numbers, neighbours
from sxtstudio.core.bodies.holes import without_holes
from sxtstudio.core.bodies.hull import hull_area
from sxtstudio.core.bodies.interstices import LARGEST, LEAST_RADIUS, MOST_SOLID, is_interstice
from sxtstudio.core.bodies.nearest import expanded
from sxtstudio.core.growing import grown_at_sides
from sxtstudio.core.progress import Progress
from sxtstudio.core.walk import walk

#: What a wide gap bounds is no body, but a bay of what is around, if it lies at the border of the slice or
#: has less of its convex hull.
BULGING = 0.75
#: No outline is drawn with half as many px; a slice that is all label has no outline at all.
_THICKEST_PX = 15.0
#: A hole in an outline whose radius is this part of half its width is no lumen.
_NO_LUMEN = 0.45
#: A region is small beside another one that has so many times its area: what lies around it is no neighbour.
_MUCH_LARGER = 6.0

#: One row per region of a slice.
#:
#: ``area`` px; ``walled`` share of its rim that is outline (the rest are cuts and the border of the slice);
#: ``concave`` share of its rim that bends inwards; ``solidity`` area by that of its convex hull; ``round``
#: radius of the largest circle in it by that of a circle of its area; ``holes`` area of what lies in it, by
#: its own; ``shared`` share of its rim behind whose wall is another region; ``at_border`` whether it touches
#: the border of the slice; ``radius`` of the largest circle in it, px; ``solid`` it consists of label voxels;
#: ``parent`` number of the smallest region around it, 0 if it lies in none; ``sides`` of the slice touched;
#: ``between`` whether its shape is that of a space between bodies (interstices.py); ``bay`` whether a wide
#: gap bounds it, and it lies at the border of the slice or does not bulge as a body does.
REGION = np.dtype(
    [
        ("area", np.float64),
        ("walled", np.float64),
        ("concave", np.float64),
        ("solidity", np.float64),
        ("round", np.float64),
        ("holes", np.float64),
        ("shared", np.float64),
        ("at_border", np.bool_),
        ("radius", np.float64),
        ("solid", np.bool_),
        ("parent", np.int32),
        ("sides", np.int8),
        ("between", np.bool_),
        ("bay", np.bool_),
    ]
)


@dataclass(frozen=True)
class Regions:
    """What the outlines of a slice enclose.

    Attributes
    ----------
    numbers
        (y, x), 0 outline, regions 1…n.
    table
        ``REGION`` of each.
    """

    numbers: Numbers
    table: NDArray[np.void]


def wall_half_px(slices: NDArray[np.bool_]) -> float:
    """Return half the usual width of an outline, px, from a few slices (n, y, x); 1.5 where there is none.

    It is the median of the distance to what is no outline along the middle of the outlines.
    """
    middles = []
    for outline in slices:
        depth = edt.edt(outline, black_border=False)
        middles.append(depth[(depth > 0) & (depth == ndimage.maximum_filter(depth, 3))])
    found = np.concatenate(middles) if middles else np.empty(0)
    return float(np.clip(np.median(found), 1.0, _THICKEST_PX)) if len(found) else 1.5


def find_regions(outline: NDArray[np.bool_], *, gap_px: float, split: float, half_px: float) -> Regions:
    """Return the regions of one slice.

    Parameters
    ----------
    outline
        (y, x), True where there is a membrane.
    gap_px
        Gaps in outlines up to this width are closed; wider ones of large bodies where lines end.
    split
        A body is divided where its neck is narrower than this share of the narrower of both parts, 0…1;
        0 divides nothing that has no gap.
    half_px
        Half the usual width of an outline. What is clearly thicker has no lumen and is a region, too.
    """
    free = ~outline
    # Without any outline the distance is infinite.
    depth = np.minimum(edt.edt(free, black_border=False), np.float32(max(free.shape)))
    numbers, cut = _basins(free, depth, gap_px / 2, split, half_px)
    lumens = int(numbers.max(initial=0))
    tiny = np.bincount(numbers.ravel(), minlength=lumens + 1) <= np.pi * (_NO_LUMEN * half_px) ** 2
    tiny[0] = True
    thick = _opened(tiny[numbers], half_px + 1.5)
    solid, count = ndimage.label(thick)
    numbers[thick] = solid[thick] + lumens
    left = np.bincount(numbers.ravel(), minlength=lumens + count + 1) > 0
    left[0] = False
    numbers = np.where(left, np.cumsum(left), 0).astype(np.int32)[numbers]
    table = np.zeros(int(left.sum()), REGION)
    table["solid"] = np.flatnonzero(left) > lumens
    if len(table):
        _measure(numbers, np.where(thick, edt.edt(thick, black_border=False), depth), table, half_px)
        cut = np.pad(cut, (0, count))[left]
        table["bay"] = cut & ((table["solidity"] < BULGING) | table["at_border"])
    return Regions(numbers, table)


def enclose_something(outlines: NDArray[np.uint8], progress: Progress | None = None) -> bool:
    """Return whether the outlines (z, y, x; 0 is none) close around a pixel in any slice; gaps stay open."""
    depth, height, width = outlines.shape
    for box in walk((depth, height, width), outlines, progress=progress, slices=1):
        outline = outlines[box.slices][0] != 0
        if (ndimage.binary_fill_holes(outline) & ~outline).any():
            return True
    return False


def _basins(
    free: NDArray[np.bool_], depth: NDArray[np.float32], leak_px: float, split: float, half_px: float
) -> tuple[Numbers, NDArray[np.bool_]]:
    """Number the regions of what is free of outlines, necks cut; say which of 0…n a wide gap bounds."""
    basins, closed = Basins(free, depth), []
    gaps = Gaps(basins.contacts, ~free, leak_px, half_px)

    def apart(number: int, saddle: float, narrower: float) -> bool:
        if gaps.is_leak(saddle, narrower) or saddle < split * narrower:
            return True
        if gaps.is_wide_gap(number, saddle, narrower):
            closed.append(basins.contacts.saddles[number][:2])
            return True
        return False

    names = basins.merge(apart)
    cut = np.zeros(int(names.max()) + 1, np.bool_)
    for pair in closed:
        one, other = names[list(pair)]
        cut[[one, other]] |= one != other
    return names[basins.numbers], cut


def _measure(numbers: Numbers, depth: NDArray[np.float32], table: NDArray[np.void], half_px: float) -> None:
    count = len(table)
    table["area"] = np.bincount(numbers.ravel(), minlength=count + 1)[1:]
    walled, cut, at_border = _rims(numbers, count)
    table["walled"] = walled / np.maximum(1, walled + cut + at_border)
    table["at_border"] = at_border > 0
    for side in (numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]):
        touching = np.unique(side)
        table["sides"][touching[touching > 0] - 1] += 1
    table["shared"] = _shared(numbers, table["area"], half_px)
    around: list[tuple[float, int, NDArray[np.int64]]] = []  # area without holes, number, what lies in it
    for number, (row, box) in enumerate(zip(table, ndimage.find_objects(numbers), strict=True), 1):
        own = numbers[box] == number
        filled = _measure_one(_with_margin(own, 1), row)[1:-1, 1:-1]
        row["radius"] = depth[box][own].max()
        row["round"] = row["radius"] / np.sqrt(row["area"] / np.pi)
        _judge_interstice(own, row, half_px, numbers.size)
        if row["holes"]:
            inside = np.unique(numbers[box][filled & ~own])
            around.append((row["area"] * (1 + row["holes"]), number, inside[inside > 0]))
    for _, number, inside in sorted(around, key=lambda found: -found[0]):
        table["parent"][inside - 1] = number  # the smallest one comes last


def measure_again(numbers: Numbers, table: NDArray[np.void], which: list[int], half_px: float) -> None:
    """Measure some regions of a slice again, in place; what lies around them stays as it was measured.

    Parameters
    ----------
    numbers
        (y, x), 0 outline, regions 1…n.
    table
        ``REGION`` of each.
    which
        Numbers of those that changed.
    half_px
        Half the usual width of an outline.
    """
    table["area"] = np.bincount(numbers.ravel(), minlength=len(table) + 1)[1:]
    boxes = ndimage.find_objects(numbers)
    margin = int(half_px) + 3
    for number in which:
        box, row = boxes[number - 1], table[number - 1]
        rows, columns = (slice(max(0, side.start - margin), side.stop + margin) for side in box)
        part = numbers[rows, columns]
        walled, cut, at_border = (of[number - 1] for of in _rims(part, len(table)))
        row["walled"] = walled / max(1, walled + cut + at_border)
        row["at_border"] = at_border > 0
        ends = (numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1])
        row["sides"] = sum(bool((side == number).any()) for side in ends)
        row["shared"] = _shared(part, table["area"], half_px)[number - 1]
        own = _with_margin(numbers[box] == number, 1)
        _measure_one(own, row)
        row["radius"] = edt.edt(own, black_border=False).max()
        row["round"] = row["radius"] / np.sqrt(row["area"] / np.pi)
        _judge_interstice(own, row, half_px, numbers.size)


def _judge_interstice(own: NDArray[np.bool_], row: np.void, half_px: float, slice_px: int) -> None:
    large = row["radius"] >= LEAST_RADIUS * half_px and row["area"] <= LARGEST * slice_px
    row["between"] = (
        large and row["solidity"] < MOST_SOLID and not row["solid"] and is_interstice(own, half_px)
    )


def _rims(numbers: Numbers, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Of each region, count sides of pixels towards outlines, towards other regions, and at the border."""
    padded = np.pad(numbers, 1, constant_values=-1)
    own = padded[1:-1, 1:-1]
    walled, cut, border = (np.zeros(count, np.int64) for _ in range(3))
    for other in (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]):
        for total, where in (
            (walled, other == 0),
            (cut, (other > 0) & (other != own)),
            (border, other < 0),
        ):
            total += np.bincount(own[where & (own > 0)], minlength=count + 1)[1:]
    return walled, cut, border


def _shared(numbers: Numbers, area: NDArray[np.float64], half_px: float) -> NDArray[np.float64]:
    """Return the share of each rim behind whose wall lies another region, not a much larger one."""
    reach = expanded(numbers, half_px + 1.2)
    sizes = np.concatenate([[0.0], area])
    total, shared = np.zeros(len(sizes)), np.zeros(len(sizes))
    for axis in (0, 1):
        first, second = neighbours(reach, axis)
        for own, other in ((first, second), (second, first)):
            rim = (own != other) & (own > 0)
            total += np.bincount(own[rim], minlength=len(sizes))
            wall = rim & (other > 0) & (sizes[other] < _MUCH_LARGER * sizes[own])
            shared += np.bincount(own[wall], minlength=len(sizes))
    result: NDArray[np.float64] = (shared / np.maximum(1, total))[1:]
    return result


def _measure_one(own: NDArray[np.bool_], row: np.void) -> NDArray[np.bool_]:
    """Measure what of a region's shape follows from itself, and return it without its holes.

    ``own`` has a margin of 1 px.
    """
    filled = without_holes(own)
    area = row["area"]
    row["holes"] = (filled.sum() - area) / area
    row["solidity"] = min(1.0, area / hull_area(own))
    sigma = float(np.clip(0.35 * np.sqrt(area / np.pi), 1.0, 3.0))
    wide = _with_margin(filled, 4)
    grown = grown_at_sides(wide)
    blurred = ndimage.gaussian_filter(grown.astype(np.float32), sigma)
    rim = grown & grown_at_sides(~grown)
    # On a straight rim the innermost pixel has 0.5 + 0.5 · density of half a pixel; bent inwards, more.
    row["concave"] = float((blurred[rim] > 0.5 + 0.144 / sigma).mean())
    return filled


def _with_margin(own: NDArray[np.bool_], margin: int) -> NDArray[np.bool_]:
    """Return a region with so many px around it; faster than ``np.pad`` where it is small."""
    wide = np.zeros([length + 2 * margin for length in own.shape], np.bool_)
    wide[margin:-margin, margin:-margin] = own
    return wide


def _opened(own: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    """Return where disks of a radius, px, fit into a region; the slice ends at its border."""
    reach = int(radius)
    most = max(
        y * y + x * x for y in range(reach + 1) for x in range(reach + 1) if y * y + x * x <= radius**2
    )
    wide = _with_margin(own, 1)
    inner = edt.edtsq(wide, black_border=False) > most
    if not inner.any():
        return np.zeros_like(own)
    opened: NDArray[np.bool_] = (edt.edtsq(~inner, black_border=False) <= most)[1:-1, 1:-1]
    return opened
