"""Which slices of a tomogram are read for its quality, and what of them was measured."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box
from sxtstudio.core.growing import grown
from sxtstudio.core.measured import Mask, measured_pixels
from sxtstudio.core.progress import Progress
from sxtstudio.core.quality.resolution import DISTANCES_PX
from sxtstudio.core.volume import Volume

#: So many slices show what lies where; beads are longer along z than these are apart.
PLACES = 40
#: At so many of them neighbours are read as well.
GROUPS = 8
#: What of a slice was measured is looked at with about so many pixels along its longer side.
_FILL_PX = 400


@dataclass(frozen=True)
class SampledSlices:
    """Slices to read.

    Attributes
    ----------
    places
        Spread evenly over the tomogram, ascending.
    groups
        Slices that are compared with each other, a tuple for each place.
    """

    places: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...]

    @property
    def slices(self) -> tuple[int, ...]:
        """All slices to read, ascending."""
        return tuple(sorted({*self.places, *(z for group in self.groups for z in group)}))


def sample_of(volume: Volume) -> SampledSlices:
    """Return which slices of a volume are read: at most 96, whatever its size."""
    depth = volume.shape[0]
    places = spread(0, depth - 1, PLACES)
    apart = 1.0 if volume.voxel_nm is None else volume.voxel_nm[0] / volume.voxel_nm[2]
    steps = sorted({0, *(max(1, round(distance / apart)) for distance in DISTANCES_PX)})
    steps = [step for step in steps if step < depth]
    margin = min((depth - 1 - steps[-1]) // 2, depth // 10)  # the first and last slices are the noisiest
    starts = spread(margin, depth - 1 - steps[-1] - margin, GROUPS)
    groups = tuple(tuple(start + step for step in steps) for start in starts) if len(steps) > 1 else ()
    return SampledSlices(places, groups)


def spread(first: int, last: int, count: int) -> tuple[int, ...]:
    """Return at most ``count`` whole numbers from ``first`` to ``last``, evenly spread."""
    return tuple(int(z) for z in np.unique(np.linspace(first, last, min(count, last - first + 1)).round()))


def read_slices(
    volume: Volume, slices: tuple[int, ...], progress: Progress, ready: Mapping[int, NDArray[Any]]
) -> Iterator[tuple[int, NDArray[Any], Mask | None]]:
    """Yield the slices one after another: z, pixels (y, x), and which were measured (None: all).

    Those that are ``ready`` are not read again.

    Raises
    ------
    Cancelled
        If the user stopped it.
    """
    for z in slices:
        image = ready[z] if z in ready else volume.read(Box.slab(z, z + 1, volume.shape))[0]
        yield z, image, known_pixels(image)
        progress.step()


def known_pixels(image: NDArray[Any]) -> Mask | None:
    """Return which pixels of a slice were measured, to about 1/400 of its longer side; None: all."""
    every = max(1, math.ceil(max(image.shape) / _FILL_PX))
    thin = measured_pixels(np.ascontiguousarray(image[::every, ::every]))
    if thin is None or every == 1:
        return thin
    inner = ~grown(~thin)
    known: Mask = np.repeat(np.repeat(inner, every, axis=0), every, axis=1)
    return known[: image.shape[0], : image.shape[1]]
