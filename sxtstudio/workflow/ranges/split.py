"""How the slices of a tomogram are divided into ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sxtstudio.core.errors import UserError
from sxtstudio.io.zarr_layers import LAYER_SLICES

#: Each range reads a slice more at either end: of so many slices, that is 6 % of the work.
SLICES_PER_RANGE = 2 * LAYER_SLICES


#: A tomogram has hundreds or thousands of slices; a plan that speaks of more is no plan.
MOST_SLICES = 1_000_000
# Of numbers of ranges so many runs are written out.
_MOST_RUNS = 10


@dataclass(frozen=True)
class Range:
    """The slices ``first`` to ``last`` (not included) of what is worked on, counted from 0."""

    number: int
    first: int
    last: int

    @property
    def depth(self) -> int:
        """How many slices it has."""
        return self.last - self.first


def split(depth: int, slices_per_range: int = SLICES_PER_RANGE) -> tuple[Range, ...]:
    """Divide ``depth`` slices into ranges that end where layers of chunks end.

    Parameters
    ----------
    depth
        Number of slices, 1 or more.
    slices_per_range
        Is rounded up to whole layers of chunks.

    Returns
    -------
    tuple of Range
        They cover all slices, in order; all are of one size but the last.

    Raises
    ------
    UserError
        If ranges of so many slices are not possible.
    """
    if slices_per_range < 1:
        raise UserError(f"Ranges of {slices_per_range} slices are not possible: give 1 or more.")
    step = whole_layers(slices_per_range)
    return tuple(
        Range(number, first, min(first + step, depth)) for number, first in enumerate(range(0, depth, step))
    )


def whole_layers(slices: int) -> int:
    """Return a number of slices rounded up to whole layers of chunks."""
    return -(-slices // LAYER_SLICES) * LAYER_SLICES


def numbers_text(numbers: Sequence[int]) -> str:
    """Return ascending numbers as "0, 3 to 7, 9", and how many more there are where that grows long."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    texts = [f"{a}" if a == b else f"{a}, {b}" if b == a + 1 else f"{a} to {b}" for a, b in runs[:_MOST_RUNS]]
    more = sum(b - a + 1 for a, b in runs[_MOST_RUNS:])
    return ", ".join(texts) + (f" and {more} more" if more else "")
