"""Three looks at every slice for the price of one: its neighbours', each turned another way.

The network sees one slice at a time, and errs a little differently on each and in each direction, while
membranes hardly move from one slice to the next. So every slice is turned by a quarter more than the one
before it, and what is labelled is the mean of the network's outputs for a slice and its two neighbours. Each
slice goes through the network once. The first and the last slice have a neighbour less and are looked at once
more, turned on. A neighbour that does not resemble the slice (unrelated pictures, a jump) is left out.

Looks are numbered like the slices, from −1 to the number of slices, both included.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from skimage.measure import block_reduce

Image = NDArray[np.float32]
LookCount = Literal[1, 3]

#: Correlation of neighbouring slices, coarsened, from which on they show the same. Measured: above 0.95 in
#: tomograms (0.4 where a phantom's structures end), at most 0.5 between different tomograms.
RESEMBLANCE = 0.8
_COARSE_PX = 4


@dataclass(frozen=True)
class Looks:
    """Which slice each look shows, and how it is turned; ``each`` is 1 or 3 for every slice."""

    each: LookCount
    slice_count: int

    @property
    def reach(self) -> int:
        """How many neighbours on each side have a say."""
        return (self.each - 1) // 2

    def needed(self, slices: Iterable[int]) -> list[int]:
        """Return the looks (ascending) that make up the outputs of some slices."""
        span = range(-self.reach, self.reach + 1)
        return sorted({z + step for z in slices for step in span})

    def slice_of(self, look: int) -> int:
        """Return the slice that a look shows."""
        return min(max(look, 0), self.slice_count - 1)

    def turned(self, image: Image, look: int) -> Image:
        """Return an image (…, y, x) as the network is shown it in this look."""
        return np.ascontiguousarray(np.rot90(image, self._quarters(look), axes=(-2, -1)))

    def turned_back(self, image: Image, look: int) -> Image:
        """Undo ``turned``."""
        return np.rot90(image, -self._quarters(look), axes=(-2, -1))

    def _quarters(self, look: int) -> int:
        return look % 4 if self.reach else 0


@dataclass(frozen=True)
class Seen:
    """What came out of a look.

    Attributes
    ----------
    look
        Its number.
    values
        The label head's output (y, x), turned back; None where there was nothing to see.
    like_previous
        Whether its slice resembles that of the look before.
    recognised
        The share of the pixels that were redrawn within one standard deviation; None if not tried.
    """

    look: int
    values: Image | None
    like_previous: bool = True
    recognised: float | None = None


class Mean:
    """Gathers looks in any order, and gives each slice's mean once it has all of them."""

    def __init__(self, looks: Looks, slices: Iterable[int]) -> None:
        """Wait for the looks of ``slices``."""
        self._looks = looks
        self._missing = set(slices)
        self._seen: dict[int, Seen] = {}

    def add(self, seen: Seen) -> list[Seen]:
        """Take a look; return the slices that are complete with it, as looks with mean outputs."""
        self._seen[seen.look] = seen
        complete = [z for z in self._affected(seen.look) if self._has_all(z)]
        means = [self._mean(z) for z in complete]
        self._missing.difference_update(complete)
        for look in [look for look in self._seen if not self._affected(look)]:
            del self._seen[look]
        return means

    def _has_all(self, z: int) -> bool:
        return all(look in self._seen for look in self._looks.needed([z]))

    def _affected(self, look: int) -> list[int]:
        """The unfinished slices in which a look has a say: those around it."""
        return [z for z in self._looks.needed([look]) if z in self._missing]

    def _mean(self, z: int) -> Seen:
        own = self._seen[z]
        if own.values is None:
            return own
        total, count = np.array(own.values, order="C"), 1
        if self._looks.reach:
            before, after = self._seen[z - 1], self._seen[z + 1]
            for other, is_like in ((before, own.like_previous), (after, after.like_previous)):
                if is_like and other.values is not None:
                    total += other.values
                    count += 1
        return Seen(z, total / np.float32(count), own.like_previous, own.recognised)


def coarsened(image: Image) -> NDArray[np.floating]:
    """Return the means of a slice (y, x) over blocks of 4×4 pixels; a tiny one stays as it is."""
    edge = _COARSE_PX if min(image.shape) >= 4 * _COARSE_PX else 1
    height, width = (length // edge * edge for length in image.shape)
    means: NDArray[np.floating] = block_reduce(image[:height, :width], (edge, edge), np.mean)
    return means


def resemble(first: NDArray[np.floating], second: NDArray[np.floating]) -> bool:
    """Tell whether two coarsened slices show the same: by Pearson's correlation."""
    with np.errstate(divide="ignore", invalid="ignore"):  # a constant slice resembles nothing
        correlation = np.corrcoef(first.ravel(), second.ravel())[0, 1]
    return bool(correlation > RESEMBLANCE)
