"""What changed in a box of labels, mask or objects, small enough to be kept: the XOR of before and after.

Applying a patch once more takes it back, applying it again makes it anew, and the order of the patches does
not matter: that is why a stroke may simply add one small patch per movement of the pointer.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box

#: Labels and masks are uint8, objects uint32.
Voxels = NDArray[Any]
BYTES: np.dtype[Any] = np.dtype(np.uint8)

#: Hears of each box whose voxels were changed, or changed back, and of the XOR of before and after.
OnWrite = Callable[[Box, Voxels], None]

# Fast compression: labels are mostly zeros, and a brush must follow the pointer.
_LEVEL = 1


class AnyPatch(Protocol):
    """A patch in memory or in a file; ``size`` is that of its packed data in bytes."""

    @property
    def box(self) -> Box:
        """What it covers."""

    @property
    def size(self) -> int:
        """Bytes of its packed data."""

    def loaded(self) -> Patch:
        """Return it with its data."""


@dataclass(frozen=True)
class Patch:
    """What changed within ``box``: the compressed XOR of its voxels before and after, uint8 or uint32.

    ``crc`` is the CRC-32 of the voxels of the box after it was made, 0 where nobody asks for it; ``dtype``
    that of the volume.
    """

    box: Box
    data: bytes
    crc: int = 0
    dtype: np.dtype[Any] = BYTES

    @classmethod
    def of(cls, box: Box, changed: Voxels, after: Voxels | None = None) -> Patch:
        """Pack the XOR of the voxels of ``box``, which are ``after`` now."""
        crc = 0 if after is None else checksum(after)
        return cls(box, zlib.compress(changed.tobytes(), _LEVEL), crc, changed.dtype)

    @property
    def size(self) -> int:
        """Bytes of its packed data."""
        return len(self.data)

    def loaded(self) -> Patch:
        """Return itself."""
        return self

    def unpack(self) -> Voxels:
        """Return the XOR of the voxels of the box; ValueError if the data hold anything else."""
        size = math.prod(self.box.shape) * self.dtype.itemsize
        unpacking = zlib.decompressobj()
        try:
            data = unpacking.decompress(self.data, size + 1)
        except zlib.error as error:
            raise ValueError(f"a damaged patch ({error})") from error
        if len(data) != size or not unpacking.eof:
            raise ValueError("a patch of another size")
        return np.frombuffer(data, self.dtype).reshape(self.box.shape)

    def apply(self, volume: Voxels, on_write: OnWrite | None = None) -> int:
        """Change ``volume`` (z, y, x), or change it back; return how many voxels more are not 0."""
        part = volume[self.box.slices]
        before = int(np.count_nonzero(part))
        changed = self.unpack()
        part ^= changed
        if on_write is not None:
            on_write(self.box, changed)
        return int(np.count_nonzero(part)) - before


def checksum(voxels: Voxels) -> int:
    """Return the CRC-32 of voxels, z slowest."""
    return zlib.crc32(np.ascontiguousarray(voxels).data)


def bounding_box(boxes: Iterable[Box]) -> Box | None:
    """Return the smallest box that holds all ``boxes``, or None if there are none."""
    found = list(boxes)
    if not found:
        return None
    z, y, x = (min(box.start[axis] for box in found) for axis in range(3))
    z_stop, y_stop, x_stop = (max(box.stop[axis] for box in found) for axis in range(3))
    return Box((z, y, x), (z_stop, y_stop, x_stop))


def nonzero_box(changed: Voxels) -> Box | None:
    """Return the smallest box around what is not 0."""
    if not changed.any():
        return None
    ranges = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        hit = np.flatnonzero(changed.any(axis=others))
        ranges.append((int(hit[0]), int(hit[-1]) + 1))
    (z, z_stop), (y, y_stop), (x, x_stop) = ranges
    return Box((z, y, x), (z_stop, y_stop, x_stop))
