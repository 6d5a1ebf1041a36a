"""Which slices are judged: ranges, all in which the reference holds anything, or some at even intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError


@dataclass(frozen=True)
class SliceChoice:
    """Slices as a user names them.

    Attributes
    ----------
    ranges
        First and last (not included), counted from 0, or from the end where below 0; None: open end. Without
        any range: all slices.
    labelled
        Of these only slices in which the reference holds something.
    """

    ranges: tuple[tuple[int | None, int | None], ...] = ()
    labelled: bool = False

    def among(self, depth: int) -> tuple[int, ...]:
        """Return the slices of a volume of ``depth`` slices, ascending, whether anything is in them or not.

        Raises
        ------
        UserError
            If a range holds none.
        """
        found: set[int] = set()
        for first, last in self.ranges or ((None, None),):
            part = range(depth)[first:last]
            if not part:
                raise UserError(
                    f"There are no slices {_text(first)}:{_text(last)}: the volumes have {depth}, counted "
                    "from 0. Give others with --slices."
                )
            found.update(part)
        return tuple(sorted(found))


def spread_evenly(first: int, last: int, count: int, among: Iterable[int] | None = None) -> tuple[int, ...]:
    """Return ``count`` slices at even intervals from ``first`` to ``last`` (included), from 0.

    The range is divided into as many parts of one length, and the slice in the middle of each is taken: so
    the ends, where the tomogram is worst, count no more than the rest. ``among``: only these may be taken.
    """
    there = list(range(first, last + 1)) if among is None else [z for z in among if first <= z <= last]
    count = min(count, len(there))
    if count < 1:
        return ()
    places = np.floor((np.arange(count) + 0.5) * len(there) / count).astype(int)
    return tuple(there[place] for place in places)


def even_range(slices: Sequence[int], depth: int) -> tuple[int, int] | None:
    """Return a first and a last slice (included, from 0) over which ``spread_evenly`` gives these slices.

    Several ranges give the same slices: of those the longest in a volume of ``depth`` slices is returned.
    None where there is none: the slices are not even.
    """
    wanted, number = tuple(slices), len(slices)
    for length in range(depth, number - 1, -1):
        first = wanted[0] - length // (2 * number) if wanted else -1
        if 0 <= first <= depth - length and spread_evenly(first, first + length - 1, number) == wanted:
            return first, first + length - 1
    return None


def labelled_range(labels: NDArray[Any]) -> tuple[int, int]:
    """Return the first and the last slice of labels (z, y, x) that hold any; all slices where none does."""
    depth = len(labels)
    first = next((z for z in range(depth) if labels[z].any()), None)
    if first is None:
        return 0, depth - 1
    return first, next(z for z in range(depth - 1, -1, -1) if labels[z].any())


def _text(end: int | None) -> str:
    return "" if end is None else str(end)
