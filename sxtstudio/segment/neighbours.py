"""The outputs of three slices for every slice, at the price of one: its own and its neighbours', each turned.

The network outlines one slice at a time, and errs a little differently on each and in each direction, while
membranes hardly move from one slice to the next. So every slice is turned by a quarter more than the one
before it, and what is labelled is the mean of the network's outputs for a slice and its two neighbours. Each
slice goes through the network once. The first and the last slice have a neighbour less and go through once
more, turned on. A neighbour that does not resemble the slice (unrelated pictures, a jump) is left out.

Positions are numbered like the slices, from −1 to the number of slices, both included: those two show the
first and the last slice again.

Of a noisy tomogram every slice is shown smaller, and what the network puts out is enlarged again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.resemblance import around
from sxtstudio.segment.field import Field
from sxtstudio.segment.smaller import enlarged, reduced

Image = NDArray[np.float32]
Reach = Literal[0, 1]


@dataclass(frozen=True)
class Neighbours:
    """Which slice each position shows, how it is turned, and how many neighbours on each side have a say.

    ``slices`` is how many the network sees at once: see ``context``. ``noisy`` slices are shown smaller.
    """

    reach: Reach
    slice_count: int
    slices: int = 1
    noisy: bool = False

    def needed(self, slices: Iterable[int]) -> list[int]:
        """Return the positions (ascending) that make up the outputs of some slices."""
        span = range(-self.reach, self.reach + 1)
        return sorted({z + step for z in slices for step in span})

    def slice_of(self, position: int) -> int:
        """Return the slice that a position shows."""
        return min(max(position, 0), self.slice_count - 1)

    def window(self, position: int) -> list[int]:
        """Return the slices that the network sees at a position: the one that it shows in the middle."""
        return around(self.slice_of(position), self.slices, self.slice_count)

    def seen(self, z: int) -> list[int]:
        """Return all slices (ascending) on which the output for slice ``z`` depends."""
        return sorted({other for position in self.needed([z]) for other in self.window(position)})

    def turned(self, image: Image, position: int) -> Image:
        """Return normalised images (slices, y, x) as the network is given them at this position."""
        if self.noisy:
            image = reduced(image)
        return np.ascontiguousarray(np.rot90(image, self._quarters(position), axes=(-2, -1)))

    def turned_back(self, image: Image, position: int, shape: tuple[int, int]) -> Image:
        """Return an image (y, x) that the network was given, or put out, in the ``shape`` that it had."""
        upright = np.rot90(image, -self._quarters(position), axes=(-2, -1))
        return enlarged(upright, shape) if self.noisy else upright

    def _quarters(self, position: int) -> int:
        return position % 4 if self.reach else 0


@dataclass(frozen=True)
class NetworkOutput:
    """What the network put out at a position.

    Attributes
    ----------
    position
        The slice, or the slice that it stands in for.
    values
        The label head's output (y, x), turned back; None where there was nothing to see.
    like_previous
        Whether its slice resembles that of the position before.
    recognised
        The share of the pixels that were redrawn within one standard deviation; None if not tried.
    field
        What of the slice was measured; None where there was nothing to see.
    """

    position: int
    values: Image | None
    like_previous: bool = True
    recognised: float | None = None
    field: Field | None = None


class Mean:
    """Gathers outputs in any order, and gives each slice's mean once it has all of them."""

    def __init__(self, neighbours: Neighbours, slices: Iterable[int]) -> None:
        """Wait for what ``slices`` need."""
        self._neighbours = neighbours
        self._missing = set(slices)
        self._outputs: dict[int, NetworkOutput] = {}

    def add(self, output: NetworkOutput) -> list[NetworkOutput]:
        """Take an output; return the slices that are complete with it, with their means."""
        self._outputs[output.position] = output
        complete = [z for z in self._affected(output.position) if self._has_all(z)]
        means = [self._mean(z) for z in complete]
        self._missing.difference_update(complete)
        for position in [position for position in self._outputs if not self._affected(position)]:
            del self._outputs[position]
        return means

    def _has_all(self, z: int) -> bool:
        return all(position in self._outputs for position in self._neighbours.needed([z]))

    def _affected(self, position: int) -> list[int]:
        """The unfinished slices in which a position has a say: those around it."""
        return [z for z in self._neighbours.needed([position]) if z in self._missing]

    def _mean(self, z: int) -> NetworkOutput:
        own = self._outputs[z]
        if own.values is None:
            return own
        total = np.array(own.values, order="C")
        counts: Image | np.float32 = np.float32(1)
        if self._neighbours.reach:
            before, after = self._outputs[z - 1], self._outputs[z + 1]
            for other, is_like in ((before, own.like_previous), (after, after.like_previous)):
                if is_like and other.values is not None:
                    # Where a neighbour was not measured, it has no say.
                    seen = (
                        True if other.field is None or other.field.measured is None else other.field.measured
                    )
                    np.add(total, other.values, out=total, where=seen)
                    counts = counts + np.asarray(seen, np.float32)
        mean = total / counts
        if own.field is not None:
            own.field.clear(mean)
        return NetworkOutput(z, mean, own.like_previous, own.recognised, own.field)
