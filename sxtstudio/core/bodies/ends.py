"""Where bodies end: at a face of the volume, below a lid of outline, or open, where no outline was drawn.

Membranes that lie in the slice are not seen in ±60° data. A body whose outline leans until it fades, at about
53° to the upright (where 0.6 of its normal lies in the slice), goes on for a third of the half width w there:
that is the rest of a sphere, and the least cap that is added. Where an outline has gaps it ends before,
while the body is hardly narrower than at its widest, W: as high as wide, it goes on for h = W - √(W² - w²)::

            ╭┄┄┄╮      cap
           ╱  w  ╲     last slice with an outline
          │   W   │

The less of a body its outlines show, the more of it is such a guess: it is flagged as open where a good part
of its volume is missing above and below them. Of a ball whose outline fades where it should, that is a tenth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.bodies.walls import Numbers
from sxtstudio.core.progress import Progress
from sxtstudio.core.walk import walk

#: The height of the least cap by the half width of the body below it, which is so wide beside the widest.
_CAP, _FADED = 1 / 3, 0.6
#: What lies at the border of a body is half a pixel inside of it: distances count to the next one's middle.
_PIXEL = 0.5
#: A body ends open where so much of its lumen in its last slice has nothing above.
_OPEN_SLICE = 0.5
#: It is flagged as open if more than that part of its volume is missing.
OPEN_SHARE = 0.2


@dataclass(frozen=True)
class Ends:
    """Of the numbers 0…n of a volume: where they begin and end, and how.

    Attributes
    ----------
    begin, end
        First slice with a lumen of each, and the one after the last.
    open_below, open_above
        Whether its first (last) slice has nothing before (behind) it, neither an outline nor a body.
    """

    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    open_below: NDArray[np.bool_]
    open_above: NDArray[np.bool_]


def find_ends(
    outlines: NDArray[np.uint8], bodies: Numbers, count: int, progress: Progress | None = None
) -> Ends:
    """Return how the bodies 1…count of a volume (z, y, x) end; ``bodies`` with their membranes."""
    depth, height, width = outlines.shape
    begin, end = np.full(count + 1, depth, np.int64), np.zeros(count + 1, np.int64)
    below, above = np.zeros(count + 1, np.bool_), np.zeros(count + 1, np.bool_)
    for box in walk((depth, height, width), outlines, bodies, progress=progress, slices=1):
        z = box.start[0]
        numbers = bodies[z]
        lumen = (numbers > 0) & (outlines[z] == 0)
        inside = np.bincount(numbers[lumen], minlength=count + 1)
        there = inside > 0
        begin[there & (begin == depth)] = z
        end[there] = z + 1
        for side, neighbour in ((below, z - 1), (above, z + 1)):
            if not 0 <= neighbour < depth:
                if side is above:
                    side[there] = False
                continue
            free = lumen & (outlines[neighbour] == 0) & (bodies[neighbour] == 0)
            bare = np.bincount(numbers[free], minlength=count + 1)
            is_open = (inside > 0) & (bare >= _OPEN_SLICE * inside)
            if side is above:  # the last slice has the last word, the first one the first
                side[there] = is_open[there]
            else:
                first = there & (begin == z)
                side[first] = is_open[first]
    return Ends(begin, end, below, above)


@dataclass(frozen=True)
class Caps:
    """What lies above and below the outlines of the numbers 0…n of a volume.

    Attributes
    ----------
    missing
        As many voxels as each has there, if it is as high as wide.
    drawn
        Voxels of its caps: less, where it ends at its widest, and where there is a label or another body.
    """

    missing: NDArray[np.float64]
    drawn: NDArray[np.int64]

    def leave_open(self, voxels: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which bodies a good part is missing of; they have so many voxels, with what was drawn."""
        whole = voxels - self.drawn + self.missing
        return np.asarray(self.missing > OPEN_SHARE * whole)


def add_caps(
    outlines: NDArray[np.uint8],
    bodies: Numbers,
    ends: Ends,
    widest_px: NDArray[np.float64],
    *,
    z_step: float = 1.0,
    draw: bool = True,
    progress: Progress | None = None,
) -> Caps:
    """Close the open ends of bodies with the caps that their outlines would have, in place; return these.

    Parameters
    ----------
    outlines
        Labels (z, y, x), uint8; caps go where there is neither a label nor a body.
    bodies
        Number of the body at each voxel (z, y, x), uint32, with its membrane.
    ends
        Of these bodies.
    widest_px
        Of every number, 0 included, the radius of the largest circle in any of its sections, px.
    z_step
        Distance of two slices, in px of a slice.
    draw
        Whether the bodies get them; they are measured anyway.
    """
    depth, height, width = outlines.shape
    caps = Caps(np.zeros(len(widest_px)), np.zeros(len(widest_px), np.int64))
    for box in walk((depth, height, width), outlines, bodies, progress=progress, slices=1):
        z = box.start[0]
        begun = (ends.begin == z) & ends.open_below
        ended = (ends.end == z + 1) & ends.open_above
        if not (begun.any() or ended.any()):
            continue
        numbers = bodies[z].copy()
        numbers[~(begun | ended)[numbers]] = 0
        where = ndimage.find_objects(numbers.astype(np.int32))
        for number in np.flatnonzero(begun | ended).tolist():
            place = where[number - 1] if number <= len(where) else None
            if place is None:
                continue
            inside = edt.edt(np.pad(numbers[place] == number, 1), black_border=False)[1:-1, 1:-1]
            for wanted, step in ((begun, -1), (ended, 1)):
                if wanted[number]:
                    half, widest = float(inside.max()) - _PIXEL, float(widest_px[number]) - _PIXEL
                    section = float(np.count_nonzero(inside))
                    caps.missing[number] += missing_over(half, widest).volume(section) / z_step
                    if draw:
                        cap = cap_over(half, widest)
                        drawn = _add_cap(outlines, bodies, (z, *place), number, inside, cap, step * z_step)
                        caps.drawn[number] += drawn
    return caps


@dataclass(frozen=True)
class Cap:
    """A part of an ellipsoid: how high it is, and how far the middle of its body lies below it, px."""

    height: float
    below: float

    def share(self, up: float) -> float:
        """Return the width of the section so much higher than the one below the cap, by that one's."""
        top = self.below + self.height
        return math.sqrt(max(0.0, (top**2 - (self.below + up) ** 2) / (top**2 - self.below**2)))

    def volume(self, section: float) -> float:
        """Return the volume over a section of that area: the integral of that area times share², px³."""
        top = self.below + self.height
        whole = top**2 * self.height - (top**3 - self.below**3) / 3
        return section * whole / (top**2 - self.below**2)


def cap_over(half: float, widest: float) -> Cap:
    """Return the cap over a section of that half width, of a body with that one at its widest, px."""
    round_one = widest if widest > half else half / _FADED
    level = math.sqrt(round_one**2 - half**2)  # of the section in a body as high as wide
    rest = round_one - level
    height = max(_CAP * half, rest)
    return Cap(height, level * height / rest)


def missing_over(half: float, widest: float) -> Cap:
    """Return what a body as high as wide has over a section of that half width, px: no less than its cap.

    Nobody knows where a body ends that is nowhere wider than there; it may as well be half of it.
    """
    widest = max(half, widest)
    level = math.sqrt(widest**2 - half**2)
    return max(cap_over(half, widest), Cap(widest - level, level), key=lambda cap: cap.height)


def _add_cap(
    outlines: NDArray[np.uint8],
    bodies: Numbers,
    place: tuple[int, slice, slice],
    number: int,
    inside: NDArray[np.float32],
    cap: Cap,
    z_step: float,
) -> int:
    """Add the cap of one end, and return its voxels; ``z_step`` is negative where it lies before the body.

    ``inside`` is the distance to the border of the body in its last slice.
    """
    z, rows, columns = place
    added = 0
    half = float(inside.max()) - _PIXEL
    for n in range(1, int(cap.height / abs(z_step)) + 1):
        at = z + (n if z_step > 0 else -n)
        if not 0 <= at < len(bodies):
            break
        left = half * cap.share(n * abs(z_step))
        plane, lines = bodies[at, rows, columns], outlines[at, rows, columns]
        new = (inside - _PIXEL > half - left) & (plane == 0) & (lines == 0)
        plane[new] = number
        added += int(new.sum())
    return added
