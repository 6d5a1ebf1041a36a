"""A small copy of a tomogram in memory, from which slices across the file's own slices are cut at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume, VoxelSize
from sxtstudio.core.walk import walk

# A volume up to this size is kept whole; the binned copy of a larger one stays below the other.
WHOLE_BYTES = 256 << 20
BINNED_BYTES = 100 << 20
_READ_BYTES = 32 << 20


@dataclass(frozen=True, eq=False)
class Overview:
    """A tomogram, whole or binned.

    Attributes
    ----------
    data
        The voxels as they are, or float16 means of ``bins`` voxels, as (value - offset) / scale.
    bins
        How many voxels along (z, y, x) make one of ``data``; the last ones may be of fewer.
    """

    data: NDArray[Any]
    bins: Triple
    offset: float = 0.0
    scale: float = 1.0

    @property
    def exact(self) -> bool:
        """Whether it is the tomogram itself."""
        return self.bins == (1, 1, 1) and self.data.dtype != np.float16

    def plane(self, axis: int, index: int) -> NDArray[Any]:
        """Return the (binned) slice through voxel ``index`` of ``axis``, in the order of the other axes."""
        cut: NDArray[Any] = np.take(self.data, index // self.bins[axis], axis=axis)
        if self.data.dtype != np.float16:
            return cut
        values: NDArray[Any] = cut.astype(np.float32)
        values *= np.float32(self.scale)
        values += np.float32(self.offset)
        return values


def bins_for(shape: Triple, voxel_nm: VoxelSize | None, budget_bytes: int = BINNED_BYTES) -> Triple:
    """Return how many voxels along (z, y, x) to average so that float16 means fit into the budget.

    The axis with the finest voxels is binned first, and never more than needed.
    """
    edges = voxel_nm or (1.0, 1.0, 1.0)
    bins = [1, 1, 1]

    def needed() -> int:
        return 2 * int(np.prod([-(-n // b) for n, b in zip(shape, bins, strict=True)]))

    while needed() > max(2, budget_bytes):
        # x before y before z where they are equal; an axis that is used up gives no room.
        axis = min(
            (a for a in (2, 1, 0) if bins[a] < shape[a]),
            key=lambda a: round(edges[a] * bins[a], 6),
            default=2,
        )
        bins[axis] += 1
    return (bins[0], bins[1], bins[2])


def build_overview(
    volume: Volume,
    progress: Progress | None = None,
    *,
    whole_bytes: int = WHOLE_BYTES,
    binned_bytes: int = BINNED_BYTES,
) -> Overview:
    """Read a volume once, from the first to the last slice, and keep what fits.

    Parameters
    ----------
    volume
        The tomogram, (z, y, x).
    progress
        Counts the slices; asked whether the user cancelled.
    whole_bytes, binned_bytes
        A volume up to the former is kept as it is, a larger one is binned into the latter.
    """
    shape, dtype = volume.shape, volume.dtype
    progress = progress or Progress()
    progress.begin(shape[0], "preparing the side views")
    slice_bytes = shape[1] * shape[2] * dtype.itemsize
    if shape[0] * slice_bytes <= whole_bytes:
        data = np.empty(shape, dtype)
        voxels = _READ_BYTES // dtype.itemsize
        for box in walk(shape, progress=progress, begin=False, voxels=voxels):
            data[box.slices] = volume.read(box)
        return Overview(data, (1, 1, 1))
    bins = bins_for(shape, volume.voxel_nm, binned_bytes)
    offset, scale = _range(volume)
    small = np.empty([-(-n // b) for n, b in zip(shape, bins, strict=True)], np.float16)
    with np.errstate(all="ignore"):
        for index, first in enumerate(range(0, shape[0], bins[0])):
            last = min(first + bins[0], shape[0])
            total = np.zeros(small.shape[1:], np.float32)
            for z in range(first, last):  # one slice at a time: slices can be large
                image = volume.read(Box.slab(z, z + 1, shape))[0]
                total += binned(binned(image, bins[1], 0), bins[2], 1)
                progress.step()
            total /= last - first
            total -= np.float32(offset)
            total /= np.float32(scale)
            total[~np.isfinite(total)] = 0
            small[index] = np.clip(total, -60000, 60000)
    return Overview(small, bins, offset, scale)


def binned(image: NDArray[Any], count: int, axis: int) -> NDArray[np.float32]:
    """Return means of ``count`` neighbours along an axis of a 2D image; the last may be of fewer."""
    length = image.shape[axis]
    whole = length - length % count

    def every(first: int, last: int | None = None, step: int | None = None) -> NDArray[Any]:
        return image[first:last:step] if axis == 0 else image[:, first:last:step]

    means = every(0, whole, count).astype(np.float32)
    for first in range(1, count):
        means += every(first, whole, count)
    means /= count
    if whole == length:
        return means
    rest = every(whole).mean(axis=axis, keepdims=True, dtype=np.float32)
    return np.concatenate((means, rest), axis=axis)


def _range(volume: Volume) -> tuple[float, float]:
    """Return centre and width of the grey values of the middle slice."""
    middle = volume.shape[0] // 2
    values = volume.read(Box.slab(middle, middle + 1, volume.shape)).ravel()[::7].astype(np.float64)
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    low, centre, high = np.percentile(values, [1, 50, 99])
    width = float(high - low)
    return float(centre), width if width > 0 else max(1.0, abs(float(centre)))
