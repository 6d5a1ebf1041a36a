"""Boxes in voxel coordinates. Axes are always (z, y, x)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

Triple = tuple[int, int, int]


@dataclass(frozen=True)
class Box:
    """A half-open block of voxels: ``start`` is inside, ``stop`` is not; both are (z, y, x)."""

    start: Triple
    stop: Triple

    def __post_init__(self) -> None:
        """Refuse boxes that are empty or begin before the first voxel."""
        if any(a < 0 or b <= a for a, b in zip(self.start, self.stop, strict=True)):
            raise ValueError(f"not a box: {self.start}…{self.stop}")

    @classmethod
    def whole(cls, shape: Triple) -> Box:
        """Return the box that holds every voxel of a volume of this shape."""
        return cls((0, 0, 0), shape)

    @classmethod
    def slab(cls, first: int, last: int, shape: Triple) -> Box:
        """Return the slices ``first`` to ``last`` (not included) at full width and height."""
        return cls((first, 0, 0), (last, shape[1], shape[2]))

    @property
    def shape(self) -> Triple:
        """Size in voxels, (z, y, x)."""
        return (
            self.stop[0] - self.start[0],
            self.stop[1] - self.start[1],
            self.stop[2] - self.start[2],
        )

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """The box as an index into a (z, y, x) array."""
        return (
            slice(self.start[0], self.stop[0]),
            slice(self.start[1], self.stop[1]),
            slice(self.start[2], self.stop[2]),
        )

    def grown(self, margin: Triple, shape: Triple) -> Box:
        """Return the box widened by ``margin`` voxels on each side, cut at the volume's borders."""
        low = [max(0, a - m) for a, m in zip(self.start, margin, strict=True)]
        high = [min(n, b + m) for b, m, n in zip(self.stop, margin, shape, strict=True)]
        return Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))

    def relative_to(self, outer: Box) -> Box:
        """Return this box in the coordinates of ``outer``, which must contain it."""
        low = [a - o for a, o in zip(self.start, outer.start, strict=True)]
        high = [b - o for b, o in zip(self.stop, outer.start, strict=True)]
        return Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))


def slabs(shape: Triple, thickness: int) -> Iterator[Box]:
    """Yield boxes of at most ``thickness`` slices that cover the volume from the first slice on."""
    for first in range(0, shape[0], thickness):
        yield Box.slab(first, min(first + thickness, shape[0]), shape)
