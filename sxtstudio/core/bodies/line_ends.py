"""Whether lines end at a narrow place: there an outline has a gap; elsewhere a body has a waist.

::

      gap: two lines end, and look at each other        waist: lines go on at both sides

        ────────────╴   ·   ╶─────────                   ──────╮       ╭──────
                    A   ·   B                                  ╰───A───╯
                                                                   ·
                                                               ╭───B───╮
                                                         ──────╯       ╰──────

A line is followed from A for some times its width, over what is labelled. What is reached there is one piece
as wide as a line where it ends at A, and two pieces where it goes on to both sides. Two lines that leave A
side by side, as at the cusp between two lobes, are one piece at first, but wider than a line.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.growing import grown, grown_at_sides

Place = tuple[int, int]

#: So far a line is followed, by half its usual width; from there on it goes on.
_FOLLOWED = 6.0
#: What it is as wide as is one line, by the usual width.
_ONE_LINE = 1.6
#: The nearest labels on both sides of a place lie so far away, by the nearest of all, and px more.
_NEAREST, _NEAREST_PX = 1.25, 1.5
#: An end looks at the other one if the angle between is less than that: its cosine.
_FACING = 0.0
_ALL = np.ones((3, 3), np.bool_)


class LineEnd(NamedTuple):
    """Where the end of a line looks to, as a unit vector (y, x), and whether that is more than a speck."""

    looks: NDArray[np.float64]
    long: bool


def ends_at(outline: NDArray[np.bool_], place: Place, radius: float, half_px: float, least: int) -> bool:
    """Return whether lines end at so many of the two sides of a narrow place, and look at the other side.

    A speck by itself ends where another line ends, but not where a line goes on.

    Parameters
    ----------
    outline
        (y, x), True where there is a line.
    place
        The middle of the narrowest place (y, x).
    radius
        How far it is from there to the lines, px.
    half_px
        Half the usual width of a line, px.
    least
        At how many sides, 1 or 2.
    """
    sides = sides_of(outline, place, radius)
    if sides is None:
        return False
    across = np.subtract(sides[1], sides[0]).astype(np.float64)
    across /= np.linalg.norm(across)
    first = _looking(outline, sides[0], across, half_px)
    if first is None and least == 2:
        return False
    if first is not None and first.long and least == 1:
        return True
    second = _looking(outline, sides[1], -across, half_px)
    return second is not None and (first is not None or second.long)


def _looking(
    outline: NDArray[np.bool_], side: Place, way: NDArray[np.float64], half_px: float
) -> LineEnd | None:
    end = line_end(outline, side, half_px)
    return end if end is not None and float(end.looks @ way) >= _FACING else None


def sides_of(outline: NDArray[np.bool_], place: Place, radius: float) -> tuple[Place, Place] | None:
    """Return the nearest pixel of a line, and the nearest one across; None if there is none."""
    reach = int(_NEAREST * radius + _NEAREST_PX) + 1
    part, (top, left) = _around(outline, place, reach)
    found = np.argwhere(part)
    if not len(found):
        return None
    way = found - reach
    far = np.hypot(*way.T)
    first = int(far.argmin())
    across = (way @ way[first] < 0) & (far <= _NEAREST * radius + _NEAREST_PX)
    if not across.any():
        return None
    second = int(np.flatnonzero(across)[far[across].argmin()])
    height, width = outline.shape
    ends = []
    for n in (first, second):
        y, x = int(found[n, 0]) + top, int(found[n, 1]) + left
        ends.append((min(max(y, 0), height - 1), min(max(x, 0), width - 1)))
    return ends[0], ends[1]


def line_end(outline: NDArray[np.bool_], end: Place, half_px: float) -> LineEnd | None:
    """Return the end of a line at a pixel (y, x) of it; None if none ends there."""
    steps = max(4, round(_FOLLOWED * half_px))
    line, _ = _around(outline, end, steps + 1)
    front = reached = np.zeros_like(line)
    reached[steps + 1, steps + 1] = True
    for step in range(steps):
        grow = grown if step % 2 == 1 else grown_at_sides  # by turns: nearly a circle
        front, reached = reached, grow(reached) & line
    front = reached & ~front
    if front.any():
        if ndimage.label(grown(front) & reached, _ALL)[1] > 1:
            return None
        places = np.argwhere(front)
        if np.linalg.norm(places.max(0) - places.min(0)) + 1 > _ONE_LINE * 2 * half_px:
            return None
    along = steps + 1 - np.argwhere(reached).mean(0)
    length = float(np.linalg.norm(along))
    return LineEnd(np.asarray(along / length if length else along), bool(front.any()))


def _around(outline: NDArray[np.bool_], place: Place, reach: int) -> tuple[NDArray[np.bool_], Place]:
    """Return what lies around a pixel, and where that begins; beyond the border lines go on as they come."""
    height, width = outline.shape
    y, x = place
    rows = np.clip(np.arange(y - reach, y + reach + 1), 0, height - 1)
    columns = np.clip(np.arange(x - reach, x + reach + 1), 0, width - 1)
    return outline[np.ix_(rows, columns)], (y - reach, x - reach)
