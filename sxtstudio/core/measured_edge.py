"""Which objects lie at the edge of what was measured: beside the fill around a reconstruction.

A round or turned reconstruction does not fill its volume. What is cut at its edge is as little whole as what
is cut at a face of the volume.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box
from sxtstudio.core.growing import grown
from sxtstudio.core.measured import Mask, measured_pixels
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume
from sxtstudio.core.walk import walk

# The edge is looked for in so many slices apart, and between two of them where they differ,
_STEP, _LEAST_STEP = 16, 4
# which they do where this part of its length has moved by a pixel.
_MOVED = 1.0
# What was measured is so much of a slice: less is a drawing on an even background, not a reconstruction.
_LEAST_SHARE = 0.25
# Outlines end so many pixels before the fill.
_REACH_PX = 2


def numbers_at_fill(
    objects: NDArray[Any], image: Volume, progress: Progress | None = None
) -> NDArray[np.int64]:
    """Return the objects that reach the edge of what was measured of a tomogram, ascending.

    Parameters
    ----------
    objects
        Numbers (z, y, x), 0 is none; array or memory map.
    image
        The tomogram of the same shape; where none of it is a fill there are no such objects.
    progress
        Counts slices twice: of the tomogram, and of the objects.

    Raises
    ------
    Cancelled
        If the user stopped it.
    """
    progress = progress or Progress()
    depth, height, width = objects.shape
    known = _known_slices(image, progress.part(0.6))
    found: set[int] = set()
    last: tuple[Mask | None, ...] = ()
    near: Mask | None = None
    for box in walk((depth, height, width), objects, progress=progress.part(0.4), slices=1):
        z = box.start[0]
        around = tuple(known[max(0, z - 1) : z + 2])
        if len(around) != len(last) or any(one is not other for one, other in zip(around, last, strict=True)):
            near, last = _near_fill(known[z], around), around
        if near is not None:
            numbers = objects[z][near]
            found.update(np.unique(numbers[numbers != 0]).tolist())
    return np.array(sorted(found), np.int64)


def _near_fill(here: Mask | None, around: tuple[Mask | None, ...]) -> Mask | None:
    """Return the pixels of a slice that lie at a fill, in it or in a neighbouring slice; None: none does."""
    fills = [~known for known in around if known is not None]
    if not fills:
        return None
    near = np.logical_or.reduce(fills)
    if here is not None:
        beside = ~here
        for _ in range(_REACH_PX):
            beside = grown(beside)
        near |= beside
    return np.asarray(near)


def _known_slices(image: Volume, progress: Progress) -> list[Mask | None]:
    """Return of each slice which pixels were measured, None where all were; equal ones are one array."""
    depth = image.shape[0]
    known: list[Mask | None] = [None] * depth
    shares: list[float] = []
    progress.begin(depth)

    def look(z: int) -> None:
        _, height, width = image.shape
        grey = image.read(Box((z, 0, 0), (z + 1, height, width)))[0]
        known[z] = mask = measured_pixels(grey)
        share = float(np.mean(grey != np.median(grey)) if mask is None else mask.mean())
        if share > 0:  # what is blank as a whole says nothing
            shares.append(share)

    def between(first: int, last: int) -> None:
        """Fill in the slices between two that were looked at."""
        progress.check()
        one, other = known[first], known[last]
        same = _alike(one, other)
        if same or (last - first <= _LEAST_STEP and _has_image(one) and _has_image(other)):
            known[first + 1 : last] = [one if same else _both(one, other)] * (last - first - 1)
            if same:
                known[last] = one
        elif last - first > 1:
            middle = (first + last) // 2
            look(middle)
            between(first, middle)
            between(middle, last)

    look(0)
    progress.step()
    for first in range(0, depth - 1, _STEP):
        last = min(first + _STEP, depth - 1)
        look(last)
        between(first, last)
        progress.step(last - first)
    return known if shares and np.median(shares) >= _LEAST_SHARE else [None] * depth


def _alike(one: Mask | None, other: Mask | None) -> bool:
    """Whether the edges of two slices are the same but for single pixels."""
    if one is None or other is None:
        return one is other
    differ = int(np.count_nonzero(one ^ other))
    if differ == 0 or not (one.any() and other.any()):
        return differ == 0
    return differ <= _MOVED * int(np.count_nonzero(grown(~one) & one))


def _has_image(known: Mask | None) -> bool:
    return known is None or bool(known.any())


def _both(one: Mask | None, other: Mask | None) -> Mask | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other
