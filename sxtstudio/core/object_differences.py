"""By how much objects differ from what they were: one sum per object, which is 0 again when all is back.

Every voxel of the volume has a random-looking number of 64 bits that follows from its place alone. An object
that gains a voxel gains its number, one that loses it loses it again, modulo 2^64. Whatever the way back is
(undo, redo, or painting the same voxels by hand), the sum is 0 if the voxels are those of before; that it is
0 otherwise happens once in 2^64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box, Triple

Sums = dict[int, int]

# The memory for places and numbers is 40 bytes a changed voxel.
_AT_ONCE = 2_000_000


def differences(after: NDArray[np.uint32], changed: NDArray[np.uint32], box: Box, shape: Triple) -> Sums:
    """Return what a change of voxels adds to the sum of each object, modulo 2^64; sums of 0 are left out.

    Parameters
    ----------
    after
        The numbers of the objects in ``box`` after the change (z, y, x).
    changed
        The XOR of the numbers before and after it, of the same shape.
    box, shape
        Where that is, in a volume of this shape (z, y, x).
    """
    sums: Sums = {}
    _, height, width = changed.shape
    step = max(1, _AT_ONCE // max(1, height * width))
    for first in range(0, len(changed), step):
        part = changed[first : first + step]
        z, y, x = np.nonzero(part)
        if not len(z):
            continue
        now = after[first : first + step][z, y, x]
        places = (z + (first + box.start[0])) * shape[1] + (y + box.start[1])
        values = _mixed((places * shape[2] + (x + box.start[2])).astype(np.uint64))
        _add(sums, now, values)
        _add(sums, now ^ part[z, y, x], np.negative(values))
    return {number: value for number, value in sums.items() if value}


def added(sums: Sums, others: Sums) -> Sums:
    """Return two sums as one, without those that are 0."""
    both = dict(sums)
    for number, value in others.items():
        total = (both.get(number, 0) + value) % (1 << 64)
        if total:
            both[number] = total
        else:
            both.pop(number, None)
    return both


def _add(sums: Sums, numbers: NDArray[np.uint32], values: NDArray[np.uint64]) -> None:
    """Add the values of the voxels of each object to its sum; 0 is no object."""
    first = int(numbers[0])
    if (numbers == first).all():  # as in nearly every stroke
        names, totals = [first], [int(values.sum(dtype=np.uint64))]
    else:
        found, inverse = np.unique(numbers, return_inverse=True)
        summed = np.zeros(len(found), np.uint64)
        np.add.at(summed, inverse, values)
        names, totals = found.tolist(), summed.tolist()
    for name, total in zip(names, totals, strict=True):
        if name:
            sums[name] = (sums.get(name, 0) + total) % (1 << 64)


def _mixed(places: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a number of 64 bits for each place: splitmix64 (Steele, Lea, Flood 2014)."""
    mixed = (places + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed
