"""Gaps in outlines across which the network saw a membrane, but was not sure enough to draw it: closed there.

::

      what leaks is one region       closed where the output goes on      what bulges is a region
        ╭───────╴   ╶───╮              ╭───────╴┄┄┄╶───╮                    ╭───────────────╮
        │ organelle       ∙ ∙ ∙        │               ┆ ∙ ∙                │       1       │ rest
        ╰───────────────╯              ╰───────────────╯                    ╰───────────────╯

Only what is hardly a body is looked at: what has the shape of a space between bodies or is a bay, and what is
two of these: very large, at the border of the slice, bent. It is divided where the output goes on across a
narrow place (wires.py), first where it is highest: so a whole body is found before membranes within it, which
are fainter, divide it. What bulges as bodies do, and has outlines around most of it, becomes a region of its
own; all else stays what it was.
"""

from __future__ import annotations

from collections.abc import Iterator

import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.bodies.basins import Basins, Gaps, Numbers
from sxtstudio.core.bodies.hull import hull_area
from sxtstudio.core.bodies.interstices import LARGEST
from sxtstudio.core.bodies.regions import BULGING, Regions, measure_again
from sxtstudio.core.bodies.wires import output_across

#: So many of three signs tell what leaks: it lies at the border of the slice, is very large, does not bulge.
_SIGNS = 2
#: Outputs, 0…1, from which on gaps are closed, one after the other.
_LEVELS = (0.5, 0.4, 0.3, 0.2)
#: No output is that high.
_NEVER = 2.0
#: A gap is closed if the radius of the narrower side is so many times half the width of lines; it is as wide
#: as that share of this side at most, and so many times as wide as gaps that are closed anyway.
_WIDE, _SHARE, _MOST_GAP = 3.0, 0.8, 8.0
#: What becomes a region has so much of its convex hull, outlines at so much of its rim, and that radius at
#: least, by half the width of lines, if it is a circle.
_SOLID, _WALLED, _LEAST_RADIUS = 0.82, 0.75, 2.8

Box = tuple[slice, slice]


def close_faint_gaps(
    regions: Regions, outline: NDArray[np.bool_], output: NDArray[np.float32], gap_px: float, half_px: float
) -> Regions:
    """Return the regions of a slice, divided where they leak and the network saw a membrane.

    Parameters
    ----------
    regions
        As of ``find_regions``.
    outline
        (y, x), True where there is a membrane.
    output
        Of the network (y, x), 0…1.
    gap_px, half_px
        As for ``find_regions``.
    """
    table = regions.table
    signs = [table["at_border"], table["area"] > LARGEST * outline.size, table["solidity"] < BULGING]
    leaks = table["between"] | table["bay"] | (np.sum(signs, 0) >= _SIGNS)
    leaking = np.concatenate([[False], leaks & ~table["solid"]])
    if not leaking.any():
        return regions
    numbers, whole = regions.numbers.copy(), []
    for own, box in _enclosed(np.where(leaking[numbers], numbers, 0), outline, output, gap_px / 2, half_px):
        whole.append(int(numbers[box][own][0]))
        numbers[box][own] = len(table) + len(whole)
    return _measured(Regions(numbers, table), whole, half_px) if whole else regions


def _enclosed(
    leaking: Numbers, outline: NDArray[np.bool_], output: NDArray[np.float32], leak_px: float, half_px: float
) -> Iterator[tuple[NDArray[np.bool_], Box]]:
    """Yield what bulges in regions that leak (y, x), each in its box."""
    basins = Basins(leaking > 0, edt.edt(~outline, black_border=False))
    contacts = basins.contacts
    gaps = Gaps(contacts, outline, leak_px, half_px)
    region_of = np.zeros(int(basins.numbers.max()) + 1, np.int32)
    region_of[basins.numbers] = leaking
    outputs: dict[int, float] = {}

    def seen(number: int) -> float:
        if number not in outputs:
            places = contacts.narrowest(number, leak_px)
            across = [output_across(outline, output, *place, half_px) for place in places]
            outputs[number] = min(across, default=0.0)
        return outputs[number]

    def merged(level: float) -> Numbers:
        def apart(number: int, saddle: float, narrower: float) -> bool:
            one, other, _ = contacts.saddles[number]
            if region_of[one] != region_of[other] or gaps.is_leak(saddle, narrower):
                return True
            if gaps.is_wide_gap(number, saddle, narrower):
                return True
            if narrower < _WIDE * half_px or saddle >= _SHARE * narrower or saddle > _MOST_GAP * leak_px:
                return False
            return level < _NEVER and seen(number) >= level

        return basins.merge(apart)

    names = merged(_NEVER)
    area_without = np.bincount(names[basins.numbers].ravel())[names]  # of what holds each basin
    looked_at: set[bytes] = set()
    for level in _LEVELS:
        names = merged(level)
        parts = names[basins.numbers]
        areas = np.bincount(parts.ravel())
        for part, box in enumerate(ndimage.find_objects(parts), 1):
            if (
                box is None
                or not np.pi * (_LEAST_RADIUS * half_px) ** 2 <= areas[part] <= LARGEST * parts.size
            ):
                continue
            held = names == part
            key = held.tobytes()
            at_border = any(
                side.start == 0 or side.stop == length for side, length in zip(box, parts.shape, strict=True)
            )
            if at_border or key in looked_at or area_without[held].max() == areas[part]:
                continue
            looked_at.add(key)
            own = parts[box] == part
            if region_of[held].all() and _bulges(own, outline, box):
                region_of[held] = 0  # and stays by itself
                yield own, box


def _bulges(own: NDArray[np.bool_], outline: NDArray[np.bool_], box: Box) -> bool:
    """Whether a part of a slice (y, x) in its box, not at the border, may be a body by its shape and rim."""
    wide = np.pad(own, 1)
    if own.sum() < _SOLID * hull_area(wide):
        return False
    line = outline[tuple(slice(side.start - 1, side.stop + 1) for side in box)]
    walled = rim = 0
    for step, axis in ((1, 0), (-1, 0), (1, 1), (-1, 1)):
        beside = np.roll(wide, step, axis) & ~wide
        rim += int(beside.sum())
        walled += int((beside & line).sum())
    return walled >= _WALLED * rim


def _measured(divided: Regions, whole: list[int], half_px: float) -> Regions:
    """Number and measure regions to which parts of others were added, behind those of the table.

    ``whole`` has the region that each of them was a part of.
    """
    numbers, before = divided.numbers, len(divided.table)
    table = np.zeros(before + len(whole), divided.table.dtype)
    table[:before] = divided.table
    table["parent"][before:] = divided.table["parent"][np.array(whole) - 1]
    there = np.bincount(numbers.ravel(), minlength=len(table) + 1) > 0
    there[0] = False
    renamed = np.where(there, np.cumsum(there), 0).astype(np.int32)
    table["parent"] = renamed[table["parent"]]
    numbers, table = renamed[numbers], table[there[1:]]
    rest = [int(renamed[number]) for number in sorted(set(whole)) if there[number]]
    new = [int(renamed[number]) for number in range(before + 1, len(there))]
    measure_again(numbers, table, new + rest, half_px)
    left = np.array(rest, np.int64) - 1
    table["bay"][left] |= table["solidity"][left] < BULGING
    return Regions(numbers, table)
