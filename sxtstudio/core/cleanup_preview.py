"""What the clean-up will make of one slice, from the slices around it, without cleaning the whole volume.

Smoothing, closing, dilation and erosion look a known number of slices far. For the size of an object a few
slices mostly do as well: an object that ends within them is known whole, and one that is large enough there
is large enough. Only small parts that leave the slices that were read are undecided; for them more slices
are read, until none is left in the slice of interest or the budget of voxels is spent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.cleanup import CleanParameters, check_parameters, clean
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.labels import as_labels
from sxtstudio.core.objects import label_objects
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume, VoxelSize

# About 0.4 GB at once, and a second of time.
BUDGET_VOXELS = 64_000_000
_FIRST_REACH = 6

ReadLabels = Callable[[int, int], NDArray[np.uint8]]


@dataclass(frozen=True)
class CleanPreview:
    """The cleaned slice ``z``: uint8 (y, x), and how many voxels it had and has.

    ``exact`` is False where small parts were kept that may or may not belong to large objects.
    """

    z: int
    labels: NDArray[np.uint8]
    exact: bool
    voxels_before: int
    voxels_after: int


class _Slab:
    """Volume of which only some slices are seen, for the mask."""

    def __init__(self, volume: Volume, first: int, last: int) -> None:
        self._volume, self._first = volume, first
        self.shape: Triple = (last - first, *volume.shape[1:])
        self.dtype, self.voxel_nm = volume.dtype, volume.voxel_nm

    def read(self, box: Box) -> NDArray[np.uint8]:
        (z, y, x), (z_stop, y_stop, x_stop) = box.start, box.stop
        return self._volume.read(Box((z + self._first, y, x), (z_stop + self._first, y_stop, x_stop)))


def preview_slice(
    read: ReadLabels,
    shape: Triple,
    z: int,
    parameters: CleanParameters,
    *,
    voxel_nm: VoxelSize | None = None,
    mask: Volume | None = None,
    progress: Progress | None = None,
    budget_voxels: int = BUDGET_VOXELS,
) -> CleanPreview:
    """Clean slice ``z`` as ``clean`` would with the whole volume.

    Parameters
    ----------
    read
        Returns the labels of the slices from the first to the one before the second argument, uint8
        (z, y, x), 0 or 255.
    shape
        Of all labels, (z, y, x).
    parameters, voxel_nm, mask
        As for ``clean``.
    progress
        Cancels.
    budget_voxels
        Most voxels that are looked at.

    Raises
    ------
    UserError
        As ``clean``.
    Cancelled
        If ``progress`` was cancelled.
    """
    progress = progress or Progress()
    check_parameters(parameters, shape)
    limit = _smallest(parameters, voxel_nm)
    p = parameters
    margin = p.smooth_z + (p.erode + p.dilate + 2 * p.close if p.erode_3d else 0)
    early = replace(parameters, min_size_voxels=None, min_size_nm3=None, crop=(0, 0, 0))
    most = max(1, budget_voxels // (shape[1] * shape[2]))
    before = int(np.count_nonzero(read(z, z + 1)))
    reach = 0 if limit <= 1 else _FIRST_REACH
    while True:
        progress.check()
        first, last = max(0, z - reach - margin), min(shape[0], z + reach + margin + 1)
        labels = np.array(read(first, last))
        largest = np.uint8(labels.max(initial=0))
        slab_mask = None if mask is None else _Slab(mask, first, last)
        clean(labels, early, out=labels, mask=slab_mask, progress=_only_cancel(progress))
        # What lies closer than the margin to a cut saw too little.
        low = first if first == 0 else first + margin
        high = last if last == shape[0] else last - margin
        labels = labels[low - first : high - first]
        if limit <= 1:
            result, undecided = labels[z - low], False
            break
        result, undecided = _without_small(labels, z - low, limit, low > 0, high < shape[0])
        everything = low == 0 and high == shape[0]
        if not undecided or everything or 2 * (2 * reach + 2 * margin) > most:
            break
        reach *= 2
    if largest:
        result = as_labels(result)
    result = _cropped(result, z, shape[0], parameters.crop)
    return CleanPreview(z, result, not undecided, before, int(np.count_nonzero(result)))


def _without_small(
    labels: NDArray[np.uint8], z: int, limit: int, cut_above: bool, cut_below: bool
) -> tuple[NDArray[np.uint8], bool]:
    """Take objects that are surely too small out of a slice; return whether some could not be judged."""
    numbers, number = label_objects(labels)
    sizes = np.zeros(number + 1, np.int64)
    for plane in numbers:  # without the background, which is most of the volume
        part = np.bincount(plane[plane > 0])
        sizes[: len(part)] += part
    small = sizes < limit
    small[0] = False
    goes_on = np.zeros(number + 1, bool)
    if cut_above:
        goes_on[numbers[0]] = True
    if cut_below:
        goes_on[numbers[-1]] = True
    here = numbers[z]
    surely_small = (small & ~goes_on)[here]
    undecided = bool((small & goes_on)[here].any())
    return np.where(surely_small, np.uint8(0), labels[z]), undecided


def _cropped(plane: NDArray[np.uint8], z: int, depth: int, crop: Triple) -> NDArray[np.uint8]:
    dz, dy, dx = crop
    if z < dz or z >= depth - dz:
        return np.zeros_like(plane)
    cropped = plane.copy()
    cropped[:dy] = 0
    cropped[plane.shape[0] - dy :] = 0
    cropped[:, :dx] = 0
    cropped[:, plane.shape[1] - dx :] = 0
    return cropped


def _smallest(parameters: CleanParameters, voxel_nm: VoxelSize | None) -> int:
    """Voxels of the smallest object that stays; clean says what is wrong with the parameters."""
    probe = np.zeros((1, 1, 1), np.uint8)
    clean(probe, replace(parameters, crop=(0, 0, 0)), voxel_nm=voxel_nm)
    limit = parameters.min_size_voxels or 0
    if parameters.min_size_nm3 and voxel_nm is not None:
        # The same rounding as clean: an object whose volume is the limit stays.
        limit = max(limit, math.ceil(parameters.min_size_nm3 / math.prod(voxel_nm) * (1 - 1e-9)))
    return limit


def _only_cancel(progress: Progress) -> Progress:
    """Return a counter that nobody sees but that is cancelled with ``progress``."""
    return progress.part(0.0)
