"""Basins of the distance from outlines in one slice, and which of them stay apart when they are merged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import watershed

from sxtstudio.core.bodies.line_ends import Place, ends_at

Numbers = NDArray[np.int32]

#: Whether basins that touch stay apart: by the number of their contact, half its width, and half the width of
#: the narrower side, px.
Apart = Callable[[int, float, float], bool]

#: A neck is a leak where it is narrower than a gap may be, and narrower than this share of what it joins.
LEAK = 0.6
#: A gap up to so many times wider is closed in the outline of a wide body, whose radius is so many times half
#: the width of lines: up to that share of what it joins where two lines end (line_ends.py); up to the lesser
#: share where one ends.
_WIDE, _TWO_ENDS, _ONE_END, _MOST_GAP = 4.0, 0.6, 0.35, 4.0


class Basins:
    """Basins of the maxima of the distance from outlines.

    Attributes
    ----------
    numbers
        (y, x), 0 outline, basins 1…n.
    contacts
        Where they touch.
    """

    def __init__(self, free: NDArray[np.bool_], depth: NDArray[np.float32]) -> None:
        """Find them in what is free of outlines (y, x), by the distance from these, px."""
        smooth = ndimage.gaussian_filter(depth, 0.7)
        tops = free & (smooth == ndimage.maximum_filter(smooth, 5))
        markers, count = ndimage.label(tops, np.ones((3, 3)))
        basins: Numbers = watershed(-smooth, markers, mask=free).astype(np.int32)
        highest = np.zeros(count + 1, depth.dtype)  # of one type with what is compared, which is far quicker
        np.maximum.at(highest, basins.ravel(), depth.ravel())
        top = highest.astype(np.float64)
        # What no maximum reaches (a plateau between two outlines) is a region of its own.
        left, more = ndimage.label(free & (basins == 0))
        basins[left > 0] = left[left > 0] + count
        if more:
            top = np.concatenate([top, ndimage.maximum(depth, left, np.arange(1, more + 1))])
        self.numbers, self.contacts = basins, BasinContacts(basins, depth)
        self._top = top

    def merge(self, apart: Apart) -> Numbers:
        """Merge all that is not kept apart, over the widest contacts first; return new numbers of 0…n."""
        top = self._top.copy()
        parent = np.arange(len(top))

        def root(number: int) -> int:
            while parent[number] != number:
                parent[number] = parent[parent[number]]
                number = int(parent[number])
            return number

        for number, (one, other, saddle) in enumerate(self.contacts.saddles):
            a, b = root(one), root(other)
            if a == b or apart(number, saddle, min(top[a], top[b])):
                continue
            parent[b] = a
            top[a] = max(top[a], top[b])
        names = np.unique([root(number) for number in range(len(parent))], return_inverse=True)[1]
        return np.asarray(names, np.int32)  # 0, the outlines, is the root of itself alone


class BasinContacts:
    """Where basins touch: pairs of them with the widest place between both, the widest first."""

    def __init__(self, basins: Numbers, depth: NDArray[np.float32]) -> None:
        """Find the contacts of basins (y, x) by the distance from outlines, px."""
        pairs, heights, places = [], [], []
        width = int(basins.max(initial=0)) + 1
        for axis in (0, 1):
            (a, b), (low, high) = neighbours(basins, axis), neighbours(depth, axis)
            between = (a != b) & (a > 0) & (b > 0)
            own, other = a[between].astype(np.int64), b[between]
            pairs.append(np.minimum(own, other) * width + np.maximum(own, other))
            heights.append(np.minimum(low[between], high[between]))
            places.append(np.argwhere(between))
        self._heights, self._places = np.concatenate(heights), np.concatenate(places)
        unique, self._pair = np.unique(np.concatenate(pairs), return_inverse=True)
        saddle = np.zeros(len(unique), self._heights.dtype)
        np.maximum.at(saddle, self._pair, self._heights)
        self._order = np.argsort(-saddle, kind="stable")
        one, other = np.divmod(unique[self._order], width)
        self.saddles = list(zip(one.tolist(), other.tolist(), saddle[self._order].tolist(), strict=True))

    def narrowest(self, number: int, least: float) -> list[tuple[Place, float]]:
        """Return the middles of all narrow places between a pair that are wider than ``least``, half of it.

        ``number`` of the pair, in the order of ``saddles``.
        """
        own = np.flatnonzero((self._pair == self._order[number]) & (self._heights > least))
        if not len(own):
            return []
        places, heights = self._places[own], self._heights[own]
        low = places.min(0)
        image = np.zeros(places.max(0) - low + 1, np.bool_)
        image[tuple((places - low).T)] = True
        parts = ndimage.label(image, np.ones((3, 3)))[0][tuple((places - low).T)]
        found = []
        for part in range(1, int(parts.max()) + 1):
            best = int(np.flatnonzero(parts == part)[heights[parts == part].argmax()])
            found.append(((int(places[best, 0]), int(places[best, 1])), float(heights[best])))
        return found


class Gaps:
    """Which contacts of basins are gaps in outlines, as far as the outlines tell."""

    def __init__(
        self, contacts: BasinContacts, outline: NDArray[np.bool_], leak_px: float, half_px: float
    ) -> None:
        """Take outlines (y, x), half the width of gaps that are closed, and half that of lines, px."""
        self._contacts, self._outline, self._leak, self._half = contacts, outline, leak_px, half_px
        self._known: dict[tuple[int, int], bool] = {}

    def is_leak(self, saddle: float, narrower: float) -> bool:
        """Return whether a contact is as narrow as a gap; lengths as of ``Apart``."""
        return saddle <= self._leak and saddle < LEAK * narrower

    def is_wide_gap(self, number: int, saddle: float, narrower: float) -> bool:
        """Return whether a contact that is no leak is a gap of a wide body, where lines end."""
        if narrower < _WIDE * self._half or saddle >= _TWO_ENDS * narrower or saddle > _MOST_GAP * self._leak:
            return False
        least = 1 if saddle < _ONE_END * narrower else 2
        if (number, least) not in self._known:
            places = self._contacts.narrowest(number, self._leak)
            ends = (ends_at(self._outline, *place, self._half, least) for place in places)
            self._known[number, least] = bool(places) and all(ends)
        return self._known[number, least]


def neighbours(array: NDArray[Any], axis: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return an image but for its last row (column), and but for its first one."""
    return (array[:-1], array[1:]) if axis == 0 else (array[:, :-1], array[:, 1:])
