"""How the slices of a tomogram are divided into ranges."""

from __future__ import annotations

from dataclasses import dataclass

from sxtstudio.core.errors import UserError
from sxtstudio.io.zarr_layers import LAYER_SLICES

#: Each range reads a slice more at either end: of so many slices, that is 6 % of the work.
SLICES_PER_RANGE = 2 * LAYER_SLICES


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
    step = -(-slices_per_range // LAYER_SLICES) * LAYER_SLICES
    return tuple(
        Range(number, first, min(first + step, depth)) for number, first in enumerate(range(0, depth, step))
    )
