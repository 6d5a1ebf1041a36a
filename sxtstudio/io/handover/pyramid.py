"""Images of OME-Zarr in several resolutions, written level by level, each from the one before."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.progress import Progress
from sxtstudio.core.verified import NotAsWritten
from sxtstudio.core.volume import Volume, VoxelSize
from sxtstudio.core.walk import walk
from sxtstudio.io.export_zarr import CHUNK, Level, new_array
from sxtstudio.io.zarr_store import open_array

#: An axis is halved from level to level while it has more voxels than that.
_LARGEST_SMALL = 256
_MOST_LEVELS = 6
_VOXELS = 8_000_000  # that are averaged at once

Halve = Callable[[NDArray[Any], Triple], NDArray[Any]]
Convert = Callable[[NDArray[Any]], NDArray[Any]]


def every_second(part: NDArray[Any], factors: Triple) -> NDArray[Any]:
    """Return every second label along the axes of factor 2: labels are not averaged."""
    z, y, x = factors
    return np.ascontiguousarray(part[::z, ::y, ::x])


def means(part: NDArray[Any], factors: Triple) -> NDArray[Any]:
    """Return the means of neighbours along the axes of factor 2; a last one alone stays what it is."""
    for axis, factor in enumerate(factors):
        if factor == 2:
            part = _halved(part, axis)
    return part


def _halved(part: NDArray[Any], axis: int) -> NDArray[Any]:
    moved = np.moveaxis(part, axis, 0)
    halved = moved[::2].copy()
    odd = moved[1::2]
    exact = np.float32 if part.dtype.itemsize <= 2 else np.float64
    both = (halved[: len(odd)].astype(exact) + odd.astype(exact)) / 2
    halved[: len(odd)] = np.rint(both) if part.dtype.kind in "iu" else both
    return np.moveaxis(halved, 0, axis)


@dataclass(frozen=True)
class Sizes:
    """Number and shape of a level, and by what its axes were divided since the one before and in all."""

    number: int
    shape: Triple
    factors: Triple
    total: Triple


def levels_of(shape: Triple) -> list[Sizes]:
    """Return the levels of a volume of this shape (z, y, x): each axis is halved while it is long."""
    found = [Sizes(0, shape, (1, 1, 1), (1, 1, 1))]
    while max(found[-1].shape) > _LARGEST_SMALL and len(found) < _MOST_LEVELS:
        before = found[-1]
        z, y, x = (2 if n > _LARGEST_SMALL // 2 else 1 for n in before.shape)
        depth, height, width = (-(-n // f) for n, f in zip(before.shape, (z, y, x), strict=True))
        totals = [a * b for a, b in zip(before.total, (z, y, x), strict=True)]
        found.append(Sizes(len(found), (depth, height, width), (z, y, x), (totals[0], totals[1], totals[2])))
    return found


class _Finer:
    """A level made of the one before it."""

    def __init__(self, folder: Path, before: Sizes, size: Sizes, halve: Halve) -> None:
        self._array = open_array(folder / str(before.number))
        self._before, self._size, self._halve = before, size, halve

    def read(self, box: Box) -> NDArray[Any]:
        factor = self._size.factors[0]
        last = min(box.stop[0] * factor, self._before.shape[0])
        return self._halve(np.asarray(self._array[box.start[0] * factor : last]), self._size.factors)


class Pyramid:
    """An image in several resolutions, and what was written of each, to compare."""

    def __init__(self, folder: Path, target: Path, shape: Triple, dtype: np.dtype[Any], halve: Halve) -> None:
        """Write to ``folder``, which exists; ``target`` is the final name, which errors say."""
        self._folder, self._target = folder, target
        self._dtype, self._halve = dtype, halve
        self.sizes = levels_of(shape)
        self._sums: list[tuple[int, Box, int]] = []

    @property
    def slices(self) -> int:
        """How many steps ``write`` and ``compare`` take each."""
        return sum(size.shape[0] for size in self.sizes)

    def write(self, volume: Volume, convert: Convert, progress: Progress) -> None:
        """Write all levels; ``convert`` turns what ``volume`` reads into what is stored."""
        for number, size in enumerate(self.sizes):
            array = new_array(self._folder / str(number), size.shape, self._dtype)
            finer = _Finer(self._folder, self.sizes[number - 1], size, self._halve) if number else None
            for box in walk(size.shape, progress=progress, begin=False, slices=CHUNK[0]):
                part = np.empty(box.shape, self._dtype)
                for few in walk(box.shape, voxels=_VOXELS // math.prod(size.factors)):
                    first, last = few.start[0] + box.start[0], few.stop[0] + box.start[0]
                    inside = Box.slab(first, last, size.shape)
                    part[few.slices] = convert(volume.read(inside)) if finer is None else finer.read(inside)
                array[box.start[0] : box.stop[0]] = part
                self._sums.append((number, box, zlib.crc32(part.data)))

    def compare(self, progress: Progress) -> None:
        """Read all levels back; raises NotAsWritten where they differ."""
        arrays = [open_array(self._folder / str(number)) for number in range(len(self.sizes))]
        for number, box, checksum in self._sums:
            part = np.ascontiguousarray(arrays[number][box.start[0] : box.stop[0]], self._dtype)
            if zlib.crc32(part.data) != checksum:
                raise NotAsWritten(
                    f"{self._target.name} was not written: what was read back from the disk differs in level "
                    f"{number}. Check the disk."
                )
            progress.step(box.shape[0])

    def described(self, voxel_nm: VoxelSize | None, origin_nm: VoxelSize | None) -> list[Level]:
        """Return scale and place of each level: means lie between the voxels that they were made of."""
        voxel, origin = voxel_nm or (1.0, 1.0, 1.0), origin_nm or (0.0, 0.0, 0.0)
        between = 0.5 if self._halve is means else 0.0
        found = []
        for number, size in enumerate(self.sizes):
            scale = [edge * n for edge, n in zip(voxel, size.total, strict=True)]
            place = [
                start + between * (n - 1) * edge
                for start, n, edge in zip(origin, size.total, voxel, strict=True)
            ]
            found.append(Level(str(number), (scale[0], scale[1], scale[2]), (place[0], place[1], place[2])))
        return found
