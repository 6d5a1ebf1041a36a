"""What was found: how many objects, and why each may not be whole; small ones are left out here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.bodies.walls import Numbers
from sxtstudio.core.object_table import ObjectFlag, ObjectRow, ObjectTable
from sxtstudio.core.progress import Progress
from sxtstudio.core.walk import walk


@dataclass(frozen=True)
class FoundBodies:
    """The numbers of a volume: bodies first, then what bounds none.

    Attributes
    ----------
    count
        How many numbers there are, 1…count.
    bodies
        So many of them are bodies; the others are pieces of outline that enclose nothing.
    flags
        Of each number, from 1.
    """

    count: int
    bodies: int
    flags: tuple[frozenset[ObjectFlag], ...]

    def flagged(self, flag: ObjectFlag) -> int:
        """Return how many have a flag."""
        return sum(flag in flags for flags in self.flags)


def at_fill(found: FoundBodies, numbers: Iterable[int]) -> FoundBodies:
    """Return what was found, with some numbers flagged as cut at the edge of what was measured."""
    flags = list(found.flags)
    for number in numbers:
        flags[number - 1] |= {ObjectFlag.BORDER}
    return replace(found, flags=tuple(flags))


def bodies_table(found: FoundBodies) -> ObjectTable:
    """Return the table of what was found: a row per number, with its flags."""
    return ObjectTable({number: ObjectRow(flags=flags) for number, flags in enumerate(found.flags, 1)})


def flag_bodies(
    count: int,
    bodies: int,
    *,
    at_border: NDArray[np.bool_],
    is_open: NDArray[np.bool_] | None = None,
    doubtful: NDArray[np.bool_] | None = None,
) -> FoundBodies:
    """Return what was found, with flags; the arrays are of the numbers 0…count."""
    none = np.zeros(count + 1, np.bool_)
    columns = {
        ObjectFlag.BORDER: at_border,
        ObjectFlag.OPEN: none if is_open is None else is_open,
        ObjectFlag.DOUBTFUL: none if doubtful is None else doubtful,
        ObjectFlag.SHEET: np.arange(count + 1) > bodies,
    }
    flags = (frozenset(flag for flag, of in columns.items() if of[n]) for n in range(1, count + 1))
    return FoundBodies(count, bodies, tuple(flags))


def find_at_border(
    bodies: Numbers, count: int, progress: Progress | None = None
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the voxels of the numbers 0…count of a volume (z, y, x), and which of them touch a face.

    A single slice has no faces along z: all of it would touch them.
    """
    depth, height, width = bodies.shape
    voxels, result = np.zeros(count + 1, np.int64), np.zeros(count + 1, np.bool_)
    for box in walk((depth, height, width), bodies, progress=progress):
        part = bodies[box.slices]
        voxels += np.bincount(part.ravel(), minlength=count + 1)
        for axis, length in ((1, height), (2, width)):
            for face in (0, -1) if length > 1 else ():
                result[np.take(part, face, axis)] = True
        for z in {0, depth - 1} if depth > 1 else ():
            if box.start[0] <= z < box.stop[0]:
                result[part[z - box.start[0]]] = True
    result[0] = False
    return voxels, result


def renumber(numbers: Numbers, new: NDArray[np.uint32], progress: Progress, *, begin: bool = True) -> None:
    """Put ``new[n]`` in the place of each number n of a volume (z, y, x); ``begin`` as for ``walk``."""
    depth, height, width = numbers.shape
    for box in walk((depth, height, width), numbers, progress=progress, begin=begin):
        numbers[box.slices] = new[numbers[box.slices]]


def keep_large(numbers: Numbers, found: FoundBodies, smallest: int, progress: Progress) -> FoundBodies:
    """Leave out objects of fewer voxels than ``smallest``, membrane included, in place; return what stays."""
    progress.begin(2 * len(numbers), "small objects")
    voxels = np.zeros(found.count + 1, np.int64)
    depth, height, width = numbers.shape
    for box in walk((depth, height, width), numbers, progress=progress, begin=False):
        voxels += np.bincount(numbers[box.slices].ravel(), minlength=found.count + 1)
    stays = voxels >= max(1, smallest)
    stays[0] = False
    new = np.zeros(found.count + 1, np.uint32)
    new[stays] = np.arange(1, stays.sum() + 1)
    renumber(numbers, new, progress, begin=False)
    flags = tuple(flags for flags, kept in zip(found.flags, stays[1:], strict=True) if kept)
    return FoundBodies(len(flags), int(stays[: found.bodies + 1].sum()), flags)
