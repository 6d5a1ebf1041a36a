"""What a network is shown of a slice: the slice alone, or a window of slices around it as channels.

    a network for five slices      z−2  z−1   z   z+1  z+2    in the order of z; the middle one is outlined
    at the second slice (z = 1)     0    0    1    2    3     beyond a border the border's slice is repeated
    a jump before slice z           z    z    z   z+1  z+2    what does not resemble slice z is replaced by it

Each slice is normalised on its own, as for a network that sees one slice. Where a neighbour was not measured
and the slice was, the slice itself stands for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box
from sxtstudio.core.measured import Mask
from sxtstudio.core.normalise import normalise
from sxtstudio.core.resemblance import around, coarsened, resemble
from sxtstudio.core.volume import Volume
from sxtstudio.segment.field import Field
from sxtstudio.segment.neighbours import Image

# Read together, for the sake of formats that pack several slices into a compressed block.
_READ_BYTES = 32_000_000


@dataclass(frozen=True, eq=False)
class ContextSlice:
    """A slice, normalised (y, x), what of it was measured, and itself coarsened where that is wanted."""

    values: Image
    measured: Mask | None
    coarse: NDArray[np.floating] | None = None


class SliceRing:
    """The few slices of a volume that are needed now, each read and normalised once."""

    def __init__(self, volume: Volume, needed: Iterable[int], *, compared: bool) -> None:
        """Read the slices ``needed`` (ascending); ``compared`` says whether ``alike`` will be asked."""
        self._source = _read(volume, needed)
        self._compared = compared
        self._planes: dict[int, ContextSlice | None] = {}
        self._alike: dict[tuple[int, int], bool] = {}

    @property
    def held(self) -> tuple[int, ...]:
        """The slices in memory."""
        return tuple(self._planes)

    def plane(self, z: int) -> ContextSlice | None:
        """Return a slice, which must not be forgotten yet; None where there is nothing to see."""
        while z not in self._planes:
            index, plane = next(self._source)
            if plane is not None and self._compared:
                plane = ContextSlice(plane.values, plane.measured, coarsened(plane.values, plane.measured))
            self._planes[index] = plane
        return self._planes[z]

    def alike(self, first: int, second: int) -> bool:
        """Return whether two slices show the same."""
        pair = (min(first, second), max(first, second))
        if pair not in self._alike:
            low, high = (self.plane(z) for z in pair)
            known = low is not None and high is not None
            self._alike[pair] = known and resemble(_coarse(low), _coarse(high))
        return self._alike[pair]

    def stack(self, window: Sequence[int], field: Field) -> Image:
        """Return the box of a window (slices, y, x); the middle slice must have something to see."""
        z = window[len(window) // 2]
        own = self.plane(z)
        if own is None:
            raise ValueError(f"there is nothing to see in slice {z}")
        images = []
        for other in window:
            plane = self.plane(other) if other == z or self.alike(z, other) else None
            images.append(field.cut(own.values if plane is None else _filled(plane, own)))
        return stacked(images)

    def forget_before(self, z: int) -> None:
        """Give the memory of earlier slices back."""
        for index in [index for index in self._planes if index < z]:
            del self._planes[index]
        for pair in [pair for pair in self._alike if pair[0] < z]:
            del self._alike[pair]


def stacked(images: Sequence[Image]) -> Image:
    """Return images of one shape as one array, not to be written to: of a single one it is no copy."""
    return np.stack(images) if len(images) > 1 else images[0][np.newaxis]


def stack_of(volume: Volume, z: int, slices: int) -> Image | None:
    """Return what a network for several slices is shown of slice ``z``: its field (slices, y, x), or None."""
    window = around(z, slices, volume.shape[0])
    ring = SliceRing(volume, sorted(set(window)), compared=True)
    own = ring.plane(z)
    return None if own is None else ring.stack(window, Field(volume.shape[1:], own.measured))


def _coarse(plane: ContextSlice | None) -> NDArray[np.floating]:
    if plane is None or plane.coarse is None:
        raise ValueError("the slice was not coarsened")
    return plane.coarse


def _filled(plane: ContextSlice, own: ContextSlice) -> Image:
    """A neighbour's pixels, and the slice's own where only they were measured."""
    if plane is own or plane.measured is None:
        return plane.values
    lacking = ~plane.measured if own.measured is None else own.measured & ~plane.measured
    return np.where(lacking, own.values, plane.values)


def _read(volume: Volume, indices: Iterable[int]) -> Iterator[tuple[int, ContextSlice | None]]:
    slice_bytes = volume.shape[1] * volume.shape[2] * volume.dtype.itemsize
    most = max(1, _READ_BYTES // slice_bytes)
    for first, last in _runs(indices, most):
        slab = volume.read(Box.slab(first, last, volume.shape))
        for z, plane in zip(range(first, last), slab, strict=True):
            found = normalise(plane)
            yield z, None if found is None else ContextSlice(found.values, found.measured)


def _runs(indices: Iterable[int], most: int) -> Iterator[tuple[int, int]]:
    """Join neighbouring indices to half-open runs of at most ``most``."""
    first = last = -1
    for z in indices:
        if first >= 0 and z == last and last - first < most:
            last += 1
            continue
        if first >= 0:
            yield first, last
        first, last = z, z + 1
    if first >= 0:
        yield first, last
