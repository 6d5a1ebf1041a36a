"""Several filopodia of one volume: which are one and the same, and whose the voxels are they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.filopodia.records import Filopodium, Incomplete
from sxtstudio.core.geometry import Triple

#: Two are one filopodium where one shares more than this of its voxels with another.
_SAME = 0.5
#: The points of one lie on another that is at most so many voxels away: its outline is a few voxels wide.
_NEAR = 2


@dataclass(frozen=True)
class Apart:
    """What becomes of one of several filopodia; the others are named by their place among all.

    Attributes
    ----------
    where
        Its voxels in its box, without those that another one keeps; None where it is left out.
    same_as
        The one that it is left out for; its points lie on that where ``on_it`` is true.
    shares
        How many of its voxels others keep, by whose they are.
    """

    where: NDArray[np.bool_] | None
    same_as: int | None = None
    on_it: bool = False
    shares: dict[int, int] | None = None


def apart(found: Sequence[Filopodium], places: Sequence[Sequence[Triple]]) -> list[Apart]:
    """Return what becomes of each of several filopodia, so that no voxel is of two.

    Those that are not doubtful come before those that are, and earlier ones before later ones. One that is
    mostly another is left out; but for one that is doubtful only if its own points lie on that.

    Parameters
    ----------
    found
        The filopodia.
    places
        The voxels (z, y, x) that were named for each.
    """
    result: dict[int, Apart] = {}
    kept: list[int] = []
    for index in sorted(range(len(found)), key=lambda index: (is_doubtful(found[index]), index)):
        one = found[index]
        where, counts = one.where.copy(), {}
        for other in kept:
            common = _in_box_of(one, found[other], result[other].where) & one.where
            if common.any():
                counts[other] = int(np.count_nonzero(common))
                where &= ~common
        if sum(counts.values()) > _SAME * one.voxels:
            twin = max(counts, key=lambda other: counts[other])
            on_it = any(_lies_on(place, found[twin]) for place in places[index])
            if on_it or not is_doubtful(found[twin]) or not where.any():
                result[index] = Apart(None, twin, on_it)
                continue
        result[index] = Apart(where, shares=counts)
        kept.append(index)
    return [result[index] for index in range(len(found))]


def is_doubtful(one: Filopodium) -> bool:
    """Whether one is to be looked at before it is believed."""
    return bool({Incomplete.DOUBTFUL, Incomplete.GAPS} & set(one.incomplete))


def _in_box_of(one: Filopodium, other: Filopodium, where: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Return the voxels of another one, which stand in its own box, in the box of one."""
    result = np.zeros(one.where.shape, np.bool_)
    low = np.maximum(one.box.start, other.box.start)
    high = np.minimum(one.box.stop, other.box.stop)
    if where is not None and (low < high).all():
        mine = tuple(slice(a - s, b - s) for a, b, s in zip(low, high, one.box.start, strict=True))
        theirs = tuple(slice(a - s, b - s) for a, b, s in zip(low, high, other.box.start, strict=True))
        result[mine] = where[theirs]
    return result


def _lies_on(place: Triple, one: Filopodium) -> bool:
    start = np.array(place) - np.array(one.box.start)
    near = tuple(slice(max(0, int(at) - _NEAR), max(0, int(at) + _NEAR + 1)) for at in start)
    return bool(one.where[near].any())
